// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes random steps with all calls, in many threads. Below debugfs, in
 * ntaffinity_torture:
 *
 *	victim		who opens it is a victim as long as it is open. Write:
 *			"new INDEX TWIN"	at first
 *			"steps N ALL"		take N, in this system call; ENODATA:
 *						has taken ALL before
 *			"finish"		revert, free
 *			"final MASK"		nobody disturbs: the last check; the
 *						twin has MASK
 *			"mark", "child"		before a fork; by the child: is its
 *						affinity what user mode wants?
 *						EAGAIN: no
 *	control		"start KTHREADS STORTHREADS STEPS"	kernel threads
 *			"change INDEX MASK MASK", "more INDEX MASK MASK",
 *			"done INDEX", "doubt INDEX"		see user.c
 *			"offline CPU", "online CPU", "hotplugged"
 *			"quiet"			nobody disturbs any more
 *			"stop"			the kernel threads end
 *	victims		a line each: index, kind, pid, its twin's pid
 *	summary		counts, and "failed", "refused_..." as expected, "running"
 *	failures	what failed, with the last steps
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "placement.h"
#include "torture.h"

NTA_IMPORT_FOR_KUNIT();

unsigned int torture_groupsize = 64;
module_param_named(groupsize, torture_groupsize, uint, 0444);
MODULE_PARM_DESC(groupsize, "as ntaffinity.ko's");

bool torture_observed;
module_param_named(observed, torture_observed, bool, 0444);
MODULE_PARM_DESC(observed, "ntaffinity.ko has rules=observed");

static bool groupaware;
module_param(groupaware, bool, 0444);
MODULE_PARM_DESC(groupaware, "as ntaffinity.ko's");

static unsigned long long seed = 1;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "what the choices of all threads come from");

bool torture_has_deadlines;
module_param_named(deadlines, torture_has_deadlines, bool, 0444);
MODULE_PARM_DESC(deadlines, "threads may become SCHED_DEADLINE for a while");

atomic_long_t torture_counts[TORTURE_KINDS];
atomic_long_t torture_refused[NTA_REASONS];
atomic_long_t torture_bad_levels;
atomic_long_t torture_steps_taken;
char torture_adapter[1];
PAFFINITY_TOKEN torture_some_token;

static LIST_HEAD(victims);
static DEFINE_MUTEX(victims_lock);
static DEFINE_MUTEX(control_lock);
static bool stopping;
static bool is_quiet;
static atomic_t running = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(wait);

/*
 * A run in which one did not happen has not tested it, unless it needs something that
 * not every kernel has. "time" is what victims do not choose: it comes about when they
 * meet others, and those do so much in a second, however many steps that are.
 */
