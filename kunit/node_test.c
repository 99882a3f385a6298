// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rule Q6, with what Q3 says of nodes: on made-up machines, for no
 * test machine has a node of every shape; and that the DDIs say of this machine
 * what its kernel says. The same on a machine with several nodes, where there is
 * no KUnit: scripts/guest/numa.sh.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/nodemask.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "helpers.h"
#include "node.h"
#include "topology.h"
#include "wdm.h"

/* --- made-up machines --- */

#define MOST_GROUPS 4

/* What must be said of one node. */
struct node_row {
	unsigned int node;
	struct {
		unsigned int first;
		unsigned int count;
	} cpus[2];
	bool missing;
	unsigned int possible;
	unsigned int seen;
	struct nta_affinity primary;
	unsigned int groups;
	struct nta_affinity group[MOST_GROUPS];
};

struct node_machine {
	struct nta_layout layout;
	unsigned int nodes;
	unsigned int rows;
	struct node_row node[4];
};

#define FULL	{ ~0ULL, ~0ULL, ~0ULL }
#define PAIR	{ 3, 3, 3 }

static const struct node_machine machines[] = {
	{
		.layout = { .name = "Q6 two nodes in one group", .group_shift = 6,
			    .groups = 1, .patterns = 1,
			    .pattern = { { 0xffff, 0x7fff, 0xffff } } },
		.nodes = 2, .rows = 2,
		.node = {
			{ .node = 0, .cpus = { { 0, 8 } }, .possible = 8,
			  .seen = 8, .primary = { 0xff, 0 },
			  .groups = 1, .group = { { 0xff, 0 } } },
			/* Q3: the count keeps a processor that is offline. */
			{ .node = 1, .cpus = { { 8, 8 } }, .possible = 8,
			  .seen = 8, .primary = { 0x7f00, 0 },
			  .groups = 1, .group = { { 0x7f00, 0 } } },
		},
	},
	{
		.layout = { .name = "Q6 a node wider than a group", .group_shift = 6,
			    .groups = 2, .patterns = 2,
			    .pattern = { { 0xffff, 0xffff, 0xffff }, FULL } },
		.nodes = 1, .rows = 1,
		.node = {
			{ .node = 0, .cpus = { { 0, 128 } }, .possible = 80,
			  .seen = 80, .primary = { ~0ULL, 1 },
			  .groups = 2, .group = { { 0xffff, 0 }, { ~0ULL, 1 } } },
		},
	},
	{
		.layout = { .name = "Q6 a node over 3 groups", .group_shift = 1,
			    .groups = 4, .patterns = 1, .pattern = { PAIR } },
		.nodes = 2, .rows = 2,
		.node = {
			/* Of groups with as many the lowest is the primary one. */
			{ .node = 0, .cpus = { { 1, 5 } }, .possible = 5,
			  .seen = 5, .primary = { 3, 1 }, .groups = 3,
			  .group = { { 2, 0 }, { 3, 1 }, { 3, 2 } } },
			{ .node = 1, .cpus = { { 0, 1 }, { 6, 2 } }, .possible = 3,
			  .seen = 3, .primary = { 3, 3 }, .groups = 2,
			  .group = { { 1, 0 }, { 3, 3 } } },
		},
	},
	{
		.layout = { .name = "Q6 memory-only node, gaps", .group_shift = 2,
			    .groups = 2, .patterns = 1,
			    .pattern = { { 0xf, 0xf, 0xf } } },
		.nodes = 9, .rows = 4,
		.node = {
			{ .node = 2, .cpus = { { 0, 6 } }, .possible = 6,
			  .seen = 6, .primary = { 0xf, 0 }, .groups = 2,
			  .group = { { 0xf, 0 }, { 3, 1 } } },
			{ .node = 5, .cpus = { { 6, 2 } }, .possible = 2,
			  .seen = 2, .primary = { 0xc, 1 }, .groups = 1,
			  .group = { { 0xc, 1 } } },
			{ .node = 8 },
			{ .node = 3, .missing = true },
		},
	},
	{
		.layout = { .name = "Q3 Q6 partly offline", .group_shift = 6,
			    .groups = 3, .patterns = 3,
			    .pattern = { { ~0ULL, 0, ~0ULL },
					 { 0xff, 0x01, 0xff },
					 { 0xff, 0x0f, 0x0f } } },
		.nodes = 2, .rows = 2,
		.node = {
			/*
			 * The largest group has nobody now; of the others that
			 * with most seen stays primary, whoever is offline.
			 */
			{ .node = 0, .cpus = { { 0, 192 } }, .possible = 80,
			  .seen = 76, .primary = { 0x01, 1 }, .groups = 2,
			  .group = { { 0x01, 1 }, { 0x0f, 2 } } },
			{ .node = 1 },
		},
	},
	{
		.layout = { .name = "Q3 Q6 wholly offline", .group_shift = 1,
			    .groups = 2, .patterns = 2,
			    .pattern = { PAIR, { 3, 0, 3 } } },
		.nodes = 2, .rows = 2,
		.node = {
			{ .node = 0, .cpus = { { 0, 2 } }, .possible = 2,
			  .seen = 2, .primary = { 3, 0 }, .groups = 1,
			  .group = { { 3, 0 } } },
			{ .node = 1, .cpus = { { 2, 2 } }, .possible = 2,
			  .seen = 2 },
		},
	},
	{
		/* Active, but nobody has published it as seen yet. */
		.layout = { .name = "Q6 active, not seen", .group_shift = 1,
			    .groups = 2, .patterns = 2,
			    .pattern = { { 3, 0, 0 }, { 3, 3, 0 } } },
		.nodes = 1, .rows = 1,
		.node = {
			{ .node = 0, .cpus = { { 0, 4 } }, .possible = 4,
			  .primary = { 3, 1 }, .groups = 1,
			  .group = { { 3, 1 } } },
		},
	},
	{
		.layout = { .name = "Q6 8192 CPUs", .group_shift = 6,
			    .groups = 128, .patterns = 1, .pattern = { FULL } },
		.nodes = 2, .rows = 2,
		.node = {
			{ .node = 0, .cpus = { { 0, 8000 } }, .possible = 8000,
			  .seen = 8000, .primary = { ~0ULL, 0 }, .groups = 125 },
			{ .node = 1, .cpus = { { 8000, 192 } }, .possible = 192,
			  .seen = 192, .primary = { ~0ULL, 125 }, .groups = 3,
			  .group = { { ~0ULL, 125 }, { ~0ULL, 126 }, { ~0ULL, 127 } } },
		},
	},
};

