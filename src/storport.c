// SPDX-License-Identifier: GPL-2.0-only
/*
 * The StorPort routines for the calling thread's affinity and for an adapter's
 * threads: they shape inputs and outputs; request.c and adapter_thread.c do the
 * work.
 *
 * The source of each is its page in Microsoft's documentation of storport.h.
 */
#include <linux/errno.h>
#include <linux/instruction_pointer.h>

#include "adapter_thread.h"
#include "compat.h"
#include "request.h"
#include "storport.h"

static ULONG reason_to_status(enum nta_reason reason)
{
	switch (reason) {
	case NTA_OK:
		return STOR_STATUS_SUCCESS;
	case NTA_NULL_POINTER:
	case NTA_BAD_GROUP:
	case NTA_STRAY_BITS:
	case NTA_ZERO_MASK:
	case NTA_NOT_ACTIVE:
	case NTA_OFFLINE:
	case NTA_BAD_COUNT:
	case NTA_SAME_GROUP:
	case NTA_BAD_TOKEN:
	case NTA_BAD_CONTEXT:
		return STOR_STATUS_INVALID_PARAMETER;
	case NTA_BAD_LEVEL:
		return STOR_STATUS_INVALID_IRQL;
	default:
		return STOR_STATUS_UNSUCCESSFUL;
	}
}

static struct nta_affinity from_stor(const STOR_GROUP_AFFINITY *affinity)
{
	/* Reserved is not looked at: callers pass uninitialised memory (S11). */
	return (struct nta_affinity){
		.mask = affinity->Mask,
		.group = affinity->Group,
	};
}

/**
 * StorPortSetSystemGroupAffinityThread() - restrict the calling thread to processors of one group
 * @HwDeviceExtension: the adapter; compared, never looked into
 * @ThreadContext: optional; if given, the context of the calling thread, which
 *	StorPortCreateSystemThread() has stored for this adapter
 * @Affinity: the group and the mask, as for KeSetSystemGroupAffinityThread(). May
 *	be the same pointer as @PreviousAffinity.
 * @PreviousAffinity: optional; receives what
 *	StorPortRevertToUserGroupAffinityThread() needs to undo this call, as
 *	there. Written whole on every path: {0, 0} on every failure.
 *
 * Does what KeSetSystemGroupAffinityThread() does, and tells whether it was
 * refused. The two families nest in either order.
 *
 * Context: process; as KeSetSystemGroupAffinityThread(): may sleep at IRQL <=
 * APC_LEVEL, never at DISPATCH_LEVEL, where the thread moves later.
 *
 * Return: what comes first of these; whatever it is but SUCCESS, nothing has
 * changed but @PreviousAffinity, and the refusal is counted and logged.
 *
 * * STOR_STATUS_INVALID_PARAMETER - @HwDeviceExtension is NULL; @ThreadContext is
 *   not the calling thread's on this adapter; @Affinity is NULL
 * * STOR_STATUS_INVALID_IRQL - called in an interrupt or a softirq
 * * STOR_STATUS_INVALID_PARAMETER - there is no such group; the mask has a bit of
 *   a processor that does not exist (ignored with rules=observed); no processor
 *   of the mask is active, the empty mask included
 * * STOR_STATUS_UNSUCCESSFUL - no memory for the thread's first system affinity;
 *   the thread is a kernel thread bound to a processor outside the mask, or has
 *   SCHED_DEADLINE and may now run outside the mask; the last processor of the
 *   mask went offline during the call
 * * STOR_STATUS_SUCCESS - the system affinity is in force
 *
 * Differences from Windows: as KeSetSystemGroupAffinityThread(). The page does
 * not list INVALID_IRQL, and does not say that {0, 0} also stands for the user
 * affinity. Source: the page StorPortSetSystemGroupAffinityThread of storport.h.
 */
ULONG NTAPI StorPortSetSystemGroupAffinityThread(PVOID HwDeviceExtension,
						 PVOID ThreadContext,
						 PSTOR_GROUP_AFFINITY Affinity,
						 PSTOR_GROUP_AFFINITY PreviousAffinity)
{
	struct nta_affinity asked, previous = {};
	enum nta_reason reason;

	/* The input is read whole before the output is written (S10). */
	if (Affinity)
		asked = from_stor(Affinity);

	if (nta_adapter_thread_is_current(HwDeviceExtension, ThreadContext))
		reason = nta_request_set(Affinity ? &asked : NULL, &previous,
					 _RET_IP_);
	else
		reason = nta_request_refuse("Set", Affinity ? &asked : NULL,
					    NTA_BAD_CONTEXT, _RET_IP_);

	if (PreviousAffinity)
		*PreviousAffinity = (STOR_GROUP_AFFINITY){
			.Mask = previous.mask,
			.Group = previous.group,
		};
	return reason_to_status(reason);
}
EXPORT_SYMBOL_GPL(StorPortSetSystemGroupAffinityThread);

