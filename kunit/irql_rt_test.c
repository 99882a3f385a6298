// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules I1 to I4, I9 and I10 where PREEMPT_RT makes a difference: a
 * thread at DISPATCH_LEVEL can be preempted, others are raised on its processor
 * meanwhile, a raise and its lowering need not lie in the same kind of section, and
 * where preemption is off nothing can be allocated. What holds on every kernel is in
 * irql_test.c.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "helpers.h"
#include "level.h"
#include "ntifs.h"
#include "wdm.h"

static GROUP_AFFINITY group_affinity(const struct nta_affinity *affinity)
{
	return (GROUP_AFFINITY){ .Mask = affinity->mask,
				 .Group = affinity->group };
}

/* All marks that a section, or a raise, leaves. */
struct marks {
	KIRQL level;
	int preempt;
	int softirq;
	int readers;
	unsigned int pins;
	bool irqs_off;
};

static void note_marks(struct marks *marks)
{
	marks->preempt = preempt_count();
	marks->softirq = softirq_count();
	marks->readers = rcu_preempt_depth();
	marks->pins = nta_migration_depth(current);
	marks->irqs_off = irqs_disabled();
	/* At last: a call may enable bottom halves. */
	marks->level = KeGetCurrentIrql();
}

static const struct marks no_marks;

static void expect_no_marks(struct kunit *test, const struct marks *seen,
			    const char *what)
{
	KUNIT_EXPECT_TRUE_MSG(test, !memcmp(seen, &no_marks, sizeof(no_marks)),
			      "%s: level %u, preempt %x, softirq %x, %d readers, %u pins, irqs off %d",
			      what, seen->level, seen->preempt, seen->softirq,
			      seen->readers, seen->pins, seen->irqs_off);
}

/* --- lowering and raising across the border of a section --- */

static void no_preemption(bool irqs)
{
	if (irqs)
		local_irq_disable();
	else
		preempt_disable();
}

static void preemption_again(bool irqs)
{
	if (irqs)
		local_irq_enable();
	else
		preempt_enable();
}

enum next_call {
	BY_LEVEL,
	BY_RAISE,
	BY_SET,
	BY_LOCK,
	BY_EXIT,
};

static const struct crossing_row {
	const char *name;
	bool irqs;
	KIRQL level;
	enum next_call next;
} crossing_rows[] = {
	{ "preempt_disable, KeGetCurrentIrql", false, DISPATCH_LEVEL, BY_LEVEL },
	{ "local_irq_disable, KeGetCurrentIrql", true, DISPATCH_LEVEL, BY_LEVEL },
	{ "preempt_disable, a raise", false, DISPATCH_LEVEL, BY_RAISE },
	{ "preempt_disable, a Set", false, DISPATCH_LEVEL, BY_SET },
	{ "preempt_disable, a spin lock", false, DISPATCH_LEVEL, BY_LOCK },
	{ "preempt_disable, I10", false, DISPATCH_LEVEL, BY_EXIT },
	{ "preempt_disable, from HIGH_LEVEL", false, HIGH_LEVEL, BY_LEVEL },
};

