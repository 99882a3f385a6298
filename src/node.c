// SPDX-License-Identifier: GPL-2.0-only
/*
 * NUMA nodes: pure functions over the masks of nodes and of groups, and the
 * masks of this machine.
 *
 * The kernel's own mask of a node loses a CPU that goes offline; counts must not
 * (Q3), and the maximum is of possible CPUs. So each node has a mask of possible
 * CPUs here, and what is active or was seen of it comes from the topology.
 *
 * Which node a possible CPU belongs to is known once it has been plugged in;
 * until then the kernel makes it up. So a CPU that comes up is filed anew, before
 * it is active: only the maximum count of a node can change by that.
 *
 * Who may touch what:
 *   nta_nodes.count, .words, .exist
 *                   written at load only
 *   nta_nodes.cpus  filled at load, then written by the hotplug callback, with
 *                   atomic bit operations; read by anyone
 */
#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "compat.h"
#include "node.h"
#include "topology.h"

/* MAX_NUMNODES is 1024 at the most; 0xffff stands for no node. */
static_assert(MAX_NUMNODES < 0xffff);

struct nta_nodes nta_nodes;
EXPORT_SYMBOL_IF_KUNIT(nta_nodes);

static int hotplug_state;

/**
 * nta_node_possible_count() - the possible processors of a node
 * @nodes: the nodes
 * @node: any number
 *
 * Context: any.
 * Return: how many; 0 if there is no such node.
 */
unsigned int nta_node_possible_count(const struct nta_nodes *nodes,
				     unsigned int node)
{
	if (!nta_node_exists(nodes, node))
		return 0;
	/* data_race: a CPU that is filed right now counts, or not yet. */
	return data_race(bitmap_weight(nta_node_cpus(nodes, node),
				       nodes->words * BITS_PER_LONG));
}
EXPORT_SYMBOL_IF_KUNIT(nta_node_possible_count);

/**
 * nta_node_seen_count() - the processors of a node that were ever active
 * @topology: the groups of the same machine
 * @nodes: the nodes
 * @node: any number
 *
 * Context: any.
 * Return: how many, in all groups; 0 if there is no such node.
 */
