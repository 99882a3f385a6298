// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules I2 to I7 and I9: what a Set and a Revert do where the thread
 * may not move, and that the move comes, by lowering, by a worker or not at all,
 * always to the latest state. I1 and I8 are in context_test.c.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kallsyms.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "foreign.h"
#include "helpers.h"
#include "irql.h"
#include "placement.h"
#include "queue.h"
#include "stretch.h"
#include "watch.h"
#include "wdm.h"

static GROUP_AFFINITY group_affinity(const struct nta_affinity *affinity)
{
	return (GROUP_AFFINITY){ .Mask = affinity->mask,
				 .Group = affinity->group };
}

/* --- levels (I9) --- */

#define MAX_LEVELS 16

struct levels {
	KIRQL seen[MAX_LEVELS];
	unsigned int count;
	int preempt_before;
	int preempt_after;
	bool irqs_off_before;
	bool irqs_off_after;
	bool irqs_off[MAX_LEVELS];
	bool bh_off[MAX_LEVELS];
	int marks[MAX_LEVELS];
	long bad;
};

static void note_level(struct levels *levels, KIRQL irql)
{
	levels->seen[levels->count] = irql;
	levels->irqs_off[levels->count] = irqs_disabled();
	levels->bh_off[levels->count] = !!softirq_count();
	levels->marks[levels->count] = atomic_read(&nta_marks);
	levels->count++;
}

static void begin_levels(struct levels *levels)
{
	levels->preempt_before = preempt_count();
	levels->irqs_off_before = irqs_disabled();
	levels->bad = nta_event_count(NTA_EVENT_BAD_LEVEL);
}

static void end_levels(struct levels *levels)
{
	levels->preempt_after = preempt_count();
	levels->irqs_off_after = irqs_disabled();
	levels->bad = nta_event_count(NTA_EVENT_BAD_LEVEL) - levels->bad;
}

static void check_levels(struct kunit *test, const struct levels *levels,
			 const KIRQL *expected, unsigned int count, long bad)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, levels->count, count);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, levels->seen[i], expected[i],
				    "level %u", i);
	KUNIT_EXPECT_EQ_MSG(test, levels->preempt_after, levels->preempt_before,
			    "the preempt count");
	KUNIT_EXPECT_EQ_MSG(test, levels->irqs_off_after,
			    levels->irqs_off_before, "interrupts off");
	KUNIT_EXPECT_EQ_MSG(test, levels->bad, bad, "wrong levels counted");
}

