#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kunit.sh PARAMETERS...: for each argument, a set of parameters of
# ntaffinity.ko such as "groupsize=2", loads the module and the KUnit suites,
# prints the results of all suites as KTAP, and unloads both.
#
# What is printed comes from the kernel log, because 6.1 keeps but 512 bytes of
# a case's results in debugfs. Whether it is complete, and the verdict of each
# suite, comes from debugfs.

status=0

# The cases about memory that runs out starve only their own thread; these let
# that thread's GFP_KERNEL allocations fail, and keep each from printing a trace.
failslab=/sys/kernel/debug/failslab
if [ -d $failslab ]; then
	echo N >$failslab/ignore-gfp-wait
	echo 0 >$failslab/verbose
fi

# A result of our own, beside those of the cases.
not_ok()
{
	echo "not ok - $*"
	status=1
}

# A probe is a jump where that is possible, and a trap, which is like an NMI, for a
# moment before. From the second set on it stays one.
optimization=/proc/sys/debug/kprobes-optimization
first=1

for params; do
	echo "# ntaffinity.ko $params"
	[ -n "$first" ] || [ ! -f $optimization ] || echo 0 >$optimization
	first=
	dmesg -c >/dev/null

	# shellcheck disable=SC2086
	if ! insmod /ko/ntaffinity.ko $params; then
		not_ok "insmod ntaffinity.ko $params"
		continue
	fi
	insmod /ko/ntaffinity_kunit.ko || not_ok "insmod ntaffinity_kunit.ko"
	dmesg | sed 's/^\[ *[0-9.]*\] //' >log

	suites=0
	for results in /sys/kernel/debug/kunit/nta_*/results; do
		[ -f "$results" ] || continue
		suites=$((suites + 1))
		suite=${results%/results}
		suite=${suite##*/}

		awk -v suite="$suite" '
			$0 ~ "^ *# Subtest: " suite "$" { inside = 1 }
			inside && /^( |#|ok |not ok )/ { print; if (/ok /) why = 0 }
			inside && /(EXPECTATION|ASSERTION) FAILED/ { why = 1 }
			# The message of a failure has no indent on newer kernels.
			inside && why && /^[^ #]/ && !/^(ok|not ok) / { print "    # " $0 }
			inside && $0 ~ "^ *(not )?ok [0-9]+ (- )?" suite "( |$)" { exit }
		' log >section
		cat section

		verdict=$(grep -E "^(not )?ok [0-9]+ (- )?$suite( |\$)" "$results" | tail -n 1)
		case $verdict in
		"ok "*)
			# The kernel forgets a failure of a case that is skipped after it.
			failure=$(grep -m 1 -E '(EXPECTATION|ASSERTION) FAILED' section) &&
				not_ok "suite $suite passes in spite of ${failure#*# }"
			;;
		"not ok "*) status=1 ;;
		*) not_ok "suite $suite has no verdict in debugfs" ;;
		esac
		in_debugfs=$(grep -cE '^    (not )?ok ' "$results")
		in_log=$(grep -cE '^    (not )?ok ' section)
		[ "$in_debugfs" -eq "$in_log" ] ||
			not_ok "suite $suite has $in_debugfs cases in debugfs, $in_log in the log"
		[ "$in_log" -gt 0 ] || not_ok "suite $suite has run no case"
	done
	[ "$suites" -gt 0 ] || not_ok "no suite has run"

	rmmod ntaffinity_kunit || not_ok "rmmod ntaffinity_kunit"
	rmmod ntaffinity || not_ok "rmmod ntaffinity"
done
exit $status
