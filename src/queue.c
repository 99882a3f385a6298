// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work on behalf of threads: how a worker is called from anywhere, with the
 * scheduler's locks held too, and how unload waits for the last one.
 *
 * One work item a thread, so that a thread that may not migrate delays no other.
 * Work in flight holds a reference on the entry and one on its task. What the
 * work does is not this file's: it is told nothing but the thread.
 */
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/sched/task.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "queue.h"
#include "thread.h"
#include "topology.h"

struct workqueue_struct *nta_queue;
/* The same, for work on a certain processor. */
static struct workqueue_struct *cpu_queue;
static DECLARE_WAIT_QUEUE_HEAD(work_wait);
static atomic_t work_left = ATOMIC_INIT(0);

static LLIST_HEAD(kicked_threads);
static work_func_t usual_work;
/* Looks after threads that something is to be done for when nobody tells. */
static struct delayed_work look_work;

/*
 * On a processor that is isolated a worker may be kept waiting for ever by a thread
 * that polls there, and would disturb it.
 */
static bool takes_workers(unsigned int cpu)
{
	return housekeeping_cpu(cpu, HK_TYPE_DOMAIN) &&
	       housekeeping_cpu(cpu, HK_TYPE_WQ);
}

/*
 * On a processor that the thread is to be moved to a worker finds it easier to
 * run than on the one that the thread keeps busy.
 */
static void queue_where_it_is_to_run(struct nta_thread *thread)
{
	unsigned int cpu = 0;
	/* data_race: a hint. */
	struct nta_affinity system = data_race(thread->state.system);
	u64 active = 0;

	/* Its place is the list's node until now. */
	INIT_WORK(&thread->work, usual_work);
	/* data_race: likewise. */
	if (data_race(thread->state.active) && !nta_is_several(&system))
		active = system.mask & nta_group_active(&nta_topology,
							system.group);
	if (active)
		cpu = nta_first_cpu(&nta_topology, system.group) + __ffs64(active);
	if (active && takes_workers(cpu))
		queue_work_on(cpu, cpu_queue, &thread->work);
	else
		queue_work(nta_queue, &thread->work);
}

static void queue_kicked(struct irq_work *unused)
{
	struct nta_thread *thread, *next;

	llist_for_each_entry_safe(thread, next, llist_del_all(&kicked_threads),
				  kicked)
		queue_where_it_is_to_run(thread);
}

static DEFINE_IRQ_WORK(kick, queue_kicked);

/**
 * nta_queue_set_work() - say what work for a thread is
 * @func: the work
 * @look: the look at all threads that nta_look_in_a_second() asks for
 *
 * Context: process, before there is anything to do.
 */
void nta_queue_set_work(work_func_t func, work_func_t look)
{
	usual_work = func;
	INIT_DELAYED_WORK(&look_work, look);
}

/**
 * nta_apply_soon() - have a worker make true what a thread's state says
 * @thread: the entry, which cannot go away meanwhile, nor its task
 *
 * Context: any, with the scheduler's locks held too: waking a worker has to
 * wait for an interrupt.
 */
void nta_apply_soon(struct nta_thread *thread)
{
	if (test_and_set_bit(NTA_THREAD_KICKED, &thread->flags))
		return;
	if (!nta_thread_get(thread))
		return;
	get_task_struct(thread->task);
	atomic_inc(&work_left);
	llist_add(&thread->kicked, &kicked_threads);
	irq_work_queue(&kick);
}
EXPORT_SYMBOL_IF_KUNIT(nta_apply_soon);

/**
 * nta_keep_workers_away() - let nobody send a worker for a thread
 * @thread: the entry
 *
 * Who asks for one meanwhile is not told that it does not come.
 *
 * Context: any.
 * Return: false if one is on its way.
 */
