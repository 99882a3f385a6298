#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# user.sh [SEED [PATTERN [HISTORIES]]]: tests with user processes beside a twin that no driver
# ever touched (twins/main.c says how). Prints KTAP. SEED is that of the random
# histories, - for a new one; PATTERN is a text in the names of the tests to run;
# HISTORIES how many random ones.

seed=${1:--}
pattern=$2

# UML runs at the speed of the machine, QEMU at a small part of it.
histories=1000
! grep -q 'User Mode Linux' /proc/cpuinfo || histories=4000
histories=${3:-$histories}

set -- -n $histories
[ "$seed" = - ] || set -- "$@" -s "$seed"

if ! insmod /ko/ntaffinity.ko groupsize=2 || ! insmod /ko/from_the_shell.ko; then
	echo "not ok 1 - the modules do not load"
	exit 1
fi

status=0
twins "$@" "$pattern" || status=1

if ! rmmod from_the_shell ntaffinity; then
	echo "not ok - U12 the modules do not unload"
	status=1
fi
exit $status
