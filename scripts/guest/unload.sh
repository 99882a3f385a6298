#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# unload.sh: the unload with active threads (U12) and no more, in a second; load.sh
# does all of it. Prints KTAP.

try=/sys/kernel/debug/from_the_shell/call
. /guest/results.sh

insmod /ko/ntaffinity.ko groupsize=2 && insmod /ko/from_the_shell.ko
result "both modules load"

# One sleeps, one runs, one has reverted. Each says when it has closed the file.
rm -f sleeps runs reverted
taskset -c 0-1 sh -c "echo set 1 1 >$try; : >sleeps; exec sleep 1000" &
sleeps=$!
taskset -c 0,3 sh -c "echo set 1 1 >$try; : >runs; while :; do :; done" &
runs=$!
taskset -c 1 sh -c "echo set 1 1 >$try; echo revert 0 0 >$try; : >reverted; exec sleep 1000" &
reverted=$!
until_true [ -e sleeps ] && until_true [ -e runs ] && until_true [ -e reverted ] &&
	has_affinity $sleeps 2 && has_affinity $runs 2 && has_affinity $reverted 1
result "two processes are active"

rmmod from_the_shell && rmmod ntaffinity && [ ! -d /sys/module/ntaffinity ]
result "U12 the modules unload"
[ "$(affinity $sleeps)" = 0-1 ] && [ "$(affinity $runs)" = 0,3 ] && [ "$(affinity $reverted)" = 1 ]
result "U12 and each has its user affinity"
kill -9 $sleeps $runs $reverted

# What is left over is found now.
insmod /ko/ntaffinity.ko groupsize=2 && rmmod ntaffinity
result "U12 and once more"
end_results
