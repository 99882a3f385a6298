// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules U8, U11 and T3, and that threads do not disturb each other: an
 * entry lives exactly as long as its thread, a thread that ends while active is
 * counted and forgotten, and a new thread at the same address inherits nothing.
 * U12, the unload with active threads, is a guest script's.
 */
#include <kunit/test.h>
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "helpers.h"
#include "placement.h"
#include "user_affinity.h"
#include "verify.h"
#include "wdm.h"

static void set_and_stay_active(void *data)
{
	const struct nta_affinity *affinity = data;
	GROUP_AFFINITY a = { .Mask = affinity->mask, .Group = affinity->group };

	KeSetSystemGroupAffinityThread(&a, NULL);
}

static void set_and_revert(void *data)
{
	set_and_stay_active(data);
	KeRevertToUserAffinityThread();
}

/* U8 */
static void exit_while_active_frees_the_entry_and_counts_a_leak(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_thread_snapshot entry;
	long leaks = nta_event_count(NTA_EVENT_LEAK);

	nta_worker_do(test, worker, set_and_stay_active, &a);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.known);
	KUNIT_EXPECT_TRUE(test, entry.state.active);

	nta_worker_stop(worker);
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_forgotten(worker->task),
			      "the entry outlives its thread");
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_LEAK), leaks + 1);
}

static void leave_marks(void *data)
{
	struct nta_thread *thread;

	set_and_stay_active(data);
	thread = nta_thread_find(current);
	if (thread) {
		nta_thread_mark(thread, NTA_THREAD_MOVES);
		nta_thread_mark(thread, NTA_THREAD_APC);
	}
}

/* U8, I9: the marks that send every raise the careful way end with their thread. */
static void exit_ends_the_marks_of_the_thread(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	unsigned int ticks = NTA_END_TIMEOUT;
	int marks;

	/* Before it there is a mark that goes with it. */
	nta_on_thread(test, nta_first_raise, NULL);
	marks = atomic_read(&nta_marks);
	nta_worker_do(test, worker, leave_marks, &a);
	KUNIT_EXPECT_EQ(test, atomic_read(&nta_marks), marks + 2);
	nta_worker_stop(worker);
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_forgotten(worker->task),
			      "the entry outlives its thread");
	/* It is forgotten before they are. */
	while (atomic_read(&nta_marks) != marks && --ticks)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, atomic_read(&nta_marks), marks);
}

struct made {
	struct nta_affinity affinity;
	struct nta_thread *first;
	struct nta_thread *second;
	struct nta_thread *reserved;
	struct cpumask *lost;
	bool lost_again;
	bool lost_reserved;
};

static void make_again(void *data)
{
	struct made *made = data;
	struct nta_thread *thread;

	set_and_revert(&made->affinity);
	thread = nta_thread_find(current);
	made->first = thread;
	if (!thread)
		return;
	made->second = nta_thread_make(current, GFP_KERNEL);
	made->reserved = nta_thread_make(current, 0);
	if (!nta_make_lost(thread, GFP_KERNEL))
		return;
	made->lost = thread->lost;
	made->lost_again = nta_make_lost(thread, GFP_KERNEL) &&
			   thread->lost == made->lost;
	made->lost_reserved = nta_make_lost(thread, 0) &&
			      thread->lost == made->lost;
}

/* S16: who finds when he inserts it that another was quicker takes that. */
static void what_is_made_twice_is_kept_once(struct kunit *test)
{
	struct made *made = kunit_kzalloc(test, sizeof(*made), GFP_KERNEL);
	bool has_reserve = IS_ENABLED(CONFIG_PREEMPT_RT);

	KUNIT_ASSERT_NOT_NULL(test, made);
	made->affinity = nta_pick(test, 1);
	nta_on_thread(test, make_again, made);
	KUNIT_EXPECT_NOT_NULL(test, made->first);
	KUNIT_EXPECT_PTR_EQ(test, made->second, made->first);
	KUNIT_EXPECT_PTR_EQ(test, made->reserved,
			    has_reserve ? made->first : NULL);
	KUNIT_EXPECT_NOT_NULL(test, made->lost);
	KUNIT_EXPECT_TRUE(test, made->lost_again);
	KUNIT_EXPECT_EQ(test, made->lost_reserved, has_reserve);
}

