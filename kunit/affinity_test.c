// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules G1, G2, S1, S3 to S8, S12, R1 to R7, V1 and V2 on
 * affinity.c, which is pure: on made-up machines that nobody has on a desk, with
 * the whole outcome of each request; step by step through the tables of the
 * specification; and against a second, plainer model over random histories.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/prandom.h>

#include "affinity.h"
#include "helpers.h"
#include "topology.h"

#define LOW(n) GENMASK_ULL((n) - 1, 0)
#define ALL (~0ULL)

static const struct nta_layout one_of_8 = {
	.name = "one group of 8", .group_shift = 6, .groups = 1, .patterns = 1,
	.pattern = { { 0xff, 0xff, 0xff } },
};

static const struct nta_layout one_of_64 = {
	.name = "one group of 64", .group_shift = 6, .groups = 1, .patterns = 1,
	.pattern = { { ALL, ALL, ALL } },
};

static const struct nta_layout three = {
	.name = "130 CPUs, the last group short",
	.group_shift = 6, .groups = 3, .patterns = 3,
	.pattern = { { ALL, ALL, ALL }, { ALL, ALL, ALL }, { 0x3, 0x3, 0x3 } },
};

static const struct nta_layout sparse = {
	.name = "48 + 16", .group_shift = 6, .groups = 2, .patterns = 2,
	.pattern = {
		{ LOW(48), LOW(48), LOW(48) },
		{ LOW(16), LOW(16), LOW(16) },
	},
};

static const struct nta_layout single = {
	.name = "one-CPU groups", .group_shift = 0, .groups = 70, .patterns = 1,
	.pattern = { { 1, 1, 1 } },
};

static const struct nta_layout pairs = {
	.name = "groups of 2", .group_shift = 1, .groups = 35, .patterns = 1,
	.pattern = { { 3, 3, 3 } },
};

/* Processor 6 was active once; 1, 3 and 7 never were. */
static const struct nta_layout holes = {
	.name = "inactive holes", .group_shift = 6, .groups = 2, .patterns = 1,
	.pattern = { { 0xff, 0x35, 0x75 } },
};

static const struct nta_layout gap = {
	.name = "a group with no possible CPU", .group_shift = 2, .groups = 3,
	.patterns = 3,
	.pattern = { { 0xf, 0xf, 0xf }, { 0, 0, 0 }, { 0x3, 0x3, 0x3 } },
};

/* Of group 1 nothing is active now, processors 0 and 1 were. */
static const struct nta_layout downed = {
	.name = "a group with no active CPU", .group_shift = 2, .groups = 3,
	.patterns = 3,
	.pattern = { { 0xf, 0xf, 0xf }, { 0xf, 0, 0x3 }, { 0xf, 0x8, 0x8 } },
};

static const struct nta_layout many = {
	.name = "128 groups", .group_shift = 6, .groups = 128, .patterns = 1,
	.pattern = { { ALL, ALL, ALL } },
};

enum request {
	SET,
	REVERT,
};

/* The outcome of a request under one of the two rules. */
struct expected {
	enum nta_reason reason;
	enum nta_action action;
	struct nta_state next;
	struct nta_affinity previous;
};

/*
 * @differs: under rules=observed the outcome is @observed, else as documented
 */
struct row {
	const char *name;
	const struct nta_layout *layout;
	struct nta_state state;
	enum request request;
	struct nta_affinity asked;
	struct expected documented;
	bool differs;
	struct expected observed;
};

#define AFF(m, g) { .mask = (m), .group = (g) }
#define ACTIVE(m, g) { .system = AFF(m, g), .active = true }
#define INACTIVE { .active = false }

#define PLACED(m, g, pm, pg) \
	{ NTA_OK, NTA_DO_PLACE_SYSTEM, ACTIVE(m, g), AFF(pm, pg) }
