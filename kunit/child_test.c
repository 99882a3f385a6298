// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves rule U9 where a worker meets the clone. The children are kernel threads
 * with the mask that the kernel would have copied; real ones are tried in
 * scripts/guest/user.sh.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "child.h"
#include "compat.h"
#include "foreign.h"
#include "helpers.h"
#include "queue.h"
#include "stretch.h"
#include "user_affinity.h"
#include "watch.h"

struct birth {
	struct task_struct *child;
	bool other_cpuset;
};

/* What the tracepoint in the kernel's clone does. */
static void do_place_child(void *data)
{
	const struct birth *birth = data;

	nta_place_child(birth->child, birth->other_cpuset);
}

/*
 * A creator whose user affinity is @user's processor, and a thread that was
 * created by it when its affinity was @inherited.
 */
struct family {
	struct nta_worker *creator;
	struct nta_worker *child;
	struct nta_affinity system;
	struct nta_affinity other;
	struct cpumask *user;
	struct cpumask *inherited;
	struct cpumask *seen;
};

static struct nta_worker *make_child(struct kunit *test,
				     const struct cpumask *mask)
{
	struct nta_worker *child = nta_worker_make(test);

	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(child->task, mask), 0);
	/* On which processor it is counts as well. */
	nta_worker_do(test, child, nta_do_nothing, NULL);
	return child;
}

/* @inside: the child begins on a processor of the user affinity. */
static struct family *make_any_family(struct kunit *test, bool inside)
{
	struct family *family = kunit_kzalloc(test, sizeof(*family), GFP_KERNEL);
	struct nta_affinity user = nta_pick(test, 1);

	KUNIT_ASSERT_NOT_NULL(test, family);
	family->system = nta_pick(test, 0);
	family->other = nta_pick(test, 2);
	family->user = nta_mask_of(test, &user);
	family->inherited = nta_mask_of(test, &family->system);
	if (inside)
		cpumask_or(family->user, family->user, family->inherited);
	family->seen = nta_mask(test);
	family->creator = make_child(test, family->user);
	family->child = make_child(test, family->inherited);
	nta_worker_do(test, family->creator, nta_do_set, &family->system);
	return family;
}

static struct family *make_family(struct kunit *test)
{
	return make_any_family(test, false);
}

static void place(struct kunit *test, struct nta_worker *creator,
		  struct nta_worker *child)
{
	struct birth birth = { .child = child->task };

	nta_worker_do(test, creator, do_place_child, &birth);
}

static void check_user(struct kunit *test, struct family *family,
		       struct nta_worker *worker, const char *who)
{
	nta_wait_for_mask(worker->task, family->user, family->seen);
	nta_check_mask(test, who, family->seen, family->user);
}

static void check_end(struct kunit *test, struct family *family)
{
	nta_worker_do(test, family->creator, nta_do_revert, NULL);
	check_user(test, family, family->creator, "the creator");
	check_user(test, family, family->child, "the child");
}

static void child_of_an_active_thread_gets_the_user_affinity(struct kunit *test)
{
	struct family *family = make_family(test);
	long seen = nta_event_count(NTA_EVENT_CHILD);

	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child");
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_CHILD), seen + 1);
	check_end(test, family);
}

/* The child is about to be put right, and has a child of its own. */
static void child_of_a_child_that_is_being_put_right(struct kunit *test)
{
	const enum nta_stage *stage = test->param_value;
	struct family *family = make_family(test);
	struct nta_worker *grandchild = make_child(test, family->inherited);

	nta_stretch_next(family->child->task, *stage);
	place(test, family->creator, family->child);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	place(test, family->child, grandchild);
	check_user(test, family, grandchild, "the child's child");
	nta_stretch_end();
	check_end(test, family);
	check_user(test, family, grandchild, "the child's child");
}

/* The child was put right between the copy of its mask and the tracepoint. */
static void child_of_a_child_that_was_put_right_meanwhile(struct kunit *test)
{
	struct family *family = make_family(test);
	struct nta_worker *grandchild = make_child(test, family->inherited);

	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child");
	place(test, family->child, grandchild);
	check_user(test, family, grandchild, "the child's child");
	check_end(test, family);
}