/* U8 */
static void exit_after_a_revert_is_no_leak(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	long leaks = nta_event_count(NTA_EVENT_LEAK);

	nta_worker_do(test, worker, set_and_revert, &a);
	nta_worker_stop(worker);
	KUNIT_EXPECT_TRUE(test, nta_wait_forgotten(worker->task));
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_LEAK), leaks);
}

/* U8: of a thread that ended while active only the test holds a reference. */
static void nothing_keeps_the_task_of_an_ended_thread(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	unsigned long end;

	nta_worker_do(test, worker, set_and_stay_active, &a);
	nta_worker_stop(worker);
	KUNIT_EXPECT_TRUE(test, nta_wait_forgotten(worker->task));

	end = jiffies + NTA_END_TIMEOUT;
	while (refcount_read(&worker->task->usage) > 1 &&
	       time_before(jiffies, end)) {
		rcu_barrier();
		schedule_timeout_uninterruptible(1);
	}
	KUNIT_EXPECT_EQ(test, refcount_read(&worker->task->usage), 1U);
}

static void only_look(void *data)
{
	nta_look_at_me(data);
}

static void thread_that_never_called_has_no_entry(struct kunit *test)
{
	struct nta_look *look = kunit_kzalloc(test, sizeof(*look), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, look);
	nta_on_thread(test, only_look, look);
	KUNIT_EXPECT_FALSE(test, look->entry.known);
	KUNIT_EXPECT_FALSE(test, look->entry.state.active);
}

/* --- addresses --- */

#define VICTIMS 32
/* Threads alive at once while waiting for one of the addresses to come again. */
#define MOST_THREADS 256

static bool is_one_of(const struct task_struct *task,
		      const struct task_struct **tasks, unsigned int count)
{
	while (count--) {
		if (tasks[count] == task)
			return true;
	}
	return false;
}

/* U8 */
static void new_thread_at_the_same_address_inherits_nothing(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1), b = nta_pick(test, 0);
	const struct nta_step steps[] = {
		{ NTA_SET, b, NTA_NONE, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct nta_walk *walk = nta_walk_make(test, steps, ARRAY_SIZE(steps));
	const struct task_struct *addresses[VICTIMS];
	struct nta_worker *workers[VICTIMS], *worker;
	struct nta_thread_snapshot entry;
	unsigned int i;

	for (i = 0; i < VICTIMS; i++) {
		workers[i] = nta_worker_make(test);
		addresses[i] = workers[i]->task;
		nta_worker_do(test, workers[i], set_and_stay_active, &a);
	}
	for (i = 0; i < VICTIMS; i++) {
		nta_worker_stop(workers[i]);
		KUNIT_ASSERT_TRUE(test, nta_wait_forgotten(addresses[i]));
		nta_worker_forget(workers[i]);
	}
	rcu_barrier();

	for (i = 0; i < MOST_THREADS; i++) {
		worker = nta_worker_make(test);
		if (is_one_of(worker->task, addresses, VICTIMS))
			break;
	}
	if (i == MOST_THREADS)
		kunit_skip(test, "needs an old address to come again: not in %u threads",
			   MOST_THREADS);

	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.known);
	nta_worker_do(test, worker, nta_walk_take, walk);
	nta_walk_check(test, walk);
	KUNIT_EXPECT_FALSE(test, walk->looks[0].entry.known);
}

