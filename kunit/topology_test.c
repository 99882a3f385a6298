// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules G1, G2, Q1 to Q5 and Q7: groups are slices of the Linux CPU
 * masks, whatever their shape, on made-up machines and on this one; and the
 * query DDIs say of this machine what its CPU masks say. What hotplug does to
 * them is in hotplug_test.c.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "helpers.h"
#include "topology.h"
#include "wdm.h"

/* --- groups --- */

struct count_row {
	const char *name;
	unsigned int cpus;
	unsigned int group_size;
	int groups;
};

static const struct count_row count_rows[] = {
	{ "one CPU", 1, 64, 1 },
	{ "one full group", 64, 64, 1 },
	{ "G1 one CPU more than a full group", 65, 64, 2 },
	{ "G1 130 CPUs", 130, 64, 3 },
	{ "8192 CPUs", 8192, 64, 128 },
	{ "G2 8 CPUs by 2", 8, 2, 4 },
	{ "G1 9 CPUs by 2", 9, 2, 5 },
	{ "one-CPU groups", 4, 1, 4 },
	{ "G1 the most groups there can be", 0xfffe, 1, 0xfffe },
	{ "G1 one group too many", 0xffff, 1, -ERANGE },
	{ "G1 the most CPUs by 64", 0xfffe * 64U, 64, 0xfffe },
	{ "G1 one CPU too many by 64", 0xfffe * 64U + 1, 64, -ERANGE },
};

