// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Ke routines that change the calling thread's affinity: they shape inputs
 * and outputs, request.c does the work.
 *
 * The source of each is its page in Microsoft's documentation of wdm.h. Rule
 * numbers in the comments of this project, such as S7, name the behaviour that
 * tests prove (README.md, "Rules").
 */
#include <linux/instruction_pointer.h>
#include <linux/string.h>

#include "compat.h"
#include "is_set.h"
#include "ntdef.h"
#include "request.h"
#include "topology.h"
#include "wdm.h"

static struct nta_affinity from_group_affinity(const GROUP_AFFINITY *affinity)
{
	/* Reserved is not looked at: callers pass uninitialised memory (S11). */
	return (struct nta_affinity){
		.mask = affinity->Mask,
		.group = affinity->Group,
	};
}

/* Field by field: a copy on the stack would cost its protector. */
static void put_group_affinity(PGROUP_AFFINITY affinity, u64 mask, u16 group)
{
	affinity->Mask = mask;
	affinity->Group = group;
	memset(affinity->Reserved, 0, sizeof(affinity->Reserved));
}

static struct nta_affinity from_kaffinity(KAFFINITY mask)
{
	return (struct nta_affinity){
		.mask = mask,
		.group = nta_topology.legacy_group,
	};
}

/* A Set that changes something, or is refused. */
static noinline void set_group_affinity(struct nta_affinity asked, bool is_null,
					PGROUP_AFFINITY previous_affinity,
					unsigned long caller)
{
	struct nta_affinity previous;

	nta_request_set(is_null ? NULL : &asked, &previous, caller);
	if (previous_affinity)
		put_group_affinity(previous_affinity, previous.mask,
				   previous.group);
}

/**
 * KeSetSystemGroupAffinityThread() - restrict the calling thread to processors of one group
 * @Affinity: the group and the mask of processor numbers in it. Bits of
 *	processors that exist but are not active are left out. May be the same
 *	pointer as @PreviousAffinity.
 * @PreviousAffinity: optional; receives what KeRevertToUserGroupAffinityThread()
 *	needs to undo this call: the system affinity that was in force, trimmed
 *	to the processors that were active when it was set, or {0, 0} if there
 *	was none. Written whole on every path, Reserved with zeros. Do not pass
 *	it as @Affinity of a later Set: {0, 0} is refused there.
 *
 * The system affinity stays in force until a Revert, however many Sets follow;
 * one Revert with the first call's PreviousAffinity undoes them all. What others
 * do to the thread's affinity meanwhile is remembered for the Revert, and a
 * worker puts the system affinity back; README.md tells what may be seen in
 * between. A thread that is created meanwhile gets the user affinity.
 *
 * The call is refused, and nothing changes but PreviousAffinity, which gets
 * {0, 0}, if @Affinity is NULL; there is no such group; the mask has a bit of
 * a processor that does not exist (with the module parameter rules=observed
 * such bits are ignored); no processor of the mask is active, the empty mask
 * included; there is no memory for the thread's first system affinity; the
 * thread is a kernel thread bound to one processor outside the mask, or has
 * SCHED_DEADLINE and may now run outside the mask; the last processor of the
 * mask goes offline during the call; or it is an interrupt or a softirq. So
 * {0, 0} means either that there was no system affinity or that the call was
 * refused. Which one, is seen in debugfs ntaffinity/stats, in the trace event
 * ntaffinity:nta_refused and in the kernel log.
 *
 * If a nested Set is refused, the Revert that is paired with it reverts to the
 * user affinity, and with it the outer Set: this is the documented contract.
 *
 * Context: process. At IRQL <= APC_LEVEL, where sleeping is allowed and migration
 * is enabled, it may sleep; on return the thread runs inside the new affinity and
 * its task state is TASK_RUNNING. At DISPATCH_LEVEL, by our calls or by native
 * means, and where migration is disabled, it does not sleep, and the thread moves
 * later: see KeLowerIrql(). In interrupts and softirqs the call is refused.
 *
 * Return: nothing.
 *
 * Differences from Windows: the thread moves before the level is lowered, or
 * when a worker comes to it if that is not done by our calls. While the system
 * affinity is in force, sched_getaffinity() and /proc show it. It may lie
 * outside the thread's cpuset. Bound kernel threads and SCHED_DEADLINE threads
 * are not moved. In interrupts and softirqs, where the current thread is not
 * the driver's, the call is refused and logged. Source: the page
 * KeSetSystemGroupAffinityThread of wdm.h.
 */
