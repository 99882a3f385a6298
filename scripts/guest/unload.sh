#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# unload.sh: the unload with active threads (U12) and no more, in a second; load.sh
# does all of it. Prints KTAP.

try=/sys/kernel/debug/from_the_shell/call
status=0

affinity()
{
	sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status"
}

# becomes PID LIST: waits until that is its affinity, 10 seconds at the most.
becomes()
{
	tries=100
	while [ "$(affinity "$1")" != "$2" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 100000
	done
}

# check TEXT: of the command that came before.
check()
{
	if [ $? -eq 0 ]; then
		echo "ok - $*"
	else
		echo "not ok - $*"
		status=1
	fi
}

insmod /ko/ntaffinity.ko groupsize=2 && insmod /ko/from_the_shell.ko
check "both modules load"

# One sleeps, one runs, one has reverted.
taskset -c 0-1 sh -c "echo set 1 1 >$try; exec sleep 1000" &
sleeps=$!
taskset -c 0,3 sh -c "echo set 1 1 >$try; while :; do :; done" &
runs=$!
taskset -c 1 sh -c "echo set 1 1 >$try; echo revert 0 0 >$try; exec sleep 1000" &
reverted=$!
becomes $sleeps 2 && becomes $runs 2 && becomes $reverted 1
check "two processes are active"

rmmod from_the_shell && rmmod ntaffinity && [ ! -d /sys/module/ntaffinity ]
check "U12 the modules unload"
[ "$(affinity $sleeps)" = 0-1 ] && [ "$(affinity $runs)" = 0,3 ] && [ "$(affinity $reverted)" = 1 ]
check "U12 and each has its user affinity"
kill -9 $sleeps $runs $reverted

# What is left over is found now.
insmod /ko/ntaffinity.ko groupsize=2 && rmmod ntaffinity
check "U12 and once more"
exit $status
