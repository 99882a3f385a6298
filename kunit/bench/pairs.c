// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set and Revert, against what a driver would do without them.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>

#include "bench.h"

static GROUP_AFFINITY at[2], outer;
static unsigned int visited;

static void learn(void)
{
	at[0] = nta_bench_at(0);
	at[1] = nta_bench_at(1);
}

static void begin_free(void)
{
	learn();
	nta_bench_start_on(nta_bench_cpus[0]);
}

static void begin_bound(void)
{
	learn();
	set_cpus_allowed_ptr(current, cpumask_of(nta_bench_cpus[0]));
}

static void end_bound(void)
{
	set_cpus_allowed_ptr(current, &nta_bench_user);
}

static void pair(unsigned int times)
{
	GROUP_AFFINITY *here = &at[!nta_bench_other()], previous;

	/* Where neither was meant, the scheduler has moved us: here is 1 then. */
	while (times--) {
		KeSetSystemGroupAffinityThread(here, &previous);
		KeRevertToUserGroupAffinityThread(&previous);
	}
}

static void pair_one(unsigned int times)
{
	GROUP_AFFINITY previous;

	while (times--) {
		KeSetSystemGroupAffinityThread(&at[nta_bench_other()], &previous);
		KeRevertToUserGroupAffinityThread(&previous);
	}
}

static void pair_two(unsigned int times)
{
	GROUP_AFFINITY previous;

	while (times--) {
		KeSetSystemGroupAffinityThread(&at[1], &previous);
		KeRevertToUserGroupAffinityThread(&previous);
	}
}

static void begin_nested(void)
{
	begin_free();
	KeSetSystemGroupAffinityThread(&at[0], &outer);
}

static void nested(unsigned int times)
{
	GROUP_AFFINITY previous;

	while (times--)
		KeSetSystemGroupAffinityThread(&at[0], &previous);
}

static void end_nested(void)
{
	KeRevertToUserGroupAffinityThread(&outer);
}

static void visit(unsigned int times)
{
	GROUP_AFFINITY affinity = {}, first, previous;
	PROCESSOR_NUMBER number;
	ULONG index, count;

	while (times--) {
		count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
		for (index = 0; index < count; index++) {
			KeGetProcessorNumberFromIndex(index, &number);
			affinity.Group = number.Group;
			affinity.Mask = 1ULL << number.Number;
			KeSetSystemGroupAffinityThread(&affinity,
						       index ? &previous : &first);
			WRITE_ONCE(visited, raw_smp_processor_id());
		}
		KeRevertToUserGroupAffinityThread(&first);
	}
}

const struct nta_bench_row nta_bench_pairs[] = {
	{ "pair, no migration", "two raw calls", NTA_BENCH_RAW_PAIR, 1100,
	  { begin_free, pair }, true },
	{ "pair, no migration", "by hand", NTA_BENCH_BY_HAND, 950,
	  { begin_free, pair }, true },
	{ "pair, one migration", "two raw calls", NTA_BENCH_RAW_ONE, 1030,
	  { begin_free, pair_one }, true },
	{ "pair, two migrations", "two raw calls", NTA_BENCH_RAW_TWO, 1030,
	  { begin_bound, pair_two, end_bound }, true },
	{ "Set of the mask in force", "a raw call", NTA_BENCH_RAW_EQUAL, 150,
	  { begin_nested, nested, end_nested }, true },
	{ "visit every processor", "work_on_cpu on each", NTA_BENCH_WORK_ON_CPU, 750,
	  { begin_free, visit }, true },
};

const unsigned int nta_bench_pairs_count = ARRAY_SIZE(nta_bench_pairs);
