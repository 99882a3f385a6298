#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make mutants" does: makes small changes of the sources, one at a time, each of
# which some test should notice, and tells which are not noticed. A change whose
# machine code is that of the original is none, and one that does not compile is none.
#
#   mutants.sh [-n NUMBER] [-s SEED] [-t MINUTES] [-r|-c] [-k KERNELS] [-u] [FILE...]
#
#   -n NUMBER   a random choice of so many; all of them if not given
#   -s SEED     another choice (1), and another order
#   -t MINUTES  begin no other change after that
#   -r          only what has survived until now; the table has all that was tried
#   -c          only what was not tried yet, likewise
#   -k KERNELS  of scripts/kernels, in place of "uml-7 debug-6.1 full-7 debug-rt-7"
#   -u          what survives is tried with user processes, too: a minute more for each
#   FILE        affinity.c and the like; all of those below if not given
#
# First affinity.c, topology.h and topology.c run beside their models in user space.
# What survives that, and the other files, runs in User Mode Linux: the DDIs beside the
# model, and the KUnit suites, as far as the first thing that fails. What survives that
# runs, in QEMU, those suites that show more there, where processors come and go and
# the kernel has probes: on 6.1, on 7.x, which keeps the mask of user mode, and on 7.x
# with PREEMPT_RT. Two machines on each processor, eight at the most, for they wait more
# than they work. No end in time, twice, counts as noticed.
#
# The order is random: what was tried so far is a sample. Results are kept for -r and
# -c, also of a run that was interrupted; without these a run begins anew, for its own
# files.
#
# A table at the end counts the changes of those files, with the survivors listed before
# it. Those that cannot be noticed stand in mutants/explained, each with the reason; they
# do not count, and neither do those with the same machine code. Exit status 0 only if at
# least 95 % of the rest were noticed.

. "$(dirname "$0")/lib.sh"

scripts=$tree/scripts
explained=$scripts/mutants/explained
kernels=(uml-7 debug-6.1 full-7 debug-rt-7)
dir=$work/mutants
aim=95
# What boot.sh says, and guest/mutant.sh, of a machine that has used up its time.
no_end='no end after '
silent='says nothing any more'

all_files=(affinity.c topology.h topology.c thread.h thread.c placement.c user_affinity.h user_affinity.c
	install.c foreign.c apply.c irql.h irql.c)
user_space=' affinity.c topology.h topology.c '

# The suites that need processors that come and go, or probes, or say more with them.
# With PREEMPT_RT irql_rt too.
qemu_suites=(install watch hotplug child irql context thread)

number="" seed=1 minutes="" again="" user="" limit=150
while getopts n:s:t:rck:u option; do
	case $option in
	n) number=$OPTARG ;;
	s) seed=$OPTARG ;;
	t) minutes=$OPTARG ;;
	r) again=survivors ;;
	c) again=untried ;;
	k) read -ra kernels <<<"$OPTARG" ;;
	u) user=twins limit=300 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
files=("$@")
[ $# -gt 0 ] || files=("${all_files[@]}")
stages=(user "${kernels[@]}")

lock "mutants-$(basename "$work")"
"$scripts/packages.sh" check
for kernel in "${kernels[@]}"; do
	"$scripts/kernel.sh" "$kernel"
	"$scripts/build.sh" "$kernel"
done
# A line for each change that was tried: file, line, function, change, verdict.
results=$work/mutants.results
# Who works on the tree meanwhile does not disturb.
rm -rf "$dir"
mkdir -p "$dir"
cp -r "$tree/src" "$dir/src"
cp -r "$tree/kunit/model" "$dir/source"
cp "$scripts/mutants/mutate.py" "$dir/"
mutate=$dir/mutate.py
source=$dir/source

# --- in user space ----------------------------------------------------------

cc=(gcc -std=gnu11 -O1 -g -w "-fsanitize=address,undefined" -fno-sanitize-recover=all -include "$source/shim.h")

# What is compiled anew for a file: it, and who includes it.
user_objects()
{
	case $1 in
	affinity.c) echo affinity ;;
	topology.c) echo hotplug ;;
	topology.h) echo affinity hotplug user ;;
	esac
}

