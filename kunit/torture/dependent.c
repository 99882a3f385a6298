// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that comes and goes while others are tortured. Who writes to its
 * debugfs file gets a system affinity, and keeps it when the driver goes (U13).
 * Its own thread is active when the exit routine begins, and reverts (P6).
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "storport.h"
#include "wdm.h"

static struct dentry *directory;
static DECLARE_COMPLETION(go);
static bool has_thread;

/* The first processor there is. */
static GROUP_AFFINITY at_first(void)
{
	return (GROUP_AFFINITY){ .Mask = 1 };
}

static ssize_t hold_write(struct file *file, const char __user *from,
			  size_t size, loff_t *offset)
{
	GROUP_AFFINITY at = at_first();

	KeSetSystemGroupAffinityThread(&at, NULL);
	return size;
}

static const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = hold_write,
};

static VOID thread_main(PVOID data)
{
	GROUP_AFFINITY at = at_first(), previous;

	KeSetSystemGroupAffinityThread(&at, &previous);
	wait_for_completion(&go);
	KeRevertToUserGroupAffinityThread(&previous);
}

static int __init dependent_init(void)
{
	GROUP_AFFINITY at = at_first(), previous;

	KeSetSystemGroupAffinityThread(&at, &previous);
	has_thread = StorPortCreateSystemThread(&directory, thread_main, NULL,
						NULL, NULL) ==
		     STOR_STATUS_SUCCESS;
	KeRevertToUserGroupAffinityThread(&previous);
	if (!has_thread)
		return -EAGAIN;
	directory = debugfs_create_dir("ntaffinity_torture_dependent", NULL);
	debugfs_create_file("hold", 0200, directory, NULL, &hold_fops);
	return 0;
}
module_init(dependent_init);

static void __exit dependent_exit(void)
{
	debugfs_remove(directory);
	complete(&go);
}
module_exit(dependent_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver that is loaded and unloaded while others are tortured");