/* U8, with addresses that come again for certain: they are only compared. */
static void entry_ends_with_its_address(struct kunit *test)
{
	struct task_struct *task = kunit_kzalloc(test, sizeof(*task), GFP_KERNEL);
	struct nta_thread_snapshot entry;
	long known, leaks = nta_event_count(NTA_EVENT_LEAK);
	struct nta_thread *thread;
	unsigned int round;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	raw_spin_lock_init(&task->pi_lock);
	known = nta_threads_known();
	for (round = 0; round < 3; round++) {
		thread = nta_thread_make(task, GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
		/* Whoever comes second, as from a shrinker, gets the first's. */
		KUNIT_EXPECT_PTR_EQ(test, nta_thread_make(task, GFP_KERNEL),
				    thread);
		nta_thread_snapshot(task, &entry);
		KUNIT_EXPECT_TRUE(test, entry.known);
		KUNIT_EXPECT_FALSE_MSG(test, entry.state.active,
				       "inherited in round %u", round);
		KUNIT_EXPECT_EQ(test, entry.generation, 0U);
		KUNIT_EXPECT_FALSE(test, entry.owned);
		KUNIT_EXPECT_FALSE(test, entry.bound);

		thread->state = (struct nta_state){
			.system = { .mask = 1 }, .active = true,
		};
		thread->generation = 7;
		nta_thread_end(task);
		nta_thread_snapshot(task, &entry);
		KUNIT_EXPECT_FALSE(test, entry.known);
		KUNIT_EXPECT_FALSE(test, entry.state.active);
	}
	/* The end of a thread without an entry is the usual case. */
	nta_thread_end(task);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_LEAK), leaks + 3);
	/* Others may end meanwhile. */
	KUNIT_EXPECT_LE(test, nta_threads_known(), known);
}

#define MANY 3000

/* U8: more of them than the table has room for without sharing. */
static void entries_that_share_a_bucket_are_kept_apart(struct kunit *test)
{
	const size_t step = 64;
	char *room = kunit_kmalloc_array(test, MANY, step, GFP_KERNEL);
	struct nta_thread_snapshot entry;
	unsigned int i, made, wrong = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, room);
	for (made = 0; made < MANY; made++) {
		if (!nta_thread_make((struct task_struct *)(room + made * step),
				     GFP_KERNEL))
			break;
	}
	KUNIT_EXPECT_EQ(test, made, (unsigned int)MANY);

	for (i = 0; i < made; i += 2)
		nta_thread_end((struct task_struct *)(room + i * step));
	for (i = 0; i < made; i++) {
		nta_thread_snapshot((struct task_struct *)(room + i * step),
				    &entry);
		wrong += entry.known != (i % 2 == 1);
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0U, "entries lost or left over");
	for (i = 1; i < made; i += 2)
		nta_thread_end((struct task_struct *)(room + i * step));
	for (i = 0; i < made; i++) {
		nta_thread_snapshot((struct task_struct *)(room + i * step),
				    &entry);
		wrong += entry.known;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0U, "entries left over at the end");
}

/* --- U11 --- */

struct disguise {
	struct nta_affinity a;
	bool got_creds;
	struct nta_look before;
	struct nta_look set;
	struct nta_look changed;
	struct nta_look after;
};

static void change_all_but_affinity(void *data)
{
	struct disguise *disguise = data;
	struct cred *cred;

	nta_look_at_me(&disguise->before);
	set_and_stay_active(&disguise->a);
	nta_look_at_me(&disguise->set);

	cred = prepare_creds();
	if (cred) {
		disguise->got_creds = true;
		commit_creds(cred);
	}
	sched_set_fifo(current);
	sched_set_normal(current, 5);
	set_user_nice(current, 0);
	task_lock(current);
	strscpy(current->comm, "nta_disguised", sizeof(current->comm));
	task_unlock(current);
	nta_look_at_me(&disguise->changed);

	KeRevertToUserAffinityThread();
	nta_look_at_me(&disguise->after);
}