# compile_user SRC OUT NAME...: objects, where SRC is the directory of affinity.c and
# what belongs to it.
compile_user()
{
	local src=$1 out=$2 name file
	shift 2
	for name; do
		file=$source/$name.c
		[ "$name" != affinity ] || file=$src/affinity.c
		"${cc[@]}" -I"$dir/include" -I"$src" -I"$dir/src" -I"$source" -c -o "$out/$name.o" "$file" || return
	done
}

prepare_user()
{
	mkdir -p "$dir"/{include/linux,plain,user}
	cp "$dir"/src/{affinity,topology}.[ch] "$dir/plain/"
	sed -nE 's,^#include <(linux/.*\.h)>,\1,p' "$dir"/src/{affinity,topology}.[ch] | sort -u |
		while read -r header; do : >"$dir/include/$header"; done
	compile_user "$dir/plain" "$dir/user" model history user hotplug affinity
	"${cc[@]}" -o "$dir/user/model" "$dir"/user/*.o
	"$dir/user/model" 30000 >"$dir/user.log" 2>&1 || { cat "$dir/user.log"; die "the model differs without any change"; }
}

# try_user SLOT FILE: the mutant is in SLOT/src. Sets verdict.
try_user()
{
	local slot=$1 file=$2 objects rc=0
	read -ra objects <<<"$(user_objects "$file")"
	rm -f "$slot"/*.o
	if ! compile_user "$slot/src" "$slot" "${objects[@]}" 2>/dev/null; then
		verdict='does not compile'
		return
	fi
	for object in model history user hotplug affinity; do
		[ -f "$slot/$object.o" ] || cp "$dir/user/$object.o" "$slot/"
	done
	"${cc[@]}" -o "$slot/model" "$slot"/*.o
	# In a shell of its own, which does not tell how it ended.
	(timeout 30 "$slot/model" 30000; exit $?) >"$slot/log" 2>&1 || rc=$?
	case $rc in
	0) verdict=survives ;;
	124) verdict="killed by the model in user space: ${no_end}30 s" ;;
	*) verdict='killed by the model in user space' ;;
	esac
}

# --- in the kernel ----------------------------------------------------------

# use_kernel NAME SLOT: what the functions below work with.
use_kernel()
{
	kernel_env "$1"
	slot=$2
	built=$work/$1/tree
	copy=$slot/$1/tree
	modules=$slot/$1/ko
}

# Of the suites only those that show more there than on the kernel before.
prepare_qemu_suites()
{
	local kernel=$1
	local copy=$dir/suites.$kernel
	kernel_env "$kernel"
	cp -r "$work/$kernel/tree" "$copy"
	{
		echo "obj-m := ntaffinity_kunit.o"
		echo "ntaffinity_kunit-y := helpers.o sections.o stretch.o ${qemu_suites[*]/%/_test.o}"
		grep -E '^(ccflags-y|ntaffinity_kunit-\$\(CONFIG_PREEMPT_RT\)) ' "$copy/kunit/Kbuild"
	} >"$copy/kunit/Kbuild.new"
	mv "$copy/kunit/Kbuild.new" "$copy/kunit/Kbuild"
	make -C "$kernel_build" "ARCH=$kernel_arch" PAHOLE=no-pahole "M=$copy" modules >"$copy.log" 2>&1 ||
		{ log_excerpt "$copy.log"; die "the suites for $kernel do not build"; }
}

# prepare_slot SLOT: a directory in which one change at a time is built.
prepare_slot()
{
	local slot built copy modules kernel
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel" "$1"
		mkdir -p "$slot/src" "$modules"
		cp -r "$built" "$copy"
		sed -i "s,$built,$copy,g" "$copy/src/ntaffinity.mod"
		cp "$built/src/ntaffinity.ko" "$modules/"
		cp "$work/$kernel/samples/from_the_shell/from_the_shell.ko" "$work/$kernel/model/ntaffinity_model.ko" \
			"$built"/kunit/*.ko "$modules/"
		[ "$kernel" = "${kernels[0]}" ] || cp "$dir/suites.$kernel/kunit/ntaffinity_kunit.ko" "$modules/"
	done
}

# run_saved FILE: the command that kbuild has left for a file of the tree, in the copy.
# Older kernels name it by its whole path, and work in the kernel's directory.
run_saved()
{
	local at=$copy command
	# shellcheck disable=SC2016 # those of make
	command=$(sed -nE "s/^(saved)?cmd_[^ ]* := //p" "$built/${1%/*}/.${1##*/}.cmd" |
		sed "s,$built,$copy,g; "'s/\$\$/$/g; s/\$(pound)/#/g')
	[ -n "$command" ] || die "kbuild has left no command for $1"
	[[ $command != *" $copy/$1"* ]] || at=$kernel_build
	(cd "$at" && bash -c "$command") >>"$slot/log" 2>&1
}