static void describe_crossing(const struct crossing_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(crossing, crossing_rows, describe_crossing);

struct crossing {
	const struct crossing_row *row;
	struct nta_affinity a;
	struct marks before;
	struct marks lowered;
	struct marks after;
	struct marks again;
	long bad;
	long left;
	KIRQL old;
	struct nta_look look;
};

static void make_next_call(struct crossing *crossing)
{
	static KSPIN_LOCK lock;
	GROUP_AFFINITY a = group_affinity(&crossing->a);
	KIRQL old;

	switch (crossing->row->next) {
	case BY_LEVEL:
		KeGetCurrentIrql();
		break;
	case BY_RAISE:
		crossing->old = KeRaiseIrqlToDpcLevel();
		KeLowerIrql(crossing->old);
		break;
	case BY_SET:
		KeSetSystemGroupAffinityThread(&a, NULL);
		break;
	case BY_LOCK:
		KeInitializeSpinLock(&lock);
		KeAcquireSpinLock(&lock, &old);
		KeReleaseSpinLock(&lock, old);
		crossing->old = old;
		break;
	case BY_EXIT:
		/* As a probe of older kernels does. */
		preempt_disable();
		nta_level_bring_down("is a test");
		preempt_enable();
		break;
	}
}

static void lower_in_a_section(void *data)
{
	struct crossing *crossing = data;
	GROUP_AFFINITY a = group_affinity(&crossing->a);
	long bad = nta_event_count(NTA_EVENT_BAD_LEVEL);
	long left = nta_event_count(NTA_EVENT_LEFT_RAISED);
	KIRQL old;

	note_marks(&crossing->before);
	KeRaiseIrql(crossing->row->level, &old);
	KeSetSystemGroupAffinityThread(&a, NULL);
	no_preemption(crossing->row->irqs);
	KeLowerIrql(old);
	note_marks(&crossing->lowered);
	preemption_again(crossing->row->irqs);

	make_next_call(crossing);
	note_marks(&crossing->after);
	crossing->bad = nta_event_count(NTA_EVENT_BAD_LEVEL) - bad;
	crossing->left = nta_event_count(NTA_EVENT_LEFT_RAISED) - left;

	/* All is as before: a pair works, and a Set moves at once. */
	KeRaiseIrql(crossing->row->level, &old);
	KeLowerIrql(old);
	note_marks(&crossing->again);
	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&crossing->look);
	KeRevertToUserAffinityThread();
}

static void lowering_where_preemption_is_off_is_made_up_for_later(struct kunit *test)
{
	struct crossing *crossing = kunit_kzalloc(test, sizeof(*crossing),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, crossing);
	crossing->row = test->param_value;
	crossing->a = nta_pick(test, 1);
	crossing->old = NTA_POISON;
	nta_on_thread(test, lower_in_a_section, crossing);

	expect_no_marks(test, &crossing->before, "before");
	/* The level is the section's now, and the kernel's marks are still there. */
	KUNIT_EXPECT_EQ(test, crossing->lowered.level, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, crossing->lowered.softirq, SOFTIRQ_DISABLE_OFFSET);
	KUNIT_EXPECT_EQ(test, crossing->lowered.irqs_off, crossing->row->irqs);
	expect_no_marks(test, &crossing->after, "after the next call");
	expect_no_marks(test, &crossing->again, "after another pair");
	KUNIT_EXPECT_EQ_MSG(test, crossing->bad, 1L, "it is said once");
	KUNIT_EXPECT_EQ_MSG(test, crossing->left, 0L, "it was lowered");
	if (crossing->row->next == BY_RAISE || crossing->row->next == BY_LOCK)
		KUNIT_EXPECT_EQ(test, crossing->old, PASSIVE_LEVEL);
	nta_check_mask(test, "Set", &crossing->look.mask,
		       nta_mask_of(test, &crossing->a));
	KUNIT_EXPECT_EQ(test, crossing->look.cpu, nta_cpu(&crossing->a));
}

/* The other way round: raised where preemption is off. */
static const struct outliving_row {
	const char *name;
	bool irqs;
	bool inside;
	KIRQL level;
} outliving_rows[] = {
	{ "preempt_disable, lowered inside", false, true, DISPATCH_LEVEL },
	{ "preempt_disable, lowered after it", false, false, DISPATCH_LEVEL },
	{ "local_irq_disable, lowered inside", true, true, DISPATCH_LEVEL },
	{ "local_irq_disable, lowered after it", true, false, DISPATCH_LEVEL },
	{ "preempt_disable, to HIGH_LEVEL", false, true, HIGH_LEVEL },
};

