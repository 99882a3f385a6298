// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules U3, U4, U5, T5 and the last sentence of T2 with kernel threads, whose
 * affinity anybody may change. What user processes and cpusets do is tried on
 * real ones, in scripts/guest/user.sh; U6 is in hotplug_test.c.
 *
 * It is the test's own thread that makes the changes: they are another's.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "apply.h"
#include "compat.h"
#include "foreign.h"
#include "helpers.h"
#include "placement.h"
#include "queue.h"
#include "stretch.h"
#include "user_affinity.h"
#include "watch.h"
#include "wdm.h"

struct call {
	struct nta_affinity affinity;
	struct nta_look look;
};

static void do_set(void *data)
{
	struct call *call = data;
	GROUP_AFFINITY affinity = { .Mask = call->affinity.mask,
				    .Group = call->affinity.group };

	memset(&call->look, NTA_POISON, sizeof(call->look));
	KeSetSystemGroupAffinityThread(&affinity, &call->look.previous);
	nta_look_at_me(&call->look);
}

static void do_revert(void *data)
{
	struct call *call = data;
	GROUP_AFFINITY affinity = { .Mask = call->affinity.mask,
				    .Group = call->affinity.group };

	memset(&call->look, NTA_POISON, sizeof(call->look));
	KeRevertToUserGroupAffinityThread(&affinity);
	nta_look_at_me(&call->look);
}

static struct call *set(struct kunit *test, struct nta_worker *worker,
			const struct nta_affinity *affinity)
{
	struct call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, call);
	call->affinity = *affinity;
	nta_worker_do(test, worker, do_set, call);
	KUNIT_EXPECT_TRUE(test, call->look.entry.state.active);
	return call;
}

static struct call *revert(struct kunit *test, struct nta_worker *worker,
			   const struct nta_affinity *affinity)
{
	struct call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, call);
	call->affinity = *affinity;
	nta_worker_do(test, worker, do_revert, call);
	KUNIT_EXPECT_EQ(test, call->look.entry.state.active, !!affinity->mask);
	KUNIT_EXPECT_FALSE(test, call->look.entry.given_up);
	return call;
}

/* The mask that somebody else gives the thread, seen from the system affinity. */
struct change {
	const char *name;
	bool same;	/* has its processor */
	bool other;	/* has another one */
	bool wide;	/* has all active ones */
};

static const struct change changes[] = {
	{ "disjoint", .other = true },
	{ "overlapping", .same = true, .other = true },
	{ "equal", .same = true },
	{ "all", .wide = true },
};

static void describe_change(const struct change *change, char *description)
{
	strscpy(description, change->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(change, changes, describe_change);

static struct cpumask *mask_of_change(struct kunit *test,
				      const struct change *change,
				      const struct nta_affinity *same,
				      const struct nta_affinity *other)
{
	struct cpumask *mask = nta_mask(test);

	if (change->wide)
		cpumask_copy(mask, cpu_active_mask);
	if (change->same)
		cpumask_set_cpu(nta_cpu(same), mask);
	if (change->other)
		cpumask_set_cpu(nta_cpu(other), mask);
	return mask;
}

static void needs_sight(struct kunit *test, const struct change *change)
{
	/* U7: for a kernel thread the kernel keeps no mask to tell by. */
	if (change->same && !change->other && !nta_watch_sees_changes())
		kunit_skip(test, "needs hooks, to see a mask equal to the one in force");
}

/*
 * U3, U5: the driver's processor is put back, and what the other one wanted is
 * what the Revert restores: between nested Sets, too.
 */
static void change_while_active_is_put_back_and_remembered(struct kunit *test)
{
	const struct change *change = test->param_value;
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct cpumask *in_b = nta_mask_of(test, &b);
	struct cpumask *wanted = mask_of_change(test, change, &b, &c);
	struct cpumask *seen = nta_mask(test);
	long noticed, put_back;
	struct call *call;

	needs_sight(test, change);

	call = set(test, worker, &a);
	nta_check_mask(test, "after the first Set", &call->look.mask, in_a);
	call = set(test, worker, &b);
	nta_check_mask(test, "after the second Set", &call->look.mask, in_b);
	KUNIT_EXPECT_EQ(test, call->look.previous.Mask, a.mask);

	noticed = nta_event_count(NTA_EVENT_FOREIGN_CHANGE);
	put_back = nta_event_count(NTA_EVENT_PUT_BACK);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, wanted), 0);
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(worker->task, in_b, seen),
			      "not put back (U5): CPUs %*pbl",
			      cpumask_pr_args(seen));
	KUNIT_EXPECT_EQ_MSG(test, nta_event_count(NTA_EVENT_FOREIGN_CHANGE),
			    noticed + 1, "changes seen");

	call = revert(test, worker, &a);
	nta_check_mask(test, "after the inner Revert", &call->look.mask, in_a);
	KUNIT_EXPECT_EQ_MSG(test, nta_event_count(NTA_EVENT_PUT_BACK),
			    put_back + !cpumask_equal(wanted, in_b),
			    "put-backs");

	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the outer Revert (U3)", &call->look.mask,
		       wanted);
}

