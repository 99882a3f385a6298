/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Levels: what the calling context allows, in the terms of rule I1, and the IRQL
 * that a driver raises and lowers.
 */
#ifndef NTA_IRQL_H
#define NTA_IRQL_H

#include <linux/bottom_half.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "compat.h"

/*
 * NTA_PASSIVE: process context that may sleep and migrate.
 * NTA_PINNED: may be scheduled away, may not leave its processor: in
 *	migrate_disable(), and on PREEMPT_RT with a spinlock_t held. Whether it may
 *	sleep for something else than a lock nta_may_sleep() tells.
 * NTA_DISPATCH: process context that must not sleep.
 * NTA_NO_THREAD: an interrupt, a softirq or the idle task: the current thread
 *	is not the driver's.
 */
enum nta_context {
	NTA_PASSIVE,
	NTA_PINNED,
	NTA_DISPATCH,
	NTA_NO_THREAD,
};

enum nta_context nta_restricted_context(void);

/*
 * Whether native marks, or a raise's, forbid the thread to sleep. On PREEMPT_RT a
 * spinlock_t leaves an RCU reader's, and bottom halves have a count of their own.
 */
static __always_inline bool nta_is_native_section(void)
{
	return preempt_count() || irqs_disabled() || rcu_preempt_depth() ||
	       (IS_ENABLED(CONFIG_PREEMPT_RT) && softirq_count());
}

/**
 * nta_current_context() - what the calling context allows
 *
 * Context: any.
 * Return: the most restrictive context that applies.
 */
static __always_inline enum nta_context nta_current_context(void)
{
	if (likely(!nta_is_native_section() &&
		   !nta_migration_disabled(current) && !is_idle_task(current)))
		return NTA_PASSIVE;
	return nta_restricted_context();
}

/**
 * nta_may_sleep() - whether a context may sleep, for memory or for anything
 * @context: nta_current_context()
 *
 * Context: any.
 * Return: whether it may.
 */
static inline bool nta_may_sleep(enum nta_context context)
{
	return context == NTA_PASSIVE ||
	       (context == NTA_PINNED && !nta_is_native_section());
}

/**
 * nta_gfp() - how memory may be allocated
 * @context: nta_current_context()
 *
 * A thread that serves I/O may be waited for by who frees memory, so no allocation
 * goes on until it succeeds. On PREEMPT_RT the allocator's locks sleep: where
 * preemption or interrupts are off nothing can be allocated, and there is the
 * reserve, see reserve.c.
 *
 * Context: any.
 * Return: the flags; 0: not at all.
 */
static inline gfp_t nta_gfp(enum nta_context context)
{
	if (nta_may_sleep(context))
		return GFP_NOIO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		return 0;
	return GFP_ATOMIC | __GFP_NOWARN;
}

#define NTA_IRQL_DISPATCH 2

/*
 * What a raise did, so that the lowering can undo just that.
 *
 * @owner: the thread
 * @raiser: who raised first
 * @irql: what was raised to; 0: nothing is raised
 * @is_plain: the raise is nta_raise_plainly()'s, and nothing came on top of it
 * @bottom_halves: the raise has disabled them
 * @interrupts: the raise has disabled them
 * @native: the first raise was to DISPATCH_LEVEL from DISPATCH_LEVEL: in a native
 *	section, which does not keep bottom halves off, as a raise does
 * @moves: a move was left for the lowering
 * @for_lock: one of these was made for a spin lock that was taken without a raise
 * @again: raises to DISPATCH_LEVEL from DISPATCH_LEVEL that are in force
 * @locks: how many spin locks are held that our calls have taken
 * @late, @readers, @pins: see irql_rt.c
 */
struct nta_raised {
	const struct task_struct *owner;
	unsigned long raiser;
	u8 irql;
	bool is_plain : 1;
	bool bottom_halves : 1;
	bool interrupts : 1;
	bool native : 1;
	bool moves : 1;
	bool for_lock : 1;
	u16 again;
	s16 locks;
#ifdef CONFIG_PREEMPT_RT
	bool late;
	u16 readers;
	u16 pins;
#endif
};

DECLARE_PER_CPU(struct nta_raised, nta_raised_in_thread);

/**
 * nta_raise_plainly() - the raise that nearly all are
 * @caller: the DDI's return address
 *
 * From PASSIVE_LEVEL, or APC_LEVEL, to DISPATCH_LEVEL: made to be cheap.
 *
 * Context: any.
 * Return: false if the current level is another one: then nothing has changed.
 */
static __always_inline bool nta_raise_plainly(unsigned long caller)
{
	/* There the record is not the CPU's. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) || nta_is_native_section())
		return false;
	local_bh_disable();
	*this_cpu_ptr(&nta_raised_in_thread) = (struct nta_raised){
		.owner = current,
		.raiser = caller,
		.irql = NTA_IRQL_DISPATCH,
		.is_plain = true,
		.bottom_halves = true,
	};
	return true;
}

/**
 * nta_lower_plainly() - the lowering that belongs to it
 *
 * Context: any.
 * Return: false if there is more to do: then nothing has changed.
 */
static __always_inline bool nta_lower_plainly(void)
{
	struct nta_raised *raised;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return false;
	/* With such a count it cannot migrate. */
	if (preempt_count() != SOFTIRQ_DISABLE_OFFSET || irqs_disabled())
		return false;
	raised = this_cpu_ptr(&nta_raised_in_thread);
	if (raised->owner != current || !raised->is_plain || raised->locks)
		return false;
	raised->is_plain = false;
	raised->bottom_halves = false;
	raised->irql = 0;
	local_bh_enable();
	return true;
}

u8 nta_current_irql(void);
bool nta_raise_irql(u8 irql, unsigned long caller);
bool nta_lower_irql(u8 irql, u8 old);
void nta_raise_for_lock(unsigned long caller);
void nta_count_lock(int locks);
void nta_lower_after_lock(void);
bool nta_holds_locks(void);
void nta_note_move(void);
bool nta_has_move(void);
bool nta_is_only_raised(void);
bool nta_bring_down(unsigned long *raiser);

#endif /* NTA_IRQL_H */
