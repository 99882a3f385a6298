// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sees what happens to threads that are active, and tells user_affinity.c and
 * apply.c:
 *
 *	a change of affinity	by probes or by looking, see below (U3 to U6)
 *	a processor that came	a callback of CPU hotplug (U6)
 *	a driver that went	the module notifier (U13), also for a part of its text
 *
 * Changes of affinity. All ways to one, system calls, cpusets and the scheduler's
 * own fallback, meet in set_cpus_allowed_common(), under the thread's pi_lock. A
 * hook at its entry sees every change, while nobody can make another. A mask
 * that is equal to the one in force never gets there; that somebody asked for it
 * is seen where requests come in, set_cpus_allowed_ptr() and __sched_setaffinity().
 *
 * Our own installs come through two of the three, so there ftrace is used, which is
 * the cheapest. Where the kernel has no ftrace that shows a function's arguments,
 * probes take its place.
 *
 * Where it has neither, or where they turn out not to fire, because the compiler
 * has put a copy of a function into its callers, the threads that are active are
 * looked at every SCAN_MS instead.
 *
 * The hooks run wherever the kernel changes an affinity: in interrupts, with
 * the scheduler's locks held, or preemptible. They look an entry up under
 * rcu_read_lock(), take no lock of ours that anything else is done under, and wake
 * nobody (T5). A thread can get its entry while a request for it is under way, so
 * requests for threads without one are kept in mind too.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/hardirq.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "apply.h"
#include "child.h"
#include "compat.h"
#include "foreign.h"
#include "queue.h"
#include "report.h"
#include "thread.h"
#include "user_affinity.h"
#include "watch.h"

#define SCAN_MS 10

static bool sees_processors;
static int hotplug_state;

/* --- by hooks --- */

/* The thread that is to show that they fire, and what it has shown. */
static struct task_struct *proof_task;
static bool proof_of_change;
static bool proof_of_request;

#if NTA_HAVE_FTRACE || NTA_HAVE_PROBES

/* At the entry of set_cpus_allowed_common(), which keeps the task. */
static __always_inline void change_begins(struct task_struct *task,
					  bool in_thread)
{
	struct nta_thread *thread;

	if (unlikely(task == READ_ONCE(proof_task)))
		WRITE_ONCE(proof_of_change, true);
	/*
	 * Where a thread may not migrate the scheduler comes by here when it
	 * switches, without pi_lock: that leaves cpus_mask alone.
	 */
	if (unlikely(nta_migration_disabled(task)) && task == current)
		return;

	/* But not its entry. */
	rcu_read_lock();
	thread = nta_thread_find_rcu(task);
	if (thread)
		nta_note_change(thread, in_thread);
	else
		nta_forget_asked(task);
	rcu_read_unlock();
}

#endif

#if NTA_HAVE_FTRACE

static void notrace change_hook(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *ops,
				struct ftrace_regs *regs)
{
	change_begins(nta_hooked_task(regs), in_task());
}

static void notrace request_hook(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *regs)
{
	struct task_struct *task = nta_hooked_task(regs);
	struct nta_thread *thread;

	/* Ours. */
	if (nta_is_own_text(parent_ip)) {
		if (unlikely(task == READ_ONCE(proof_task)))
			WRITE_ONCE(proof_of_request, true);
		return;
	}

	rcu_read_lock();
	thread = nta_thread_find_rcu(task);
	if (!thread)
		nta_note_asked_early(task, nta_hooked_mask(regs));
	else if (!nta_is_installing(thread))
		nta_note_asked(thread, nta_hooked_mask(regs));
	rcu_read_unlock();
}