/**
 * StorPortRevertToUserGroupAffinityThread() - undo StorPortSetSystemGroupAffinityThread()
 * @HwDeviceExtension: as there
 * @ThreadContext: as there
 * @PreviousAffinity: what that call wrote; as for
 *	KeRevertToUserGroupAffinityThread()
 *
 * Does what KeRevertToUserGroupAffinityThread() does, and tells whether it was
 * refused. To be called before the thread ends.
 *
 * Context: process; as StorPortSetSystemGroupAffinityThread(), with the affinity
 * reverted to.
 *
 * Return: what comes first of these.
 *
 * * STOR_STATUS_INVALID_PARAMETER - nothing has changed: @HwDeviceExtension is
 *   NULL; @ThreadContext is not the calling thread's on this adapter;
 *   @PreviousAffinity is NULL
 * * STOR_STATUS_INVALID_IRQL - nothing has changed: called in an interrupt or a
 *   softirq
 * * STOR_STATUS_INVALID_PARAMETER - nothing has changed: the mask is not 0, and a
 *   Set would refuse it
 * * STOR_STATUS_UNSUCCESSFUL - with a mask of 0: no processor of the user
 *   affinity is active, so the thread may use all active ones; the system
 *   affinity has ended all the same. With another mask: nothing has changed, for
 *   a reason for which StorPortSetSystemGroupAffinityThread() returns this
 * * STOR_STATUS_SUCCESS - done; or no system affinity is in force, and there is
 *   nothing to do
 *
 * At DISPATCH_LEVEL the thread moves later, so that the user affinity cannot be
 * restored is not known yet: that is SUCCESS, and is logged when it is found.
 *
 * Differences from Windows: as KeRevertToUserGroupAffinityThread(). What a Revert
 * without a Set returns is not documented. Source: the page
 * StorPortRevertToUserGroupAffinityThread of storport.h.
 */
ULONG NTAPI StorPortRevertToUserGroupAffinityThread(PVOID HwDeviceExtension,
						    PVOID ThreadContext,
						    PSTOR_GROUP_AFFINITY PreviousAffinity)
{
	struct nta_affinity previous;
	enum nta_reason reason;

	if (PreviousAffinity)
		previous = from_stor(PreviousAffinity);

	if (nta_adapter_thread_is_current(HwDeviceExtension, ThreadContext))
		reason = nta_request_revert(PreviousAffinity ? &previous : NULL,
					    _RET_IP_);
	else
		reason = nta_request_refuse("Revert",
					    PreviousAffinity ? &previous : NULL,
					    NTA_BAD_CONTEXT, _RET_IP_);
	return reason_to_status(reason);
}
EXPORT_SYMBOL_GPL(StorPortRevertToUserGroupAffinityThread);

static ULONG error_to_status(int error)
{
	switch (error) {
	case 0:
		return STOR_STATUS_SUCCESS;
	case -EINVAL:
		return STOR_STATUS_INVALID_PARAMETER;
	default:
		return STOR_STATUS_UNSUCCESSFUL;
	}
}

/**
 * StorPortCreateSystemThread() - start a kernel thread for an adapter
 * @HwDeviceExtension: the adapter; compared, never looked into
 * @StartRoutine: what the thread runs, at PASSIVE_LEVEL. When it returns the
 *	thread ends, as by StorPortTerminateSystemThread().
 * @StartContext: optional; passed to it
 * @Priority: optional; one of the seven levels, StorThreadPriorityNormal if NULL
 * @ThreadContext: optional; receives the thread's context, before the thread can
 *	run; NULL on every failure. It is a number and no address: a context is
 *	valid until its thread ends, and never given again.
 *
 * The thread bears the name of the module that @StartRoutine lies in, and has
 * the affinity of any kernel thread, not its creator's. It must end by itself:
 * the miniport's exit routine tells it to, and need not wait. When that routine
 * has returned, the unload waits until all threads that the miniport has
 * created, or whose @StartRoutine lies in it, have ended; after five seconds,
 * and then each minute, a log line names those that have not. A thread must not
 * end by other means than these two.
 *
 * Context: process, at IRQL <= APC_LEVEL. May sleep.
 *
 * Return:
 *
 * * STOR_STATUS_INVALID_PARAMETER - @HwDeviceExtension or @StartRoutine is NULL,
 *   or the priority is none of the seven
 * * STOR_STATUS_UNSUCCESSFUL - called at DISPATCH_LEVEL or above, which does not
 *   sleep; the adapter has as many threads that have not ended as
 *   KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS) tells; no memory; or the
 *   calling process is being killed
 * * STOR_STATUS_SUCCESS - the thread runs, and may even have ended already
 *
 * Differences from Windows: no reference is taken on the miniport or the adapter.
 * What is returned at too high a level, or for too many threads, is not
 * documented. Source: the page StorPortCreateSystemThread of storport.h.
 */