static const struct {
	const char *name;
	const char *needs;
} kinds[TORTURE_KINDS] = {
	[TORTURE_SET] = { "set" },
	[TORTURE_SET_NO_PREVIOUS] = { "set_no_previous" },
	[TORTURE_SET_IN_PLACE] = { "set_in_place" },
	[TORTURE_SET_NULL] = { "set_null" },
	[TORTURE_SET_NESTED] = { "set_nested" },
	[TORTURE_REVERT_SAVED] = { "revert_saved" },
	[TORTURE_REVERT_USER] = { "revert_user" },
	[TORTURE_REVERT_BOGUS] = { "revert_bogus" },
	[TORTURE_REVERT_NULL] = { "revert_null" },
	[TORTURE_REVERT_NOTHING] = { "revert_nothing" },
	[TORTURE_REVERT_TOKEN] = { "revert_token" },
	[TORTURE_SET_EX] = { "set_ex" },
	[TORTURE_REVERT_EX] = { "revert_ex" },
	[TORTURE_SET_LEGACY] = { "set_legacy" },
	[TORTURE_REVERT_LEGACY] = { "revert_legacy" },
	[TORTURE_PS_SET] = { "ps_set" },
	[TORTURE_PS_REVERT] = { "ps_revert" },
	[TORTURE_PS_FREE] = { "ps_free" },
	[TORTURE_PS_FREE_FILLED] = { "ps_free_filled" },
	[TORTURE_PS_OTHERS] = { "ps_others_token" },
	[TORTURE_STOR_SET] = { "stor_set" },
	[TORTURE_STOR_REVERT] = { "stor_revert" },
	[TORTURE_STOR_CONTEXT] = { "stor_context" },
	[TORTURE_STOR_BAD] = { "stor_bad_context" },
	[TORTURE_STOR_THREAD] = { "stor_thread" },
	[TORTURE_APC] = { "apc_level" },
	[TORTURE_DISPATCH] = { "dispatch_level" },
	[TORTURE_ABOVE_DISPATCH] = { "above_dispatch_level" },
	[TORTURE_TWO_RAISES] = { "two_raises" },
	[TORTURE_LOWER_TO_APC] = { "lower_to_apc" },
	[TORTURE_BAD_LEVEL] = { "bad_level" },
	[TORTURE_LEFT_RAISED] = { "left_raised" },
	[TORTURE_KSPIN_LOCK] = { "kspin_lock" },
	[TORTURE_KSPIN_LOCK_AT_DPC] = { "kspin_lock_at_dpc" },
	[TORTURE_SPIN_LOCK] = { "spin_lock", "preempt" },
	[TORTURE_SPIN_LOCK_IRQSAVE] = { "spin_lock_irqsave", "preempt" },
	[TORTURE_SPIN_LOCK_BH] = { "spin_lock_bh", "preempt" },
	[TORTURE_PREEMPT_OFF] = { "preempt_off", "preempt" },
	[TORTURE_IRQ_OFF] = { "irq_off" },
	[TORTURE_RCU_READ] = { "rcu_read", "preempt" },
	[TORTURE_MIGRATE_OFF] = { "migrate_off" },
	[TORTURE_DEADLINE] = { "deadline", "deadlines" },
	[TORTURE_SLEEP] = { "sleep" },
	[TORTURE_LOOK] = { "look" },
	[TORTURE_WAIT] = { "wait" },
	[TORTURE_USER_THREAD] = { "user_thread" },
	[TORTURE_KERNEL_THREAD] = { "kernel_thread" },
	[TORTURE_BOUND_THREAD] = { "bound_thread" },
	[TORTURE_CALL_PASSIVE] = { "call_passive" },
	[TORTURE_CALL_PINNED] = { "call_pinned" },
	[TORTURE_CALL_RAISED] = { "call_raised" },
	[TORTURE_CALL_NATIVE] = { "call_native" },
	[TORTURE_PLACE_EXACT] = { "place_exact" },
	[TORTURE_PLACE_LOOSE] = { "place_disturbed", "time" },
	[TORTURE_PLACE_BOUND] = { "place_bound" },
	[TORTURE_PLACE_HOTPLUG] = { "place_hotplug", "hotplug" },
	[TORTURE_USER_EXACT] = { "user_exact" },
	[TORTURE_USER_LOOSE] = { "user_disturbed", "time" },
	[TORTURE_SEEN_PUT_BACK] = { "seen_put_back", "chance" },
	[TORTURE_HOTPLUG_DOUBT] = { "hotplug_doubt", "hotplug" },
	[TORTURE_KILLED_ACTIVE] = { "killed_active", "time" },
	[TORTURE_CHILD] = { "child", "time" },
};

static const char * const reasons[NTA_REASONS] = {
	[NTA_NULL_POINTER] = "null_pointer",
	[NTA_BAD_GROUP] = "bad_group",
	[NTA_STRAY_BITS] = "stray_bits",
	[NTA_ZERO_MASK] = "zero_mask",
	[NTA_NOT_ACTIVE] = "not_active",
	[NTA_OFFLINE] = "offline",
	[NTA_BAD_COUNT] = "bad_count",
	[NTA_SAME_GROUP] = "same_group",
	[NTA_BAD_TOKEN] = "bad_token",
	[NTA_BAD_CONTEXT] = "bad_context",
	[NTA_BAD_LEVEL] = "bad_level",
	[NTA_NO_MEMORY] = "no_memory",
	[NTA_BOUND_KTHREAD] = "bound_kthread",
	[NTA_DEADLINE] = "deadline",
	[NTA_KERNEL_REFUSED] = "kernel_refused",
};