/* It has reverted where it could not move, and a worker is at it. */
static void child_of_a_thread_that_is_being_reverted(struct kunit *test)
{
	const enum nta_stage *stage = test->param_value;
	struct family *family = make_family(test);

	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	nta_stretch_next(family->creator->task, *stage);
	nta_worker_do(test, family->creator, nta_do_revert_atomically, NULL);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child");
	nta_stretch_end();
	check_end(test, family);
}

static void child_of_a_thread_that_was_reverted_meanwhile(struct kunit *test)
{
	struct family *family = make_family(test);

	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	nta_worker_do(test, family->creator, nta_do_revert_atomically, NULL);
	check_user(test, family, family->creator, "the creator");
	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child");
	check_end(test, family);
}

/* What it has is not even the mask that the worker replaced. */
static void child_of_a_thread_that_was_moved_and_reverted_meanwhile(struct kunit *test)
{
	struct family *family = make_family(test);
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);

	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	nta_worker_do(test, family->creator, nta_do_set_atomically, &family->other);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(family->creator->task,
						  elsewhere, family->seen));
	nta_worker_do(test, family->creator, nta_do_revert_atomically, NULL);
	check_user(test, family, family->creator, "the creator");
	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child");
	check_end(test, family);
}

static void child_of_a_thread_that_was_moved_meanwhile(struct kunit *test)
{
	struct family *family = make_family(test);
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);

	nta_worker_do(test, family->creator, nta_do_set_atomically, &family->other);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(family->creator->task,
						  elsewhere, family->seen));
	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child");
	check_end(test, family);
}

/*
 * A child that was put right before it ran is a thread like any other: who changes
 * its affinity in the middle of a clone of its own leaves its child alone.
 */
static void child_of_a_child_that_others_have_moved(struct kunit *test)
{
	struct family *family = make_any_family(test, true);
	struct nta_worker *grandchild = make_child(test, family->user);
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);

	place(test, family->creator, family->child);
	nta_read_mask(family->child->task, family->seen);
	nta_check_mask(test, "the child", family->seen, family->user);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(family->child->task, elsewhere),
			0);
	place(test, family->child, grandchild);
	/* A worker would move it later. */
	KUNIT_EXPECT_NULL(test, nta_thread_find(grandchild->task));
	nta_read_mask(grandchild->task, family->seen);
	nta_check_mask(test, "the grandchild", family->seen, family->user);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(family->child->task,
						   family->user), 0);
	check_end(test, family);
}

struct poor_birth {
	struct task_struct *child;
	bool failed;
};

static void do_place_child_without_memory(void *data)
{
	struct poor_birth *birth = data;

	nta_fail_allocation(1);
	nta_place_child(birth->child, false);
	birth->failed = !nta_failure_is_left();
	nta_fail_allocation(0);
}

/* U9: it keeps what it has; that is counted, and the next one is not affected. */
static void child_for_which_there_is_no_memory_is_missed(struct kunit *test)
{
	struct family *family = make_family(test);
	struct poor_birth birth = { .child = family->child->task };
	long missed = nta_event_count(NTA_EVENT_CHILD_MISSED);
	long seen = nta_event_count(NTA_EVENT_CHILD);

	if (!nta_allocations_can_fail())
		kunit_skip(test, NTA_NEEDS_FAILSLAB);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "needs memory that does not come from a reserve");
	nta_worker_do(test, family->creator, do_place_child_without_memory,
		      &birth);
	KUNIT_EXPECT_TRUE_MSG(test, birth.failed, "nothing was allocated");
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_CHILD_MISSED), missed + 1);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_CHILD), seen);
	KUNIT_EXPECT_NULL(test, nta_thread_find(family->child->task));
	nta_read_mask(family->child->task, family->seen);
	nta_check_mask(test, "the child", family->seen, family->inherited);

	place(test, family->creator, family->child);
	check_user(test, family, family->child, "the child, with memory");
	check_end(test, family);
}