#define TO_USER { NTA_OK, NTA_DO_PLACE_USER, INACTIVE, AFF(0, 0) }
#define KEPT(reason, ...) { reason, NTA_DO_NOTHING, __VA_ARGS__, AFF(0, 0) }

static const struct row rows[] = {
	/* Set, not active */
	{ "S1 S4 first Set", &one_of_8, INACTIVE, SET, AFF(0x4, 0),
	  PLACED(0x4, 0, 0, 0) },
	{ "S1 Set of the whole group", &one_of_8, INACTIVE, SET, AFF(0xff, 0),
	  PLACED(0xff, 0, 0, 0) },
	{ "S1 Set of bit 63", &one_of_64, INACTIVE, SET, AFF(BIT_ULL(63), 0),
	  PLACED(BIT_ULL(63), 0, 0, 0) },
	{ "S1 Set of 64 bits", &one_of_64, INACTIVE, SET, AFF(ALL, 0),
	  PLACED(ALL, 0, 0, 0) },
	{ "S1 Set in the middle group", &three, INACTIVE, SET, AFF(BIT_ULL(63), 1),
	  PLACED(BIT_ULL(63), 1, 0, 0) },
	{ "S1 G1 Set in the short last group", &three, INACTIVE, SET, AFF(0x2, 2),
	  PLACED(0x2, 2, 0, 0) },
	{ "S1 G2 Set in the second of two groups", &sparse, INACTIVE, SET,
	  AFF(0x8000, 1), PLACED(0x8000, 1, 0, 0) },
	{ "S1 G2 Set in the last one-CPU group", &single, INACTIVE, SET, AFF(1, 69),
	  PLACED(1, 69, 0, 0) },
	{ "S1 G2 Set in the last group of 2", &pairs, INACTIVE, SET, AFF(3, 34),
	  PLACED(3, 34, 0, 0) },
	{ "S1 G1 Set behind an empty group", &gap, INACTIVE, SET, AFF(0x2, 2),
	  PLACED(0x2, 2, 0, 0) },
	{ "S1 G1 Set in the last of 128 groups", &many, INACTIVE, SET,
	  AFF(BIT_ULL(63) | 1, 127), PLACED(BIT_ULL(63) | 1, 127, 0, 0) },

	{ "S4 first Set after a Revert", &three, { .system = AFF(0x6, 1) }, SET,
	  AFF(0x1, 2), PLACED(0x1, 2, 0, 0) },

	/* Set, active */
	{ "S3 nested Set", &one_of_8, ACTIVE(0x1, 0), SET, AFF(0x2, 0),
	  PLACED(0x2, 0, 0x1, 0) },
	{ "S3 nested Set from group to group", &three, ACTIVE(0x6, 1), SET,
	  AFF(0x1, 2), PLACED(0x1, 2, 0x6, 1) },
	{ "S17 Set of what is in force", &three, ACTIVE(0x6, 1), SET, AFF(0x6, 1),
	  PLACED(0x6, 1, 0x6, 1) },
	{ "S3 what was in force may be inactive by now", &holes, ACTIVE(0x42, 0),
	  SET, AFF(0x1, 0), PLACED(0x1, 0, 0x42, 0) },

	/* S5 */
	{ "S5 group == count", &three, INACTIVE, SET, AFF(0x1, 3),
	  KEPT(NTA_BAD_GROUP, INACTIVE) },
	{ "S5 group == count while active", &three, ACTIVE(0x6, 1), SET, AFF(0x1, 3),
	  KEPT(NTA_BAD_GROUP, ACTIVE(0x6, 1)) },
	{ "S5 group 0xffff", &one_of_8, INACTIVE, SET, AFF(0x1, 0xffff),
	  KEPT(NTA_BAD_GROUP, INACTIVE) },
	{ "S5 group 0xffff with mask 0", &one_of_8, ACTIVE(0x1, 0), SET,
	  AFF(0, 0xffff), KEPT(NTA_BAD_GROUP, ACTIVE(0x1, 0)) },
	{ "S5 group 128 of 128", &many, INACTIVE, SET, AFF(0x1, 128),
	  KEPT(NTA_BAD_GROUP, INACTIVE) },

	/* S6, V1 */
	{ "S6 V1 one bit too many", &one_of_8, INACTIVE, SET, AFF(0x101, 0),
	  KEPT(NTA_STRAY_BITS, INACTIVE), true, PLACED(0x1, 0, 0, 0) },
	{ "S6 V1 all bits", &one_of_8, ACTIVE(0x1, 0), SET, AFF(ALL, 0),
	  KEPT(NTA_STRAY_BITS, ACTIVE(0x1, 0)), true, PLACED(0xff, 0, 0x1, 0) },
	{ "S6 V1 bit 63 of a short group", &three, INACTIVE, SET,
	  AFF(BIT_ULL(63) | 0x2, 2),
	  KEPT(NTA_STRAY_BITS, INACTIVE), true, PLACED(0x2, 2, 0, 0) },
	{ "S6 V1 stray bits alone", &one_of_8, ACTIVE(0x1, 0), SET, AFF(0x100, 0),
	  KEPT(NTA_STRAY_BITS, ACTIVE(0x1, 0)), true,
	  KEPT(NTA_NOT_ACTIVE, ACTIVE(0x1, 0)) },
	{ "S6 V1 the next group's processor", &pairs, INACTIVE, SET, AFF(0x4, 3),
	  KEPT(NTA_STRAY_BITS, INACTIVE), true, KEPT(NTA_NOT_ACTIVE, INACTIVE) },
	{ "S6 V1 a one-CPU group has no second processor", &single, INACTIVE, SET,
	  AFF(0x3, 5), KEPT(NTA_STRAY_BITS, INACTIVE), true, PLACED(1, 5, 0, 0) },
	{ "S6 V1 a sign-extended 1 << 31", &sparse, INACTIVE, SET,
	  AFF(0xffffffff80000000ULL, 0),
	  KEPT(NTA_STRAY_BITS, INACTIVE), true,
	  PLACED(GENMASK_ULL(47, 31), 0, 0, 0) },
	{ "S6 a sign-extended 1 << 31 where all 64 exist", &one_of_64, INACTIVE, SET,
	  AFF(0xffffffff80000000ULL, 0),
	  PLACED(GENMASK_ULL(63, 31), 0, 0, 0) },
	{ "S6 V1 a group with no possible CPU", &gap, INACTIVE, SET, AFF(0x1, 1),
	  KEPT(NTA_STRAY_BITS, INACTIVE), true, KEPT(NTA_NOT_ACTIVE, INACTIVE) },

	/* S7 */
	{ "S7 mask 0", &one_of_8, INACTIVE, SET, AFF(0, 0),
	  KEPT(NTA_ZERO_MASK, INACTIVE) },
	{ "S7 mask 0 while active", &three, ACTIVE(0x6, 1), SET, AFF(0, 0),
	  KEPT(NTA_ZERO_MASK, ACTIVE(0x6, 1)) },
	{ "S7 mask 0 in a group with no possible CPU", &gap, INACTIVE, SET, AFF(0, 1),
	  KEPT(NTA_ZERO_MASK, INACTIVE) },
	{ "S7 a processor that was never active", &holes, ACTIVE(0x1, 0), SET,
	  AFF(0x8a, 0), KEPT(NTA_NOT_ACTIVE, ACTIVE(0x1, 0)) },
	{ "S7 a processor that is offline now", &holes, ACTIVE(0x1, 0), SET,
	  AFF(0x40, 1), KEPT(NTA_OFFLINE, ACTIVE(0x1, 0)) },
	{ "S7 one that is offline, one that never was active", &holes, INACTIVE, SET,
	  AFF(0x42, 0), KEPT(NTA_OFFLINE, INACTIVE) },
	{ "S7 a group that is offline", &downed, INACTIVE, SET, AFF(0xf, 1),
	  KEPT(NTA_OFFLINE, INACTIVE) },
	{ "S7 never active in a group that is offline", &downed, INACTIVE, SET,
	  AFF(0xc, 1), KEPT(NTA_NOT_ACTIVE, INACTIVE) },

	/* S8 */
	{ "S8 inactive bits are stripped", &holes, INACTIVE, SET, AFF(0xff, 1),
	  PLACED(0x35, 1, 0, 0) },
	{ "S8 one active bit of two is left", &holes, ACTIVE(0x1, 0), SET,
	  AFF(0x6, 0), PLACED(0x4, 0, 0x1, 0) },
	{ "S8 one active processor in the group", &downed, INACTIVE, SET, AFF(0xf, 2),
	  PLACED(0x8, 2, 0, 0) },

	/* Revert to the user affinity */
	{ "R1 Revert {0, 0}", &three, ACTIVE(0x6, 1), REVERT, AFF(0, 0), TO_USER },
	{ "R1 Revert of mask 0 with a group", &three, ACTIVE(0x6, 1), REVERT,
	  AFF(0, 2), TO_USER },
	{ "R1 Revert of mask 0 with a group out of range", &three, ACTIVE(0x6, 1),
	  REVERT, AFF(0, 0xffff), TO_USER },
	{ "R2 Revert {0, 0} while not active", &three, INACTIVE, REVERT, AFF(0, 0),
	  KEPT(NTA_OK, INACTIVE) },
	{ "R2 Revert of mask 0 out of range while not active", &three, INACTIVE,
	  REVERT, AFF(0, 7), KEPT(NTA_OK, INACTIVE) },

	/* Revert to a system affinity */
	{ "R3 Revert to the outer affinity", &three, ACTIVE(0x6, 1), REVERT,
	  AFF(0x1, 2), PLACED(0x1, 2, 0, 0) },
	{ "R3 S8 Revert strips too", &holes, ACTIVE(0x1, 0), REVERT, AFF(0x41, 1),
	  PLACED(0x1, 1, 0, 0) },
	{ "R4 S5 Revert to a bad group", &three, ACTIVE(0x6, 1), REVERT, AFF(0x1, 3),
	  KEPT(NTA_BAD_GROUP, ACTIVE(0x6, 1)) },
	{ "R4 S6 V1 Revert with stray bits", &three, ACTIVE(0x6, 1), REVERT,
	  AFF(0x5, 2), KEPT(NTA_STRAY_BITS, ACTIVE(0x6, 1)), true,
	  PLACED(0x1, 2, 0, 0) },
	{ "R4 S7 Revert to what is offline now", &holes, ACTIVE(0x1, 0), REVERT,
	  AFF(0x40, 0), KEPT(NTA_OFFLINE, ACTIVE(0x1, 0)) },
	{ "R4 S7 Revert to what was never active", &holes, ACTIVE(0x1, 0), REVERT,
	  AFF(0x2, 0), KEPT(NTA_NOT_ACTIVE, ACTIVE(0x1, 0)) },

	/* R5, V2 */
	{ "R5 V2 Revert to a mask while not active", &three, INACTIVE, REVERT,
	  AFF(0x1, 2), KEPT(NTA_OK, INACTIVE), true, PLACED(0x1, 2, 0, 0) },
	{ "R5 V2 stray bits while not active", &one_of_8, INACTIVE, REVERT,
	  AFF(ALL, 0), KEPT(NTA_STRAY_BITS, INACTIVE), true,
	  PLACED(0xff, 0, 0, 0) },
	{ "R5 V2 what is offline while not active", &holes, INACTIVE, REVERT,
	  AFF(0x40, 0), KEPT(NTA_OFFLINE, INACTIVE) },
	{ "R5 V2 a bad group while not active", &three, INACTIVE, REVERT,
	  AFF(0x1, 3), KEPT(NTA_BAD_GROUP, INACTIVE) },
};

