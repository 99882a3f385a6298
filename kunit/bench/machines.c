// SPDX-License-Identifier: GPL-2.0-only
/*
 * What depends on groups and processors, on machines that are made up: a loop over
 * processors would show on the largest. This is a module of its own, with a second
 * copy of what it measures, which does not know this machine. It measures when it is
 * loaded, and adds its rows to those of main.c.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "affinity.h"
#include "bench.h"
#include "compat.h"
#include "machine.h"
#include "wdm.h"

/* What a sample has of each. */
#define TIMES 400

static const unsigned int sizes[] = { 8, 130, NTA_MACHINE_CPUS };

/* The last processor: as a number, with its group, and as an affinity. */
static PROCESSOR_NUMBER last;
static struct nta_affinity at;
static struct nta_state held = { .active = true };
static struct cpumask *mask;

/* What came out last. */
static struct nta_outcome outcome;
static PROCESSOR_NUMBER number;
static GROUP_AFFINITY affinity;
static ULONG value;
static bool is_mask;

static void set(unsigned int times)
{
	while (times--)
		outcome = nta_affinity_set(&nta_topology, NTA_RULES_DOCUMENTED,
					   &held, &at);
}

static bool set_is_right(void)
{
	return !outcome.reason && outcome.action == NTA_DO_PLACE_SYSTEM &&
	       nta_affinity_equal(&outcome.next.system, &at);
}

static void revert(unsigned int times)
{
	while (times--)
		outcome = nta_affinity_revert(&nta_topology, NTA_RULES_DOCUMENTED,
					      &held, &at);
}

static void number_from_index(unsigned int times)
{
	while (times--)
		KeGetProcessorNumberFromIndex(nta_machine_cpus - 1, &number);
}

static bool number_is_right(void)
{
	return number.Group == last.Group && number.Number == last.Number;
}

static void index_from_number(unsigned int times)
{
	while (times--)
		value = KeGetProcessorIndexFromNumber(&last);
}

static bool index_is_right(void)
{
	return value == nta_machine_cpus - 1;
}

static void count_of_group(unsigned int times)
{
	while (times--)
		value = KeQueryActiveProcessorCountEx(last.Group);
}

static bool count_of_group_is_right(void)
{
	return value == last.Number + 1U;
}

static void count_of_all(unsigned int times)
{
	while (times--)
		value = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
}

static bool count_of_all_is_right(void)
{
	return value == nta_machine_cpus;
}

static void highest_node(unsigned int times)
{
	while (times--)
		value = KeQueryHighestNodeNumber();
}

static bool node_is_right(void)
{
	return !value;
}

static void node_affinity(unsigned int times)
{
	while (times--)
		KeQueryNodeActiveAffinity(0, &affinity, NULL);
}

static bool node_affinity_is_right(void)
{
	return affinity.Group == 0 &&
	       affinity.Mask == nta_group_active(&nta_topology, 0);
}

static void group_to_cpumask(unsigned int times)
{
	while (times--)
		nta_machine_to_cpumask(at.group, at.mask, mask);
}

static bool mask_is_right(void)
{
	const unsigned long *bits = cpumask_bits(mask);

	return find_first_bit(bits, NTA_MACHINE_CPUS) == nta_machine_cpus - 1 &&
	       bitmap_weight(bits, NTA_MACHINE_CPUS) == 1;
}

static void cpumask_to_group(unsigned int times)
{
	while (times--)
		is_mask = nta_machine_is_cpumask(at.group, at.mask, mask);
}

static bool is_mask_is_right(void)
{
	return is_mask;
}

/*
 * What looks at one processor or at one group is to cost the same everywhere. What
 * looks at all groups, or at a cpumask, costs a word for each 64 processors.
 */