/* U3: with no time for a put-back between the change and the Revert. */
static void change_right_before_the_revert_wins(struct kunit *test)
{
	const struct change *change = test->param_value;
	struct nta_affinity b = nta_pick(test, 1), c = nta_pick(test, 2);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *wanted = mask_of_change(test, change, &b, &c);
	struct call *call;
	int i;

	needs_sight(test, change);

	for (i = 0; i < 5; i++) {
		set(test, worker, &b);
		KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, wanted), 0);
		call = revert(test, worker, &NTA_NONE);
		nta_check_mask(test, "after the Revert", &call->look.mask,
			       wanted);
		/* The next round starts from another user affinity. */
		KUNIT_EXPECT_EQ(test,
				set_cpus_allowed_ptr(worker->task,
						     cpumask_of(nta_cpu(&c))),
				0);
	}
}

/*
 * U4: somebody asks for a mask, and before the kernel has looked the driver sets the
 * same. Then the kernel finds it in force, and nothing tells that he got it.
 */
static void request_that_our_own_install_answers_is_remembered(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_b = nta_mask_of(test, &b);
	struct call *call;

	set(test, worker, &a);
	nta_note_asked(nta_thread_find(worker->task), in_b);
	set(test, worker, &b);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, in_b);

	/* Once: what is set later is nobody's wish. */
	set(test, worker, &a);
	set(test, worker, &b);
	set(test, worker, &a);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the second Revert", &call->look.mask, in_b);
}

/* U4: a request is answered once, by what the kernel makes of it. */
static void request_that_got_another_mask_is_over(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a), *seen = nta_mask(test);
	struct cpumask *in_c = nta_mask_of(test, &c);
	struct nta_thread *thread;
	struct call *call;

	set(test, worker, &a);
	thread = nta_thread_find(worker->task);
	nta_note_asked(thread, nta_mask_of(test, &b));
	nta_change_by_hand(thread, true, in_c);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task, in_a, seen));
	set(test, worker, &b);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, in_c);
}

struct asking {
	struct nta_thread *thread;
	const struct cpumask *asked;
};

static void ask(void *data)
{
	const struct asking *asking = data;

	nta_note_asked(asking->thread, asking->asked);
}

/*
 * U4: what somebody else puts in force answers a request (@met), or does not; if it
 * does, a Set of that mask later is not the answer.
 */
static void check_request_among_changes(struct kunit *test, bool met)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_worker *other = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a), *seen = nta_mask(test);
	struct cpumask *in_b = nta_mask_of(test, &b);
	struct cpumask *in_c = nta_mask_of(test, &c);
	struct asking asking = { .asked = in_b };
	struct call *call;

	set(test, worker, &a);
	asking.thread = nta_thread_find(worker->task);
	nta_worker_do(test, other, ask, &asking);
	if (met) {
		nta_change_by_hand(asking.thread, true, in_b);
		KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task, in_a,
							  seen));
	}
	nta_change_by_hand(asking.thread, true, in_c);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task, in_a, seen));
	set(test, worker, &b);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask,
		       met ? in_c : in_b);
}

static void request_is_answered_after_somebody_elses_change(struct kunit *test)
{
	check_request_among_changes(test, false);
}

static void request_that_somebody_else_has_met_is_over(struct kunit *test)
{
	check_request_among_changes(test, true);
}

/* U4: and if that mask is in force when he asks. */
static void request_for_the_mask_in_force_is_remembered(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct nta_thread_snapshot entry;
	struct call *call;

	set(test, worker, &a);
	revert(test, worker, &NTA_NONE);
	set(test, worker, &a);
	nta_note_asked(nta_thread_find(worker->task), in_a);
	/* And it is nobody else's: there is nothing to put back. */
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.in_force);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, in_a);
}

/* T2: nothing was installed, so nothing is put back, nor reverted. */
static void change_of_a_bound_thread_stays(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make_on_cpu(test, nta_cpu(&a));
	struct cpumask *in_b = nta_mask_of(test, &b);
	struct call *call;

	call = set(test, worker, &a);
	KUNIT_EXPECT_TRUE(test, call->look.entry.bound);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, in_b), 0);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, in_b);
}

/* T2, U4: nor is what others have asked for remembered. */
static void request_for_a_bound_thread_is_not_remembered(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make_on_cpu(test, nta_cpu(&a));
	long changes = nta_event_count(NTA_EVENT_FOREIGN_CHANGE);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct cpumask *in_b = nta_mask_of(test, &b);
	struct nta_changes counts;
	struct nta_thread *thread;
	struct call *call;

	set(test, worker, &a);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, in_b), 0);
	nta_look_after(thread);
	nta_note_asked(thread, in_b);
	counts = nta_count_changes(thread);
	nta_note_request(thread, &counts, in_b, in_b);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_FOREIGN_CHANGE), changes);
	nta_check_mask(test, "user affinity", nta_thread_user(thread), in_a);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, in_b);
}