static void describe_count(const struct count_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(count, count_rows, describe_count);

static void groups_are_counted_up_to_the_highest_cpu(struct kunit *test)
{
	const struct count_row *row = test->param_value;

	KUNIT_EXPECT_EQ(test, nta_count_groups(row->cpus, row->group_size),
			row->groups);
}

static const struct nta_layout layouts[] = {
	{ .name = "G1 G2 48 + 16", .group_shift = 6, .groups = 2, .patterns = 2,
	  .pattern = { { GENMASK_ULL(47, 0), 0x5, 0x7 }, { 0xffff, 0x8000, 0x8001 } } },
	{ .name = "G1 G2 130 CPUs", .group_shift = 6, .groups = 3, .patterns = 3,
	  .pattern = { { ~0ULL, 1, 1 }, { ~0ULL, BIT_ULL(63), ~0ULL }, { 3, 2, 3 } } },
	{ .name = "G1 G2 one-CPU groups", .group_shift = 0, .groups = 130, .patterns = 3,
	  .pattern = { { 1, 1, 1 }, { 1, 0, 1 }, { 0, 0, 0 } } },
	{ .name = "G1 G2 groups of 2", .group_shift = 1, .groups = 67, .patterns = 4,
	  .pattern = { { 3, 3, 3 }, { 3, 2, 2 }, { 1, 1, 1 }, { 0, 0, 0 } } },
	{ .name = "G1 G2 groups of 32", .group_shift = 5, .groups = 5, .patterns = 2,
	  .pattern = { { 0xffffffff, 0x80000001, 0xffffffff }, { 0x7, 0x1, 0x3 } } },
	{ .name = "G1 G2 128 groups", .group_shift = 6, .groups = 128, .patterns = 3,
	  .pattern = { { ~0ULL, ~0ULL, ~0ULL }, { 0, 0, 0 }, { 1, 0, 0 } } },
};

static void describe_layout(const struct nta_layout *layout, char *name)
{
	strscpy(name, layout->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(layout, layouts, describe_layout);

static void masks_of_a_group_are_its_slices(struct kunit *test)
{
	const struct nta_layout *layout = test->param_value;
	const struct nta_topology *topology = nta_lay_out(test, layout);
	unsigned int g, p;

	for (g = 0; g < layout->groups; g++) {
		p = g % layout->patterns;
		KUNIT_EXPECT_EQ_MSG(test, nta_group_possible(topology, g),
				    layout->pattern[p].possible, "group %u", g);
		KUNIT_EXPECT_EQ_MSG(test, nta_group_active(topology, g),
				    layout->pattern[p].active, "group %u", g);
		KUNIT_EXPECT_EQ_MSG(test, nta_group_seen(topology, g),
				    layout->pattern[p].seen, "group %u", g);
	}
}

static void cpu_is_group_times_size_plus_number(struct kunit *test)
{
	const struct nta_layout *layout = test->param_value;
	const struct nta_topology *topology = nta_lay_out(test, layout);
	unsigned int size = 1U << layout->group_shift;
	unsigned int g, n, cpu;

	KUNIT_EXPECT_EQ(test, nta_group_size(topology), size);
	for (g = 0; g < layout->groups; g++) {
		for (n = 0; n < size; n++) {
			cpu = g * size + n;
			KUNIT_EXPECT_EQ(test, nta_cpu_group(topology, cpu), g);
			KUNIT_EXPECT_EQ(test, nta_cpu_number(topology, cpu), n);
		}
		KUNIT_EXPECT_EQ(test, nta_first_cpu(topology, g), g * size);
	}
}

static void group_becomes_a_cpumask_of_its_processors_alone(struct kunit *test)
{
	struct cpumask *mask = nta_mask(test), *all = nta_mask(test);
	unsigned int g, cpu;

	for (g = 0; g < nta_topology.group_count; g++) {
		cpumask_setall(mask);
		nta_group_to_cpumask(&nta_topology, g,
				     nta_group_possible(&nta_topology, g), mask);
		for_each_cpu(cpu, mask)
			KUNIT_EXPECT_EQ(test, nta_cpu_group(&nta_topology, cpu),
					g);
		KUNIT_EXPECT_FALSE_MSG(test, cpumask_intersects(mask, all),
				       "group %u", g);
		cpumask_or(all, all, mask);
	}
	nta_check_mask(test, "all groups (G1, G2)", all, cpu_possible_mask);
}

/* --- counts --- */

static unsigned int active_in_group(unsigned int group)
{
	unsigned int cpu, count = 0;

	for_each_cpu(cpu, cpu_active_mask)
		count += nta_cpu_group(&nta_topology, cpu) == group;
	return count;
}

static unsigned int possible_in_group(unsigned int group)
{
	unsigned int cpu, count = 0;

	for_each_possible_cpu(cpu)
		count += nta_cpu_group(&nta_topology, cpu) == group;
	return count;
}

static void need_all_seen_active(struct kunit *test)
{
	if (KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) !=
	    cpumask_weight(cpu_active_mask))
		kunit_skip(test, "needs a machine on which no CPU went offline");
}

static void maximum_counts_are_of_possible_cpus(struct kunit *test)
{
	unsigned int size = nta_group_size(&nta_topology);
	unsigned int g;

	KUNIT_EXPECT_EQ_MSG(test, KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS),
			    num_possible_cpus(), "Q5");
	KUNIT_EXPECT_EQ_MSG(test, KeQueryMaximumGroupCount(),
			    (cpumask_last(cpu_possible_mask) + size) / size,
			    "Q1 Q5");
	KUNIT_EXPECT_EQ_MSG(test, KeQueryMaximumProcessorCount(),
			    possible_in_group(0), "Q1 Q5");
	for (g = 0; g < KeQueryMaximumGroupCount(); g++)
		KUNIT_EXPECT_EQ_MSG(test, KeQueryMaximumProcessorCountEx(g),
				    possible_in_group(g), "Q5 group %u", g);
}

static void active_counts_are_of_active_cpus(struct kunit *test)
{
	unsigned int g, sum = 0, highest = 0;

	need_all_seen_active(test);
	for (g = 0; g < KeQueryMaximumGroupCount(); g++) {
		KUNIT_EXPECT_EQ_MSG(test, KeQueryActiveProcessorCountEx(g),
				    active_in_group(g), "Q1 group %u", g);
		KUNIT_EXPECT_EQ_MSG(test, KeQueryGroupAffinity(g),
				    nta_group_active(&nta_topology, g),
				    "Q1 group %u", g);
		if (active_in_group(g))
			highest = g;
		sum += KeQueryActiveProcessorCountEx(g);
	}
	KUNIT_EXPECT_EQ_MSG(test, KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS),
			    sum, "Q1 the sum of the groups");
	KUNIT_EXPECT_EQ_MSG(test, KeQueryActiveGroupCount(), highest + 1, "Q5");
}

static void count_equals_the_weight_of_the_mask_of_the_same_call(struct kunit *test)
{
	KAFFINITY mask;
	ULONG count;

	memset(&mask, NTA_POISON, sizeof(mask));
	count = KeQueryActiveProcessorCount(&mask);
	KUNIT_EXPECT_EQ_MSG(test, count, hweight64(mask), "Q3");
	KUNIT_EXPECT_EQ_MSG(test, mask, KeQueryActiveProcessors(), "Q1 Q3");
	KUNIT_EXPECT_EQ_MSG(test, count, KeQueryActiveProcessorCountEx(0), "Q1");
	KUNIT_EXPECT_EQ_MSG(test, count, KeQueryActiveProcessorCount(NULL),
			    "Q1 the mask is optional");
}

