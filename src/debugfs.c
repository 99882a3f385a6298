// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator sees under /sys/kernel/debug/ntaffinity, root only:
 *
 *	groups	a line for each group: its possible, active and seen masks
 *	stats	the counters
 *	compat	what is watched, and how: what this kernel can give
 *
 * Without debugfs in the kernel, or without memory for it, the module works the
 * same; so nothing here fails.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "debugfs.h"
#include "level.h"
#include "report.h"
#include "thread.h"
#include "topology.h"
#include "watch.h"

static struct dentry *directory;

static int groups_show(struct seq_file *file, void *unused)
{
	unsigned int group;

	seq_puts(file, "group first_cpu possible active seen\n");
	for (group = 0; group < nta_topology.group_count; group++)
		seq_printf(file, "%u %u %#llx %#llx %#llx\n", group,
			   nta_first_cpu(&nta_topology, group),
			   nta_group_possible(&nta_topology, group),
			   nta_group_active(&nta_topology, group),
			   nta_seen_mask(group));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(groups);

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
	debugfs_create_file("stats", 0400, directory, NULL, &stats_fops);
	debugfs_create_file("compat", 0400, directory, NULL, &compat_fops);
}

void nta_debugfs_stop(void)
{
	debugfs_remove(directory);
}
