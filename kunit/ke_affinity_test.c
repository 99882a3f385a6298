// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules S1 to S20 and R1 to R10, U1 and U2 with the exported DDIs on
 * real threads. Nearly all tests are walks: after every step, failing steps
 * too, everything that can be seen of the thread is compared (helpers.c).
 *
 * S8, S18 and R11 on a machine that loses processors: hotplug_test.c.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "helpers.h"
#include "placement.h"
#include "thread.h"
#include "wdm.h"

/* --- Set that succeeds --- */

static void set_runs_the_thread_on_each_active_processor(struct kunit *test)
{
	unsigned int cpu;

	for_each_cpu(cpu, cpu_active_mask) {
		struct nta_affinity a = {
			.mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu)),
			.group = nta_cpu_group(&nta_topology, cpu),
		};
		const struct nta_step steps[] = {
			/* S1 S2 S4 S13 */
			{ NTA_SET, a, .then = NTA_SYSTEM(a) },
			/* R1 R8 */
			{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		};

		nta_walk(test, steps, ARRAY_SIZE(steps));
	}
}

static void set_takes_each_whole_group(struct kunit *test)
{
	unsigned int group;

	for (group = 0; group < nta_topology.group_count; group++) {
		struct nta_affinity a = nta_whole_group(group);
		const struct nta_step steps[] = {
			/* S1 G2 */
			{ NTA_SET, a, .then = NTA_SYSTEM(a) },
			{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		};

		if (a.mask)
			nta_walk(test, steps, ARRAY_SIZE(steps));
	}
}

/* S3: also where the thread need not move to obey. */
static void nested_set_tells_the_system_affinity_in_force(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity all = nta_whole_group(a.group);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_SET, all, b, .then = NTA_SYSTEM(all) },
		{ NTA_SET, a, all, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		/* S4: nothing of it is left. */
		{ NTA_SET, b, NTA_NONE, .then = NTA_SYSTEM(b) },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* S9 */
static void previous_may_be_null_from_the_first_call_on(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity bad = { .mask = 1, .group = nta_topology.group_count };
	const struct nta_step steps[] = {
		{ NTA_SET_NO_PREVIOUS, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET_NO_PREVIOUS, b, .then = NTA_SYSTEM(b) },
		{ NTA_SET_NO_PREVIOUS, bad, .refused = NTA_BAD_GROUP,
		  .then = NTA_SYSTEM(b) },
		{ NTA_SET_NO_PREVIOUS, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(b) },
		{ NTA_SET_NULL_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* S10 */
static void affinity_and_previous_may_be_the_same(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity bad = { .mask = 1, .group = nta_topology.group_count };
	const struct nta_step steps[] = {
		{ NTA_SET_IN_PLACE, bad, .refused = NTA_BAD_GROUP,
		  .then = NTA_USER },
		{ NTA_SET_IN_PLACE, a, NTA_NONE, .then = NTA_SYSTEM(a) },
		{ NTA_SET_IN_PLACE, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_SET_IN_PLACE, bad, .refused = NTA_BAD_GROUP,
		  .then = NTA_SYSTEM(b) },
		{ NTA_SET_IN_PLACE, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

struct reserved {
	struct nta_affinity a;
	u8 fill;
	struct nta_look set;
	struct nta_look reverted;
};

static void set_with_reserved(void *data)
{
	struct reserved *reserved = data;
	GROUP_AFFINITY affinity;

	memset(&affinity, reserved->fill, sizeof(affinity));
	affinity.Mask = reserved->a.mask;
	affinity.Group = reserved->a.group;
	KeSetSystemGroupAffinityThread(&affinity, NULL);
	nta_look_at_me(&reserved->set);

	memset(&affinity, reserved->fill, sizeof(affinity));
	affinity.Mask = 0;
	KeRevertToUserGroupAffinityThread(&affinity);
	nta_look_at_me(&reserved->reverted);
}

/* S11: every walk has poison there; here are the other values. */
static void reserved_is_ignored_on_input(struct kunit *test)
{
	static const u8 fills[] = { 0x00, 0x01, 0x80, 0xff };
	struct reserved *reserved = kunit_kzalloc(test, sizeof(*reserved),
						  GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reserved);
	reserved->a = nta_pick(test, 1);
	for (i = 0; i < ARRAY_SIZE(fills); i++) {
		reserved->fill = fills[i];
		nta_on_thread(test, set_with_reserved, reserved);
		KUNIT_EXPECT_TRUE_MSG(test, reserved->set.entry.state.active,
				      "fill %#x", fills[i]);
		nta_check_mask(test, "while active", &reserved->set.mask,
			       nta_mask_of(test, &reserved->a));
		KUNIT_EXPECT_FALSE_MSG(test, reserved->reverted.entry.state.active,
				       "fill %#x", fills[i]);
	}
}

/* S12, the first diagram of the Set page. */
static void one_revert_undoes_repeated_sets(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = nta_pick(test, 2);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET_NO_PREVIOUS, b, .then = NTA_SYSTEM(b) },
		{ NTA_SET_NO_PREVIOUS, c, .then = NTA_SYSTEM(c) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* R3, the second diagram of the Set page; R6 for what follows. */
static void nested_pairs_unwind_one_by_one(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* --- Set and Revert that are refused --- */

/* S5, R4 */
static void group_out_of_range_changes_nothing(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_affinity count = { .mask = a.mask,
				      .group = nta_topology.group_count };
	struct nta_affinity most = { .mask = a.mask, .group = 0xffff };
	struct nta_affinity empty = { .mask = 0, .group = 0xffff };
	const struct nta_step steps[] = {
		{ NTA_SET, count, .refused = NTA_BAD_GROUP, .then = NTA_USER },
		{ NTA_SET, most, .refused = NTA_BAD_GROUP, .then = NTA_USER },
		{ NTA_SET, empty, .refused = NTA_BAD_GROUP, .then = NTA_USER },
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, count, .refused = NTA_BAD_GROUP,
		  .then = NTA_SYSTEM(a) },
		{ NTA_SET, most, .refused = NTA_BAD_GROUP,
		  .then = NTA_SYSTEM(a) },
		{ NTA_SET, empty, .refused = NTA_BAD_GROUP,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, count, .refused = NTA_BAD_GROUP,
		  .then = NTA_SYSTEM(a) },
		/* M4: this one would be several groups. */
		{ NTA_REVERT, most, .refused = NTA_BAD_TOKEN,
		  .then = NTA_SYSTEM(a) },
		/* R1: but with mask 0 the group does not count. */
		{ NTA_REVERT, empty, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* S6, R4; under rules=observed V1 */
static void bits_of_impossible_processors_are_refused(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	u64 stray = nta_stray_bits(test, b.group);
	struct nta_affinity more = { .mask = b.mask | stray, .group = b.group };
	struct nta_affinity only = { .mask = stray, .group = b.group };
	const struct nta_step documented[] = {
		{ NTA_SET, more, .refused = NTA_STRAY_BITS, .then = NTA_USER },
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, more, .refused = NTA_STRAY_BITS,
		  .then = NTA_SYSTEM(a) },
		{ NTA_SET, only, .refused = NTA_STRAY_BITS,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, more, .refused = NTA_STRAY_BITS,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	const struct nta_step observed[] = {
		{ NTA_SET, more, .then = NTA_SYSTEM(b) },
		{ NTA_SET, a, b, .then = NTA_SYSTEM(a) },
		{ NTA_SET, only, .refused = NTA_NOT_ACTIVE,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, more, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, only, .refused = NTA_NOT_ACTIVE,
		  .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	if (nta_rules == NTA_RULES_OBSERVED)
		nta_walk(test, observed, ARRAY_SIZE(observed));
	else
		nta_walk(test, documented, ARRAY_SIZE(documented));
}

/* S7: what drivers do that "restore" with Set. */
static void set_of_zero_is_a_harmless_no_op(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_affinity zero = { .mask = 0, .group = a.group };
	const struct nta_step steps[] = {
		{ NTA_SET, NTA_NONE, .refused = NTA_ZERO_MASK, .then = NTA_USER },
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, NTA_NONE, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(a) },
		{ NTA_SET, zero, .refused = NTA_ZERO_MASK,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* S7: of a group that exists but has no active processor. */
static void group_without_active_processors_is_refused(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0);
	unsigned int g;

	for (g = 0; g < nta_topology.group_count; g++) {
		struct nta_affinity idle = {
			.mask = nta_group_possible(&nta_topology, g),
			.group = g,
		};
		enum nta_reason reason = nta_group_seen(&nta_topology, g) ?
					 NTA_OFFLINE : NTA_NOT_ACTIVE;
		const struct nta_step steps[] = {
			{ NTA_SET, idle, .refused = reason, .then = NTA_USER },
			{ NTA_SET, a, .then = NTA_SYSTEM(a) },
			{ NTA_SET, idle, .refused = reason,
			  .then = NTA_SYSTEM(a) },
			{ NTA_REVERT, idle, .refused = reason,
			  .then = NTA_SYSTEM(a) },
		};

		if (!idle.mask || nta_group_active(&nta_topology, g))
			continue;
		nta_walk(test, steps, ARRAY_SIZE(steps));
		return;
	}
	kunit_skip(test, "needs a group with possible but no active CPUs: boot with maxcpus=");
}

/* S14, R9 */
static void null_pointers_are_counted_and_change_nothing(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_USER },
		{ NTA_REVERT_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_USER },
		{ NTA_SET_NULL_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_USER },
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_SYSTEM(a) },
		{ NTA_SET_NULL_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT_NULL, NTA_NONE, .refused = NTA_NULL_POINTER,
		  .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* --- Revert --- */

/* R2 */
static void revert_to_user_does_nothing_before_any_set(struct kunit *test)
{
	struct nta_affinity group = { .mask = 0, .group = 0xffff };
	const struct nta_step steps[] = {
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_REVERT, group, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* R5, the common epilogue of a real driver; under rules=observed V2 */
static void revert_to_a_mask_does_nothing_without_a_set(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	bool observed = nta_rules == NTA_RULES_OBSERVED;
	struct nta_state then = observed ? NTA_SYSTEM(a) : NTA_USER;
	const struct nta_step steps[] = {
		{ NTA_REVERT, a, .then = then },
		{ NTA_SET, b, observed ? a : NTA_NONE, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		/* R6: until the next Set it is as before the first. */
		{ NTA_REVERT, a, .then = then },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* R7 */
static void revert_of_a_failed_inner_set_ends_the_outer_one(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0);
	struct nta_affinity bad = { .mask = 1, .group = nta_topology.group_count };
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, bad, NTA_NONE, NTA_BAD_GROUP, NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		/* A's own Revert then finds nothing to do. */
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* --- the user affinity --- */

/* Every second active CPU: in several groups where there are several. */
static struct cpumask *every_second_cpu(struct kunit *test)
{
	struct cpumask *mask = nta_mask(test);
	unsigned int cpu, i = 0;

	for_each_cpu(cpu, cpu_active_mask) {
		if (i++ % 2 == 0)
			cpumask_set_cpu(cpu, mask);
	}
	return mask;
}

/* U2, R8: with masks that lie inside and outside of the user affinity. */
static void narrow_user_affinity_comes_back_exactly(struct kunit *test)
{
	struct cpumask *user = every_second_cpu(test);
	unsigned int i, count = cpumask_weight(cpu_active_mask);

	for (i = 0; i < min(count, 4U); i++) {
		struct nta_affinity a = nta_pick(test, i);
		struct nta_affinity all = nta_whole_group(a.group);
		const struct nta_step steps[] = {
			{ NTA_SET, a, .then = NTA_SYSTEM(a) },
			{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
			{ NTA_SET, all, .then = NTA_SYSTEM(all) },
			{ NTA_SET, a, all, .then = NTA_SYSTEM(a) },
			{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		};

		nta_walk_narrow(test, user, steps, ARRAY_SIZE(steps));
	}
}

/* U2, R8: the thread leaves the processor that it was set to. */
static void user_affinity_of_one_cpu_comes_back(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1), user = nta_pick(test, 0);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_SET, user, .then = NTA_SYSTEM(user) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	nta_walk_narrow(test, nta_mask_of(test, &user), steps,
			ARRAY_SIZE(steps));
}

static void only_look(void *data)
{
	nta_look_at_me(data);
}

/* U1: the twin never calls a DDI. */
static void thread_ends_like_a_twin_that_never_called(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct nta_walk *walk = nta_walk_make(test, steps, ARRAY_SIZE(steps));
	struct nta_worker *thread = nta_worker_make(test);
	struct nta_worker *twin = nta_worker_make(test);
	struct nta_look *look = kunit_kzalloc(test, sizeof(*look), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, look);
	nta_worker_do(test, thread, nta_walk_take, walk);
	nta_worker_do(test, twin, only_look, look);
	nta_walk_check(test, walk);
	nta_check_mask(test, "the thread, and its twin",
		       &walk->looks[ARRAY_SIZE(steps)].mask, &look->mask);
	KUNIT_EXPECT_FALSE(test, look->entry.known);
}

/* A thread whose creator changes its affinity between and inside pairs. */
struct changed {
	struct nta_affinity a;
	struct nta_affinity b;
	const struct cpumask *user;
	struct nta_look looks[6];
	int ret;
};

static void change_between_pairs(void *data)
{
	struct changed *changed = data;
	GROUP_AFFINITY a = { .Mask = changed->a.mask, .Group = changed->a.group };
	GROUP_AFFINITY none = {};

	KeSetSystemGroupAffinityThread(&a, NULL);
	KeRevertToUserGroupAffinityThread(&none);
	changed->ret = set_cpus_allowed_ptr(current, changed->user);
	nta_look_at_me(&changed->looks[0]);

	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&changed->looks[1]);
	if (nta_rules == NTA_RULES_DOCUMENTED)
		KeRevertToUserGroupAffinityThread(&a);
	nta_look_at_me(&changed->looks[2]);

	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&changed->looks[3]);
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&changed->looks[4]);
}

static struct changed *changed_make(struct kunit *test)
{
	struct changed *changed = kunit_kzalloc(test, sizeof(*changed),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, changed);
	changed->a = nta_pick(test, 1);
	changed->b = nta_pick(test, 2);
	changed->user = every_second_cpu(test);
	return changed;
}

/* R10; R2, R5 and R6 with an affinity that a late Revert would destroy. */
static void revert_gives_the_latest_user_affinity(struct kunit *test)
{
	struct changed *changed = changed_make(test);
	unsigned int i;

	nta_on_thread(test, change_between_pairs, changed);
	KUNIT_ASSERT_EQ(test, changed->ret, 0);
	for (i = 0; i < 5; i++) {
		if (i == 3)
			nta_check_mask(test, "after the next Set",
				       &changed->looks[i].mask,
				       nta_mask_of(test, &changed->a));
		else
			nta_check_mask(test, "the creator's mask (R10, R6)",
				       &changed->looks[i].mask, changed->user);
	}
}

static void change_inside_a_pair(void *data)
{
	struct changed *changed = data;
	GROUP_AFFINITY a = { .Mask = changed->a.mask, .Group = changed->a.group };
	GROUP_AFFINITY b = { .Mask = changed->b.mask, .Group = changed->b.group };
	GROUP_AFFINITY none = {}, previous;

	KeSetSystemGroupAffinityThread(&a, NULL);
	changed->ret = set_cpus_allowed_ptr(current, changed->user);
	/* In force as far as the driver knows: put back (S17). */
	KeSetSystemGroupAffinityThread(&a, &previous);
	nta_look_at_me(&changed->looks[0]);
	changed->looks[0].previous = previous;
	KeSetSystemGroupAffinityThread(&b, &previous);
	nta_look_at_me(&changed->looks[1]);
	changed->looks[1].previous = previous;
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&changed->looks[2]);
}

static void affinity_given_while_active_is_the_latest_too(struct kunit *test)
{
	struct changed *changed = changed_make(test);
	struct nta_look *look = changed->looks;

	nta_on_thread(test, change_inside_a_pair, changed);
	KUNIT_ASSERT_EQ(test, changed->ret, 0);
	nta_check_mask(test, "the same Set again (S17)", &look[0].mask,
		       nta_mask_of(test, &changed->a));
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(look[0].cpu, &look[0].mask));
	KUNIT_EXPECT_EQ(test, look[0].previous.Mask, changed->a.mask);
	nta_check_mask(test, "another Set", &look[1].mask,
		       nta_mask_of(test, &changed->b));
	KUNIT_EXPECT_EQ(test, look[1].previous.Mask, changed->a.mask);
	nta_check_mask(test, "after the Revert (R10)", &look[2].mask,
		       changed->user);
}

/* --- how it is done --- */

/* S17: no new state is committed. That no lock is taken is for a reader to see. */
static void repeated_set_of_the_same_commits_nothing(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, a, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, a, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
	};
	struct nta_walk *walk = nta_walk_make(test, steps, ARRAY_SIZE(steps));
	unsigned int i;

	nta_on_thread(test, nta_walk_take, walk);
	nta_walk_check(test, walk);
	for (i = 2; i <= ARRAY_SIZE(steps); i++)
		KUNIT_EXPECT_EQ_MSG(test, walk->looks[i].entry.generation,
				    walk->looks[1].entry.generation,
				    "step %u", i);
	KUNIT_EXPECT_NE(test, walk->looks[ARRAY_SIZE(steps) + 1].entry.generation,
			walk->looks[1].entry.generation);
}

/* Calls made by a thread that is about to sleep. */
struct about_to_sleep {
	struct nta_affinity a;
	unsigned int states[9];
};

static void call_about_to_sleep(void *data)
{
	struct about_to_sleep *sleep = data;
	GROUP_AFFINITY a = { .Mask = sleep->a.mask, .Group = sleep->a.group };
	GROUP_AFFINITY bad = { .Mask = 1, .Group = 0xffff }, none = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sleep->states); i++) {
		set_current_state(TASK_INTERRUPTIBLE);
		switch (i) {
		case 0:
			KeRevertToUserGroupAffinityThread(&none);
			break;
		case 1:
			KeSetSystemGroupAffinityThread(&bad, NULL);
			break;
		case 2:
			KeSetSystemGroupAffinityThread(NULL, NULL);
			break;
		case 3:
		case 4:
			KeSetSystemGroupAffinityThread(&a, NULL);
			break;
		case 5:
			KeRevertToUserGroupAffinityThread(&bad);
			break;
		case 6:
			KeRevertToUserGroupAffinityThread(NULL);
			break;
		default:
			KeRevertToUserGroupAffinityThread(&none);
		}
		sleep->states[i] = READ_ONCE(current->__state);
		__set_current_state(TASK_RUNNING);
	}
}

/* S19 */
static void every_call_returns_with_the_task_running(struct kunit *test)
{
	static const char * const names[] = {
		"Revert while not active", "refused Set", "Set of NULL",
		"first Set", "the same Set again", "refused Revert",
		"Revert to NULL", "Revert", "Revert too many",
	};
	struct about_to_sleep sleep = { .a = nta_pick(test, 1) };
	unsigned int i;

	nta_on_thread(test, call_about_to_sleep, &sleep);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_EXPECT_EQ_MSG(test, sleep.states[i],
				    (unsigned int)TASK_RUNNING, "S19: %s",
				    names[i]);
}

/* A caller that uses its structures for something else at once. */
struct reused {
	struct nta_affinity a;
	struct nta_affinity b;
	GROUP_AFFINITY affinity;
	GROUP_AFFINITY previous;
	struct nta_look looks[3];
};

static void set_and_overwrite(struct reused *reused,
			      const struct nta_affinity *asked,
			      struct nta_look *look)
{
	reused->affinity = (GROUP_AFFINITY){
		.Mask = asked->mask,
		.Group = asked->group,
	};
	KeSetSystemGroupAffinityThread(&reused->affinity, &reused->previous);
	look->previous = reused->previous;
	memset(&reused->affinity, 0xff, sizeof(reused->affinity));
	memset(&reused->previous, 0xff, sizeof(reused->previous));
	nta_look_at_me(look);
}

static void reuse_structures(void *data)
{
	struct reused *reused = data;

	set_and_overwrite(reused, &reused->a, &reused->looks[0]);
	set_and_overwrite(reused, &reused->b, &reused->looks[1]);
	KeRevertToUserAffinityThread();
	nta_look_at_me(&reused->looks[2]);
}

/* S20 */
static void caller_may_reuse_its_structures_at_once(struct kunit *test)
{
	struct reused *reused = kunit_kzalloc(test, sizeof(*reused), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, reused);
	reused->a = nta_pick(test, 0);
	reused->b = nta_pick(test, 1);
	nta_on_thread(test, reuse_structures, reused);

	KUNIT_EXPECT_EQ(test, reused->looks[0].entry.state.system.mask,
			reused->a.mask);
	KUNIT_EXPECT_EQ(test, reused->looks[1].previous.Mask, reused->a.mask);
	KUNIT_EXPECT_EQ(test, reused->looks[1].previous.Group, reused->a.group);
	KUNIT_EXPECT_EQ(test, reused->looks[1].entry.state.system.mask,
			reused->b.mask);
	KUNIT_EXPECT_FALSE(test, reused->looks[2].entry.state.active);
}

/* What the kernel refuses: a mask without a CPU, as after a lost race (S18). */
struct refusal {
	struct nta_affinity a;
	struct nta_affinity impossible;
	enum nta_reason reasons[2];
	struct nta_look looks[4];
};

static enum nta_reason place_impossible(const struct refusal *refusal)
{
	struct nta_thread *thread = nta_thread_find(current);
	struct nta_state impossible = {
		.system = refusal->impossible,
		.active = true,
	};
	enum nta_reason reason;

	if (!thread)
		return NTA_OK;
	nta_thread_own(thread);
	reason = nta_place_system(thread, &impossible);
	nta_thread_disown(thread);
	return reason;
}

static void be_refused(void *data)
{
	struct refusal *refusal = data;
	GROUP_AFFINITY a = { .Mask = refusal->a.mask, .Group = refusal->a.group };
	GROUP_AFFINITY none = {};

	/* An entry that is not active. */
	KeSetSystemGroupAffinityThread(&a, NULL);
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&refusal->looks[0]);
	refusal->reasons[0] = place_impossible(refusal);
	nta_look_at_me(&refusal->looks[1]);

	KeSetSystemGroupAffinityThread(&a, NULL);
	refusal->reasons[1] = place_impossible(refusal);
	nta_look_at_me(&refusal->looks[2]);
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&refusal->looks[3]);
}

/*
 * S18, from below: the race itself cannot be won at will, but its loss can be
 * had with a CPU that passes no check of ours, because none is made down here.
 */
static void install_that_the_kernel_refuses_changes_nothing(struct kunit *test)
{
	struct refusal *refusal = kunit_kzalloc(test, sizeof(*refusal),
						GFP_KERNEL);
	unsigned int cpu = cpumask_last(cpu_possible_mask) + 1;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, refusal);
	if (cpu % BITS_PER_LONG == 0)
		kunit_skip(test, "needs a cpumask with a bit to spare");
	refusal->a = nta_pick(test, 1);
	refusal->impossible.group = nta_cpu_group(&nta_topology, cpu);
	refusal->impossible.mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu));

	nta_on_thread(test, be_refused, refusal);

	KUNIT_EXPECT_EQ(test, refusal->reasons[0], NTA_KERNEL_REFUSED);
	KUNIT_EXPECT_FALSE(test, refusal->looks[1].entry.state.active);
	nta_check_mask(test, "while not active", &refusal->looks[1].mask,
		       &refusal->looks[0].mask);

	KUNIT_EXPECT_EQ(test, refusal->reasons[1], NTA_KERNEL_REFUSED);
	KUNIT_EXPECT_TRUE(test, refusal->looks[2].entry.state.active);
	KUNIT_EXPECT_EQ(test, refusal->looks[2].entry.state.system.mask,
			refusal->a.mask);
	nta_check_mask(test, "while active", &refusal->looks[2].mask,
		       nta_mask_of(test, &refusal->a));

	KUNIT_EXPECT_FALSE(test, refusal->looks[3].entry.state.active);
	nta_check_mask(test, "after the Revert", &refusal->looks[3].mask,
		       &refusal->looks[0].mask);
}

/* --- memory --- */

struct starved {
	const struct nta_step *steps;
	struct nta_walk *walk;
	bool possible;
	bool first_only;
	GROUP_AFFINITY previous;
	struct nta_look before;
	struct nta_look after;
	long refused;
};

static void set_without_memory(void *data)
{
	struct starved *starved = data;
	GROUP_AFFINITY a = {
		.Mask = starved->steps[0].with.mask,
		.Group = starved->steps[0].with.group,
	};
	long refused = nta_refused_count(NTA_NO_MEMORY);

	starved->possible = nta_allocations_can_fail();
	if (!starved->possible)
		return;

	nta_look_at_me(&starved->before);
	memset(&starved->previous, NTA_POISON, sizeof(starved->previous));
	nta_fail_allocation(1);
	KeSetSystemGroupAffinityThread(&a, &starved->previous);
	nta_fail_allocation(0);
	nta_look_at_me(&starved->after);
	starved->refused = nta_refused_count(NTA_NO_MEMORY) - refused;

	/* With memory again it works as if nothing had been. */
	nta_walk_take(starved->walk);
}

/* S16 */
static void first_set_without_memory_is_a_failed_set(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct starved *starved = kunit_kzalloc(test, sizeof(*starved),
						GFP_KERNEL);
	static const GROUP_AFFINITY none;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, starved);
	starved->steps = steps;
	starved->walk = nta_walk_make(test, steps, ARRAY_SIZE(steps));
	nta_on_thread(test, set_without_memory, starved);
	if (!starved->possible)
		kunit_skip(test, NTA_NEEDS_FAILSLAB);

	KUNIT_EXPECT_EQ(test, starved->refused, 1L);
	KUNIT_EXPECT_TRUE(test, !memcmp(&starved->previous, &none, sizeof(none)));
	KUNIT_EXPECT_FALSE(test, starved->after.entry.state.active);
	nta_check_mask(test, "after the failed Set", &starved->after.mask,
		       &starved->before.mask);
	nta_walk_check(test, starved->walk);
}

static void call_starved_while_active(void *data)
{
	struct starved *starved = data;
	GROUP_AFFINITY a = {
		.Mask = starved->steps[0].with.mask,
		.Group = starved->steps[0].with.group,
	};

	starved->possible = nta_allocations_can_fail();
	if (!starved->possible)
		return;

	nta_look_at_me(&starved->before);
	KeSetSystemGroupAffinityThread(&a, NULL);
	/* From here on the first allocation fails, whoever makes it. */
	nta_fail_allocation(1);
	nta_walk_take(starved->walk);
	nta_fail_allocation(0);
	nta_look_at_me(&starved->after);
}

/* S16: once a thread is active, nothing depends on memory. */
static void active_thread_needs_no_memory(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_SET, a, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
		/* Nor does it when it becomes active again. */
		{ NTA_SET, b, NTA_NONE, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct starved *starved = kunit_kzalloc(test, sizeof(*starved),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, starved);
	starved->steps = steps;
	starved->walk = nta_walk_make(test, steps, ARRAY_SIZE(steps));
	nta_on_thread(test, call_starved_while_active, starved);
	if (!starved->possible)
		kunit_skip(test, NTA_NEEDS_FAILSLAB);

	/* Its first look was at an active thread: compare with the one before. */
	cpumask_copy(&starved->walk->looks[0].mask, &starved->before.mask);
	nta_walk_check(test, starved->walk);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(set_runs_the_thread_on_each_active_processor),
	KUNIT_CASE(set_takes_each_whole_group),
	KUNIT_CASE(nested_set_tells_the_system_affinity_in_force),
	KUNIT_CASE(previous_may_be_null_from_the_first_call_on),
	KUNIT_CASE(affinity_and_previous_may_be_the_same),
	KUNIT_CASE(reserved_is_ignored_on_input),
	KUNIT_CASE(one_revert_undoes_repeated_sets),
	KUNIT_CASE(nested_pairs_unwind_one_by_one),
	KUNIT_CASE(group_out_of_range_changes_nothing),
	KUNIT_CASE(bits_of_impossible_processors_are_refused),
	KUNIT_CASE(set_of_zero_is_a_harmless_no_op),
	KUNIT_CASE(group_without_active_processors_is_refused),
	KUNIT_CASE(null_pointers_are_counted_and_change_nothing),
	KUNIT_CASE(revert_to_user_does_nothing_before_any_set),
	KUNIT_CASE(revert_to_a_mask_does_nothing_without_a_set),
	KUNIT_CASE(revert_of_a_failed_inner_set_ends_the_outer_one),
	KUNIT_CASE(narrow_user_affinity_comes_back_exactly),
	KUNIT_CASE(user_affinity_of_one_cpu_comes_back),
	KUNIT_CASE(thread_ends_like_a_twin_that_never_called),
	KUNIT_CASE(revert_gives_the_latest_user_affinity),
	KUNIT_CASE(affinity_given_while_active_is_the_latest_too),
	KUNIT_CASE(repeated_set_of_the_same_commits_nothing),
	KUNIT_CASE(every_call_returns_with_the_task_running),
	KUNIT_CASE(caller_may_reuse_its_structures_at_once),
	KUNIT_CASE(install_that_the_kernel_refuses_changes_nothing),
	KUNIT_CASE(first_set_without_memory_is_a_failed_set),
	KUNIT_CASE(active_thread_needs_no_memory),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_set_revert",
	.test_cases = cases,
};

kunit_test_suite(suite);
