// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel threads that a miniport starts for an adapter of its own (P4 to P6).
 *
 * What the miniport gets to hold of a thread, the ThreadContext, is a number in
 * the shape of a pointer. It is compared, never followed, and no number is given
 * twice: so neither a context that is made up nor that of a thread that has ended
 * can be taken for another one. The adapter, HwDeviceExtension, is a number for
 * us too.
 *
 * Life. A thread's record is made before the thread, and is freed by a worker
 * after it. When the StartRoutine has returned, or the thread has called for its
 * end, it never runs in the miniport again. It hands its record to the worker
 * and leaves by a function of the kernel that completes and does not return: so
 * when that is completed the thread is in the kernel's own code. The worker then
 * drops what the thread held: a reference on ntaffinity. Not the thread itself,
 * which could then not tell anyone that this is done, and a miniport and
 * ntaffinity that are unloaded in one command would now and then meet a
 * reference.
 *
 * Nothing holds the miniport: what tells its threads to end is its exit routine,
 * which would then never run. Between that routine and the freeing of the text
 * comes the module notifier. It waits there until no thread that began in the
 * miniport is left; and because ntaffinity is held by the miniport until later,
 * all of this is still there.
 *
 * Who may touch what:
 *   threads, by_task	writers hold the lock, and so do readers of threads.
 *			Readers of by_task, who may be in any context, hold
 *			rcu_read_lock() alone
 *   task, ended	written under the lock; the thread itself, and the worker,
 *			may read the task without. It is held until the worker
 *			is done
 *   creator		under the lock, once the record is in the list
 *   the rest		constant once the record is in the list
 *
 * The lock is taken by threads only, never in an interrupt.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "adapter_thread.h"
#include "compat.h"
#include "irql.h"
#include "level.h"
#include "queue.h"
#include "report.h"
#include "request.h"
#include "thread.h"
#include "wdm.h"

/* When an unload that waits for a thread says so, and how often again. */
#define FIRST_LINE (5 * HZ)
#define NEXT_LINE (60 * HZ)

struct adapter_thread {
	struct list_head node;
	struct hlist_node by_task;
	struct task_struct *task;
	const void *adapter;
	const void *context;
	PSTOR_THREAD_START_ROUTINE start;
	void *start_context;
	unsigned long creator;
	bool ended;
	struct completion leaving;
	union {
		struct work_struct work;
		struct rcu_head rcu;
	};
};

static LIST_HEAD(threads);
static DEFINE_HASHTABLE(by_task, 8);
static DEFINE_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(thread_gone);

/* --- priorities (P5) --- */

/*
 * The seven levels of Windows' scheduler that StorPort has names for. Up to 15
 * they are in the range where threads share a processor; 15 is its top, and
 * comes before all others of it, like the lowest of SCHED_FIFO here. From 16 on
 * they are real-time levels. A SCHED_FIFO thread that does not sleep keeps others
 * off its processor.
 */
static const struct {
	STOR_THREAD_PRIORITY priority;
	void (*set)(struct task_struct *task);
	int nice;
} priorities[] = {
	{ StorThreadPriorityBackground, .nice = 5 },
	{ StorThreadPriorityNormal, .nice = 0 },
	{ StorThreadPriorityDelayed, .nice = -5 },
	{ StorThreadPriorityCritical, .nice = -10 },
	{ StorThreadPrioritySuperCritical, .nice = -15 },
	{ StorThreadPriorityHyperCritical, .set = sched_set_fifo_low },
	{ StorThreadPriorityRealTime, .set = sched_set_fifo },
};

/* Its index in the table; -EINVAL if it is none of the seven. */
static int find_priority(STOR_THREAD_PRIORITY priority)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		if (priorities[i].priority == priority)
			return i;
	}
	return -EINVAL;
}

static void set_priority(struct task_struct *task, unsigned int i)
{
	if (priorities[i].set)
		priorities[i].set(task);
	else
		sched_set_normal(task, priorities[i].nice);
}

/* --- contexts (P4) --- */

/* The record of the calling thread. Its members are there under RCU. */
static const struct adapter_thread *find_current(void)
{
	const struct adapter_thread *thread;

	hash_for_each_possible_rcu(by_task, thread, by_task,
				   (unsigned long)current) {
		if (thread->task == current)
			return thread;
	}
	return NULL;
}