/* What has another reason is not ours to change. */
static void other_children_are_left_alone(struct kunit *test)
{
	struct family *family = make_family(test);
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);
	struct nta_worker *in_cpuset = make_child(test, elsewhere);
	struct birth birth = { .child = in_cpuset->task, .other_cpuset = true };
	struct nta_worker *like_creator = make_child(test, family->inherited);
	struct birth again = { .child = like_creator->task, .other_cpuset = true };
	struct nta_worker *same = make_child(test, family->user);
	struct nta_worker *other = make_child(test, elsewhere);
	long seen = nta_event_count(NTA_EVENT_CHILD);

	nta_worker_do(test, family->creator, do_place_child, &birth);
	nta_worker_do(test, family->creator, do_place_child, &again);
	place(test, family->creator, same);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_CHILD), seen);
	place(test, family->creator, family->child);
	seen++;
	nta_worker_do(test, family->creator, nta_do_revert, NULL);
	place(test, family->creator, other);

	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_CHILD), seen);
	KUNIT_EXPECT_NULL(test, nta_thread_find(in_cpuset->task));
	KUNIT_EXPECT_NULL(test, nta_thread_find(like_creator->task));
	KUNIT_EXPECT_NULL(test, nta_thread_find(same->task));
	KUNIT_EXPECT_NULL(test, nta_thread_find(other->task));
	nta_read_mask(in_cpuset->task, family->seen);
	nta_check_mask(test, "in another cpuset", family->seen, elsewhere);
	nta_read_mask(like_creator->task, family->seen);
	nta_check_mask(test, "in another cpuset, which has what its creator has",
		       family->seen, family->inherited);
	nta_read_mask(same->task, family->seen);
	nta_check_mask(test, "with the user affinity", family->seen, family->user);
	nta_read_mask(other->task, family->seen);
	nta_check_mask(test, "of a thread that is not active", family->seen,
		       elsewhere);
	check_end(test, family);
}

/*
 * The creator puts the child where it belongs, and others give it a mask meanwhile: a
 * worker that waited for its turn would never be woken.
 */
static void change_of_a_child_that_its_creator_is_placing(struct kunit *test)
{
	struct family *family = make_any_family(test, true);
	struct birth birth = { .child = family->child->task };
	struct nta_thread *thread;
	unsigned long flags;

	/* Work of before, for whomever. */
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	nta_stretch_next(family->child->task, NTA_STAGE_BEGUN);
	nta_worker_begin(family->creator, do_place_child, &birth);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	thread = nta_thread_find(family->child->task);
	KUNIT_EXPECT_NOT_NULL(test, thread);
	if (thread) {
		raw_spin_lock_irqsave(&family->child->task->pi_lock, flags);
		nta_note_change(thread, true);
		raw_spin_unlock_irqrestore(&family->child->task->pi_lock, flags);
		/* Where no hook tells of our own install, which would settle it. */
		nta_unlock_affinity(thread, nta_lock_affinity(thread));
	}
	/* It is counted as soon as it is asked for. */
	KUNIT_EXPECT_TRUE(test, nta_queues_are_empty());
	nta_stretch_end();
	nta_worker_wait(test, family->creator);

	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	nta_wait_for_mask(family->child->task, family->inherited, family->seen);
	nta_check_mask(test, "the child has what others gave it", family->seen,
		       family->inherited);
	nta_worker_do(test, family->creator, nta_do_revert, NULL);
	check_user(test, family, family->creator, "the creator");
}

/*
 * U9: what the child is to have by then may be elsewhere, and to move it there can sleep:
 * that is a worker's. Its creator may not sleep there.
 */
static void child_that_user_mode_moves_while_its_creator_places_it(struct kunit *test)
{
	struct family *family = make_any_family(test, true);
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);
	struct birth birth = { .child = family->child->task };

	if (!NTA_KERNEL_KEEPS_USER_MASK && !nta_watch_sees_changes())
		kunit_skip(test, "needs hooks, or a kernel that keeps the mask of user mode");
	nta_stretch_next(family->child->task, NTA_STAGE_BEGUN);
	nta_worker_begin(family->creator, do_place_child, &birth);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_user_sets(test, family->child->task, elsewhere);
	nta_stretch_on(NTA_STAGE_LOOKED);
	KUNIT_EXPECT_TRUE_MSG(test, nta_stretch_wait(), "no worker has come");
	nta_worker_wait(test, family->creator);
	nta_stretch_end();

	nta_wait_for_mask(family->child->task, elsewhere, family->seen);
	nta_check_mask(test, "the child has what user mode gave it", family->seen,
		       elsewhere);
	nta_worker_do(test, family->creator, nta_do_revert, NULL);
	check_user(test, family, family->creator, "the creator");
}

/*
 * U3, U9: user mode has just asked for another affinity for the creator, and who puts
 * the creator back, or reverts it (@revert), has not seen that yet.
 */