ULONG NTAPI StorPortCreateSystemThread(PVOID HwDeviceExtension,
				       PSTOR_THREAD_START_ROUTINE StartRoutine,
				       PVOID StartContext,
				       PSTOR_THREAD_PRIORITY Priority,
				       PVOID *ThreadContext)
{
	STOR_THREAD_PRIORITY priority =
		Priority ? *Priority : StorThreadPriorityNormal;

	return error_to_status(nta_adapter_thread_start(HwDeviceExtension,
							StartRoutine,
							StartContext, priority,
							ThreadContext,
							_RET_IP_));
}
EXPORT_SYMBOL_GPL(StorPortCreateSystemThread);

/**
 * StorPortTerminateSystemThread() - end the calling thread
 * @HwDeviceExtension: the adapter
 * @ThreadContext: optional; if given, the context of the calling thread
 *
 * Does not return. A system affinity that is in force ends, which is counted and
 * logged as for any thread that ends so, and the thread's context is valid no
 * more. If the calling thread is not one of this adapter's, or the context is
 * another one's, or the level is DISPATCH_LEVEL or higher, or migration is
 * disabled, then the call does return, nothing has changed, and it is counted and
 * logged.
 *
 * Context: process, at PASSIVE_LEVEL, of a thread that
 * StorPortCreateSystemThread() has started.
 *
 * Return: nothing, and only if it was refused.
 *
 * Differences from Windows: what a wrong call does is not documented. Source: the
 * page StorPortTerminateSystemThread of storport.h.
 */
VOID NTAPI StorPortTerminateSystemThread(PVOID HwDeviceExtension,
					 PVOID ThreadContext)
{
	nta_adapter_thread_end(HwDeviceExtension, ThreadContext, _RET_IP_);
}
EXPORT_SYMBOL_GPL(StorPortTerminateSystemThread);

/**
 * StorPortSetPriorityThread() - give a thread of an adapter another priority
 * @HwDeviceExtension: the adapter
 * @ThreadContext: the context of a thread of the adapter that has not ended; the
 *	calling one or another
 * @Priority: one of the seven levels
 *
 * =============================== ===== ======================
 * level                           value here
 * =============================== ===== ======================
 * StorThreadPriorityBackground    7     SCHED_NORMAL, nice 5
 * StorThreadPriorityNormal        8     SCHED_NORMAL, nice 0
 * StorThreadPriorityDelayed       12    SCHED_NORMAL, nice -5
 * StorThreadPriorityCritical      13    SCHED_NORMAL, nice -10
 * StorThreadPrioritySuperCritical 14    SCHED_NORMAL, nice -15
 * StorThreadPriorityHyperCritical 15    SCHED_FIFO, the lowest
 * StorThreadPriorityRealTime      18    SCHED_FIFO, the middle
 * =============================== ===== ======================
 *
 * Context: process, at PASSIVE_LEVEL; any thread. May sleep.
 *
 * Return: what comes first of these; whatever it is but SUCCESS, nothing has
 * changed.
 *
 * * STOR_STATUS_INVALID_PARAMETER - @HwDeviceExtension or @ThreadContext is NULL,
 *   or the priority is none of the seven
 * * STOR_STATUS_INVALID_IRQL - called above PASSIVE_LEVEL
 * * STOR_STATUS_INVALID_PARAMETER - the adapter has no such thread, or it has
 *   ended
 * * STOR_STATUS_SUCCESS - done
 *
 * Differences from Windows: never STOR_STATUS_UNSUCCESSFUL. Source: the page
 * StorPortSetPriorityThread of storport.h.
 */
ULONG NTAPI StorPortSetPriorityThread(PVOID HwDeviceExtension,
				      PVOID ThreadContext,
				      STOR_THREAD_PRIORITY Priority)
{
	int error = nta_adapter_thread_set_priority(HwDeviceExtension,
						    ThreadContext, Priority,
						    _RET_IP_);

	return error == -EPERM ? STOR_STATUS_INVALID_IRQL :
				 error_to_status(error);
}
EXPORT_SYMBOL_GPL(StorPortSetPriorityThread);
