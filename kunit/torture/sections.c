// SPDX-License-Identifier: GPL-2.0-only
/*
 * Levels, spin locks and native sections, with steps inside, nested properly.
 */
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <uapi/linux/sched/types.h>

#include "compat.h"
#include "torture.h"

/* One for all victims. */
static DEFINE_SPINLOCK(shared);

/* In which order locks are taken. */
enum { RANK_NONE, RANK_KSPIN, RANK_SHARED, RANK_AT_DPC, RANK_NATIVE };

static void inside(struct torture_victim *victim, unsigned int depth)
{
	unsigned int cpu = raw_smp_processor_id();
	/* In an RCU read-side section it may be preempted, and moved. */
	bool stays = nta_migration_disabled(current) || preempt_count() ||
		     irqs_disabled();
	unsigned int i, count = 1 + torture_below(victim, 3);

	/* Where nothing moves, much can be done in no time. */
	if (victim->level >= DISPATCH_LEVEL && !torture_below(victim, 4))
		count += torture_below(victim, 32);

	torture_check_level(victim);
	for (i = 0; i < count && !torture_stopping(); i++)
		torture_step(victim, depth + 1);
	torture_check_level(victim);
	if (stays && raw_smp_processor_id() != cpu)
		torture_fail(victim, "has moved from CPU %u to %u in a section",
			     cpu, raw_smp_processor_id());
}

/* --- levels --- */

static void check_old(struct torture_victim *victim, KIRQL old, KIRQL expected)
{
	if (old != expected)
		torture_fail(victim, "I9: the level from before is %u and not %u",
			     old, expected);
}

/* I3: what had to wait has been done, if nothing forbids it. */
static void lowered(struct torture_victim *victim)
{
	torture_check_level(victim);
	if (!torture_is_passive(victim))
		return;
	victim->sure = true;
	torture_check_place(victim);
}

static KIRQL raise(struct torture_victim *victim, KIRQL level)
{
	KIRQL old = TORTURE_POISON;

	switch (torture_below(victim, 3)) {
	case 0:
		old = KfRaiseIrql(level);
		break;
	case 1:
		KeRaiseIrql(level, &old);
		break;
	default:
		if (level == DISPATCH_LEVEL)
			old = KeRaiseIrqlToDpcLevel();
		else
			KeRaiseIrql(level, &old);
	}
	check_old(victim, old, victim->level);
	victim->level = level;
	return old;
}

static void lower(struct torture_victim *victim, KIRQL level)
{
	victim->level = level;
	if (torture_below(victim, 2))
		KeLowerIrql(level);
	else
		KfLowerIrql(level);
	lowered(victim);
}

static KIRQL choose_level(struct torture_victim *victim)
{
	static const KIRQL levels[] = {
		APC_LEVEL, DISPATCH_LEVEL, DISPATCH_LEVEL, DISPATCH_LEVEL,
		3, 7, 12, HIGH_LEVEL,
	};
	KIRQL level = levels[torture_below(victim, ARRAY_SIZE(levels))];

	return max(level, victim->level);
}

/* On PREEMPT_RT disabling bottom halves takes a lock, which comes before all others. */
static bool may_raise(const struct torture_victim *victim)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || victim->rank == RANK_NONE ||
	       softirq_count();
}

static void raised(struct torture_victim *victim, unsigned int depth)
{
	KIRQL level = choose_level(victim);
	KIRQL old = raise(victim, level);
	bool irqs_off = victim->irqs_off;

	torture_count(level < DISPATCH_LEVEL ? TORTURE_APC :
		      level == DISPATCH_LEVEL ? TORTURE_DISPATCH :
						TORTURE_ABOVE_DISPATCH);
	victim->raises += level >= DISPATCH_LEVEL;
	victim->irqs_off |= level > DISPATCH_LEVEL;
	inside(victim, depth);
	/* Two raises that one lowering undoes. */
	if (level == DISPATCH_LEVEL && old < level && !torture_below(victim, 4)) {
		raise(victim, HIGH_LEVEL);
		victim->irqs_off = true;
		torture_count(TORTURE_TWO_RAISES);
		inside(victim, depth);
	}
	victim->irqs_off = irqs_off;
	victim->raises -= level >= DISPATCH_LEVEL;
	if (old == PASSIVE_LEVEL && level >= DISPATCH_LEVEL &&
	    !torture_below(victim, 8)) {
		lower(victim, APC_LEVEL);
		torture_count(TORTURE_LOWER_TO_APC);
		inside(victim, depth);
	}
	lower(victim, old);
}

