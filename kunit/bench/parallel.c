// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pairs on two processors at once.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bench.h"

#define PAIRS 2000
#define ROUNDS 21

struct runner {
	unsigned int which;
	void (*run)(struct runner *runner);
	struct completion *go;
	struct completion done;
	u64 start;
	u64 end;
};

static void pairs(struct runner *runner)
{
	GROUP_AFFINITY at = nta_bench_at(runner->which), previous;
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		KeSetSystemGroupAffinityThread(&at, &previous);
		KeRevertToUserGroupAffinityThread(&previous);
	}
}

static void raw_pairs(struct runner *runner)
{
	const struct cpumask *here = cpumask_of(nta_bench_cpus[runner->which]);
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		set_cpus_allowed_ptr(current, here);
		set_cpus_allowed_ptr(current, &nta_bench_user);
	}
}

static int runner_main(void *data)
{
	struct runner *runner = data;

	nta_bench_start_on(nta_bench_cpus[runner->which]);
	wait_for_completion(runner->go);
	runner->start = ktime_get_raw_ns();
	runner->run(runner);
	runner->end = ktime_get_raw_ns();
	complete(&runner->done);
	return 0;
}

/* How long @count threads take for their pairs; 0 if they cannot be had. */
static u64 take(unsigned int count, void (*run)(struct runner *runner))
{
	DECLARE_COMPLETION_ONSTACK(go);
	struct runner runners[2] = {};
	unsigned int i, started;
	u64 start = U64_MAX, end = 0;

	for (started = 0; started < count; started++) {
		struct runner *runner = &runners[started];
		struct task_struct *task;

		runner->which = started;
		runner->run = run;
		runner->go = &go;
		init_completion(&runner->done);
		task = kthread_run(runner_main, runner, "ntaffinity_pairs");
		if (IS_ERR(task))
			break;
	}
	/* Let them arrive. */
	schedule_timeout_uninterruptible(2);
	complete_all(&go);
	for (i = 0; i < started; i++) {
		wait_for_completion(&runners[i].done);
		start = min(start, runners[i].start);
		end = max(end, runners[i].end);
	}
	return started == count ? end - start : 0;
}

static int measure(const char *name, void (*run)(struct runner *runner),
		   unsigned int aim)
{
	u64 samples[2][ROUNDS], figures[2];
	unsigned int round, count;

	for (round = 0; round < ROUNDS; round++) {
		for (count = 1; count <= 2; count++) {
			u64 taken = take(count, run);

			if (!taken)
				return -ENOMEM;
			samples[count - 1][round] = div_u64(taken * 1000, PAIRS * count);
		}
	}
	for (count = 0; count < 2; count++)
		figures[count] = nta_bench_figure(samples[count], ROUNDS);
	nta_bench_result("", name, "on one", figures[1], figures[0], "ps",
			 div64_u64(figures[0] * 1000, max(figures[1], 1ULL)),
			 aim, NTA_BENCH_AT_LEAST);
	return 0;
}

/**
 * nta_bench_parallel() - measure pairs on two processors at once
 * @kthread: whether a kernel thread does
 *
 * Context: process.
 * Return: 0 or -errno.
 */
int nta_bench_parallel(bool kthread)
{
	return measure("throughput of pairs on two processors", pairs, 1800) ?:
	       measure("throughput of raw calls on two processors", raw_pairs,
		       NTA_BENCH_REPORTED);
}