VOID NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity,
					  PGROUP_AFFINITY PreviousAffinity)
{
	struct nta_affinity asked = {};

	/* The input is read whole before the output is written (S10). */
	if (Affinity)
		asked = from_group_affinity(Affinity);
	if (Affinity && nta_is_set(asked.mask, asked.group, _RET_IP_)) {
		if (PreviousAffinity)
			put_group_affinity(PreviousAffinity, asked.mask, asked.group);
		return;
	}
	set_group_affinity(asked, !Affinity, PreviousAffinity, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeSetSystemGroupAffinityThread);

/**
 * KeRevertToUserGroupAffinityThread() - undo KeSetSystemGroupAffinityThread()
 * @PreviousAffinity: what that call wrote. With a mask of 0, whatever the
 *	group, the thread gets its current user affinity back. Otherwise that
 *	system affinity is put in force, and one more Revert is due.
 *
 * Nothing changes if no system affinity is in force; or if the mask is not 0
 * and @PreviousAffinity would be refused by KeSetSystemGroupAffinityThread(),
 * which is then logged and counted in the same way. NULL is refused.
 *
 * The user affinity is the newest that user space or a cpuset gave the thread,
 * also while the system affinity was in force. Reverting to it always ends the
 * system affinity. If no
 * processor of the user affinity is active any more, the thread may then use
 * all active processors, and a log line says so.
 *
 * Context: process; as KeSetSystemGroupAffinityThread(), with the affinity
 * reverted to.
 *
 * Return: nothing.
 *
 * Differences from Windows: in interrupts and softirqs the call is refused and
 * logged. As with the Set, the thread moves before the level is lowered, or
 * when a worker comes to it. With rules=observed a valid mask that is not 0
 * takes effect also when no system affinity is in force. Source: the page
 * KeRevertToUserGroupAffinityThread of wdm.h; where it speaks of the affinity
 * at the thread's creation and the page of the Set of the most recent user
 * affinity, the latter is meant.
 */
VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
	struct nta_affinity previous;

	if (PreviousAffinity)
		previous = from_group_affinity(PreviousAffinity);
	nta_request_revert(PreviousAffinity ? &previous : NULL, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeRevertToUserGroupAffinityThread);

/**
 * KeSetSystemAffinityThreadEx() - restrict the calling thread to processors of group 0
 * @Affinity: mask of processor numbers in group 0, or with the module parameter
 *	groupaware=1 in the highest group that was active when the module was
 *	loaded
 *
 * As KeSetSystemGroupAffinityThread(), with the group given. A mask made by
 * (KAFFINITY)(1 << 31) has all higher bits set too: it is refused where the
 * group is shorter than 64, and means all of processors 31 to 63 where it is not.
 *
 * Context: process; as KeSetSystemGroupAffinityThread().
 *
 * Return: the mask of the system affinity that was in force; 0 if there was
 * none, which is no error, or if the call was refused. The mask comes without
 * its group: if the system affinity lay in another group, reverting to the mask
 * puts the thread on the same numbers of group 0. Of a system affinity of several
 * groups it is the part in group 0, which can be 0. Drivers that use any other
 * group must use the group DDIs throughout.
 *
 * Differences from Windows: as there. Source: the page
 * KeSetSystemAffinityThreadEx of wdm.h.
 */
KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
	struct nta_affinity asked = from_kaffinity(Affinity), previous;

	nta_request_set(&asked, &previous, _RET_IP_);
	return nta_previous_in_group(&previous, nta_topology.legacy_group);
}
EXPORT_SYMBOL_GPL(KeSetSystemAffinityThreadEx);

/**
 * KeRevertToUserAffinityThreadEx() - undo KeSetSystemAffinityThreadEx()
 * @Affinity: what that call returned. 0 gives the thread its current user
 *	affinity back, in whatever group the system affinity was; another mask
 *	is put in force in group 0 (see KeSetSystemAffinityThreadEx() for
 *	groupaware=1).
 *
 * As KeRevertToUserGroupAffinityThread(), with the group given: no effect
 * unless a system affinity is in force.
 *
 * Context: process; as KeRevertToUserGroupAffinityThread().
 *
 * Return: nothing.
 *
 * Differences from Windows: as there. Without a Set before it Windows was seen
 * to put a mask that is not 0 in force, against its documentation;
 * rules=observed does the same. Source: the page KeRevertToUserAffinityThreadEx
 * of wdm.h.
 */
VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
	struct nta_affinity previous = from_kaffinity(Affinity);

	nta_request_revert(&previous, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeRevertToUserAffinityThreadEx);

/**
 * KeSetSystemAffinityThread() - KeSetSystemAffinityThreadEx() without the result
 * @Affinity: mask of processor numbers, as there
 *
 * Context: process; as KeSetSystemGroupAffinityThread().
 *
 * Return: nothing. Whether the call was refused is seen in the kernel log.
 *
 * Differences from Windows: as there. Windows' page names no rule for the mask;
 * those of KeSetSystemAffinityThreadEx() hold. Source: the page
 * KeSetSystemAffinityThread of wdm.h.
 */
VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity)
{
	struct nta_affinity asked = from_kaffinity(Affinity), previous;

	nta_request_set(&asked, &previous, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeSetSystemAffinityThread);

/**
 * KeRevertToUserAffinityThread() - give the calling thread its user affinity back
 *
 * KeRevertToUserAffinityThreadEx(0): no effect unless a system affinity is in
 * force.
 *
 * Context: process; as KeRevertToUserGroupAffinityThread().
 *
 * Return: nothing.
 *
 * Differences from Windows: as there. Source: the declaration in wdm.h;
 * Windows documents no page of its own for it.
 */
VOID NTAPI KeRevertToUserAffinityThread(void)
{
	struct nta_affinity user = {};

	nta_request_revert(&user, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeRevertToUserAffinityThread);
