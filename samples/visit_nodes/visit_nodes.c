// SPDX-License-Identifier: GPL-2.0-only
/*
 * Visit every node: drivers that keep memory or a queue for each NUMA node set
 * it up by a thread that runs there. A node can have no processor to run on, and
 * its processors can lie in several groups: one Set reaches those of one group.
 *
 * Loading the module makes one round in the loading thread and logs a line for
 * each node, and one for each group of it.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "wdm.h"

#define pr_row(fmt, ...) pr_info("visit_nodes: " fmt, ##__VA_ARGS__)

/*
 * The groups of a node; the caller frees the list. How many there are may change
 * between two calls, so the second can ask for more again.
 */
static NTSTATUS groups_of_node(USHORT node, PGROUP_AFFINITY *list, PUSHORT count)
{
	USHORT room = 0;
	NTSTATUS status;

	*list = NULL;
	for (;;) {
		status = KeQueryNodeActiveAffinity2(node, *list, room, count);
		if (status != STATUS_BUFFER_TOO_SMALL)
			return status;
		kfree(*list);
		room = *count;
		*list = kcalloc(room, sizeof(**list), GFP_KERNEL);
		if (!*list)
			return STATUS_INSUFFICIENT_RESOURCES;
	}
}

/* The place for the work: here it only sees on which node it runs. */
static bool visit(USHORT node, PGROUP_AFFINITY affinity)
{
	GROUP_AFFINITY previous;
	USHORT here;

	KeSetSystemGroupAffinityThread(affinity, &previous);
	here = KeGetCurrentNodeNumber();
	KeRevertToUserGroupAffinityThread(&previous);

	pr_row("  group %u mask %#llx ran on node %u %s\n", affinity->Group,
	       affinity->Mask, here, here == node ? "ok" : "WRONG");
	return here == node;
}

static bool visit_node(USHORT node)
{
	GROUP_AFFINITY primary, *list;
	USHORT groups, i;
	bool good = true;

	if (!NT_SUCCESS(groups_of_node(node, &list, &groups))) {
		pr_row("node %u is none\n", node);
		kfree(list);
		return true;
	}
	KeQueryNodeActiveAffinity(node, &primary, NULL);
	pr_row("node %u processors %u of %u groups %u primary %u:%#llx\n", node,
	       KeQueryNodeActiveProcessorCount(node),
	       KeQueryNodeMaximumProcessorCount(node), groups, primary.Group,
	       primary.Mask);
	for (i = 0; i < groups; i++)
		good &= visit(node, &list[i]);
	kfree(list);
	return good;
}

static int __init visit_nodes_init(void)
{
	unsigned int node, wrong = 0;

	for (node = 0; node <= KeQueryHighestNodeNumber(); node++)
		wrong += !visit_node(node);
	pr_row("%u node numbers visited, %u wrong\n", node, wrong);
	return 0;
}
module_init(visit_nodes_init);

static void __exit visit_nodes_exit(void)
{
}
module_exit(visit_nodes_exit);

MODULE_DESCRIPTION("ntaffinity sample: visit every NUMA node");
MODULE_LICENSE("GPL");