static void go_up_and_down(void *data)
{
	struct levels *levels = data;
	KIRQL apc, dispatch, high, middle;

	nta_first_raise(NULL);
	begin_levels(levels);
	note_level(levels, KeGetCurrentIrql());
	KeRaiseIrql(APC_LEVEL, &apc);
	note_level(levels, KeGetCurrentIrql());
	dispatch = KeRaiseIrqlToDpcLevel();
	note_level(levels, KeGetCurrentIrql());
	middle = KfRaiseIrql(5);
	note_level(levels, KeGetCurrentIrql());
	high = KfRaiseIrql(HIGH_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(high);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(middle);
	note_level(levels, KeGetCurrentIrql());
	KfLowerIrql(dispatch);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(apc);
	note_level(levels, KeGetCurrentIrql());
	/* All the way at once. */
	high = KfRaiseIrql(HIGH_LEVEL);
	note_level(levels, high);
	KeLowerIrql(PASSIVE_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	end_levels(levels);
}

static void levels_go_up_and_down(struct kunit *test)
{
	static const KIRQL expected[] = { 0, 1, 2, 5, 15, 5, 2, 1, 0, 0, 0 };
	struct levels *levels = kunit_kzalloc(test, sizeof(*levels), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, levels);
	nta_on_thread(test, go_up_and_down, levels);
	check_levels(test, levels, expected, ARRAY_SIZE(expected), 0);
	/* Nobody is looked up where nobody is at APC_LEVEL, or above it. */
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		KUNIT_EXPECT_EQ_MSG(test, levels->marks[i], i > 0 && i < 8,
				    "level %u", i);
	for (i = 0; i < 9; i++) {
		KUNIT_EXPECT_EQ_MSG(test, levels->bh_off[i], expected[i] >= 2,
				    "level %u", i);
		KUNIT_EXPECT_EQ_MSG(test, levels->irqs_off[i], expected[i] > 2,
				    "level %u", i);
	}
}

static void do_it_wrong(void *data)
{
	static KSPIN_LOCK lock, native;
	struct levels *levels = data;
	KIRQL old;

	spin_lock_init(&native);
	KeInitializeSpinLock(&lock);
	begin_levels(levels);
	/* A level that there is not; lower to a higher one. */
	note_level(levels, KfRaiseIrql(HIGH_LEVEL + 1));
	KeLowerIrql(DISPATCH_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	/* Raise to a lower one. */
	old = KeRaiseIrqlToDpcLevel();
	note_level(levels, KfRaiseIrql(APC_LEVEL));
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
	/* Lower without a raise: the section is a native one. */
	spin_lock_bh(&native);
	KeLowerIrql(PASSIVE_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	spin_unlock_bh(&native);
	/* The same where that is all there is, after raises of both kinds. */
	local_bh_disable();
	KeLowerIrql(PASSIVE_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	local_bh_enable();
	old = KfRaiseIrql(HIGH_LEVEL);
	KeLowerIrql(old);
	local_bh_disable();
	KeLowerIrql(PASSIVE_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	local_bh_enable();
	/* A spin lock that needs DISPATCH_LEVEL, taken and released below. */
	KeAcquireSpinLockAtDpcLevel(&lock);
	KeReleaseSpinLockFromDpcLevel(&lock);
	note_level(levels, KeGetCurrentIrql());
	/* Released to a higher level than there is. */
	KeAcquireSpinLock(&lock, &old);
	KeReleaseSpinLock(&lock, HIGH_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
	/* Lowered with the lock held. */
	KeAcquireSpinLock(&lock, &old);
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
	KeReleaseSpinLock(&lock, old);
	note_level(levels, KeGetCurrentIrql());
	end_levels(levels);
}

static void wrong_levels_are_refused_and_counted(struct kunit *test)
{
	/* Without PREEMPT_COUNT a held lock leaves no mark, and two lines more. */
	const bool marked = IS_ENABLED(CONFIG_PREEMPT_COUNT);
	const KIRQL expected[] = { 0, 0, 2, 0, 2, 2, 2, 0, 2, 0,
				   marked ? 2 : 0, 0 };
	struct levels *levels = kunit_kzalloc(test, sizeof(*levels), GFP_KERNEL);
	long bad = marked ? 9 : 11;

	KUNIT_ASSERT_NOT_NULL(test, levels);
	nta_on_thread(test, do_it_wrong, levels);
	check_levels(test, levels, expected, ARRAY_SIZE(expected), bad);
}

static void take_locks(void *data)
{
	static KSPIN_LOCK outer, inner;
	struct levels *levels = data;
	KIRQL old, second;

	KeInitializeSpinLock(&outer);
	KeInitializeSpinLock(&inner);
	begin_levels(levels);
	KeAcquireSpinLock(&outer, &old);
	note_level(levels, KeGetCurrentIrql());
	second = KeAcquireSpinLockRaiseToDpc(&inner);
	note_level(levels, second);
	KeReleaseSpinLock(&inner, second);
	note_level(levels, KeGetCurrentIrql());
	KeAcquireSpinLockAtDpcLevel(&inner);
	KeReleaseSpinLockFromDpcLevel(&inner);
	note_level(levels, KeGetCurrentIrql());
	KeReleaseSpinLock(&outer, old);
	note_level(levels, KeGetCurrentIrql());
	end_levels(levels);
}

static void spin_locks_raise_and_lower(struct kunit *test)
{
	static const KIRQL expected[] = { 2, 2, 2, 2, 0 };
	struct levels *levels = kunit_kzalloc(test, sizeof(*levels), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, levels);
	nta_on_thread(test, take_locks, levels);
	check_levels(test, levels, expected, ARRAY_SIZE(expected), 0);
}

static void lower_with_interrupts_off(void *data)
{
	struct levels *levels = data;
	unsigned long flags;
	KIRQL old, middle;

	begin_levels(levels);
	old = KeRaiseIrqlToDpcLevel();
	middle = KfRaiseIrql(HIGH_LEVEL);
	KeLowerIrql(middle);
	note_level(levels, KeGetCurrentIrql());
	local_irq_save(flags);
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
	local_irq_restore(flags);
	note_level(levels, KeGetCurrentIrql());
	end_levels(levels);
}

/* I9: a lowering undoes what the raise did, and that once. */
static void lowering_leaves_native_marks_alone(struct kunit *test)
{
	static const KIRQL expected[] = { 2, 2, 0 };
	struct levels *levels = kunit_kzalloc(test, sizeof(*levels), GFP_KERNEL);

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "it is late there, see irql_rt_test.c");
	KUNIT_ASSERT_NOT_NULL(test, levels);
	nta_on_thread(test, lower_with_interrupts_off, levels);
	check_levels(test, levels, expected, ARRAY_SIZE(expected), 0);
	KUNIT_EXPECT_FALSE(test, levels->irqs_off[0]);
	KUNIT_EXPECT_TRUE(test, levels->irqs_off[1]);
	KUNIT_EXPECT_FALSE(test, levels->bh_off[1]);
}

static void go_up_in_section(void *data)
{
	static KSPIN_LOCK outer, inner, native;
	struct levels *levels = data;
	KIRQL old, second;

	KeInitializeSpinLock(&outer);
	KeInitializeSpinLock(&inner);
	spin_lock_init(&native);
	begin_levels(levels);
	spin_lock(&native);
	note_level(levels, KeGetCurrentIrql());
	KeAcquireSpinLock(&outer, &old);
	note_level(levels, old);
	second = KeAcquireSpinLockRaiseToDpc(&inner);
	KeReleaseSpinLock(&inner, second);
	note_level(levels, KeGetCurrentIrql());
	/* From above it comes back to the raise that is still due. */
	KeRaiseIrql(HIGH_LEVEL, &second);
	KeLowerIrql(second);
	note_level(levels, KeGetCurrentIrql());
	KeReleaseSpinLock(&outer, old);
	note_level(levels, KeGetCurrentIrql());
	spin_unlock(&native);
	note_level(levels, KeGetCurrentIrql());
	end_levels(levels);
}

/* I9: a raise keeps softirqs away also where the level is no higher than before. */
static void raise_in_a_native_section_keeps_softirqs_away(struct kunit *test)
{
	static const KIRQL expected[] = { 2, 2, 2, 2, 2, 0 };
	static const bool bh_off[] = { false, true, true, true, false, false };
	struct levels *levels = kunit_kzalloc(test, sizeof(*levels), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, levels);
	nta_needs_section(test, NTA_IN_SPIN_LOCK);
	nta_on_thread(test, go_up_in_section, levels);
	check_levels(test, levels, expected, ARRAY_SIZE(expected), 0);
	for (i = 0; i < ARRAY_SIZE(bh_off); i++)
		KUNIT_EXPECT_EQ_MSG(test, levels->bh_off[i], bh_off[i],
				    "level %u", i);
}

static void lock_in_section(void *data)
{
	static KSPIN_LOCK first, second, native;
	struct levels *levels = data;
	KIRQL old;

	KeInitializeSpinLock(&first);
	KeInitializeSpinLock(&second);
	spin_lock_init(&native);
	begin_levels(levels);
	spin_lock(&native);
	/* One after the other, and released in the order in which they were taken. */
	KeAcquireSpinLockAtDpcLevel(&first);
	note_level(levels, KeGetCurrentIrql());
	KeAcquireSpinLockAtDpcLevel(&second);
	KeReleaseSpinLockFromDpcLevel(&first);
	note_level(levels, KeGetCurrentIrql());
	KeReleaseSpinLockFromDpcLevel(&second);
	note_level(levels, KeGetCurrentIrql());
	/* The other one with a raise. */
	KeAcquireSpinLockAtDpcLevel(&first);
	KeAcquireSpinLock(&second, &old);
	KeReleaseSpinLockFromDpcLevel(&first);
	note_level(levels, KeGetCurrentIrql());
	KeReleaseSpinLock(&second, old);
	note_level(levels, KeGetCurrentIrql());
	/* A raise inside, which outlives the lock. */
	KeAcquireSpinLockAtDpcLevel(&first);
	old = KeRaiseIrqlToDpcLevel();
	KeReleaseSpinLockFromDpcLevel(&first);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
	/* And one around it: the lock ends nothing. */
	old = KeRaiseIrqlToDpcLevel();
	KeAcquireSpinLockAtDpcLevel(&first);
	KeReleaseSpinLockFromDpcLevel(&first);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
	spin_unlock(&native);
	note_level(levels, KeGetCurrentIrql());
	end_levels(levels);
}

/* I6: else a softirq that takes the same lock would wait for ever. */
static void spin_lock_in_a_native_section_keeps_softirqs_away(struct kunit *test)
{
	static const KIRQL expected[] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 0 };
	static const bool bh_off[] = { true, true, false, true, false,
				       true, false, true, false, false };
	struct levels *levels = kunit_kzalloc(test, sizeof(*levels), GFP_KERNEL);
	unsigned int i;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "softirqs are threads");
	KUNIT_ASSERT_NOT_NULL(test, levels);
	nta_needs_section(test, NTA_IN_SPIN_LOCK);
	nta_on_thread(test, lock_in_section, levels);
	check_levels(test, levels, expected, ARRAY_SIZE(expected), 0);
	for (i = 0; i < ARRAY_SIZE(bh_off); i++)
		KUNIT_EXPECT_EQ_MSG(test, levels->bh_off[i], bh_off[i],
				    "level %u", i);
}

/* Two threads with a lock, and beside it the level to go back to. */
struct shared_lock {
	struct nta_affinity a;
	struct nta_affinity b;
	struct nta_worker *waiter;
	KSPIN_LOCK lock;
	KIRQL old;
	bool waits;
	KIRQL held_by_first;
	KIRQL held_by_second;
	KIRQL first_after;
	KIRQL second_after;
};

static void wait_for_shared_lock(void *data)
{
	struct shared_lock *shared = data;
	GROUP_AFFINITY b = group_affinity(&shared->b);
	KIRQL outer;

	KeSetSystemGroupAffinityThread(&b, NULL);
	outer = KeRaiseIrqlToDpcLevel();
	WRITE_ONCE(shared->waits, true);
	KeAcquireSpinLock(&shared->lock, &shared->old);
	shared->held_by_second = shared->old;
	KeReleaseSpinLock(&shared->lock, shared->old);
	shared->second_after = KeGetCurrentIrql();
	KeLowerIrql(outer);
	KeRevertToUserAffinityThread();
}

static void hold_shared_lock(void *data)
{
	struct shared_lock *shared = data;
	GROUP_AFFINITY a = group_affinity(&shared->a);
	unsigned int microseconds;

	KeSetSystemGroupAffinityThread(&a, NULL);
	KeAcquireSpinLock(&shared->lock, &shared->old);
	nta_worker_begin(shared->waiter, wait_for_shared_lock, shared);
	/* As long as it takes to be wrong, if it is. */
	for (microseconds = 0; microseconds < 20000; microseconds++) {
		udelay(1);
		if (!READ_ONCE(shared->waits))
			microseconds = 0;
		if (READ_ONCE(shared->old))
			break;
	}
	shared->held_by_first = READ_ONCE(shared->old);
	KeReleaseSpinLock(&shared->lock, PASSIVE_LEVEL);
	shared->first_after = KeGetCurrentIrql();
	KeRevertToUserAffinityThread();
}

/* I9: who waits for a lock does not touch what the lock protects. */
static void old_level_is_stored_under_the_lock(struct kunit *test)
{
	struct shared_lock *shared = kunit_kzalloc(test, sizeof(*shared),
						   GFP_KERNEL);
	struct nta_worker *holder;

	KUNIT_ASSERT_NOT_NULL(test, shared);
	shared->a = nta_pick(test, 0);
	shared->b = nta_pick(test, 1);
	if (nta_cpu(&shared->a) == nta_cpu(&shared->b))
		kunit_skip(test, "needs two processors");
	KeInitializeSpinLock(&shared->lock);
	shared->waiter = nta_worker_make(test);
	holder = nta_worker_make(test);
	nta_worker_do(test, holder, hold_shared_lock, shared);
	nta_worker_wait(test, shared->waiter);
	KUNIT_EXPECT_EQ(test, shared->held_by_first, PASSIVE_LEVEL);
	KUNIT_EXPECT_EQ(test, shared->held_by_second, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, shared->first_after, PASSIVE_LEVEL);
	KUNIT_EXPECT_EQ(test, shared->second_after, DISPATCH_LEVEL);
}

static void go_up_in_interrupt(void *data)
{
	struct levels *levels = data;
	KIRQL old;

	note_level(levels, KeGetCurrentIrql());
	old = KfRaiseIrql(HIGH_LEVEL);
	note_level(levels, KeGetCurrentIrql());
	KeLowerIrql(old);
	note_level(levels, KeGetCurrentIrql());
}

struct interrupted {
	struct levels levels;
	enum nta_section section;
	KIRQL thread;
};

/* The interrupt's levels are its own, not those of the thread that it comes to. */
static void be_interrupted(void *data)
{
	struct interrupted *interrupted = data;

	begin_levels(&interrupted->levels);
	nta_in_section(interrupted->section, go_up_in_interrupt,
		       &interrupted->levels);
	end_levels(&interrupted->levels);
	interrupted->thread = KeGetCurrentIrql();
}

static void interrupts_have_levels_of_their_own(struct kunit *test)
{
	static const KIRQL in_irq[] = { 3, 15, 3 }, in_softirq[] = { 2, 15, 2 };
	static const KIRQL in_nmi[] = { 15, 15, 15 };
	struct interrupted *interrupted = kunit_kzalloc(test,
							sizeof(*interrupted),
							GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, interrupted);
	interrupted->section = NTA_IN_HARD_IRQ;
	nta_on_thread(test, be_interrupted, interrupted);
	check_levels(test, &interrupted->levels, in_irq, 3, 0);
	KUNIT_EXPECT_EQ(test, interrupted->thread, 0);

	memset(interrupted, 0, sizeof(*interrupted));
	interrupted->section = NTA_IN_NMI;
	nta_on_thread(test, be_interrupted, interrupted);
	check_levels(test, &interrupted->levels, in_nmi, 3, 0);
	KUNIT_EXPECT_EQ(test, interrupted->thread, 0);

	memset(interrupted, 0, sizeof(*interrupted));
	interrupted->section = NTA_IN_SOFTIRQ;
	nta_on_thread(test, be_interrupted, interrupted);
	check_levels(test, &interrupted->levels, in_softirq, 3, 0);
	KUNIT_EXPECT_EQ(test, interrupted->thread, 0);
}

/* --- moves that wait --- */

static void wait_until_moved(const struct cpumask *mask, struct nta_look *look)
{
	unsigned int ticks = NTA_PUT_BACK_TIMEOUT;

	do {
		schedule_timeout_uninterruptible(1);
		nta_look_at_me(look);
	} while ((!cpumask_equal(&look->mask, mask) ||
		  !cpumask_test_cpu(look->cpu, mask) ||
		  look->entry.pending || look->entry.owned) && --ticks);
}

/* What a thread calls in a section, and what is seen in it and after it. */
struct waiting {
	enum nta_section section;
	struct nta_affinity a;
	struct nta_affinity b;
	struct cpumask in_b;
	enum nta_context context;
	KIRQL level;
	GROUP_AFFINITY previous[2];
	struct nta_look before;
	struct nta_look in_section[3];
	struct nta_look after_set;
	struct nta_look in_revert;
	struct nta_look after_revert;
};

static void set_twice(void *data)
{
	struct waiting *waiting = data;
	GROUP_AFFINITY a = group_affinity(&waiting->a);
	GROUP_AFFINITY b = group_affinity(&waiting->b);

	waiting->context = nta_current_context();
	waiting->level = KeGetCurrentIrql();
	memset(waiting->previous, NTA_POISON, sizeof(waiting->previous));
	nta_look_at_me(&waiting->in_section[0]);
	KeSetSystemGroupAffinityThread(&a, &waiting->previous[0]);
	nta_look_at_me(&waiting->in_section[1]);
	KeSetSystemGroupAffinityThread(&b, &waiting->previous[1]);
	nta_look_at_me(&waiting->in_section[2]);
}

static void revert_inside(void *data)
{
	struct waiting *waiting = data;

	KeRevertToUserGroupAffinityThread(&waiting->previous[0]);
	nta_look_at_me(&waiting->in_revert);
}

static void call_in_section(void *data)
{
	struct waiting *waiting = data;

	nta_look_at_me(&waiting->before);
	nta_in_section(waiting->section, set_twice, waiting);
	wait_until_moved(&waiting->in_b, &waiting->after_set);
	nta_in_section(waiting->section, revert_inside, waiting);
	wait_until_moved(&waiting->before.mask, &waiting->after_revert);
}

static const enum nta_section sections[] = {
	NTA_IN_SPIN_LOCK, NTA_IN_SPIN_LOCK_IRQSAVE, NTA_IN_RAW_SPIN_LOCK,
	NTA_IN_PREEMPT_OFF, NTA_IN_BH_OFF, NTA_IN_IRQ_OFF, NTA_IN_RCU_READ,
	NTA_IN_MIGRATION_OFF,
};

/* I1: on PREEMPT_RT a spinlock_t is one that sleeps. */
static enum nta_context context_in(enum nta_section section)
{
	switch (section) {
	case NTA_IN_SPIN_LOCK:
	case NTA_IN_SPIN_LOCK_IRQSAVE:
		return IS_ENABLED(CONFIG_PREEMPT_RT) ? NTA_PINNED : NTA_DISPATCH;
	case NTA_IN_MIGRATION_OFF:
		return NTA_PINNED;
	default:
		return NTA_DISPATCH;
	}
}

static void describe_section(const enum nta_section *section, char *name)
{
	static const char * const names[] = {
		[NTA_IN_SPIN_LOCK] = "spin_lock",
		[NTA_IN_SPIN_LOCK_IRQSAVE] = "spin_lock_irqsave",
		[NTA_IN_RAW_SPIN_LOCK] = "raw_spin_lock",
		[NTA_IN_PREEMPT_OFF] = "preempt_disable",
		[NTA_IN_BH_OFF] = "local_bh_disable",
		[NTA_IN_IRQ_OFF] = "local_irq_save",
		[NTA_IN_RCU_READ] = "rcu_read_lock",
		[NTA_IN_MIGRATION_OFF] = "migrate_disable (I7)",
	};

	strscpy(name, names[*section], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(section, sections, describe_section);

/* I2, I4, I7: state and outputs at once, the move by a worker, to the latest. */
static void move_waits_for_the_end_of_a_native_section(struct kunit *test)
{
	enum nta_section section = *(const enum nta_section *)test->param_value;
	struct waiting *waiting = kunit_kzalloc(test, sizeof(*waiting),
						GFP_KERNEL);
	long deferred = nta_event_count(NTA_EVENT_DEFERRED);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, waiting);
	nta_needs_section(test, section);
	waiting->section = section;
	waiting->a = nta_pick(test, 0);
	waiting->b = nta_pick(test, 1);
	cpumask_copy(&waiting->in_b, nta_mask_of(test, &waiting->b));
	nta_on_thread(test, call_in_section, waiting);

	KUNIT_EXPECT_EQ_MSG(test, waiting->context, context_in(section), "I1");
	/* I9: a driver may sleep in migrate_disable() only. */
	KUNIT_EXPECT_EQ(test, waiting->level,
			section == NTA_IN_MIGRATION_OFF ? PASSIVE_LEVEL :
							  DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, waiting->previous[0].Mask, 0ULL);
	KUNIT_EXPECT_EQ(test, waiting->previous[0].Group, 0);
	KUNIT_EXPECT_EQ(test, waiting->previous[1].Mask, waiting->a.mask);
	KUNIT_EXPECT_EQ(test, waiting->previous[1].Group, waiting->a.group);
	for (i = 1; i < 3; i++) {
		const struct nta_look *look = &waiting->in_section[i];
		const struct nta_affinity *system = i == 1 ? &waiting->a :
							     &waiting->b;

		KUNIT_EXPECT_TRUE(test, look->entry.state.active);
		KUNIT_EXPECT_EQ(test, look->entry.state.system.mask,
				system->mask);
		KUNIT_EXPECT_EQ(test, look->entry.state.system.group,
				system->group);
		/* Preemptible RCU's readers may be moved, by our worker as well. */
		if (section == NTA_IN_RCU_READ)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, look->cpu, waiting->in_section[0].cpu,
				    "moved in the section");
	}
	KUNIT_EXPECT_EQ(test, waiting->in_section[2].entry.generation,
			waiting->in_section[1].entry.generation + 1);
	nta_check_mask(test, "after the Sets", &waiting->after_set.mask,
		       &waiting->in_b);
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(waiting->after_set.cpu,
						 &waiting->in_b));

	KUNIT_EXPECT_FALSE(test, waiting->in_revert.entry.state.active);
	nta_check_mask(test, "after the Revert", &waiting->after_revert.mask,
		       &waiting->before.mask);
	KUNIT_EXPECT_FALSE(test, waiting->after_revert.entry.pending);
	KUNIT_EXPECT_GE(test, nta_event_count(NTA_EVENT_DEFERRED), deferred + 2);
}

/* The steps of a driver that raises, and what is seen when it has lowered. */
struct raising {
	struct nta_affinity a;
	struct nta_affinity b;
	struct nta_look before;
	struct nta_look first;
	struct nta_look raised;
	struct nta_look lowered[6];
	unsigned int generation[2];
	unsigned int late;
	KIRQL level;
};

/* A scan that comes between a Set and the lowering would send a worker: none is sent. */
static struct nta_thread *keep_workers_from_me(void)
{
	struct nta_thread *thread = nta_thread_find(current);
	unsigned int ticks = NTA_PUT_BACK_TIMEOUT;

	while (thread && !nta_keep_workers_away(thread)) {
		if (!--ticks)
			return NULL;
		schedule_timeout_uninterruptible(1);
	}
	return thread;
}

static void raise_and_call(void *data)
{
	static KSPIN_LOCK lock;
	struct raising *raising = data;
	GROUP_AFFINITY a = group_affinity(&raising->a), previous;
	GROUP_AFFINITY b = group_affinity(&raising->b), inner;
	struct nta_thread *thread;
	KIRQL old;

	KeInitializeSpinLock(&lock);
	nta_look_at_me(&raising->before);

	/* The first Set makes the entry. */
	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&a, &previous);
	KeLowerIrql(old);
	nta_look_at_me(&raising->first);
	KeRevertToUserGroupAffinityThread(&previous);
	thread = keep_workers_from_me();
	if (!thread)
		return;

	/* Set, raised: moved when lowered. */
	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&a, &previous);
	nta_look_at_me(&raising->raised);
	KeLowerIrql(old);
	nta_look_at_me(&raising->lowered[0]);

	/* Set under a spin lock, two of them. */
	KeAcquireSpinLock(&lock, &old);
	KeSetSystemGroupAffinityThread(&b, &inner);
	KeSetSystemGroupAffinityThread(&a, NULL);
	KeSetSystemGroupAffinityThread(&b, NULL);
	KeReleaseSpinLock(&lock, old);
	nta_look_at_me(&raising->lowered[1]);

	/* Set, raise, Revert: the latest state, not that of the raise (I6). */
	KeRaiseIrql(HIGH_LEVEL, &old);
	KeRevertToUserGroupAffinityThread(&inner);
	KeLowerIrql(old);
	nta_look_at_me(&raising->lowered[2]);

	old = KeRaiseIrqlToDpcLevel();
	KeRevertToUserGroupAffinityThread(&previous);
	KeLowerIrql(old);
	nta_look_at_me(&raising->lowered[3]);

	/* Set, Set, Revert: no move at all. */
	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&a, &previous);
	KeSetSystemGroupAffinityThread(&b, NULL);
	KeRevertToUserGroupAffinityThread(&previous);
	nta_look_at_me(&raising->lowered[4]);
	KeLowerIrql(old);

	/* Lowered to APC_LEVEL is lowered (I3). */
	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&a, &previous);
	KeLowerIrql(APC_LEVEL);
	nta_look_at_me(&raising->lowered[5]);
	KeLowerIrql(old);
	KeRevertToUserGroupAffinityThread(&previous);
	nta_let_workers_come(thread);
}

