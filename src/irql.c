// SPDX-License-Identifier: GPL-2.0-only
/*
 * What level is this?
 *
 * Linux has no IRQL. Whether a context may sleep is read off the kernel's own
 * marks, so a native spin_lock() counts as DISPATCH_LEVEL just as one of the
 * driver's raises. On a kernel without PREEMPT_COUNT, spin_lock() and
 * preempt_disable() leave no mark, and such a section looks like PASSIVE_LEVEL
 * (README, "IRQL").
 *
 * A raise to DISPATCH_LEVEL is local_bh_disable(): DPCs are softirqs. A raise
 * above that disables interrupts too. What a raise did, so that the lowering can
 * undo just that, is kept for each CPU, not for each thread: from DISPATCH_LEVEL
 * on nobody else runs there. An interrupt that comes nevertheless has a record
 * of its own. APC_LEVEL disables nothing, and a thread at it migrates: that one
 * is kept with the thread, see level.c.
 *
 * On PREEMPT_RT all of that is different; irql_rt.c has it.
 *
 * Who may touch what: a record is touched by the CPU that it belongs to, in the
 * kind of context that it belongs to, when that cannot migrate.
 */
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "compat.h"
#include "irql.h"
#include "irql_rt.h"

/* A hard interrupt's: the lowest of the levels of devices. */
#define DEVICE_LEVEL	3
#define HIGH_LEVEL	15

enum kind {
	IN_THREAD,
	IN_SOFTIRQ,
	IN_HARD_IRQ,
	IN_NMI,

	KINDS
};

DEFINE_PER_CPU(struct nta_raised, nta_raised_in_thread);
/* The first of these is not used. */
static DEFINE_PER_CPU(struct nta_raised, raised_elsewhere[KINDS]);

static enum kind current_kind(void)
{
	if (in_nmi())
		return IN_NMI;
	if (in_hardirq())
		return IN_HARD_IRQ;
	if (in_serving_softirq())
		return IN_SOFTIRQ;
	return IN_THREAD;
}

/* This context's. The caller cannot migrate. */
static struct nta_raised *current_raised(void)
{
	enum kind kind = current_kind();

	if (kind == IN_THREAD)
		return nta_rt_raised() ?: this_cpu_ptr(&nta_raised_in_thread);
	return this_cpu_ptr(&raised_elsewhere[kind]);
}

/*
 * The same, to raise. What another thread has left there, because it lost its
 * marks, or an earlier interrupt, because it never lowered, is forgotten.
 */
static struct nta_raised *own_raised(void)
{
	struct nta_raised *raised = current_raised();

	if (raised->owner != current)
		*raised = (struct nta_raised){ .owner = current };
	return raised;
}

/* The level of the context, by the kernel's own marks. */
static u8 native_irql(void)
{
	switch (current_kind()) {
	case IN_NMI:
		return HIGH_LEVEL;
	case IN_HARD_IRQ:
		return DEVICE_LEVEL;
	case IN_SOFTIRQ:
		return NTA_IRQL_DISPATCH;
	default:
		return nta_is_native_section() ? NTA_IRQL_DISPATCH : 0;
	}
}

/**
 * nta_restricted_context() - nta_current_context(), where it is not NTA_PASSIVE
 *
 * Context: any.
 * Return: the context.
 */
enum nta_context nta_restricted_context(void)
{
	if (is_idle_task(current))
		return NTA_NO_THREAD;
	if (nta_rt_catch_up(false))
		return nta_current_context();
	if (!nta_is_native_section())
		return NTA_PINNED;
	/* An interrupt leaves one of these marks, too. */
	if (current_kind() != IN_THREAD)
		return NTA_NO_THREAD;
	return nta_rt_is_pinned() ? NTA_PINNED : NTA_DISPATCH;
}
EXPORT_SYMBOL_IF_KUNIT(nta_restricted_context);

/* Whether a raise of this context's is in force. It leaves a mark. */
static bool is_raised(void)
{
	const struct nta_raised *raised;

	/* Without a mark of these kinds it may migrate, too. */
	if (!softirq_count() && !hardirq_count() && !in_nmi() &&
	    !irqs_disabled() && !nta_rt_is_mark(preempt_count()))
		return false;
	raised = current_raised();
	return raised->irql && raised->owner == current;
}

