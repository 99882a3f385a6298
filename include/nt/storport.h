/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The StorPort routines that ntaffinity exports. What each does, where it differs
 * from Windows, and every way it can fail stands beside its definition, in
 * src/storport.c and src/storport_topology.c.
 */
#ifndef NT_STORPORT_H
#define NT_STORPORT_H

#include "wdm.h"

#define STOR_STATUS_SUCCESS			0x00000000U
#define STOR_STATUS_UNSUCCESSFUL		0xC1000001U
#define STOR_STATUS_NOT_IMPLEMENTED		0xC1000002U
#define STOR_STATUS_INSUFFICIENT_RESOURCES	0xC1000003U
#define STOR_STATUS_BUFFER_TOO_SMALL		0xC1000004U
#define STOR_STATUS_INVALID_PARAMETER		0xC1000006U
#define STOR_STATUS_INVALID_IRQL		0xC1000008U

typedef KAFFINITY STOR_AFFINITY, *PSTOR_AFFINITY;

typedef struct _STOR_GROUP_AFFINITY {
	STOR_AFFINITY Mask;
	USHORT Group;
	USHORT Reserved[3];
} STOR_GROUP_AFFINITY, *PSTOR_GROUP_AFFINITY;

_Static_assert(sizeof(STOR_GROUP_AFFINITY) == sizeof(GROUP_AFFINITY), "P1");

/* The values are the levels of Windows' scheduler. */
typedef enum _STOR_THREAD_PRIORITY {
	StorThreadPriorityBackground = 7,
	StorThreadPriorityNormal = 8,
	StorThreadPriorityDelayed = 12,
	StorThreadPriorityCritical = 13,
	StorThreadPrioritySuperCritical = 14,
	StorThreadPriorityHyperCritical = 15,
	StorThreadPriorityRealTime = 18,
} STOR_THREAD_PRIORITY, *PSTOR_THREAD_PRIORITY;

typedef VOID NTAPI STOR_THREAD_START_ROUTINE(_In_ PVOID StartContext);
typedef STOR_THREAD_START_ROUTINE *PSTOR_THREAD_START_ROUTINE;

/* Affinity of the calling thread. */
ULONG NTAPI StorPortSetSystemGroupAffinityThread(_In_ PVOID HwDeviceExtension,
						 _In_opt_ PVOID ThreadContext,
						 _In_ PSTOR_GROUP_AFFINITY Affinity,
						 _Out_opt_ PSTOR_GROUP_AFFINITY PreviousAffinity);
ULONG NTAPI StorPortRevertToUserGroupAffinityThread(_In_ PVOID HwDeviceExtension,
						    _In_opt_ PVOID ThreadContext,
						    _In_ PSTOR_GROUP_AFFINITY PreviousAffinity);

/* Threads of an adapter. */
ULONG NTAPI StorPortCreateSystemThread(_In_ PVOID HwDeviceExtension,
				       _In_ PSTOR_THREAD_START_ROUTINE StartRoutine,
				       _In_opt_ PVOID StartContext,
				       _In_opt_ PSTOR_THREAD_PRIORITY Priority,
				       _Out_opt_ PVOID *ThreadContext);
VOID NTAPI StorPortTerminateSystemThread(_In_ PVOID HwDeviceExtension,
					 _In_opt_ PVOID ThreadContext);
ULONG NTAPI StorPortSetPriorityThread(_In_ PVOID HwDeviceExtension,
				      _In_ PVOID ThreadContext,
				      _In_ STOR_THREAD_PRIORITY Priority);

/* Groups, nodes and processors. */
ULONG NTAPI StorPortGetActiveGroupCount(_In_ PVOID HwDeviceExtension,
					_Out_ PUSHORT NumberGroups);
ULONG NTAPI StorPortGetGroupAffinity(_In_ PVOID HwDeviceExtension,
				     _In_ USHORT GroupNumber,
				     _Out_ PKAFFINITY GroupAffinityMask);
ULONG NTAPI StorPortGetActiveNodeCount(_In_ PVOID HwDeviceExtension,
				       _Out_ PULONG NumberNodes);
ULONG NTAPI StorPortGetHighestNodeNumber(_In_ PVOID HwDeviceExtension,
					 _Out_ PULONG HighestNode);
ULONG NTAPI StorPortGetNodeAffinity(_In_ PVOID HwDeviceExtension,
				    _In_ ULONG NodeNumber,
				    _Out_ PGROUP_AFFINITY NodeAffinityMask);
ULONG NTAPI StorPortGetCurrentProcessorNumber(_In_ PVOID HwDeviceExtension,
					      _Out_ PPROCESSOR_NUMBER ProcNumber);
ULONG NTAPI StorPortGetCurrentIrql(_In_ PVOID HwDeviceExtension,
				   _Out_ PKIRQL Irql);

#endif /* NT_STORPORT_H */