/* Not to be turned off by the sysctl kernel.ftrace_enabled. */
static struct ftrace_ops change_ops = {
	.func = change_hook,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

static struct ftrace_ops request_ops = {
	.func = request_hook,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

/*
 * Which function is meant. Without memory for that one entry the kernel says that all
 * is well, up to 7.3, and leaves the filter empty: then every function is. So
 * it is held against a filter that is empty.
 */
static int set_filter(struct ftrace_ops *ops, const char *symbol)
{
	const void *empty;
	char name[32];
	int ret;

	ret = ftrace_set_filter(ops, NULL, 0, 1);
	if (ret)
		return ret;
	empty = rcu_access_pointer(ops->func_hash->filter_hash);
	strscpy(name, symbol, sizeof(name));
	ret = ftrace_set_filter(ops, name, strlen(name), 1);
	if (!ret && rcu_access_pointer(ops->func_hash->filter_hash) == empty)
		ret = -ENOMEM;
	return ret;
}

static int hook(struct ftrace_ops *ops, const char *symbol)
{
	int ret;

	ret = set_filter(ops, symbol);
	if (!ret)
		ret = register_ftrace_function(ops);
	if (ret)
		ftrace_free_filter(ops);
	return ret;
}

static void unhook(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_free_filter(ops);
}

static int start_hooks(void)
{
	int ret;

	ret = hook(&change_ops, "set_cpus_allowed_common");
	if (ret)
		return ret;
	ret = hook(&request_ops, "set_cpus_allowed_ptr");
	if (ret)
		unhook(&change_ops);
	return ret;
}

static void stop_hooks(void)
{
	unhook(&request_ops);
	unhook(&change_ops);
}

#else

static int start_hooks(void)
{
	return -EOPNOTSUPP;
}

static void stop_hooks(void)
{
}

#endif

/* --- by probes --- */

#if NTA_HAVE_PROBES

/* What is remembered from a function's entry to its return. */
struct probe_data {
	struct task_struct *task;
	const struct cpumask *asked;
	struct nta_changes changes;
	bool counted;
	unsigned long before[];
};

/* Nothing in the kernel lets a module call this one: seen when it happens. */
static bool setaffinity_seen;

/* Whether the probe was met in a thread: where it is a trap, that counts as an NMI. */
static bool was_in_thread(void)
{
	unsigned int count = preempt_count();

	if (in_nmi())
		count -= NMI_OFFSET + HARDIRQ_OFFSET;
	return !(count & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET));
}
NOKPROBE_SYMBOL(was_in_thread);

static int enter_change(struct kprobe *probe, struct pt_regs *regs)
{
	change_begins(nta_probed_task(regs), was_in_thread());
	return 0;
}
NOKPROBE_SYMBOL(enter_change);

/* @early: it counts for a thread that has no entry yet, too. */
static int enter_request(struct probe_data *data, struct pt_regs *regs,
			 const struct cpumask *asked, bool early)
{
	struct nta_thread *thread;

	data->task = nta_probed_task(regs);
	data->asked = asked;
	data->changes = (struct nta_changes){};

	rcu_read_lock();
	thread = nta_thread_find_rcu(data->task);
	data->counted = thread;
	if (thread ? nta_is_installing(thread) : !early) {
		rcu_read_unlock();
		return 1;
	}
	/* It may have an entry when we return: one with counts that begin at 0. */
	nta_count_request(data->task, thread, 1);
	if (thread)
		data->changes = nta_count_changes(thread);
	/* data_race: where it matters it is compared. */
	data_race(cpumask_and(to_cpumask(data->before), &data->task->cpus_mask,
			      cpu_possible_mask));
	rcu_read_unlock();
	return 0;
}
NOKPROBE_SYMBOL(enter_request);

static int enter_set_cpus(struct kretprobe_instance *instance,
			  struct pt_regs *regs)
{
	if (nta_probed_task(regs) == READ_ONCE(proof_task))
		WRITE_ONCE(proof_of_request, true);
	return enter_request((void *)instance->data, regs,
			     nta_probed_mask(regs), true);
}
NOKPROBE_SYMBOL(enter_set_cpus);

static int enter_setaffinity(struct kretprobe_instance *instance,
			     struct pt_regs *regs)
{
	WRITE_ONCE(setaffinity_seen, true);
	/* A kernel that keeps what was asked for will show it. */
	return enter_request((void *)instance->data, regs,
			     nta_probed_user_mask(regs),
			     !NTA_KERNEL_KEEPS_USER_MASK);
}
NOKPROBE_SYMBOL(enter_setaffinity);

/* The mask that was asked for is the caller's, and still there. */
static int leave_request(struct kretprobe_instance *instance,
			 struct pt_regs *regs)
{
	struct probe_data *data = (void *)instance->data;
	struct nta_thread *thread;