# The machine code of an object and its data, without what tells lines.
code_of()
{
	objcopy -g -R '.note*' -R .comment "$1" "$slot/code.o" && objdump -drs "$slot/code.o" | grep -v 'file format'
}

# Builds the mutant of FILE in SLOT/src. Sets verdict if there is none.
build_mutant()
{
	local file=$1 object objects=() equal=1
	case $file in
	*.c) objects=("src/${file%.c}.o") ;;
	*) mapfile -t objects < <(cd "$built" && grep -lE "[/ ]$file( |\$)" src/.*.o.cmd |
		sed 's,/\.,/,; s,\.cmd$,,' | grep -v ntaffinity) ;;
	esac
	[ ${#objects[@]} -gt 0 ] || die "nothing is compiled from $file"
	cp "$slot/src/$file" "$copy/src/$file"
	for object in "${objects[@]}"; do
		rm -f "$copy/$object"
		run_saved "$object" || verdict='does not compile'
		[ "$(code_of "$copy/$object" | sha256sum)" = "$(code_of "$built/$object" | sha256sum)" ] || equal=0
	done
	[ "$equal" -eq 0 ] || verdict=equal
	if [ -z "$verdict" ]; then
		run_saved src/ntaffinity.o && run_saved src/ntaffinity.ko || verdict='does not link'
		cp "$copy/src/ntaffinity.ko" "$modules/"
	fi
	cp "$built/src/$file" "$copy/src/$file"
	for object in "${objects[@]}"; do
		cp "$built/$object" "$copy/$object"
	done
}

# boot_mutant: what is nothing but a busy machine is not to look like a stall.
boot_mutant()
{
	local processor=${slot##*/}
	[ "$processor" != none ] || processor=0
	case $k_runner in
	uml)
		"$scripts/boot.sh" -k "$modules" -p "$processor" -c 5 -t "$limit" \
			-a "rcupdate.rcu_cpu_stall_timeout=150 nosoftlockup rcupdate.rcu_expedited=1" \
			"$k_name" mutant.sh model observed unload kunit $user
		;;
	*)
		"$scripts/boot.sh" -k "$modules" -t 300 "$k_name" mutant.sh unload kunit
		;;
	esac >"$slot/log" 2>&1
}

# try_kernel KERNEL SLOT FILE: sets verdict; to nothing, if there was no machine.
try_kernel()
{
	local slot built copy modules rc end
	use_kernel "$1" "$2"
	build_mutant "$3"
	[ -z "$verdict" ] || return 0
	# That it hangs, is silent or dies it may owe to others on this machine: once more.
	for _ in first second; do
		rc=0
		boot_mutant || rc=$?
		verdict=$(grep '^killed by' "$slot/log" | tail -n 1) || true
		[ "$rc" -ne 0 ] || verdict=survives
		! grep -q 'printed a report' "$slot/log" ||
			verdict="killed by a report: $(sed -n 's/^ *| [0-9]*:\[[ 0-9.]*\] *//p' "$slot/log" | head -n 1)"
		[[ -z $verdict || $verdict = *"$silent" ]] || break
	done
	if [ -z "$verdict" ]; then
		end=$(grep -m 1 -oE "$no_end.*|machine ended|ended with status .*" "$slot/log") || return 0
		verdict="killed: $end"
	fi
	[ "$verdict" = survives ] || verdict+=" on $1"
}

