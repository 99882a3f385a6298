// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules I1 and I8: in an interrupt and in a softirq a Set or a Revert
 * is refused and changes nothing. And the rules T1, T2 and T4: which kinds of
 * kernel thread are moved, and which are left where they are.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <uapi/linux/sched/types.h>

#include "helpers.h"
#include "queue.h"
#include "stretch.h"
#include "irql.h"
#include "user_affinity.h"
#include "wdm.h"

/* --- I8 --- */

/* The calls of this section, each of which must be refused. */
#define CALLS 6

struct attempt {
	struct nta_affinity a;
	enum nta_context context;
	bool in_worker;
	GROUP_AFFINITY previous;
	GROUP_AFFINITY in_place;
	KAFFINITY returned;
	long refused;
	struct task_struct *worker;
};

static void attempt_calls(void *data)
{
	struct attempt *attempt = data;
	GROUP_AFFINITY a = { .Mask = attempt->a.mask, .Group = attempt->a.group };
	GROUP_AFFINITY none = {};
	long before = nta_refused_count(NTA_BAD_LEVEL);

	attempt->context = nta_current_context();
	attempt->in_worker = current == attempt->worker;
	attempt->in_place = a;
	memset(&attempt->previous, NTA_POISON, sizeof(attempt->previous));

	KeSetSystemGroupAffinityThread(&a, &attempt->previous);
	KeSetSystemGroupAffinityThread(&attempt->in_place, &attempt->in_place);
	attempt->returned = KeSetSystemAffinityThreadEx(a.Mask);
	KeSetSystemAffinityThread(a.Mask);
	KeRevertToUserGroupAffinityThread(&none);
	KeRevertToUserAffinityThread();

	attempt->refused = nta_refused_count(NTA_BAD_LEVEL) - before;
}

struct section_row {
	const char *name;
	enum nta_section section;
	enum nta_context context;
};

static const struct section_row section_rows[] = {
	{ "I8 in a softirq", NTA_IN_SOFTIRQ, NTA_NO_THREAD },
	{ "I8 in a timer", NTA_IN_TIMER, NTA_NO_THREAD },
	{ "I8 in a hard interrupt", NTA_IN_HARD_IRQ, NTA_NO_THREAD },
	{ "I8 in an NMI", NTA_IN_NMI, NTA_NO_THREAD },
};

static void describe_section(const struct section_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(section, section_rows, describe_section);

struct attempts {
	enum nta_section section;
	struct nta_affinity a;
	struct attempt inactive;
	struct attempt active;
	struct nta_look looks[5];
};

static void attempt_at_level(void *data)
{
	struct attempts *attempts = data;
	GROUP_AFFINITY a = { .Mask = attempts->a.mask,
			     .Group = attempts->a.group };

	attempts->inactive.worker = current;
	attempts->active.worker = current;
	nta_look_at_me(&attempts->looks[0]);
	nta_in_section(attempts->section, attempt_calls, &attempts->inactive);
	nta_look_at_me(&attempts->looks[1]);

	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&attempts->looks[2]);
	nta_in_section(attempts->section, attempt_calls, &attempts->active);
	nta_look_at_me(&attempts->looks[3]);
	KeRevertToUserAffinityThread();
	nta_look_at_me(&attempts->looks[4]);
}

static void check_attempt(struct kunit *test, const struct attempt *attempt,
			  enum nta_context context)
{
	static const GROUP_AFFINITY none;

	KUNIT_EXPECT_EQ_MSG(test, attempt->context, context, "I1");
	KUNIT_EXPECT_TRUE_MSG(test,
			      !memcmp(&attempt->previous, &none, sizeof(none)),
			      "Previous is %*ph", (int)sizeof(none),
			      &attempt->previous);
	KUNIT_EXPECT_TRUE_MSG(test,
			      !memcmp(&attempt->in_place, &none, sizeof(none)),
			      "Previous in place is %*ph", (int)sizeof(none),
			      &attempt->in_place);
	KUNIT_EXPECT_EQ(test, attempt->returned, 0ULL);
	KUNIT_EXPECT_EQ_MSG(test, attempt->refused, (long)CALLS,
			    "S15: the counter");
}