static void describe_machine(const struct node_machine *machine, char *name)
{
	strscpy(name, machine->layout.name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(machine, machines, describe_machine);

/* Only possible CPUs are given to a node. */
static struct nta_nodes *lay_out_nodes(struct kunit *test,
				       const struct nta_topology *topology,
				       const struct node_machine *machine)
{
	unsigned int cpus = topology->group_count << topology->group_shift;
	struct nta_nodes *nodes = kunit_kzalloc(test, sizeof(*nodes), GFP_KERNEL);
	const struct node_row *row;
	unsigned int i, r, cpu;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, nodes);
	nodes->count = machine->nodes;
	nodes->words = BITS_TO_LONGS(cpus);
	nodes->exist = kunit_kcalloc(test, BITS_TO_LONGS(nodes->count),
				     sizeof(long), GFP_KERNEL);
	nodes->cpus = kunit_kcalloc(test, nodes->count * nodes->words,
				    sizeof(long), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, nodes->exist && nodes->cpus);

	for (i = 0; i < machine->rows; i++) {
		row = &machine->node[i];
		if (row->missing)
			continue;
		set_bit(row->node, nodes->exist);
		for (r = 0; r < ARRAY_SIZE(row->cpus); r++)
			for (cpu = row->cpus[r].first;
			     cpu < row->cpus[r].first + row->cpus[r].count;
			     cpu++)
				if (test_bit(cpu, topology->possible))
					set_bit(cpu, nta_node_cpus(nodes, row->node));
	}
	return nodes;
}

static void check_groups(struct kunit *test, const struct nta_topology *topology,
			 const struct nta_nodes *nodes,
			 const struct node_row *row)
{
	unsigned int group = 0, found = 0;
	u64 active;

	for (;; group++) {
		group = nta_node_next_group(topology, nodes, row->node, group,
					    &active);
		if (group >= topology->group_count)
			break;
		if (found < MOST_GROUPS && row->groups <= MOST_GROUPS) {
			KUNIT_EXPECT_EQ_MSG(test, group, row->group[found].group,
					    "node %u, group no. %u", row->node,
					    found);
			KUNIT_EXPECT_EQ_MSG(test, active, row->group[found].mask,
					    "node %u, group %u", row->node,
					    group);
		}
		found++;
	}
	KUNIT_EXPECT_EQ_MSG(test, found, row->groups, "node %u", row->node);
}

/* Q6, Q3 */
static void node_is_cut_by_groups(struct kunit *test)
{
	const struct node_machine *machine = test->param_value;
	const struct nta_topology *topology = nta_lay_out(test, &machine->layout);
	const struct nta_nodes *nodes = lay_out_nodes(test, topology, machine);
	struct nta_affinity primary;
	const struct node_row *row;
	unsigned int i;

	for (i = 0; i < machine->rows; i++) {
		row = &machine->node[i];
		KUNIT_EXPECT_EQ_MSG(test, nta_node_exists(nodes, row->node),
				    !row->missing, "node %u", row->node);
		KUNIT_EXPECT_EQ_MSG(test,
				    nta_node_possible_count(nodes, row->node),
				    row->possible, "node %u", row->node);
		KUNIT_EXPECT_EQ_MSG(test,
				    nta_node_seen_count(topology, nodes, row->node),
				    row->seen, "node %u", row->node);
		primary = nta_node_primary(topology, nodes, row->node);
		KUNIT_EXPECT_EQ_MSG(test, primary.mask, row->primary.mask,
				    "node %u", row->node);
		KUNIT_EXPECT_EQ_MSG(test, primary.group, row->primary.group,
				    "node %u", row->node);
		check_groups(test, topology, nodes, row);
	}
}

/* Q6 */
static void number_that_is_no_node_has_nothing(struct kunit *test)
{
	const struct node_machine *machine = test->param_value;
	const struct nta_topology *topology = nta_lay_out(test, &machine->layout);
	const struct nta_nodes *nodes = lay_out_nodes(test, topology, machine);
	const unsigned int numbers[] = { machine->nodes, 1023, 0xffff };
	struct nta_affinity primary;
	unsigned int i;
	u64 active;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		KUNIT_EXPECT_FALSE(test, nta_node_exists(nodes, numbers[i]));
		KUNIT_EXPECT_EQ(test, nta_node_possible_count(nodes, numbers[i]), 0U);
		KUNIT_EXPECT_EQ(test,
				nta_node_seen_count(topology, nodes, numbers[i]), 0U);
		primary = nta_node_primary(topology, nodes, numbers[i]);
		KUNIT_EXPECT_EQ(test, primary.mask, 0ULL);
		KUNIT_EXPECT_EQ(test, primary.group, 0);
		KUNIT_EXPECT_EQ(test,
				nta_node_next_group(topology, nodes, numbers[i], 0,
						    &active),
				topology->group_count);
	}
}