/* What is refused, and changes nothing (I9). */
static void bad_level(struct torture_victim *victim)
{
	KIRQL level = victim->level, old;

	if (level > PASSIVE_LEVEL && torture_below(victim, 2)) {
		old = KfRaiseIrql(torture_below(victim, level));
		check_old(victim, old, level);
	} else if (level < HIGH_LEVEL) {
		KeLowerIrql(level + 1 + torture_below(victim, HIGH_LEVEL - level));
	} else {
		return;
	}
	atomic_long_inc(&torture_bad_levels);
	torture_count(TORTURE_BAD_LEVEL);
	torture_check_level(victim);
}

/* --- spin locks of ours --- */

static void kspin_lock(struct torture_victim *victim, unsigned int depth)
{
	bool is_shared = !torture_below(victim, 4);
	PKSPIN_LOCK lock = is_shared ? &shared : &victim->kspin;
	unsigned int rank = victim->rank;
	KIRQL old, before = victim->level;

	victim->rank = is_shared ? RANK_SHARED : RANK_KSPIN;
	if (torture_below(victim, 2))
		KeAcquireSpinLock(lock, &old);
	else
		old = KeAcquireSpinLockRaiseToDpc(lock);
	check_old(victim, old, before);
	victim->level = DISPATCH_LEVEL;
	victim->raises++;
	torture_count(TORTURE_KSPIN_LOCK);
	inside(victim, depth);
	victim->raises--;
	victim->level = before;
	KeReleaseSpinLock(lock, old);
	victim->rank = rank;
	lowered(victim);
}

static void kspin_lock_at_dpc(struct torture_victim *victim, unsigned int depth)
{
	unsigned int rank = victim->rank;

	victim->rank = RANK_AT_DPC;
	KeAcquireSpinLockAtDpcLevel(&victim->kspin_at_dpc);
	torture_count(TORTURE_KSPIN_LOCK_AT_DPC);
	inside(victim, depth);
	KeReleaseSpinLockFromDpcLevel(&victim->kspin_at_dpc);
	victim->rank = rank;
	torture_check_level(victim);
}

/* --- native sections --- */

static void native_lock(struct torture_victim *victim, unsigned int depth,
			unsigned int which)
{
	unsigned int rank = victim->rank;
	bool irqs_off = victim->irqs_off;
	unsigned long flags;

	victim->rank = RANK_NATIVE;
	if (which == 1) {
		spin_lock_irqsave(&victim->native, flags);
		victim->irqs_off |= !IS_ENABLED(CONFIG_PREEMPT_RT);
		torture_count(TORTURE_SPIN_LOCK_IRQSAVE);
		inside(victim, depth);
		victim->irqs_off = irqs_off;
		spin_unlock_irqrestore(&victim->native, flags);
	} else if (which == 2 && !irqs_off) {
		spin_lock_bh(&victim->native);
		torture_count(TORTURE_SPIN_LOCK_BH);
		inside(victim, depth);
		spin_unlock_bh(&victim->native);
	} else {
		spin_lock(&victim->native);
		torture_count(TORTURE_SPIN_LOCK);
		inside(victim, depth);
		spin_unlock(&victim->native);
	}
	victim->rank = rank;
}

static void native(struct torture_victim *victim, unsigned int depth)
{
	unsigned int which = torture_below(victim, 6);
	KIRQL level = victim->level;
	bool irqs_off = victim->irqs_off;
	unsigned long flags;

	if (which < 3 && (victim->rank >= RANK_NATIVE || !torture_may_lock() ||
			  !may_raise(victim)))
		which += 3;
	/* I1: where these leave no mark, they cannot be told from nothing. */
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT) && which != 4)
		which = 4;
	victim->natives++;
	victim->level = max_t(KIRQL, level, DISPATCH_LEVEL);
	switch (which) {
	case 3:
		preempt_disable();
		torture_count(TORTURE_PREEMPT_OFF);
		inside(victim, depth);
		preempt_enable();
		break;
	case 4:
		local_irq_save(flags);
		victim->irqs_off = true;
		torture_count(TORTURE_IRQ_OFF);
		inside(victim, depth);
		victim->irqs_off = irqs_off;
		local_irq_restore(flags);
		break;
	case 5:
		rcu_read_lock();
		torture_count(TORTURE_RCU_READ);
		inside(victim, depth);
		rcu_read_unlock();
		break;
	default:
		native_lock(victim, depth, which);
	}
	victim->level = level;
	victim->natives--;
	torture_check_level(victim);
}

