#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make check" does: every check of this project, with one verdict. A step
# that fails does not stop those that do not need it.
#
#   check.sh             all of it
#   check.sh PATTERN...  the steps whose name fits one of the patterns, and
#                        what they need: check.sh kunit-uml-7, check.sh 'build-*';
#                        each has to fit some
#   check.sh -l          lists the steps
#   check.sh -m ROW...   what "make matrix" does with those rows of scripts/kernels
#
# Three guests run at the same time on two processors, and so on up to six: they wait
# for more than half of their time. With CHECK_LANES=1, one after the other.
#
# The last line is "N passed, N failed, N skipped". Each step is one test,
# except those that run tests themselves: there each result line counts.

. "$(dirname "$0")/lib.sh"

scripts=$tree/scripts
logs=$work/check
lanes=${CHECK_LANES:-$(($(nproc) * 3 / 2))}
[ "$lanes" -le 6 ] || lanes=6
rows=()
if [ "${1:-}" = -m ]; then
	shift
	rows=("$@")
	shift $#
	logs=$work/matrix
fi

# --- the steps --------------------------------------------------------------
# Each is a function: step_WORD for the step WORD, or WORD-KERNEL with the
# kernel as its argument. Its status is the result, unless it sets passed,
# failed and skipped. 77: skipped.

step_packages()
{
	"$scripts/packages.sh" "$([ ${#rows[@]} -eq 0 ] && echo check || echo matrix)" "${rows[@]}"
}

step_kernel()
{
	"$scripts/kernel.sh" "$1"
}

step_build()
{
	need "kernel-$1" || return
	"$scripts/build.sh" "$1"
}

step_sparse()
{
	# The objects must be there: sparse's flags come from the same make.
	need "build-$1" || return
	"$scripts/build.sh" -s "$1"
}

# A kernel that the module does not support: the compiler must say so, and why.
step_refused()
{
	need "kernel-$1" || return
	kernel_row "$1"
	"$scripts/build.sh" -r "${k_matrix#refused:}" "$1"
}

