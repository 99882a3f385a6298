// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the suites share, see helpers.h. Proves nothing by itself.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "foreign.h"
#include "helpers.h"
#include "queue.h"
#include "wdm.h"

/* --- processors --- */

const struct nta_topology *nta_lay_out(struct kunit *test,
				       const struct nta_layout *layout)
{
	unsigned int words = DIV_ROUND_UP(layout->groups << layout->group_shift,
					  BITS_PER_LONG);
	unsigned long *possible, *active, *seen;
	struct nta_topology *topology;
	unsigned int g, first, word, shift;

	topology = kunit_kzalloc(test, sizeof(*topology), GFP_KERNEL);
	possible = kunit_kcalloc(test, words, sizeof(long), GFP_KERNEL);
	active = kunit_kcalloc(test, words, sizeof(long), GFP_KERNEL);
	seen = kunit_kcalloc(test, words, sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, topology && possible && active && seen);

	for (g = 0; g < layout->groups; g++) {
		first = g << layout->group_shift;
		word = first / BITS_PER_LONG;
		shift = first % BITS_PER_LONG;
		possible[word] |= layout->pattern[g % layout->patterns].possible << shift;
		active[word] |= layout->pattern[g % layout->patterns].active << shift;
		seen[word] |= layout->pattern[g % layout->patterns].seen << shift;
	}
	*topology = (struct nta_topology){
		.possible = possible,
		.active = active,
		.seen = seen,
		.group_count = layout->groups,
		.group_shift = layout->group_shift,
	};
	return topology;
}

struct nta_affinity nta_pick(struct kunit *test, unsigned int i)
{
	unsigned int number, group, left = i;

	for (number = 0; number < nta_group_size(&nta_topology); number++) {
		for (group = 0; group < nta_topology.group_count; group++) {
			if (!(nta_group_active(&nta_topology, group) &
			      BIT_ULL(number)))
				continue;
			if (!left--)
				return (struct nta_affinity){
					.mask = BIT_ULL(number),
					.group = group,
				};
		}
	}
	kunit_skip(test, "needs %u active processors", i + 1);
	return NTA_NONE;
}

struct nta_affinity nta_whole_group(unsigned int group)
{
	return (struct nta_affinity){
		.mask = nta_group_active(&nta_topology, group),
		.group = group,
	};
}

unsigned int nta_other_group(struct kunit *test, unsigned int group)
{
	unsigned int other;

	for (other = 0; other < nta_topology.group_count; other++) {
		if (other != group && nta_group_active(&nta_topology, other))
			return other;
	}
	kunit_skip(test, "needs two groups with active processors: load with groupsize=2");
	return 0;
}

u64 nta_stray_bits(struct kunit *test, unsigned int group)
{
	u64 stray = ~nta_group_possible(&nta_topology, group);

	if (!stray)
		kunit_skip(test, "needs a group of less than 64 processors");
	return stray;
}

unsigned int nta_cpu(const struct nta_affinity *affinity)
{
	return nta_first_cpu(&nta_topology, affinity->group) +
	       __ffs64(affinity->mask);
}

struct cpumask *nta_mask(struct kunit *test)
{
	struct cpumask *mask = kunit_kzalloc(test, sizeof(*mask), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mask);
	return mask;
}

struct cpumask *nta_mask_of(struct kunit *test,
			    const struct nta_affinity *affinity)
{
	struct cpumask *mask = nta_mask(test);

	nta_group_to_cpumask(&nta_topology, affinity->group, affinity->mask,
			     mask);
	return mask;
}

void nta_check_mask(struct kunit *test, const char *what,
		    const struct cpumask *seen, const struct cpumask *expected)
{
	KUNIT_EXPECT_TRUE_MSG(test, cpumask_equal(seen, expected),
			      "%s: CPUs %*pbl, expected %*pbl", what,
			      cpumask_pr_args(seen), cpumask_pr_args(expected));
}

