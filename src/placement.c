// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a thread where its state says: the only caller of set_cpus_allowed_ptr().
 *
 * Three masks are kept apart. What the driver asked for is trimmed by
 * affinity.c to the system affinity. That is handed to the kernel, and what the
 * kernel then has in cpus_mask is the installed mask, read back: since 6.2 it
 * can be narrower, because the kernel cuts it with the mask that user mode set.
 *
 * The user affinity is one fact with one owner, learn_user(): when a thread is
 * not active it is cpus_mask; when it is active, cpus_mask differs from the
 * installed mask only if somebody else changed it, and then it is that newer
 * mask. Every way in asks before it installs.
 *
 * Whoever installs owns the thread's entry for as long as it takes (I5), so the
 * masks in the entry have one writer at a time.
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "placement.h"
#include "report.h"
#include "thread.h"
#include "topology.h"

/*
 * A migration can fail silently while CPUs come and go. Each further try has to
 * meet another hotplug operation to fail again.
 */
#define INSTALL_TRIES 4

static struct workqueue_struct *unload_queue;
static DECLARE_WAIT_QUEUE_HEAD(unload_wait);
static atomic_t unload_threads = ATOMIC_INIT(0);

static void read_cpus_mask(struct task_struct *task, struct cpumask *mask)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(mask, &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* Learn what user mode wants of the thread now. The caller owns the entry. */
static void learn_user(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (!thread->state.active ||
	    !cpumask_equal(&task->cpus_mask, nta_thread_installed(thread)))
		cpumask_copy(nta_thread_user(thread), &task->cpus_mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* Whether current runs inside @mask and inside what the kernel made of it. */
static bool arrived(const struct cpumask *mask)
{
	unsigned int cpu = raw_smp_processor_id();

	return cpumask_test_cpu(cpu, mask) &&
	       /* data_race: a change right now counts as one after the call. */
	       data_race(cpumask_test_cpu(cpu, &current->cpus_mask));
}

/*
 * Have the kernel take a mask, and when it is for current, be there.
 *
 * A mask equal to the one in force returns early in the kernel and moves
 * nothing. So before a further try the mask becomes the processor that current
 * is stuck on, which the mask it should be in never equals.
 *
 * Returns 0; -EINVAL if the kernel refused the mask and nothing changed; -EAGAIN
 * if the migration failed and cpus_mask has to be put right by the caller.
 */
static int install(struct task_struct *task, const struct cpumask *mask)
{
	int tries, ret;

	for (tries = 0; tries < INSTALL_TRIES; tries++) {
		if (tries) {
			nta_report_event(NTA_EVENT_INSTALL_REPEATED);
			set_cpus_allowed_ptr(task,
					     cpumask_of(raw_smp_processor_id()));
		}
		ret = set_cpus_allowed_ptr(task, mask);
		if (ret)
			return tries ? -EAGAIN : ret;
		if (task != current || arrived(mask))
			return 0;
	}
	return -EAGAIN;
}

/*
 * Per-CPU kworkers, ksoftirqd and their like: the code that owns them relies on
 * where they are, and a bound kworker that sleeps elsewhere can corrupt its
 * pool's count of running workers (T2).
 */
static bool is_bound_kthread(struct nta_thread *thread)
{
	return (thread->task->flags & PF_KTHREAD) &&
	       (thread->task->flags & PF_NO_SETAFFINITY) &&
	       cpumask_weight(nta_thread_user(thread)) == 1;
}

/* What keeps the thread from being moved, if anything does. */
static enum nta_reason held_in_place(struct nta_thread *thread)
{
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return NTA_BOUND_KTHREAD;
	/* Moving one would corrupt its root domain's bandwidth accounting (T4). */
	if (thread->task->policy == SCHED_DEADLINE)
		return NTA_DEADLINE;
	return NTA_OK;
}

/* The last resort: better anywhere than nowhere, or stuck on one processor. */
static void use_any_processor(struct task_struct *task)
{
	if (install(task, cpu_active_mask))
		nta_report_event(NTA_EVENT_LOST);
}

/* After a Set that failed halfway: back to the affinity from before. */
static void undo(struct nta_thread *thread)
{
	struct cpumask *mask = nta_thread_user(thread);

	if (thread->state.active) {
		mask = nta_thread_installed(thread);
		nta_group_to_cpumask(&nta_topology, thread->state.system.group,
				     thread->state.system.mask, mask);
	}
	if (install(thread->task, mask))
		use_any_processor(thread->task);
}

/**
 * nta_is_placed() - whether a Set of this system affinity has nothing to do
 * @thread: current's entry
 * @system: the system affinity asked for, trimmed
 *
 * Takes no lock, the scheduler's least of all (S17).
 *
 * Context: process.
 * Return: true if the thread is where @system wants it.
 */
bool nta_is_placed(struct nta_thread *thread, const struct nta_affinity *system)
{
	struct cpumask *installed = nta_thread_installed(thread);

	return thread->state.active &&
	       nta_affinity_equal(&thread->state.system, system) &&
	       nta_cpumask_inside(&nta_topology, installed, system->group,
				  system->mask) &&
	       /* data_race: a change right now counts as one after the call. */
	       data_race(cpumask_equal(&thread->task->cpus_mask, installed)) &&
	       cpumask_test_cpu(raw_smp_processor_id(), installed);
}

/**
 * nta_place_system() - move a thread to a system affinity
 * @thread: its entry, owned by the caller; @thread->state is still the old one
 * @system: the system affinity, trimmed
 *
 * Context: process; may sleep. For current, which then runs inside @system.
 * Return: NTA_OK, or why the thread's affinity is what it was.
 */
enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_affinity *system)
{
	struct cpumask *installed = nta_thread_installed(thread);
	struct task_struct *task = thread->task;
	enum nta_reason reason;
	int ret;

	learn_user(thread);
	if (!thread->state.active)
		assign_bit(NTA_THREAD_BOUND, &thread->flags,
			   is_bound_kthread(thread));

	nta_group_to_cpumask(&nta_topology, system->group, system->mask,
			     installed);

	reason = held_in_place(thread);
	if (reason) {
		/* data_race: a change right now counts as one after the call. */
		if (data_race(cpumask_subset(&task->cpus_mask, installed)))
			reason = NTA_OK;
		goto read_back;
	}

	ret = install(task, installed);
	if (ret) {
		reason = NTA_KERNEL_REFUSED;
		if (ret == -EAGAIN)
			undo(thread);
	}

read_back:
	read_cpus_mask(task, installed);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_system);

/**
 * nta_place_user() - move a thread to its user affinity
 * @thread: its entry, owned by the caller; @thread->state is still the old one
 *
 * Context: process; may sleep. For another thread it sleeps until that may
 * migrate.
 * Return: NTA_OK, or NTA_KERNEL_REFUSED if no processor of the user affinity is
 * active: the thread then may use all active processors (R11).
 */
enum nta_reason nta_place_user(struct nta_thread *thread)
{
	struct cpumask *user = nta_thread_user(thread);
	struct task_struct *task = thread->task;

	learn_user(thread);

	/* What was never moved is not moved back (T2). */
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return NTA_OK;

	if (!install(task, user))
		return NTA_OK;

	nta_report_user_refused(task, user);
	use_any_processor(task);
	return NTA_KERNEL_REFUSED;
}

static void revert_for_unload(struct work_struct *work)
{
	struct nta_thread *thread =
		container_of(work, struct nta_thread, unload_work);

	nta_thread_own(thread);
	nta_report_left_active(thread->task, &thread->state.system,
			       thread->caller);
	nta_place_user(thread);
	thread->state = (struct nta_state){};
	nta_thread_disown(thread);

	put_task_struct(thread->task);
	nta_thread_put(thread);
	if (atomic_dec_and_test(&unload_threads))
		wake_up(&unload_wait);
}

static void queue_revert_for_unload(struct nta_thread *thread)
{
	atomic_inc(&unload_threads);
	INIT_WORK(&thread->unload_work, revert_for_unload);
	queue_work(unload_queue, &thread->unload_work);
}

/**
 * nta_placement_start() - get ready to place threads
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_placement_start(void)
{
	/* Made now, so that unload cannot fail for memory. */
	unload_queue = alloc_workqueue("ntaffinity", WQ_UNBOUND, 0);
	return unload_queue ? 0 : -ENOMEM;
}

/**
 * nta_placement_stop() - give every thread that is still active its user affinity
 *
 * One work item a thread: a thread that may not migrate delays the unload, but
 * not the other threads.
 *
 * Context: process; sleeps until all are done. No DDI may be called any more.
 */
void nta_placement_stop(void)
{
	nta_threads_take_active(queue_revert_for_unload);

	while (!wait_event_timeout(unload_wait, !atomic_read(&unload_threads),
				   10 * HZ))
		pr_warn("unload waits for %d thread(s) that may not migrate now\n",
			atomic_read(&unload_threads));
	destroy_workqueue(unload_queue);
}