static void describe_row(const struct row *row, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s (%s)", row->name,
		 row->layout->name);
}

KUNIT_ARRAY_PARAM(row, rows, describe_row);

static void check_outcome(struct kunit *test, const char *rules,
			  const struct nta_outcome *seen,
			  const struct expected *expected)
{
	KUNIT_EXPECT_EQ_MSG(test, seen->reason, expected->reason, "%s", rules);
	KUNIT_EXPECT_EQ_MSG(test, seen->action, expected->action, "%s", rules);
	KUNIT_EXPECT_EQ_MSG(test, seen->next.active, expected->next.active, "%s",
			    rules);
	KUNIT_EXPECT_EQ_MSG(test, seen->next.system.mask,
			    expected->next.system.mask, "%s", rules);
	KUNIT_EXPECT_EQ_MSG(test, seen->next.system.group,
			    expected->next.system.group, "%s", rules);
	KUNIT_EXPECT_EQ_MSG(test, seen->previous.mask, expected->previous.mask,
			    "%s", rules);
	KUNIT_EXPECT_EQ_MSG(test, seen->previous.group, expected->previous.group,
			    "%s", rules);
}

static struct nta_outcome ask(const struct nta_topology *topology,
			      enum nta_rules rules, enum request request,
			      const struct nta_state *state,
			      const struct nta_affinity *asked)
{
	if (request == SET)
		return nta_affinity_set(topology, rules, state, asked);
	return nta_affinity_revert(topology, rules, state, asked);
}

