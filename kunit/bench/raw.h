/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the calls are measured against, and how. This is a module of its own that
 * does not link against ntaffinity: so it can measure before that is loaded.
 */
#ifndef NTA_BENCH_RAW_H
#define NTA_BENCH_RAW_H

#include <linux/types.h>

struct cpumask;
struct dentry;

/*
 * Something that is measured. @begin and @end may be NULL; @run does it over and
 * over, between two looks at the clock.
 */
struct nta_bench_side {
	void (*begin)(void);
	void (*run)(unsigned int times);
	void (*end)(void);
};

enum nta_bench_reference {
	NTA_BENCH_RAW_PAIR,
	NTA_BENCH_BY_HAND,
	NTA_BENCH_RAW_ONE,
	NTA_BENCH_RAW_TWO,
	NTA_BENCH_RAW_EQUAL,
	NTA_BENCH_WORK_ON_CPU,
	NTA_BENCH_SPIN_LOCK,
	NTA_BENCH_BH,
	NTA_BENCH_EMPTY,

	NTA_BENCH_REFERENCES
};

/*
 * A call takes next to nothing. So many of them stand in a row: a loop would cost
 * as much.
 */
#define NTA_BENCH_CALLS 8

extern const struct nta_bench_side nta_bench_references[NTA_BENCH_REFERENCES];
extern const unsigned int nta_bench_times[NTA_BENCH_REFERENCES];
extern u64 nta_bench_before[NTA_BENCH_REFERENCES][2];

/* The processors that the measuring thread is sent to, and where it may run. */
extern unsigned int nta_bench_cpus[2];
extern struct cpumask nta_bench_user;

extern unsigned int nta_bench_rounds;
extern unsigned int nta_bench_rank;
extern struct dentry *nta_bench_dir;

void nta_bench_start_on(unsigned int cpu);
unsigned int nta_bench_other(void);
void nta_bench_empty(void *unused);

u64 nta_bench_sample(const struct nta_bench_side *side, unsigned int times);
u64 nta_bench_figure(u64 *samples, unsigned int count);
int nta_bench_run_in(const char *kind, int (*run)(bool kthread));

#endif /* NTA_BENCH_RAW_H */