/* U11, without what only a user process can do: exec, ptrace, namespaces. */
static void credentials_class_and_name_leave_the_entry_alone(struct kunit *test)
{
	struct disguise *disguise = kunit_kzalloc(test, sizeof(*disguise),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, disguise);
	disguise->a = nta_pick(test, 1);
	nta_on_thread(test, change_all_but_affinity, disguise);

	KUNIT_EXPECT_TRUE(test, disguise->got_creds);
	KUNIT_EXPECT_TRUE(test, disguise->set.entry.state.active);
	KUNIT_EXPECT_TRUE(test, disguise->changed.entry.state.active);
	KUNIT_EXPECT_EQ(test, disguise->changed.entry.generation,
			disguise->set.entry.generation);
	nta_check_mask(test, "after the changes", &disguise->changed.mask,
		       &disguise->set.mask);
	KUNIT_EXPECT_FALSE(test, disguise->after.entry.state.active);
	nta_check_mask(test, "after the Revert", &disguise->after.mask,
		       &disguise->before.mask);
}

/* --- many at once --- */

#define BUSY_THREADS 4
#define PAIRS 1500
#define MORTALS 40

struct busy {
	struct nta_affinity a;
	struct nta_affinity b;
	struct cpumask *user;
	unsigned int pairs;
	unsigned int wrong;
};

static bool is_in(const struct nta_affinity *affinity)
{
	return raw_smp_processor_id() == nta_cpu(affinity);
}

/* Bounded by time too: under emulation a pair may take a millisecond. */
static void set_and_revert_all_the_time(void *data)
{
	struct busy *busy = data;
	GROUP_AFFINITY a = { .Mask = busy->a.mask, .Group = busy->a.group };
	GROUP_AFFINITY b = { .Mask = busy->b.mask, .Group = busy->b.group };
	GROUP_AFFINITY outer, inner;
	unsigned long end = jiffies + HZ;

	cpumask_copy(busy->user, &current->cpus_mask);
	do {
		KeSetSystemGroupAffinityThread(&a, &outer);
		busy->wrong += outer.Mask || outer.Group || !is_in(&busy->a);
		KeSetSystemGroupAffinityThread(&b, &inner);
		busy->wrong += inner.Mask != a.Mask || inner.Group != a.Group ||
			       !is_in(&busy->b);
		KeRevertToUserGroupAffinityThread(&inner);
		busy->wrong += !is_in(&busy->a);
		KeRevertToUserGroupAffinityThread(&outer);
		busy->wrong += !cpumask_equal(busy->user, &current->cpus_mask);
		busy->pairs++;
		cond_resched();
	} while (busy->pairs < PAIRS && time_before(jiffies, end));
}

/* S1 S3 R1 R3 U8: with threads that come and go, half of them leaking. */
static void busy_threads_do_not_disturb_each_other(struct kunit *test)
{
	long leaks = nta_event_count(NTA_EVENT_LEAK);
	struct nta_worker *workers[BUSY_THREADS], *mortals[MORTALS];
	struct busy busy[BUSY_THREADS] = {};
	struct nta_affinity a;
	unsigned int i;

	for (i = 0; i < BUSY_THREADS; i++) {
		busy[i].a = nta_pick(test, i % 2);
		busy[i].b = nta_pick(test, (i + 1) % 2);
		busy[i].user = nta_mask(test);
		workers[i] = nta_worker_make(test);
	}
	for (i = 0; i < BUSY_THREADS; i++)
		nta_worker_begin(workers[i], set_and_revert_all_the_time,
				 &busy[i]);

	a = busy[0].a;
	for (i = 0; i < MORTALS; i++) {
		mortals[i] = nta_worker_make(test);
		nta_worker_do(test, mortals[i],
			      i % 2 ? set_and_stay_active : set_and_revert, &a);
		nta_worker_stop(mortals[i]);
	}

	for (i = 0; i < BUSY_THREADS; i++) {
		nta_worker_wait(test, workers[i]);
		KUNIT_EXPECT_EQ_MSG(test, busy[i].wrong, 0U, "thread %u", i);
		KUNIT_EXPECT_GT_MSG(test, busy[i].pairs, 0U, "thread %u", i);
		nta_worker_stop(workers[i]);
		KUNIT_ASSERT_TRUE(test, nta_wait_forgotten(workers[i]->task));
	}
	for (i = 0; i < MORTALS; i++)
		KUNIT_ASSERT_TRUE(test, nta_wait_forgotten(mortals[i]->task));
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_LEAK),
			leaks + MORTALS / 2);
}