	rcu_read_lock();
	thread = nta_thread_find_rcu(data->task);
	/* The entry can be gone, but not another: the requester has the task. */
	if (thread || !data->counted)
		nta_count_request(data->task, data->counted ? thread : NULL, -1);
	/* Not if he was refused: then nobody got what he asked for. */
	if (thread && !(int)regs_return_value(regs))
		nta_note_request(thread, &data->changes,
				 to_cpumask(data->before), data->asked);
	rcu_read_unlock();
	return 0;
}
NOKPROBE_SYMBOL(leave_request);

static struct kprobe change_probe = {
	.symbol_name = "set_cpus_allowed_common",
	.pre_handler = enter_change,
};

static struct kretprobe request_probe = {
	.kp.symbol_name = "set_cpus_allowed_ptr",
	.entry_handler = enter_set_cpus,
	.handler = leave_request,
};

static struct kretprobe setaffinity_probe = {
	.kp.symbol_name = "__sched_setaffinity",
	.entry_handler = enter_setaffinity,
	.handler = leave_request,
};

static int start_request_probe(struct kretprobe *probe)
{
	probe->data_size = sizeof(struct probe_data) + cpumask_size();
	/* A request can sleep while it has an instance. */
	probe->maxactive = max(64U, 2 * num_possible_cpus());
	return register_kretprobe(probe);
}

static int start_probes(void)
{
	int ret;

	ret = register_kprobe(&change_probe);
	if (ret)
		return ret;
	ret = start_request_probe(&request_probe);
	if (ret)
		unregister_kprobe(&change_probe);
	return ret;
}

static void stop_probes(void)
{
	unregister_kretprobe(&request_probe);
	unregister_kprobe(&change_probe);
}

static int start_setaffinity_probe(void)
{
	return start_request_probe(&setaffinity_probe);
}

static void stop_setaffinity_probe(void)
{
	unregister_kretprobe(&setaffinity_probe);
}

static const char *setaffinity_state(void)
{
	return READ_ONCE(setaffinity_seen) ? "has fired" : "has not fired yet";
}

/*
 * So often the kernel came by without a probe: another one ran, or all instances
 * were taken.
 */
static unsigned long missed_probes(void)
{
	/* data_race: counters of the kernel's. */
	return data_race(change_probe.nmissed + request_probe.nmissed +
			 request_probe.kp.nmissed + setaffinity_probe.nmissed +
			 setaffinity_probe.kp.nmissed);
}

#else

static int start_probes(void)
{
	return -EOPNOTSUPP;
}

static void stop_probes(void)
{
}

static int start_setaffinity_probe(void)
{
	return -EOPNOTSUPP;
}

static void stop_setaffinity_probe(void)
{
}

static const char *setaffinity_state(void)
{
	return "none";
}

static unsigned long missed_probes(void)
{
	return 0;
}

#endif

static int proof_main(void *unused)
{
	return 0;
}

/*
 * Whether what was started fires. A symbol that is there can still have been
 * copied into its callers; so the affinity of a thread is changed to see.
 */
static bool fires(void)
{
	struct task_struct *task;

	/* Then no affinity is ever changed. */
	if (num_possible_cpus() == 1)
		return true;

	/* It never runs: nobody wakes it before it is stopped. */
	task = kthread_create(proof_main, NULL, "ntaffinity");
	if (IS_ERR(task))
		return false;

	WRITE_ONCE(proof_of_change, false);
	WRITE_ONCE(proof_of_request, false);
	WRITE_ONCE(proof_task, task);
	/* Whatever mask it has, one of the two is another, and is not refused. */
	cpus_read_lock();
	set_cpus_allowed_ptr(task, cpumask_of(cpumask_first(cpu_active_mask)));
	set_cpus_allowed_ptr(task, cpu_possible_mask);
	cpus_read_unlock();
	WRITE_ONCE(proof_task, NULL);
	kthread_stop(task);
	return READ_ONCE(proof_of_change) && READ_ONCE(proof_of_request);
}

static const struct means {
	const char *name;
	int (*start)(void);
	void (*stop)(void);
} all_means[] = {
	{ "ftrace", start_hooks, stop_hooks },
	{ "probes", start_probes, stop_probes },
};

/* How changes are seen; NULL: by looking. */
static const struct means *means;
static bool sees_setaffinity;

static void start_seeing(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all_means); i++) {
		if (all_means[i].start())
			continue;
		if (fires()) {
			means = &all_means[i];
			break;
		}
		all_means[i].stop();
	}
	if (!means) {
		pr_info("no ftrace, no probes, or they do not fire: threads that are active are looked at every %d ms\n",
			SCAN_MS);
		return;
	}
	sees_setaffinity = !start_setaffinity_probe();
	nta_note_changes(true);
}

