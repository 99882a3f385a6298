#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mutant.sh TEST...: the quick tests one after the other, as far as the first that
# fails. The last line names that one, or says "survives".

cd /tmp || exit

try()
{
	name=$1
	script=$2
	shift 2
	if ! sh "/guest/$script.sh" "$@" >"$name.log" 2>&1 || grep -q '^ *not ok' "$name.log" ||
		! grep -q '^ *ok' "$name.log"; then
		grep '^ *not ok' "$name.log"
		echo "killed by $name"
		exit 1
	fi
}

for test; do
	case $test in
	model) try model model 600,1 groupsize=2 ;;
	kunit) try kunit kunit groupsize=2 ;;
	observed) try observed kunit "groupsize=2 rules=observed groupaware=1 verify=1" ;;
	twins) try twins user 1 "" 100 ;;
	*) exit 2 ;;
	esac
done
echo survives