# --- one after the other ----------------------------------------------------

is_explained()
{
	[ -f "$explained" ] && grep -qxF "$1 $2: $3" "$explained"
}

# try_all SLOT FILE: the mutant is in SLOT/src. Sets verdict.
try_all()
{
	local slot=$1 file=$2 stage so_far=equal
	for stage in "${stages[@]}"; do
		[ "$stage" != user ] || [[ $user_space == *" $file "* ]] || continue
		verdict=''
		if [ "$stage" = user ]; then
			try_user "$slot" "$file"
		else
			try_kernel "$stage" "$slot" "$file"
		fi
		case $verdict in
		survives) so_far=survives ;;
		# Code that is equal here need not be so elsewhere.
		equal) ;;
		*) return ;;
		esac
	done
	verdict=$so_far
}

# one_mutant SLOT FILE NUMBER LINE FUNCTION CHANGE: a line of what was done.
one_mutant()
{
	local slot=$1 file=$2 verdict=''
	rm -rf "$slot/src"
	mkdir -p "$slot/src"
	: >"$slot/log"
	cp "$dir"/plain/* "$slot/src/"
	"$mutate" write "$dir/src/$file" "$3" >"$slot/src/$file"
	if is_explained "$file" "$5" "$6"; then
		verdict=explained
	else
		try_all "$slot" "$file"
	fi
	if [ -z "$verdict" ]; then
		say "    not tried: $file:$4 $5: $6: $(tail -n 1 "$slot/log")"
		missed=1
		return
	fi
	(
		flock 3
		printf '%s\t%s\t%s\t%s\t%s\n' "$file" "$4" "$5" "$6" "$verdict" >&3
	) 3>>"$dir/done"
	[ "$verdict" != survives ] || say "    survives: $file:$4 $5: $6"
}

# next_line FILE: the next one of a list that several work on, in line.
next_line()
{
	local number fd
	exec {fd}>"$1.lock"
	flock "$fd"
	number=$(($(cat "$1.next") + 1))
	echo "$number" >"$1.next"
	exec {fd}>&-
	line=$(sed -n "${number}p" "$1")
	[ -n "$line" ] && [ "$SECONDS" -lt "$deadline" ]
}

# work_through SLOT: fails if a change was not tried.
work_through()
{
	local line file id at function change missed=0
	while next_line "$dir/list"; do
		IFS=$'\t' read -r file id at function change <<<"$line"
		one_mutant "$dir/$1" "$file" "$id" "$at" "$function" "$change"
	done
	return "$missed"
}

# Results so far, with those of before where there are none yet: those of this run's
# files for the table, and all others for later.
keep_results()
{
	awk -F '\t' -v OFS='\t' -v all="$dir/all" '
		FILENAME != all { verdict[$1 OFS $3 OFS $4] = $5; next }
		($1 OFS $4 OFS $5) in verdict { print $1, $3, $4, $5, verdict[$1 OFS $4 OFS $5] }
	' "$dir/before" "$dir/done" "$dir/all" >"$dir/results"
	awk -F '\t' -v OFS='\t' -v before="$dir/before" '
		FILENAME != before { known[$1 OFS $3 OFS $4] = 1; print; next }
		!(($1 OFS $3 OFS $4) in known)
	' "$dir/results" "$dir/before" >"$results.new"
	mv "$results.new" "$results"
}

for file in "${files[@]}"; do
	[ -f "$dir/src/$file" ] || die "no src/$file"
	"$mutate" list "$dir/src/$file" | sed "s/^/$file\t/"
done >"$dir/all"
# What explains no change any more belongs to code that is gone.
stale=$(grep -E "^($(IFS='|'; echo "${files[*]}")) " "$explained" |
	grep -vxFf <(awk -F '\t' '{ print $1 " " $4 ": " $5 }' "$dir/all")) || true
[ -z "$stale" ] || die "scripts/mutants/explained names what is no change: $stale"
: >"$dir/before"
: >"$dir/done"
if [ -n "$again" ]; then
	[ -s "$results" ] || die "there are no results of the last time"
	cp "$results" "$dir/before"
elif [ -f "$results" ]; then
	awk -F '\t' -v files=" ${files[*]} " '!index(files, " " $1 " ")' "$results" >"$dir/before"
fi
# The same choice for the same seed.
awk -F '\t' -v OFS='\t' -v seed="$seed" -v again="$again" '
	BEGIN { srand(seed) }
	FILENAME == before { verdict[$1 OFS $3 OFS $4] = $5; next }
	{
		place = rand()
		change = $1 OFS $4 OFS $5
		if (again == "" || (again == "survivors" ? verdict[change] == "survives" : !(change in verdict)))
			print place, $0
	}' before="$dir/before" "$dir/before" "$dir/all" |
	sort -n | awk -v number="${number:-1000000}" 'NR <= number' | cut -f 2- >"$dir/list"
chosen=$(wc -l <"$dir/list")
say "    $chosen of $(wc -l <"$dir/all") changes"

prepare_user
for kernel in "${kernels[@]}"; do
	[ "$kernel" = "${kernels[0]}" ] || prepare_qemu_suites "$kernel"
done

# The tests alone first: they have to pass.
try_none()
{
	local slot built copy modules kernel
	prepare_slot "$dir/none"
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel" "$dir/none"
		boot_mutant || { tail -n 20 "$slot/log"; die "the tests fail without any change"; }
	done
	rm -rf "$dir/none"
}
try_none
slots=$(($(nproc) * 2))
[ "$slots" -le 8 ] || slots=8
for ((slot = 0; slot < slots; slot++)); do
	prepare_slot "$dir/$slot"
done

deadline=$((SECONDS + ${minutes:-100000} * 60))
echo 0 >"$dir/list.next"
workers=()
# shellcheck disable=SC2317 # the trap calls it
stop_workers()
{
	local worker
	for worker in $(jobs -p); do
		kill -- "-$worker" 2>/dev/null || true
	done
	keep_results
	exit 130
}
trap stop_workers INT TERM HUP
set -m
for ((slot = 0; slot < slots; slot++)); do
	work_through "$slot" &
	workers+=($!)
done
set +m
rc=0
for worker in "${workers[@]}"; do
	wait "$worker" || rc=1
done
keep_results
trap - INT TERM HUP
[ "$rc" -eq 0 ] || die "not all changes were tried; -c tries the others"

# --- the table --------------------------------------------------------------

say
awk -F '\t' '$5 == "survives" { print $1 ":" $2 " " $3 ": " $4 }' "$dir/results" | sort -t : -k 1,1 -k 2,2n >"$dir/survivors"
say "$(wc -l <"$dir/survivors") survivors:"
sed 's/^/    /' "$dir/survivors"
say
say "explained: not noticed for a reason, see scripts/mutants/explained"
say
awk -F '\t' -v order="${files[*]}" -v aim="$aim" -v late="$no_end|$silent" '
	$5 ~ /^killed/ { killed[$1]++; k++; if ($5 ~ late) l++ }
	$5 == "survives" { survived[$1]++; s++ }
	$5 == "explained" { explained[$1]++; e++ }
	function row(name, k, s, e) {
		printf "%-18s %8d %8d %9d %9d %7s\n", name, k + s + e, k, s, e,
			k + s ? sprintf("%.1f %%", 100 * k / (k + s)) : "-"
	}
	END {
		printf "%-18s %8s %8s %9s %9s\n", "file", "changes", "killed", "survivors", "explained"
		n = split(order, names, " ")
		for (i = 1; i <= n; i++) row(names[i], killed[names[i]], survived[names[i]], explained[names[i]])
		row("all", k, s, e)
		printf "\nof the killed, %d by time alone: no end, or nothing said any more\n", l
		exit !(k + s > 0 && 100 * k >= aim * (k + s))
	}' "$dir/results"