static void describe_outliving(const struct outliving_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(outliving, outliving_rows, describe_outliving);

struct outliving {
	const struct outliving_row *row;
	struct nta_affinity a;
	struct marks raised;
	struct marks outside;
	struct marks after;
	KIRQL old;
	long bad;
	struct nta_look look;
};

static void raise_in_a_section(void *data)
{
	struct outliving *outliving = data;
	GROUP_AFFINITY a = group_affinity(&outliving->a);
	long bad = nta_event_count(NTA_EVENT_BAD_LEVEL);
	unsigned long end;

	no_preemption(outliving->row->irqs);
	KeRaiseIrql(outliving->row->level, &outliving->old);
	note_marks(&outliving->raised);
	KeSetSystemGroupAffinityThread(&a, NULL);
	if (outliving->row->inside) {
		KeLowerIrql(outliving->old);
		preemption_again(outliving->row->irqs);
	} else {
		preemption_again(outliving->row->irqs);
		note_marks(&outliving->outside);
		/* DISPATCH_LEVEL is where it was raised from, and not PASSIVE_LEVEL. */
		KeLowerIrql(outliving->old);
	}
	note_marks(&outliving->after);
	outliving->bad = nta_event_count(NTA_EVENT_BAD_LEVEL) - bad;
	end = jiffies + NTA_PUT_BACK_TIMEOUT;
	do {
		schedule_timeout_uninterruptible(1);
		nta_look_at_me(&outliving->look);
	} while (outliving->look.cpu != nta_cpu(&outliving->a) &&
		 time_before(jiffies, end));
	KeRevertToUserAffinityThread();
}

static void raise_where_preemption_is_off_can_be_lowered_anywhere(struct kunit *test)
{
	struct outliving *outliving = kunit_kzalloc(test, sizeof(*outliving),
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, outliving);
	outliving->row = test->param_value;
	outliving->a = nta_pick(test, 1);
	nta_on_thread(test, raise_in_a_section, outliving);

	KUNIT_EXPECT_EQ(test, outliving->old, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, outliving->raised.level, outliving->row->level);
	if (!outliving->row->inside) {
		KUNIT_EXPECT_EQ(test, outliving->outside.level, DISPATCH_LEVEL);
		KUNIT_EXPECT_FALSE(test, outliving->outside.irqs_off);
	}
	expect_no_marks(test, &outliving->after, "after it");
	KUNIT_EXPECT_EQ(test, outliving->bad, 0L);
	KUNIT_EXPECT_EQ_MSG(test, outliving->look.cpu, nta_cpu(&outliving->a),
			    "I4: the move");
}

/* --- spin locks where none may be taken --- */

struct locking {
	struct marks held;
	struct marks after;
	long bad;
};

static void lock_in_a_section(void *data)
{
	static KSPIN_LOCK lock;
	struct locking *locking = data;
	long bad = nta_event_count(NTA_EVENT_BAD_LEVEL);
	KIRQL old;

	KeInitializeSpinLock(&lock);
	preempt_disable();
	KeAcquireSpinLock(&lock, &old);
	note_marks(&locking->held);
	KeReleaseSpinLock(&lock, old);
	preempt_enable();

	KeRaiseIrql(HIGH_LEVEL, &old);
	KeAcquireSpinLockAtDpcLevel(&lock);
	KeReleaseSpinLockFromDpcLevel(&lock);
	KeLowerIrql(old);
	note_marks(&locking->after);
	locking->bad = nta_event_count(NTA_EVENT_BAD_LEVEL) - bad;
}

/* I9: it is said; a lock that is free is taken all the same. */
static void spin_lock_where_preemption_is_off_is_reported(struct kunit *test)
{
	struct locking *locking = kunit_kzalloc(test, sizeof(*locking),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, locking);
	nta_on_thread(test, lock_in_a_section, locking);
	KUNIT_EXPECT_EQ(test, locking->held.level, DISPATCH_LEVEL);
	expect_no_marks(test, &locking->after, "at the end");
	KUNIT_EXPECT_EQ(test, locking->bad, 2L);
}

/* --- threads at DISPATCH_LEVEL that are preempted --- */

/*
 * The first thread is raised and is kept there, running or waiting for a lock,
 * until the second one, on the same processor, has done what it does.
 */
struct sharing {
	struct nta_affinity here;
	struct nta_affinity a;
	struct nta_affinity b;
	bool waits_for_lock;
	struct completion is_raised;
	struct completion is_held;
	bool second_is_there;
	bool second_is_done;
	bool first_has_lowered;
	bool second_was_raised_first;
	KIRQL level[3];
	struct marks first_after;
	struct marks second_before;
	struct marks second_after;
	struct nta_look first;
	struct nta_look second;
};

static DEFINE_SPINLOCK(gate);

static bool wait_until(const bool *that)
{
	unsigned long end = jiffies + NTA_PUT_BACK_TIMEOUT;

	while (!READ_ONCE(*that)) {
		if (time_after(jiffies, end))
			return false;
		cpu_relax();
	}
	return true;
}

/* Holds the lock that the first one waits for. */
static void hold_gate(void *data)
{
	struct sharing *sharing = data;

	spin_lock(&gate);
	complete(&sharing->is_held);
	wait_until(NTA_BH_HAS_LOCK ? &sharing->second_is_there :
				     &sharing->second_is_done);
	spin_unlock(&gate);
}

static void be_first(void *data)
{
	struct sharing *sharing = data;
	GROUP_AFFINITY a = group_affinity(&sharing->a);
	KIRQL old, high;

	old = KeRaiseIrqlToDpcLevel();
	KeSetSystemGroupAffinityThread(&a, NULL);
	complete(&sharing->is_raised);
	if (sharing->waits_for_lock) {
		spin_lock(&gate);
		spin_unlock(&gate);
	} else {
		wait_until(NTA_BH_HAS_LOCK ? &sharing->second_is_there :
					     &sharing->second_is_done);
	}
	sharing->level[0] = KeGetCurrentIrql();
	KeRaiseIrql(HIGH_LEVEL, &high);
	KeLowerIrql(high);
	sharing->level[1] = KeGetCurrentIrql();
	WRITE_ONCE(sharing->first_has_lowered, true);
	KeLowerIrql(old);
	note_marks(&sharing->first_after);
	nta_look_at_me(&sharing->first);
	KeRevertToUserAffinityThread();
}

static void be_second(void *data)
{
	struct sharing *sharing = data;
	GROUP_AFFINITY b = group_affinity(&sharing->b);
	KIRQL old;

	/* What the first one has raised is not this thread's. */
	note_marks(&sharing->second_before);
	WRITE_ONCE(sharing->second_is_there, true);
	old = KeRaiseIrqlToDpcLevel();
	sharing->second_was_raised_first =
		!READ_ONCE(sharing->first_has_lowered);
	KeSetSystemGroupAffinityThread(&b, NULL);
	sharing->level[2] = KeGetCurrentIrql();
	KeLowerIrql(old);
	note_marks(&sharing->second_after);
	nta_look_at_me(&sharing->second);
	KeRevertToUserAffinityThread();
	WRITE_ONCE(sharing->second_is_done, true);
}

/* A thread that starts on a processor and can be moved. */
static struct nta_worker *make_worker_at(struct kunit *test,
					 const struct nta_affinity *at)
{
	struct nta_worker *worker = nta_worker_make(test);

	/* Newer kernels give a kernel thread its affinity when it first runs. */
	nta_worker_do(test, worker, nta_do_nothing, NULL);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task,
						   nta_mask_of(test, at)), 0);
	return worker;
}

