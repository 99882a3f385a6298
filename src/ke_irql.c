// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Ke routines for levels and spin locks: they shape inputs and outputs,
 * level.c does the work.
 *
 * A level is raised with local_bh_disable(), above DISPATCH_LEVEL with interrupts
 * off as well, and a KSPIN_LOCK is a spinlock_t. So they nest with native
 * sections of every kind, if the nesting is proper. In a native section a lock that is
 * taken without a raise brings one, see nta_raise_for_lock(). On PREEMPT_RT nesting has
 * to be proper, and a spin lock may not be taken where preemption or interrupts are
 * off: see README.
 */
#include <linux/instruction_pointer.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "irql.h"
#include "irql_rt.h"
#include "level.h"
#include "report.h"
#include "wdm.h"

/**
 * KeGetCurrentIrql() - the current level
 *
 * Context: any.
 *
 * Return: PASSIVE_LEVEL or APC_LEVEL in process context where sleeping is
 * allowed; DISPATCH_LEVEL where it is not, by our calls or by native means, and
 * in softirqs; 3, the lowest level of a device, in hard interrupts; HIGH_LEVEL
 * in an NMI; and whatever level was raised to, if that is higher.
 *
 * Differences from Windows: the level of a device's interrupt is always 3. Where
 * a thread has disabled interrupts by native means the level is DISPATCH_LEVEL.
 * On a kernel without CONFIG_PREEMPT_COUNT a plain spin_lock() or
 * preempt_disable() is not seen. Source: the page KeGetCurrentIrql of wdm.h.
 */
KIRQL NTAPI KeGetCurrentIrql(void)
{
	return nta_level();
}
EXPORT_SYMBOL_GPL(KeGetCurrentIrql);

/**
 * KfRaiseIrql() - raise the current level
 * @NewIrql: the level to raise to, at least the current one, up to HIGH_LEVEL
 *
 * From DISPATCH_LEVEL on the thread must not sleep and is not preempted, though on
 * PREEMPT_RT it can be, and only stays on its processor; above, interrupts are off on
 * that. APC_LEVEL forbids nothing here: there are
 * no APCs.
 *
 * If @NewIrql is lower than the current level or there is no such level, or if
 * there is no memory to keep the thread's APC_LEVEL in, on PREEMPT_RT any level, the
 * level stays, and a log line names the caller. A thread that returns from its
 * system call or ends without lowering is brought to PASSIVE_LEVEL, which is logged
 * too.
 *
 * Context: any. On PREEMPT_RT a raise to DISPATCH_LEVEL sleeps, where that takes a lock
 * of the processor, until whoever else has bottom halves disabled there enables them.
 *
 * Return: the level from before, for KeLowerIrql().
 *
 * Differences from Windows: a wrong level is refused and logged, instead of
 * stopping the machine. All levels above DISPATCH_LEVEL mask all interrupts.
 * Source: the page KfRaiseIrql of wdm.h.
 */
KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
	return nta_level_raise(NewIrql, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KfRaiseIrql);

/**
 * KeRaiseIrql() - KfRaiseIrql() with the result in memory
 * @NewIrql: as there
 * @OldIrql: receives the level from before, also if the level stays. Must not
 *	be NULL: that is not checked
 *
 * Context: any.
 *
 * Return: nothing.
 *
 * Differences from Windows: a function, not a macro; otherwise as KfRaiseIrql().
 * Source: the page KeRaiseIrql of wdm.h.
 */
VOID NTAPI KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
	*OldIrql = nta_level_raise(NewIrql, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeRaiseIrql);

/**
 * KeRaiseIrqlToDpcLevel() - raise the current level to DISPATCH_LEVEL
 *
 * Context: at DISPATCH_LEVEL or below. Above, and on PREEMPT_RT also if there
 * is no memory to keep the level in, nothing changes and a log line names the
 * caller. May sleep as KfRaiseIrql().
 *
 * Return: the level from before, for KeLowerIrql().
 *
 * Differences from Windows: as KfRaiseIrql(). Source: the page
 * KeRaiseIrqlToDpcLevel of wdm.h.
 */
