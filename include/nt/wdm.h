/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Ke routines that ntaffinity exports. What each does, where it differs
 * from Windows, and every way it can fail stands beside its definition, in
 * src/ke_affinity.c and src/ke_processor.c.
 *
 * The group-less routines are declared whether or not SINGLE_GROUP_LEGACY_API
 * is defined.
 */
#ifndef NT_WDM_H
#define NT_WDM_H

#include <linux/kernel.h>

#include "ntdef.h"

#define PASSIVE_LEVEL	0
#define LOW_LEVEL	0
#define APC_LEVEL	1
#define DISPATCH_LEVEL	2
#define HIGH_LEVEL	15

#define INVALID_PROCESSOR_INDEX	0xffffffff

/* Affinity of the calling thread. */
VOID NTAPI KeSetSystemGroupAffinityThread(_In_ PGROUP_AFFINITY Affinity,
					  _Out_opt_ PGROUP_AFFINITY PreviousAffinity);
VOID NTAPI KeRevertToUserGroupAffinityThread(_In_ PGROUP_AFFINITY PreviousAffinity);

KAFFINITY NTAPI KeSetSystemAffinityThreadEx(_In_ KAFFINITY Affinity);
VOID NTAPI KeRevertToUserAffinityThreadEx(_In_ KAFFINITY Affinity);
VOID NTAPI KeSetSystemAffinityThread(_In_ KAFFINITY Affinity);
VOID NTAPI KeRevertToUserAffinityThread(VOID);

/* Groups and processors. */
USHORT NTAPI KeQueryActiveGroupCount(VOID);
USHORT NTAPI KeQueryMaximumGroupCount(VOID);
ULONG NTAPI KeQueryActiveProcessorCount(_Out_opt_ PKAFFINITY ActiveProcessors);
ULONG NTAPI KeQueryActiveProcessorCountEx(_In_ USHORT GroupNumber);
ULONG NTAPI KeQueryMaximumProcessorCount(VOID);
ULONG NTAPI KeQueryMaximumProcessorCountEx(_In_ USHORT GroupNumber);
KAFFINITY NTAPI KeQueryActiveProcessors(VOID);
KAFFINITY NTAPI KeQueryGroupAffinity(_In_ USHORT GroupNumber);

ULONG NTAPI KeGetCurrentProcessorNumber(VOID);
ULONG NTAPI KeGetCurrentProcessorNumberEx(_Out_opt_ PPROCESSOR_NUMBER ProcNumber);
ULONG NTAPI KeGetCurrentProcessorIndex(VOID);
NTSTATUS NTAPI KeGetProcessorNumberFromIndex(_In_ ULONG ProcIndex,
					     _Out_ PPROCESSOR_NUMBER ProcNumber);
ULONG NTAPI KeGetProcessorIndexFromNumber(_In_ PPROCESSOR_NUMBER ProcNumber);

#ifndef PAGED_CODE
#define PAGED_CODE()	might_sleep()
#endif

#endif /* NT_WDM_H */