static void invalid_group_has_no_processors(struct kunit *test)
{
	const USHORT groups[] = { nta_topology.group_count, 0x7fff, 0xfffe };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		KUNIT_EXPECT_EQ_MSG(test, KeQueryActiveProcessorCountEx(groups[i]),
				    0U, "Q1 group %#x", groups[i]);
		KUNIT_EXPECT_EQ_MSG(test, KeQueryMaximumProcessorCountEx(groups[i]),
				    0U, "Q1 group %#x", groups[i]);
		KUNIT_EXPECT_EQ_MSG(test, KeQueryGroupAffinity(groups[i]), 0ULL,
				    "Q1 group %#x", groups[i]);
	}
	KUNIT_EXPECT_EQ_MSG(test, KeQueryGroupAffinity(ALL_PROCESSOR_GROUPS),
			    0ULL, "Q1 no mask holds all groups");
}

/* --- indexes --- */

static void indexes_are_dense_and_in_order(struct kunit *test)
{
	ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	unsigned int cpu, last = 0;
	PROCESSOR_NUMBER number;
	ULONG i;

	for (i = 0; i < count; i++) {
		memset(&number, NTA_POISON, sizeof(number));
		KUNIT_ASSERT_EQ_MSG(test, KeGetProcessorNumberFromIndex(i, &number),
				    STATUS_SUCCESS, "Q2 index %u", i);
		KUNIT_EXPECT_EQ_MSG(test, number.Reserved, 0, "Q4 index %u", i);
		cpu = nta_first_cpu(&nta_topology, number.Group) + number.Number;
		KUNIT_EXPECT_LT_MSG(test, number.Number,
				    nta_group_size(&nta_topology),
				    "Q2 index %u", i);
		KUNIT_EXPECT_TRUE_MSG(test, cpu_possible(cpu), "Q2 index %u", i);
		/* All CPUs of the test machines were up at load. */
		if (i && count == num_possible_cpus())
			KUNIT_EXPECT_GT_MSG(test, cpu, last,
					    "Q2 index %u is out of order", i);
		KUNIT_EXPECT_EQ_MSG(test, KeGetProcessorIndexFromNumber(&number),
				    i, "Q2 the way back of index %u", i);
		last = cpu;
	}
}

static void unknown_index_fails_with_a_zeroed_output(struct kunit *test)
{
	ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	const ULONG indexes[] = { count, count + 1, 0x7fffffff, 0xffffffff };
	static const PROCESSOR_NUMBER zero;
	PROCESSOR_NUMBER number;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(indexes); i++) {
		memset(&number, NTA_POISON, sizeof(number));
		KUNIT_EXPECT_EQ_MSG(test,
				    KeGetProcessorNumberFromIndex(indexes[i], &number),
				    STATUS_INVALID_PARAMETER, "Q4 %#x", indexes[i]);
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(&number, &zero, sizeof(zero)),
				      "Q4 %#x: the output is not zeroed",
				      indexes[i]);
	}
	KUNIT_EXPECT_EQ_MSG(test, KeGetProcessorNumberFromIndex(0, NULL),
			    STATUS_INVALID_PARAMETER, "Q4 NULL");
}

static void unknown_number_has_no_index(struct kunit *test)
{
	const PROCESSOR_NUMBER numbers[] = {
		{ .Group = 0, .Number = 0, .Reserved = 1 },
		{ .Group = 0, .Number = 0, .Reserved = 0xff },
		{ .Group = nta_topology.group_count },
		{ .Group = 0xffff },
		{ .Group = 0, .Number = nta_group_size(&nta_topology) },
		{ .Group = 0, .Number = 0xff },
		{ .Group = nta_topology.group_count - 1, .Number = 0xff },
	};
	PROCESSOR_NUMBER impossible = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		PROCESSOR_NUMBER number = numbers[i];

		KUNIT_EXPECT_EQ_MSG(test, KeGetProcessorIndexFromNumber(&number),
				    (ULONG)INVALID_PROCESSOR_INDEX,
				    "Q4 row %u", i);
		KUNIT_EXPECT_TRUE_MSG(test,
				      !memcmp(&number, &numbers[i], sizeof(number)),
				      "Q4 row %u was written to", i);
	}
	KUNIT_EXPECT_EQ_MSG(test, KeGetProcessorIndexFromNumber(NULL),
			    (ULONG)INVALID_PROCESSOR_INDEX, "Q4 NULL");

	for (i = 0; i < nta_group_size(&nta_topology); i++) {
		if (nta_group_possible(&nta_topology, 0) & BIT_ULL(i))
			continue;
		impossible.Number = i;
		KUNIT_EXPECT_EQ_MSG(test,
				    KeGetProcessorIndexFromNumber(&impossible),
				    (ULONG)INVALID_PROCESSOR_INDEX,
				    "Q4 number %u does not exist", i);
	}
}