bool nta_keep_workers_away(struct nta_thread *thread)
{
	return !test_and_set_bit(NTA_THREAD_KICKED, &thread->flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_keep_workers_away);

/**
 * nta_let_workers_come() - the end of that
 * @thread: the entry: the caller has to look afterwards what there is to do
 *
 * Context: any.
 */
void nta_let_workers_come(struct nta_thread *thread)
{
	clear_bit(NTA_THREAD_KICKED, &thread->flags);
	smp_mb__after_atomic(); /* before that look; pairs with nta_apply_soon() */
}
EXPORT_SYMBOL_IF_KUNIT(nta_let_workers_come);

/**
 * nta_look_in_a_second() - have all threads looked at, if that is not asked for already
 *
 * Context: any; no lock of the scheduler is held.
 */
void nta_look_in_a_second(void)
{
	queue_delayed_work(nta_queue, &look_work, HZ);
}
EXPORT_SYMBOL_IF_KUNIT(nta_look_in_a_second);

/**
 * nta_look_no_more() - the end of that, until it is asked for again
 *
 * Context: process; sleeps until nobody looks.
 */
void nta_look_no_more(void)
{
	cancel_delayed_work_sync(&look_work);
}

/**
 * nta_look_now() - for tests: look, and do not wait for the second to be over
 *
 * Context: process; sleeps until it is done.
 * Return: whether that had been asked for.
 */
bool nta_look_now(void)
{
	bool asked = delayed_work_pending(&look_work);

	/* Who is quick has done it before the flush looks. */
	return flush_delayed_work(&look_work) || asked;
}
EXPORT_SYMBOL_IF_KUNIT(nta_look_now);

/**
 * nta_queue_for_unload() - have a worker do something else for a thread
 * @thread: the entry, taken by unload
 * @func: what to do
 *
 * Context: any.
 */
void nta_queue_for_unload(struct nta_thread *thread, work_func_t func)
{
	atomic_inc(&work_left);
	INIT_WORK(&thread->work, func);
	queue_work(nta_queue, &thread->work);
}

/**
 * nta_work_done() - work for a thread is done
 * @thread: the entry, which may be gone afterwards
 *
 * Context: any.
 */
void nta_work_done(struct nta_thread *thread)
{
	put_task_struct(thread->task);
	nta_thread_put(thread);
	if (atomic_dec_and_test(&work_left))
		wake_up(&work_wait);
}

/**
 * nta_queues_wait() - wait until no work is left
 *
 * Context: process; sleeps.
 */
void nta_queues_wait(void)
{
	while (!wait_event_timeout(work_wait, nta_queues_are_empty(), 10 * HZ))
		pr_warn("unload waits for %d thread(s) that may not migrate now\n",
			atomic_read(&work_left));
}

/**
 * nta_queues_are_empty() - whether no work is left
 *
 * Context: any.
 * Return: whether that is so.
 */
bool nta_queues_are_empty(void)
{
	return !atomic_read(&work_left);
}
EXPORT_SYMBOL_IF_KUNIT(nta_queues_are_empty);

/**
 * nta_queues_start() - get ready to work
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_queues_start(void)
{
	/*
	 * Made now, so that unload cannot fail for memory. More of them at once
	 * than a machine will need.
	 */
	nta_queue = alloc_workqueue("ntaffinity", WQ_UNBOUND | WQ_HIGHPRI,
				    WQ_MAX_ACTIVE);
	if (!nta_queue)
		return -ENOMEM;
	cpu_queue = alloc_workqueue("ntaffinity_cpu", WQ_HIGHPRI | NTA_WQ_PERCPU,
				    WQ_MAX_ACTIVE);
	if (!cpu_queue) {
		destroy_workqueue(nta_queue);
		return -ENOMEM;
	}
	return 0;
}

/**
 * nta_queues_stop() - nobody asks for more work
 *
 * Context: process; sleeps until the last of it is done.
 */
void nta_queues_stop(void)
{
	nta_queues_wait();
	irq_work_sync(&kick);
	destroy_workqueue(cpu_queue);
	destroy_workqueue(nta_queue);
}
