// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rule P7: the StorPort routines about groups, nodes and the running
 * processor give the Ke routines' answers; and each of their status codes.
 */
#include <kunit/test.h>
#include <linux/nodemask.h>
#include <linux/preempt.h>

#include "helpers.h"
#include "storport.h"
#include "topology.h"

/* Only whether there is one counts. */
#define ADAPTER ((PVOID)0x1000)

/* An output, larger than any of them, to see what a call has written. */
union output {
	USHORT ushort;
	ULONG ulong;
	KAFFINITY mask;
	GROUP_AFFINITY affinity;
	PROCESSOR_NUMBER processor;
	KIRQL irql;
	u8 bytes[24];
};

static void poison(union output *output)
{
	memset(output, NTA_POISON, sizeof(*output));
}

/* Each routine as one function, so that all can be asked the same. */
static ULONG get_group_count(PVOID adapter, union output *output)
{
	return StorPortGetActiveGroupCount(adapter, output ? &output->ushort : NULL);
}

static ULONG get_group(PVOID adapter, union output *output)
{
	return StorPortGetGroupAffinity(adapter, 0, output ? &output->mask : NULL);
}

static ULONG get_bad_group(PVOID adapter, union output *output)
{
	return StorPortGetGroupAffinity(adapter, nta_topology.group_count,
					output ? &output->mask : NULL);
}

static ULONG get_all_groups(PVOID adapter, union output *output)
{
	return StorPortGetGroupAffinity(adapter, ALL_PROCESSOR_GROUPS,
					output ? &output->mask : NULL);
}

static ULONG get_node_count(PVOID adapter, union output *output)
{
	return StorPortGetActiveNodeCount(adapter, output ? &output->ulong : NULL);
}

static ULONG get_highest_node(PVOID adapter, union output *output)
{
	return StorPortGetHighestNodeNumber(adapter,
					    output ? &output->ulong : NULL);
}

static ULONG get_node(PVOID adapter, union output *output)
{
	return StorPortGetNodeAffinity(adapter, KeGetCurrentNodeNumber(),
				       output ? &output->affinity : NULL);
}

static ULONG get_bad_node(PVOID adapter, union output *output)
{
	return StorPortGetNodeAffinity(adapter, KeQueryHighestNodeNumber() + 1,
				       output ? &output->affinity : NULL);
}

static ULONG get_last_node(PVOID adapter, union output *output)
{
	return StorPortGetNodeAffinity(adapter, 65535,
				       output ? &output->affinity : NULL);
}

static ULONG get_node_too_high(PVOID adapter, union output *output)
{
	return StorPortGetNodeAffinity(adapter, 65536,
				       output ? &output->affinity : NULL);
}

static ULONG get_highest_ulong(PVOID adapter, union output *output)
{
	return StorPortGetNodeAffinity(adapter, 0xffffffff,
				       output ? &output->affinity : NULL);
}

static ULONG get_processor(PVOID adapter, union output *output)
{
	return StorPortGetCurrentProcessorNumber(adapter,
						 output ? &output->processor : NULL);
}

static ULONG get_irql(PVOID adapter, union output *output)
{
	return StorPortGetCurrentIrql(adapter, output ? &output->irql : NULL);
}

struct call_row {
	const char *name;
	ULONG (*call)(PVOID adapter, union output *output);
	unsigned int size;
	ULONG status;
};

static const struct call_row calls[] = {
	{ "P7 active group count", get_group_count, sizeof(USHORT),
	  STOR_STATUS_SUCCESS },
	{ "P7 affinity of a group", get_group, sizeof(KAFFINITY),
	  STOR_STATUS_SUCCESS },
	{ "P7 affinity of a group too many", get_bad_group, sizeof(KAFFINITY),
	  STOR_STATUS_UNSUCCESSFUL },
	{ "P7 affinity of all groups", get_all_groups, sizeof(KAFFINITY),
	  STOR_STATUS_UNSUCCESSFUL },
	{ "P7 active node count", get_node_count, sizeof(ULONG),
	  STOR_STATUS_SUCCESS },
	{ "P7 highest node", get_highest_node, sizeof(ULONG),
	  STOR_STATUS_SUCCESS },
	{ "P7 affinity of a node", get_node, sizeof(GROUP_AFFINITY),
	  STOR_STATUS_SUCCESS },
	{ "P7 affinity of a node too many", get_bad_node, sizeof(GROUP_AFFINITY),
	  STOR_STATUS_UNSUCCESSFUL },
	{ "P7 affinity of node 65535", get_last_node, sizeof(GROUP_AFFINITY),
	  STOR_STATUS_UNSUCCESSFUL },
	{ "P7 affinity of node 65536", get_node_too_high, sizeof(GROUP_AFFINITY),
	  STOR_STATUS_INVALID_PARAMETER },
	{ "P7 affinity of node 0xffffffff", get_highest_ulong,
	  sizeof(GROUP_AFFINITY), STOR_STATUS_INVALID_PARAMETER },
	{ "P7 current processor", get_processor, sizeof(PROCESSOR_NUMBER),
	  STOR_STATUS_SUCCESS },
	{ "P7 current IRQL", get_irql, sizeof(KIRQL), STOR_STATUS_SUCCESS },
};