static void migrate_off(struct torture_victim *victim, unsigned int depth)
{
	/* The same steps in any case: they are to come from the seed alone. */
	bool off = torture_shield(victim);

	if (off) {
		migrate_disable();
		victim->pinned++;
		torture_count(TORTURE_MIGRATE_OFF);
	}
	inside(victim, depth);
	if (!off)
		return;
	victim->pinned--;
	migrate_enable();
	torture_unshield(victim);
	torture_check_level(victim);
}

/* All victims together stay below what the kernel admits. */
static int become(unsigned int policy)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
	};

	if (policy == SCHED_DEADLINE) {
		/*
		 * It was throttled in the moment in which it left SCHED_DEADLINE the last
		 * time: the timer that ends that does nothing for a thread of another
		 * class, and who comes back is never run again (6.1 to 7.3 at least).
		 */
		if (data_race(!!current->dl.dl_throttled))
			return -EBUSY;
		attr.sched_runtime = 5 * NSEC_PER_MSEC;
		attr.sched_deadline = 100 * NSEC_PER_MSEC;
		attr.sched_period = 100 * NSEC_PER_MSEC;
	}
	return sched_setattr_nocheck(current, &attr);
}

/*
 * T4. What others do, or have a worker do, to a thread with a deadline cannot be
 * foreseen: so only where it is quiet, and nothing but calls, raised or not. What it has
 * at the end may be less than its system affinity: it begins anew.
 */
static void with_deadline(struct torture_victim *victim)
{
	unsigned int raised = torture_below(victim, 5), i;
	bool shielded = torture_shield(victim);
	KIRQL old = PASSIVE_LEVEL;

	victim->deadline = shielded && victim->sure &&
			   torture_is_quiet(victim, &victim->since) &&
			   !become(SCHED_DEADLINE);
	for (i = 0; i < 4; i++) {
		/*
		 * One call a raise: a worker of before may come, and carry out a Revert
		 * at once or later.
		 */
		if (i == raised)
			old = raise(victim, DISPATCH_LEVEL);
		torture_call(victim);
		if (i == raised)
			lower(victim, old);
	}
	/* In any case: the steps are to come from the seed alone. */
	torture_revert_user(victim);
	if (victim->deadline) {
		become(SCHED_NORMAL);
		victim->deadline = false;
		torture_count(TORTURE_DEADLINE);
	}
	if (shielded)
		torture_unshield(victim);
}

/* One of them. */
void torture_section(struct torture_victim *victim, unsigned int depth)
{
	switch (torture_below(victim, 10)) {
	case 0 ... 2:
		if (may_raise(victim))
			raised(victim, depth);
		break;
	case 3:
	case 4:
		if (!may_raise(victim))
			break;
		if (!torture_may_lock())
			raised(victim, depth);
		else if (victim->level <= DISPATCH_LEVEL &&
			 victim->rank == RANK_NONE)
			kspin_lock(victim, depth);
		else if (victim->level >= DISPATCH_LEVEL &&
			 victim->rank < RANK_AT_DPC)
			kspin_lock_at_dpc(victim, depth);
		else
			raised(victim, depth);
		break;
	case 5:
		if (IS_ENABLED(CONFIG_SMP))
			migrate_off(victim, depth);
		break;
	case 6:
		if (!torture_below(victim, 4))
			bad_level(victim);
		else if (torture_has_deadlines && !depth && !victim->bound)
			with_deadline(victim);
		break;
	default:
		native(victim, depth);
	}
}

/* A system call is to be left like this, and nothing may sleep before (I10). */
void torture_leave_raised(struct torture_victim *victim)
{
	/* Where the kernel itself finds that first, it is a report. */
	bool may_dispatch = !IS_ENABLED(CONFIG_UML) &&
			    !(NTA_SYS_EXIT_MAY_FAULT &&
			      IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP));

	torture_count(TORTURE_LEFT_RAISED);
	KfRaiseIrql(may_dispatch && torture_below(victim, 2) ? DISPATCH_LEVEL :
							       APC_LEVEL);
}