static void check_moved(struct kunit *test, const char *what,
			const struct nta_look *look, const struct cpumask *mask)
{
	nta_check_mask(test, what, &look->mask, mask);
	KUNIT_EXPECT_TRUE_MSG(test, cpumask_test_cpu(look->cpu, mask),
			      "%s: on CPU %u", what, look->cpu);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.pending, "%s", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.owned, "%s", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.displaced, "%s", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.given_up, "%s", what);
}

/* I3, I5, I6: nothing is waited for. */
static void lowering_performs_the_move_before_it_returns(struct kunit *test)
{
	struct raising *raising = kunit_kzalloc(test, sizeof(*raising),
						GFP_KERNEL);
	const struct cpumask *in_a, *in_b, *user;

	KUNIT_ASSERT_NOT_NULL(test, raising);
	raising->a = nta_pick(test, 0);
	raising->b = nta_pick(test, 1);
	in_a = nta_mask_of(test, &raising->a);
	in_b = nta_mask_of(test, &raising->b);
	nta_on_thread(test, raise_and_call, raising);

	user = &raising->before.mask;
	KUNIT_EXPECT_TRUE(test, raising->first.entry.state.active);
	nta_check_mask(test, "the first Set", &raising->first.mask, in_a);
	KUNIT_EXPECT_TRUE_MSG(test, raising->raised.entry.state.active, "I2");
	nta_check_mask(test, "raised", &raising->raised.mask, user);
	check_moved(test, "Set", &raising->lowered[0], in_a);
	check_moved(test, "three Sets", &raising->lowered[1], in_b);
	check_moved(test, "inner Revert", &raising->lowered[2], in_a);
	KUNIT_EXPECT_TRUE(test, raising->lowered[2].entry.state.active);
	check_moved(test, "outer Revert", &raising->lowered[3], user);
	KUNIT_EXPECT_FALSE(test, raising->lowered[3].entry.state.active);
	check_moved(test, "Set, Set, Revert", &raising->lowered[4], user);
	check_moved(test, "lowered to APC_LEVEL", &raising->lowered[5], in_a);
}

