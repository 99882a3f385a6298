#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# starve.sh [STEP [FIRST]]: the load when memory runs out. The first allocation of the
# module's init routine fails, then the second one, and so on until there are no more;
# with STEP each so-many-th, beginning with FIRST. Each time the load fails and leaves nothing, or it succeeds and the
# module works, though it may see less of what others do (O5). Prints KTAP.

. /guest/results.sh

step=${1:-1}
try=/sys/kernel/debug/from_the_shell
starve=/sys/module/ntaffinity_starve/parameters
failslab=/sys/kernel/debug/failslab

if [ ! -d $failslab ] || ! insmod /ko/ntaffinity_starve.ko; then
	skip "S16 a load without memory" "the kernel has no failslab"
	end_results
fi
echo N >$failslab/ignore-gfp-wait
echo 0 >$failslab/verbose

# Whether nothing is left of a module that failed to load, or was unloaded.
nothing_left()
{
	left=$(
		ls -d /sys/module/ntaffinity /sys/kernel/debug/ntaffinity
		grep '^ntaffinity ' /proc/modules
		grep ntaffinity /sys/kernel/debug/kprobes/list
		grep ntaffinity /sys/devices/system/cpu/hotplug/states
	) 2>/dev/null
	[ -z "$left" ] || echo "# left: $left"
	[ -z "$left" ]
}

# What cannot be allocated the kernel itself reports now and then, with a trace: so it
# writes to the log alone meanwhile, where any other report is found.
quiet()
{
	dmesg -n 1
	dmesg -c >/dev/null
}

no_report()
{
	dmesg -n 7
	! dmesg | awk '
		/kmem_cache_create.* failed with error|vmalloc error/ { known = 1 }
		/Call Trace/ && known { known = 0; next }
		/Call Trace|WARNING:|BUG:|INFO: |refcount_t:|cut here/ { bad = NR }
		{ line[NR] = $0 }
		END {
			for (i = bad - 10; bad && i < bad + 20; i++) if (i in line) print "# " line[i]
			exit !bad
		}'
}

# Whether the kernel's error was ENOMEM.
no_memory()
{
	grep -q ': Cannot allocate memory$' error && return
	sed 's/^/# /' error
	return 1
}

# pair: a Set of CPU 0 and its Revert, by this script.
pair()
{
	insmod /ko/from_the_shell.ko && echo set 0 1 >$try/call && has_affinity $$ 0 &&
		echo revert 0 0 >$try/call && has_affinity $$ "$all"
}

# Functions of the kernel that somebody has hooked. Two hooks and what they need: not
# all that there are.
enabled=/sys/kernel/tracing/enabled_functions
few_hooks()
{
	[ ! -f $enabled ] || [ "$(wc -l <$enabled)" -lt 10 ]
}

all=$(affinity $$)
nth=${2:-1}
failed_loads=0
while :; do
	echo $nth >$starve/nth
	quiet
	insmod /ko/ntaffinity.ko groupsize=2 verify=1 2>error
	failed=$?
	echo 0 >$starve/nth
	if [ $failed -eq 0 ]; then
		[ "$(cat $starve/failed)" = Y ] || break
		few_hooks && pair
		result "S16 allocation $nth of the load fails: it works without"
		rmmod from_the_shell ntaffinity && nothing_left && no_report
		result "U12 and unloads"
	else
		failed_loads=$((failed_loads + 1))
		no_memory && nothing_left && no_report
		result "S16 allocation $nth of the load fails: it fails and leaves nothing"
	fi
	nth=$((nth + step))
	[ $nth -lt 1000 ] || break
done
dmesg -n 7
[ $nth -gt 10 ] && [ $nth -lt 1000 ] && { [ $# -gt 1 ] || [ $failed_loads -gt $((10 / step)) ]; }
result "S16 the load makes less than $nth allocations"
pair && rmmod from_the_shell ntaffinity && nothing_left
result "and with memory it works"
rmmod ntaffinity_starve

# The kernel leaks the name of a cache that it could not make.
kmemleak=/sys/kernel/debug/kmemleak
if [ -f $kmemleak ]; then
	echo scan >$kmemleak
	echo scan >$kmemleak
	awk 'BEGIN { RS = "unreferenced object" }
		NR > 1 && !/sysfs_slab_add/ { print; bad = 1 }
		END { exit bad }' $kmemleak
	result "S16 no failed load leaks memory"
	echo clear >$kmemleak
fi
end_results