/* U3: which processors a mask has is told by its fingerprint, and what is kept of it. */
static void masks_have_fingerprints_of_their_own(struct kunit *test)
{
	struct cpumask *mask = nta_mask(test), *kept = nta_mask(test);
	u32 prints[BITS_PER_LONG], nothing = nta_print_of(mask, NULL);
	unsigned int i, j;

	for (i = 0; i < BITS_PER_LONG; i++) {
		/* There is room for a whole word, however few CPUs there are. */
		cpumask_bits(mask)[0] = BIT(i);
		prints[i] = nta_print_of(mask, NULL);
		KUNIT_EXPECT_NE_MSG(test, prints[i], nothing, "processor %u", i);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE_MSG(test, prints[i], prints[j],
					    "processors %u and %u", i, j);
	}

	/* Where there is one processor the kernel looks at no other's bit. */
	if (nr_cpu_ids < 2)
		return;
	cpumask_bits(mask)[0] = BIT(0) | BIT(1);
	cpumask_bits(kept)[0] = BIT(1);
	KUNIT_EXPECT_EQ(test, nta_print_of(mask, kept), prints[1]);
	/* Where they do not meet the kernel takes the mask alone. */
	cpumask_bits(mask)[0] = BIT(0);
	KUNIT_EXPECT_EQ(test, nta_print_of(mask, kept), prints[0]);
}

/* Wait until nobody installs, and say how long ago the second has begun. */
static void begin_second(struct nta_worker *worker, unsigned int ago)
{
	struct nta_thread *thread = nta_thread_find(worker->task);

	nta_thread_own(thread);
	thread->window = (u32)jiffies - ago;
	nta_thread_disown(thread);
}

/* --- how often the driver's processor is put back (U5) --- */

#define PUT_BACKS_A_SECOND 10

/* A thread that somebody keeps taking to @there. */
struct fight {
	struct nta_worker *worker;
	struct cpumask *there;
	struct cpumask *seen;
	long put_back;
	long given_up;
};

static struct fight *begin_fight(struct kunit *test,
				 const struct nta_affinity *there)
{
	struct fight *fight = kunit_kzalloc(test, sizeof(*fight), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fight);
	fight->worker = nta_worker_make(test);
	fight->there = nta_mask_of(test, there);
	fight->seen = nta_mask(test);
	fight->put_back = nta_event_count(NTA_EVENT_PUT_BACK);
	fight->given_up = nta_event_count(NTA_EVENT_GIVEN_UP);
	nta_forget_hotplug();
	return fight;
}

/*
 * A processor has stood still for a second: then the put-backs are in that of the others
 * all the same. Returns whether it has.
 */
static bool mend_count_after_pause(struct fight *fight, unsigned long since,
				   unsigned int put_backs)
{
	struct nta_thread *thread = nta_thread_find(fight->worker->task);

	if (jiffies - since <= HZ)
		return false;
	nta_thread_own(thread);
	thread->put_backs = put_backs;
	nta_thread_disown(thread);
	return true;
}

/* So often in one second, however slow this machine is, and no time more. */
static void check_put_backs(struct kunit *test, struct fight *fight,
			    const struct cpumask *own)
{
	struct task_struct *task = fight->worker->task;
	unsigned long since;
	int i;

	for (i = 0; i < PUT_BACKS_A_SECOND; i++) {
		since = jiffies;
		if (i)
			begin_second(fight->worker, 0);
		KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(task, fight->there), 0);
		if (!nta_wait_for_mask(task, own, fight->seen))
			break;
		mend_count_after_pause(fight, since, i + 1);
	}
	KUNIT_EXPECT_EQ_MSG(test, i, PUT_BACKS_A_SECOND, "given up too early");
	begin_second(fight->worker, 0);
	fight->put_back += PUT_BACKS_A_SECOND;
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_PUT_BACK),
			fight->put_back);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_GIVEN_UP),
			fight->given_up);
}

/* Once more; returns whether that was in the second of the others. */
static bool change_once_more(struct kunit *test, struct fight *fight)
{
	struct task_struct *task = fight->worker->task;
	unsigned int ticks = NTA_PUT_BACK_TIMEOUT;
	unsigned long since;

	nta_stretch_next(task, NTA_STAGE_LOOKED);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(task, fight->there), 0);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	/* He owns the entry, and has not come to it yet. */
	since = jiffies;
	nta_thread_find(task)->window = (u32)since;
	nta_stretch_end();
	while (nta_event_count(NTA_EVENT_GIVEN_UP) == fight->given_up &&
	       nta_event_count(NTA_EVENT_PUT_BACK) == fight->put_back &&
	       --ticks)
		schedule_timeout_uninterruptible(1);
	if (nta_event_count(NTA_EVENT_PUT_BACK) == fight->put_back ||
	    !mend_count_after_pause(fight, since, PUT_BACKS_A_SECOND))
		return true;
	fight->put_back++;
	return false;
}

static void check_given_up(struct kunit *test, struct fight *fight)
{
	struct task_struct *task = fight->worker->task;
	struct nta_thread_snapshot entry;
	int tries = 10;

	while (!change_once_more(test, fight) && --tries)
		;
	fight->given_up++;
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_GIVEN_UP),
			fight->given_up);
	begin_second(fight->worker, 0);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_PUT_BACK),
			fight->put_back);
	nta_thread_snapshot(task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.given_up);
	nta_read_mask(task, fight->seen);
	nta_check_mask(test, "given up", fight->seen, fight->there);
}

/* U5: beyond 10 put-backs a second the other side wins, until the next Set. */
static void fight_is_given_up_until_the_next_set(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct fight *fight = begin_fight(test, &b);
	struct nta_thread_snapshot entry;
	struct call *call;

	set(test, fight->worker, &a);
	check_put_backs(test, fight, in_a);
	check_given_up(test, fight);
	nta_thread_snapshot(fight->worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.state.active);

	/* The next Set pins again, and is defended again. */
	call = set(test, fight->worker, &a);
	nta_check_mask(test, "after the next Set", &call->look.mask, in_a);
	KUNIT_EXPECT_FALSE(test, call->look.entry.given_up);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(fight->worker->task,
						   fight->there), 0);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(fight->worker->task, in_a,
						  fight->seen));
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_GIVEN_UP),
			fight->given_up);

	call = revert(test, fight->worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, fight->there);
}

