// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a victim does next, and how it ends.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "thread.h"
#include "torture.h"

#define WAIT_TIMEOUT	(3 * HZ)
#define MOST_DEPTH	3

#if IS_ENABLED(CONFIG_KUNIT)
/* U5: whether others have won, and nothing is put back. */
static bool others_have_won(void)
{
	struct nta_thread_snapshot entry;

	nta_thread_snapshot(current, &entry);
	return entry.given_up;
}
#else
/* It cannot be told. */
static bool others_have_won(void)
{
	return true;
}
#endif

static bool is_in_place(struct torture_victim *victim, bool *was_outside)
{
	u64 want = torture_cpus_of(victim, &victim->state.system);
	u64 mask = torture_mask_of(current);
	bool exact;

	if (!victim->state.active)
		return torture_may_want(victim, victim->since.first, mask,
					&exact);
	/* T2: it is always there. */
	if (victim->bound)
		return mask == victim->bound;
	/* A mask of others that lies inside is not ours, where ours are not cut. */
	if ((NTA_KERNEL_KEEPS_USER_MASK ? !(mask & ~want) : mask == want) &&
	    (want >> raw_smp_processor_id() & 1))
		return true;
	*was_outside = true;
	return !(want & torture_active());
}

/*
 * Until a worker has done what it has to (I4, I7, U5, U6). While others change the
 * affinity, that takes as long as they do, and what they set may be just the right
 * mask: so it is the time without them that counts.
 */
static void wait_until_in_place(struct torture_victim *victim)
{
	struct torture_window calm = torture_open(victim);
	unsigned long end = jiffies + WAIT_TIMEOUT;
	bool was_outside = false;

	torture_count(TORTURE_WAIT);
	while (!is_in_place(victim, &was_outside)) {
		if (!torture_is_quiet(victim, &calm)) {
			calm = torture_open(victim);
			end = jiffies + WAIT_TIMEOUT;
		}
		if (others_have_won() || fatal_signal_pending(current) ||
		    torture_stopping())
			return;
		if (time_after(jiffies, end)) {
			torture_fail(victim,
				     "U5, I4: mask %#llx after %u s, and not inside the affinity",
				     torture_mask_of(current),
				     WAIT_TIMEOUT / HZ);
			return;
		}
		schedule_timeout_uninterruptible(1);
	}
	if (was_outside)
		torture_count(TORTURE_SEEN_PUT_BACK);
}

static void look(struct torture_victim *victim)
{
	PROCESSOR_NUMBER number;
	unsigned int cpu, here;

	torture_count(TORTURE_LOOK);
	torture_check_level(victim);
	if (torture_is_passive(victim)) {
		torture_check_place(victim);
		return;
	}
	/* An RCU reader may be preempted, and then leave its processor. */
	do {
		here = raw_smp_processor_id();
		memset(&number, TORTURE_POISON, sizeof(number));
		KeGetCurrentProcessorNumberEx(&number);
	} while (here != raw_smp_processor_id());
	cpu = number.Group * torture_groupsize + number.Number;
	if (cpu != here || number.Reserved)
		torture_fail(victim, "Q1: processor %u:%u on CPU %u",
			     number.Group, number.Number,
			     raw_smp_processor_id());
}

static void nap(struct torture_victim *victim)
{
	bool is_outside = false;

	torture_count(TORTURE_SLEEP);
	if (torture_below(victim, 4)) {
		cond_resched();
		return;
	}
	schedule_timeout_uninterruptible(1);
	/* Others have had the time to disturb. */
	if (torture_is_passive(victim) && !is_in_place(victim, &is_outside))
		wait_until_in_place(victim);
}

void torture_step(struct torture_victim *victim, unsigned int depth)
{
	unsigned int choice = torture_below(victim, 64);

	if (choice < 16 && depth < MOST_DEPTH) {
		torture_section(victim, depth);
	} else if (choice < 20) {
		look(victim);
	} else if (choice < 22 && victim->level < DISPATCH_LEVEL) {
		nap(victim);
	} else if (choice == 22 && victim->level < DISPATCH_LEVEL) {
		if (!torture_below(victim, 4) && torture_is_passive(victim))
			wait_until_in_place(victim);
	} else {
		torture_call(victim);
	}
}

/* Returns 0, or -EINTR if the thread is being killed. */
int torture_take(struct torture_victim *victim, unsigned long steps)
{
	unsigned long end = victim->steps + steps;

	while (victim->steps < end && !torture_stopping()) {
		if (fatal_signal_pending(current)) {
			if (victim->state.active)
				torture_count(TORTURE_KILLED_ACTIVE);
			return -EINTR;
		}
		torture_step(victim, 0);
		if (preempt_count() || softirq_count() || irqs_disabled())
			torture_fail(victim, "preempt count %#x, softirq count %#lx, interrupts %s",
				     preempt_count(), (long)softirq_count(),
				     irqs_disabled() ? "off" : "on");
		cond_resched();
	}
	return 0;
}

/* Nothing is left: U1, U2. */
void torture_finish(struct torture_victim *victim)
{
	torture_revert_user(victim);
	/* Once more: nothing (R6). */
	torture_revert_user(victim);
	torture_free_tokens(victim);
}

/* Nobody disturbs any more. What the twin has is right. */
void torture_final(struct torture_victim *victim, u64 twin)
{
	u64 mask = torture_mask_of(current);
	bool exact;

	if (!torture_may_want(victim, victim->first_want, mask, &exact) ||
	    (exact && mask != twin))
		torture_fail(victim,
			     "U1: at the end the mask is %#llx, the twin's %#llx",
			     mask, twin);
}