static void check_child_of_changed(struct kunit *test, enum nta_stage stage,
				   bool revert)
{
	struct family *family = make_family(test);
	struct nta_affinity newest = nta_pick(test, 3);
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);
	struct nta_worker *child;

	if (!NTA_KERNEL_KEEPS_USER_MASK && !nta_watch_sees_changes())
		kunit_skip(test, "needs hooks, or a kernel that keeps the mask of user mode");
	if (revert)
		nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	family->user = nta_mask_of(test, &newest);
	child = make_child(test, family->inherited);
	nta_stretch_next(family->creator->task, stage);
	if (revert)
		nta_worker_do(test, family->creator, nta_do_revert_atomically,
			      NULL);
	else
		nta_user_sets(test, family->creator->task, elsewhere);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_user_sets(test, family->creator->task, family->user);
	place(test, family->creator, family->child);
	place(test, family->creator, child);
	nta_stretch_end();
	check_user(test, family, child, "another child");
	check_end(test, family);
}

static void child_of_a_thread_that_user_mode_moves_before_an_install(struct kunit *test)
{
	check_child_of_changed(test, NTA_STAGE_BEGUN, false);
}

static void child_of_a_thread_that_user_mode_moves_before_a_revert(struct kunit *test)
{
	check_child_of_changed(test, NTA_STAGE_BEGUN, true);
}

static void child_of_a_thread_that_user_mode_moves_after_an_install(struct kunit *test)
{
	check_child_of_changed(test, NTA_STAGE_INSTALLED, false);
}

/* U9: and before the creator has come so far as to note what he owes. */
static void change_of_a_child_that_has_just_become_known(struct kunit *test)
{
	struct family *family = make_any_family(test, true);
	struct birth birth = { .child = family->child->task };
	struct cpumask *elsewhere = nta_mask_of(test, &family->other);
	long seen = nta_event_count(NTA_EVENT_CHILD);
	struct nta_thread *thread;

	/* Work of before, for whomever. */
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	nta_stretch_next(family->child->task, NTA_STAGE_KNOWN);
	nta_worker_begin(family->creator, do_place_child, &birth);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	thread = nta_thread_find(family->child->task);
	KUNIT_EXPECT_NOT_NULL(test, thread);
	if (thread)
		nta_change_by_hand(thread, true, elsewhere);
	nta_stretch_end();
	nta_worker_wait(test, family->creator);

	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_CHILD), seen);
	KUNIT_EXPECT_TRUE(test, nta_queues_are_empty());
	nta_read_mask(family->child->task, family->seen);
	nta_check_mask(test, "the child has what others gave it", family->seen,
		       elsewhere);
	nta_worker_do(test, family->creator, nta_do_revert, NULL);
	check_user(test, family, family->creator, "the creator");
}

KUNIT_ARRAY_PARAM(stage, nta_stages, nta_describe_stage);

static struct kunit_case child_cases[] = {
	KUNIT_CASE(child_of_an_active_thread_gets_the_user_affinity),
	KUNIT_CASE_PARAM(child_of_a_child_that_is_being_put_right,
			 stage_gen_params),
	KUNIT_CASE(child_of_a_child_that_was_put_right_meanwhile),
	KUNIT_CASE_PARAM(child_of_a_thread_that_is_being_reverted,
			 stage_gen_params),
	KUNIT_CASE(child_of_a_thread_that_was_reverted_meanwhile),
	KUNIT_CASE(child_of_a_thread_that_was_moved_meanwhile),
	KUNIT_CASE(child_of_a_thread_that_was_moved_and_reverted_meanwhile),
	KUNIT_CASE(change_of_a_child_that_its_creator_is_placing),
	KUNIT_CASE(change_of_a_child_that_has_just_become_known),
	KUNIT_CASE(child_of_a_child_that_others_have_moved),
	KUNIT_CASE(child_of_a_thread_that_user_mode_moves_before_an_install),
	KUNIT_CASE(child_of_a_thread_that_user_mode_moves_after_an_install),
	KUNIT_CASE(child_of_a_thread_that_user_mode_moves_before_a_revert),
	KUNIT_CASE(child_that_user_mode_moves_while_its_creator_places_it),
	KUNIT_CASE(other_children_are_left_alone),
	KUNIT_CASE(child_for_which_there_is_no_memory_is_missed),
	{}
};

static struct kunit_suite child_suite = {
	.name = "nta_child",
	.exit = nta_stretch_exit,
	.test_cases = child_cases,
};

kunit_test_suite(child_suite);
