// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what the calls cost. Below debugfs, in ntaffinity_bench:
 *
 *	run		"user" or "kthread": takes all rows of that kind of thread,
 *			interleaved: in each round one sample of each row, ours and
 *			what it is compared with by turns first
 *	scale		"kthread": pairs with many entries in the table
 *	parallel	"kthread": pairs on two processors at once
 *	sizes		"kthread": bytes
 *	hold		anything: the writing thread gets a system affinity, and keeps it
 *	rows		the results: tab-separated name, against, ours, reference, unit,
 *			ratio, aim, verdict
 *
 * The ratio is the one of the two figures; see nta_bench_figure().
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bench.h"
#include "compat.h"

NTA_IMPORT_FOR_KUNIT();

static bool against_before;
module_param_named(before, against_before, bool, 0444);
MODULE_PARM_DESC(before, "compare with the raw calls as they were before ntaffinity was loaded");

#define MAX_ROWS 96

struct result {
	char name[96];
	char against[64];
	char unit[16];
	u64 ours;
	u64 reference;
	u64 ratio;
	unsigned int aim;
	bool is_least;
	bool missing;
};

static struct result results[MAX_ROWS];
static unsigned int count;
static DEFINE_MUTEX(running);

/**
 * nta_bench_result() - put down a row of the table
 * @thread: the kind of thread; "" if it does not matter
 * @name: the row
 * @against: what it is compared with
 * @ours: the figure
 * @reference: what it is compared with
 * @unit: of both
 * @ratio: in thousandths
 * @aim: what the ratio is to be, or NTA_BENCH_REPORTED
 * @is_least: whether the aim is the least, and not the most
 *
 * Context: process, one measurement at a time.
 */
void nta_bench_result(const char *thread, const char *name, const char *against,
		      u64 ours, u64 reference, const char *unit,
		      u64 ratio, unsigned int aim, bool is_least)
{
	struct result *result = &results[count];

	if (count == MAX_ROWS)
		return;
	*result = (struct result){
		.ours = ours,
		.reference = reference,
		.ratio = ratio,
		.aim = aim,
		.is_least = is_least,
	};
	snprintf(result->name, sizeof(result->name), "%s%s", name, thread);
	strscpy(result->against, against, sizeof(result->against));
	strscpy(result->unit, unit, sizeof(result->unit));
	count++;
}
EXPORT_SYMBOL_GPL(nta_bench_result);

/**
 * nta_bench_no_result() - put down why there is no row
 * @name: the row
 * @reason: why it cannot be measured here
 *
 * Context: process, one measurement at a time.
 */
void nta_bench_no_result(const char *name, const char *reason)
{
	struct result *result = &results[count];

	if (count == MAX_ROWS)
		return;
	*result = (struct result){ .missing = true };
	strscpy(result->name, name, sizeof(result->name));
	strscpy(result->against, reason, sizeof(result->against));
	count++;
}
EXPORT_SYMBOL_GPL(nta_bench_no_result);

/**
 * nta_bench_at() - one of the two processors as an affinity
 * @which: 0 or 1
 *
 * Context: any.
 * Return: the affinity.
 */
GROUP_AFFINITY nta_bench_at(unsigned int which)
{
	PROCESSOR_NUMBER number = {};
	u32 index;

	for (index = 0; index < KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS); index++) {
		KeGetProcessorNumberFromIndex(index, &number);
		/* Indexes are given in the order of the CPUs at the load. */
		if (index == which)
			break;
	}
	return (GROUP_AFFINITY){
		.Group = number.Group,
		.Mask = 1ULL << number.Number,
	};
}

