// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairs while the table has many entries. Those are of threads that do not exist:
 * an entry that is not active is never asked about its task.
 */
#include <linux/kconfig.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bench.h"

#if IS_ENABLED(CONFIG_KUNIT)

#include "thread.h"

#define PASSES 3
#define SAMPLES 31
#define PAIRS 50

static const struct {
	unsigned int entries;
	unsigned int aim;
	const char *name;
} sizes[] = {
	{ 1, NTA_BENCH_REPORTED, "pair, 1 live entry" },
	{ 1000, 1200, "pair, 1000 live entries" },
	{ 100000, 1200, "pair, 100000 live entries" },
	{ 1000000, NTA_BENCH_REPORTED, "pair, 1000000 live entries" },
};

static GROUP_AFFINITY at;

/* As far apart as real ones, where no memory is. */
static struct task_struct *nobody(unsigned int i)
{
	return (void *)(0xdead000000000000UL +
			(unsigned long)i * roundup_pow_of_two(sizeof(struct task_struct)));
}

static void begin(void)
{
	at = nta_bench_at(0);
	nta_bench_start_on(nta_bench_cpus[0]);
}

static void pair(unsigned int times)
{
	GROUP_AFFINITY previous;

	while (times--) {
		KeSetSystemGroupAffinityThread(&at, &previous);
		KeRevertToUserGroupAffinityThread(&previous);
	}
}

/* Size by size, several times, because no size can be had by turns with another. */
static int measure(u64 *samples)
{
	const struct nta_bench_side ours = { begin, pair };
	unsigned int pass, size, i, made = 1;
	u64 *sample = samples;
	int ret = 0;

	for (pass = 0; pass < PASSES && !ret; pass++) {
		for (size = 0; size < ARRAY_SIZE(sizes) && !ret; size++) {
			for (; made < sizes[size].entries && !ret; made++) {
				if (!nta_thread_make(nobody(made), GFP_KERNEL))
					ret = -ENOMEM;
				if (!(made % 1024))
					cond_resched();
			}
			/* Let what the last one has left behind settle. */
			schedule_timeout_uninterruptible(HZ / 10);
			for (i = 0; i < SAMPLES; i++) {
				sample = &samples[(size * PASSES + pass) * SAMPLES + i];
				*sample = nta_bench_sample(&ours, PAIRS);
				schedule_timeout_uninterruptible(1);
			}
		}
		while (--made) {
			nta_thread_end(nobody(made));
			if (!(made % 1024))
				schedule_timeout_uninterruptible(1);
		}
		made = 1;
	}
	return ret;
}

/**
 * nta_bench_scale() - measure pairs with many entries
 * @kthread: whether a kernel thread does
 *
 * Context: process.
 * Return: 0 or -errno.
 */
int nta_bench_scale(bool kthread)
{
	u64 *samples = kcalloc(ARRAY_SIZE(sizes) * PASSES * SAMPLES,
			       sizeof(*samples), GFP_KERNEL);
	u64 first = 0, figure;
	unsigned int size;
	int ret;

	if (!samples)
		return -ENOMEM;
	ret = measure(samples);
	for (size = 0; size < ARRAY_SIZE(sizes) && !ret; size++) {
		figure = nta_bench_figure(samples + size * PASSES * SAMPLES,
					  PASSES * SAMPLES);
		if (!size)
			first = figure;
		nta_bench_result("", sizes[size].name, "1 live entry", figure, first,
				 "ps", div64_u64(figure * 1000, max(first, 1ULL)),
				 sizes[size].aim, NTA_BENCH_AT_MOST);
	}
	kfree(samples);
	return ret;
}

#else

int nta_bench_scale(bool kthread)
{
	nta_bench_no_result("pair, 1 to 1000000 live entries",
			    "entries can be made on kernels with KUnit only");
	return 0;
}

#endif