static void request_has_the_outcome_of_the_rules(struct kunit *test)
{
	const struct row *row = test->param_value;
	const struct nta_topology *topology = nta_lay_out(test, row->layout);
	struct nta_outcome seen;

	seen = ask(topology, NTA_RULES_DOCUMENTED, row->request, &row->state,
		   &row->asked);
	check_outcome(test, "rules=documented", &seen, &row->documented);

	seen = ask(topology, NTA_RULES_OBSERVED, row->request, &row->state,
		   &row->asked);
	check_outcome(test, "rules=observed", &seen,
		      row->differs ? &row->observed : &row->documented);
}

static void trim_leaves_its_output_alone_when_it_refuses(struct kunit *test)
{
	const struct nta_topology *topology = nta_lay_out(test, &downed);
	static const struct nta_affinity refused[] = {
		AFF(0x1, 3), AFF(0x10, 0), AFF(0, 0), AFF(0x1, 1), AFF(0x4, 1),
	};
	struct nta_affinity out;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		out = (struct nta_affinity)AFF(0xa5a5, 0xa5);
		KUNIT_EXPECT_NE(test, NTA_OK,
				nta_affinity_trim(topology, NTA_RULES_DOCUMENTED,
						  &refused[i], &out));
		KUNIT_EXPECT_EQ(test, out.mask, 0xa5a5ULL);
		KUNIT_EXPECT_EQ(test, out.group, 0xa5);
	}
}