static void share(struct kunit *test, bool waits_for_lock)
{
	struct sharing *sharing = kunit_kzalloc(test, sizeof(*sharing),
						GFP_KERNEL);
	struct nta_worker *first, *second, *holder;

	KUNIT_ASSERT_NOT_NULL(test, sharing);
	sharing->here = nta_pick(test, 0);
	sharing->a = nta_pick(test, 1);
	sharing->b = nta_pick(test, 2);
	sharing->waits_for_lock = waits_for_lock;
	init_completion(&sharing->is_raised);
	init_completion(&sharing->is_held);
	first = make_worker_at(test, &sharing->here);
	second = make_worker_at(test, &sharing->here);
	holder = make_worker_at(test, &sharing->b);
	/* It preempts the first one. */
	sched_set_fifo(second->task);

	if (waits_for_lock) {
		nta_worker_begin(holder, hold_gate, sharing);
		KUNIT_EXPECT_NE(test,
				wait_for_completion_timeout(&sharing->is_held,
							    NTA_WORK_TIMEOUT),
				0UL);
	}
	nta_worker_begin(first, be_first, sharing);
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&sharing->is_raised,
							  NTA_WORK_TIMEOUT), 0UL);
	nta_worker_do(test, second, be_second, sharing);
	nta_worker_wait(test, first);
	if (waits_for_lock)
		nta_worker_wait(test, holder);

	expect_no_marks(test, &sharing->second_before, "the second one, before");
	KUNIT_EXPECT_EQ_MSG(test, sharing->second_was_raised_first,
			    !NTA_BH_HAS_LOCK, "raised at the same time");
	KUNIT_EXPECT_EQ(test, sharing->level[0], DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, sharing->level[1], DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, sharing->level[2], DISPATCH_LEVEL);
	expect_no_marks(test, &sharing->first_after, "the first one, after");
	expect_no_marks(test, &sharing->second_after, "the second one, after");
	KUNIT_EXPECT_EQ_MSG(test, sharing->first.cpu, nta_cpu(&sharing->a),
			    "I3: the first one's move");
	KUNIT_EXPECT_EQ_MSG(test, sharing->second.cpu, nta_cpu(&sharing->b),
			    "I3: the second one's move");
}