static void put_backs_are_counted_by_the_second(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct fight *fight = begin_fight(test, &b);

	set(test, fight->worker, &a);
	check_put_backs(test, fight, in_a);
	/* A second has passed. */
	begin_second(fight->worker, HZ + 1);
	check_put_backs(test, fight, in_a);
	check_given_up(test, fight);
	/* And another: what is given up stays so. */
	begin_second(fight->worker, HZ + 1);
	fight->there = nta_mask_of(test, &c);
	nta_stretch_next(fight->worker->task, NTA_STAGE_LOOKED);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(fight->worker->task,
						   fight->there), 0);
	nta_apply_soon(nta_thread_find(fight->worker->task));
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_stretch_end();
	begin_second(fight->worker, 0);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_PUT_BACK),
			fight->put_back);
	nta_read_mask(fight->worker->task, fight->seen);
	nta_check_mask(test, "a second later", fight->seen, fight->there);
	set(test, fight->worker, &a);
	revert(test, fight->worker, &NTA_NONE);
}

/* U6: the kernel writes cpusets' affinities anew whenever a processor comes or goes. */
static void changes_that_come_with_hotplug_are_no_fight(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct fight *fight = begin_fight(test, &b);
	struct nta_thread_snapshot entry;
	unsigned long since;
	int i;

	set(test, fight->worker, &a);
	for (i = 0; i < 3 * PUT_BACKS_A_SECOND; i++) {
		since = jiffies;
		nta_note_hotplug();
		if (i)
			begin_second(fight->worker, 0);
		KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(fight->worker->task,
							   fight->there), 0);
		if (!nta_wait_for_mask(fight->worker->task, in_a, fight->seen))
			break;
		mend_count_after_pause(fight, since, 0);
	}
	KUNIT_EXPECT_EQ(test, i, 3 * PUT_BACKS_A_SECOND);
	nta_thread_snapshot(fight->worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.given_up);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_GIVEN_UP), fight->given_up);
	/* They are none of those that count in a fight. */
	nta_forget_hotplug();
	begin_second(fight->worker, 0);
	fight->put_back = nta_event_count(NTA_EVENT_PUT_BACK);
	check_put_backs(test, fight, in_a);
	check_given_up(test, fight);
	set(test, fight->worker, &a);
	revert(test, fight->worker, &NTA_NONE);
}

static void do_set_raised(void *data)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();

	do_set(data);
	KeLowerIrql(old);
}

static void do_set_in_section(void *data)
{
	preempt_disable();
	do_set(data);
	preempt_enable();
}

struct set_way {
	const char *name;
	void (*set)(void *data);
};

static const struct set_way set_ways[] = {
	{ "PASSIVE_LEVEL", do_set },
	{ "DISPATCH_LEVEL", do_set_raised },
	{ "native section", do_set_in_section },
};

static void describe_set_way(const struct set_way *way, char *description)
{
	strscpy(description, way->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(set_way, set_ways, describe_set_way);

static void set_by_way(struct kunit *test, struct fight *fight,
		       const struct nta_affinity *affinity)
{
	const struct set_way *way = test->param_value;
	struct call call = { .affinity = *affinity };
	struct nta_thread_snapshot entry;

	nta_worker_do(test, fight->worker, way->set, &call);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(fight->worker->task,
						  nta_mask_of(test, affinity),
						  fight->seen));
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	begin_second(fight->worker, 0);
	nta_thread_snapshot(fight->worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.pending);
	KUNIT_EXPECT_FALSE(test, call.look.entry.given_up);
}

/* Whoever carries the Set out, and whether or not the last fight was lost. */
static void every_set_begins_a_new_fight(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct fight *fight = begin_fight(test, &c);

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	set(test, fight->worker, &a);
	check_put_backs(test, fight, nta_mask_of(test, &a));
	set_by_way(test, fight, &b);
	check_put_backs(test, fight, nta_mask_of(test, &b));
	check_given_up(test, fight);
	set_by_way(test, fight, &a);
	check_put_backs(test, fight, nta_mask_of(test, &a));
	check_given_up(test, fight);
	/* The one that was in force when the fight was lost, and the other's. */
	set_by_way(test, fight, &a);
	check_put_backs(test, fight, nta_mask_of(test, &a));
	check_given_up(test, fight);
	set_by_way(test, fight, &c);
	fight->there = nta_mask_of(test, &b);
	check_put_backs(test, fight, nta_mask_of(test, &c));
	revert(test, fight->worker, &NTA_NONE);
}

/*
 * U5, I5: a worker is about to give up, and meanwhile the thread calls Set: for what
 * the worker has seen, or for the mask that the other one has given it.
 */
static void check_set_meets_the_end_of_a_fight(struct kunit *test,
					       const struct nta_affinity *again)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	struct cpumask *in_again = nta_mask_of(test, again);
	struct fight *fight = begin_fight(test, &b);
	struct call call = { .affinity = *again };
	struct nta_thread_snapshot entry;

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	set(test, fight->worker, &a);
	check_put_backs(test, fight, nta_mask_of(test, &a));
	nta_stretch_next(fight->worker->task, NTA_STAGE_LOOKED);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(fight->worker->task,
						   fight->there), 0);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_worker_do(test, fight->worker, do_set_in_section, &call);
	nta_stretch_end();

	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(fight->worker->task, in_again,
						  fight->seen));
	begin_second(fight->worker, 0);
	nta_thread_snapshot(fight->worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.given_up);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_GIVEN_UP),
			fight->given_up);
	fight->there = nta_mask_of(test, &c);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(fight->worker->task,
						   fight->there), 0);
	set(test, fight->worker, &a);
	revert(test, fight->worker, &NTA_NONE);
}

