// SPDX-License-Identifier: GPL-2.0-only
/*
 * The routines about NUMA nodes: they read node.c's facts and shape outputs.
 *
 * As with groups, masks are of the processors that are active now, and counts
 * of those that were ever active (see ke_processor.c). A mask and a count that
 * one call writes fit each other.
 */
#include <linux/device.h>
#include <linux/smp.h>

#include "compat.h"
#include "node.h"
#include "ntdef.h"
#include "topology.h"
#include "wdm.h"

static GROUP_AFFINITY to_group_affinity(unsigned int group, u64 mask)
{
	return (GROUP_AFFINITY){
		.Mask = mask,
		.Group = group,
	};
}

/**
 * KeQueryHighestNodeNumber() - how far to loop over nodes
 *
 * Context: any level.
 * Return: the highest number that a node can ever have; constant. 0 on a machine
 * without NUMA. Memory-only nodes count, and numbers below can be of no node.
 *
 * Differences from Windows: a node that is not in use yet counts too, if the
 * firmware has announced it. Source: the page KeQueryHighestNodeNumber of wdm.h.
 */
USHORT NTAPI KeQueryHighestNodeNumber(void)
{
	return nta_nodes.count - 1;
}
EXPORT_SYMBOL_GPL(KeQueryHighestNodeNumber);

/**
 * KeGetCurrentNodeNumber() - the node of the running processor
 *
 * Context: any level; the result is stale at once where the thread can migrate.
 * Return: the number; 0 on a machine without NUMA.
 *
 * Differences from Windows: none. Source: the page KeGetCurrentNodeNumber of
 * wdm.h.
 */
USHORT NTAPI KeGetCurrentNodeNumber(void)
{
	return nta_node_of_cpu(raw_smp_processor_id());
}
EXPORT_SYMBOL_GPL(KeGetCurrentNodeNumber);

/**
 * KeQueryNodeActiveAffinity() - the active processors of a node in one group
 * @NodeNumber: the node
 * @Affinity: optional; receives the node's primary group, the one with most of
 *	its processors, and the mask of those that a Set would accept now. {0, 0}
 *	if the node has only memory, if all its processors are offline, or if
 *	there is no such node
 * @Count: optional; receives the number of bits in that mask
 *
 * Outputs are written on every path, Reserved with zeros. A mask of 0 is refused
 * by a Set: look at it before.
 *
 * Context: any level.
 * Return: nothing.
 *
 * Differences from Windows: a processor that goes offline leaves the mask; if
 * the whole group does, another becomes the primary one. Source: the page
 * KeQueryNodeActiveAffinity of wdm.h, which says nothing of nodes that do not
 * exist.
 */
VOID NTAPI KeQueryNodeActiveAffinity(USHORT NodeNumber, PGROUP_AFFINITY Affinity,
				     PUSHORT Count)
{
	struct nta_affinity primary;

	nta_topology_refresh();
	primary = nta_node_primary(&nta_topology, &nta_nodes, NodeNumber);
	if (Affinity)
		*Affinity = to_group_affinity(primary.group, primary.mask);
	if (Count)
		*Count = hweight64(primary.mask);
}
EXPORT_SYMBOL_GPL(KeQueryNodeActiveAffinity);

/* The groups of a node, of which those fit are written; returns how many there are. */
static unsigned int list_groups(unsigned int node, PGROUP_AFFINITY affinities,
				unsigned int room)
{
	unsigned int group = 0, found = 0;
	u64 active;

	for (;; group++) {
		group = nta_node_next_group(&nta_topology, &nta_nodes, node,
					    group, &active);
		if (group >= nta_topology.group_count)
			return found;
		if (found < room)
			affinities[found] = to_group_affinity(group, active);
		found++;
	}
}

/**
 * KeQueryNodeActiveAffinity2() - the active processors of a node in all groups
 * @NodeNumber: the node
 * @GroupAffinities: receives an entry for each group in which the node has
 *	active processors, in ascending order, with the mask of those that a Set
 *	would accept now. May be NULL if @GroupAffinitiesCount is 0
 * @GroupAffinitiesCount: the number of entries that there is room for
 * @GroupAffinitiesRequired: receives the number of entries written; with
 *	STATUS_BUFFER_TOO_SMALL the number needed; 0 if the call fails otherwise,
 *	if the node has only memory, or if all its processors are offline
 *
 * On success entries beyond those written are left alone; if the call fails all
 * @GroupAffinitiesCount entries are zeroed.
 *
 * The number needed may change when processors come and go: a driver that asks
 * for it first must be ready for STATUS_BUFFER_TOO_SMALL again.
 * KeQueryMaximumGroupCount() entries are always enough.
 *
 * Context: any level.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_TOO_SMALL; STATUS_INVALID_PARAMETER if
 * there is no such node, @GroupAffinitiesRequired is NULL, or @GroupAffinities
 * is NULL and @GroupAffinitiesCount is not 0.
 *
 * Differences from Windows: a processor that goes offline leaves its mask, and a
 * group that has no other one the list. Source: the page
 * KeQueryNodeActiveAffinity2 of wdm.h.
 */