/**
 * nta_adapter_thread_is_current() - whether a context is the calling thread's
 * @adapter: HwDeviceExtension
 * @context: ThreadContext; NULL stands for the calling thread, whatever it is
 *
 * Context: any. In an interrupt the calling thread is the one that was
 * interrupted.
 * Return: whether it is, on this adapter.
 */
bool nta_adapter_thread_is_current(const void *adapter, const void *context)
{
	const struct adapter_thread *thread;
	bool is;

	if (!adapter || !context)
		return adapter;

	rcu_read_lock();
	thread = find_current();
	is = thread && thread->context == context && thread->adapter == adapter;
	rcu_read_unlock();
	return is;
}

/* The caller holds the lock. */
static struct adapter_thread *find_context(const void *adapter,
					   const void *context)
{
	struct adapter_thread *thread;

	lockdep_assert_held(&lock);
	list_for_each_entry(thread, &threads, node) {
		if (thread->context == context && thread->adapter == adapter &&
		    thread->task && !thread->ended)
			return thread;
	}
	return NULL;
}

static unsigned int count_threads(const void *adapter)
{
	const struct adapter_thread *thread;
	unsigned int count = 0;

	lockdep_assert_held(&lock);
	list_for_each_entry(thread, &threads, node)
		count += thread->adapter == adapter && !thread->ended;
	return count;
}

/**
 * nta_adapter_threads() - how many threads of an adapter have not ended
 * @adapter: HwDeviceExtension
 *
 * Context: process.
 * Return: the count.
 */
unsigned int nta_adapter_threads(const void *adapter)
{
	unsigned int count;

	spin_lock(&lock);
	count = count_threads(adapter);
	spin_unlock(&lock);
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(nta_adapter_threads);

/* --- the end of a thread --- */

static void forget(struct adapter_thread *thread)
{
	spin_lock(&lock);
	list_del(&thread->node);
	spin_unlock(&lock);
	wake_up_all(&thread_gone);
	kfree_rcu(thread, rcu);
}

/* The worker, who sees the thread out. Unload waits for its queue to be empty. */
static void see_out(struct work_struct *work)
{
	struct adapter_thread *thread =
		container_of(work, struct adapter_thread, work);
	struct task_struct *task;

	wait_for_completion(&thread->leaving);
	/* As long as it is in the list, others look at its task. */
	task = thread->task;
	/* Before the unload that may wait for it goes on to ours. */
	module_put(THIS_MODULE);
	forget(thread);
	put_task_struct(task);
}

/*
 * A thread that forgot to revert does so now, and is reported while the name of
 * the function that forgot can still be told (U8).
 */
static void revert_at_end(void)
{
	const struct nta_thread *thread = nta_thread_find(current);
	static const struct nta_affinity user;

	if (!thread || !thread->state.active)
		return;
	nta_report_leak(current, &thread->state.system,
			READ_ONCE(thread->caller));
	/* The caller's module may be gone by now. */
	nta_request_revert(&user, _THIS_IP_);
}

static void __noreturn end_current(struct adapter_thread *thread)
{
	nta_level_bring_down("ends");
	revert_at_end();
	__set_current_state(TASK_RUNNING);

	spin_lock(&lock);
	thread->ended = true;
	hash_del_rcu(&thread->by_task);
	spin_unlock(&lock);

	INIT_WORK(&thread->work, see_out);
	queue_work(nta_queue, &thread->work);
	kthread_complete_and_exit(&thread->leaving, 0);
}

/**
 * nta_adapter_thread_end() - end the calling thread
 * @adapter: HwDeviceExtension
 * @context: ThreadContext; NULL stands for the calling thread
 * @caller: the DDI's return address
 *
 * Context: process, where it may sleep and migrate, of a thread of the adapter's
 * whose context this is. Else nothing happens, and a line says so.
 *
 * Return: only then.
 */
void nta_adapter_thread_end(const void *adapter, const void *context,
			    unsigned long caller)
{
	static const char call[] = "StorPortTerminateSystemThread";
	struct adapter_thread *thread = NULL;

	if (nta_current_context() != NTA_PASSIVE) {
		nta_report_thread_refused(call, "not called at PASSIVE_LEVEL",
					  caller);
		return;
	}
	/* Not in an interrupt: current's record stays while it runs. */
	rcu_read_lock();
	if (nta_adapter_thread_is_current(adapter, context))
		thread = (struct adapter_thread *)find_current();
	if (thread && thread->adapter != adapter)
		thread = NULL;
	rcu_read_unlock();
	if (!thread) {
		nta_report_thread_refused(call,
					  "the calling thread is not that thread of this adapter",
					  caller);
		return;
	}
	end_current(thread);
}

/* --- the beginning of a thread --- */

static int adapter_thread_main(void *data)
{
	struct adapter_thread *thread = data;

	thread->start(thread->start_context);
	end_current(thread);
}

/*
 * The name of the module in which a function lies, to be freed; NULL if it lies
 * in the kernel, or there is no memory. %ps puts it in brackets after the
 * function's own.
 */
static char *name_of_driver(const void *function)
{
	char *symbol = kasprintf(GFP_KERNEL, "%ps", function);
	char *begin = symbol ? strrchr(symbol, '[') : NULL;
	char *end = begin ? strchr(begin, ']') : NULL;
	char *name = NULL;

	if (end)
		name = kmemdup_nul(begin + 1, end - begin - 1, GFP_KERNEL);
	kfree(symbol);
	return name;
}

static struct task_struct *make_task(struct adapter_thread *thread)
{
	char *name = name_of_driver(thread->start);
	struct task_struct *task;

	task = kthread_create(adapter_thread_main, thread, "%s",
			      name ?: "storport");
	kfree(name);
	return task;
}

/* Returns whether the adapter may have one more. */
static bool reserve(struct adapter_thread *thread)
{
	bool may;

	spin_lock(&lock);
	may = count_threads(thread->adapter) < num_possible_cpus();
	if (may)
		list_add_tail(&thread->node, &threads);
	spin_unlock(&lock);
	return may;
}

static struct adapter_thread *make_thread(const void *adapter,
					  PSTOR_THREAD_START_ROUTINE start,
					  void *start_context)
{
	static atomic64_t last_context = ATOMIC64_INIT(0);
	struct adapter_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);

	if (!thread)
		return NULL;
	thread->adapter = adapter;
	thread->context = (void *)atomic64_inc_return(&last_context);
	thread->start = start;
	thread->start_context = start_context;
	init_completion(&thread->leaving);
	return thread;
}