unsigned int nta_node_seen_count(const struct nta_topology *topology,
				 const struct nta_nodes *nodes,
				 unsigned int node)
{
	const unsigned long *cpus;
	unsigned int word, count = 0;

	if (!nta_node_exists(nodes, node))
		return 0;
	cpus = nta_node_cpus(nodes, node);
	for (word = 0; word < nodes->words; word++)
		count += hweight_long(READ_ONCE(cpus[word]) &
				      READ_ONCE(topology->seen[word]));
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(nta_node_seen_count);

/**
 * nta_node_next_group() - go through the groups in which a node is active
 * @topology: the groups of the same machine
 * @nodes: the nodes
 * @node: any number
 * @group: the first group to look at
 * @active: receives the active processors of the node in the group found
 *
 * A memory-only node has no such group.
 *
 * Context: any.
 * Return: the group; the group count if there is none from @group on.
 */
unsigned int nta_node_next_group(const struct nta_topology *topology,
				 const struct nta_nodes *nodes,
				 unsigned int node, unsigned int group,
				 u64 *active)
{
	const unsigned long *cpus;

	if (!nta_node_exists(nodes, node))
		return topology->group_count;
	cpus = nta_node_cpus(nodes, node);
	for (; group < topology->group_count; group++) {
		*active = nta_group_slice(topology, cpus, group) &
			  nta_group_active(topology, group);
		if (*active)
			break;
	}
	return group;
}
EXPORT_SYMBOL_IF_KUNIT(nta_node_next_group);

/**
 * nta_node_primary() - the active processors of a node in its primary group
 * @topology: the groups of the same machine
 * @nodes: the nodes
 * @node: any number
 *
 * The primary group is the one with most processors of the node, the lowest of
 * several (Q6). Those ever active are counted, so that it does not change when
 * one of them goes offline; but a group in which none is active now is not
 * taken as long as there is another, for a mask of 0 says that the node has no
 * processors.
 *
 * Context: any.
 * Return: the group and the mask; {0, 0} if no processor of the node is active.
 */
struct nta_affinity nta_node_primary(const struct nta_topology *topology,
				     const struct nta_nodes *nodes,
				     unsigned int node)
{
	struct nta_affinity primary = {};
	unsigned int group = 0, count, most = 0;
	u64 active;

	for (;; group++) {
		group = nta_node_next_group(topology, nodes, node, group,
					    &active);
		if (group >= topology->group_count)
			return primary;
		count = hweight64(nta_group_slice(topology,
						  nta_node_cpus(nodes, node),
						  group) &
				  nta_group_seen(topology, group));
		if (primary.mask && count <= most)
			continue;
		most = count;
		primary.mask = active;
		primary.group = group;
	}
}
EXPORT_SYMBOL_IF_KUNIT(nta_node_primary);

/**
 * nta_node_of_device() - a device's node
 * @nodes: the nodes
 * @node: what the kernel says of the device; NUMA_NO_NODE if it does not know
 *
 * Context: any.
 * Return: the node, which is 0 for every device where that is the only one;
 * -ENOENT if it is not known.
 */
int nta_node_of_device(const struct nta_nodes *nodes, int node)
{
	if (nodes->count == 1)
		return 0;
	return node >= 0 && nta_node_exists(nodes, node) ? node : -ENOENT;
}
EXPORT_SYMBOL_IF_KUNIT(nta_node_of_device);

/**
 * nta_node_of_cpu() - the node that a CPU belongs to
 * @cpu: a possible CPU
 *
 * Context: any.
 * Return: the node, which exists: one that the kernel does not know is given to
 * the first node.
 */
unsigned int nta_node_of_cpu(unsigned int cpu)
{
	int node = cpu_to_node(cpu);

	if (node >= 0 && nta_node_exists(&nta_nodes, node))
		return node;
	return first_online_node;
}

/**
 * nta_online_nodes() - the number of nodes in use
 *
 * Context: any.
 * Return: the number now, memory-only nodes included.
 */
unsigned int nta_online_nodes(void)
{
	return num_online_nodes();
}

static int cpu_comes_up(unsigned int cpu)
{
	unsigned int node, home = nta_node_of_cpu(cpu);

	set_bit(cpu, nta_node_cpus(&nta_nodes, home));
	for_each_set_bit(node, nta_nodes.exist, nta_nodes.count)
		if (node != home)
			clear_bit(cpu, nta_node_cpus(&nta_nodes, node));
	return 0;
}

static int alloc_nodes(void)
{
	unsigned int words = BITS_TO_LONGS(nr_cpu_ids);
	unsigned int node;

	nta_nodes.exist = bitmap_zalloc(nr_node_ids, GFP_KERNEL);
	if (!nta_nodes.exist)
		return -ENOMEM;
	nta_nodes.cpus = kvcalloc(nr_node_ids, words * sizeof(long), GFP_KERNEL);
	if (!nta_nodes.cpus) {
		bitmap_free(nta_nodes.exist);
		return -ENOMEM;
	}
	nta_nodes.words = words;
	nta_nodes.count = nr_node_ids;
	/*
	 * Every node that can ever be: which of them are online may change, and
	 * a driver's arrays by node number must hold what it meets (Q6).
	 */
	for_each_node(node)
		set_bit(node, nta_nodes.exist);
	return 0;
}

static void free_nodes(void)
{
	kvfree(nta_nodes.cpus);
	bitmap_free(nta_nodes.exist);
}

/**
 * nta_nodes_start() - file this machine's processors by node
 *
 * Context: process; may sleep.
 * Return: 0 or a -errno.
 */
int nta_nodes_start(void)
{
	unsigned int cpu;
	int ret;

	ret = alloc_nodes();
	if (ret)
		return ret;

	/* No CPU comes between the first look and the callback. */
	cpus_read_lock();
	for_each_possible_cpu(cpu)
		set_bit(cpu, nta_node_cpus(&nta_nodes, nta_node_of_cpu(cpu)));
	ret = cpuhp_setup_state_nocalls_cpuslocked(CPUHP_AP_ONLINE_DYN,
						   "ntaffinity:node",
						   cpu_comes_up, NULL);
	cpus_read_unlock();
	if (ret < 0) {
		free_nodes();
		return ret;
	}
	hotplug_state = ret;
	return 0;
}

void nta_nodes_stop(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
	free_nodes();
}
