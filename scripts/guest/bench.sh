#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# bench.sh ROUNDS TURNS [icount]: measures, and prints the rows that kunit/bench/main.c
# describes. First the raw calls, as the kernel alone has them; then ours. With
# the probes of a kernel that has them the raw calls cost more: there ours are
# compared with what they cost before. Where there are none, with those of the
# same moment. At last what others pay while a driver is there with one thread
# active: TURNS times with the modules and without.

bench=/sys/kernel/debug/ntaffinity_bench
compat=/sys/kernel/debug/ntaffinity/compat
rounds=$1
turns=$2

fail()
{
	echo "bench.sh: $*"
	exit 1
}

# Where the clock counts instructions what others do comes in between in more than half
# of the samples that migrate or fork, and the least are always the same; where it
# does not, the least are those that had luck.
rank=50
[ "$3" != icount ] || rank=10

insmod /ko/ntaffinity_bench_raw.ko "rounds=$rounds" "rank=$rank" || fail "insmod ntaffinity_bench_raw.ko"
for kind in user kthread; do
	echo $kind >$bench/before || fail "the raw calls cannot be measured"
done

insmod /ko/ntaffinity.ko || fail "insmod ntaffinity.ko"
before=0
grep -q '^foreign_changes scan' $compat || before=1
insmod /ko/ntaffinity_bench.ko before=$before || fail "insmod ntaffinity_bench.ko"
for kind in user kthread; do
	echo $kind >$bench/run || fail "run: $kind"
done
[ "$3" = icount ] || set -- "$@" parallel
shift 2
for what in ${1#icount} scale sizes; do
	echo kthread >"$bench/$what" || fail "$what"
done
insmod /ko/ntaffinity_bench_machines.ko || fail "insmod ntaffinity_bench_machines.ko"
rmmod ntaffinity_bench_machines || fail "rmmod ntaffinity_bench_machines"
cat $bench/rows
[ "$1" != icount ] ||
	printf 'throughput of pairs on two processors\t\t\t\t\t\t\tnot measured: one CPU at a time\n'
rmmod ntaffinity_bench ntaffinity || fail rmmod

# --- others -----------------------------------------------------------------

# measure FILE: a line with the figure of each, in the order of the rows.
measure()
{
	for what in fork wakeup migrate setaffinity; do
		figure=$(bystander $what 200 $rank) || fail "bystander $what"
		printf '%s ' "$figure"
	done >>"$1"
	echo >>"$1"
}

turn=0
while [ $turn -lt "$turns" ]; do
	measure without
	if ! insmod /ko/ntaffinity.ko || ! insmod /ko/ntaffinity_bench.ko; then
		fail insmod
	fi
	# What the shell forks has its user affinity back before it runs.
	sh -c "echo 1 >$bench/hold; sleep 1000" &
	holder=$!
	until grep -q "^Cpus_allowed_list:[[:space:]]*1$" /proc/$holder/status; do
		usleep 10000
	done
	measure with
	kill $holder
	wait $holder
	rmmod ntaffinity_bench ntaffinity || fail rmmod
	turn=$((turn + 1))
done

median()
{
	awk -v column="$1" '{ print $column }' "$2" | sort -n | sed -n "$(((turns + 1) / 2))p"
}

# other COLUMN ROW AIM: what others pay. No aim: reported.
other()
{
	awk -v OFS='\t' -v name="$2" -v ours="$(median "$1" with)" -v ref="$(median "$1" without)" -v aim="$3" 'BEGIN {
		ratio = sprintf("%.3f", ours / ref)
		print name, "not loaded", ours, ref, "ns", ratio, aim == "" ? "" : "<= " aim,
			aim == "" ? "reported" : ratio + 0 <= aim + 0 ? "ok" : "short" }'
}

other 1 "fork, exit, wait of others" 1.010
other 2 "two wakeups of others" 1.010
other 3 "migration of another, when it wakes" 1.010
other 4 "sched_setaffinity on others" 1.010
rmmod ntaffinity_bench_raw || fail "rmmod ntaffinity_bench_raw"