/**
 * nta_adapter_thread_start() - start a thread for an adapter
 * @adapter: HwDeviceExtension
 * @start: the StartRoutine; the thread ends when it returns
 * @start_context: passed to it
 * @priority: one of the seven
 * @context: optional; receives the ThreadContext before the thread can run, NULL
 *	if there is none
 * @caller: the DDI's return address
 *
 * Context: process, where it may sleep; else it fails.
 * Return: 0; -EINVAL for a bad argument; -EPERM where it may not sleep; -EAGAIN
 * if the adapter has as many threads as there are processors; or what
 * kthread_create() fails with.
 */
int nta_adapter_thread_start(void *adapter, PSTOR_THREAD_START_ROUTINE start,
			     void *start_context, STOR_THREAD_PRIORITY priority,
			     PVOID *context, unsigned long caller)
{
	int i = find_priority(priority), ret = -ENOMEM;
	const char *why = "no memory";
	struct adapter_thread *thread;
	struct task_struct *task;

	if (context)
		*context = NULL;
	if (!adapter || !start || i < 0) {
		ret = -EINVAL;
		why = "a NULL pointer, or there is no such priority";
		goto refused;
	}
	if (!nta_may_sleep(nta_current_context())) {
		ret = -EPERM;
		why = "called at DISPATCH_LEVEL or above";
		goto refused;
	}
	thread = make_thread(adapter, start, start_context);
	if (!thread)
		goto refused;
	thread->creator = caller;
	if (!reserve(thread)) {
		kfree(thread);
		ret = -EAGAIN;
		why = "the adapter has as many threads as there are processors";
		goto refused;
	}
	task = make_task(thread);
	if (IS_ERR(task)) {
		ret = PTR_ERR(task);
		why = "the kernel makes no thread";
		forget(thread);
		goto refused;
	}
	/* The caller is linked to us, so there is a reference to add to. */
	__module_get(THIS_MODULE);
	get_task_struct(task);
	set_priority(task, i);

	spin_lock(&lock);
	thread->task = task;
	hash_add_rcu(by_task, &thread->by_task, (unsigned long)task);
	spin_unlock(&lock);
	if (context)
		*context = (PVOID)thread->context;
	/* From here on it is the thread's own. */
	wake_up_process(task);
	return 0;

refused:
	nta_report_thread_refused("StorPortCreateSystemThread", why, caller);
	return ret;
}