/* Q6, IoGetDeviceNumaNode */
static void device_of_a_node_that_exists_has_that_node(struct kunit *test)
{
	unsigned long exist = BIT(1) | BIT(3);
	struct nta_nodes nodes = { .count = 4, .exist = &exist };

	KUNIT_EXPECT_EQ(test, nta_node_of_device(&nodes, 1), 1);
	KUNIT_EXPECT_EQ(test, nta_node_of_device(&nodes, 3), 3);
	KUNIT_EXPECT_EQ_MSG(test, nta_node_of_device(&nodes, 2), -ENOENT, "a gap");
	KUNIT_EXPECT_EQ(test, nta_node_of_device(&nodes, 4), -ENOENT);
	KUNIT_EXPECT_EQ_MSG(test, nta_node_of_device(&nodes, NUMA_NO_NODE),
			    -ENOENT, "the kernel does not know");

	exist = BIT(0);
	nodes.count = 1;
	KUNIT_EXPECT_EQ_MSG(test, nta_node_of_device(&nodes, NUMA_NO_NODE), 0,
			    "no NUMA");
	KUNIT_EXPECT_EQ_MSG(test, nta_node_of_device(&nodes, 0), 0, "no NUMA");
}

/* --- this machine --- */

static void need_all_seen_active(struct kunit *test)
{
	if (KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) !=
	    cpumask_weight(cpu_active_mask))
		kunit_skip(test, "needs a machine on which no CPU went offline");
}

/* Whether nobody has written to it. */
static bool is_poison(const void *output, size_t size)
{
	return !memchr_inv(output, NTA_POISON, size);
}

static bool is_affinity(const GROUP_AFFINITY *affinity, u64 mask,
			unsigned int group)
{
	GROUP_AFFINITY expected = { .Mask = mask, .Group = group };

	return !memcmp(affinity, &expected, sizeof(expected));
}