static void set_of_the_same_meets_the_end_of_a_fight(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0);

	check_set_meets_the_end_of_a_fight(test, &a);
}

static void set_of_the_others_mask_meets_the_end_of_a_fight(struct kunit *test)
{
	struct nta_affinity b = nta_pick(test, 1);

	check_set_meets_the_end_of_a_fight(test, &b);
}

/* --- what user mode sets (U3) --- */

static void set_in_section(struct kunit *test, struct nta_worker *worker,
			   const struct nta_affinity *affinity)
{
	struct call call = { .affinity = *affinity };

	nta_worker_do(test, worker, do_set_in_section, &call);
	KUNIT_EXPECT_TRUE(test, call.look.entry.state.active);
	KUNIT_EXPECT_FALSE(test, call.look.entry.displaced);
	KUNIT_EXPECT_FALSE(test, call.look.entry.given_up);
}

/* One change of the user's; a scan may come between its two halves, and see two. */
static long check_one_change(struct kunit *test, long changes)
{
	long seen = nta_event_count(NTA_EVENT_FOREIGN_CHANGE);

	if (nta_watch_sees_changes() || seen != changes + 2)
		KUNIT_EXPECT_EQ(test, seen, changes + 1);
	return seen;
}

/*
 * S17, U3, I2: what the kernel leaves of a system affinity counts as that, and is
 * neither installed again nor taken for somebody else's change.
 */
static void system_affinity_that_the_users_mask_narrows_is_in_force(struct kunit *test)
{
	struct nta_affinity p = nta_pick(test, 0), q = nta_pick(test, 1);
	struct nta_affinity whole = nta_whole_group(p.group);
	struct cpumask *in_whole = nta_mask_of(test, &whole);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *user = nta_mask_of(test, &p);
	struct cpumask *in_p = nta_mask_of(test, &p);
	struct cpumask *seen = nta_mask(test);
	long changes, deferred;
	struct call *call;

	if (!NTA_KERNEL_KEEPS_USER_MASK)
		kunit_skip(test, "needs a kernel that keeps the mask of user mode");
	if (hweight64(whole.mask) < 2 || q.group == p.group)
		kunit_skip(test, "needs two groups with two active processors");
	revert(test, worker, &NTA_NONE);
	cpumask_set_cpu(nta_cpu(&q), user);
	nta_user_sets(test, worker->task, user);
	changes = nta_event_count(NTA_EVENT_FOREIGN_CHANGE);
	deferred = nta_event_count(NTA_EVENT_DEFERRED);

	call = set(test, worker, &whole);
	nta_check_mask(test, "narrowed", &call->look.mask, in_p);
	KUNIT_EXPECT_EQ(test, call->look.entry.state.system.mask, whole.mask);
	set_in_section(test, worker, &whole);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DEFERRED), deferred);
	call = set(test, worker, &whole);
	nta_check_mask(test, "narrowed, again", &call->look.mask, in_p);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_FOREIGN_CHANGE), changes);

	/* Where they do not meet, it is whole. */
	nta_user_sets(test, worker->task, nta_mask_of(test, &q));
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task, in_whole, seen));
	changes = check_one_change(test, changes);
	call = set(test, worker, &whole);
	nta_check_mask(test, "whole", &call->look.mask, in_whole);
	set_in_section(test, worker, &whole);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DEFERRED), deferred);

	/* Just the mask in force: that is the user's now. */
	nta_user_sets(test, worker->task, in_whole);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "after the Revert", &call->look.mask, in_whole);
	check_one_change(test, changes);
}

/* What probes and callbacks call, wherever they come. */
struct callbacks {
	struct nta_thread *thread;
	struct cpumask *wanted;
	unsigned int called;
};

static void call_back(void *data)
{
	struct callbacks *callbacks = data;
	struct nta_thread *thread = callbacks->thread;
	struct task_struct *task = thread->task;
	struct nta_changes counts = nta_count_changes(thread);
	unsigned long flags;

	/* A thread without an entry, whose bucket need not be empty. */
	nta_thread_end((struct task_struct *)callbacks->wanted);

	/* As the scheduler changes it, of a thread that sleeps. */
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	nta_note_change(thread, in_task());
	cpumask_copy(&task->cpus_mask, callbacks->wanted);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);

	nta_note_request(thread, &counts, callbacks->wanted, callbacks->wanted);
	nta_note_asked(thread, callbacks->wanted);
	nta_look_after(thread);
	callbacks->called++;
}

static const enum nta_section everywhere[] = {
	NTA_IN_SPIN_LOCK, NTA_IN_SPIN_LOCK_IRQSAVE, NTA_IN_PREEMPT_OFF,
	NTA_IN_BH_OFF, NTA_IN_IRQ_OFF, NTA_IN_RCU_READ, NTA_IN_SOFTIRQ,
	NTA_IN_TIMER, NTA_IN_HARD_IRQ,
};

