#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# torture.sh SEED STEPS THREADS PARAMETERS...: for each argument, a set of parameters
# of ntaffinity.ko such as "groupsize=2", loads the modules, has many threads take
# random steps while others disturb them (torture/main.c says how), and unloads.
# The word nohotplug among them leaves all processors online. Prints KTAP.

seed=$1
steps=$2
threads=$3
shift 3
status=0

# A result of our own, beside those of the program.
not_ok()
{
	echo "not ok - $*"
	status=1
}

for params; do
	echo "# ntaffinity.ko $params"
	# The test has to know those that change what is right.
	set --
	hotplug=
	words=$params
	params=
	for param in $words; do
		[ "$param" = nohotplug ] || params="$params $param"
		case $param in
		groupsize=* | groupaware=*) set -- "$@" "$param" ;;
		rules=observed) set -- "$@" observed=1 ;;
		nohotplug) hotplug=nohotplug ;;
		esac
	done
	# Of a thread with a deadline whose processor goes nobody knows what comes of it.
	if [ -n "$hotplug" ] || [ ! -e /sys/devices/system/cpu/cpu1/online ]; then
		set -- "$@" deadlines=1
	fi
	# shellcheck disable=SC2086
	if ! insmod /ko/ntaffinity.ko $params ||
		! insmod /ko/ntaffinity_torture.ko "seed=$seed" "$@"; then
		not_ok "the modules do not load"
		continue
	fi
	# The check for levels left raised begins soon after the module's first raise.
	until grep -qx 'level_check sys_exit' /sys/kernel/debug/ntaffinity/compat; do
		usleep 10000
	done
	# shellcheck disable=SC2086
	torture "$seed" "$steps" "$threads" $hotplug || status=1
	if ! rmmod ntaffinity_torture || ! rmmod ntaffinity; then
		not_ok "U12 the modules do not unload"
		break
	fi
done
exit $status