static void raise_and_come_back(void *data)
{
	struct raising *raising = data;
	GROUP_AFFINITY a = group_affinity(&raising->a);
	GROUP_AFFINITY b = group_affinity(&raising->b);
	struct nta_thread *thread;
	KIRQL old;

	nta_look_at_me(&raising->before);
	KeSetSystemGroupAffinityThread(&a, NULL);
	thread = keep_workers_from_me();
	if (!thread)
		return;
	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&b, NULL);
	nta_look_at_me(&raising->raised);
	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&raising->lowered[0]);
	nta_let_workers_come(thread);
	KeLowerIrql(old);
	nta_look_at_me(&raising->lowered[1]);
	KeRevertToUserAffinityThread();
	nta_look_at_me(&raising->lowered[2]);
}

/* I6, S17: back to what is in force, before anything was moved: nothing is to be done. */
static void set_of_what_is_in_force_undoes_one_that_waits(struct kunit *test)
{
	struct raising *raising = kunit_kzalloc(test, sizeof(*raising),
						GFP_KERNEL);
	const struct cpumask *in_a;
	long deferred;

	KUNIT_ASSERT_NOT_NULL(test, raising);
	raising->a = nta_pick(test, 0);
	raising->b = nta_pick(test, 1);
	in_a = nta_mask_of(test, &raising->a);
	deferred = nta_event_count(NTA_EVENT_DEFERRED);
	nta_on_thread(test, raise_and_come_back, raising);

	KUNIT_EXPECT_TRUE(test, raising->raised.entry.pending);
	nta_check_mask(test, "raised", &raising->raised.mask, in_a);
	check_moved(test, "back", &raising->lowered[0], in_a);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DEFERRED), deferred + 1);
	check_moved(test, "lowered", &raising->lowered[1], in_a);
	check_moved(test, "reverted", &raising->lowered[2],
		    &raising->before.mask);
}