static void raised_thread_can_be_preempted_by_another_that_raises(struct kunit *test)
{
	share(test, false);
}

static void raised_thread_can_wait_for_a_lock_while_another_raises(struct kunit *test)
{
	share(test, true);
}

/* --- I10 --- */

struct leaving {
	KIRQL level;
	bool in_section;
	struct marks after;
	long left;
};

static void leave_raised(void *data)
{
	struct leaving *leaving = data;
	long left = nta_event_count(NTA_EVENT_LEFT_RAISED);
	KIRQL old;

	if (leaving->in_section)
		preempt_disable();
	KeRaiseIrql(leaving->level, &old);
	if (leaving->in_section)
		preempt_enable();
	/* As in a probe of older kernels. */
	preempt_disable();
	nta_level_bring_down("is a test");
	preempt_enable();
	note_marks(&leaving->after);
	leaving->left = nta_event_count(NTA_EVENT_LEFT_RAISED) - left;
}

static void thread_that_leaves_raised_is_brought_down(struct kunit *test)
{
	static const KIRQL levels[] = { APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL };
	struct leaving *leaving = kunit_kzalloc(test, sizeof(*leaving),
						GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, leaving);
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		leaving->level = levels[i];
		nta_on_thread(test, leave_raised, leaving);
		expect_no_marks(test, &leaving->after, "after it");
		KUNIT_EXPECT_EQ_MSG(test, leaving->left, 1L, "level %u",
				    levels[i]);
	}
	leaving->level = DISPATCH_LEVEL;
	leaving->in_section = true;
	nta_on_thread(test, leave_raised, leaving);
	expect_no_marks(test, &leaving->after, "after a section");
	KUNIT_EXPECT_EQ(test, leaving->left, 1L);
}

/* --- memory where none can be had (S16) --- */

#define MANY 4096

static unsigned int make_many(char *room, size_t step, gfp_t gfp)
{
	unsigned int made;

	preempt_disable();
	for (made = 0; made < MANY; made++) {
		if (!nta_thread_make((struct task_struct *)(room + made * step),
				     gfp))
			break;
	}
	preempt_enable();
	return made;
}

