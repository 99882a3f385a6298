// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules E1 to E5, V1 and V2 with the exported group-less forms on
 * real threads. They act on group 0, or with groupaware=1 on another; what is
 * expected is read off the group that is in force, and with rules=observed the
 * observed column of the specification's table is expected.
 */
#include <kunit/test.h>

#include "helpers.h"
#include "wdm.h"

/* The n-th active processor of the group that the legacy forms act on. */
static struct nta_affinity pick(struct kunit *test, unsigned int n)
{
	struct nta_affinity a = { .group = nta_topology.legacy_group };
	u64 active = nta_group_active(&nta_topology, a.group);

	if (hweight64(active) <= n)
		kunit_skip(test, "needs %u processors in group %u: a larger groupsize",
			   n + 1, a.group);
	while (n--)
		active &= active - 1;
	a.mask = active & -active;
	return a;
}

/* E1, E2 */
static void set_ex_returns_the_previous_mask(struct kunit *test)
{
	struct nta_affinity a = pick(test, 0), b = pick(test, 1);
	struct nta_affinity all = nta_whole_group(a.group);
	const struct nta_step steps[] = {
		{ NTA_SET_EX, a, NTA_NONE, .then = NTA_SYSTEM(a) },
		{ NTA_SET_EX, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_SET_EX, all, b, .then = NTA_SYSTEM(all) },
		{ NTA_REVERT_EX, b, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT_EX, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
		{ NTA_SET_EX, b, NTA_NONE, .then = NTA_SYSTEM(b) },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* E1, S7: 0 is returned for an error too. */
static void set_ex_returns_zero_when_it_is_refused(struct kunit *test)
{
	struct nta_affinity a = pick(test, 0);
	const struct nta_step steps[] = {
		{ NTA_SET_EX, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_USER },
		{ NTA_SET_EX, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET_EX, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

static const struct nta_affinity most = { .mask = ~0ULL };

static void stray_bits_documented(struct kunit *test)
{
	struct nta_affinity a = pick(test, 0);
	struct nta_affinity stray = {
		.mask = nta_stray_bits(test, a.group) | a.mask,
	};
	const struct nta_step steps[] = {
		{ NTA_SET_EX, stray, .refused = NTA_STRAY_BITS,
		  .then = NTA_USER },
		{ NTA_SET_EX, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET_EX, most, .refused = NTA_STRAY_BITS,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, most, .refused = NTA_STRAY_BITS,
		  .then = NTA_SYSTEM(a) },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

static void stray_bits_observed(struct kunit *test)
{
	struct nta_affinity a = pick(test, 0), all = nta_whole_group(a.group);
	struct nta_affinity stray = {
		.mask = nta_stray_bits(test, a.group) | a.mask,
	};
	const struct nta_step steps[] = {
		{ NTA_SET_EX, stray, .then = NTA_SYSTEM(a) },
		{ NTA_SET_EX, most, a, .then = NTA_SYSTEM(all) },
		{ NTA_SET_EX, a, all, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, most, .then = NTA_SYSTEM(all) },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* E1, S6, V1: (KAFFINITY)(1 << 31), too, where the group is shorter. */
static void set_ex_treats_stray_bits_by_the_rules(struct kunit *test)
{
	if (nta_rules == NTA_RULES_OBSERVED)
		stray_bits_observed(test);
	else
		stray_bits_documented(test);
}

static void table_documented(struct kunit *test)
{
	struct nta_affinity one = pick(test, 0), two = pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_REVERT_EX, two, .then = NTA_USER },
		{ NTA_SET_EX, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_USER },
		{ NTA_REVERT_EX, two, .then = NTA_USER },
		{ NTA_SET_EX, one, NTA_NONE, .then = NTA_SYSTEM(one) },
		{ NTA_SET_EX, most, NTA_NONE, NTA_STRAY_BITS, NTA_SYSTEM(one) },
		{ NTA_REVERT_EX, most, NTA_NONE, NTA_STRAY_BITS,
		  NTA_SYSTEM(one) },
		{ NTA_SET_EX, one, one, .then = NTA_SYSTEM(one) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
		{ NTA_SET_EX, one, NTA_NONE, .then = NTA_SYSTEM(one) },
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
		{ NTA_SET_EX, one, NTA_NONE, .then = NTA_SYSTEM(one) },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

static void table_observed(struct kunit *test)
{
	struct nta_affinity one = pick(test, 0), two = pick(test, 1);
	struct nta_affinity all = nta_whole_group(one.group);
	const struct nta_step steps[] = {
		{ NTA_REVERT_EX, two, .then = NTA_SYSTEM(two) },
		{ NTA_SET_EX, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(two) },
		{ NTA_REVERT_EX, two, .then = NTA_SYSTEM(two) },
		{ NTA_SET_EX, one, two, .then = NTA_SYSTEM(one) },
		{ NTA_SET_EX, most, one, .then = NTA_SYSTEM(all) },
		{ NTA_REVERT_EX, most, .then = NTA_SYSTEM(all) },
		{ NTA_SET_EX, one, all, .then = NTA_SYSTEM(one) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
		{ NTA_SET_EX, one, NTA_NONE, .then = NTA_SYSTEM(one) },
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
		{ NTA_SET_EX, one, NTA_NONE, .then = NTA_SYSTEM(one) },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* The table of section V, step by step: V1, V2 or S6, R5. */
static void sequence_seen_on_windows_follows_the_table(struct kunit *test)
{
	nta_stray_bits(test, nta_topology.legacy_group);
	if (nta_rules == NTA_RULES_OBSERVED)
		table_observed(test);
	else
		table_documented(test);
}

/* E2: wherever the system affinity was. */
static void revert_ex_of_zero_ends_an_affinity_in_another_group(struct kunit *test)
{
	unsigned int other = nta_other_group(test, nta_topology.legacy_group);
	struct nta_affinity far = nta_whole_group(other);
	const struct nta_step steps[] = {
		{ NTA_SET, far, .then = NTA_SYSTEM(far) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* E3: a documented loss. The numbers stay, the group does not. */
static void set_ex_loses_the_group_of_the_previous_affinity(struct kunit *test)
{
	unsigned int other = nta_other_group(test, nta_topology.legacy_group);
	struct nta_affinity near = pick(test, 0), far = nta_whole_group(other);
	u64 both = far.mask & nta_group_active(&nta_topology, near.group);
	struct nta_affinity there = { .mask = both & -both, .group = other };
	struct nta_affinity wrong = { .mask = there.mask, .group = near.group };
	const struct nta_step steps[] = {
		{ NTA_SET, there, .then = NTA_SYSTEM(there) },
		{ NTA_SET_EX, near, there, .then = NTA_SYSTEM(near) },
		{ NTA_REVERT_EX, there, .then = NTA_SYSTEM(wrong) },
		/* The group form still tells the truth about what is in force. */
		{ NTA_SET, there, wrong, .then = NTA_SYSTEM(there) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
	};

	if (!both)
		kunit_skip(test, "needs a number that is active in two groups");
	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* E4: the older driver's pattern, N Sets and one Revert. */
static void oldest_forms_are_the_ex_forms_without_values(struct kunit *test)
{
	struct nta_affinity a = pick(test, 0), b = pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
		{ NTA_SET_LEGACY, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET_LEGACY, b, .then = NTA_SYSTEM(b) },
		{ NTA_SET_EX, a, b, .then = NTA_SYSTEM(a) },
		{ NTA_SET_LEGACY, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* E1, E2, E4: the two families see one state. */
static void both_families_nest_in_each_other(struct kunit *test)
{
	struct nta_affinity a = pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET_EX, a, NTA_NONE, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
		{ NTA_SET, b, NTA_NONE, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* E5: fixed at load, the highest group that was active then. */
static void groupaware_acts_on_the_highest_group(struct kunit *test)
{
	unsigned int legacy = nta_topology.legacy_group;
	struct nta_affinity a = pick(test, 0);
	const struct nta_step steps[] = {
		{ NTA_SET_EX, a, NTA_NONE, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_EX, NTA_NONE, .then = NTA_USER },
		{ NTA_SET_LEGACY, a, .then = NTA_SYSTEM(a) },
	};

	if (!legacy)
		kunit_skip(test, "needs two groups: load with groupaware=1 groupsize=2");
	KUNIT_EXPECT_EQ(test, legacy, KeQueryActiveGroupCount() - 1U);
	nta_walk(test, steps, ARRAY_SIZE(steps));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(set_ex_returns_the_previous_mask),
	KUNIT_CASE(set_ex_returns_zero_when_it_is_refused),
	KUNIT_CASE(set_ex_treats_stray_bits_by_the_rules),
	KUNIT_CASE(sequence_seen_on_windows_follows_the_table),
	KUNIT_CASE(revert_ex_of_zero_ends_an_affinity_in_another_group),
	KUNIT_CASE(set_ex_loses_the_group_of_the_previous_affinity),
	KUNIT_CASE(oldest_forms_are_the_ex_forms_without_values),
	KUNIT_CASE(both_families_nest_in_each_other),
	KUNIT_CASE(groupaware_acts_on_the_highest_group),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_legacy",
	.test_cases = cases,
};

kunit_test_suite(suite);