static void calls_in_an_interrupt_are_refused_whole(struct kunit *test)
{
	const struct section_row *row = test->param_value;
	struct attempts *attempts = kunit_kzalloc(test, sizeof(*attempts),
						  GFP_KERNEL);
	struct nta_affinity a = nta_pick(test, 1), b = nta_pick(test, 0);
	const struct nta_look *looks;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attempts);
	nta_needs_section(test, row->section);
	looks = attempts->looks;
	attempts->section = row->section;
	attempts->a = a;
	attempts->inactive.a = b;
	attempts->active.a = b;
	nta_on_thread(test, attempt_at_level, attempts);

	check_attempt(test, &attempts->inactive, row->context);
	KUNIT_EXPECT_FALSE(test, looks[1].entry.state.active);
	nta_check_mask(test, "not active", &looks[1].mask, &looks[0].mask);

	check_attempt(test, &attempts->active, row->context);
	KUNIT_EXPECT_TRUE_MSG(test, looks[3].entry.state.active,
			      "the Revert was obeyed");
	KUNIT_EXPECT_EQ(test, looks[3].entry.state.system.mask, a.mask);
	KUNIT_EXPECT_EQ(test, looks[3].entry.state.system.group, a.group);
	KUNIT_EXPECT_EQ(test, looks[3].entry.generation,
			looks[2].entry.generation);
	nta_check_mask(test, "active", &looks[3].mask, nta_mask_of(test, &a));
	nta_check_mask(test, "at the end", &looks[4].mask, &looks[0].mask);
}

/* --- T1, T2: kernel threads and kworkers --- */

struct walk_work {
	struct work_struct work;
	struct nta_walk *walk;
};

static void take_walk_work(struct work_struct *work)
{
	nta_walk_take(container_of(work, struct walk_work, work)->walk);
}

/* T1: every other suite has an unbound kernel thread; here is a kworker. */
static void unbound_kworker_is_moved(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct walk_work work = {
		.walk = nta_walk_make(test, steps, ARRAY_SIZE(steps)),
	};
	struct workqueue_struct *queue;

	queue = alloc_workqueue("nta_kunit", WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, queue);
	INIT_WORK_ONSTACK(&work.work, take_walk_work);
	queue_work(queue, &work.work);
	destroy_workqueue(queue);
	destroy_work_on_stack(&work.work);
	nta_walk_check(test, work.walk);
}

/*
 * T2: a thread that stays on @own's processor; @other is another one. In the
 * mask it is served with nothing installed, outside of it refused as S7.
 */