/* A thread that does nothing but be in a state: requests move it along. */
struct thread {
	const struct nta_topology *topology;
	enum nta_rules rules;
	struct nta_state state;
};

static struct nta_affinity set(struct thread *thread, u64 mask, u16 group)
{
	struct nta_affinity asked = AFF(mask, group);
	struct nta_outcome outcome =
		nta_affinity_set(thread->topology, thread->rules,
				 &thread->state, &asked);

	thread->state = outcome.next;
	return outcome.previous;
}

static void revert(struct thread *thread, struct nta_affinity previous)
{
	thread->state = nta_affinity_revert(thread->topology, thread->rules,
					    &thread->state, &previous).next;
}

static void revert_mask(struct thread *thread, u64 mask)
{
	revert(thread, (struct nta_affinity)AFF(mask, 0));
}

static void check_thread(struct kunit *test, const char *when,
			 const struct thread *thread, bool active, u64 mask,
			 u16 group)
{
	KUNIT_EXPECT_EQ_MSG(test, thread->state.active, active, "%s", when);
	if (!active)
		return;
	KUNIT_EXPECT_EQ_MSG(test, thread->state.system.mask, mask, "%s", when);
	KUNIT_EXPECT_EQ_MSG(test, thread->state.system.group, group, "%s", when);
}