static void keep_fallback(struct nta_thread *thread, void *unused)
{
	nta_keep_fallback(thread);
}

static void stop_seeing(void)
{
	if (!means)
		return;
	nta_threads_visit(keep_fallback, NULL);
	nta_note_changes(false);
	if (sees_setaffinity)
		stop_setaffinity_probe();
	means->stop();
}

/* --- by looking --- */

static void look_after(struct nta_thread *thread, void *data)
{
	bool *any_active = data;

	if (nta_look_after(thread))
		*any_active = true;
}

static void scan_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(scan, scan_work);

static void scan_soon(void)
{
	queue_delayed_work(nta_queue, &scan, msecs_to_jiffies(SCAN_MS));
}

static void scan_work(struct work_struct *work)
{
	bool any_active = false;

	nta_threads_visit(look_after, &any_active);
	if (any_active)
		scan_soon();
}

/**
 * nta_watch_held() - a thread has become active
 *
 * Context: any in which a Set is served, DISPATCH_LEVEL too.
 */
void nta_watch_held(void)
{
	if (!means)
		scan_soon();
}

/* --- processors --- */

static void look_after_processor(struct nta_thread *thread, void *unused)
{
	nta_look_after(thread);
	if (test_bit(NTA_THREAD_NARROWED, &thread->flags))
		nta_apply_soon(thread);
}

static void look_for_processors(struct work_struct *work)
{
	/* The processor is active when the hotplug operation has ended. */
	cpus_read_lock();
	cpus_read_unlock();
	nta_threads_visit(look_after_processor, NULL);
}

static DECLARE_WORK(processor_work, look_for_processors);

static int processor_goes(unsigned int cpu)
{
	nta_note_hotplug();
	return 0;
}

static int processor_comes(unsigned int cpu)
{
	nta_note_hotplug();
	queue_work(nta_queue, &processor_work);
	return 0;
}

/* --- drivers --- */

/* Stands for the call sites of modules that are gone. */
static void a_driver_that_was_unloaded(void)
{
}