static struct nta_walk *bound_walk(struct kunit *test, struct nta_affinity own,
				   struct nta_affinity other)
{
	struct nta_affinity all = nta_whole_group(own.group);
	const struct nta_step steps[] = {
		{ NTA_SET, other, NTA_NONE, NTA_BOUND_KTHREAD, NTA_USER },
		{ NTA_SET, all, NTA_NONE, .then = NTA_SYSTEM(all) },
		{ NTA_SET, own, all, .then = NTA_SYSTEM(own) },
		{ NTA_SET, other, NTA_NONE, NTA_BOUND_KTHREAD, NTA_SYSTEM(own) },
		{ NTA_REVERT, other, NTA_NONE, NTA_BOUND_KTHREAD,
		  NTA_SYSTEM(own) },
		{ NTA_REVERT, all, .then = NTA_SYSTEM(all) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_SET, own, NTA_NONE, .then = NTA_SYSTEM(own) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct nta_step *copy = kunit_kzalloc(test, sizeof(steps), GFP_KERNEL);
	struct nta_walk *walk;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, copy);
	memcpy(copy, steps, sizeof(steps));
	walk = nta_walk_make(test, copy, ARRAY_SIZE(steps));
	walk->bound = true;
	walk->stays = true;
	return walk;
}

static void kthread_bound_by_kthread_bind_stays(struct kunit *test)
{
	struct nta_affinity own = nta_pick(test, 1), other = nta_pick(test, 0);
	struct nta_walk *walk = bound_walk(test, own, other);
	struct nta_worker *worker = nta_worker_make_bound(test, nta_cpu(&own));

	nta_worker_do(test, worker, nta_walk_take, walk);
	nta_walk_check(test, walk);
	nta_check_mask(test, "T2", &walk->looks[0].mask,
		       cpumask_of(nta_cpu(&own)));
}

static void kthread_created_on_a_cpu_stays(struct kunit *test)
{
	struct nta_affinity own = nta_pick(test, 1), other = nta_pick(test, 0);
	struct nta_walk *walk = bound_walk(test, own, other);

	nta_worker_do(test, nta_worker_make_on_cpu(test, nta_cpu(&own)),
		      nta_walk_take, walk);
	nta_walk_check(test, walk);
	nta_check_mask(test, "T2", &walk->looks[0].mask,
		       cpumask_of(nta_cpu(&own)));
}

static void per_cpu_kworker_stays(struct kunit *test)
{
	struct nta_affinity own = nta_pick(test, 1), other = nta_pick(test, 0);
	struct walk_work work = { .walk = bound_walk(test, own, other) };

	INIT_WORK_ONSTACK(&work.work, take_walk_work);
	schedule_work_on(nta_cpu(&own), &work.work);
	flush_work(&work.work);
	destroy_work_on_stack(&work.work);
	nta_walk_check(test, work.walk);
	nta_check_mask(test, "T2", &work.walk->looks[0].mask,
		       cpumask_of(nta_cpu(&own)));
}

/* --- T1: threads of user mode that nobody may rebind --- */

struct posing {
	struct cpumask *user;
	struct nta_walk *walk;
	int ret;
};

/* As a worker of io_uring whose affinity has one processor. */
static void walk_as_a_user_thread(void *data)
{
	struct posing *posing = data;

	posing->ret = set_cpus_allowed_ptr(current, posing->user);
	current->flags |= PF_NO_SETAFFINITY;
	current->flags &= ~PF_KTHREAD;
	nta_walk_take(posing->walk);
	current->flags |= PF_KTHREAD;
	current->flags &= ~PF_NO_SETAFFINITY;
}

static void user_thread_that_nobody_may_rebind_is_moved(struct kunit *test)
{
	struct nta_affinity own = nta_pick(test, 0), a = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, own, a, .then = NTA_SYSTEM(own) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct posing posing = {
		.user = nta_mask_of(test, &own),
		.walk = nta_walk_make(test, steps, ARRAY_SIZE(steps)),
	};

	nta_on_thread(test, walk_as_a_user_thread, &posing);
	KUNIT_EXPECT_EQ(test, posing.ret, 0);
	nta_walk_check(test, posing.walk);
}

/* --- T1: threaded interrupt handlers --- */

struct handler {
	struct nta_walk *walk;
	struct completion done;
};

static irqreturn_t walk_in_a_handler(int irq, void *data)
{
	struct handler *handler = data;

	nta_walk_take(handler->walk);
	complete(&handler->done);
	return IRQ_HANDLED;
}

/*
 * An interrupt that nobody has, and that never comes, bound to a processor: so is its
 * thread then, which is woken by hand.
 */
static int request_any_irq(struct handler *handler, unsigned int cpu)
{
	int irq;

	for (irq = 3; irq < 64; irq++) {
		if (request_threaded_irq(irq, NULL, walk_in_a_handler,
					 IRQF_ONESHOT | IRQF_NO_AUTOEN |
					 IRQF_PROBE_SHARED,
					 "nta_kunit", handler))
			continue;
		if (!irq_set_affinity(irq, cpumask_of(cpu)))
			return irq;
		free_irq(irq, handler);
	}
	return -ENOENT;
}

static void threaded_interrupt_handler_is_moved(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct handler handler = {
		.walk = nta_walk_make(test, steps, ARRAY_SIZE(steps)),
	};
	int irq;

	init_completion(&handler.done);
	irq = request_any_irq(&handler, nta_cpu(&b));
	if (irq < 0)
		kunit_skip(test, "needs an interrupt that nobody has, and that can be bound");
	irq_wake_thread(irq, &handler);
	/* It waits for the handler. */
	KUNIT_EXPECT_NE(test,
			wait_for_completion_timeout(&handler.done, NTA_WORK_TIMEOUT),
			0UL);
	/* As nobody had bound it. */
	irq_set_affinity(irq, cpu_possible_mask);
	free_irq(irq, &handler);
	nta_walk_check(test, handler.walk);
	/* A chip may bind it only when the next interrupt comes: then to any other. */
	KUNIT_EXPECT_EQ(test, cpumask_weight(&handler.walk->looks[0].mask), 1U);
}

/* --- T4: SCHED_DEADLINE --- */

static int become(unsigned int policy)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
	};

	if (policy == SCHED_DEADLINE) {
		attr.sched_runtime = 10 * NSEC_PER_MSEC;
		attr.sched_deadline = 100 * NSEC_PER_MSEC;
		attr.sched_period = 100 * NSEC_PER_MSEC;
	}
	return sched_setattr_nocheck(current, &attr);
}

