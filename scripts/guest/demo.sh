#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# demo.sh: what "make demo" shows, inside the machine. Brings processors of all
# three groups online, loads the module and the samples, and prints what they
# log. The samples say where they were; whether that is right is judged here,
# from the numbers alone.

cpus=/sys/devices/system/cpu
wrong=0

online()
{
	for cpu; do
		[ "$(cat $cpus/cpu$cpu/online 2>/dev/null)" = 1 ] && continue
		echo 1 >$cpus/cpu$cpu/online
	done
}

# check NAME ARGUMENTS...: judges what the sample NAME has logged. awk exits with the
# number of wrong rows, where rows that are missing are one. It counts in this shell,
# which a function at the end of a pipe does not.
check()
{
	name=$1
	shift
	dmesg | sed -n "s/^\[ *[0-9.]*\] $name: //p" | awk -F '   *' "$@" || wrong=$((wrong + $?))
}

# load NAME: in a thread whose user affinity is $user, where that is set.
load()
{
	${user:+taskset -c $user} insmod "/ko/$1.ko" || wrong=$((wrong + 1))
}

echo "possible CPUs: $(cat $cpus/possible)"
echo "bringing CPUs of every group online ..."
online 1 2 3 64 65 128 129
echo "online CPUs:   $(cat $cpus/online)"
count=$(grep -c ^processor /proc/cpuinfo)

load ntaffinity
echo
echo "Groups, a slice of 64 CPUs each"
awk 'NR == 1 { printf "  %-6s %-10s %-20s %s\n", "group", "CPUs", "possible", "active"; next }
	{ printf "  %-6s %-10s %-20s %s\n", $1, $5, $2, $3; groups++ }
	END { exit groups != 3 }' /sys/kernel/debug/ntaffinity/groups ||
	wrong=$((wrong + 1))

# User mode wants three CPUs, one of each group. That is what every Revert
# must give back.
user=0,64,128

echo
echo "Visit every processor (a thread whose user affinity is $user)"
load visit_processors
check visit_processors -v user=$user -v count="$count" '
	function bit(n,  s) { s = "8421"; s = substr("1248", n % 4 + 1, 1); while (n >= 4) { s = s "0"; n -= 4 } return "0x" s }
	/^index/ {
		printf "  %-6s %-10s %-20s %-4s %-9s %-9s %s\n", "index", "processor", "mask asked", "CPU", "Previous", "after", "verdict"
		next
	}
	/visited$/ { said = $0; next }
	{
		sub(/^ +/, ""); n = split($0, f, /  +/); split(f[2], p, ":")
		ok = f[7] == "ok" && f[1] == rows + 0 && f[3] == bit(p[2]) && f[4] == p[1] * 64 + p[2] && f[5] == "0:0x0" && f[6] == user
		printf "  %-6s %-10s %-20s %-4s %-9s %-9s %s\n", f[1], f[2], f[3], f[4], f[5], f[6], ok ? "ok" : "WRONG"
		rows++; bad += !ok
	}
	END {
		if (rows != count || said != count " of " count " processors visited") { print "  WRONG: " rows " rows for " count " processors: " said; bad++ }
		exit bad
	}'

# The third index is CPU 2.
echo
load nested_sets
check nested_sets -v user=$user '
	BEGIN {
		n = split("0:0/0 NULL/1 NULL/2 0:0/u " \
			  "0:0/2 0:0x4/1 0:0x4/2 0:0/u 0:0/1 0:0/u", want, " ")
	}
	function row(call, previous, may, cpu, verdict) {
		printf "  %-28s %-9s %-12s %-4s %s\n", call, previous, may, cpu, verdict
	}
	/diagram/ {
		if (title) print ""
		title = 1; print toupper(substr($0, 1, 1)) substr($0, 2)
		row("call", "Previous", "may run on", "CPU", "verdict"); next
	}
	/^call|^done/ { next }
	{
		line = $0; indent = line ~ /^ / ? "  " : ""
		sub(/^ +/, "", line); split(line, f, /  +/)
		split(want[++rows], w, "/")
		may = w[2] == "u" ? user : w[2]
		previous = f[2]; sub(/:0x0$/, ":0", previous)
		ok = previous == w[1] && f[3] == may && index("," may ",", "," f[4] ",")
		row(indent f[1], previous, f[3], f[4], ok ? "ok" : "WRONG"); bad += !ok
	}
	END {
		if (rows != n) { print "  WRONG: " rows " steps, not " n; bad++ }
		exit bad
	}'