NTSTATUS NTAPI KeQueryNodeActiveAffinity2(USHORT NodeNumber,
					  PGROUP_AFFINITY GroupAffinities,
					  USHORT GroupAffinitiesCount,
					  PUSHORT GroupAffinitiesRequired)
{
	NTSTATUS status = STATUS_INVALID_PARAMETER;
	unsigned int required = 0;

	if (!GroupAffinities && GroupAffinitiesCount)
		goto out;
	if (GroupAffinitiesRequired && nta_node_exists(&nta_nodes, NodeNumber)) {
		required = list_groups(NodeNumber, GroupAffinities,
				       GroupAffinitiesCount);
		status = required > GroupAffinitiesCount ?
				 STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
	}
	if (!NT_SUCCESS(status) && GroupAffinitiesCount)
		RtlZeroMemory(GroupAffinities,
			      GroupAffinitiesCount * sizeof(*GroupAffinities));
out:
	if (GroupAffinitiesRequired)
		*GroupAffinitiesRequired = required;
	return status;
}
EXPORT_SYMBOL_GPL(KeQueryNodeActiveAffinity2);

/**
 * KeQueryNodeActiveProcessorCount() - count the processors of a node
 * @NodeNumber: the node
 *
 * Context: any level.
 * Return: how many processors of the node, in all groups, were ever active; 0 if
 * it has only memory or there is no such node.
 *
 * Differences from Windows: a processor counted may be offline now. Source: the
 * page KeQueryNodeActiveProcessorCount of wdm.h.
 */
ULONG NTAPI KeQueryNodeActiveProcessorCount(USHORT NodeNumber)
{
	nta_topology_refresh();
	return nta_node_seen_count(&nta_topology, &nta_nodes, NodeNumber);
}
EXPORT_SYMBOL_GPL(KeQueryNodeActiveProcessorCount);

/**
 * KeQueryNodeMaximumProcessorCount() - how many processors a node can have
 * @NodeNumber: the node
 *
 * Context: any level.
 * Return: how many processors of the node are possible, in all groups; 0 if it
 * has only memory or there is no such node.
 *
 * Differences from Windows: a processor that is not plugged in yet counts where
 * the kernel expects it, and can turn out to be of another node. Source: the page
 * KeQueryNodeMaximumProcessorCount of wdm.h.
 */
USHORT NTAPI KeQueryNodeMaximumProcessorCount(USHORT NodeNumber)
{
	return nta_node_possible_count(&nta_nodes, NodeNumber);
}
EXPORT_SYMBOL_GPL(KeQueryNodeMaximumProcessorCount);

/**
 * IoGetDeviceNumaNode() - the node that a device is nearest to
 * @Pdo: the device: a ``struct device``, such as the ``dev`` inside a ``struct
 *	pci_dev``
 * @NodeNumber: receives the node's number; 0 if the call fails
 *
 * Context: any level.
 * Return: STATUS_SUCCESS; on a machine with one node always, with 0.
 * STATUS_NOT_FOUND if the kernel does not know the device's node;
 * STATUS_INVALID_PARAMETER if @Pdo or @NodeNumber is NULL.
 *
 * Differences from Windows: there is no device object, @Pdo is the kernel's own
 * ``struct device``; callable at any level. Source: the page IoGetDeviceNumaNode
 * of wdm.h.
 */
NTSTATUS NTAPI IoGetDeviceNumaNode(PDEVICE_OBJECT Pdo, PUSHORT NodeNumber)
{
	int node;

	if (!NodeNumber)
		return STATUS_INVALID_PARAMETER;
	*NodeNumber = 0;
	if (!Pdo)
		return STATUS_INVALID_PARAMETER;
	node = nta_node_of_device(&nta_nodes, dev_to_node(Pdo));
	if (node < 0)
		return STATUS_NOT_FOUND;
	*NodeNumber = node;
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(IoGetDeviceNumaNode);
