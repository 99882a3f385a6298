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
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "debugfs.h"
#include "level.h"
#include "node.h"
#include "report.h"
#include "system_affinity.h"
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
	struct cpumask *cpus = kmalloc(cpumask_size(), GFP_KERNEL);
	unsigned int group;
	u64 possible;

	if (!cpus)
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
	kfree(cpus);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(groups);

/* What a line shows, copied: a thread's pi_lock is not held for as long as that takes. */
struct listing {
	struct seq_file *file;
	struct nta_thread_snapshot entry;
	const char *pending;
	struct cpumask *system;
	struct cpumask *installed;
	struct cpumask *user;
};

/*
 * What is still to be done for a thread; NULL if it is not active, and nothing is. A
 * worker that is at it may have to wait until the thread may migrate.
 */
static const char *to_be_done(struct nta_thread *thread,
			      const struct nta_thread_snapshot *entry)
{
	if (!entry->state.active)
		return entry->busy || entry->pending ? "revert" : NULL;
	if (entry->displaced)
		return "displaced";
	if (entry->busy || entry->pending)
		return "move";
	if (entry->given_up)
		return "given_up";
	/* One that is left alone as well: nobody puts it back (T4). */
	if (!thread->installer && !entry->bound && !nta_is_in_force(thread))
		return "changed";
	return "-";
}

static bool read_thread(struct nta_thread *thread, struct listing *listing)
{
	struct nta_thread_snapshot *entry = &listing->entry;
	unsigned long flags;

	/* A change that no probe has told would not be in what is shown. */
	nta_look_after(thread);
	flags = nta_lock_affinity(thread);
	nta_thread_read(thread, entry);
	listing->pending = to_be_done(thread, entry);
	if (listing->pending) {
		if (entry->state.active)
			nta_system_to_cpumask(thread, &entry->state.system,
					      listing->system);
		cpumask_copy(listing->installed, &thread->task->cpus_mask);
		cpumask_copy(listing->user, nta_thread_user(thread));
	}
	nta_unlock_affinity(thread, flags);
	return listing->pending;
}

/* The bucket's lock is held for as long as a line takes: so the task_struct stays. */
static void show_thread(struct nta_thread *thread, void *data)
{
	struct listing *listing = data;
	const struct nta_affinity *system = &listing->entry.state.system;
	struct seq_file *file = listing->file;
	char comm[TASK_COMM_LEN] = "";
	unsigned long caller;

	/* The file is written again, with more room. */
	if (seq_has_overflowed(file) || !read_thread(thread, listing))
		return;

	/* data_race: on 6.1 and 6.12 a name that is just being changed may have no end. */
	data_race(memcpy(comm, thread->task->comm, sizeof(comm) - 1));
	seq_printf(file, "%d ", thread->task->pid);
	/* Spaces separate the fields. */
	seq_escape(file, comm[0] ? comm : "-", " \t\n\\");
	if (!listing->entry.state.active)
		seq_puts(file, " -");
	else if (nta_is_several(system))
		show_cpus(file, listing->system);
	else
		seq_printf(file, " %u:%#llx", system->group, system->mask);
	show_cpus(file, listing->installed);
	show_cpus(file, listing->user);
	seq_printf(file, " %s", listing->pending);
	caller = listing->entry.caller;
	/* A child that is put right has never called; a first Set says last who has. */
	if (caller)
		seq_printf(file, " %pS\n", (void *)caller);
	else
		seq_puts(file, " -\n");
}

/**
 * nta_threads_show() - write the file threads
 * @file: where to
 * @unused: not used
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_threads_show(struct seq_file *file, void *unused)
{
	struct listing listing = { .file = file };
	void *masks = kcalloc(3, cpumask_size(), GFP_KERNEL);

	if (!masks)
		return -ENOMEM;
	listing.system = masks;
	listing.installed = masks + cpumask_size();
	listing.user = masks + 2 * cpumask_size();
	seq_puts(file, "pid comm system installed user pending caller\n");
	nta_threads_visit(show_thread, &listing);
	kfree(masks);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(nta_threads_show);
DEFINE_SHOW_ATTRIBUTE(nta_threads);

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
	debugfs_create_file("threads", 0400, directory, NULL, &nta_threads_fops);
	debugfs_create_file("stats", 0400, directory, NULL, &stats_fops);
	debugfs_create_file("compat", 0400, directory, NULL, &compat_fops);
}

void nta_debugfs_stop(void)
{
	debugfs_remove(directory);
}