/*
 * T5: they assume nothing about their context. What is wrong in one, lockdep and
 * the kernel's other checks find; here it is seen that they work: a change that
 * is noted is put back.
 */
static void callbacks_work_in_every_context(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *in_a = nta_mask_of(test, &a);
	struct callbacks callbacks = {
		.wanted = nta_mask_of(test, &b),
	};
	struct cpumask *seen = nta_mask(test);
	unsigned int i;
	long put_back;

	for (i = 0; i < ARRAY_SIZE(everywhere); i++) {
		set(test, worker, &a);
		callbacks.thread = nta_thread_find(worker->task);
		put_back = nta_event_count(NTA_EVENT_PUT_BACK);
		nta_in_section(everywhere[i], call_back, &callbacks);
		KUNIT_EXPECT_EQ(test, callbacks.called, i + 1);
		KUNIT_EXPECT_TRUE_MSG(test,
				      nta_wait_for_event(NTA_EVENT_PUT_BACK,
							 put_back + 1),
				      "section %u: not put back", everywhere[i]);
		KUNIT_EXPECT_TRUE(test,
				  nta_wait_for_mask(worker->task, in_a, seen));
	}
	revert(test, worker, &NTA_NONE);
}

/* Pairs of Set and Revert, as fast as they come. */
struct hammer {
	struct nta_affinity a;
	struct nta_affinity b;
	bool stop;
	unsigned long pairs;
};

static void do_pairs(void *data)
{
	struct hammer *hammer = data;
	GROUP_AFFINITY a = { .Mask = hammer->a.mask, .Group = hammer->a.group };
	GROUP_AFFINITY b = { .Mask = hammer->b.mask, .Group = hammer->b.group };
	GROUP_AFFINITY outer, inner;

	while (!READ_ONCE(hammer->stop)) {
		KeSetSystemGroupAffinityThread(&a, &outer);
		KeSetSystemGroupAffinityThread(&b, &inner);
		KeRevertToUserGroupAffinityThread(&inner);
		KeRevertToUserGroupAffinityThread(&outer);
		WRITE_ONCE(hammer->pairs, hammer->pairs + 1);
		cond_resched();
	}
}

/*
 * U3: a change may come at any instruction of a Set or a Revert. Each change of
 * the thread's affinity is the newest user affinity from then on; once the pairs
 * have ended the last one is in force. Without probes one that is overwritten
 * before anybody looked is lost, see README.md.
 */
static void changes_that_race_with_pairs_are_never_lost(struct kunit *test)
{
	struct nta_worker *worker = nta_worker_make(test);
	struct hammer *hammer = kunit_kzalloc(test, sizeof(*hammer), GFP_KERNEL);
	struct cpumask *wanted = nta_mask(test), *seen = nta_mask(test);
	unsigned int ticks;
	unsigned long pairs = 0;
	int round, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, hammer);
	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs ftrace or kprobes");
	hammer->a = nta_pick(test, 0);
	hammer->b = nta_pick(test, 1);

	for (round = 0; round < 60; round++) {
		WRITE_ONCE(hammer->stop, false);
		nta_worker_begin(worker, do_pairs, hammer);
		for (ticks = NTA_WORK_TIMEOUT; --ticks;) {
			if (READ_ONCE(hammer->pairs) > pairs)
				break;
			schedule_timeout_uninterruptible(1);
		}
		KUNIT_EXPECT_GT(test, ticks, 0U);
		for (i = 0; i < 20; i++) {
			/* One processor, and every other time the first. */
			cpumask_clear(wanted);
			cpumask_set_cpu(cpumask_any_distribute(cpu_active_mask),
					wanted);
			if (get_random_u32() & 1)
				cpumask_set_cpu(cpumask_first(cpu_active_mask),
						wanted);
			KUNIT_EXPECT_EQ(test,
					set_cpus_allowed_ptr(worker->task, wanted),
					0);
			if (get_random_u32() & 1)
				usleep_range(1, 300);
		}
		WRITE_ONCE(hammer->stop, true);
		nta_worker_wait(test, worker);
		/* Who changes his mind too often for a Revert is left to a worker. */
		KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());

		nta_read_mask(worker->task, seen);
		if (!cpumask_equal(seen, wanted))
			break;
		pairs = hammer->pairs;
	}
	KUNIT_EXPECT_EQ_MSG(test, round, 60, "CPUs %*pbl, expected %*pbl",
			    cpumask_pr_args(seen), cpumask_pr_args(wanted));
}

/*
 * Somebody has asked for an affinity while the thread itself or a worker installed
 * one: what has he got? Bit n of a mask is the n-th processor; the system affinity is
 * the first.
 * @active: or it was, before
 * @meanwhile: there was a change of ours between his look and his request's end
 * @user: the user affinity from before
 * @before: what the thread had when he looked
 * @whole: the system affinity is the whole group of the first processor
 * @gets: the user affinity afterwards
 */
struct request {
	const char *name;
	bool active;
	bool meanwhile;
	u8 user;
	u8 before;
	u8 asked;
	u8 gets;
	bool whole;
	bool both;
};

