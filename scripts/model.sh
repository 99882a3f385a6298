#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make model" does: the rules beside a second model of them (kunit/model), in
# random histories. Prints KTAP, and of a difference the shortest history that shows
# it.
#
#   model.sh                          all of it
#   model.sh user [HISTORIES [SEED]]  src/affinity.c, topology.h and topology.c in
#                                     user space, on random machines
#   model.sh NAME [HISTORIES [SEED]]  the DDIs on the kernel NAME, which build.sh has
#                                     built for

. "$(dirname "$0")/lib.sh"

scripts=$tree/scripts
dir=$work/model

in_user_space()
{
	local header source=$tree/kunit/model
	mkdir -p "$dir/include/linux"
	# What the kernel's headers would bring stands in shim.h.
	sed -nE 's,^#include <(linux/.*\.h)>,\1,p' "$tree"/src/{affinity,topology}.[ch] | sort -u |
		while read -r header; do : >"$dir/include/$header"; done
	gcc -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
		-include "$source/shim.h" -I"$dir/include" -I"$tree/src" -I"$source" -o "$dir/model" \
		"$source"/{model,history,user,hotplug}.c "$tree/src/affinity.c" ||
		die "kunit/model does not build without complaint"
	"$dir/model" "$@"
}

# Groups of 2, the other reading of the rules, and one group: a third of the histories
# each.
in_kernel()
{
	local name=$1 histories=$(((${2:-100000} + 2) / 3)) seed=${3:-1}
	# Seven: the last group is short.
	"$scripts/boot.sh" -p 0 -c 7 -t $((300 + histories / 100)) "$name" model.sh "$histories,$seed" groupsize=2 \
		"groupsize=2 rules=observed groupaware=1" groupsize=64
}

case ${1:-} in
'')
	lock "model-$(basename "$work")"
	"$scripts/packages.sh" check
	name=uml-7
	"$scripts/kernel.sh" "$name"
	"$scripts/build.sh" "$name"
	in_user_space
	in_kernel "$name"
	;;
user)
	shift
	lock "model-$(basename "$work")"
	in_user_space "$@"
	;;
*)
	in_kernel "$@"
	;;
esac
