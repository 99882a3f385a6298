// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call the DDIs from a shell: for trying out what they do to a thread of a
 * user process.
 *
 *	cd /sys/kernel/debug/from_the_shell
 *	echo set 0 0x2 > call		the shell itself is restricted to processor 0:1
 *	cat /proc/$$/status
 *	cat previous			what the call wrote to Previous
 *	echo revert 0 0 > call
 *
 * Calls: set GROUP MASK, revert GROUP MASK, setex MASK, revertex MASK; sleep
 * MILLISECONDS, as a driver that waits for its device where no signal reaches
 * it; and raise IRQL, as a driver that forgets to lower. The thread that
 * writes is the thread that calls; in a shell that is the shell when the
 * command is a builtin. Root only. A process may end, or go on for ever,
 * without a Revert: no driver should let it.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "wdm.h"

static struct dentry *directory;
static DEFINE_MUTEX(last_lock);
static GROUP_AFFINITY last; /* under last_lock */

static int call_ddi(const char *line)
{
	GROUP_AFFINITY affinity = {}, previous = {};
	unsigned long long mask;
	char name[16];
	int group;

	if (sscanf(line, "%15s %i %lli", name, &group, &mask) == 3) {
		affinity.Group = group;
		affinity.Mask = mask;
		if (!strcmp(name, "set"))
			KeSetSystemGroupAffinityThread(&affinity, &previous);
		else if (!strcmp(name, "revert"))
			KeRevertToUserGroupAffinityThread(&affinity);
		else
			return -EINVAL;
	} else if (sscanf(line, "%15s %lli", name, &mask) == 2) {
		if (!strcmp(name, "raise")) {
			/* Nothing that may sleep after this. */
			KfRaiseIrql(mask);
			return 0;
		}
		if (!strcmp(name, "setex"))
			previous.Mask = KeSetSystemAffinityThreadEx(mask);
		else if (!strcmp(name, "revertex"))
			KeRevertToUserAffinityThreadEx(mask);
		else if (!strcmp(name, "sleep"))
			msleep(min(mask, 10000ULL));
		else
			return -EINVAL;
	} else {
		return -EINVAL;
	}

	mutex_lock(&last_lock);
	last = previous;
	mutex_unlock(&last_lock);
	return 0;
}

static ssize_t call_write(struct file *file, const char __user *from,
			  size_t size, loff_t *offset)
{
	char line[64];
	int ret;

	if (size >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, size))
		return -EFAULT;
	line[size] = '\0';

	ret = call_ddi(line);
	return ret ? ret : size;
}

static const struct file_operations call_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = call_write,
};

static int previous_show(struct seq_file *file, void *unused)
{
	mutex_lock(&last_lock);
	seq_printf(file, "%u %#llx\n", last.Group, last.Mask);
	mutex_unlock(&last_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(previous);

static int __init from_the_shell_init(void)
{
	directory = debugfs_create_dir("from_the_shell", NULL);
	debugfs_create_file("call", 0200, directory, NULL, &call_fops);
	debugfs_create_file("previous", 0400, directory, NULL, &previous_fops);
	return 0;
}
module_init(from_the_shell_init);

static void __exit from_the_shell_exit(void)
{
	debugfs_remove(directory);
}
module_exit(from_the_shell_exit);

MODULE_DESCRIPTION("ntaffinity sample: call the DDIs from a shell");
MODULE_LICENSE("GPL");