static void describe_call(const struct call_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(call, calls, describe_call);

static void check_size(struct kunit *test, const struct call_row *row,
		       const union output *output)
{
	KUNIT_EXPECT_TRUE_MSG(test,
			      !memchr_inv(output->bytes + row->size, NTA_POISON,
					  sizeof(*output) - row->size),
			      "more than the output was written");
}

static void expect_zeros(struct kunit *test, const struct call_row *row,
			 const union output *output)
{
	KUNIT_EXPECT_TRUE_MSG(test, !memchr_inv(output->bytes, 0, row->size),
			      "the output is not zeroed: %*ph", (int)row->size,
			      output->bytes);
	check_size(test, row, output);
}

/* P7 */
static void status_says_how_it_went(struct kunit *test)
{
	const struct call_row *row = test->param_value;
	union output output;

	poison(&output);
	KUNIT_EXPECT_EQ(test, row->call(ADAPTER, &output), row->status);
	if (row->status != STOR_STATUS_SUCCESS)
		expect_zeros(test, row, &output);
	else
		check_size(test, row, &output);
}

/* P7 */
static void null_pointers_are_invalid_parameters(struct kunit *test)
{
	const struct call_row *row = test->param_value;
	union output output;

	poison(&output);
	KUNIT_EXPECT_EQ(test, row->call(NULL, &output),
			STOR_STATUS_INVALID_PARAMETER);
	expect_zeros(test, row, &output);
	KUNIT_EXPECT_EQ(test, row->call(ADAPTER, NULL),
			STOR_STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, row->call(NULL, NULL),
			STOR_STATUS_INVALID_PARAMETER);
}

/* P7 */
static void answers_are_those_of_the_ke_routines(struct kunit *test)
{
	GROUP_AFFINITY affinity;
	union output output;
	unsigned int i;

	poison(&output);
	StorPortGetActiveGroupCount(ADAPTER, &output.ushort);
	KUNIT_EXPECT_EQ(test, output.ushort, KeQueryActiveGroupCount());

	/* Also of a group that is there, but has no active processor. */
	for (i = 0; i < KeQueryMaximumGroupCount(); i++) {
		poison(&output);
		KUNIT_EXPECT_EQ(test,
				StorPortGetGroupAffinity(ADAPTER, i, &output.mask),
				STOR_STATUS_SUCCESS);
		KUNIT_EXPECT_EQ(test, output.mask, KeQueryGroupAffinity(i));
	}

	poison(&output);
	StorPortGetActiveNodeCount(ADAPTER, &output.ulong);
	KUNIT_EXPECT_EQ(test, output.ulong, (ULONG)num_online_nodes());
	poison(&output);
	StorPortGetHighestNodeNumber(ADAPTER, &output.ulong);
	KUNIT_EXPECT_EQ(test, output.ulong, (ULONG)KeQueryHighestNodeNumber());

	for (i = 0; i <= KeQueryHighestNodeNumber(); i++) {
		poison(&output);
		KUNIT_EXPECT_EQ(test,
				StorPortGetNodeAffinity(ADAPTER, i, &output.affinity),
				node_possible(i) ? STOR_STATUS_SUCCESS :
						   STOR_STATUS_UNSUCCESSFUL);
		KeQueryNodeActiveAffinity(i, &affinity, NULL);
		KUNIT_EXPECT_TRUE_MSG(test,
				      !memcmp(&output.affinity, &affinity,
					      sizeof(affinity)), "node %u", i);
	}
}

/* P7: of this moment, so nothing may change between the two questions. */
static void running_processor_and_level_are_told(struct kunit *test)
{
	union output processor, passive, dispatch, after;
	PROCESSOR_NUMBER expected;
	KIRQL old, seen;

	poison(&processor);
	poison(&passive);
	poison(&dispatch);
	poison(&after);
	StorPortGetCurrentIrql(ADAPTER, &passive.irql);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	StorPortGetCurrentProcessorNumber(ADAPTER, &processor.processor);
	KeGetCurrentProcessorNumberEx(&expected);
	StorPortGetCurrentIrql(ADAPTER, &dispatch.irql);
	seen = KeGetCurrentIrql();
	KeLowerIrql(old);
	StorPortGetCurrentIrql(ADAPTER, &after.irql);

	KUNIT_EXPECT_TRUE(test, !memcmp(&processor.processor, &expected,
					sizeof(expected)));
	KUNIT_EXPECT_EQ(test, passive.irql, PASSIVE_LEVEL);
	KUNIT_EXPECT_EQ(test, dispatch.irql, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, dispatch.irql, seen);
	KUNIT_EXPECT_EQ(test, after.irql, PASSIVE_LEVEL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(status_says_how_it_went, call_gen_params),
	KUNIT_CASE_PARAM(null_pointers_are_invalid_parameters, call_gen_params),
	KUNIT_CASE(answers_are_those_of_the_ke_routines),
	KUNIT_CASE(running_processor_and_level_are_told),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_storport_topology",
	.test_cases = cases,
};

kunit_test_suite(suite);