bool torture_stopping(void)
{
	return READ_ONCE(stopping);
}

/* --- failures --- */

#define FAILURES_SIZE 32768

static DEFINE_RAW_SPINLOCK(failures_lock);
static char failures[FAILURES_SIZE];
static unsigned int failures_length;
static atomic_t failed = ATOMIC_INIT(0);

static void __printf(1, 2) put_down(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	failures_length += vscnprintf(failures + failures_length,
				      FAILURES_SIZE - failures_length, format,
				      args);
	va_end(args);
}

/* The first one counts; the others often come of it. */
void torture_fail(struct torture_victim *victim, const char *format, ...)
{
	unsigned long flags, number;
	struct va_format text;
	va_list args;

	atomic_inc(&failed);
	WRITE_ONCE(stopping, true);
	raw_spin_lock_irqsave(&failures_lock, flags);
	va_start(args, format);
	text.fmt = format;
	text.va = &args;
	put_down("%s victim %u, pid %d, step %lu, seed %llu: %pV\n",
		 victim->kind, victim->index, current->pid, victim->steps, seed,
		 &text);
	va_end(args);
	put_down("  user wants:");
	number = victim->next_want - min(victim->next_want, 8U);
	for (; number != victim->next_want; number++)
		put_down("%s %#llx", number == victim->first_want ? " |" : "",
			 victim->wants[number % TORTURE_WANTS]);
	put_down("; changes %u, since %u\n", victim->changes,
		 victim->since.changes);
	number = victim->steps - min_t(unsigned long, victim->steps,
				       TORTURE_LOG - 1);
	for (; number <= victim->steps; number++) {
		const struct torture_entry *entry =
			&victim->log[number % TORTURE_LOG];

		if (entry->number != number || !entry->what)
			continue;
		put_down("  %lu: at %u: %s %u:%#llx%s%s -> %s %u:%#llx, mask %#llx, CPU %u\n",
			 number, entry->level, entry->what, entry->group,
			 entry->mask, entry->reason ? " refused " : "",
			 entry->reason ? reasons[entry->reason] : "",
			 entry->state.active ? "active" : "user",
			 entry->state.system.group, entry->state.system.mask,
			 entry->cpus, entry->cpu);
	}
	raw_spin_unlock_irqrestore(&failures_lock, flags);
}

/* --- victims --- */

static struct torture_victim *make_victim(const char *kind)
{
	struct torture_victim *victim = kzalloc(sizeof(*victim), GFP_KERNEL);

	if (!victim)
		return NULL;
	victim->kind = kind;
	raw_spin_lock_init(&victim->lock);
	KeInitializeSpinLock(&victim->kspin);
	KeInitializeSpinLock(&victim->kspin_at_dpc);
	spin_lock_init(&victim->native);
	INIT_LIST_HEAD(&victim->node);
	return victim;
}

static void join(struct torture_victim *victim, unsigned int index)
{
	victim->index = index;
	victim->pid = current->pid;
	victim->random = seed + index * 0x2545f4914f6cdd1dULL;
	torture_want_only(victim, torture_mask_of(current));
	victim->since = torture_open(victim);
	mutex_lock(&victims_lock);
	list_add_tail(&victim->node, &victims);
	mutex_unlock(&victims_lock);
}

static void leave(struct torture_victim *victim)
{
	mutex_lock(&victims_lock);
	list_del_init(&victim->node);
	mutex_unlock(&victims_lock);
}

/* --- user threads --- */

static int victim_open(struct inode *inode, struct file *file)
{
	file->private_data = make_victim("user");
	return file->private_data ? 0 : -ENOMEM;
}

static int victim_release(struct inode *inode, struct file *file)
{
	struct torture_victim *victim = file->private_data;

	leave(victim);
	torture_free_tokens(victim);
	kfree(victim);
	return 0;
}

static int check_child(struct torture_victim *victim)
{
	bool exact;

	if (!torture_may_want(victim, victim->marked,
			      torture_mask_of(current), &exact))
		return -EAGAIN;
	torture_count(TORTURE_CHILD);
	return 0;
}