/* For what only shows where native sections leave a mark. */
static struct raising *make_raising(struct kunit *test)
{
	struct raising *raising = kunit_kzalloc(test, sizeof(*raising),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, raising);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	return raising;
}

/* The other way round: the Set is inside, and a worker is called as well. */
static void set_in_a_section_inside(void *data)
{
	struct raising *raising = data;
	GROUP_AFFINITY at[2] = {
		group_affinity(&raising->a), group_affinity(&raising->b),
	};
	unsigned int i;
	KIRQL old;

	for (i = 0; i < 50; i++) {
		old = KeRaiseIrqlToDpcLevel();
		preempt_disable();
		KeSetSystemGroupAffinityThread(&at[i % 2], NULL);
		preempt_enable();
		KeLowerIrql(old);
		nta_look_at_me(&raising->lowered[i % 2]);
		raising->late += raising->lowered[i % 2].cpu !=
				 nta_cpu(i % 2 ? &raising->b : &raising->a);
	}
	KeRevertToUserAffinityThread();
}

/* I3: whoever else has been told of the move. */
static void lowering_performs_the_move_of_a_native_section(struct kunit *test)
{
	struct raising *raising = make_raising(test);

	raising->a = nta_pick(test, 1);
	raising->b = nta_pick(test, 2);
	nta_on_thread(test, set_in_a_section_inside, raising);
	KUNIT_EXPECT_EQ_MSG(test, raising->late, 0U, "not there after the call");
}

static void lower_inside_a_section(void *data)
{
	struct raising *raising = data;
	GROUP_AFFINITY a = group_affinity(&raising->a);
	struct cpumask *in_a = &raising->lowered[2].mask;
	KIRQL old;

	nta_look_at_me(&raising->before);
	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&a, NULL);
	preempt_disable();
	nta_look_at_me(&raising->raised);
	KeLowerIrql(old);
	nta_look_at_me(&raising->lowered[0]);
	preempt_enable();
	/* On PREEMPT_RT the section's end does not end the raise: a call does. */
	raising->level = KeGetCurrentIrql();
	cpumask_clear(in_a);
	nta_group_to_cpumask(&nta_topology, raising->a.group, raising->a.mask,
			     in_a);
	wait_until_moved(in_a, &raising->lowered[1]);
	KeRevertToUserAffinityThread();
}

/* I3: where the level is still a native section's, it is a worker's (I4). */
static void lowering_inside_a_native_section_leaves_it_to_a_worker(struct kunit *test)
{
	struct raising *raising = make_raising(test);

	raising->a = nta_pick(test, 1);
	nta_on_thread(test, lower_inside_a_section, raising);
	KUNIT_EXPECT_EQ_MSG(test, raising->lowered[0].cpu, raising->raised.cpu,
			    "moved in the section");
	KUNIT_EXPECT_EQ(test, raising->level, PASSIVE_LEVEL);
	check_moved(test, "after the section", &raising->lowered[1],
		    nta_mask_of(test, &raising->a));
}

static void raise_where_bottom_halves_are_off(void *data)
{
	struct raising *raising = data;
	GROUP_AFFINITY a = group_affinity(&raising->a);
	struct cpumask *in_a = &raising->lowered[2].mask;
	KIRQL old;

	/* The next one is the plain one that nearly all are. */
	nta_first_raise(NULL);
	old = KeRaiseIrqlToDpcLevel();
	KeLowerIrql(old);
	local_bh_disable();
	KeRaiseIrql(HIGH_LEVEL, &old);
	KeLowerIrql(old);
	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&raising->raised);
	local_bh_enable();
	cpumask_clear(in_a);
	nta_group_to_cpumask(&nta_topology, raising->a.group, raising->a.mask,
			     in_a);
	wait_until_moved(in_a, &raising->lowered[1]);
	raising->level = KeGetCurrentIrql();
	KeRevertToUserAffinityThread();
}

/* I4: of a raise that is over nothing is left that the next one could take for its own. */
static void raise_in_a_native_section_leaves_the_move_to_a_worker(struct kunit *test)
{
	struct raising *raising = make_raising(test);

	raising->a = nta_pick(test, 1);
	nta_on_thread(test, raise_where_bottom_halves_are_off, raising);
	KUNIT_EXPECT_EQ(test, raising->level, PASSIVE_LEVEL);
	check_moved(test, "after the section", &raising->lowered[1],
		    nta_mask_of(test, &raising->a));
}