KIRQL NTAPI KeRaiseIrqlToDpcLevel(void)
{
	return nta_level_raise(DISPATCH_LEVEL, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeRaiseIrqlToDpcLevel);

/**
 * KeLowerIrql() - lower the current level
 * @NewIrql: what the raise returned
 *
 * If @NewIrql is higher than the current level, or the level is not a raise's but
 * comes from a native section or an interrupt, it stays, and a log line names the
 * caller.
 *
 * If the level comes below DISPATCH_LEVEL, and the thread has called a Set or a
 * Revert since it was raised, the thread is moved before the call returns. If a
 * native section is still open, or migration is disabled, a worker does it.
 *
 * Context: any. May sleep, if that is allowed at the level lowered to. Native
 * sections that were opened after the raise should be closed again; if one is
 * not, the level is that section's until it is. On PREEMPT_RT, if preemption or
 * interrupts are off there, what the raise has disabled stays so until the thread's
 * next Set, Revert, raise, lowering or KeGetCurrentIrql(), or until it leaves its
 * driver, and a log line names the caller.
 *
 * Return: nothing.
 *
 * Differences from Windows: as KfRaiseIrql(). Source: the page KeLowerIrql of
 * wdm.h.
 */
VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
	nta_level_lower(NewIrql, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeLowerIrql);

/**
 * KfLowerIrql() - KeLowerIrql() by its other name
 * @NewIrql: as there
 *
 * Context: any.
 *
 * Return: nothing.
 *
 * Differences from Windows: as KeLowerIrql(). Source: the declaration in wdm.h.
 */
VOID NTAPI KfLowerIrql(KIRQL NewIrql)
{
	nta_level_lower(NewIrql, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KfLowerIrql);

static __always_inline void take(PKSPIN_LOCK lock, unsigned long caller)
	__acquires(lock)
{
	if (!nta_rt_spin_lock(lock))
		nta_report_not_preemptible("spin lock", caller);
}

/**
 * KeAcquireSpinLockRaiseToDpc() - raise to DISPATCH_LEVEL and take a spin lock
 * @SpinLock: the lock, initialised by KeInitializeSpinLock()
 *
 * Context: at DISPATCH_LEVEL or below. Above, and on PREEMPT_RT also if there
 * is no memory to keep the level in, the level stays and a log line names the
 * caller; the lock is taken all the same. Does not sleep, but on PREEMPT_RT it
 * sleeps until the lock is free, and before as KfRaiseIrql() does. That is not
 * allowed where preemption or interrupts are off, and a log line names the caller.
 *
 * Return: the level from before, for KeReleaseSpinLock().
 *
 * Differences from Windows: KSPIN_LOCK is a spinlock_t, of another size. On
 * PREEMPT_RT that is a lock which is slept for. Source: the page
 * KeAcquireSpinLockRaiseToDpc of wdm.h.
 */
KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
	__acquires(SpinLock)
{
	KIRQL old = nta_level_raise(DISPATCH_LEVEL, _RET_IP_);

	take(SpinLock, _RET_IP_);
	nta_count_lock(1);
	return old;
}
EXPORT_SYMBOL_GPL(KeAcquireSpinLockRaiseToDpc);

/**
 * KeAcquireSpinLock() - KeAcquireSpinLockRaiseToDpc() with the result in memory
 * @SpinLock: as there
 * @OldIrql: receives the level from before, when the lock is held: so it may be
 *	what the lock protects. Must not be NULL: that is not checked
 *
 * Context: as there.
 *
 * Return: nothing.
 *
 * Differences from Windows: a function, not a macro; otherwise as
 * KeAcquireSpinLockRaiseToDpc(). Source: the page KeAcquireSpinLock of wdm.h.
 */
VOID NTAPI KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql)
	__acquires(SpinLock)
{
	KIRQL old = nta_level_raise(DISPATCH_LEVEL, _RET_IP_);

	take(SpinLock, _RET_IP_);
	nta_count_lock(1);
	/* Drivers keep it beside the lock: until now it was another holder's. */
	*OldIrql = old;
}
EXPORT_SYMBOL_GPL(KeAcquireSpinLock);

/**
 * KeReleaseSpinLock() - release a spin lock and lower the level
 * @SpinLock: the lock, held by the caller
 * @NewIrql: what KeAcquireSpinLock() stored
 *
 * What waits for the lowering is done, see KeLowerIrql().
 *
 * Context: at DISPATCH_LEVEL. Below, as far as the kernel shows that, a log line
 * names the caller; the lock is released all the same. So it is if another lock
 * is still held and @NewIrql is below DISPATCH_LEVEL. May sleep, if that is
 * allowed at @NewIrql.
 *
 * Return: nothing.
 *
 * Differences from Windows: as KeAcquireSpinLockRaiseToDpc(). Source: the page
 * KeReleaseSpinLock of wdm.h.
 */
VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
	__releases(SpinLock)
{
	nta_level_needs_dispatch("release of a spin lock", _RET_IP_);
	nta_count_lock(-1);
	spin_unlock(SpinLock);
	nta_level_lower(NewIrql, _RET_IP_);
}
EXPORT_SYMBOL_GPL(KeReleaseSpinLock);

/**
 * KeAcquireSpinLockAtDpcLevel() - take a spin lock at DISPATCH_LEVEL or above
 * @SpinLock: the lock
 *
 * In a native section, which does not keep softirqs off the processor, bottom halves
 * are disabled until the lock is released.
 *
 * Context: at DISPATCH_LEVEL or above. Below, a log line names the caller; the lock is
 * taken all the same. Without CONFIG_PREEMPT_COUNT a native section that only disables
 * preemption cannot be seen, and counts as below. On PREEMPT_RT it may sleep, as
 * KeAcquireSpinLockRaiseToDpc().
 *
 * Return: nothing.
 *
 * Differences from Windows: as KeAcquireSpinLockRaiseToDpc(). Source: the page
 * KeAcquireSpinLockAtDpcLevel of wdm.h.
 */
VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
	__acquires(SpinLock)
{
	nta_level_needs_dispatch("spin lock", _RET_IP_);
	nta_raise_for_lock(_RET_IP_);
	take(SpinLock, _RET_IP_);
	nta_count_lock(1);
}
EXPORT_SYMBOL_GPL(KeAcquireSpinLockAtDpcLevel);

/**
 * KeReleaseSpinLockFromDpcLevel() - release a spin lock, and stay at the level
 * @SpinLock: the lock, held by the caller
 *
 * In a native section bottom halves are enabled again with the last lock, if
 * KeAcquireSpinLockAtDpcLevel() has disabled them, or by the lowering of a raise that
 * came on top. What waits for a lowering goes on waiting.
 *
 * Context: at DISPATCH_LEVEL or above. Below, a log line names the caller, unless the
 * lock that it holds keeps it from being preempted; the lock is released all the same.
 * Does not sleep.
 *
 * Return: nothing.
 *
 * Differences from Windows: as KeAcquireSpinLockRaiseToDpc(). Source: the page
 * KeReleaseSpinLockFromDpcLevel of wdm.h.
 */
VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
	__releases(SpinLock)
{
	nta_level_needs_dispatch("release of a spin lock", _RET_IP_);
	nta_count_lock(-1);
	spin_unlock(SpinLock);
	nta_lower_after_lock();
}
EXPORT_SYMBOL_GPL(KeReleaseSpinLockFromDpcLevel);