void nta_read_mask(struct task_struct *task, struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(mask, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* Seen by nobody, and nothing is moved. */
void nta_write_mask(struct task_struct *task, const struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(&task->cpus_mask, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* Since 6.2 the kernel keeps the mask that user mode asks for, and frees it. */
void nta_keep_user_mask(struct kunit *test, struct task_struct *task,
			const struct cpumask *mask)
{
	struct cpumask *kept;
	unsigned long flags;

	if (!NTA_KERNEL_KEEPS_USER_MASK)
		return;
	kept = kzalloc(max(sizeof(*kept), sizeof(struct rcu_head)), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept);
	cpumask_copy(kept, mask);
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	swap(task->user_cpus_ptr, kept);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	kfree(kept);
}

void nta_change_by_hand(struct nta_thread *thread, bool in_thread,
			const struct cpumask *mask)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	nta_note_change(thread, in_thread);
	cpumask_copy(&task->cpus_mask, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

void nta_user_sets(struct kunit *test, struct task_struct *task,
		   const struct cpumask *mask)
{
	nta_keep_user_mask(test, task, mask);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(task, mask), 0);
}

bool nta_wait_for_mask(struct task_struct *task, const struct cpumask *mask,
		       struct cpumask *seen)
{
	/* Not until a time: after a pause of the whole machine others run as well. */
	unsigned int ticks = NTA_PUT_BACK_TIMEOUT;

	do {
		nta_read_mask(task, seen);
		if (cpumask_equal(seen, mask))
			return true;
		schedule_timeout_uninterruptible(1);
	} while (--ticks);
	return false;
}

bool nta_wait_for_event(enum nta_event event, long count)
{
	unsigned int ticks = NTA_PUT_BACK_TIMEOUT;

	while (nta_event_count(event) < count) {
		if (!--ticks)
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

bool nta_wait_for_no_work(void)
{
	unsigned int ticks = NTA_WORK_TIMEOUT;

	while (!nta_queues_are_empty()) {
		if (!--ticks)
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

/* --- workers --- */

static int worker_main(void *data)
{
	struct nta_worker *worker = data;

	for (;;) {
		while (wait_for_completion_interruptible(&worker->go))
			;
		if (worker->ending)
			return 0;
		worker->work(worker->data);
		complete(&worker->done);
	}
}

void nta_worker_stop(struct nta_worker *worker)
{
	if (worker->ending)
		return;
	worker->ending = true;
	complete(&worker->go);
	kthread_stop(worker->task);
}

void nta_worker_forget(struct nta_worker *worker)
{
	nta_worker_stop(worker);
	if (worker->task)
		put_task_struct(worker->task);
	worker->task = NULL;
}

/* The processor that a worker is bound to. */
struct binding {
	unsigned int cpu;
	bool when_created;
};

static int worker_init(struct kunit_resource *resource, void *data)
{
	struct nta_worker *worker = kzalloc(sizeof(*worker), GFP_KERNEL);
	const struct binding *bound = data;

	if (!worker)
		return -ENOMEM;
	init_completion(&worker->go);
	init_completion(&worker->done);
	if (bound && bound->when_created)
		worker->task = kthread_create_on_cpu(worker_main, worker,
						     bound->cpu,
						     "nta_worker/%u");
	else
		worker->task = kthread_create(worker_main, worker, "nta_worker");
	if (IS_ERR(worker->task)) {
		kfree(worker);
		return -ENOMEM;
	}
	if (bound && !bound->when_created)
		kthread_bind(worker->task, bound->cpu);
	get_task_struct(worker->task);
	resource->data = worker;
	return 0;
}

static void worker_free(struct kunit_resource *resource)
{
	struct nta_worker *worker = resource->data;

	nta_worker_forget(worker);
	kfree(worker);
}

static struct nta_worker *make_worker(struct kunit *test,
				      struct binding *bound)
{
	struct nta_worker *worker = kunit_alloc_resource(test, worker_init,
							 worker_free,
							 GFP_KERNEL, bound);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, worker);
	/*
	 * Newer kernels give a kernel thread its affinity when it first runs:
	 * not after a test has given it one.
	 */
	nta_worker_do(test, worker, nta_do_nothing, NULL);
	return worker;
}

struct nta_worker *nta_worker_make(struct kunit *test)
{
	return make_worker(test, NULL);
}

struct nta_worker *nta_worker_make_on_cpu(struct kunit *test, unsigned int cpu)
{
	struct binding bound = { .cpu = cpu, .when_created = true };

	return make_worker(test, &bound);
}

struct nta_worker *nta_worker_make_bound(struct kunit *test, unsigned int cpu)
{
	struct binding bound = { .cpu = cpu };

	return make_worker(test, &bound);
}

void nta_worker_begin(struct nta_worker *worker, void (*work)(void *data),
		      void *data)
{
	worker->work = work;
	worker->data = data;
	complete(&worker->go);
	wake_up_process(worker->task);
}

/* Not on its way to sleep, nor on its way back. */
static bool is_asleep(struct task_struct *task)
{
	unsigned long flags;
	bool asleep;

	/* Who wakes it up holds pi_lock until TASK_WAKING says so. */
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	/* data_race: who goes to sleep right now is not asleep yet. */
	asleep = data_race(READ_ONCE(task->__state) == TASK_INTERRUPTIBLE &&
			   !task->on_rq);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return asleep;
}

/*
 * Afterwards it sleeps: what happens to its processors then is not about a thread that
 * runs. A worker that hangs is not left behind: the test hangs with it, and says so.
 */
void nta_worker_wait(struct kunit *test, struct nta_worker *worker)
{
	unsigned long limit;

	if (!wait_for_completion_timeout(&worker->done, NTA_WORK_TIMEOUT)) {
		KUNIT_FAIL(test, "%s[%d] hangs", worker->task->comm,
			   worker->task->pid);
		wait_for_completion(&worker->done);
	}
	limit = jiffies + NTA_WORK_TIMEOUT;
	while (!is_asleep(worker->task)) {
		if (time_after(jiffies, limit)) {
			KUNIT_FAIL(test, "%s[%d] does not go to sleep",
				   worker->task->comm, worker->task->pid);
			return;
		}
		usleep_range(20, 50);
	}
}

void nta_worker_do(struct kunit *test, struct nta_worker *worker,
		   void (*work)(void *data), void *data)
{
	nta_worker_begin(worker, work, data);
	nta_worker_wait(test, worker);
}

void nta_on_thread(struct kunit *test, void (*work)(void *data), void *data)
{
	struct nta_worker *worker = nta_worker_make(test);

	nta_worker_do(test, worker, work, data);
	nta_worker_stop(worker);
}

void nta_first_raise(void *unused)
{
	/* Longer than anybody waits for work: who waits for this fails. */
	unsigned int ticks = 2 * NTA_WORK_TIMEOUT;

	KeLowerIrql(KeRaiseIrqlToDpcLevel());
	while (atomic_read(&nta_marks) && --ticks)
		schedule_timeout_uninterruptible(1);
}

void nta_do_nothing(void *unused)
{
}

void nta_do_set(void *data)
{
	const struct nta_affinity *affinity = data;
	GROUP_AFFINITY set = { .Mask = affinity->mask, .Group = affinity->group };

	KeSetSystemGroupAffinityThread(&set, NULL);
}

void nta_do_set_atomically(void *affinity)
{
	preempt_disable();
	nta_do_set(affinity);
	preempt_enable();
}

void nta_do_revert(void *unused)
{
	KeRevertToUserAffinityThread();
}

void nta_do_revert_atomically(void *unused)
{
	preempt_disable();
	KeRevertToUserAffinityThread();
	preempt_enable();
}

#ifdef CONFIG_FAILSLAB
void nta_fail_allocation(unsigned int number)
{
	WRITE_ONCE(current->fail_nth, number);
}

bool nta_failure_is_left(void)
{
	return READ_ONCE(current->fail_nth);
}

bool nta_allocations_can_fail(void)
{
	void *probe;

	nta_fail_allocation(1);
	probe = kmalloc(64, GFP_KERNEL | __GFP_NOWARN);
	nta_fail_allocation(0);
	kfree(probe);
	return !probe;
}
#else
void nta_fail_allocation(unsigned int number)
{
}

bool nta_failure_is_left(void)
{
	return false;
}

bool nta_allocations_can_fail(void)
{
	return false;
}
#endif

bool nta_wait_forgotten(const struct task_struct *task)
{
	unsigned int ticks = NTA_END_TIMEOUT;
	struct nta_thread_snapshot entry;

	/* The end of a thread is reported by an RCU callback. */
	do {
		rcu_barrier();
		nta_thread_snapshot(task, &entry);
		if (!entry.known) {
			/* The callback may still be at what comes after. */
			rcu_barrier();
			return true;
		}
		schedule_timeout_uninterruptible(1);
	} while (--ticks);
	return false;
}

/* --- walks --- */

static const char * const call_names[] = {
	[NTA_SET] = "Set",
	[NTA_SET_IN_PLACE] = "Set in place",
	[NTA_SET_NO_PREVIOUS] = "Set without Previous",
	[NTA_SET_NULL] = "Set of NULL",
	[NTA_SET_NULL_NULL] = "Set of NULL without Previous",
	[NTA_REVERT] = "Revert",
	[NTA_REVERT_NULL] = "Revert to NULL",
	[NTA_SET_EX] = "SetEx",
	[NTA_REVERT_EX] = "RevertEx",
	[NTA_SET_LEGACY] = "KeSetSystemAffinityThread",
	[NTA_REVERT_LEGACY] = "KeRevertToUserAffinityThread",
	[NTA_STOR_SET] = "StorPort Set",
	[NTA_STOR_SET_IN_PLACE] = "StorPort Set in place",
	[NTA_STOR_SET_NO_PREVIOUS] = "StorPort Set without Previous",
	[NTA_STOR_SET_NULL] = "StorPort Set of NULL",
	[NTA_STOR_REVERT] = "StorPort Revert",
	[NTA_STOR_REVERT_NULL] = "StorPort Revert to NULL",
};

static void read_refused(long *refused)
{
	unsigned int i;

	for (i = 0; i < NTA_REASONS; i++)
		refused[i] = nta_refused_count(i);
}

void nta_look_at_me(struct nta_look *look)
{
	look->task_state = READ_ONCE(current->__state);
	nta_thread_snapshot(current, &look->entry);
	nta_read_mask(current, &look->mask);
	look->cpu = raw_smp_processor_id();
}

static void call_storport(const struct nta_walk *walk,
			  const struct nta_step *step, GROUP_AFFINITY *ke_input,
			  struct nta_look *look)
{
	PVOID adapter = walk->names[step->as].adapter;
	PVOID context = walk->names[step->as].context;
	/* P1: the layout is the same. */
	PSTOR_GROUP_AFFINITY previous = (void *)&look->previous;
	PSTOR_GROUP_AFFINITY input = (void *)ke_input;

	look->status = NTA_POISON;
	switch (step->call) {
	case NTA_STOR_SET_IN_PLACE:
		*previous = *input;
		input = previous;
		break;
	case NTA_STOR_SET_NO_PREVIOUS:
		previous = NULL;
		break;
	case NTA_STOR_SET_NULL:
	case NTA_STOR_REVERT_NULL:
		input = NULL;
		break;
	default:
		break;
	}
	if (step->call == NTA_STOR_REVERT || step->call == NTA_STOR_REVERT_NULL)
		look->status = StorPortRevertToUserGroupAffinityThread(adapter,
								       context,
								       input);
	else
		look->status = StorPortSetSystemGroupAffinityThread(adapter,
								    context,
								    input,
								    previous);
}

static void call(const struct nta_walk *walk, const struct nta_step *step,
		 struct nta_look *look)
{
	GROUP_AFFINITY input, kept, *previous = &look->previous;

	memset(previous, NTA_POISON, sizeof(*previous));
	memset(&input, NTA_POISON, sizeof(input));
	input.Mask = step->with.mask;
	input.Group = step->with.group;
	kept = input;

	switch (step->call) {
	case NTA_SET:
		KeSetSystemGroupAffinityThread(&input, previous);
		break;
	case NTA_SET_IN_PLACE:
		*previous = input;
		KeSetSystemGroupAffinityThread(previous, previous);
		break;
	case NTA_SET_NO_PREVIOUS:
		KeSetSystemGroupAffinityThread(&input, NULL);
		break;
	case NTA_SET_NULL:
		KeSetSystemGroupAffinityThread(NULL, previous);
		break;
	case NTA_SET_NULL_NULL:
		KeSetSystemGroupAffinityThread(NULL, NULL);
		break;
	case NTA_REVERT:
		KeRevertToUserGroupAffinityThread(&input);
		break;
	case NTA_REVERT_NULL:
		KeRevertToUserGroupAffinityThread(NULL);
		break;
	case NTA_SET_EX:
		look->returned = KeSetSystemAffinityThreadEx(step->with.mask);
		break;
	case NTA_REVERT_EX:
		KeRevertToUserAffinityThreadEx(step->with.mask);
		break;
	case NTA_SET_LEGACY:
		KeSetSystemAffinityThread(step->with.mask);
		break;
	case NTA_REVERT_LEGACY:
		KeRevertToUserAffinityThread();
		break;
	default:
		call_storport(walk, step, &input, look);
	}
	look->input_kept = !memcmp(&input, &kept, sizeof(input));
	/* Nobody may remember where the input was (S20). */
	memset(&input, 0xff, sizeof(input));
}

static void take_step(const struct nta_walk *walk, const struct nta_step *step,
		      struct nta_look *look)
{
	long before[NTA_REASONS];
	unsigned int i;

	read_refused(before);
	call(walk, step, look);
	nta_look_at_me(look);
	read_refused(look->refused);
	for (i = 0; i < NTA_REASONS; i++)
		look->refused[i] -= before[i];
}

struct nta_walk *nta_walk_make(struct kunit *test, const struct nta_step *steps,
			       unsigned int count)
{
	struct nta_walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, walk);
	walk->steps = steps;
	walk->count = count;
	walk->looks = kunit_kcalloc(test, count + 2, sizeof(*walk->looks),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, walk->looks);
	return walk;
}

void nta_walk_take(void *data)
{
	struct nta_walk *walk = data;
	unsigned int i;

	nta_look_at_me(&walk->looks[0]);
	for (i = 0; i < walk->count; i++)
		take_step(walk, &walk->steps[i], &walk->looks[i + 1]);

	KeRevertToUserAffinityThread();
	nta_look_at_me(&walk->looks[walk->count + 1]);
}

static void check_output(struct kunit *test, const char *what,
			 const struct nta_step *step,
			 const struct nta_look *look)
{
	GROUP_AFFINITY expected = {
		.Mask = step->previous.mask,
		.Group = step->previous.group,
	};

	switch (step->call) {
	case NTA_SET:
	case NTA_SET_IN_PLACE:
	case NTA_SET_NULL:
	case NTA_STOR_SET:
	case NTA_STOR_SET_IN_PLACE:
	case NTA_STOR_SET_NULL:
		break;
	case NTA_SET_EX:
		KUNIT_EXPECT_EQ_MSG(test, look->returned, expected.Mask,
				    "%s: returned", what);
		fallthrough;
	default:
		/* Not passed to the call: it keeps the poison. */
		memset(&expected, NTA_POISON, sizeof(expected));
	}

	/* S2: all 16 bytes. */
	KUNIT_EXPECT_TRUE_MSG(test,
			      !memcmp(&look->previous, &expected, sizeof(expected)),
			      "%s: Previous %*ph, expected %*ph", what,
			      (int)sizeof(expected), &look->previous,
			      (int)sizeof(expected), &expected);
	KUNIT_EXPECT_EQ_MSG(test, look->status, step->status, "%s: status",
			    what);
	KUNIT_EXPECT_TRUE_MSG(test, look->input_kept,
			      "%s: the input was written to", what);
}

static void check_state(struct kunit *test, const char *what,
			const struct nta_state *expected,
			const struct nta_look *look)
{
	const struct nta_state *state = &look->entry.state;

	KUNIT_EXPECT_EQ_MSG(test, state->active, expected->active,
			    "%s: active", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.owned,
			       "%s: somebody still owns the entry", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.displaced, "%s: displaced",
			       what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.given_up, "%s: given up", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.in_force && !state->active &&
			       !look->entry.pending,
			       "%s: something is in force, and nothing active", what);
	KUNIT_EXPECT_EQ_MSG(test, look->task_state, (unsigned int)TASK_RUNNING,
			    "%s: task state (S19)", what);
	KUNIT_EXPECT_TRUE_MSG(test, cpumask_test_cpu(look->cpu, &look->mask),
			      "%s: runs on CPU %u, outside %*pbl (S13, R8)", what,
			      look->cpu, cpumask_pr_args(&look->mask));
	if (!expected->active)
		return;
	KUNIT_EXPECT_TRUE_MSG(test, look->entry.known, "%s: no entry", what);
	KUNIT_EXPECT_EQ_MSG(test, state->system.group, expected->system.group,
			    "%s: group of the system affinity", what);
	KUNIT_EXPECT_EQ_MSG(test, state->system.mask, expected->system.mask,
			    "%s: mask of the system affinity", what);
}

static void check_refused(struct kunit *test, const char *what,
			  enum nta_reason refused, const struct nta_look *look)
{
	unsigned int i;

	/* S15: by the output nobody could tell. */
	for (i = 0; i < NTA_REASONS; i++)
		KUNIT_EXPECT_EQ_MSG(test, look->refused[i],
				    (long)(refused && i == refused),
				    "%s: counter of reason %u", what, i);
}

void nta_walk_check(struct kunit *test, const struct nta_walk *walk)
{
	const struct nta_look *before = &walk->looks[0];
	const struct nta_look *after = &walk->looks[walk->count + 1];
	struct cpumask *system = nta_mask(test);
	const struct nta_step *step;
	const struct nta_look *look;
	const struct cpumask *mask;
	unsigned int i;
	char what[64];

	for (i = 0; i < walk->count; i++) {
		step = &walk->steps[i];
		look = &walk->looks[i + 1];
		mask = &before->mask;
		if (step->then.active && !walk->stays) {
			nta_group_to_cpumask(&nta_topology,
					     step->then.system.group,
					     step->then.system.mask, system);
			mask = system;
		}
		snprintf(what, sizeof(what), "step %u, %s", i + 1,
			 call_names[step->call]);
		check_output(test, what, step, look);
		check_state(test, what, &step->then, look);
		check_refused(test, what, step->refused, look);
		nta_check_mask(test, what, &look->mask, mask);
		if (step->then.active)
			KUNIT_EXPECT_EQ_MSG(test, look->entry.bound, walk->bound,
					    "%s: bound (T2)", what);
	}

	/* U1, U2: whatever the steps were, nothing of them is left. */
	check_state(test, "at the end", &NTA_USER, after);
	nta_check_mask(test, "at the end (U1, U2)", &after->mask, &before->mask);
}

void nta_walk(struct kunit *test, const struct nta_step *steps,
	      unsigned int count)
{
	struct nta_walk *walk = nta_walk_make(test, steps, count);

	nta_on_thread(test, nta_walk_take, walk);
	nta_walk_check(test, walk);
}

struct narrow_walk {
	const struct cpumask *mask;
	struct nta_walk *walk;
	int ret;
};

static void take_narrow_walk(void *data)
{
	struct narrow_walk *narrow = data;

	narrow->ret = set_cpus_allowed_ptr(current, narrow->mask);
	nta_walk_take(narrow->walk);
}

void nta_walk_narrow(struct kunit *test, const struct cpumask *mask,
		     const struct nta_step *steps, unsigned int count)
{
	struct narrow_walk narrow = {
		.mask = mask,
		.walk = nta_walk_make(test, steps, count),
	};

	nta_on_thread(test, take_narrow_walk, &narrow);
	KUNIT_ASSERT_EQ(test, narrow.ret, 0);
	nta_check_mask(test, "before the first step",
		       &narrow.walk->looks[0].mask, mask);
	nta_walk_check(test, narrow.walk);
}

NTA_IMPORT_FOR_KUNIT();
MODULE_DESCRIPTION("KUnit suites of ntaffinity");
MODULE_LICENSE("GPL");
