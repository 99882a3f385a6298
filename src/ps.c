// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Ps routines that give the calling thread a system affinity of several
 * groups: they shape inputs and outputs, request.c does the work.
 *
 * The source of each is its page in Microsoft's documentation of ntifs.h.
 */
#include <linux/instruction_pointer.h>
#include <linux/stddef.h>

#include "compat.h"
#include "irql.h"
#include "ntdef.h"
#include "report.h"
#include "request.h"
#include "token.h"
#include "wdm.h"

/* A driver's array is read as it is; what follows a group is not looked at (S11). */
static_assert(sizeof(GROUP_AFFINITY) == sizeof(struct nta_affinity));
static_assert(offsetof(GROUP_AFFINITY, Mask) ==
	      offsetof(struct nta_affinity, mask));
static_assert(offsetof(GROUP_AFFINITY, Group) ==
	      offsetof(struct nta_affinity, group));

static PAFFINITY_TOKEN to_token(u64 id)
{
	return (PAFFINITY_TOKEN)(uintptr_t)id;
}

static u64 to_id(PAFFINITY_TOKEN token)
{
	return (uintptr_t)token;
}

static NTSTATUS to_status(enum nta_reason reason)
{
	switch (reason) {
	case NTA_OK:
		return STATUS_SUCCESS;
	case NTA_NO_MEMORY:
		return STATUS_INSUFFICIENT_RESOURCES;
	case NTA_BAD_LEVEL:
	case NTA_BOUND_KTHREAD:
	case NTA_DEADLINE:
	case NTA_KERNEL_REFUSED:
		return STATUS_UNSUCCESSFUL;
	default:
		return STATUS_INVALID_PARAMETER;
	}
}

/**
 * PsAllocateAffinityToken() - make a token for PsSetSystemMultipleGroupAffinityThread()
 * @AffinityToken: receives the token, or NULL if there is none
 *
 * Context: any but an NMI. At IRQL <= APC_LEVEL, where sleeping is allowed, it may
 * sleep.
 *
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER if @AffinityToken is NULL;
 * STATUS_INSUFFICIENT_RESOURCES if there is no memory, and on PREEMPT_RT where
 * preemption or interrupts are off.
 *
 * Differences from Windows: a token is a number and no address. Source: the
 * page PsAllocateAffinityToken of ntifs.h.
 */
NTSTATUS NTAPI PsAllocateAffinityToken(PAFFINITY_TOKEN *AffinityToken)
{
	enum nta_context context = nta_current_context();
	u64 id;

	if (!AffinityToken)
		return STATUS_INVALID_PARAMETER;
	id = nta_token_make(nta_gfp(context));
	*AffinityToken = to_token(id);
	return id ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
EXPORT_SYMBOL_GPL(PsAllocateAffinityToken);

/**
 * PsFreeAffinityToken() - free a token
 * @AffinityToken: the token
 *
 * A token that is in force can be freed: what it holds stays until it has been
 * unwound by PsRevertToUserMultipleGroupAffinityThread() or by any other Revert.
 * What is no token, or not any more, is not touched; a log line names the caller.
 *
 * Context: any but an NMI.
 *
 * Return: nothing.
 *
 * Differences from Windows: what is no token, or not any more, is refused.
 * Source: the page PsFreeAffinityToken of ntifs.h.
 */
VOID NTAPI PsFreeAffinityToken(PAFFINITY_TOKEN AffinityToken)
{
	struct nta_affinity token = {
		.mask = to_id(AffinityToken),
		.group = NTA_SEVERAL_GROUPS,
	};

	if (!nta_token_free(to_id(AffinityToken)))
		nta_report_refused("PsFreeAffinityToken()", &token,
				   NTA_BAD_TOKEN, _RET_IP_);
}
EXPORT_SYMBOL_GPL(PsFreeAffinityToken);

/**
 * PsSetSystemMultipleGroupAffinityThread() - restrict the calling thread to several groups
 * @GroupAffinities: a mask for each group, as KeSetSystemGroupAffinityThread()
 *	takes it; no group twice
 * @GroupCount: how many
 * @AffinityToken: a token that is not in use; keeps the system affinity, and what
 *	was in force before
 *
 * The thread may then run on any of the processors. As with
 * KeSetSystemGroupAffinityThread() that stays so until a Revert, and all that is
 * said there of user mode, of children and of processors that go holds here. The
 * two kinds nest in any order. PreviousAffinity of a Set inside is then the value
 * {token, 0xffff}: it names no group, and only a Revert takes it, as long as the
 * token has not been unwound.
 *
 * Context: process; as KeSetSystemGroupAffinityThread().
 *
 * Return: STATUS_SUCCESS. STATUS_INVALID_PARAMETER if a pointer is NULL,
 * @GroupCount is 0 or more than there are groups, a group is named twice, one of
 * the masks would be refused by KeSetSystemGroupAffinityThread(), or
 * @AffinityToken is no token or is in use. STATUS_INSUFFICIENT_RESOURCES if there
 * is no memory. STATUS_UNSUCCESSFUL for what is refused there for the thread's or
 * the context's sake, or if the kernel refuses. Whenever it is not
 * STATUS_SUCCESS nothing changes, and the token can be used again.
 *
 * Differences from Windows: as KeSetSystemGroupAffinityThread(). Windows names
 * no status but success. Source: the page
 * PsSetSystemMultipleGroupAffinityThread of ntifs.h.
 */
NTSTATUS NTAPI PsSetSystemMultipleGroupAffinityThread(PGROUP_AFFINITY GroupAffinities,
						      USHORT GroupCount,
						      PAFFINITY_TOKEN AffinityToken)
{
	return to_status(nta_request_set_several((const struct nta_affinity *)
						 GroupAffinities, GroupCount,
						 to_id(AffinityToken),
						 _RET_IP_));
}
EXPORT_SYMBOL_GPL(PsSetSystemMultipleGroupAffinityThread);

/**
 * PsRevertToUserMultipleGroupAffinityThread() - undo PsSetSystemMultipleGroupAffinityThread()
 * @AffinityToken: the token of that call
 *
 * What was in force at that call is in force again: the user affinity, the newest,
 * or an outer system affinity of one group or of several. What was set inside is
 * undone with it.
 *
 * If no processor of an outer system affinity is active the thread stays where it
 * is until one comes.
 *
 * Nothing changes if the token was not filled by a successful call of this thread,
 * or if it has been unwound already, or the outer system affinity's token has; then
 * a log line names the caller.
 *
 * Context: process; as KeSetSystemGroupAffinityThread().
 *
 * Return: nothing.
 *
 * Differences from Windows: in interrupts and softirqs the call is refused and
 * logged; the thread moves as after PsSetSystemMultipleGroupAffinityThread().
 * Source: the page PsRevertToUserMultipleGroupAffinityThread of ntifs.h.
 */
VOID NTAPI PsRevertToUserMultipleGroupAffinityThread(PAFFINITY_TOKEN AffinityToken)
{
	nta_request_revert_several(to_id(AffinityToken), _RET_IP_);
}
EXPORT_SYMBOL_GPL(PsRevertToUserMultipleGroupAffinityThread);