/* One entry more than any node can need, all of them poison. */
static GROUP_AFFINITY *poisoned_entries(struct kunit *test, unsigned int *room)
{
	GROUP_AFFINITY *entries;

	*room = KeQueryMaximumGroupCount() + 1;
	entries = kunit_kcalloc(test, *room, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, entries);
	memset(entries, NTA_POISON, *room * sizeof(*entries));
	return entries;
}

static void entries_to_cpumask(struct kunit *test, const GROUP_AFFINITY *entries,
			       unsigned int count, struct cpumask *mask)
{
	struct cpumask *one = nta_mask(test);
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (i)
			KUNIT_EXPECT_GT(test, entries[i].Group,
					entries[i - 1].Group);
		KUNIT_EXPECT_TRUE(test, is_affinity(&entries[i], entries[i].Mask,
						    entries[i].Group));
		nta_group_to_cpumask(&nta_topology, entries[i].Group,
				     entries[i].Mask, one);
		cpumask_or(mask, mask, one);
	}
}

/* Q6: the same as the kernel's mask, and together all that is active. */
static void masks_of_nodes_are_those_of_the_kernel(struct kunit *test)
{
	struct cpumask *all = nta_mask(test), *mask, *expected;
	unsigned int node, room;
	GROUP_AFFINITY *entries;
	USHORT required;

	for (node = 0; node <= KeQueryHighestNodeNumber(); node++) {
		entries = poisoned_entries(test, &room);
		memset(&required, NTA_POISON, sizeof(required));
		if (!node_possible(node)) {
			KUNIT_EXPECT_EQ(test, STATUS_INVALID_PARAMETER,
					KeQueryNodeActiveAffinity2(node, entries, room,
								   &required));
			continue;
		}
		KUNIT_ASSERT_EQ(test, STATUS_SUCCESS,
				KeQueryNodeActiveAffinity2(node, entries, room,
							   &required));
		KUNIT_ASSERT_LT(test, required, room);
		KUNIT_EXPECT_TRUE_MSG(test,
				      is_poison(&entries[required],
						(room - required) * sizeof(*entries)),
				      "node %u: more was written than is said",
				      node);
		mask = nta_mask(test);
		expected = nta_mask(test);
		entries_to_cpumask(test, entries, required, mask);
		cpumask_and(expected, cpumask_of_node(node), cpu_active_mask);
		nta_check_mask(test, "the node", mask, expected);
		KUNIT_EXPECT_FALSE_MSG(test, cpumask_intersects(mask, all),
				       "node %u shares processors", node);
		cpumask_or(all, all, mask);
	}
	nta_check_mask(test, "all nodes", all, cpu_active_mask);
}

/* Q6: one of those entries, the one with most. */
static void primary_group_is_the_one_with_most(struct kunit *test)
{
	unsigned int node, room, i, most;
	GROUP_AFFINITY *entries, primary;
	USHORT required, count;
	bool found;

	need_all_seen_active(test);
	for (node = 0; node <= KeQueryHighestNodeNumber(); node++) {
		entries = poisoned_entries(test, &room);
		if (KeQueryNodeActiveAffinity2(node, entries, room, &required))
			continue;
		memset(&primary, NTA_POISON, sizeof(primary));
		memset(&count, NTA_POISON, sizeof(count));
		KeQueryNodeActiveAffinity(node, &primary, &count);
		KUNIT_EXPECT_EQ(test, count, hweight64(primary.Mask));
		found = !required && is_affinity(&primary, 0, 0);
		for (i = most = 0; i < required; i++) {
			most = max_t(unsigned int, most,
				     hweight64(entries[i].Mask));
			found |= !memcmp(&primary, &entries[i], sizeof(primary));
		}
		KUNIT_EXPECT_TRUE_MSG(test, found, "node %u: %u:%#llx", node,
				      primary.Group, primary.Mask);
		KUNIT_EXPECT_EQ_MSG(test, count, most, "node %u", node);

		/* Each output can be left out. */
		memset(&entries[0], NTA_POISON, sizeof(entries[0]));
		KeQueryNodeActiveAffinity(node, &entries[0], NULL);
		KUNIT_EXPECT_TRUE(test, !memcmp(&primary, &entries[0],
						sizeof(primary)));
		memset(&count, NTA_POISON, sizeof(count));
		KeQueryNodeActiveAffinity(node, NULL, &count);
		KUNIT_EXPECT_EQ(test, count, most);
		KeQueryNodeActiveAffinity(node, NULL, NULL);
	}
}