static void reserve_of_entries_ends_and_comes_back(struct kunit *test)
{
	unsigned long end = jiffies + NTA_PUT_BACK_TIMEOUT;
	const size_t step = 64;
	char *room = kunit_kmalloc_array(test, MANY, step, GFP_KERNEL);
	unsigned int i, made, again = 0;

	KUNIT_ASSERT_NOT_NULL(test, room);
	made = make_many(room, step, 0);
	for (i = 0; i < made; i++)
		nta_thread_end((struct task_struct *)(room + i * step));
	KUNIT_EXPECT_GE_MSG(test, made, 64U, "too few for a burst");
	KUNIT_EXPECT_LT_MSG(test, made, (unsigned int)MANY, "there is no end");

	/* A worker makes new ones. */
	do {
		schedule_timeout_uninterruptible(1);
		again = make_many(room, step, 0);
		for (i = 0; i < again; i++)
			nta_thread_end((struct task_struct *)(room + i * step));
	} while (again < 64 && time_before(jiffies, end));
	KUNIT_EXPECT_GE_MSG(test, again, 64U, "it does not come back");
}

struct tokens {
	GROUP_AFFINITY a;
	PAFFINITY_TOKEN made_inside;
	NTSTATUS inside;
	NTSTATUS outside;
	NTSTATUS set_freed;
	long refused;
};

static void use_tokens(void *data)
{
	struct tokens *tokens = data;
	long refused = nta_refused_count(NTA_BAD_TOKEN);
	PAFFINITY_TOKEN token;

	tokens->outside = PsAllocateAffinityToken(&token);
	preempt_disable();
	tokens->inside = PsAllocateAffinityToken(&tokens->made_inside);
	PsFreeAffinityToken(token);
	/* It is gone at once, wherever it is asked for. */
	PsFreeAffinityToken(token);
	preempt_enable();
	tokens->set_freed = PsSetSystemMultipleGroupAffinityThread(&tokens->a, 1,
								   token);
	PsFreeAffinityToken(token);
	tokens->refused = nta_refused_count(NTA_BAD_TOKEN) - refused;
}

/* M1, M5 */
static void token_can_be_freed_but_not_made_where_preemption_is_off(struct kunit *test)
{
	struct tokens *tokens = kunit_kzalloc(test, sizeof(*tokens), GFP_KERNEL);
	struct nta_affinity a = nta_pick(test, 1);

	KUNIT_ASSERT_NOT_NULL(test, tokens);
	tokens->a = group_affinity(&a);
	memset(&tokens->made_inside, NTA_POISON, sizeof(tokens->made_inside));
	nta_on_thread(test, use_tokens, tokens);
	KUNIT_EXPECT_EQ(test, tokens->outside, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, tokens->inside, STATUS_INSUFFICIENT_RESOURCES);
	KUNIT_EXPECT_NULL(test, tokens->made_inside);
	KUNIT_EXPECT_EQ(test, tokens->set_freed, STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, tokens->refused, 3L);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(lowering_where_preemption_is_off_is_made_up_for_later,
			 crossing_gen_params),
	KUNIT_CASE_PARAM(raise_where_preemption_is_off_can_be_lowered_anywhere,
			 outliving_gen_params),
	KUNIT_CASE(spin_lock_where_preemption_is_off_is_reported),
	KUNIT_CASE(raised_thread_can_be_preempted_by_another_that_raises),
	KUNIT_CASE(raised_thread_can_wait_for_a_lock_while_another_raises),
	KUNIT_CASE(thread_that_leaves_raised_is_brought_down),
	KUNIT_CASE(reserve_of_entries_ends_and_comes_back),
	KUNIT_CASE(token_can_be_freed_but_not_made_where_preemption_is_off),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_irql_rt",
	.test_cases = cases,
};

kunit_test_suite(suite);