static int victim_does(struct torture_victim *victim, const char *line)
{
	unsigned int index;
	unsigned long steps, all;
	pid_t twin;
	u64 mask;

	if (!strcmp(line, "child"))
		return check_child(victim);
	if (sscanf(line, "new %u %d", &index, &twin) == 2) {
		victim->twin_pid = twin;
		join(victim, index);
		torture_count(TORTURE_USER_THREAD);
		return 0;
	}
	if (victim->pid != current->pid)
		return -EPERM;
	if (sscanf(line, "steps %lu %lu", &steps, &all) == 2)
		return victim->steps < all ? torture_take(victim, steps) :
					     -ENODATA;
	if (!strcmp(line, "raised"))
		torture_leave_raised(victim);
	else if (!strcmp(line, "finish"))
		torture_finish(victim);
	else if (sscanf(line, "final %lli", &mask) == 1)
		torture_final(victim, mask);
	else if (!strcmp(line, "mark"))
		victim->marked = torture_open(victim).first;
	else
		return -EINVAL;
	return 0;
}

static ssize_t get_line(char *line, size_t room, const char __user *from,
			size_t size)
{
	if (size >= room)
		return -EINVAL;
	if (copy_from_user(line, from, size))
		return -EFAULT;
	line[size] = '\0';
	return size;
}

/* One at a time, and no lock held: levels may be left raised. */
static ssize_t victim_write(struct file *file, const char __user *from,
			    size_t size, loff_t *offset)
{
	char line[64];
	ssize_t ret = get_line(line, sizeof(line), from, size);

	if (ret < 0)
		return ret;
	return victim_does(file->private_data, line) ?: ret;
}

static const struct file_operations victim_fops = {
	.owner = THIS_MODULE,
	.open = victim_open,
	.release = victim_release,
	.write = victim_write,
};

/* --- workers that are held up --- */

#if IS_ENABLED(CONFIG_KUNIT)
static atomic_t held_up = ATOMIC_INIT(0);

/*
 * Between its look at a thread's state and the install, a worker is now and then
 * so late that the thread has gone on (I5). Not who gives a child its affinity:
 * he may not sleep.
 */
static void hold_up(struct task_struct *task, enum nta_stage stage)
{
	if (!preemptible())
		return;
	atomic_inc(&held_up);
	switch (get_random_u32() % 8) {
	case 0:
		schedule_timeout_uninterruptible(1);
		break;
	case 1:
	case 2:
		udelay(get_random_u32() % 64);
		break;
	}
	atomic_dec(&held_up);
}

static void hold_up_workers(bool on)
{
	nta_stretch_installs(on ? hold_up : NULL);
	while (!on && atomic_read(&held_up))
		schedule_timeout_uninterruptible(1);
}
#else
static void hold_up_workers(bool on)
{
}
#endif

/* --- kernel threads --- */

struct runner {
	struct torture_victim *victim;
	unsigned int index;
	unsigned long steps;
	struct completion gone;
	struct list_head node;
};

static LIST_HEAD(runners); /* under control_lock */

