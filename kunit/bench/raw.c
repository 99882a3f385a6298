// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the calls are measured against: the kernel's own, and what people write by
 * hand.
 *
 * Where ntaffinity has probes in the kernel, they make the raw calls dearer, most
 * of all those of a thread that has called a DDI. So the file "before" has them
 * measured before ntaffinity is loaded.
 */
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "raw.h"

unsigned int nta_bench_rounds = 101;
EXPORT_SYMBOL_GPL(nta_bench_rounds);
module_param_named(rounds, nta_bench_rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how many samples a figure is of (default 101)");

unsigned int nta_bench_rank = 50;
EXPORT_SYMBOL_GPL(nta_bench_rank);
module_param_named(rank, nta_bench_rank, uint, 0444);
MODULE_PARM_DESC(rank, "how many per cent of the samples are less than the figure (default 50)");

unsigned int nta_bench_cpus[2];
EXPORT_SYMBOL_GPL(nta_bench_cpus);

struct cpumask nta_bench_user;
EXPORT_SYMBOL_GPL(nta_bench_user);

struct dentry *nta_bench_dir;
EXPORT_SYMBOL_GPL(nta_bench_dir);

/* Of a user thread and of a kernel thread; picoseconds. */
u64 nta_bench_before[NTA_BENCH_REFERENCES][2];
EXPORT_SYMBOL_GPL(nta_bench_before);

static DEFINE_SPINLOCK(lock);

/**
 * nta_bench_start_on() - begin on a processor, free to leave it
 * @cpu: the processor
 *
 * Context: process.
 */
void nta_bench_start_on(unsigned int cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	set_cpus_allowed_ptr(current, &nta_bench_user);
}
EXPORT_SYMBOL_GPL(nta_bench_start_on);

/**
 * nta_bench_other() - which of the two processors is not this one
 *
 * Context: process.
 * Return: 0 or 1.
 */
unsigned int nta_bench_other(void)
{
	return raw_smp_processor_id() == nta_bench_cpus[0];
}
EXPORT_SYMBOL_GPL(nta_bench_other);

static void begin_free(void)
{
	nta_bench_start_on(nta_bench_cpus[0]);
}

static void begin_bound(void)
{
	set_cpus_allowed_ptr(current, cpumask_of(nta_bench_cpus[0]));
}

static void end(void)
{
	set_cpus_allowed_ptr(current, &nta_bench_user);
}

static void raw_pair(unsigned int times)
{
	const struct cpumask *here = cpumask_of(raw_smp_processor_id());

	while (times--) {
		set_cpus_allowed_ptr(current, here);
		set_cpus_allowed_ptr(current, &nta_bench_user);
	}
}

/* As drivers do it that have no room for a mask on the stack. */
static void by_hand(unsigned int times)
{
	const struct cpumask *here = cpumask_of(raw_smp_processor_id());
	struct cpumask *saved;

	while (times--) {
		saved = kmalloc(cpumask_size(), GFP_KERNEL);
		if (!saved)
			return;
		cpumask_copy(saved, &current->cpus_mask);
		set_cpus_allowed_ptr(current, here);
		set_cpus_allowed_ptr(current, saved);
		kfree(saved);
	}
}

static void raw_one(unsigned int times)
{
	while (times--) {
		set_cpus_allowed_ptr(current, cpumask_of(nta_bench_cpus[nta_bench_other()]));
		set_cpus_allowed_ptr(current, &nta_bench_user);
	}
}

static void raw_two(unsigned int times)
{
	while (times--) {
		set_cpus_allowed_ptr(current, cpumask_of(nta_bench_cpus[1]));
		set_cpus_allowed_ptr(current, cpumask_of(nta_bench_cpus[0]));
	}
}

static void raw_equal(unsigned int times)
{
	while (times--)
		set_cpus_allowed_ptr(current, cpumask_of(nta_bench_cpus[0]));
}

static long where_am_i(void *unused)
{
	return raw_smp_processor_id();
}

static void visit_by_work(unsigned int times)
{
	unsigned int cpu;

	while (times--) {
		for_each_online_cpu(cpu)
			work_on_cpu(cpu, where_am_i, NULL);
	}
}

static void lock_unlock(unsigned int times)
{
	while (times--) {
		spin_lock(&lock);
		spin_unlock(&lock);
	}
}

static void disable_enable(unsigned int times)
{
	while (times--) {
		local_bh_disable();
		local_bh_enable();
	}
}

static void call_empty(unsigned int times)
{
	unsigned int argument;

	while (times--) {
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
		nta_bench_empty(&argument);
	}
}

const struct nta_bench_side nta_bench_references[NTA_BENCH_REFERENCES] = {
	[NTA_BENCH_RAW_PAIR] = { begin_free, raw_pair },
	[NTA_BENCH_BY_HAND] = { begin_free, by_hand },
	[NTA_BENCH_RAW_ONE] = { begin_free, raw_one },
	[NTA_BENCH_RAW_TWO] = { begin_bound, raw_two, end },
	[NTA_BENCH_RAW_EQUAL] = { begin_bound, raw_equal, end },
	[NTA_BENCH_WORK_ON_CPU] = { begin_free, visit_by_work },
	[NTA_BENCH_SPIN_LOCK] = { begin_free, lock_unlock },
	[NTA_BENCH_BH] = { begin_free, disable_enable },
	[NTA_BENCH_EMPTY] = { begin_free, call_empty },
};
EXPORT_SYMBOL_GPL(nta_bench_references);

/* How often in one sample: some microseconds, if nothing migrates. */
const unsigned int nta_bench_times[NTA_BENCH_REFERENCES] = {
	[NTA_BENCH_RAW_PAIR] = 20,
	[NTA_BENCH_BY_HAND] = 20,
	[NTA_BENCH_RAW_ONE] = 6,
	[NTA_BENCH_RAW_TWO] = 3,
	[NTA_BENCH_RAW_EQUAL] = 40,
	[NTA_BENCH_WORK_ON_CPU] = 1,
	[NTA_BENCH_SPIN_LOCK] = 200,
	[NTA_BENCH_BH] = 200,
	[NTA_BENCH_EMPTY] = 100,
};
EXPORT_SYMBOL_GPL(nta_bench_times);

static int measure(bool kthread)
{
	u64 *samples = kcalloc(nta_bench_rounds, sizeof(*samples), GFP_KERNEL);
	unsigned int reference, i;

	if (!samples)
		return -ENOMEM;
	for (reference = 0; reference < NTA_BENCH_REFERENCES; reference++) {
		for (i = 0; i < nta_bench_rounds; i++) {
			samples[i] = nta_bench_sample(&nta_bench_references[reference],
						      nta_bench_times[reference]);
			schedule_timeout_uninterruptible(1);
		}
		nta_bench_before[reference][kthread] =
			nta_bench_figure(samples, nta_bench_rounds);
	}
	kfree(samples);
	return 0;
}

static ssize_t before_write(struct file *file, const char __user *buffer,
			    size_t count, loff_t *pos)
{
	char kind[16];
	ssize_t length;
	int ret;

	length = simple_write_to_buffer(kind, sizeof(kind) - 1, pos, buffer, count);
	if (length < 0)
		return length;
	kind[length] = '\0';
	ret = nta_bench_run_in(kind, measure);
	return ret ?: count;
}

static const struct file_operations before_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = before_write,
};

static int __init raw_init(void)
{
	if (!nta_bench_rounds || nta_bench_rank > 99 || num_active_cpus() < 2) {
		pr_err("needs two processors, rounds, and a rank below 100\n");
		return -EINVAL;
	}
	cpumask_copy(&nta_bench_user, cpu_active_mask);
	nta_bench_cpus[0] = cpumask_first(&nta_bench_user);
	nta_bench_cpus[1] = cpumask_next(nta_bench_cpus[0], &nta_bench_user);
	nta_bench_dir = debugfs_create_dir("ntaffinity_bench", NULL);
	debugfs_create_file("before", 0200, nta_bench_dir, NULL, &before_fops);
	return 0;
}
module_init(raw_init);

static void __exit raw_exit(void)
{
	debugfs_remove_recursive(nta_bench_dir);
}
module_exit(raw_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What ntaffinity's calls are measured against");