/* A work function that sets and forgets, and who ran it. */
struct forgetful {
	struct work_struct work;
	struct nta_affinity a;
	struct task_struct *task;
	struct nta_look look;
};

static void set_and_forget(struct work_struct *work)
{
	struct forgetful *forgetful = container_of(work, struct forgetful, work);

	forgetful->task = get_task_struct(current);
	set_and_stay_active(&forgetful->a);
	nta_look_at_me(&forgetful->look);
}

/* What an unload does: nobody can know which work a worker gets next. */
static void give_back(struct task_struct *task)
{
	struct nta_thread *thread = nta_thread_find(task);

	nta_thread_own(thread);
	nta_place_user(thread, &NTA_USER);
	nta_thread_disown(thread);
}

/* T3: an unbound worker is served; with verify=1 it is reported at once. */
static void work_function_that_forgets_to_revert_is_reported(struct kunit *test)
{
	struct forgetful *forgetful = kunit_kzalloc(test, sizeof(*forgetful),
						    GFP_KERNEL);
	struct cpumask *seen = nta_mask(test);
	struct workqueue_struct *queue;
	long count = nta_event_count(NTA_EVENT_NOT_REVERTED);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, forgetful);
	forgetful->a = nta_pick(test, 1);
	queue = alloc_workqueue("nta_forgetful", WQ_UNBOUND, 1);
	KUNIT_ASSERT_NOT_NULL(test, queue);
	INIT_WORK(&forgetful->work, set_and_forget);
	queue_work(queue, &forgetful->work);
	destroy_workqueue(queue);

	KUNIT_EXPECT_TRUE(test, forgetful->look.entry.state.active);
	nta_check_mask(test, "in the work function", &forgetful->look.mask,
		       nta_mask_of(test, &forgetful->a));
	/* The same worker may do other work before it is given back. */
	count = nta_event_count(NTA_EVENT_NOT_REVERTED) - count;
	KUNIT_EXPECT_EQ_MSG(test, count > 0, nta_verify_sees_work(), "%ld reports",
			    count);

	give_back(forgetful->task);
	nta_read_mask(forgetful->task, seen);
	KUNIT_EXPECT_GT_MSG(test, cpumask_weight(seen), 1U,
			    "the worker is still pinned");
	put_task_struct(forgetful->task);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(exit_while_active_frees_the_entry_and_counts_a_leak),
	KUNIT_CASE(exit_ends_the_marks_of_the_thread),
	KUNIT_CASE(what_is_made_twice_is_kept_once),
	KUNIT_CASE(exit_after_a_revert_is_no_leak),
	KUNIT_CASE(nothing_keeps_the_task_of_an_ended_thread),
	KUNIT_CASE(thread_that_never_called_has_no_entry),
	KUNIT_CASE(new_thread_at_the_same_address_inherits_nothing),
	KUNIT_CASE(entry_ends_with_its_address),
	KUNIT_CASE(entries_that_share_a_bucket_are_kept_apart),
	KUNIT_CASE(credentials_class_and_name_leave_the_entry_alone),
	KUNIT_CASE(work_function_that_forgets_to_revert_is_reported),
	KUNIT_CASE(busy_threads_do_not_disturb_each_other),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_thread",
	.test_cases = cases,
};

kunit_test_suite(suite);