/**
 * nta_current_irql() - the current level
 *
 * Context: any.
 * Return: the level. A raise leaves a native mark, so without one nothing is
 * raised, and no record needs to be looked at that a migration might change.
 */
u8 nta_current_irql(void)
{
	u8 irql;

	nta_rt_catch_up(false);
	irql = native_irql();
	return is_raised() ? max(irql, current_raised()->irql) : irql;
}

/* For a raise. Returns where to record it; NULL if there is no memory. */
static struct nta_raised *disable_bottom_halves(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return nta_rt_disable_bottom_halves();
	local_bh_disable();
	return current_raised();
}

static void enable_bottom_halves(struct nta_raised *raised)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		nta_rt_enable_bottom_halves(raised);
	else if (irqs_disabled())
		/* A native section that is still open: softirqs come later. */
		_local_bh_enable();
	else
		local_bh_enable();
}

/**
 * nta_raise_irql() - raise the current level
 * @irql: the level to raise to: at least DISPATCH_LEVEL and the current one
 * @caller: the DDI's return address
 *
 * Context: any.
 * Return: false if there is no memory, on PREEMPT_RT: then nothing has changed.
 */
bool nta_raise_irql(u8 irql, unsigned long caller)
{
	u8 old = nta_current_irql();
	bool again = irql == NTA_IRQL_DISPATCH && old == NTA_IRQL_DISPATCH &&
		     current_kind() == IN_THREAD;
	struct nta_raised *raised;
	unsigned long flags;

	if (old < NTA_IRQL_DISPATCH || again) {
		if (again && is_raised()) {
			current_raised()->again++;
			return true;
		}
		raised = disable_bottom_halves();
		if (!raised)
			return false;
		*raised = (struct nta_raised){
			.bottom_halves = true,
			.native = again,
			.again = again,
			.owner = current,
		};
		nta_rt_raised_by(raised);
	}
	if (irql > NTA_IRQL_DISPATCH) {
		local_irq_save(flags);
		own_raised()->interrupts |= !irqs_disabled_flags(flags);
	}
	raised = own_raised();
	if (!raised->irql)
		raised->raiser = caller;
	raised->irql = irql;
	raised->is_plain = false;
	return true;
}

/* Undo a raise, as far as @irql. */
static void undo_raise(struct nta_raised *raised, u8 irql)
{
	bool bottom_halves = raised->bottom_halves && irql < NTA_IRQL_DISPATCH;
	bool interrupts = raised->interrupts && irql <= NTA_IRQL_DISPATCH;

	/* The record first: it is another thread's when we can be migrated. */
	if (bottom_halves)
		raised->bottom_halves = false;
	if (interrupts)
		raised->interrupts = false;
	raised->is_plain = false;
	raised->irql = irql > NTA_IRQL_DISPATCH ? irql :
		       raised->bottom_halves ? NTA_IRQL_DISPATCH : 0;
	if (!raised->irql) {
		raised->again = 0;
		raised->for_lock = false;
	}

	if (interrupts)
		local_irq_enable();
	if (bottom_halves)
		enable_bottom_halves(raised);
}

/* Whether a raise was made for locks and no lock is left: asked once, it is over. */
static bool end_for_lock(struct nta_raised *raised)
{
	bool ends = raised->for_lock && !raised->locks;

	if (ends)
		raised->for_lock = false;
	return ends;
}

/* The end of @count raises that found the level as it is. */
static void end_again(struct nta_raised *raised, unsigned int count)
{
	if (!raised->again)
		return;
	raised->again -= min_t(unsigned int, raised->again, count);
	if (!raised->again && raised->native)
		undo_raise(raised, 0);
}

/**
 * nta_lower_irql() - lower the current level
 * @irql: the level to lower to
 * @old: the current one, at least that and DISPATCH_LEVEL
 *
 * Context: at DISPATCH_LEVEL or higher.
 * Return: false if no raise of ours is in force: there is nothing to undo.
 */