static void forget_caller(struct nta_thread *thread, void *data)
{
	unsigned long caller = READ_ONCE(thread->caller);
	const struct module *module = data;

	/* A thread that just now calls from another module has a caller again. */
	if (!within_module(caller, module) ||
	    cmpxchg(&thread->caller, caller,
		    (unsigned long)a_driver_that_was_unloaded) != caller)
		return;
	/* data_race: for a report; its last call was from the module that goes. */
	if (data_race(thread->state.active))
		nta_report_driver_gone(thread->task, &thread->state.system,
				       caller);
}

/* And the module itself for those of its init routine, whose text is freed. */
static void keep_caller(struct nta_thread *thread, void *data)
{
	unsigned long caller = READ_ONCE(thread->caller);
	const struct module *module = data;

	if (within_module_init(caller, module))
		cmpxchg(&thread->caller, caller, (unsigned long)module);
}

static int module_changes(struct notifier_block *block, unsigned long state,
			  void *data)
{
	switch (state) {
	case MODULE_STATE_LIVE:
		/* Its init routine is over, the text of that is still there. */
		nta_threads_visit(keep_caller, data);
		nta_report_forget(data, false);
		break;
	case MODULE_STATE_GOING:
		/* Its exit routine is over, its text is still there. */
		nta_threads_visit(forget_caller, data);
		nta_report_forget(data, true);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
};

/* --- all of it --- */

/**
 * nta_watch_sees_changes() - whether every change of affinity is seen
 *
 * Context: any.
 * Return: whether they are; if not, active threads are looked at every now and
 * then.
 */
bool nta_watch_sees_changes(void)
{
	return means;
}
EXPORT_SYMBOL_IF_KUNIT(nta_watch_sees_changes);

/**
 * nta_watch_show() - what of the rules on user affinities this kernel gives
 * @file: where to
 *
 * Context: process.
 */
void nta_watch_show(struct seq_file *file)
{
	const char *equal_cpuset = means ? means->name : "unseen";
	const char *equal_user = NTA_KERNEL_KEEPS_USER_MASK ? "kernel" :
				 sees_setaffinity ? "probes" : "unseen";

	if (means)
		seq_printf(file, "foreign_changes %s\n", means->name);
	else
		seq_printf(file, "foreign_changes scan %d ms\n", SCAN_MS);
	seq_printf(file, "equal_user_masks %s\n", equal_user);
	seq_printf(file, "equal_cpuset_masks %s\n", equal_cpuset);
	seq_printf(file, "setaffinity_probe %s\n",
		   sees_setaffinity ? setaffinity_state() : "none");
	seq_printf(file, "probes_missed %lu\n", missed_probes());
	seq_printf(file, "kernel_narrows %s\n",
		   NTA_KERNEL_KEEPS_USER_MASK ? "yes" : "no");
	seq_printf(file, "children %s\n",
		   nta_children_are_seen() ? "task_newtask" : "unseen");
	seq_printf(file, "processors %s\n",
		   sees_processors ? "hotplug callback" : "unseen");
	seq_printf(file, "preempt_count %s\n",
		   IS_ENABLED(CONFIG_PREEMPT_COUNT) ? "yes" : "no");
}

/**
 * nta_watch_start() - begin to watch
 *
 * What a kernel does not give is left out; nta_watch_show() tells.
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_watch_start(void)
{
	int ret;

	ret = register_module_notifier(&module_notifier);
	if (ret)
		return ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ntaffinity:watch",
					processor_comes, processor_goes);
	if (ret < 0) {
		unregister_module_notifier(&module_notifier);
		return ret;
	}
	hotplug_state = ret;
	sees_processors = IS_ENABLED(CONFIG_HOTPLUG_CPU);

	start_seeing();
	return 0;
}

/**
 * nta_watch_stop() - stop watching
 *
 * Context: process; may sleep. Afterwards nothing of this is running.
 */
void nta_watch_stop(void)
{
	stop_seeing();
	cpuhp_remove_state_nocalls(hotplug_state);
	cancel_work_sync(&processor_work);
	cancel_delayed_work_sync(&scan);
	unregister_module_notifier(&module_notifier);
}