/**
 * nta_adapter_thread_set_priority() - give a thread of an adapter a priority
 * @adapter: HwDeviceExtension
 * @context: ThreadContext of a thread that has not ended
 * @priority: one of the seven
 * @caller: the DDI's return address
 *
 * Context: PASSIVE_LEVEL; any thread.
 * Return: 0; -EINVAL for a bad argument; -EPERM above PASSIVE_LEVEL.
 */
int nta_adapter_thread_set_priority(const void *adapter, const void *context,
				    STOR_THREAD_PRIORITY priority,
				    unsigned long caller)
{
	const char *why = "a NULL pointer, or there is no such priority";
	int i = find_priority(priority), ret = -EINVAL;
	struct task_struct *task = NULL;
	struct adapter_thread *thread;

	if (!adapter || !context || i < 0)
		goto refused;
	if (nta_level() != PASSIVE_LEVEL) {
		ret = -EPERM;
		why = "called above PASSIVE_LEVEL";
		goto refused;
	}
	spin_lock(&lock);
	thread = find_context(adapter, context);
	if (thread)
		task = get_task_struct(thread->task);
	spin_unlock(&lock);
	if (!task) {
		why = "the adapter has no such thread";
		goto refused;
	}
	set_priority(task, i);
	put_task_struct(task);
	return 0;

refused:
	nta_report_thread_refused("StorPortSetPriorityThread", why, caller);
	return ret;
}

/* --- a miniport that goes (P6) --- */

static bool began_in(const struct adapter_thread *thread,
		     const struct module *module)
{
	return within_module((unsigned long)thread->start, module) ||
	       within_module(thread->creator, module);
}

static bool has_no_thread(const struct module *module)
{
	const struct adapter_thread *thread;
	bool none = true;

	spin_lock(&lock);
	list_for_each_entry(thread, &threads, node) {
		if (began_in(thread, module)) {
			none = false;
			break;
		}
	}
	spin_unlock(&lock);
	return none;
}

static void report_threads(const struct module *module)
{
	const struct adapter_thread *thread;

	spin_lock(&lock);
	list_for_each_entry(thread, &threads, node) {
		if (thread->task && began_in(thread, module))
			nta_report_thread_stays(module, thread->task,
						thread->start);
	}
	spin_unlock(&lock);
}

/* The init routine's text is freed next: the module stands for it. */
static void keep_creator(const struct module *module)
{
	struct adapter_thread *thread;

	spin_lock(&lock);
	list_for_each_entry(thread, &threads, node) {
		if (within_module_init(thread->creator, module))
			thread->creator = (unsigned long)module;
	}
	spin_unlock(&lock);
}

static int module_changes(struct notifier_block *block, unsigned long state,
			  void *data)
{
	const struct module *module = data;
	long patience = FIRST_LINE;

	if (state == MODULE_STATE_LIVE)
		keep_creator(module);
	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	while (!wait_event_timeout(thread_gone, has_no_thread(module), patience)) {
		report_threads(module);
		patience = NEXT_LINE;
	}
	return NOTIFY_DONE;
}

/*
 * Before all others, the kernel's own too: what they take apart, trace events for
 * one, the threads may be using.
 */
static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
	.priority = INT_MAX,
};

/**
 * nta_adapter_threads_start() - get ready for miniports that go
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_adapter_threads_start(void)
{
	return register_module_notifier(&module_notifier);
}

/**
 * nta_adapter_threads_stop() - there is no thread any more
 *
 * Context: process; may sleep. What the worker does after it has dropped the last
 * reference, nta_queues_stop() waits for.
 */
void nta_adapter_threads_stop(void)
{
	unregister_module_notifier(&module_notifier);
}
