// SPDX-License-Identifier: GPL-2.0-only
/*
 * Levels on PREEMPT_RT.
 *
 * There local_bh_disable() leaves the thread preemptible: it is kept on its
 * processor, is an RCU reader, and on older kernels, or with
 * CONFIG_PREEMPT_RT_NEEDS_BH_LOCK, holds a lock of that processor which may be slept
 * for. A spinlock_t does the first two as well, and may be slept for. So a raise is
 * local_bh_disable() there too: KSPIN_LOCKs can be taken at the level, and no
 * softirq runs in this thread, nor, where there is that lock, on its processor. What
 * is different:
 *
 *   The record of a raise is the thread's, not the CPU's: others run on the CPU
 *   meanwhile, and may be raised there as well. It is kept in the thread's entry.
 *
 *   Where preemption or interrupts are off, bottom halves cannot be disabled so that
 *   they can be enabled elsewhere: the kernel would leave out the rest of it, or do
 *   only the rest. There nobody else runs on the CPU; so a raise is
 *   preempt_disable(), which can be undone everywhere, and its record is the CPU's.
 *
 *   A raise that was made where the thread could be preempted, and is lowered where
 *   it cannot, is "late": the level is lowered, but the bottom halves are enabled
 *   later, by the thread's next call from where that is possible, or when it leaves
 *   its driver. Until then it must not sleep.
 *
 *   A spinlock_t held by native means pins the thread and lets it be preempted:
 *   NTA_PINNED, and a worker moves it. Its holder must not sleep otherwise, so for a
 *   driver that asks it is DISPATCH_LEVEL, as everywhere.
 *
 *   Softirqs run in threads, ksoftirqd for one, or in the one that enables bottom
 *   halves. The kernel marks these, and they are told from the threads of a driver
 *   by in_serving_softirq() as elsewhere (I8). A handler of an interrupt that
 *   is forced into a thread is a driver's thread, at DISPATCH_LEVEL by the bottom halves
 *   that are disabled.
 *
 * Who may touch what: a thread's record that thread alone, not in an interrupt; the
 * CPU's, who has disabled preemption or interrupts there.
 *
 *   late	lowered, and bottom halves are still to be enabled
 *   readers, pins
 *		how deep the thread was an RCU reader and was pinned, right after
 *		bottom halves were disabled: what is more is not the raise's
 */
#include <linux/bottom_half.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "foreign.h"
#include "irql.h"
#include "irql_rt.h"
#include "thread.h"

/* The record of the calling thread, whether it is used or not. */
static struct nta_raised *own_record(void)
{
	struct nta_thread *thread = nta_thread_find(current);

	return thread ? &thread->raised : NULL;
}

/* The same, if there is a lowering that was late. */
static struct nta_raised *late_record(void)
{
	struct nta_raised *raised = softirq_count() ? own_record() : NULL;

	return raised && raised->late ? raised : NULL;
}

/**
 * nta_rt_is_pinned() - whether a section only keeps the thread on its processor
 *
 * A spinlock_t makes its holder an RCU reader and pins it, as often as the other.
 * Who is a reader more often is one by native means (I1).
 *
 * Context: thread, in a native section.
 * Return: whether that is so.
 */
bool nta_rt_is_pinned(void)
{
	return preemptible() && !softirq_count() &&
	       rcu_preempt_depth() <= nta_migration_depth(current);
}

/**
 * nta_rt_raised() - the thread's record of a raise that is in force
 *
 * Context: thread.
 * Return: the record; NULL if it is not used: then the CPU's may be.
 */
struct nta_raised *nta_rt_raised(void)
{
	struct nta_raised *raised = softirq_count() ? own_record() : NULL;

	return raised && raised->owner && !raised->late ? raised : NULL;
}

/**
 * nta_rt_disable_bottom_halves() - do what a raise does
 *
 * Context: thread.
 * Return: where to record it, to be overwritten; NULL if there is no memory: then
 * nothing was done.
 */
struct nta_raised *nta_rt_disable_bottom_halves(void)
{
	struct nta_raised *raised;
	struct nta_thread *thread;

	if (!preemptible()) {
		preempt_disable();
		return this_cpu_ptr(&nta_raised_in_thread);
	}
	raised = own_record();
	if (!raised) {
		/* No driver reckons with a raise that fails. */
		thread = nta_make_own_entry(nta_gfp(NTA_DISPATCH)) ?:
			 nta_make_own_entry(0);
		if (!thread)
			return NULL;
		raised = &thread->raised;
	}
	local_bh_disable();
	return raised;
}

/**
 * nta_rt_raised_by() - note what disabling bottom halves has done to the thread
 * @raised: the record
 *
 * Context: right after nta_rt_disable_bottom_halves().
 */
void nta_rt_raised_by(struct nta_raised *raised)
{
	raised->readers = rcu_preempt_depth();
	raised->pins = nta_migration_depth(current);
}

static void enable_and_forget(struct nta_raised *raised)
{
	raised->late = false;
	raised->owner = NULL;
	local_bh_enable();
}

/**
 * nta_rt_enable_bottom_halves() - undo what a raise has done
 * @raised: its record
 *
 * Context: thread.
 */
void nta_rt_enable_bottom_halves(struct nta_raised *raised)
{
	if (raised == this_cpu_ptr(&nta_raised_in_thread))
		preempt_enable();
	else if (preemptible())
		enable_and_forget(raised);
	else
		raised->late = true;
}

/**
 * nta_rt_has_only_marks_of() - whether all marks are those of a raise
 * @raised: the thread's record, and with it of its locks
 *
 * Context: thread.
 * Return: whether that is so. Interrupts are not looked at.
 */
bool nta_rt_has_only_marks_of(const struct nta_raised *raised)
{
	return !preempt_count() && softirq_count() == SOFTIRQ_DISABLE_OFFSET &&
	       rcu_preempt_depth() == raised->readers + raised->locks &&
	       nta_migration_depth(current) == raised->pins + raised->locks;
}

/**
 * nta_rt_is_late() - whether there was a lowering whose bottom halves are still off
 *
 * Context: thread.
 * Return: whether there was.
 */
bool nta_rt_is_late(void)
{
	return late_record();
}

/**
 * nta_rt_catch_up() - enable bottom halves for a lowering that was late
 * @in_probe: the caller is a probe of a tracepoint
 *
 * Older kernels call a probe with preemption disabled. It may be enabled for a moment
 * if the probe stays an RCU reader: who waits for probes to end waits for readers,
 * too.
 *
 * Context: any.
 * Return: whether that has happened.
 */
bool nta_rt_catch_up(bool in_probe)
{
	struct nta_raised *raised = late_record();

	if (!raised)
		return false;
	if (preemptible()) {
		enable_and_forget(raised);
		return true;
	}
	if (!in_probe || preempt_count() != PREEMPT_OFFSET || irqs_disabled())
		return false;
	rcu_read_lock();
	preempt_enable();
	enable_and_forget(raised);
	preempt_disable();
	rcu_read_unlock();
	return true;
}

/**
 * nta_rt_spin_lock() - take a lock
 * @lock: the lock
 *
 * Where preemption or interrupts are off that is not allowed. A lock that is free
 * is taken all the same; if it is not, the kernel complains of the sleep.
 *
 * Context: any but an NMI.
 * Return: whether it was allowed.
 */
bool nta_rt_spin_lock(spinlock_t *lock)
	__acquires(lock)
{
	bool allowed = preemptible();

	if (allowed || !spin_trylock(lock))
		spin_lock(lock);
	return allowed;
}
