/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Ke routines that ntaffinity exports. What each does, where it differs
 * from Windows, and every way it can fail stands beside its definition, in
 * src/ke_affinity.c, src/ke_processor.c, src/ke_node.c, src/ke_irql.c and
 * src/ps.c.
 *
 * The group-less routines are declared whether or not SINGLE_GROUP_LEGACY_API
 * is defined.
 */
#ifndef NT_WDM_H
#define NT_WDM_H

#include <linux/kernel.h>
#include <linux/spinlock.h>

#include "ntdef.h"

#define PASSIVE_LEVEL	0
#define LOW_LEVEL	0
#define APC_LEVEL	1
#define DISPATCH_LEVEL	2
#define DPC_LEVEL	2
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

/*
 * The same with several groups at once. What a token is only ntaffinity knows: it
 * is a number and not an address.
 */
typedef struct _AFFINITY_TOKEN *PAFFINITY_TOKEN;

NTSTATUS NTAPI PsAllocateAffinityToken(_Out_ PAFFINITY_TOKEN *AffinityToken);
VOID NTAPI PsFreeAffinityToken(_In_ PAFFINITY_TOKEN AffinityToken);
NTSTATUS NTAPI PsSetSystemMultipleGroupAffinityThread(_In_ PGROUP_AFFINITY GroupAffinities,
						      _In_ USHORT GroupCount,
						      _In_ PAFFINITY_TOKEN AffinityToken);
VOID NTAPI PsRevertToUserMultipleGroupAffinityThread(_In_ PAFFINITY_TOKEN AffinityToken);

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

/* Nodes. There are no device objects: a driver passes its struct device. */
struct device;
typedef struct device DEVICE_OBJECT, *PDEVICE_OBJECT;

USHORT NTAPI KeQueryHighestNodeNumber(VOID);
USHORT NTAPI KeGetCurrentNodeNumber(VOID);
VOID NTAPI KeQueryNodeActiveAffinity(_In_ USHORT NodeNumber,
				     _Out_opt_ PGROUP_AFFINITY Affinity,
				     _Out_opt_ PUSHORT Count);
NTSTATUS NTAPI KeQueryNodeActiveAffinity2(_In_ USHORT NodeNumber,
					  _Out_writes_to_(GroupAffinitiesCount,
							  *GroupAffinitiesRequired)
					  PGROUP_AFFINITY GroupAffinities,
					  _In_ USHORT GroupAffinitiesCount,
					  _Out_ PUSHORT GroupAffinitiesRequired);
ULONG NTAPI KeQueryNodeActiveProcessorCount(_In_ USHORT NodeNumber);
USHORT NTAPI KeQueryNodeMaximumProcessorCount(_In_ USHORT NodeNumber);
NTSTATUS NTAPI IoGetDeviceNumaNode(_In_ PDEVICE_OBJECT Pdo,
				   _Out_ PUSHORT NodeNumber);

/*
 * Levels and spin locks. A KSPIN_LOCK is the kernel's own lock, so it is larger
 * than on Windows.
 */
typedef spinlock_t KSPIN_LOCK, *PKSPIN_LOCK;

/**
 * KeInitializeSpinLock() - make a spin lock ready for use
 * @SpinLock: the lock, which nobody uses yet
 *
 * Context: any level.
 *
 * Return: nothing.
 *
 * Differences from Windows: a macro, for lockdep tells locks apart by the place
 * that initialises them. KSPIN_LOCK is a spinlock_t, of another size. Source:
 * the page KeInitializeSpinLock of wdm.h.
 */
#define KeInitializeSpinLock(SpinLock)	spin_lock_init(SpinLock)

KIRQL NTAPI KeGetCurrentIrql(VOID);
KIRQL NTAPI KfRaiseIrql(_In_ KIRQL NewIrql);
VOID NTAPI KeRaiseIrql(_In_ KIRQL NewIrql, _Out_ PKIRQL OldIrql);
KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID);
VOID NTAPI KeLowerIrql(_In_ KIRQL NewIrql);
VOID NTAPI KfLowerIrql(_In_ KIRQL NewIrql);

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(_Inout_ PKSPIN_LOCK SpinLock);
VOID NTAPI KeAcquireSpinLock(_Inout_ PKSPIN_LOCK SpinLock, _Out_ PKIRQL OldIrql);
VOID NTAPI KeReleaseSpinLock(_Inout_ PKSPIN_LOCK SpinLock, _In_ KIRQL NewIrql);
VOID NTAPI KeAcquireSpinLockAtDpcLevel(_Inout_ PKSPIN_LOCK SpinLock);
VOID NTAPI KeReleaseSpinLockFromDpcLevel(_Inout_ PKSPIN_LOCK SpinLock);

#ifndef PAGED_CODE
#define PAGED_CODE()	might_sleep()
#endif

#endif /* NT_WDM_H */