echo
echo "The group-less forms"
load legacy_forms
check legacy_forms -v user=$user '
	BEGIN { n = split("0 u 0 1 2 3 u u", want, " ") }
	/^call/ { printf "  %-28s %-12s %-4s %s\n", "call", "may run on", "CPU", "verdict"; next }
	/processors in|^done/ { next }
	{
		split($0, f, /  +/)
		may = want[++rows]; if (may == "u") may = user
		ok = f[2] == may && index("," may ",", "," f[3] ",")
		printf "  %-28s %-12s %-4s %s\n", f[1], f[2], f[3], ok ? "ok" : "WRONG"; bad += !ok
	}
	END {
		if (rows != n) { print "  WRONG: " rows " steps, not " n; bad++ }
		exit bad
	}'

# All of group 0, and all of group 2.
echo
echo "Two groups at once"
load two_groups
check two_groups -v user=$user '
	BEGIN { n = split("0-3,128-129 128-129 0-3,128-129 u", want, " ") }
	/^call/ { printf "  %-28s %-12s %-4s %s\n", "call", "may run on", "CPU", "verdict"; next }
	/^done/ { done = 1; next }
	{
		line = $0; indent = line ~ /^ / ? "  " : ""
		sub(/^ +/, "", line); split(line, f, /  +/)
		may = want[++rows]; if (may == "u") may = user
		inside = 0; k = split(may, part, ",")
		for (i = 1; i <= k; i++) {
			split(part[i], end, "-")
			if (f[3] + 0 >= end[1] + 0 && f[3] + 0 <= (end[2] == "" ? end[1] : end[2]) + 0) inside = 1
		}
		ok = f[2] == may && inside
		printf "  %-28s %-12s %-4s %s\n", indent f[1], f[2], f[3], ok ? "ok" : "WRONG"; bad += !ok
	}
	END {
		if (rows != n || !done) { print "  WRONG: " rows " steps, not " n; bad++ }
		exit bad
	}'

echo
echo "A miniport, with a thread for each group (kernel threads may run anywhere)"
load miniport
check miniport '
	BEGIN { n = split("0-3 64-65 128-129", want, " "); split("0xf 0x3 0x3", mask, " ") }
	/^group/ { printf "  %-6s %-11s %-11s %-9s %-9s %-6s %s\n", "group", "mask asked", "may run on", "requests", "Previous", "after", "verdict"; next }
	/groups$/ { said = $0; next }
	{
		sub(/^ +/, ""); split($0, f, /  +/); rows++
		ok = f[7] == "ok" && f[1] == rows - 1 && f[2] == mask[rows] && f[3] == want[rows] && f[4] == "50 of 50" && f[5] == "0:0x0" && f[6] == "0-129"
		printf "  %-6s %-11s %-11s %-9s %-9s %-6s %s\n", f[1], f[2], f[3], f[4], f[5], f[6], ok ? "ok" : "WRONG"; bad += !ok
	}
	END {
		if (rows != n || said != n " of " n " threads worked in their groups") { print "  WRONG: " rows " rows for " n " groups: " said; bad++ }
		exit bad
	}'

rmmod visit_processors nested_sets legacy_forms two_groups miniport ntaffinity || wrong=$((wrong + 1))

echo
if [ $wrong -eq 0 ]; then
	echo "every row holds"
else
	echo "WRONG: $wrong"
fi
[ $wrong -eq 0 ]
