// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that may not migrate, for the test of an unload that has to wait
 * (U12): writing 1 to debugfs ntaffinity_pin/pin holds the writer where it is
 * until somebody writes 0. Reading tells whether a writer is held.
 *
 * It does not link against ntaffinity, or that could not be unloaded.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/wait.h>

static struct dentry *directory;
static atomic_t held = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(released);

static int pin_get(void *data, u64 *value)
{
	*value = atomic_read(&held);
	return 0;
}

static int pin_set(void *data, u64 value)
{
	if (!value) {
		atomic_set(&held, 0);
		wake_up(&released);
		return 0;
	}

	migrate_disable();
	atomic_set(&held, 1);
	wait_event(released, !atomic_read(&held));
	migrate_enable();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(pin_fops, pin_get, pin_set, "%llu\n");

static int __init ntaffinity_pin_init(void)
{
	directory = debugfs_create_dir("ntaffinity_pin", NULL);
	debugfs_create_file_unsafe("pin", 0600, directory, NULL, &pin_fops);
	return 0;
}
module_init(ntaffinity_pin_init);

static void __exit ntaffinity_pin_exit(void)
{
	debugfs_remove(directory);
}
module_exit(ntaffinity_pin_exit);

MODULE_DESCRIPTION("Holds a thread where it is, for a test of ntaffinity");
MODULE_LICENSE("GPL");