/* --- I5: another installer in the middle --- */

struct meeting {
	struct nta_affinity a;
	struct nta_affinity b;
	bool revert;
	bool met;
	struct nta_changes changes;
	/* What somebody else makes of its affinity meanwhile; NULL: nobody does. */
	const struct cpumask *foreign;
	struct nta_look before;
	struct nta_look middle;
	struct nta_look after;
};

/* Has another installer begin to move current to a, and then does the call. */
static void meet_installer(void *data)
{
	struct meeting *meeting = data;
	GROUP_AFFINITY a = group_affinity(&meeting->a);
	GROUP_AFFINITY b = group_affinity(&meeting->b), none = {};
	struct cpumask *mask = &meeting->middle.mask;

	nta_look_at_me(&meeting->before);
	preempt_disable();
	KeSetSystemGroupAffinityThread(&a, NULL);
	preempt_enable();
	meeting->met = nta_stretch_wait();

	/* The worker holds the entry, and has looked. */
	preempt_disable();
	if (meeting->revert)
		KeRevertToUserGroupAffinityThread(&none);
	else
		KeSetSystemGroupAffinityThread(&b, NULL);
	preempt_enable();
	nta_look_at_me(&meeting->middle);
	/* As good as another thread: it is not current that installs. */
	if (meeting->foreign)
		set_cpus_allowed_ptr(current, meeting->foreign);
	nta_stretch_end();

	if (meeting->foreign) {
		cpumask_copy(mask, meeting->foreign);
	} else if (meeting->revert) {
		/* At PASSIVE_LEVEL it does not return while one is in flight. */
		KeRevertToUserGroupAffinityThread(&none);
		cpumask_copy(mask, &meeting->before.mask);
	} else {
		nta_group_to_cpumask(&nta_topology, b.Group, b.Mask, mask);
	}
	wait_until_moved(mask, &meeting->after);
	meeting->changes = nta_count_changes(nta_thread_find(current));
	KeRevertToUserAffinityThread();
}

KUNIT_ARRAY_PARAM(stage, nta_stages, nta_describe_stage);

static void meet(struct kunit *test, bool revert, const struct cpumask *foreign)
{
	const enum nta_stage *stage = test->param_value;
	struct meeting *meeting = kunit_kzalloc(test, sizeof(*meeting),
						GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *seen = nta_mask(test);
	const struct cpumask *expected;

	KUNIT_ASSERT_NOT_NULL(test, meeting);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	meeting->a = nta_pick(test, 0);
	meeting->b = nta_pick(test, 1);
	meeting->revert = revert;
	meeting->foreign = foreign;
	nta_stretch_next(worker->task, *stage);
	nta_worker_do(test, worker, meet_installer, meeting);

	KUNIT_EXPECT_TRUE_MSG(test, meeting->met, "no installer was met");
	KUNIT_EXPECT_EQ(test, meeting->middle.entry.state.active, !revert);
	KUNIT_EXPECT_TRUE_MSG(test, meeting->middle.entry.owned,
			      "nobody was installing");
	expected = foreign ?: revert ? &meeting->before.mask :
				       nta_mask_of(test, &meeting->b);
	nta_check_mask(test, "at last", &meeting->after.mask, expected);
	/* What was not begun yet is not begun any more. */
	if (nta_watch_sees_changes() && *stage == NTA_STAGE_LOOKED)
		KUNIT_EXPECT_EQ(test, meeting->changes.all, foreign || !revert);
	KUNIT_EXPECT_FALSE(test, meeting->after.entry.pending);

	/* And nothing older lands later. */
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "later", seen, foreign ?: &meeting->before.mask);
}

static void revert_that_meets_another_installer_wins(struct kunit *test)
{
	meet(test, true, NULL);
}

/* And the user affinity is the one from in between (U3). */
static void revert_and_change_that_meet_another_installer_win(struct kunit *test)
{
	struct nta_affinity c = nta_pick(test, 2);

	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs hooks: a change that is overwritten at once is not seen");
	meet(test, true, nta_mask_of(test, &c));
}

static void set_that_meets_another_installer_wins(struct kunit *test)
{
	meet(test, false, NULL);
}

static void revert_twice(void *data)
{
	struct meeting *meeting = data;
	GROUP_AFFINITY a = group_affinity(&meeting->a), none = {};

	nta_look_at_me(&meeting->before);
	KeSetSystemGroupAffinityThread(&a, NULL);
	preempt_disable();
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&meeting->middle);
	preempt_enable();
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&meeting->after);
}

/* I5: a Revert that has nothing to do waits for the one before it. */
static void second_revert_performs_the_first(struct kunit *test)
{
	struct meeting *meeting = kunit_kzalloc(test, sizeof(*meeting),
						GFP_KERNEL);
	int round;

	KUNIT_ASSERT_NOT_NULL(test, meeting);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	meeting->a = nta_pick(test, 1);
	for (round = 0; round < 50; round++) {
		nta_on_thread(test, revert_twice, meeting);
		KUNIT_EXPECT_FALSE(test, meeting->middle.entry.state.active);
		/* The worker may come now, and find nothing to do. */
		meeting->after.entry.owned = false;
		check_moved(test, "second Revert", &meeting->after,
			    &meeting->before.mask);
	}
}

static void set_between_locks(void *data)
{
	struct raising *raising = data;
	GROUP_AFFINITY a = group_affinity(&raising->a);
	static DEFINE_SPINLOCK(native);
	static KSPIN_LOCK lock;
	struct cpumask *in_a = &raising->lowered[2].mask;
	KIRQL old;

	KeInitializeSpinLock(&lock);
	nta_look_at_me(&raising->before);
	spin_lock(&native);
	KeAcquireSpinLock(&lock, &old);
	spin_unlock(&native);
	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&raising->raised);
	KeReleaseSpinLock(&lock, old);
	cpumask_clear(in_a);
	nta_group_to_cpumask(&nta_topology, raising->a.group, raising->a.mask,
			     in_a);
	wait_until_moved(in_a, &raising->lowered[1]);
	KeRevertToUserAffinityThread();
}

/* I4: the native section that the raise was made in ends before the raise. */
static void move_comes_when_a_raise_outlives_its_native_section(struct kunit *test)
{
	struct raising *raising = make_raising(test);

	raising->a = nta_pick(test, 1);
	nta_on_thread(test, set_between_locks, raising);
	KUNIT_EXPECT_TRUE(test, raising->raised.entry.state.active);
	check_moved(test, "after the lock", &raising->lowered[1],
		    nta_mask_of(test, &raising->a));
}

static void look_only(void *look)
{
	nta_look_at_me(look);
}

static void set_and_revert_atomically(void *data)
{
	struct meeting *meeting = data;
	GROUP_AFFINITY a = group_affinity(&meeting->a), none = {};

	nta_look_at_me(&meeting->before);
	KeSetSystemGroupAffinityThread(&a, NULL);
	preempt_disable();
	KeRevertToUserGroupAffinityThread(&none);
	preempt_enable();
}