struct deadline {
	const struct cpumask *mask;
	struct nta_walk *walk;
	bool raised;
	int ret;
};

static void walk_with_a_deadline(void *data)
{
	struct deadline *deadline = data;
	KIRQL old;

	deadline->ret = set_cpus_allowed_ptr(current, deadline->mask);
	if (!deadline->ret)
		deadline->ret = become(SCHED_DEADLINE);
	if (deadline->ret)
		return;
	if (deadline->raised)
		old = KeRaiseIrqlToDpcLevel();
	nta_walk_take(deadline->walk);
	if (deadline->raised)
		KeLowerIrql(old);
	become(SCHED_NORMAL);
}

/* A group with two active processors or more. */
static unsigned int pick_wide_group(struct kunit *test)
{
	unsigned int g;

	for (g = 0; g < nta_topology.group_count; g++) {
		if (hweight64(nta_group_active(&nta_topology, g)) > 1)
			return g;
	}
	kunit_skip(test, "needs a group with two active processors");
	return 0;
}

static void take_deadline_walk(struct kunit *test, struct deadline *deadline)
{
	deadline->walk->stays = true;
	nta_on_thread(test, walk_with_a_deadline, deadline);
	if (deadline->ret)
		kunit_skip(test, "needs a kernel that lets a kernel thread be SCHED_DEADLINE (%d)",
			   deadline->ret);
	nta_walk_check(test, deadline->walk);
	nta_check_mask(test, "before the first step",
		       &deadline->walk->looks[0].mask, deadline->mask);
}

static void describe_raised(const bool *raised, char *name)
{
	strscpy(name, *raised ? "at DISPATCH_LEVEL (I2)" : "at PASSIVE_LEVEL",
		KUNIT_PARAM_DESC_SIZE);
}

static const bool raiseds[] = { false, true };

KUNIT_ARRAY_PARAM(raised, raiseds, describe_raised);