static const struct request requests[] = {
	{ "nothing meanwhile: the mask in force", true, false, 0x2, 0x1, 0x1, 0x1 },
	{ "just what it had before", true, true, 0x2, 0xc, 0xc, 0xc },
	{ "just what it had before, and the user's is a part of it",
	  true, true, 0x2, 0x6, 0x6, 0x6 },
	{ "just what it has now", true, true, 0x2, 0x4, 0x1, 0x1 },
	{ "just what it has now, and the user's is a part of it",
	  true, true, 0x1, 0x2, 0x5, 0x5, .both = true },
	{ "a cpuset left what it is already", true, true, 0x2, 0x4, 0xa, 0x2 },
	{ "a cpuset left what it has now", true, true, 0x2, 0x4, 0x9, 0x1 },
	{ "a cpuset left what it had before", true, true, 0x2, 0x4, 0xc, 0x4 },
	{ "one processor: all of it", true, true, 0x2, 0x4, 0x8, 0x8 },
	{ "nothing fits", true, true, 0x2, 0x2, 0xc, 0x2 },
	{ "just what was installed", false, true, 0x2, 0x4, 0x1, 0x1 },
	{ "just what was installed, and the user's is a part of it",
	  false, true, 0x1, 0x2, 0x5, 0x5, .both = true },
	{ "a cpuset left what was installed", false, true, 0x2, 0x4, 0x9, 0x1 },
	{ "nothing fits what was installed",
	  false, true, 0x2, 0x2, 0xc, 0x2, .whole = true },
	{ "just what it has, not active", false, true, 0x2, 0x4, 0x2, 0x2 },
	{ "nothing meanwhile, not active", false, false, 0x2, 0x2, 0x2, 0x2 },
};

static void describe_request(const struct request *request, char *description)
{
	strscpy(description, request->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(request, requests, describe_request);

static struct cpumask *mask_of_bits(struct kunit *test, u8 bits)
{
	struct cpumask *mask = nta_mask(test);
	struct nta_affinity one;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		one = nta_pick(test, i);
		if (bits & BIT(i))
			cpumask_set_cpu(nta_cpu(&one), mask);
	}
	return mask;
}

/*
 * U3, U4: somebody asks for a mask before the thread has an entry, and its first Set
 * puts just that mask in force before the kernel looks. @changed: it was changed since.
 */
static void first_set_answers(struct kunit *test, bool changed)
{
	struct cpumask *user = mask_of_bits(test, 0x3);
	struct cpumask *asked = mask_of_bits(test, 0x1);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_affinity system = nta_pick(test, 0);
	struct call *call;

	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(worker->task, user), 0);
	rcu_read_lock();
	nta_note_asked_early(worker->task, asked);
	rcu_read_unlock();
	if (changed)
		nta_forget_asked(worker->task);
	set(test, worker, &system);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "user affinity", &call->look.mask,
		       changed ? user : asked);

	/* Once. */
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(worker->task, user), 0);
	set(test, worker, &system);
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "user affinity later", &call->look.mask, user);
}

static void request_before_the_first_set_is_remembered(struct kunit *test)
{
	first_set_answers(test, false);
}

static void request_that_came_true_before_the_first_set_is_forgotten(struct kunit *test)
{
	first_set_answers(test, true);
}

#ifdef CONFIG_KPROBES

/* Holds a request up between the hooks and the lock that it is waiting for. */
static struct {
	struct task_struct *target;
	struct task_struct *requester;
	bool registered;
	bool reached;
	bool go;
} held_up;

static int hold_up(struct kprobe *probe, struct pt_regs *regs)
{
	u64 end;

	if (current != READ_ONCE(held_up.requester) ||
	    nta_probed_task(regs) != READ_ONCE(held_up.target))
		return 0;
	end = ktime_get_mono_fast_ns() + 5 * NSEC_PER_SEC;
	WRITE_ONCE(held_up.reached, true);
	while (!READ_ONCE(held_up.go) && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	return 0;
}
NOKPROBE_SYMBOL(hold_up);

static struct kprobe lock_probe = {
	.pre_handler = hold_up,
};

static int hold_up_at(const char *symbol)
{
	/* Else it cannot be registered again. */
	lock_probe.addr = NULL;
	lock_probe.flags = 0;
	lock_probe.symbol_name = symbol;
	return register_kprobe(&lock_probe);
}

/* The end of every case: that a case is given up does not leave it there. */
static void let_go(struct kunit *test)
{
	nta_stretch_end();
	if (!held_up.registered)
		return;
	WRITE_ONCE(held_up.go, true);
	unregister_kprobe(&lock_probe);
	held_up.registered = false;
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void request(void *data)
{
	WRITE_ONCE(held_up.requester, current);
	set_cpus_allowed_ptr(held_up.target, data);
}

/* U3, U4: the same by a real request, which is held up. */
static void first_set_meets_a_request(struct kunit *test)
{
	struct cpumask *user = mask_of_bits(test, 0x3);
	struct cpumask *asked = mask_of_bits(test, 0x1);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_affinity system = nta_pick(test, 0);
	struct nta_affinity elsewhere = nta_pick(test, 2);
	struct nta_affinity here;
	struct nta_worker *other;
	unsigned long end;
	struct call *call;

	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs ftrace or kprobes");
	if (nta_cpu(&elsewhere) == nta_cpu(&system))
		kunit_skip(test, "needs three processors");
	memset(&held_up, 0, sizeof(held_up));
	/* By its name before 7.0, and since then. */
	if (hold_up_at("task_rq_lock") && hold_up_at("_task_rq_lock"))
		kunit_skip(test, "the lock has no symbol");
	held_up.registered = true;
	/* Not where nothing else will run meanwhile. */
	here = nta_pick(test, 1);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current,
						   cpumask_of(nta_cpu(&here))), 0);

	other = nta_worker_make(test);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(worker->task, user), 0);
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(other->task,
						   cpumask_of(nta_cpu(&elsewhere))), 0);
	held_up.target = worker->task;
	nta_worker_begin(other, request, asked);
	end = jiffies + 10 * HZ;
	while (!READ_ONCE(held_up.reached) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	if (READ_ONCE(held_up.reached))
		set(test, worker, &system);
	WRITE_ONCE(held_up.go, true);
	nta_worker_wait(test, other);
	if (!held_up.reached)
		kunit_skip(test, "the lock is not taken by the function that has its name");
	call = revert(test, worker, &NTA_NONE);
	nta_check_mask(test, "user affinity", &call->look.mask, asked);
}