static void check_affinity(struct kunit *test, const char *what,
			   struct nta_affinity seen, u64 mask, u16 group)
{
	KUNIT_EXPECT_EQ_MSG(test, seen.mask, mask, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, seen.group, group, "%s", what);
}

/* S12, the first diagram of the Set page. */
static void one_revert_undoes_repeated_sets(struct kunit *test)
{
	struct thread thread = { .topology = nta_lay_out(test, &three) };
	struct nta_affinity first;

	first = set(&thread, 0x1, 0);
	check_affinity(test, "first", first, 0, 0);
	check_affinity(test, "second", set(&thread, 0x2, 1), 0x1, 0);
	check_affinity(test, "third", set(&thread, 0x3, 2), 0x2, 1);
	check_thread(test, "after three Sets", &thread, true, 0x3, 2);
	revert(&thread, first);
	check_thread(test, "after the Revert", &thread, false, 0, 0);
}

/* R3 and R6, the second diagram: A sets, B sets, B reverts, A reverts. */
static void nested_pairs_unwind_one_by_one(struct kunit *test)
{
	struct thread thread = { .topology = nta_lay_out(test, &three) };
	struct nta_affinity a, b;

	a = set(&thread, 0x4, 1);
	b = set(&thread, 0x2, 2);
	check_affinity(test, "A", a, 0, 0);
	check_affinity(test, "B", b, 0x4, 1);
	revert(&thread, b);
	check_thread(test, "after B's Revert", &thread, true, 0x4, 1);
	revert(&thread, a);
	check_thread(test, "after A's Revert", &thread, false, 0, 0);
	revert(&thread, a);
	check_thread(test, "after one Revert too many", &thread, false, 0, 0);
	revert(&thread, b);
	check_thread(test, "after another (R5)", &thread, false, 0, 0);
}

/* R7: documented, and to be known by who writes a driver. */
static void revert_of_a_failed_inner_set_ends_the_outer_one(struct kunit *test)
{
	struct thread thread = { .topology = nta_lay_out(test, &three) };
	struct nta_affinity inner;

	set(&thread, 0x4, 1);
	inner = set(&thread, 0x4, 2);
	check_affinity(test, "the failed Set", inner, 0, 0);
	check_thread(test, "after the failed Set", &thread, true, 0x4, 1);
	revert(&thread, inner);
	check_thread(test, "after its Revert", &thread, false, 0, 0);
}

/* S7: feeding a saved {0, 0} to Set is no way to restore, and does no harm. */
static void set_of_a_saved_zero_changes_nothing(struct kunit *test)
{
	struct thread thread = { .topology = nta_lay_out(test, &three) };
	struct nta_affinity saved, out;

	saved = set(&thread, 0x4, 1);
	out = set(&thread, saved.mask, saved.group);
	check_affinity(test, "Previous", out, 0, 0);
	check_thread(test, "after it", &thread, true, 0x4, 1);
}

/* S8: a later Previous shows what was stripped, not what was asked. */
static void previous_shows_the_stripped_mask(struct kunit *test)
{
	struct thread thread = { .topology = nta_lay_out(test, &holes) };

	set(&thread, 0xff, 1);
	check_affinity(test, "Previous", set(&thread, 0x1, 0), 0x35, 1);
}

/* The table of section V, with one group of 4 processors. */
static void legacy_sequence_follows_the_table(struct kunit *test,
					      enum nta_rules rules)
{
	static const struct nta_layout four = {
		.group_shift = 6, .groups = 1, .patterns = 1,
		.pattern = { { 0xf, 0xf, 0xf } },
	};
	bool observed = rules == NTA_RULES_OBSERVED;
	struct thread thread = {
		.topology = nta_lay_out(test, &four),
		.rules = rules,
	};