/* U1, U6: its processor goes before the worker comes to revert it. */
static void processor_goes_while_a_revert_is_pending(struct kunit *test)
{
	struct meeting *meeting = kunit_kzalloc(test, sizeof(*meeting),
						GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	unsigned int cpu = cpumask_last(cpu_active_mask);
	struct cpumask *seen = nta_mask(test);
	struct nta_affinity user = nta_pick(test, 0);
	struct cpumask *in_user = nta_mask_of(test, &user);
	int ret;

	nta_pick(test, 1);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT) || !IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT and CONFIG_HOTPLUG_CPU");
	KUNIT_ASSERT_NOT_NULL(test, meeting);
	meeting->a.mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu));
	meeting->a.group = nta_cpu_group(&nta_topology, cpu);
	nta_worker_do(test, worker, look_only, &meeting->before);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, in_user), 0);

	nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	nta_worker_do(test, worker, set_and_revert_atomically, meeting);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	ret = remove_cpu(cpu);
	/* It has to run to be where it may be. */
	nta_worker_do(test, worker, look_only, &meeting->middle);
	nta_stretch_end();
	nta_wait_for_mask(worker->task, in_user, seen);
	nta_check_mask(test, "after the Revert", seen, in_user);
	if (!ret)
		ret = add_cpu(cpu);
	KUNIT_EXPECT_EQ(test, ret, 0);
}

/* --- while a move is pending --- */

/* A thread that may sleep but not move, and calls Set. */
struct pinned {
	struct nta_affinity a;
	struct completion is_set;
	struct completion go_on;
	struct nta_look before;
	struct nta_look in_section;
	struct nta_look after;
	struct nta_look reverted;
};

static void set_while_pinned(void *data)
{
	struct pinned *pinned = data;
	GROUP_AFFINITY a = group_affinity(&pinned->a), previous;
	struct cpumask *in_a = &pinned->reverted.mask;

	nta_look_at_me(&pinned->before);
	migrate_disable();
	KeSetSystemGroupAffinityThread(&a, &previous);
	nta_look_at_me(&pinned->in_section);
	complete(&pinned->is_set);
	wait_for_completion(&pinned->go_on);
	migrate_enable();
	nta_group_to_cpumask(&nta_topology, pinned->a.group, pinned->a.mask,
			     in_a);
	wait_until_moved(in_a, &pinned->after);
	KeRevertToUserGroupAffinityThread(&previous);
	nta_look_at_me(&pinned->reverted);
}

static struct pinned *pin(struct kunit *test, struct nta_worker *worker,
			  const struct nta_affinity *a)
{
	struct pinned *pinned = kunit_kzalloc(test, sizeof(*pinned), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pinned);
	pinned->a = *a;
	init_completion(&pinned->is_set);
	init_completion(&pinned->go_on);
	nta_worker_begin(worker, set_while_pinned, pinned);
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&pinned->is_set,
							  NTA_WORK_TIMEOUT), 0UL);
	return pinned;
}

struct foreign {
	struct task_struct *task;
	struct cpumask *mask;
	int ret;
};

static void change_affinity(void *data)
{
	struct foreign *foreign = data;

	foreign->ret = set_cpus_allowed_ptr(foreign->task, foreign->mask);
}

/* U3, I7: the change is the user affinity; the move comes all the same. */
static void user_change_while_a_move_is_pending(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_worker *other = nta_worker_make(test);
	struct cpumask *in_b = nta_mask_of(test, &b), *seen = nta_mask(test);
	struct foreign foreign = { .task = worker->task, .mask = in_b };
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct pinned *pinned;

	nta_needs_section(test, NTA_IN_MIGRATION_OFF);
	/* Were it there already, nobody would have to wait. */
	nta_pick(test, 2);
	cpumask_andnot(seen, cpu_active_mask, in_a);
	cpumask_andnot(seen, seen, in_b);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, seen), 0);
	pinned = pin(test, worker, &a);
	/* Both set the mask and then wait until the thread may migrate. */
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task, in_a, seen));
	nta_worker_begin(other, change_affinity, &foreign);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task, in_b, seen));
	complete(&pinned->go_on);
	nta_worker_wait(test, other);
	nta_worker_wait(test, worker);

	KUNIT_EXPECT_EQ(test, foreign.ret, 0);
	KUNIT_EXPECT_TRUE(test, pinned->in_section.entry.state.active);
	check_moved(test, "after the section", &pinned->after, in_a);
	nta_check_mask(test, "after the Revert", &pinned->reverted.mask, in_b);
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "later", seen, in_b);
}

/* U6, I7: its processor goes before it could move there, and comes back. */
static void processor_goes_while_a_move_is_pending(struct kunit *test)
{
	struct nta_worker *worker = nta_worker_make(test);
	unsigned int cpu = cpumask_last(cpu_active_mask);
	struct nta_affinity gone = {
		.mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu)),
		.group = nta_cpu_group(&nta_topology, cpu),
	};
	struct cpumask *elsewhere = nta_mask(test);
	struct pinned *pinned;
	int ret;

	nta_pick(test, 1);
	nta_needs_section(test, NTA_IN_MIGRATION_OFF);
	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	/* It must not be on that one when it is pinned. */
	cpumask_andnot(elsewhere, cpu_active_mask, cpumask_of(cpu));
	set_cpus_allowed_ptr(worker->task, elsewhere);

	pinned = pin(test, worker, &gone);
	ret = remove_cpu(cpu);
	if (!ret)
		ret = add_cpu(cpu);
	complete(&pinned->go_on);
	nta_worker_wait(test, worker);
	KUNIT_EXPECT_EQ(test, ret, 0);
	check_moved(test, "after the processor's return", &pinned->after,
		    cpumask_of(cpu));
	nta_check_mask(test, "after the Revert", &pinned->reverted.mask,
		       elsewhere);
}

/* Where its Set has put it, and nobody is at it. */
static void check_stays(struct kunit *test, struct nta_worker *worker,
			const struct cpumask *mask)
{
	struct cpumask *seen = nta_mask(test);
	struct nta_thread_snapshot entry;

	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.state.active);
	KUNIT_EXPECT_TRUE(test, entry.in_force);
	KUNIT_EXPECT_FALSE(test, entry.pending);
	KUNIT_EXPECT_FALSE(test, entry.busy);
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "stays", seen, mask);
}

/* Of a Set that finds its mask in force, though nobody has installed it. */
static void set_of_the_user_affinity_in_a_section_is_in_force(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a), *seen = nta_mask(test);
	long deferred = nta_event_count(NTA_EVENT_DEFERRED);

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, in_a), 0);
	nta_worker_do(test, worker, nta_do_set_atomically, &a);
	check_stays(test, worker, in_a);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DEFERRED), deferred);

	nta_worker_do(test, worker, nta_do_revert, NULL);
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "after the Revert", seen, in_a);
}

/* Its entry, with a system affinity in force. */
static struct nta_thread *set_and_find(struct kunit *test, struct nta_worker *worker,
				       struct nta_affinity *a)
{
	struct nta_thread *thread;

	nta_worker_do(test, worker, nta_do_set, a);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	return thread;
}

/* I5: who is called, and finds the thread where it should be, leaves it there. */
static void worker_that_finds_nothing_to_do_does_nothing(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	long put_back = nta_event_count(NTA_EVENT_PUT_BACK);
	struct nta_changes before, after;
	struct nta_thread *thread;

	thread = set_and_find(test, worker, &a);
	before = nta_count_changes(thread);
	nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	nta_apply_soon(thread);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	/* Who began to install would be held up there. */
	nta_stretch_on(NTA_STAGE_BEGUN);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	nta_stretch_end();
	after = nta_count_changes(thread);
	KUNIT_EXPECT_EQ(test, after.all, before.all);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_PUT_BACK), put_back);
	check_stays(test, worker, nta_mask_of(test, &a));
	nta_worker_do(test, worker, nta_do_revert, NULL);
}