bool nta_lower_irql(u8 irql, u8 old)
{
	struct nta_raised *raised;

	if (irql == old) {
		if (irql != NTA_IRQL_DISPATCH || current_kind() != IN_THREAD ||
		    !is_raised())
			return true;
		raised = current_raised();
		end_again(raised, 1 + end_for_lock(raised));
		return true;
	}
	if (!is_raised())
		return false;
	undo_raise(current_raised(), irql);
	return true;
}

/**
 * nta_holds_locks() - whether a spin lock that our calls have taken is still held
 *
 * Context: at DISPATCH_LEVEL or higher.
 * Return: whether that is so, as far as it is known.
 */
bool nta_holds_locks(void)
{
	return is_raised() && current_raised()->locks > 0;
}

/**
 * nta_raise_for_lock() - a spin lock is about to be taken without a raise
 * @caller: the DDI's return address
 *
 * A native section does not keep softirqs off the CPU, where another routine of the
 * driver may take the lock: a raise does. On PREEMPT_RT softirqs are threads.
 *
 * Context: any.
 */
void nta_raise_for_lock(unsigned long caller)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT) || softirq_count() || irqs_disabled() ||
	    !nta_is_native_section() || current_kind() != IN_THREAD)
		return;
	nta_raise_irql(NTA_IRQL_DISPATCH, caller);
	current_raised()->for_lock = true;
}

/**
 * nta_lower_after_lock() - undo that, when no lock is held any more
 *
 * Context: after the lock was released, and before the end of the native section.
 */
void nta_lower_after_lock(void)
{
	struct nta_raised *raised;

	if (!softirq_count() || current_kind() != IN_THREAD || !is_raised())
		return;
	raised = current_raised();
	if (end_for_lock(raised))
		end_again(raised, 1);
}

/**
 * nta_count_lock() - a spin lock was taken or is about to be released
 * @locks: 1 or -1
 *
 * Context: at DISPATCH_LEVEL or higher.
 */
void nta_count_lock(int locks)
{
	/* There only a raise has a record. */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) || is_raised())
		current_raised()->locks += locks;
}

/**
 * nta_note_move() - the raise in force has left a move for its lowering
 *
 * Context: where nta_is_only_raised() is true.
 */
void nta_note_move(void)
{
	struct nta_raised *raised = current_raised();

	raised->moves = true;
	raised->is_plain = false;
}

/**
 * nta_has_move() - whether it has
 *
 * Context: at DISPATCH_LEVEL or higher.
 * Return: whether the lowering has to look for a move.
 */
bool nta_has_move(void)
{
	return is_raised() && current_raised()->moves;
}

/* Whether all marks are a raise's and its locks', but for interrupts. */
static bool has_only_marks_of(const struct nta_raised *raised)
{
	int count = SOFTIRQ_DISABLE_OFFSET;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return nta_rt_has_only_marks_of(raised);
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		count += raised->locks * PREEMPT_DISABLE_OFFSET;
	return preempt_count() == count && !rcu_preempt_depth();
}

/**
 * nta_is_only_raised() - whether our calls alone keep the thread from sleeping
 *
 * Then the driver will lower, and a native section need not be reckoned with.
 *
 * Context: NTA_DISPATCH.
 * Return: whether that is certain.
 */
bool nta_is_only_raised(void)
{
	const struct nta_raised *raised;

	if (!is_raised())
		return false;
	raised = current_raised();
	/* The lowering of a raise in a native section cannot move the thread. */
	return raised->bottom_halves && !raised->native &&
	       has_only_marks_of(raised) &&
	       (!irqs_disabled() || raised->interrupts);
}

/**
 * nta_bring_down() - undo all raises of a thread that is leaving
 * @raiser: receives who raised, if anybody did
 *
 * Context: thread, where it should be at PASSIVE_LEVEL.
 * Return: whether anything was raised.
 */
bool nta_bring_down(unsigned long *raiser)
{
	bool raised = current_kind() == IN_THREAD && is_raised();

	if (raised) {
		*raiser = current_raised()->raiser;
		undo_raise(current_raised(), 0);
	}
	nta_rt_catch_up(true);
	return raised;
}
EXPORT_SYMBOL_IF_KUNIT(nta_bring_down);