static const struct row {
	const char *name;
	unsigned int aim;
	void (*run)(unsigned int times);
	bool (*is_right)(void);
	bool has_cpumask;
} rows[] = {
	{ "checks of a Set", 1100, set, set_is_right },
	{ "checks of a Revert", 1100, revert, set_is_right },
	{ "number from index", 1100, number_from_index, number_is_right },
	{ "index from number", 1100, index_from_number, index_is_right },
	{ "count of a group", 1100, count_of_group, count_of_group_is_right },
	{ "count of all", 1100, count_of_all, count_of_all_is_right },
	{ "highest node", 1100, highest_node, node_is_right },
	{ "affinity of a node", NTA_BENCH_REPORTED, node_affinity,
	  node_affinity_is_right },
	{ "group to cpumask", NTA_BENCH_REPORTED, group_to_cpumask, mask_is_right, true },
	{ "cpumask to group", NTA_BENCH_REPORTED, cpumask_to_group, is_mask_is_right, true },
};

/* Whether cpumasks can be as long as the machine's. */
static bool can_measure(const struct row *row)
{
	return !row->has_cpumask ||
	       sizeof(struct cpumask) * BITS_PER_BYTE >= NTA_MACHINE_CPUS;
}

static void become(unsigned int cpus)
{
	nta_machine_become(cpus);
	last.Group = nta_cpu_group(&nta_topology, cpus - 1);
	last.Number = nta_cpu_number(&nta_topology, cpus - 1);
	at = (struct nta_affinity){
		.mask = 1ULL << last.Number,
		.group = last.Group,
	};
	held.system = at;
	bitmap_zero(cpumask_bits(mask), NTA_MACHINE_CPUS);
	__set_bit(cpus - 1, cpumask_bits(mask));
}

static int take_sample(const struct row *row, unsigned int cpus, u64 *sample)
{
	const struct nta_bench_side side = { .run = row->run };

	outcome = (struct nta_outcome){ .reason = NTA_BAD_LEVEL };
	memset(&number, 0xff, sizeof(number));
	memset(&affinity, 0xff, sizeof(affinity));
	value = ~0U;
	is_mask = false;
	become(cpus);
	*sample = nta_bench_sample(&side, TIMES);
	if (row->is_right())
		return 0;
	pr_err("%s is wrong at %u possible CPUs\n", row->name, cpus);
	return -EIO;
}

static void put_down(const struct row *row, u64 *samples)
{
	u64 first = nta_bench_figure(samples, nta_bench_rounds), figure;
	unsigned int size;
	char name[96];

	for (size = 1; size < ARRAY_SIZE(sizes); size++) {
		snprintf(name, sizeof(name), "scale: %s, %u possible CPUs",
			 row->name, sizes[size]);
		figure = nta_bench_figure(samples + size * nta_bench_rounds,
					  nta_bench_rounds);
		nta_bench_result("", name, "8 possible CPUs", figure, first, "ps",
				 div64_u64(figure * 1000, max(first, 1ULL)),
				 row->aim, NTA_BENCH_AT_MOST);
	}
}

/* Machine by machine in turn, so that none has the better time. */
static int measure(const struct row *row, u64 *samples)
{
	unsigned int round, size;
	int ret = 0;

	for (round = 0; round < nta_bench_rounds && !ret; round++) {
		for (size = 0; size < ARRAY_SIZE(sizes) && !ret; size++)
			ret = take_sample(row, sizes[size],
					  &samples[size * nta_bench_rounds + round]);
		schedule_timeout_uninterruptible(1);
	}
	if (!ret)
		put_down(row, samples);
	return ret;
}

static int __init machines_init(void)
{
	const struct row *row;
	int ret = -ENOMEM;
	u64 *samples;

	samples = kvcalloc(ARRAY_SIZE(sizes) * nta_bench_rounds, sizeof(*samples),
			   GFP_KERNEL);
	mask = (struct cpumask *)bitmap_zalloc(NTA_MACHINE_CPUS, GFP_KERNEL);
	if (!samples || !mask)
		goto free;
	ret = nta_machines_make();
	if (ret)
		goto free;

	for (row = rows; row < rows + ARRAY_SIZE(rows) && !ret; row++) {
		if (can_measure(row))
			ret = measure(row, samples);
		else
			nta_bench_no_result(row->name,
					    "cpumasks of this kernel are shorter");
	}
	nta_machines_free();
free:
	bitmap_free((unsigned long *)mask);
	kvfree(samples);
	return ret;
}
module_init(machines_init);

static void __exit machines_exit(void)
{
}
module_exit(machines_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What ntaffinity's calls cost on machines that are made up");
