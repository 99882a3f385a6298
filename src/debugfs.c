// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator sees under /sys/kernel/debug/ntaffinity, root only:
 *
 *	groups	a line for each group: its possible, active and seen masks, its
 *		possible CPUs, and the nodes that have processors in it
 *	threads	a line for each thread that has a system affinity or is on its way
 *		back: group and mask of it, what the kernel has for an affinity now,
 *		what user mode wants, what is still to be done, and who called last
 *	stats	the counters
 *	compat	what is watched, and how: what this kernel can give
 *
 * Without debugfs in the kernel, or without memory for it, the module works the
 * same; so nothing here fails.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "debugfs.h"
#include "level.h"
#include "node.h"
#include "report.h"
#include "thread.h"
#include "topology.h"
#include "user_affinity.h"
#include "watch.h"

static struct dentry *directory;

/* Nothing is a field, too. */
static void show_cpus(struct seq_file *file, const struct cpumask *cpus)
{
	if (cpumask_empty(cpus))
		seq_puts(file, " -");
	else
		seq_printf(file, " %*pbl", cpumask_pr_args(cpus));
}

static void show_nodes(struct seq_file *file, unsigned int group)
{
	unsigned int node;
	char before = ' ';

	for_each_set_bit(node, nta_nodes.exist, nta_nodes.count) {
		if (!nta_group_slice(&nta_topology,
				     nta_node_cpus(&nta_nodes, node), group))
			continue;
		seq_printf(file, "%c%u", before, node);
		before = ',';
	}
	if (before == ' ')
		seq_puts(file, " -");
}

static int groups_show(struct seq_file *file, void *unused)
{
	unsigned int group;
	cpumask_var_t cpus;
	u64 possible;

	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	seq_puts(file, "group possible active seen cpus nodes\n");
	for (group = 0; group < nta_topology.group_count; group++) {
		possible = nta_group_possible(&nta_topology, group);
		seq_printf(file, "%u %#llx %#llx %#llx", group, possible,
			   nta_group_active(&nta_topology, group),
			   nta_seen_mask(group));
		nta_group_to_cpumask(&nta_topology, group, possible, cpus);
		show_cpus(file, cpus);
		show_nodes(file, group);
		seq_putc(file, '\n');
	}
	free_cpumask_var(cpus);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(groups);

/* Where the masks of a thread are copied to: its pi_lock is not held for long. */
struct listing {
	struct seq_file *file;
	cpumask_var_t installed;
	cpumask_var_t user;
};

static const char *to_be_done(bool active, unsigned long flags)
{
	if (!active)
		return "revert";
	if (test_bit(NTA_THREAD_DISPLACED, &flags))
		return "displaced";
	if (test_bit(NTA_THREAD_PENDING, &flags))
		return "move";
	if (test_bit(NTA_THREAD_GIVEN_UP, &flags))
		return "given_up";
	return "-";
}

/* The bucket's lock is held for as long as a line takes: so the task_struct stays. */
static void show_thread(struct nta_thread *thread, void *data)
{
	struct task_struct *task = thread->task;
	struct listing *listing = data;
	struct seq_file *file = listing->file;
	unsigned long irq_flags, flags, caller;
	struct nta_state state;

	/* A change that no probe has told would not be in what is shown. */
	nta_look_after(thread);
	irq_flags = nta_lock_affinity(thread);
	state = thread->state;
	flags = READ_ONCE(thread->flags);
	cpumask_copy(listing->installed, &task->cpus_mask);
	cpumask_copy(listing->user, nta_thread_user(thread));
	nta_unlock_affinity(thread, irq_flags);
	if (!state.active && !test_bit(NTA_THREAD_USER_DUE, &flags))
		return;

	/* It may have spaces, which separate the fields. */
	seq_printf(file, "%d ", task->pid);
	seq_escape(file, task->comm, " \t\n\\");
	if (state.active)
		seq_printf(file, " %u:%#llx", state.system.group,
			   state.system.mask);
	else
		seq_puts(file, " -");
	show_cpus(file, listing->installed);
	show_cpus(file, listing->user);
	seq_printf(file, " %s", to_be_done(state.active, flags));
	caller = READ_ONCE(thread->caller);
	/* A child that is to get the user affinity has not called. */
	if (caller)
		seq_printf(file, " %pS\n", (void *)caller);
	else
		seq_puts(file, " -\n");
}

static int threads_show(struct seq_file *file, void *unused)
{
	struct listing listing = { .file = file };
	int ret = -ENOMEM;

	if (!alloc_cpumask_var(&listing.installed, GFP_KERNEL))
		return ret;
	if (!alloc_cpumask_var(&listing.user, GFP_KERNEL))
		goto free_installed;
	seq_puts(file, "pid comm system installed user pending caller\n");
	nta_threads_visit(show_thread, &listing);
	ret = 0;
	free_cpumask_var(listing.user);
free_installed:
	free_cpumask_var(listing.installed);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(threads);

static int stats_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "threads_known %ld\n", nta_threads_known());
	nta_report_stats(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int compat_show(struct seq_file *file, void *unused)
{
	nta_watch_show(file);
	nta_levels_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(compat);

void nta_debugfs_start(void)
{
	directory = debugfs_create_dir("ntaffinity", NULL);
	debugfs_create_file("groups", 0400, directory, NULL, &groups_fops);
	debugfs_create_file("threads", 0400, directory, NULL, &threads_fops);
	debugfs_create_file("stats", 0400, directory, NULL, &stats_fops);
	debugfs_create_file("compat", 0400, directory, NULL, &compat_fops);
}

void nta_debugfs_stop(void)
{
	debugfs_remove(directory);
}