static int twin_main(void *unused)
{
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void run(struct runner *runner)
{
	struct torture_victim *victim = runner->victim;

	join(victim, runner->index);
	while (victim->steps < runner->steps && !torture_stopping())
		torture_take(victim, 1 + torture_below(victim, 500));
	torture_finish(victim);
	atomic_dec(&running);
	wake_up_all(&wait);
	/* Until the slowest is done: that may take longer than others find right. */
	wait_event_idle(wait, READ_ONCE(is_quiet));
	torture_final(victim, torture_mask_of(victim->twin));
	leave(victim);
}

static int kernel_main(void *data)
{
	struct runner *runner = data;

	torture_count(runner->victim->bound ? TORTURE_BOUND_THREAD :
					      TORTURE_KERNEL_THREAD);
	run(runner);
	complete(&runner->gone);
	return 0;
}

static VOID stor_main(PVOID data)
{
	struct runner *runner = data;

	torture_count(TORTURE_STOR_THREAD);
	run(runner);
	complete(&runner->gone);
}

static void free_runner(struct runner *runner)
{
	if (runner->victim->twin) {
		kthread_stop(runner->victim->twin);
		put_task_struct(runner->victim->twin);
	}
	kfree(runner->victim);
	kfree(runner);
}

/* The processor that stays online all the time (T2). */
#define BOUND_CPU 0

static struct task_struct *start_kthread(int (*function)(void *data), void *data,
					 const char *name, bool is_bound)
{
	struct task_struct *task = kthread_create(function, data, "%s", name);

	if (IS_ERR(task))
		return task;
	if (is_bound)
		kthread_bind(task, BOUND_CPU);
	wake_up_process(task);
	return task;
}

enum runs_as { AS_KERNEL_THREAD, AS_STORPORT_THREAD, AS_BOUND_THREAD };

static int start_one(unsigned int index, enum runs_as as, unsigned long steps)
{
	static const char * const kinds_of[] = { "kernel", "StorPort", "bound" };
	struct runner *runner = kzalloc(sizeof(*runner), GFP_KERNEL);
	struct torture_victim *victim = make_victim(kinds_of[as]);
	bool is_bound = as == AS_BOUND_THREAD;
	struct task_struct *task;

	if (!runner || !victim) {
		kfree(runner);
		kfree(victim);
		return -ENOMEM;
	}
	victim->bound = is_bound ? 1ULL << BOUND_CPU : 0;
	runner->victim = victim;
	runner->index = index;
	runner->steps = steps;
	init_completion(&runner->gone);
	task = start_kthread(twin_main, NULL, "torture_twin", is_bound);
	if (IS_ERR(task)) {
		free_runner(runner);
		return PTR_ERR(task);
	}
	victim->twin = get_task_struct(task);
	victim->twin_pid = task->pid;

	atomic_inc(&running);
	if (as == AS_STORPORT_THREAD) {
		if (StorPortCreateSystemThread(torture_adapter, stor_main,
					       runner, NULL, &victim->context) !=
		    STOR_STATUS_SUCCESS)
			task = ERR_PTR(-EAGAIN);
	} else {
		task = start_kthread(kernel_main, runner, "torture_victim",
				     is_bound);
	}
	if (IS_ERR(task)) {
		atomic_dec(&running);
		free_runner(runner);
		return PTR_ERR(task);
	}
	list_add_tail(&runner->node, &runners);
	return 0;
}

/* @kthreads: of which the last is bound. */
static int start(unsigned int kthreads, unsigned int stor, unsigned long steps)
{
	enum runs_as as;
	unsigned int i;
	int ret = 0;

	WRITE_ONCE(is_quiet, false);
	hold_up_workers(true);
	for (i = 0; i < kthreads + stor && !ret; i++) {
		as = i >= kthreads ? AS_STORPORT_THREAD :
		     i == kthreads - 1 ? AS_BOUND_THREAD :
					 AS_KERNEL_THREAD;
		ret = start_one(1000000 + i, as, steps);
	}
	return ret;
}

static void end_runners(void)
{
	struct runner *runner, *next;

	/* Long before our code goes: who is about to be held up is not any more. */
	hold_up_workers(false);
	WRITE_ONCE(is_quiet, true);
	wake_up_all(&wait);
	list_for_each_entry_safe(runner, next, &runners, node) {
		wait_for_completion(&runner->gone);
		list_del(&runner->node);
		free_runner(runner);
	}
}

/* --- control --- */

static int change(unsigned int index, u64 one, u64 other, bool goes_on)
{
	struct torture_victim *victim;
	int ret = -ENOENT;

	mutex_lock(&victims_lock);
	list_for_each_entry(victim, &victims, node) {
		if (victim->index == index)
			ret = torture_begin_change(victim, one, other, goes_on);
	}
	mutex_unlock(&victims_lock);
	return ret;
}

static int changed(unsigned int index, bool exact)
{
	struct torture_victim *victim;
	int ret = -ENOENT;

	mutex_lock(&victims_lock);
	list_for_each_entry(victim, &victims, node) {
		if (victim->index == index)
			ret = torture_end_change(victim, exact);
	}
	mutex_unlock(&victims_lock);
	return ret;
}

static int start_or_end(const char *line)
{
	unsigned int kthreads, stor;
	unsigned long steps;
	int ret = 0;

	mutex_lock(&control_lock);
	if (sscanf(line, "start %u %u %lu", &kthreads, &stor, &steps) == 3)
		ret = start(kthreads, stor, steps);
	else if (!strcmp(line, "quiet"))
		end_runners();
	else if (!strcmp(line, "stop"))
		WRITE_ONCE(stopping, true);
	else
		ret = -EINVAL;
	mutex_unlock(&control_lock);
	return ret;
}

static int does(const char *line)
{
	unsigned int index;
	u64 one, other;

	if (sscanf(line, "change %u %lli %lli", &index, &one, &other) == 3)
		return change(index, one, other, false);
	if (sscanf(line, "more %u %lli %lli", &index, &one, &other) == 3)
		return change(index, one, other, true);
	if (sscanf(line, "done %u", &index) == 1)
		return changed(index, true);
	if (sscanf(line, "doubt %u", &index) == 1)
		return changed(index, false);
	if (sscanf(line, "hotplug %u", &index) == 1)
		torture_hotplug(true, index);
	else if (!strcmp(line, "hotplugged"))
		torture_hotplug(false, 0);
	else
		return start_or_end(line);
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *from,
			     size_t size, loff_t *offset)
{
	char line[64];
	ssize_t ret = get_line(line, sizeof(line), from, size);

	if (ret < 0)
		return ret;
	return does(line) ?: ret;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = control_write,
};

/* --- what there is to see --- */

static int victims_show(struct seq_file *file, void *unused)
{
	const struct torture_victim *victim;

	mutex_lock(&victims_lock);
	list_for_each_entry(victim, &victims, node)
		seq_printf(file, "%u %s %d %d\n", victim->index, victim->kind,
			   victim->pid, victim->twin_pid);
	mutex_unlock(&victims_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(victims);

static int summary_show(struct seq_file *file, void *unused)
{
	unsigned int i;

	seq_printf(file, "failed %d\n", atomic_read(&failed));
	seq_printf(file, "running %d\n", atomic_read(&running));
	seq_printf(file, "steps %ld\n", atomic_long_read(&torture_steps_taken));
	seq_printf(file, "bad_levels %ld\n",
		   atomic_long_read(&torture_bad_levels));
	for (i = NTA_OK + 1; i < NTA_REASONS; i++)
		seq_printf(file, "refused_%s %ld\n", reasons[i],
			   atomic_long_read(&torture_refused[i]));
	for (i = 0; i < TORTURE_KINDS; i++)
		seq_printf(file, "kind %s %ld %s\n", kinds[i].name,
			   atomic_long_read(&torture_counts[i]),
			   kinds[i].needs ?: "always");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(summary);

static int failures_show(struct seq_file *file, void *unused)
{
	seq_write(file, failures, READ_ONCE(failures_length));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

static struct dentry *directory;

static int __init torture_init(void)
{
	int ret = torture_model_start(groupaware);
	KIRQL old;

	/* Raises nothing, but with it the check of levels begins (I10). */
	KeRaiseIrql(PASSIVE_LEVEL, &old);
	if (ret) {
		pr_err("more than 64 CPUs: no torture\n");
		return ret;
	}
	directory = debugfs_create_dir("ntaffinity_torture", NULL);
	debugfs_create_file("victim", 0200, directory, NULL, &victim_fops);
	debugfs_create_file("control", 0200, directory, NULL, &control_fops);
	debugfs_create_file("victims", 0400, directory, NULL, &victims_fops);
	debugfs_create_file("summary", 0400, directory, NULL, &summary_fops);
	debugfs_create_file("failures", 0400, directory, NULL, &failures_fops);
	return 0;
}
module_init(torture_init);

static void __exit torture_exit(void)
{
	debugfs_remove(directory);
	WRITE_ONCE(stopping, true);
	end_runners();
}
module_exit(torture_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Random steps with all of ntaffinity's calls");