/* The rows of a table that are for this kind of thread. */
static int measure(const struct nta_bench_row *rows, unsigned int number, bool kthread)
{
	const char *thread = kthread ? ", kernel thread" : ", user thread";
	u64 *samples[2], ours, reference;
	const struct nta_bench_row *row;
	unsigned int round, i, side;
	int ret = -ENOMEM;

	samples[0] = kvcalloc(number * nta_bench_rounds, sizeof(u64), GFP_KERNEL);
	samples[1] = kvcalloc(number * nta_bench_rounds, sizeof(u64), GFP_KERNEL);
	if (!samples[0] || !samples[1])
		goto free;

	for (round = 0; round < nta_bench_rounds; round++) {
		for (i = 0; i < number; i++) {
			row = &rows[i];
			for (side = 0; side < 2; side++) {
				/* By turns, so that neither has the better place. */
				bool is_ours = (side ^ round) & 1;

				samples[is_ours][i * nta_bench_rounds + round] =
					nta_bench_sample(is_ours ? &row->ours :
							 &nta_bench_references[row->reference],
							 nta_bench_times[row->reference]);
			}
		}
		schedule_timeout_uninterruptible(1);
	}

	for (i = 0; i < number; i++) {
		row = &rows[i];
		ours = nta_bench_figure(samples[1] + i * nta_bench_rounds,
					nta_bench_rounds);
		reference = nta_bench_figure(samples[0] + i * nta_bench_rounds,
					     nta_bench_rounds);
		if (against_before && nta_bench_before[row->reference][kthread])
			reference = nta_bench_before[row->reference][kthread];
		if (row->reference == NTA_BENCH_EMPTY) {
			ours /= NTA_BENCH_CALLS;
			reference /= NTA_BENCH_CALLS;
		}
		nta_bench_result(row->calls_have_threads ? thread : "", row->name,
				 row->against, ours, reference, "ps",
				 div64_u64(ours * 1000, max(reference, 1ULL)),
				 row->aim, NTA_BENCH_AT_MOST);
	}
	ret = 0;
free:
	kvfree(samples[0]);
	kvfree(samples[1]);
	return ret;
}

static int run(bool kthread)
{
	int ret = measure(nta_bench_pairs, nta_bench_pairs_count, kthread);

	if (!ret && kthread)
		ret = measure(nta_bench_calls_of, nta_bench_calls_count, kthread);
	return ret;
}

static ssize_t run_write(struct file *file, const char __user *buffer,
			 size_t size, loff_t *pos)
{
	int (*what)(bool kthread) = file->private_data;
	char kind[16];
	ssize_t length;
	int ret;

	length = simple_write_to_buffer(kind, sizeof(kind) - 1, pos, buffer, size);
	if (length < 0)
		return length;
	kind[length] = '\0';
	mutex_lock(&running);
	ret = nta_bench_run_in(kind, what);
	mutex_unlock(&running);
	return ret ?: size;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = run_write,
};

static ssize_t hold_write(struct file *file, const char __user *buffer,
			  size_t size, loff_t *pos)
{
	GROUP_AFFINITY at = nta_bench_at(1);

	KeSetSystemGroupAffinityThread(&at, NULL);
	return size;
}

static const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = hold_write,
};

static const char *verdict(const struct result *result)
{
	if (result->aim == NTA_BENCH_REPORTED)
		return "reported";
	return (result->is_least ? result->ratio >= result->aim :
		result->ratio <= result->aim) ? "ok" : "short";
}

static int rows_show(struct seq_file *file, void *unused)
{
	const struct result *result;

	for (result = results; result < results + count; result++) {
		if (result->missing) {
			seq_printf(file, "%s\t\t\t\t\t\t\tnot measured: %s\n",
				   result->name, result->against);
			continue;
		}
		seq_printf(file, "%s\t%s\t%llu.%03llu\t%llu.%03llu\t%s\t",
			   result->name, result->against,
			   result->ours / 1000, result->ours % 1000,
			   result->reference / 1000, result->reference % 1000,
			   result->unit[0] == 'p' ? "ns" : result->unit);
		seq_printf(file, "%llu.%03llu\t", result->ratio / 1000,
			   result->ratio % 1000);
		if (result->aim)
			seq_printf(file, "%s %u.%03u", result->is_least ? ">=" : "<=",
				   result->aim / 1000, result->aim % 1000);
		seq_printf(file, "\t%s\n", verdict(result));
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rows);

static struct dentry *files[6];

static int __init bench_init(void)
{
	struct dentry *dir = nta_bench_dir;

	files[0] = debugfs_create_file("run", 0200, dir, run, &run_fops);
	files[1] = debugfs_create_file("scale", 0200, dir, nta_bench_scale, &run_fops);
	files[2] = debugfs_create_file("parallel", 0200, dir, nta_bench_parallel, &run_fops);
	files[3] = debugfs_create_file("sizes", 0200, dir, nta_bench_sizes, &run_fops);
	files[4] = debugfs_create_file("hold", 0200, dir, NULL, &hold_fops);
	files[5] = debugfs_create_file("rows", 0400, dir, NULL, &rows_fops);
	return 0;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		debugfs_remove(files[i]);
}
module_exit(bench_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What ntaffinity's calls cost");