/* T4: @all covers the whole present affinity, one processor of it does not. */
static void deadline_thread_is_served_only_where_it_need_not_move(struct kunit *test)
{
	const bool *raised = test->param_value;
	struct nta_affinity all = nta_whole_group(pick_wide_group(test));
	struct nta_affinity one = { .mask = all.mask & -all.mask,
				    .group = all.group };
	const struct nta_step steps[] = {
		{ NTA_SET, one, NTA_NONE, NTA_DEADLINE, NTA_USER },
		{ NTA_SET, all, NTA_NONE, .then = NTA_SYSTEM(all) },
		{ NTA_SET, one, NTA_NONE, NTA_DEADLINE, NTA_SYSTEM(all) },
		{ NTA_REVERT, one, NTA_NONE, NTA_DEADLINE, NTA_SYSTEM(all) },
		{ NTA_SET, all, all, .then = NTA_SYSTEM(all) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct deadline deadline = {
		.mask = nta_mask_of(test, &all),
		.walk = nta_walk_make(test, steps, ARRAY_SIZE(steps)),
		.raised = *raised,
	};

	take_deadline_walk(test, &deadline);
}

/* T4: covered with room to spare. */
static void deadline_thread_is_not_moved_by_a_wider_mask(struct kunit *test)
{
	const bool *raised = test->param_value;
	struct nta_affinity all = nta_whole_group(pick_wide_group(test));
	struct nta_affinity one = { .mask = all.mask & -all.mask,
				    .group = all.group };
	struct nta_affinity rest = { .mask = all.mask ^ one.mask,
				     .group = all.group };
	const struct nta_step steps[] = {
		{ NTA_SET, rest, NTA_NONE, NTA_DEADLINE, NTA_USER },
		{ NTA_SET, all, NTA_NONE, .then = NTA_SYSTEM(all) },
		{ NTA_SET, one, all, .then = NTA_SYSTEM(one) },
		{ NTA_REVERT, all, .then = NTA_SYSTEM(all) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct deadline deadline = {
		.mask = nta_mask_of(test, &one),
		.walk = nta_walk_make(test, steps, ARRAY_SIZE(steps)),
		.raised = *raised,
	};

	take_deadline_walk(test, &deadline);
}

struct late {
	struct nta_affinity a;
	int ret;
	struct nta_look before;
	struct nta_look after;
};

static void get_a_deadline_while_active(void *data)
{
	struct late *late = data;
	GROUP_AFFINITY a = { .Mask = late->a.mask, .Group = late->a.group };

	nta_look_at_me(&late->before);
	KeSetSystemGroupAffinityThread(&a, NULL);
	late->ret = become(SCHED_DEADLINE);
	KeRevertToUserAffinityThread();
	nta_look_at_me(&late->after);
	become(SCHED_NORMAL);
}

/* T4 */
static void thread_that_became_deadline_while_active_is_reverted(struct kunit *test)
{
	struct late *late = kunit_kzalloc(test, sizeof(*late), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, late);
	late->a = nta_pick(test, 1);
	nta_on_thread(test, get_a_deadline_while_active, late);
	if (late->ret)
		kunit_skip(test, "needs a kernel that lets a kernel thread be SCHED_DEADLINE (%d)",
			   late->ret);
	KUNIT_EXPECT_FALSE(test, late->after.entry.state.active);
	nta_check_mask(test, "after the Revert", &late->after.mask,
		       &late->before.mask);
}

static void set_atomically(void *data)
{
	struct late *late = data;
	GROUP_AFFINITY a = { .Mask = late->a.mask, .Group = late->a.group };

	nta_look_at_me(&late->before);
	preempt_disable();
	KeSetSystemGroupAffinityThread(&a, NULL);
	preempt_enable();
}

static void get_a_deadline(void *data)
{
	struct late *late = data;

	late->ret = become(SCHED_DEADLINE);
}

static void revert_with_a_deadline(void *data)
{
	struct late *late = data;

	KeRevertToUserAffinityThread();
	nta_look_at_me(&late->after);
	become(SCHED_NORMAL);
}

/* T4, I4: the worker that was to move it does not try again and again. */
static void thread_that_became_deadline_before_its_move_stays(struct kunit *test)
{
	struct late *late = kunit_kzalloc(test, sizeof(*late), GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *seen = nta_mask(test);
	struct nta_thread *thread;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, late);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	late->a = nta_pick(test, 1);
	nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	nta_worker_do(test, worker, set_atomically, late);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_worker_do(test, worker, get_a_deadline, late);
	nta_stretch_end();

	/* Work that asks for the same again is never done. */
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	/* Nor does who looks after all threads ask for it. */
	thread = nta_thread_find(worker->task);
	KUNIT_EXPECT_NOT_NULL(test, thread);
	if (thread && !late->ret) {
		nta_look_after(thread);
		KUNIT_EXPECT_TRUE(test, nta_queues_are_empty());
	}
	nta_read_mask(worker->task, seen);
	nta_worker_do(test, worker, revert_with_a_deadline, late);
	if (late->ret)
		kunit_skip(test, "needs a kernel that lets a kernel thread be SCHED_DEADLINE (%d)",
			   late->ret);
	nta_check_mask(test, "with a deadline", seen, &late->before.mask);
	KUNIT_EXPECT_FALSE(test, late->after.entry.state.active);
	nta_check_mask(test, "after the Revert", &late->after.mask,
		       &late->before.mask);
}

/* S16: an allocation neither goes on until it succeeds, nor waits for I/O, nor complains. */
static void memory_is_asked_for_as_the_context_allows(struct kunit *test)
{
	gfp_t sleeping = nta_gfp(NTA_PASSIVE), atomic = nta_gfp(NTA_DISPATCH);

	KUNIT_EXPECT_TRUE(test, gfpflags_allow_blocking(sleeping));
	KUNIT_EXPECT_TRUE(test, !!(sleeping & __GFP_RETRY_MAYFAIL));
	KUNIT_EXPECT_TRUE(test, !!(sleeping & __GFP_NOWARN));
	KUNIT_EXPECT_FALSE(test, !!(sleeping & (__GFP_IO | __GFP_FS)));
	KUNIT_EXPECT_FALSE(test, gfpflags_allow_blocking(atomic));
	KUNIT_EXPECT_TRUE(test, !!(atomic & __GFP_HIGH));
	KUNIT_EXPECT_TRUE(test, !!(atomic & __GFP_NOWARN));
}

static void set_group_atomically(void *data)
{
	struct nta_affinity whole;
	struct late *late = data;
	GROUP_AFFINITY affinity = {
		.Mask = late->a.mask,
		.Group = late->a.group,
	};

	KeSetSystemGroupAffinityThread(&affinity, NULL);
	nta_look_at_me(&late->before);
	whole = nta_whole_group(late->a.group);
	affinity.Mask = whole.mask;
	preempt_disable();
	KeSetSystemGroupAffinityThread(&affinity, NULL);
	preempt_enable();
}

static void set_group_again(void *data)
{
	struct late *late = data;
	struct nta_affinity whole = nta_whole_group(late->a.group);
	GROUP_AFFINITY affinity = { .Mask = whole.mask, .Group = whole.group };

	KeSetSystemGroupAffinityThread(&affinity, NULL);
	nta_look_at_me(&late->after);
	KeRevertToUserAffinityThread();
}

/*
 * S17, I5: a worker that has taken what waits, and has not installed it yet, is
 * waited for, though the thread is inside the new system affinity already.
 */
static void set_of_the_mask_that_a_worker_installs_waits(struct kunit *test)
{
	struct late *late = kunit_kzalloc(test, sizeof(*late), GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	unsigned int ticks = NTA_WORK_TIMEOUT;
	struct nta_affinity whole;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, late);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	late->a = nta_pick(test, 1);
	whole = nta_whole_group(late->a.group);
	if (nta_affinity_equal(&whole, &late->a))
		kunit_skip(test, "needs a group with two active processors");

	nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	nta_worker_do(test, worker, set_group_atomically, late);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_worker_begin(worker, set_group_again, late);
	while (!nta_anybody_waits() && !completion_done(&worker->done) && --ticks)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_TRUE(test, nta_anybody_waits());
	KUNIT_EXPECT_FALSE(test, completion_done(&worker->done));
	nta_stretch_end();
	nta_worker_wait(test, worker);

	nta_check_mask(test, "one processor", &late->before.mask,
		       nta_mask_of(test, &late->a));
	nta_check_mask(test, "the group", &late->after.mask,
		       nta_mask_of(test, &whole));
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(calls_in_an_interrupt_are_refused_whole,
			 section_gen_params),
	KUNIT_CASE(memory_is_asked_for_as_the_context_allows),
	KUNIT_CASE(unbound_kworker_is_moved),
	KUNIT_CASE(kthread_bound_by_kthread_bind_stays),
	KUNIT_CASE(kthread_created_on_a_cpu_stays),
	KUNIT_CASE(per_cpu_kworker_stays),
	KUNIT_CASE(user_thread_that_nobody_may_rebind_is_moved),
	KUNIT_CASE(threaded_interrupt_handler_is_moved),
	KUNIT_CASE_PARAM(deadline_thread_is_served_only_where_it_need_not_move,
			 raised_gen_params),
	KUNIT_CASE_PARAM(deadline_thread_is_not_moved_by_a_wider_mask,
			 raised_gen_params),
	KUNIT_CASE(thread_that_became_deadline_while_active_is_reverted),
	KUNIT_CASE(thread_that_became_deadline_before_its_move_stays),
	KUNIT_CASE(set_of_the_mask_that_a_worker_installs_waits),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_context",
	.exit = nta_stretch_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