/* I6: what somebody was to install is another's by now: then he installs nothing. */
static void state_that_is_another_by_now_is_not_installed(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_state other[] = { NTA_SYSTEM(b), NTA_USER };
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a);
	enum nta_reason reason = NTA_REASONS;
	struct nta_thread *thread;
	unsigned int i;

	thread = set_and_find(test, worker, &a);
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		nta_thread_own(thread);
		KUNIT_EXPECT_FALSE(test, nta_place_state(thread, &other[i],
							 true, &reason));
		nta_thread_disown(thread);
		KUNIT_EXPECT_EQ(test, reason, NTA_REASONS);
		check_stays(test, worker, in_a);
	}
	nta_worker_do(test, worker, nta_do_revert, NULL);
}

/*
 * I5, U3: a thread reverts while somebody puts it back, and somebody else has the last
 * word before that is read back: then there is nothing to give back any more.
 */
static void last_word_of_others_stands_after_a_revert_meanwhile(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_c = nta_mask_of(test, &c), *seen = nta_mask(test);
	struct nta_thread_snapshot entry;

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	nta_worker_do(test, worker, nta_do_set, &a);
	nta_stretch_next(worker->task, NTA_STAGE_INSTALLED);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task,
						   nta_mask_of(test, &b)), 0);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_worker_do(test, worker, nta_do_revert_atomically, NULL);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.state.active);
	KUNIT_EXPECT_TRUE(test, entry.busy);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, in_c), 0);
	nta_stretch_end();

	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.pending);
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "at last", seen, in_c);
}

/* I6: a Revert that is due is nobody's business any more after the next Set. */
static void set_ends_what_is_due(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_thread_snapshot entry;
	struct nta_thread *thread;

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	thread = set_and_find(test, worker, &a);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	KUNIT_ASSERT_TRUE(test, nta_keep_workers_away(thread));
	nta_worker_do(test, worker, nta_do_revert_atomically, NULL);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.state.active);
	KUNIT_EXPECT_TRUE(test, test_bit(NTA_THREAD_USER_DUE, &thread->flags));
	nta_worker_do(test, worker, nta_do_set, &b);
	nta_let_workers_come(thread);
	KUNIT_EXPECT_FALSE(test, test_bit(NTA_THREAD_USER_DUE, &thread->flags));
	check_stays(test, worker, nta_mask_of(test, &b));
	nta_worker_do(test, worker, nta_do_revert, NULL);
}

/* U3, U4: and who asks for what is in force, before what is due has come true, gets that. */
static void mask_in_force_that_is_asked_for_ends_what_is_due(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a), *seen = nta_mask(test);
	struct nta_thread_snapshot entry;
	struct nta_thread *thread;

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	thread = set_and_find(test, worker, &a);
	nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	nta_worker_do(test, worker, nta_do_revert_atomically, NULL);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_note_asked(thread, in_a);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.state.active);
	KUNIT_EXPECT_FALSE(test, entry.pending);
	/* It is not ours any more. */
	KUNIT_EXPECT_FALSE(test, entry.in_force);
	nta_stretch_end();
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "at last", seen, in_a);
}

/* I10: who is named is who raised first. Two levels: the same code would be made one. */
static noinline void raise_first(void)
{
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	barrier(); /* no tail call: the return address is to lie here */
}

static noinline void raise_once_more(void)
{
	KIRQL old;

	KeRaiseIrql(HIGH_LEVEL, &old);
	barrier(); /* likewise */
}

static void raise_twice_and_leave(void *data)
{
	unsigned long *raiser = data;

	raise_first();
	raise_once_more();
	if (!nta_bring_down(raiser))
		*raiser = 0;
}

static void first_raiser_is_remembered(struct kunit *test)
{
	unsigned long raiser = NTA_POISON;
	char name[KSYM_SYMBOL_LEN];

	nta_on_thread(test, raise_twice_and_leave, &raiser);
	snprintf(name, sizeof(name), "%ps", (void *)raiser);
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(name, "raise_first"),
			      "it is said to be %s", name);
}

static void set_in_section_and_end(void *data)
{
	struct nta_affinity *a = data;
	GROUP_AFFINITY affinity = group_affinity(a);

	preempt_disable();
	KeSetSystemGroupAffinityThread(&affinity, NULL);
	preempt_enable();
}

static void thread_ends_with_a_move_pending(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker;
	int i;

	for (i = 0; i < 20; i++) {
		worker = nta_worker_make(test);
		nta_worker_do(test, worker, set_in_section_and_end, &a);
		nta_worker_stop(worker);
		KUNIT_EXPECT_TRUE_MSG(test, nta_wait_forgotten(worker->task),
				      "the entry outlives its thread");
		nta_worker_forget(worker);
	}
}

static struct kunit_case irql_cases[] = {
	KUNIT_CASE(levels_go_up_and_down),
	KUNIT_CASE(wrong_levels_are_refused_and_counted),
	KUNIT_CASE(spin_locks_raise_and_lower),
	KUNIT_CASE(lowering_leaves_native_marks_alone),
	KUNIT_CASE(raise_in_a_native_section_keeps_softirqs_away),
	KUNIT_CASE(spin_lock_in_a_native_section_keeps_softirqs_away),
	KUNIT_CASE(old_level_is_stored_under_the_lock),
	KUNIT_CASE(interrupts_have_levels_of_their_own),
	KUNIT_CASE_PARAM(move_waits_for_the_end_of_a_native_section,
			 section_gen_params),
	KUNIT_CASE(lowering_performs_the_move_before_it_returns),
	KUNIT_CASE(set_of_what_is_in_force_undoes_one_that_waits),
	KUNIT_CASE(lowering_performs_the_move_of_a_native_section),
	KUNIT_CASE(lowering_inside_a_native_section_leaves_it_to_a_worker),
	KUNIT_CASE(raise_in_a_native_section_leaves_the_move_to_a_worker),
	KUNIT_CASE_PARAM(revert_that_meets_another_installer_wins,
			 stage_gen_params),
	KUNIT_CASE_PARAM(revert_and_change_that_meet_another_installer_win,
			 stage_gen_params),
	KUNIT_CASE_PARAM(set_that_meets_another_installer_wins,
			 stage_gen_params),
	KUNIT_CASE(second_revert_performs_the_first),
	KUNIT_CASE(move_comes_when_a_raise_outlives_its_native_section),
	KUNIT_CASE(processor_goes_while_a_revert_is_pending),
	KUNIT_CASE(user_change_while_a_move_is_pending),
	KUNIT_CASE(processor_goes_while_a_move_is_pending),
	KUNIT_CASE(set_of_the_user_affinity_in_a_section_is_in_force),
	KUNIT_CASE(worker_that_finds_nothing_to_do_does_nothing),
	KUNIT_CASE(state_that_is_another_by_now_is_not_installed),
	KUNIT_CASE(last_word_of_others_stands_after_a_revert_meanwhile),
	KUNIT_CASE(set_ends_what_is_due),
	KUNIT_CASE(mask_in_force_that_is_asked_for_ends_what_is_due),
	KUNIT_CASE(first_raiser_is_remembered),
	KUNIT_CASE(thread_ends_with_a_move_pending),
	{}
};

static struct kunit_suite irql_suite = {
	.name = "nta_irql",
	.exit = nta_stretch_exit,
	.test_cases = irql_cases,
};

kunit_test_suite(irql_suite);
