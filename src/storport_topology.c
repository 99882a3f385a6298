// SPDX-License-Identifier: GPL-2.0-only
/*
 * The StorPort routines that ask where things are: the Ke routines' answers with
 * StorPort's status codes (P7).
 *
 * HwDeviceExtension only has to be there: nothing is read from it. An output is
 * written whole on every path on which there is one, with zeros if the call fails.
 */
#include "compat.h"
#include "node.h"
#include "storport.h"
#include "topology.h"

/* A node number above this cannot be asked for; the Ke routines take a USHORT. */
#define HIGHEST_NODE_NUMBER 65535

/**
 * StorPortGetActiveGroupCount() - how many groups to loop over
 * @HwDeviceExtension: the adapter's
 * @NumberGroups: receives what KeQueryActiveGroupCount() returns; 0 if the call
 *	fails
 *
 * Context: any level.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @NumberGroups is NULL.
 *
 * Differences from Windows: see KeQueryActiveGroupCount(). Source: the page
 * StorPortGetActiveGroupCount of storport.h, which says nothing of NULL.
 */
ULONG NTAPI StorPortGetActiveGroupCount(PVOID HwDeviceExtension,
					PUSHORT NumberGroups)
{
	if (!NumberGroups)
		return STOR_STATUS_INVALID_PARAMETER;
	*NumberGroups = 0;
	if (!HwDeviceExtension)
		return STOR_STATUS_INVALID_PARAMETER;
	*NumberGroups = KeQueryActiveGroupCount();
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetActiveGroupCount);

/**
 * StorPortGetGroupAffinity() - the active processors of a group
 * @HwDeviceExtension: the adapter's
 * @GroupNumber: the group
 * @GroupAffinityMask: receives what KeQueryGroupAffinity() returns, which is 0
 *	for a group without an active processor; 0 if the call fails
 *
 * Context: any level.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @GroupAffinityMask is NULL; STOR_STATUS_UNSUCCESSFUL if
 * there is no such group.
 *
 * Differences from Windows: see KeQueryGroupAffinity(). Source: the page
 * StorPortGetGroupAffinity of storport.h.
 */
ULONG NTAPI StorPortGetGroupAffinity(PVOID HwDeviceExtension, USHORT GroupNumber,
				     PKAFFINITY GroupAffinityMask)
{
	if (!GroupAffinityMask)
		return STOR_STATUS_INVALID_PARAMETER;
	*GroupAffinityMask = 0;
	if (!HwDeviceExtension)
		return STOR_STATUS_INVALID_PARAMETER;
	if (GroupNumber >= nta_topology.group_count)
		return STOR_STATUS_UNSUCCESSFUL;
	*GroupAffinityMask = KeQueryGroupAffinity(GroupNumber);
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetGroupAffinity);

/**
 * StorPortGetActiveNodeCount() - how many nodes there are
 * @HwDeviceExtension: the adapter's
 * @NumberNodes: receives the number of nodes in use, those with memory only
 *	included; 0 if the call fails
 *
 * Node numbers can have gaps: a loop goes to StorPortGetHighestNodeNumber().
 *
 * Context: any level.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @NumberNodes is NULL.
 *
 * Differences from Windows: changes where memory is plugged in or out. Source:
 * the page StorPortGetActiveNodeCount of storport.h.
 */
ULONG NTAPI StorPortGetActiveNodeCount(PVOID HwDeviceExtension,
				       PULONG NumberNodes)
{
	if (!NumberNodes)
		return STOR_STATUS_INVALID_PARAMETER;
	*NumberNodes = 0;
	if (!HwDeviceExtension)
		return STOR_STATUS_INVALID_PARAMETER;
	*NumberNodes = nta_online_nodes();
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetActiveNodeCount);

/**
 * StorPortGetHighestNodeNumber() - how far to loop over nodes
 * @HwDeviceExtension: the adapter's
 * @HighestNode: receives what KeQueryHighestNodeNumber() returns; 0 if the call
 *	fails
 *
 * Context: any level.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @HighestNode is NULL.
 *
 * Differences from Windows: see KeQueryHighestNodeNumber(). Source: the page
 * StorPortGetHighestNodeNumber of storport.h.
 */