	revert_mask(&thread, 2);
	check_affinity(test, "RevertEx(2); SetEx(0)", set(&thread, 0, 0), 0, 0);
	check_thread(test, "after SetEx(0)", &thread, observed, 2, 0);

	revert_mask(&thread, 2);
	check_affinity(test, "RevertEx(2); SetEx(1)", set(&thread, 1, 0),
		       observed ? 2 : 0, 0);
	check_thread(test, "after SetEx(1)", &thread, true, 1, 0);

	check_affinity(test, "SetEx(~0)", set(&thread, ALL, 0),
		       observed ? 1 : 0, 0);
	check_thread(test, "after SetEx(~0)", &thread, true,
		     observed ? 0xf : 1, 0);

	revert_mask(&thread, ALL);
	check_affinity(test, "RevertEx(~0); SetEx(1)", set(&thread, 1, 0),
		       observed ? 0xf : 1, 0);

	revert_mask(&thread, 0);
	check_thread(test, "after RevertEx(0)", &thread, false, 0, 0);
	check_affinity(test, "RevertEx(0); SetEx(1)", set(&thread, 1, 0), 0, 0);

	revert(&thread, NTA_NONE);
	check_affinity(test, "KeRevertToUserAffinityThread(); SetEx(1)",
		       set(&thread, 1, 0), 0, 0);
}

/* S6, R5 */
static void table_of_v_under_documented_rules(struct kunit *test)
{
	legacy_sequence_follows_the_table(test, NTA_RULES_DOCUMENTED);
}

/* V1, V2 */
static void table_of_v_under_observed_rules(struct kunit *test)
{
	legacy_sequence_follows_the_table(test, NTA_RULES_OBSERVED);
}

/*
 * The second model. It knows processors one by one, has no words and no shifts,
 * and is written from the rules, not from affinity.c.
 */
struct model {
	const struct nta_layout *layout;
	bool observed;
	bool active;
	bool in_force[64];
	unsigned int group;
};

static bool has(const struct model *model, unsigned int group, unsigned int n,
		bool active)
{
	unsigned int pattern = group % model->layout->patterns;

	return (active ? model->layout->pattern[pattern].active :
			 model->layout->pattern[pattern].possible) & BIT_ULL(n);
}

/* What S5, S6, S7 and V1 leave of a mask; false if they refuse it. */
static bool valid(const struct model *model, u64 mask, unsigned int group,
		  bool *left)
{
	bool any = false;
	unsigned int n;

	if (group >= model->layout->groups)
		return false;
	for (n = 0; n < 64; n++) {
		left[n] = false;
		if (!(mask & BIT_ULL(n)))
			continue;
		if (!has(model, group, n, false) && !model->observed)
			return false;
		left[n] = has(model, group, n, true);
		any |= left[n];
	}
	return any;
}

static void model_move(struct model *model, const bool *left,
		       unsigned int group)
{
	memcpy(model->in_force, left, sizeof(model->in_force));
	model->group = group;
	model->active = true;
}

static struct nta_affinity model_in_force(const struct model *model)
{
	struct nta_affinity affinity = {};
	unsigned int n;

	if (!model->active)
		return affinity;
	for (n = 0; n < 64; n++)
		affinity.mask |= (u64)model->in_force[n] << n;
	affinity.group = model->group;
	return affinity;
}

static struct nta_affinity model_set(struct model *model, u64 mask,
				     unsigned int group)
{
	struct nta_affinity previous = model_in_force(model);
	bool left[64];

	if (!valid(model, mask, group, left))
		return NTA_NONE;
	model_move(model, left, group);
	return previous;
}

static void model_revert(struct model *model, u64 mask, unsigned int group)
{
	bool left[64];

	if (!mask)
		model->active = false;
	else if ((model->active || model->observed) &&
		 valid(model, mask, group, left))
		model_move(model, left, group);
}

