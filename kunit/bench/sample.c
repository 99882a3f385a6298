// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes samples, and makes a figure of them.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "raw.h"

/**
 * nta_bench_sample() - how long something takes
 * @side: the thing
 * @times: how often it is done
 *
 * Context: process.
 * Return: picoseconds each time.
 */
u64 nta_bench_sample(const struct nta_bench_side *side, unsigned int times)
{
	u64 start, end;

	if (side->begin)
		side->begin();
	/* The caches are this side's now, and not the other's. */
	side->run(1);
	start = ktime_get_raw_ns();
	side->run(times);
	end = ktime_get_raw_ns();
	if (side->end)
		side->end();
	return div_u64((end - start) * 1000, times);
}
EXPORT_SYMBOL_GPL(nta_bench_sample);

static int compare(const void *a, const void *b)
{
	const u64 *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

/**
 * nta_bench_figure() - make one figure of samples
 * @samples: the samples, which are sorted by it
 * @count: how many
 *
 * Context: process.
 * Return: the sample of which nta_bench_rank per cent are less.
 */
u64 nta_bench_figure(u64 *samples, unsigned int count)
{
	sort(samples, count, sizeof(*samples), compare, NULL);
	return samples[count * nta_bench_rank / 100];
}
EXPORT_SYMBOL_GPL(nta_bench_figure);

struct errand {
	int (*run)(bool kthread);
	struct completion done;
	int ret;
};

static int errand_main(void *data)
{
	struct errand *errand = data;

	errand->ret = errand->run(true);
	complete(&errand->done);
	return 0;
}

/**
 * nta_bench_run_in() - measure in a kind of thread
 * @kind: "user": the calling one, in its system call; "kthread"
 * @run: measures
 *
 * Context: a user thread.
 * Return: what @run returns, or -errno.
 */
int nta_bench_run_in(const char *kind, int (*run)(bool kthread))
{
	struct errand errand = { .run = run };
	struct task_struct *task;

	if (sysfs_streq(kind, "user"))
		return run(false);
	if (!sysfs_streq(kind, "kthread"))
		return -EINVAL;

	init_completion(&errand.done);
	task = kthread_run(errand_main, &errand, "ntaffinity_bench");
	if (IS_ERR(task))
		return PTR_ERR(task);
	wait_for_completion(&errand.done);
	return errand.ret;
}
EXPORT_SYMBOL_GPL(nta_bench_run_in);

/**
 * nta_bench_empty() - a function, of another file: so it is really called
 * @unused: an argument
 *
 * Context: any.
 */
void nta_bench_empty(void *unused)
{
}
EXPORT_SYMBOL_GPL(nta_bench_empty);