ULONG NTAPI StorPortGetHighestNodeNumber(PVOID HwDeviceExtension,
					 PULONG HighestNode)
{
	if (!HighestNode)
		return STOR_STATUS_INVALID_PARAMETER;
	*HighestNode = 0;
	if (!HwDeviceExtension)
		return STOR_STATUS_INVALID_PARAMETER;
	*HighestNode = KeQueryHighestNodeNumber();
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetHighestNodeNumber);

/**
 * StorPortGetNodeAffinity() - the active processors of a node in one group
 * @HwDeviceExtension: the adapter's
 * @NodeNumber: the node
 * @NodeAffinityMask: receives what KeQueryNodeActiveAffinity() writes, which has
 *	Mask 0 for a node without an active processor; zeros if the call fails
 *
 * Context: any level.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @NodeAffinityMask is NULL or @NodeNumber is above 65535;
 * STOR_STATUS_UNSUCCESSFUL if there is no such node.
 *
 * Differences from Windows: see KeQueryNodeActiveAffinity(). Source: the page
 * StorPortGetNodeAffinity of storport.h, which says nothing of a node up to 65535
 * that does not exist.
 */
ULONG NTAPI StorPortGetNodeAffinity(PVOID HwDeviceExtension, ULONG NodeNumber,
				    PGROUP_AFFINITY NodeAffinityMask)
{
	if (!NodeAffinityMask)
		return STOR_STATUS_INVALID_PARAMETER;
	RtlZeroMemory(NodeAffinityMask, sizeof(*NodeAffinityMask));
	if (!HwDeviceExtension || NodeNumber > HIGHEST_NODE_NUMBER)
		return STOR_STATUS_INVALID_PARAMETER;
	if (!nta_node_exists(&nta_nodes, NodeNumber))
		return STOR_STATUS_UNSUCCESSFUL;
	KeQueryNodeActiveAffinity(NodeNumber, NodeAffinityMask, NULL);
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetNodeAffinity);

/**
 * StorPortGetCurrentProcessorNumber() - the running processor
 * @HwDeviceExtension: the adapter's
 * @ProcNumber: receives its group and number, Reserved 0; zeros if the call fails
 *
 * Context: any level; the result is stale at once where the thread can migrate.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @ProcNumber is NULL.
 *
 * Differences from Windows: none. Source: the page
 * StorPortGetCurrentProcessorNumber of storport.h.
 */
ULONG NTAPI StorPortGetCurrentProcessorNumber(PVOID HwDeviceExtension,
					      PPROCESSOR_NUMBER ProcNumber)
{
	if (!ProcNumber)
		return STOR_STATUS_INVALID_PARAMETER;
	RtlZeroMemory(ProcNumber, sizeof(*ProcNumber));
	if (!HwDeviceExtension)
		return STOR_STATUS_INVALID_PARAMETER;
	KeGetCurrentProcessorNumberEx(ProcNumber);
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetCurrentProcessorNumber);

/**
 * StorPortGetCurrentIrql() - the current level
 * @HwDeviceExtension: the adapter's
 * @Irql: receives what KeGetCurrentIrql() returns; 0 if the call fails
 *
 * Context: any level.
 * Return: STOR_STATUS_SUCCESS; STOR_STATUS_INVALID_PARAMETER if
 * @HwDeviceExtension or @Irql is NULL.
 *
 * Differences from Windows: see KeGetCurrentIrql(). Source: the page
 * StorPortGetCurrentIrql of storport.h.
 */
ULONG NTAPI StorPortGetCurrentIrql(PVOID HwDeviceExtension, PKIRQL Irql)
{
	if (!Irql)
		return STOR_STATUS_INVALID_PARAMETER;
	*Irql = 0;
	if (!HwDeviceExtension)
		return STOR_STATUS_INVALID_PARAMETER;
	*Irql = KeGetCurrentIrql();
	return STOR_STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(StorPortGetCurrentIrql);