/* Q6: every room that is too small; the needed number is told each time. */
static void short_list_is_refused_with_the_number_needed(struct kunit *test)
{
	unsigned int node, room, count;
	USHORT needed, required;
	GROUP_AFFINITY *entries;
	NTSTATUS status;

	for (node = 0; node <= KeQueryHighestNodeNumber(); node++) {
		entries = poisoned_entries(test, &room);
		if (KeQueryNodeActiveAffinity2(node, entries, room, &needed))
			continue;
		memset(&required, NTA_POISON, sizeof(required));
		KUNIT_EXPECT_EQ_MSG(test,
				    KeQueryNodeActiveAffinity2(node, NULL, 0,
							       &required),
				    needed ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS,
				    "node %u without a list", node);
		KUNIT_EXPECT_EQ_MSG(test, required, needed, "node %u", node);
		for (count = 0; count < needed; count++) {
			entries = poisoned_entries(test, &room);
			memset(&required, NTA_POISON, sizeof(required));
			status = KeQueryNodeActiveAffinity2(node, entries, count,
							    &required);
			KUNIT_EXPECT_EQ_MSG(test, status, STATUS_BUFFER_TOO_SMALL,
					    "node %u, room for %u", node, count);
			KUNIT_EXPECT_EQ_MSG(test, required, needed,
					    "node %u, room for %u", node, count);
			KUNIT_EXPECT_TRUE_MSG(test,
					      !memchr_inv(entries, 0, count * sizeof(*entries)),
					      "room for %u is not zeroed", count);
			KUNIT_EXPECT_TRUE_MSG(test,
					      is_poison(&entries[count],
							(room - count) * sizeof(*entries)),
					      "room for %u is overrun", count);
		}
		memset(entries, NTA_POISON, room * sizeof(*entries));
		KUNIT_EXPECT_EQ_MSG(test,
				    KeQueryNodeActiveAffinity2(node, entries, needed,
							       &required),
				    STATUS_SUCCESS, "node %u, just enough", node);
		KUNIT_EXPECT_EQ(test, required, needed);
	}
}

/* Q6 */
static void bad_node_is_refused_and_outputs_are_zeroed(struct kunit *test)
{
	const USHORT nodes[] = { KeQueryHighestNodeNumber() + 1, 0x7fff, 0xffff };
	GROUP_AFFINITY affinity, entries[2];
	USHORT count, required;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		memset(&affinity, NTA_POISON, sizeof(affinity));
		memset(&count, NTA_POISON, sizeof(count));
		KeQueryNodeActiveAffinity(nodes[i], &affinity, &count);
		KUNIT_EXPECT_TRUE_MSG(test, is_affinity(&affinity, 0, 0),
				      "node %#x", nodes[i]);
		KUNIT_EXPECT_EQ_MSG(test, count, 0, "node %#x", nodes[i]);

		memset(entries, NTA_POISON, sizeof(entries));
		memset(&required, NTA_POISON, sizeof(required));
		KUNIT_EXPECT_EQ_MSG(test,
				    KeQueryNodeActiveAffinity2(nodes[i], entries, 1,
							       &required),
				    STATUS_INVALID_PARAMETER, "node %#x", nodes[i]);
		KUNIT_EXPECT_EQ_MSG(test, required, 0, "node %#x", nodes[i]);
		KUNIT_EXPECT_TRUE_MSG(test, is_affinity(&entries[0], 0, 0),
				      "node %#x", nodes[i]);
		KUNIT_EXPECT_TRUE_MSG(test, is_poison(&entries[1], sizeof(entries[1])),
				      "node %#x", nodes[i]);

		KUNIT_EXPECT_EQ_MSG(test, KeQueryNodeActiveProcessorCount(nodes[i]),
				    0U, "node %#x", nodes[i]);
		KUNIT_EXPECT_EQ_MSG(test, KeQueryNodeMaximumProcessorCount(nodes[i]),
				    0, "node %#x", nodes[i]);
	}
}