/* --- where am I --- */

struct here {
	unsigned int cpu;
	int ret;
	bool there;
	PROCESSOR_NUMBER number;
	ULONG index_ex;
	ULONG index_ex_null;
	ULONG index;
	ULONG legacy;
};

static void ask_where(void *data)
{
	struct here *here = data;

	/* Not by Set: the query DDIs are proved without it. */
	here->ret = set_cpus_allowed_ptr(current, cpumask_of(here->cpu));
	memset(&here->number, NTA_POISON, sizeof(here->number));
	preempt_disable();
	here->there = smp_processor_id() == here->cpu;
	here->index_ex = KeGetCurrentProcessorNumberEx(&here->number);
	here->index_ex_null = KeGetCurrentProcessorNumberEx(NULL);
	here->index = KeGetCurrentProcessorIndex();
	here->legacy = KeGetCurrentProcessorNumber();
	preempt_enable();
}

static void check_here(struct kunit *test, const struct here *here)
{
	unsigned int group = nta_cpu_group(&nta_topology, here->cpu);
	unsigned int number = nta_cpu_number(&nta_topology, here->cpu);
	ULONG count = KeQueryActiveProcessorCountEx(0);
	PROCESSOR_NUMBER seen = here->number;

	KUNIT_EXPECT_EQ_MSG(test, here->ret, 0, "CPU %u", here->cpu);
	KUNIT_EXPECT_TRUE_MSG(test, here->there, "CPU %u", here->cpu);
	KUNIT_EXPECT_EQ_MSG(test, seen.Group, group, "Q1 CPU %u", here->cpu);
	KUNIT_EXPECT_EQ_MSG(test, seen.Number, number, "Q1 CPU %u", here->cpu);
	KUNIT_EXPECT_EQ_MSG(test, seen.Reserved, 0, "Q1 CPU %u", here->cpu);
	KUNIT_EXPECT_EQ_MSG(test, here->index_ex,
			    KeGetProcessorIndexFromNumber(&seen),
			    "Q1 Q2 CPU %u", here->cpu);
	KUNIT_EXPECT_EQ_MSG(test, here->index, here->index_ex, "Q1 CPU %u",
			    here->cpu);
	KUNIT_EXPECT_EQ_MSG(test, here->index_ex_null, here->index_ex,
			    "Q1 CPU %u", here->cpu);
	if (group)
		number = count ? number % count : 0;
	KUNIT_EXPECT_EQ_MSG(test, here->legacy, number, "Q7 CPU %u", here->cpu);
}

static void current_processor_is_named_on_every_cpu(struct kunit *test)
{
	struct here here;

	need_all_seen_active(test);
	for_each_cpu(here.cpu, cpu_active_mask) {
		nta_on_thread(test, ask_where, &here);
		check_here(test, &here);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(groups_are_counted_up_to_the_highest_cpu,
			 count_gen_params),
	KUNIT_CASE_PARAM(masks_of_a_group_are_its_slices, layout_gen_params),
	KUNIT_CASE_PARAM(cpu_is_group_times_size_plus_number, layout_gen_params),
	KUNIT_CASE(group_becomes_a_cpumask_of_its_processors_alone),
	KUNIT_CASE(maximum_counts_are_of_possible_cpus),
	KUNIT_CASE(active_counts_are_of_active_cpus),
	KUNIT_CASE(count_equals_the_weight_of_the_mask_of_the_same_call),
	KUNIT_CASE(invalid_group_has_no_processors),
	KUNIT_CASE(indexes_are_dense_and_in_order),
	KUNIT_CASE(unknown_index_fails_with_a_zeroed_output),
	KUNIT_CASE(unknown_number_has_no_index),
	KUNIT_CASE(current_processor_is_named_on_every_cpu),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_topology",
	.test_cases = cases,
};

kunit_test_suite(suite);
