/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of the benchmark that need ntaffinity.
 */
#ifndef NTA_BENCH_H
#define NTA_BENCH_H

#include <linux/types.h>

#include "raw.h"
#include "wdm.h"

/* Ratios are in thousandths. */
#define NTA_BENCH_REPORTED 0

/* @aim: the ratio at most, or NTA_BENCH_REPORTED */
struct nta_bench_row {
	const char *name;
	const char *against;
	enum nta_bench_reference reference;
	unsigned int aim;
	struct nta_bench_side ours;
	bool calls_have_threads;
};

extern const struct nta_bench_row nta_bench_pairs[];
extern const unsigned int nta_bench_pairs_count;
extern const struct nta_bench_row nta_bench_calls_of[];
extern const unsigned int nta_bench_calls_count;

#define NTA_BENCH_AT_LEAST true
#define NTA_BENCH_AT_MOST false

void nta_bench_result(const char *thread, const char *name, const char *against,
		      u64 ours, u64 reference, const char *unit,
		      u64 ratio, unsigned int aim, bool is_least);
void nta_bench_no_result(const char *name, const char *reason);

/* An affinity of the two processors each. */
GROUP_AFFINITY nta_bench_at(unsigned int which);

int nta_bench_scale(bool kthread);
int nta_bench_parallel(bool kthread);
int nta_bench_sizes(bool kthread);

#endif /* NTA_BENCH_H */
