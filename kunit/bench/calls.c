// SPDX-License-Identifier: GPL-2.0-only
/*
 * Levels and queries.
 */
#include <linux/kernel.h>

#include "bench.h"

static GROUP_AFFINITY at;
static KIRQL old_irql;
static PROCESSOR_NUMBER number;

static void begin(void)
{
	at = nta_bench_at(0);
	nta_bench_start_on(nta_bench_cpus[0]);
}

static void begin_raised(void)
{
	begin();
	KeRaiseIrql(DISPATCH_LEVEL, &old_irql);
}

static void pair(unsigned int times)
{
	GROUP_AFFINITY previous;

	while (times--) {
		KeSetSystemGroupAffinityThread(&at, &previous);
		KeRevertToUserGroupAffinityThread(&previous);
	}
}

static void end_raised(void)
{
	KeLowerIrql(old_irql);
}

static void raise_lower(unsigned int times)
{
	KIRQL old;

	while (times--) {
		KeRaiseIrql(DISPATCH_LEVEL, &old);
		KeLowerIrql(old);
	}
}

static void current_number(unsigned int times)
{
	while (times--) {
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
		KeGetCurrentProcessorNumberEx(&number);
	}
}

static void number_from_index(unsigned int times)
{
	while (times--) {
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
		KeGetProcessorNumberFromIndex(1, &number);
	}
}

static void group_affinity(unsigned int times)
{
	while (times--) {
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
		KeQueryGroupAffinity(0);
	}
}

const struct nta_bench_row nta_bench_calls_of[] = {
	{ "raise and lower", "local_bh_disable + enable", NTA_BENCH_BH, 1500,
	  { begin, raise_lower } },
	{ "pair at DISPATCH_LEVEL", "spin_lock + spin_unlock", NTA_BENCH_SPIN_LOCK,
	  NTA_BENCH_REPORTED, { begin_raised, pair, end_raised } },
	{ "KeGetCurrentProcessorNumberEx", "an empty function", NTA_BENCH_EMPTY, 3000,
	  { begin, current_number } },
	{ "KeGetProcessorNumberFromIndex", "an empty function", NTA_BENCH_EMPTY, 3000,
	  { begin, number_from_index } },
	{ "KeQueryGroupAffinity", "an empty function", NTA_BENCH_EMPTY, 3000,
	  { begin, group_affinity } },
};

const unsigned int nta_bench_calls_count = ARRAY_SIZE(nta_bench_calls_of);
