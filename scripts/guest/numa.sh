#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# numa.sh: what the DDIs say of nodes, on a machine that has several, one of them
# without processors, one without memory and one wider than a group. The sample
# visit_nodes asks; what it logs is held against the kernel's own lists in sysfs.
# Prints KTAP; each result names the rule it proves.

. /guest/results.sh

nodes=/sys/devices/system/node
cpus=/sys/devices/system/cpu

# The processors of each node while all are online: sysfs lists no others.
for node in "$nodes"/node[0-9]*; do
	echo "${node##*/node} $(cat "$node/cpulist")"
done | sort -n >homes

five=$(awk '$2 == "0-4" { print $1 }' homes)
two=$(awk '$2 == "5-6" { print $1 }' homes)

# A machine of another shape proves nothing.
[ "$(cat $nodes/online)" = 0-2 ] && [ "$(cat $nodes/possible)" = 0-2 ]
result "the machine has three nodes"
[ "$(awk '{ print $2 }' homes | sort | xargs)" = "0-4 5-6" ] && grep -q '^[0-9] *$' homes
result "one of them has no processor, one has five, one has two"
[ "$(cat $nodes/has_memory)" != "$(cat $nodes/online)" ]
result "one of them has no memory"

online()
{
	for cpu in 5 6; do
		echo "$1" >$cpus/cpu$cpu/online || return
	done
}

# expected SIZE SEEN: what visit_nodes is to log where a group has SIZE
# processors, and SEEN is the list of those that were ever active.
expected()
{
	awk -v size="$1" -v seen="$2" -v online="$(cat $cpus/online)" '
	function expand(list, set,  parts, ends, i, n, cpu) {
		split("", set)
		n = split(list, parts, ",")
		for (i = 1; i <= n; i++) {
			if (split(parts[i], ends, "-") == 1) ends[2] = ends[1]
			for (cpu = ends[1] + 0; cpu <= ends[2] + 0; cpu++) set[cpu] = 1
		}
	}
	BEGIN { expand(seen, was); expand(online, is) }
	{
		expand($2, home)
		possible = counted = groups = most = group = mask = 0
		rows = ""
		for (first = 0; first < 64; first += size) {
			count = bits = 0
			for (cpu = first + size - 1; cpu >= first; cpu--) {
				bits = 2 * bits + (cpu in home && cpu in is)
				count += cpu in home && cpu in was
				possible += cpu in home
			}
			counted += count
			if (!bits) continue
			rows = rows sprintf("  group %d mask 0x%x ran on node %d ok\n", first / size, bits, $1)
			groups++
			if (count > most) { most = count; group = first / size; mask = bits }
		}
		printf "node %d processors %d of %d groups %d primary %d:0x%x\n%s",
			$1, counted, possible, groups, group, mask, rows
	}
	END { print NR " node numbers visited, 0 wrong" }' homes
}

# visit SIZE SEEN: whether it logs just that.
visit()
{
	dmesg -c >/dev/null
	insmod /ko/visit_nodes.ko && rmmod visit_nodes || return
	dmesg | sed -n 's/^\[ *[0-9.]*\] visit_nodes: //p' >logged
	expected "$@" >wanted
	cmp -s logged wanted && return
	echo "# expected:"
	sed 's/^/#   /' wanted
	echo "# logged:"
	sed 's/^/#   /' logged
	return 1
}

insmod /ko/ntaffinity.ko
visit 64 0-6
result "Q6 several nodes in one group"
rmmod ntaffinity

insmod /ko/ntaffinity.ko groupsize=2
[ "$(awk 'NR > 1 { print $1, $5, $6 }' /sys/kernel/debug/ntaffinity/groups | xargs)" = \
	"0 0-1 $five 1 2-3 $five 2 4-5 $five,$two 3 6 $two" ]
result "O2 groups shows the CPUs and nodes of each group"
visit 2 0-6
result "Q6 a node over three groups, a group shared by two nodes, a memory-only node"
online 0 && visit 2 0-6
result "Q3 Q6 a node all of whose processors went offline keeps its count"
online 1 && visit 2 0-6
result "Q3 Q6 and has its mask again when they are back"
rmmod ntaffinity

online 0 && insmod /ko/ntaffinity.ko groupsize=2
visit 2 0-4
result "Q3 Q6 a node none of whose processors was active since the load"
online 1 && visit 2 0-6
result "Q3 Q6 and when they become active"
rmmod ntaffinity

end_results