static u64 random_mask(struct rnd_state *random)
{
	u64 mask = ((u64)prandom_u32_state(random) << 32) |
		   prandom_u32_state(random);

	switch (prandom_u32_state(random) % 4) {
	case 0:
		return BIT_ULL(mask % 64);
	case 1:
		return mask & 0xff;
	case 2:
		return mask % 8 ? mask & 0x3 : 0;
	}
	return mask;
}

/* False if the two models differ; what, and where, is then in the log. */
static bool agree(struct kunit *test, const char *what,
		  struct nta_affinity seen, struct nta_affinity expected)
{
	if (nta_affinity_equal(&seen, &expected))
		return true;
	KUNIT_FAIL(test, "%s {%#llx, %u}, expected {%#llx, %u}", what,
		   seen.mask, seen.group, expected.mask, expected.group);
	return false;
}

static bool random_step(struct kunit *test, struct rnd_state *random,
			struct thread *thread, struct model *model,
			struct nta_affinity *saved)
{
	u64 mask = random_mask(random);
	unsigned int group = prandom_u32_state(random) %
			     (model->layout->groups + 1);
	struct nta_affinity seen;

	switch (prandom_u32_state(random) % 4) {
	case 0:
		revert(thread, *saved);
		model_revert(model, saved->mask, saved->group);
		break;
	case 1:
		revert(thread, (struct nta_affinity)AFF(mask, group));
		model_revert(model, mask, group);
		break;
	default:
		seen = set(thread, mask, group);
		if (!agree(test, "Previous", seen, model_set(model, mask, group)))
			return false;
		if (mask & 1)
			*saved = seen;
	}

	KUNIT_EXPECT_EQ(test, thread->state.active, model->active);
	seen = thread->state.active ? thread->state.system : NTA_NONE;
	return agree(test, "in force", seen, model_in_force(model));
}

static void random_history(struct kunit *test, const struct nta_layout *layout,
			   enum nta_rules rules, u64 seed)
{
	struct thread thread = {
		.topology = nta_lay_out(test, layout),
		.rules = rules,
	};
	struct model model = {
		.layout = layout,
		.observed = rules == NTA_RULES_OBSERVED,
	};
	struct nta_affinity saved = {};
	struct rnd_state random;
	unsigned int step;

	prandom_seed_state(&random, seed);
	for (step = 0; step < 500; step++) {
		if (random_step(test, &random, &thread, &model, &saved))
			continue;
		kunit_info(test, "%s, rules %d, step %u", layout->name, rules,
			   step);
		return;
	}
}

/* All rules of affinity.c at once; the seeds are fixed, so a failure comes back. */
static void random_histories_match_a_second_model(struct kunit *test)
{
	static const struct nta_layout * const layouts[] = {
		&one_of_8, &one_of_64, &three, &sparse, &single,
		&pairs, &holes, &gap, &downed, &many,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		random_history(test, layouts[i], NTA_RULES_DOCUMENTED, i + 1);
		random_history(test, layouts[i], NTA_RULES_OBSERVED, i + 1);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(request_has_the_outcome_of_the_rules, row_gen_params),
	KUNIT_CASE(trim_leaves_its_output_alone_when_it_refuses),
	KUNIT_CASE(one_revert_undoes_repeated_sets),
	KUNIT_CASE(nested_pairs_unwind_one_by_one),
	KUNIT_CASE(revert_of_a_failed_inner_set_ends_the_outer_one),
	KUNIT_CASE(set_of_a_saved_zero_changes_nothing),
	KUNIT_CASE(previous_shows_the_stripped_mask),
	KUNIT_CASE(table_of_v_under_documented_rules),
	KUNIT_CASE(table_of_v_under_observed_rules),
	KUNIT_CASE(random_histories_match_a_second_model),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_affinity",
	.test_cases = cases,
};

kunit_test_suite(suite);