/* Q6 */
static void missing_pointers_are_refused(struct kunit *test)
{
	USHORT node = KeGetCurrentNodeNumber(), required;
	GROUP_AFFINITY entry;

	memset(&entry, NTA_POISON, sizeof(entry));
	KUNIT_EXPECT_EQ(test, KeQueryNodeActiveAffinity2(node, &entry, 1, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_TRUE(test, is_affinity(&entry, 0, 0));
	memset(&required, NTA_POISON, sizeof(required));
	KUNIT_EXPECT_EQ(test, KeQueryNodeActiveAffinity2(node, NULL, 1, &required),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, required, 0);
	KUNIT_EXPECT_EQ(test, KeQueryNodeActiveAffinity2(node, NULL, 1, NULL),
			STATUS_INVALID_PARAMETER);
}

/* Q6, Q3, Q5 */
static void counts_of_nodes_add_up(struct kunit *test)
{
	unsigned int node, active = 0, maximum = 0;

	KUNIT_EXPECT_EQ(test, KeQueryHighestNodeNumber(), nr_node_ids - 1);
	for (node = 0; node <= KeQueryHighestNodeNumber(); node++) {
		KUNIT_EXPECT_LE(test, KeQueryNodeActiveProcessorCount(node),
				(ULONG)KeQueryNodeMaximumProcessorCount(node));
		active += KeQueryNodeActiveProcessorCount(node);
		maximum += KeQueryNodeMaximumProcessorCount(node);
	}
	KUNIT_EXPECT_EQ(test, active,
			KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS));
	KUNIT_EXPECT_EQ(test, maximum,
			KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS));
}

struct here {
	unsigned int cpu;
	int ret;
	bool there;
	USHORT node;
};

static void ask_node(void *data)
{
	struct here *here = data;

	here->ret = set_cpus_allowed_ptr(current, cpumask_of(here->cpu));
	preempt_disable();
	here->there = smp_processor_id() == here->cpu;
	here->node = KeGetCurrentNodeNumber();
	preempt_enable();
}

/* Q6 */
static void current_node_is_that_of_every_cpu(struct kunit *test)
{
	struct here here;

	for_each_cpu(here.cpu, cpu_active_mask) {
		nta_on_thread(test, ask_node, &here);
		KUNIT_EXPECT_EQ_MSG(test, here.ret, 0, "CPU %u", here.cpu);
		KUNIT_EXPECT_TRUE_MSG(test, here.there, "CPU %u", here.cpu);
		KUNIT_EXPECT_EQ_MSG(test, (int)here.node, cpu_to_node(here.cpu),
				    "CPU %u", here.cpu);
		KUNIT_EXPECT_TRUE_MSG(test,
				      test_bit(here.cpu,
					       nta_node_cpus(&nta_nodes, here.node)),
				      "CPU %u", here.cpu);
	}
}

/* Q6 */
static void device_tells_its_node(struct kunit *test)
{
	struct device *device = kunit_kzalloc(test, sizeof(*device), GFP_KERNEL);
	int node = first_online_node;
	USHORT number;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, device);
	set_dev_node(device, node);
	memset(&number, NTA_POISON, sizeof(number));
	KUNIT_EXPECT_EQ(test, IoGetDeviceNumaNode(device, &number),
			STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, (int)number, node);

	set_dev_node(device, NUMA_NO_NODE);
	memset(&number, NTA_POISON, sizeof(number));
	KUNIT_EXPECT_EQ(test, IoGetDeviceNumaNode(device, &number),
			nr_node_ids > 1 ? STATUS_NOT_FOUND : STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, number, 0);

	memset(&number, NTA_POISON, sizeof(number));
	KUNIT_EXPECT_EQ(test, IoGetDeviceNumaNode(NULL, &number),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, number, 0);
	KUNIT_EXPECT_EQ(test, IoGetDeviceNumaNode(device, NULL),
			STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, IoGetDeviceNumaNode(NULL, NULL),
			STATUS_INVALID_PARAMETER);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(node_is_cut_by_groups, machine_gen_params),
	KUNIT_CASE_PARAM(number_that_is_no_node_has_nothing, machine_gen_params),
	KUNIT_CASE(device_of_a_node_that_exists_has_that_node),
	KUNIT_CASE(masks_of_nodes_are_those_of_the_kernel),
	KUNIT_CASE(primary_group_is_the_one_with_most),
	KUNIT_CASE(short_list_is_refused_with_the_number_needed),
	KUNIT_CASE(bad_node_is_refused_and_outputs_are_zeroed),
	KUNIT_CASE(missing_pointers_are_refused),
	KUNIT_CASE(counts_of_nodes_add_up),
	KUNIT_CASE(current_node_is_that_of_every_cpu),
	KUNIT_CASE(device_tells_its_node),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_node",
	.test_cases = cases,
};

kunit_test_suite(suite);