# checkpatch knows nothing of Windows: names in mixed case are right where
# include/nt declares them. So are, there, typedefs, several names in one of
# them (it takes the "*" for a product), and macros that stand for a piece of a
# declaration. Nor does it know the layout that TRACE_EVENT has all over the
# kernel, or that what compat.h compares is LINUX_VERSION_CODE, in capitals, or
# that a program has to define what the kernel's headers name.
step_checkpatch()
{
	local source files rc=0 log=$logs/checkpatch.log clean=$logs/checkpatch.clean
	need_source || return
	# kunit/wdk_style.h is written as a Windows driver's header is.
	mapfile -t files < <(project_files | grep -E '\.[ch]$' | grep -vx kunit/wdk_style.h)
	[ ${#files[@]} -gt 0 ] || { say "    no source file"; return 1; }

	# It is slow. What it had nothing to say about it is not asked again.
	touch "$clean"
	(cd "$tree" && cat include/nt/*.h scripts/check.sh "$source/scripts/checkpatch.pl" | sha256sum &&
		sha256sum "${files[@]}") >"$log.sums"
	if [ "$(head -n 1 "$clean")" = "$(head -n 1 "$log.sums")" ]; then
		mapfile -t files < <(sed 1d "$log.sums" | grep -vxFf "$clean" | sed 's/^[^ ]*  //')
	fi
	[ ${#files[@]} -gt 0 ] || return 0
	rm "$clean"

	# FILE_PATH_CHANGES: this project has no MAINTAINERS file.
	# LINUX_VERSION_CODE: a module for many kernels cannot do without; that
	# it is only in compat.h is checked below.
	# It leaves a file where it runs.
	(cd "$logs" && perl "$source/scripts/checkpatch.pl" --no-tree --strict --terse --show-types --no-summary \
		--ignore FILE_PATH_CHANGES,LINUX_VERSION_CODE -f "${files[@]/#/$tree/}") >"$log" 2>"$log.err" || rc=$?
	# 1 means that it found something.
	[ "$rc" -le 1 ] || { sed 's/^/    /' "$log.err"; return 1; }
	sed "/^total: /d; s,^$tree/,," "$log" | awk -v tree="$tree" '
		BEGIN {
			list = "cat " tree "/include/nt/*.h 2>/dev/null"
			while ((list | getline line) > 0) {
				n = split(line, words, /[^A-Za-z0-9_]+/)
				for (i = 1; i <= n; i++) nt[words[i]] = 1
			}
		}
		/CHECK:CAMELCASE:/ {
			name = $0; sub(/.*</, "", name); sub(/>.*/, "", name)
			if (name in nt) next
		}
		/:(NEW_TYPEDEFS|COMPLEX_MACRO):/ && /^include\/nt\// { next }
		/:SPACING: .*that .\*. \(ctx:WxV\)/ && /^include\/nt\// { next }
		/:(OPEN_ENDED_LINE|PARENTHESIS_ALIGNMENT):/ && /^src\/trace\.h:/ { next }
		/:PREFER_DEFINED_ATTRIBUTE_MACRO:/ && /^scripts\/guest\// { next }
		/:(PREFER_KERNEL_TYPES|PREFER_DEFINED_ATTRIBUTE_MACRO|MACRO_ARG_REUSE|COMPLEX_MACRO|MEMORY_BARRIER|EXPORT_SYMBOL|NEW_TYPEDEFS):/ && /^kunit\/model\/shim\.h:/ { next }
		/:CONSTANT_COMPARISON:/ && /^src\/compat\.h:/ { next }
		NF { print "    " $0; bad = 1 }
		END { exit bad }' || return
	mv "$log.sums" "$clean"
}

step_kerneldoc()
{
	local source tool files
	need_source || return
	mapfile -t files < <(project_files | grep -E '^(src|include/nt)/.*\.[ch]$')
	[ ${#files[@]} -gt 0 ] || { say "    no source file"; return 1; }
	# It moved in 7.0, from perl to python in 6.17.
	for tool in tools/docs/kernel-doc scripts/kernel-doc.py scripts/kernel-doc; do
		[ ! -f "$source/$tool" ] || break
	done
	# It says some things twice.
	(cd "$tree" && "$source/$tool" -none -Wall -Werror "${files[@]}") 2>&1 | sort -u | sed 's/^/    /'
}

# Conventions that no tool knows.
step_conventions()
{
	local file files bad=0
	mapfile -t files < <(project_files)
	[ ${#files[@]} -gt 0 ] || { say "    no file"; return 1; }
	for file in "${files[@]}"; do
		case $file in LICENSE | LICENSES/* | *.png) continue ;; esac
		if ! head -n 5 "$tree/$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only'; then
			say "    $file: no SPDX line"
			bad=1
		fi
		case $file in
		src/compat.h | scripts/*) ;;
		*.[ch])
			if grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION' "$tree/$file" | sed "s,^,    $file:," | grep .; then
				say "    versions of the kernel belong into src/compat.h"
				bad=1
			fi
			;;
		esac
	done
	if ! "$scripts/matrix.sh" -t | diff -u - <(readme_kernels) >"$logs/kernels.diff"; then
		say "    README.md and scripts/kernels differ: scripts/matrix.sh -w writes the table"
		sed 's/^/    | /' "$logs/kernels.diff"
		bad=1
	fi
	return "$bad"
}

# Both kinds of group: 64 CPUs as in Windows, where a small machine is all
# group 0, and 2, where it has several.
step_kunit()
{
	need "build-$1" || return
	boot_and_count "kunit-$1" "$scripts/boot.sh" -t 600 "$1" kunit.sh groupsize=2 groupsize=64 \
		"groupsize=2 rules=observed groupaware=1 verify=1 levelcheck=0"
}

# A processor that becomes active for the first time after the module was loaded
# needs a machine that has booted without it.
step_fewcpus()
{
	need "build-$1" || return
	boot_and_count "fewcpus-$1" "$scripts/boot.sh" -t 600 -a maxcpus=3 "$1" kunit.sh groupsize=2
}

step_load()
{
	[ -f "$scripts/guest/load.sh" ] || { say "    no scripts/guest/load.sh"; return 77; }
	need "build-$1" || return
	boot_and_count "load-$1" "$scripts/boot.sh" "$1" load.sh
}

# Five processors and memory, memory alone, two processors alone.
step_numa()
{
	need "build-$1" || return
	boot_and_count "numa-$1" "$scripts/boot.sh" -c 7 -n "0-4:384 :128 5-6:" "$1" numa.sh
}

# Random histories take the longest; the seed of a failure is in its output, and SEED=
# gives it again. Four CPUs are all that is used, and the fewer the less they wait for
# the host.
step_user()
{
	need "build-$1" || return
	boot_and_count "user-$1" "$scripts/boot.sh" -c 4 -t 600 "$1" user.sh "${SEED:--}"
}

# Where leaks are looked for in QEMU a load takes a second: every fourth will do there.
step_starve()
{
	local step=1
	need "build-$1" || return
	kernel_row "$1"
	[[ +$k_config+ != *+kmemleak+* ]] || step=4
	boot_and_count "starve-$1" "$scripts/boot.sh" -c 4 -a rcupdate.rcu_expedited=1 "$1" starve.sh "$step"
}

# Ten seconds of it. The seed of a failure is in its output, and SEED= gives it again.
step_torture()
{
	need "build-$1" || return
	boot_and_count "torture-$1" "$scripts/torture.sh" -s "$1"
}

# The rules beside a second model of them: in user space on random machines, or the
# DDIs on a kernel.
step_model()
{
	if [ "$1" = user ]; then
		boot_and_count model-user "$scripts/model.sh" user 300000
	else
		need "build-$1" || return
		boot_and_count "model-$1" "$scripts/model.sh" "$1" 20000
	fi
}

step_demo()
{
	local log=$logs/demo-$1.log
	need "build-$1" || return
	# shellcheck disable=SC2317 # run_logged calls it
	run_demo() { demo_boot "$1" 2>"$log.err"; }
	if ! run_logged "demo" "$log" run_demo "$1"; then
		tail -n 40 "$log" | sed 's/^/    /'
		cat "$log.err"
		return 1
	fi
}

# --- how they run -----------------------------------------------------------

declare -A result=() jobs=() table=()
order=()
begun=()
total_passed=0 total_failed=0 total_skipped=0

# need STEP: runs it now if it has not run; fails if it failed.
need()
{
	run_step "$1"
	[ "${result[$1]}" = ok ] || { say "    not run, because $1 failed"; return 1; }
}

source_kernels()
{
	local name
	for name in $(checked_kernels); do
		kernel_row "$name"
		[ "$k_kind" != source ] || echo "$name"
	done
}

# The newest kernel source there is; sets source.
need_source()
{
	local name
	for name in $(source_kernels); do
		need "kernel-$name" || return
	done
	source=$(newest_source)
	[ -n "$source" ]
}

# boot_and_count STEP COMMAND...: runs a guest script whose output is KTAP.
boot_and_count()
{
	local log=$logs/$1.log rc=0 counts
	shift
	# shellcheck disable=SC2317 # run_logged calls it
	boot_it() { "$@" 2>"$log.err"; }
	run_logged "$(basename "$log" .log)" "$log" boot_it "$@" || rc=$?
	counts=$(ktap_count <"$log")
	read -r _ passed failed skipped <<<"${counts##*$'\n'}"
	if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
		say "    nothing has run, or all of it was skipped"
		failed=1
	fi
	if [ "$failed" -gt 0 ]; then
		sed -n 's/^failed /    not ok: /p' <<<"$counts"
		grep -nE -A 6 'EXPECTATION FAILED|ASSERTION FAILED|^# (ERROR|FAIL)' "$log" | head -n 60 | sed 's/^/    | /' || true
		cat "$log.err"
		say "    whole log: $log"
	fi
	return "$rc"
}

# Steps that run beside others: guests, each of which keeps but one processor busy
# and not always, and what only reads. Compilers keep all of them busy.
is_job()
{
	case $1 in
	conventions | checkpatch | kerneldoc | model-* | kunit-* | fewcpus-* | load-* | numa-* | user-* | starve-* | torture-* | demo-*) ;;
	*) return 1 ;;
	esac
}

run_step()
{
	local step=$1 name
	[ -z "${result[$step]:-}" ] || return 0
	# What a step needs comes first, so that each is timed alone.
	result[$step]=running
	case $step in
	build-* | refused-*) run_step "kernel-${step#*-}" ;;
	model-user) ;;
	sparse-* | model-* | kunit-* | fewcpus-* | load-* | numa-* | user-* | starve-* | torture-* | demo-*) run_step "build-${step#*-}" ;;
	checkpatch | kerneldoc) for name in $(source_kernels); do run_step "kernel-$name"; done ;;
	esac
	begun+=("$step")
	rm -f "$logs/$step.result"
	if [ "$lanes" -gt 1 ] && is_job "$step"; then
		while [ ${#jobs[@]} -ge "$lanes" ]; do end_job; done
		begin_job "$step"
	else
		say "== $step"
		do_step "$step"
		account_for "$step"
	fi
}

# do_step STEP: its result, as a line in a file.
do_step()
{
	local step=$1 start=$SECONDS rc=0 passed='' failed='' skipped=''
	case $step in
	*-*) "step_${step%%-*}" "${step#*-}" || rc=$? ;;
	*) "step_$step" || rc=$? ;;
	esac
	if [ -z "$passed" ]; then
		passed=0 failed=0 skipped=0
		case $rc in
		0) passed=1 ;;
		77) skipped=1 ;;
		*) failed=1 ;;
		esac
	fi
	echo "$rc $((SECONDS - start)) $passed $failed $skipped" >"$logs/$step.result"
}

account_for()
{
	local step=$1 verdict=ok rc=1 seconds=0 passed=0 failed=1 skipped=0
	[ ! -f "$logs/$step.result" ] || read -r rc seconds passed failed skipped <"$logs/$step.result"
	[ "$rc" -ne 77 ] || verdict=skipped
	[ "$failed" -eq 0 ] || verdict=FAILED
	result[$step]=$verdict
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	total_skipped=$((total_skipped + skipped))
	table[$step]=$(printf '%-22s %-8s %7s   %s' "$step" "$verdict" "$(duration "$seconds")" \
		"$([ $((passed + failed + skipped)) -eq 1 ] || echo "$passed passed, $failed failed, $skipped skipped")")
	printf '%s\t' "$step" "$verdict" "$seconds" "$passed" "$failed" "$skipped" >>"$logs/results"
	echo >>"$logs/results"
	say "   $verdict"
}

# What a job has to say comes when it is done; its lines of progress, which name it,
# at once.
begin_job()
{
	(progress=3 do_step "$1") 3>&1 >"$logs/$1.out" 2>&1 &
	jobs[$!]=$1
}

end_job()
{
	local pid left=("${!jobs[@]}")
	wait -n -p pid "${left[@]}" 2>/dev/null || true
	# Of one that a signal has ended the shell may know nothing any more. It goes on to
	# wait for the others; when there is none, that one has failed.
	pid=${pid:-${left[0]}}
	say "== ${jobs[$pid]}"
	cat "$logs/${jobs[$pid]}.out"
	account_for "${jobs[$pid]}"
	unset "jobs[$pid]"
}

# shellcheck disable=SC2317 # the trap calls it
stop_jobs()
{
	local running
	running=$(jobs -p)
	# shellcheck disable=SC2086
	kill $running 2>/dev/null || true
	wait
}
trap stop_jobs EXIT
trap 'exit 130' INT TERM HUP

# So that at the end nobody waits for one that has begun late.
longest_first()
{
	awk -F - '{ place = index("user kunit load starve demo fewcpus ", $1 " "); print place ? place : 99, $0 }' |
		sort -s -n -k 1,1 | cut -d ' ' -f 2
}

# The static checks come early: they are quick. What is compiled comes before what
# runs. The matrix finishes a row before it begins the next one.
order=(packages)
if [ ${#rows[@]} -gt 0 ]; then
	for name in "${rows[@]}"; do
		kernel_row "$name"
		order+=("kernel-$name")
		for check in ${k_checks//,/ } ${k_matrix//,/ }; do
			case $check in
			- | sparse | demo | bench | longtorture | coverage) ;;
			*) order+=("${check%%:*}-$name") ;;
			esac
		done
	done
else
	for name in $(checked_kernels); do order+=("kernel-$name"); done
	order+=(conventions checkpatch kerneldoc model-user)
	guests=()
	for name in $(checked_kernels); do
		order+=("build-$name")
		kernel_row "$name"
		for check in ${k_checks//,/ }; do
			# No timing here: another run beside this one would spoil it.
			case $check in
			bench | longtorture | coverage) ;;
			sparse) order+=("$check-$name") ;;
			*) guests+=("$check-$name") ;;
			esac
		done
	done
	mapfile -t guests < <(printf '%s\n' "${guests[@]}" | longest_first)
	order+=("${guests[@]}")
fi

if [ "${1:-}" = -l ]; then
	printf '%s\n' "${order[@]}"
	exit 0
fi

# The packages alone would pass for what was asked for.
for pattern; do
	fits=''
	for step in "${order[@]}"; do
		# shellcheck disable=SC2254
		case $step in $pattern) fits=1 ;; esac
	done
	[ -n "$fits" ] || die "no step fits '$pattern'; check.sh -l lists them"
done

# Two runs would write the same results.
lock "${logs##*/}-$(basename "$work")"
mkdir -p "$logs"
: >"$logs/results"
run_step packages
if [ "${result[packages]}" = ok ]; then
	for step in "${order[@]}"; do
		if [ $# -eq 0 ]; then
			run_step "$step"
			continue
		fi
		for pattern; do
			# shellcheck disable=SC2254
			case $step in $pattern) run_step "$step" ;; esac
		done
	done
fi

while [ ${#jobs[@]} -gt 0 ]; do end_job; done

say
for step in "${begun[@]}"; do
	say "${table[$step]}"
done
say
total=$((total_passed + total_failed + total_skipped))
say "# Totals: pass:$total_passed fail:$total_failed skip:$total_skipped total:$total"
say "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