#else

static void let_go(struct kunit *test)
{
	nta_stretch_end();
}

static void first_set_meets_a_request(struct kunit *test)
{
	kunit_skip(test, "needs kprobes");
}

#endif

/* U3, U4 */
static void request_that_meets_an_install_is_remembered(struct kunit *test)
{
	const struct request *request = test->param_value;
	struct cpumask *user = mask_of_bits(test, request->user);
	struct cpumask *gets = mask_of_bits(test, request->gets), *asked;
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_affinity system = nta_pick(test, 0), second;
	struct cpumask *seen = nta_mask(test);
	struct nta_thread_snapshot entry;
	struct nta_thread *thread;
	struct nta_changes counts;
	struct call *call;

	if (request->whole)
		system = nta_whole_group(system.group);
	if (request->both) {
		second = nta_pick(test, 2);
		if (second.group != system.group)
			kunit_skip(test, "needs a group with the second and the third processor");
		system.mask |= second.mask;
	}
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(worker->task, user), 0);
	set(test, worker, &system);
	if (!request->active)
		revert(test, worker, &NTA_NONE);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);

	counts = nta_count_changes(thread);
	if (request->meanwhile)
		counts.all--;
	/* Where nobody looks of himself he may find the mask before he is told. */
	asked = mask_of_bits(test, request->asked);
	if (nta_watch_sees_changes() && cpumask_subset(gets, asked))
		nta_keep_user_mask(test, worker->task, asked);
	nta_note_request(thread, &counts, mask_of_bits(test, request->before),
			 asked);
	nta_thread_snapshot(worker->task, &entry);
	if (!request->active && cpumask_equal(gets, user))
		KUNIT_EXPECT_FALSE(test, entry.pending);
	if (request->active) {
		call = revert(test, worker, &NTA_NONE);
		cpumask_copy(seen, &call->look.mask);
	} else {
		/* Nobody calls any more: a worker sees to it. */
		nta_wait_for_mask(worker->task, gets, seen);
		nta_thread_snapshot(worker->task, &entry);
		KUNIT_EXPECT_FALSE(test, entry.displaced);
	}
	nta_check_mask(test, "user affinity", seen, gets);
}

static struct kunit_case watch_cases[] = {
	KUNIT_CASE_PARAM(change_while_active_is_put_back_and_remembered,
			 change_gen_params),
	KUNIT_CASE_PARAM(change_right_before_the_revert_wins, change_gen_params),
	KUNIT_CASE(request_that_our_own_install_answers_is_remembered),
	KUNIT_CASE(request_that_got_another_mask_is_over),
	KUNIT_CASE(request_is_answered_after_somebody_elses_change),
	KUNIT_CASE(request_that_somebody_else_has_met_is_over),
	KUNIT_CASE(request_for_the_mask_in_force_is_remembered),
	KUNIT_CASE(change_of_a_bound_thread_stays),
	KUNIT_CASE(request_for_a_bound_thread_is_not_remembered),
	KUNIT_CASE(masks_have_fingerprints_of_their_own),
	KUNIT_CASE(fight_is_given_up_until_the_next_set),
	KUNIT_CASE(put_backs_are_counted_by_the_second),
	KUNIT_CASE(changes_that_come_with_hotplug_are_no_fight),
	KUNIT_CASE_PARAM(every_set_begins_a_new_fight, set_way_gen_params),
	KUNIT_CASE(set_of_the_same_meets_the_end_of_a_fight),
	KUNIT_CASE(set_of_the_others_mask_meets_the_end_of_a_fight),
	KUNIT_CASE(system_affinity_that_the_users_mask_narrows_is_in_force),
	KUNIT_CASE_PARAM(request_that_meets_an_install_is_remembered,
			 request_gen_params),
	KUNIT_CASE(request_before_the_first_set_is_remembered),
	KUNIT_CASE(request_that_came_true_before_the_first_set_is_forgotten),
	KUNIT_CASE(first_set_meets_a_request),
	KUNIT_CASE(callbacks_work_in_every_context),
	KUNIT_CASE(changes_that_race_with_pairs_are_never_lost),
	{}
};

static struct kunit_suite watch_suite = {
	.name = "nta_watch",
	.exit = let_go,
	.test_cases = watch_cases,
};

kunit_test_suite(watch_suite);
