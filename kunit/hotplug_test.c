// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules S7, S8, R4, R11, U6, M3, Q2, Q3, Q5 and Q6 on a machine that loses
 * processors and gets them back: Windows never takes a processor away, Linux
 * does. S13 and S18 are met by a race here, which cannot be won at will; their
 * lower half is in ke_affinity_test.c.
 *
 * CPUs that a test took down are brought up again when it ends, however it ends.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "compat.h"
#include "foreign.h"
#include "helpers.h"
#include "placement.h"
#include "queue.h"
#include "stretch.h"
#include "user_affinity.h"
#include "watch.h"
#include "wdm.h"

/* CPUs that were active before the test. */
static struct cpumask *active_before;

static int hotplug_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	active_before = nta_mask(test);
	cpumask_copy(active_before, cpu_active_mask);
	return 0;
}

static void bring_up(struct kunit *test, unsigned int cpu)
{
	KUNIT_EXPECT_EQ_MSG(test, add_cpu(cpu), 0, "CPU %u does not come up",
			    cpu);
}

static void hotplug_exit(struct kunit *test)
{
	unsigned int cpu;

	nta_stretch_end();
	if (!active_before)
		return;
	for_each_cpu(cpu, active_before) {
		if (!cpu_online(cpu))
			bring_up(test, cpu);
	}
	active_before = NULL;
}

static void needs_hotpluggable(struct kunit *test, unsigned int cpu)
{
	if (!cpu_is_hotpluggable(cpu))
		kunit_skip(test, "needs CPU %u to be one that can go", cpu);
}

static void take_down(struct kunit *test, unsigned int cpu)
{
	needs_hotpluggable(test, cpu);
	KUNIT_ASSERT_EQ_MSG(test, remove_cpu(cpu), 0,
			    "CPU %u does not go offline", cpu);
}

static struct nta_affinity affinity_of(unsigned int cpu)
{
	return (struct nta_affinity){
		.mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu)),
		.group = nta_cpu_group(&nta_topology, cpu),
	};
}

/* The processor that is taken down: the last, for the first often must stay. */
static struct nta_affinity pick_victim(struct kunit *test)
{
	nta_pick(test, 1);
	return affinity_of(cpumask_last(cpu_active_mask));
}

/* Another processor, in the same group. */
static struct nta_affinity pick_neighbour(struct kunit *test,
					  const struct nta_affinity *victim)
{
	u64 others = nta_group_active(&nta_topology, victim->group) &
		     ~victim->mask;

	if (!others)
		kunit_skip(test, "needs a group with two active processors");
	return (struct nta_affinity){
		.mask = others & -others,
		.group = victim->group,
	};
}

/* S7, R4: with its own reason, for Windows has no such case (Q3). */
static void set_to_an_offline_processor_is_refused(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), gone = pick_victim(test);
	const struct nta_step steps[] = {
		{ NTA_SET, gone, NTA_NONE, NTA_OFFLINE, NTA_USER },
		{ NTA_SET, a, NTA_NONE, .then = NTA_SYSTEM(a) },
		{ NTA_SET, gone, NTA_NONE, NTA_OFFLINE, NTA_SYSTEM(a) },
		{ NTA_SET_IN_PLACE, gone, NTA_NONE, NTA_OFFLINE,
		  NTA_SYSTEM(a) },
		{ NTA_REVERT, gone, NTA_NONE, NTA_OFFLINE, NTA_SYSTEM(a) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	take_down(test, nta_cpu(&gone));
	nta_walk(test, steps, ARRAY_SIZE(steps));
}

static void set_works_again_when_the_processor_is_back(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	const struct nta_step steps[] = {
		{ NTA_SET, gone, NTA_NONE, .then = NTA_SYSTEM(gone) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	take_down(test, nta_cpu(&gone));
	bring_up(test, nta_cpu(&gone));
	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* S8 */
static void offline_bits_are_stripped_and_previous_shows_it(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	struct nta_affinity here = pick_neighbour(test, &gone);
	struct nta_affinity a = nta_pick(test, 0);
	struct nta_affinity both = { .mask = gone.mask | here.mask,
				     .group = gone.group };
	const struct nta_step steps[] = {
		{ NTA_SET, both, NTA_NONE, .then = NTA_SYSTEM(here) },
		{ NTA_SET, a, here, .then = NTA_SYSTEM(a) },
		{ NTA_REVERT, both, NTA_NONE, .then = NTA_SYSTEM(here) },
		{ NTA_REVERT, NTA_NONE, .then = NTA_USER },
	};

	take_down(test, nta_cpu(&gone));
	nta_walk(test, steps, ARRAY_SIZE(steps));
}

/* S7, Q5, G2: a group in the middle of nowhere. */
static void group_that_went_offline_is_empty_but_counted(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	struct nta_affinity whole = nta_whole_group(gone.group);
	unsigned int groups = KeQueryActiveGroupCount();
	ULONG count = KeQueryActiveProcessorCountEx(gone.group);
	struct nta_affinity a;
	unsigned int n, first;

	nta_other_group(test, gone.group);
	first = nta_first_cpu(&nta_topology, gone.group);
	for (n = 0; n < nta_group_size(&nta_topology); n++) {
		if (whole.mask & BIT_ULL(n))
			take_down(test, first + n);
	}
	a = nta_pick(test, 0);

	KUNIT_EXPECT_EQ(test, KeQueryGroupAffinity(gone.group), 0ULL);
	KUNIT_EXPECT_EQ_MSG(test, KeQueryActiveGroupCount(), groups, "Q5");
	KUNIT_EXPECT_EQ_MSG(test, KeQueryActiveProcessorCountEx(gone.group),
			    count, "Q3");
	{
		const struct nta_step steps[] = {
			{ NTA_SET, whole, NTA_NONE, NTA_OFFLINE, NTA_USER },
			{ NTA_SET, a, NTA_NONE, .then = NTA_SYSTEM(a) },
			{ NTA_SET, whole, NTA_NONE, NTA_OFFLINE, NTA_SYSTEM(a) },
		};

		nta_walk(test, steps, ARRAY_SIZE(steps));
	}
}

/* What the query DDIs say of one processor and of all. */
struct answers {
	ULONG index;
	ULONG count;
	ULONG group_count;
	ULONG group_zero;
	KAFFINITY mask;
	KAFFINITY mask_of_count;
	USHORT groups;
};

static struct answers ask(const struct nta_affinity *a)
{
	PROCESSOR_NUMBER number = {
		.Group = a->group,
		.Number = __ffs64(a->mask),
	};
	struct answers answers = {
		.index = KeGetProcessorIndexFromNumber(&number),
		.count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS),
		.group_count = KeQueryActiveProcessorCountEx(a->group),
		.mask = KeQueryActiveProcessors(),
		.groups = KeQueryActiveGroupCount(),
	};

	answers.group_zero = KeQueryActiveProcessorCount(&answers.mask_of_count);
	return answers;
}

static void check_answers(struct kunit *test, const char *when,
			  const struct nta_affinity *a,
			  const struct answers *expected)
{
	struct answers seen = ask(a);
	PROCESSOR_NUMBER number;

	KUNIT_EXPECT_EQ_MSG(test, seen.index, expected->index, "Q2 %s", when);
	KUNIT_EXPECT_EQ_MSG(test, seen.count, expected->count, "Q3 %s", when);
	KUNIT_EXPECT_EQ_MSG(test, seen.group_count, expected->group_count,
			    "Q3 %s", when);
	KUNIT_EXPECT_EQ_MSG(test, seen.group_zero, expected->group_zero, "Q3 %s",
			    when);
	KUNIT_EXPECT_EQ_MSG(test, seen.mask, expected->mask, "Q3 %s", when);
	KUNIT_EXPECT_EQ_MSG(test, seen.mask_of_count, expected->mask, "Q3 %s",
			    when);
	KUNIT_EXPECT_EQ_MSG(test, seen.group_zero,
			    (ULONG)hweight64(seen.mask_of_count),
			    "Q3 %s: count and weight", when);
	KUNIT_EXPECT_EQ_MSG(test, seen.groups, expected->groups, "Q5 %s", when);

	KUNIT_EXPECT_EQ_MSG(test,
			    KeGetProcessorNumberFromIndex(expected->index, &number),
			    STATUS_SUCCESS, "Q2 %s", when);
	KUNIT_EXPECT_EQ_MSG(test, number.Group, a->group, "Q2 %s", when);
	KUNIT_EXPECT_EQ_MSG(test, BIT_ULL(number.Number), a->mask, "Q2 %s", when);
}

/* Q2, Q3: all but KeQueryGroupAffinity(), which tells what a Set accepts now. */
static void counts_and_indexes_outlive_an_offline(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	struct answers before = ask(&gone);
	KAFFINITY active = KeQueryGroupAffinity(gone.group);
	unsigned int round;

	for (round = 0; round < 2; round++) {
		take_down(test, nta_cpu(&gone));
		check_answers(test, "while offline", &gone, &before);
		KUNIT_EXPECT_EQ_MSG(test, KeQueryGroupAffinity(gone.group),
				    active & ~gone.mask, "Q3 while offline");
		bring_up(test, nta_cpu(&gone));
		check_answers(test, "online again", &gone, &before);
		KUNIT_EXPECT_EQ_MSG(test, KeQueryGroupAffinity(gone.group),
				    active, "Q3 online again");
	}
}

/* How often a processor is in the masks of a node. */
static unsigned int in_node(struct kunit *test, USHORT node,
			    const struct nta_affinity *a)
{
	USHORT room = KeQueryMaximumGroupCount(), required;
	GROUP_AFFINITY *entries;
	unsigned int i, bits = 0;

	entries = kunit_kcalloc(test, room, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, entries);
	KUNIT_EXPECT_EQ(test,
			KeQueryNodeActiveAffinity2(node, entries, room, &required),
			STATUS_SUCCESS);
	for (i = 0; i < required; i++)
		if (entries[i].Group == a->group)
			bits += hweight64(entries[i].Mask & a->mask);
	return bits;
}

/* Q3, Q6: the counts of its node, other than the mask, keep a processor. */
static void node_keeps_its_counts_but_not_its_mask(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	USHORT node = cpu_to_node(nta_cpu(&gone));
	ULONG count = KeQueryNodeActiveProcessorCount(node);
	USHORT maximum = KeQueryNodeMaximumProcessorCount(node);
	GROUP_AFFINITY before, now;
	USHORT bits;

	KeQueryNodeActiveAffinity(node, &before, &bits);
	KUNIT_EXPECT_EQ(test, in_node(test, node, &gone), 1U);

	take_down(test, nta_cpu(&gone));
	KUNIT_EXPECT_EQ(test, in_node(test, node, &gone), 0U);
	KUNIT_EXPECT_EQ(test, KeQueryNodeActiveProcessorCount(node), count);
	KUNIT_EXPECT_EQ(test, KeQueryNodeMaximumProcessorCount(node), maximum);
	KeQueryNodeActiveAffinity(node, &now, &bits);
	KUNIT_EXPECT_EQ(test, bits, hweight64(now.Mask));
	if (now.Group == gone.group)
		KUNIT_EXPECT_FALSE(test, now.Mask & gone.mask);

	bring_up(test, nta_cpu(&gone));
	KUNIT_EXPECT_EQ(test, in_node(test, node, &gone), 1U);
	KUNIT_EXPECT_EQ(test, KeQueryNodeActiveProcessorCount(node), count);
	KUNIT_EXPECT_EQ(test, KeQueryNodeMaximumProcessorCount(node), maximum);
	KeQueryNodeActiveAffinity(node, &now, &bits);
	KUNIT_EXPECT_EQ(test, now.Group, before.Group);
	KUNIT_EXPECT_EQ(test, now.Mask, before.Mask);
}

/* Q2, Q5: the next index, and at once. */
static void processor_seen_first_gets_the_next_index(struct kunit *test)
{
	ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	struct nta_affinity a;
	struct answers seen;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		a = affinity_of(cpu);
		if (!cpu_online(cpu) && ask(&a).index == INVALID_PROCESSOR_INDEX)
			break;
	}
	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "needs a CPU that was never online: boot with maxcpus=");

	bring_up(test, cpu);
	seen = ask(&a);
	KUNIT_EXPECT_EQ(test, seen.index, count);
	KUNIT_EXPECT_EQ(test, seen.count, count + 1);
	KUNIT_EXPECT_GT(test, seen.groups, a.group);
	take_down(test, cpu);
	check_answers(test, "offline again", &a, &seen);
}

/* A thread that loses its processors while it sleeps. */
struct displaced {
	struct nta_affinity gone;
	struct nta_affinity a;
	struct nta_look before;
	struct nta_look set;
	struct nta_look looks[5];
	ULONG status;
};

static void get_active(void *data)
{
	struct displaced *displaced = data;
	GROUP_AFFINITY gone = { .Mask = displaced->gone.mask,
				.Group = displaced->gone.group };

	nta_look_at_me(&displaced->before);
	KeSetSystemGroupAffinityThread(&gone, NULL);
	nta_look_at_me(&displaced->set);
}

static void go_on_displaced(void *data)
{
	struct displaced *displaced = data;
	GROUP_AFFINITY gone = { .Mask = displaced->gone.mask,
				.Group = displaced->gone.group };
	GROUP_AFFINITY a = { .Mask = displaced->a.mask,
			     .Group = displaced->a.group };
	GROUP_AFFINITY none = {};
	struct nta_look *look = displaced->looks;

	nta_look_at_me(&look[0]);
	KeSetSystemGroupAffinityThread(&gone, &look[1].previous);
	nta_look_at_me(&look[1]);
	KeSetSystemGroupAffinityThread(&a, &look[2].previous);
	nta_look_at_me(&look[2]);
	KeRevertToUserGroupAffinityThread(&gone);
	nta_look_at_me(&look[3]);
	KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&look[4]);
}

/* S3, S7, R4, R1: the system affinity in force is still what was set. */
static void displaced_thread_can_be_set_elsewhere_and_reverted(struct kunit *test)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_look *look;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	look = displaced->looks;
	displaced->gone = pick_victim(test);
	displaced->a = nta_pick(test, 0);
	memset(&look[1].previous, NTA_POISON, sizeof(look[1].previous));

	nta_worker_do(test, worker, get_active, displaced);
	take_down(test, nta_cpu(&displaced->gone));
	nta_worker_do(test, worker, go_on_displaced, displaced);

	KUNIT_EXPECT_TRUE(test, displaced->set.entry.state.active);
	KUNIT_EXPECT_TRUE(test, look[0].entry.state.active);
	KUNIT_EXPECT_EQ(test, look[0].entry.state.system.mask,
			displaced->gone.mask);

	KUNIT_EXPECT_EQ_MSG(test, look[1].previous.Mask, 0ULL, "S7");
	KUNIT_EXPECT_EQ_MSG(test, look[1].previous.Group, 0, "S7");
	KUNIT_EXPECT_TRUE(test, look[1].entry.state.active);
	KUNIT_EXPECT_EQ(test, look[1].entry.state.system.mask,
			displaced->gone.mask);

	KUNIT_EXPECT_EQ_MSG(test, look[2].previous.Mask, displaced->gone.mask,
			    "S3");
	KUNIT_EXPECT_EQ_MSG(test, look[2].previous.Group, displaced->gone.group,
			    "S3");
	nta_check_mask(test, "after the other Set", &look[2].mask,
		       nta_mask_of(test, &displaced->a));
	KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(look[2].cpu, &look[2].mask));

	nta_check_mask(test, "after the Revert to what is offline (R4)",
		       &look[3].mask, &look[2].mask);
	KUNIT_EXPECT_TRUE(test, look[3].entry.state.active);

	KUNIT_EXPECT_FALSE(test, look[4].entry.state.active);
	nta_check_mask(test, "after the Revert", &look[4].mask,
		       &displaced->before.mask);
}

/* A thread whose user affinity is gone when it reverts. */
static void get_narrow_and_active(void *data)
{
	struct displaced *displaced = data;
	unsigned int cpu = nta_cpu(&displaced->gone);
	GROUP_AFFINITY a = { .Mask = displaced->a.mask,
			     .Group = displaced->a.group };

	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	nta_look_at_me(&displaced->before);
	KeSetSystemGroupAffinityThread(&a, NULL);
	nta_look_at_me(&displaced->set);
}

static void look_around(void *data)
{
	struct displaced *displaced = data;

	nta_look_at_me(&displaced->looks[0]);
}

static void revert_and_look(void *data)
{
	struct displaced *displaced = data;

	KeRevertToUserAffinityThread();
	nta_look_at_me(&displaced->looks[0]);
}

/* The StorPort form can tell. */
static void stor_revert_and_look(void *data)
{
	struct displaced *displaced = data;
	STOR_GROUP_AFFINITY user = {};

	displaced->status =
		StorPortRevertToUserGroupAffinityThread(displaced, NULL, &user);
	nta_look_at_me(&displaced->looks[0]);
}

static struct displaced *revert_to_refused(struct kunit *test,
					   void (*revert)(void *data))
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	long refused = nta_event_count(NTA_EVENT_USER_REFUSED);
	const struct nta_look *look;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	look = &displaced->looks[0];
	displaced->gone = pick_victim(test);
	displaced->a = nta_pick(test, 0);

	nta_worker_do(test, worker, get_narrow_and_active, displaced);
	nta_check_mask(test, "before", &displaced->before.mask,
		       cpumask_of(nta_cpu(&displaced->gone)));
	KUNIT_EXPECT_TRUE(test, displaced->set.entry.state.active);
	take_down(test, nta_cpu(&displaced->gone));
	nta_worker_do(test, worker, revert, displaced);

	KUNIT_EXPECT_FALSE_MSG(test, look->entry.state.active,
			       "a Revert to user always ends with active 0");
	KUNIT_EXPECT_FALSE(test, look->entry.owned);
	KUNIT_EXPECT_EQ(test, look->task_state, (unsigned int)TASK_RUNNING);
	nta_check_mask(test, "after the Revert", &look->mask, cpu_active_mask);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_USER_REFUSED),
			refused + 1);
	return displaced;
}

/*
 * U4: somebody asks for a mask that has active processors, but none where it meets
 * what user mode has asked for, so the kernel refuses it. A Set that later puts that
 * part in force is not the answer.
 */
static void request_that_the_kept_mask_refuses_is_not_remembered(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	unsigned int first = cpumask_first(cpu_active_mask);
	unsigned int second = cpumask_next(first, cpu_active_mask);
	struct cpumask *user = nta_mask(test), *asked = nta_mask(test);
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_affinity a = affinity_of(first);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	if (!NTA_KERNEL_KEEPS_USER_MASK)
		kunit_skip(test, "needs a kernel that keeps the mask of user mode");
	if (second >= nta_cpu(&gone))
		kunit_skip(test, "needs three active processors");
	cpumask_set_cpu(second, user);
	cpumask_set_cpu(nta_cpu(&gone), user);
	cpumask_set_cpu(first, asked);
	cpumask_set_cpu(nta_cpu(&gone), asked);

	nta_user_sets(test, worker->task, user);
	nta_worker_do(test, worker, nta_do_set, &a);
	take_down(test, nta_cpu(&gone));
	/* Where there are no hooks nobody tells that it is asked for. */
	nta_note_asked(nta_thread_find(worker->task), asked);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, asked), -EINVAL);
	bring_up(test, nta_cpu(&gone));
	nta_worker_do(test, worker, nta_do_set, &gone);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask, user);
}

/* R11 */
static void revert_to_a_refused_user_affinity_gives_all_active(struct kunit *test)
{
	revert_to_refused(test, revert_and_look);
}

/* P3 R11 */
static void storport_revert_to_a_refused_user_affinity_is_unsuccessful(struct kunit *test)
{
	struct displaced *displaced = revert_to_refused(test,
							stor_revert_and_look);

	KUNIT_EXPECT_EQ(test, displaced->status, STOR_STATUS_UNSUCCESSFUL);
}

/*
 * A thread that user mode has narrowed, on a processor of its driver's that goes.
 * It has to run, else it does not notice.
 */
static struct displaced *displace(struct kunit *test, struct nta_worker *worker)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct nta_affinity gone = pick_victim(test), a = nta_pick(test, 0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	/* get_narrow_and_active() narrows to the one, and sets the other. */
	displaced->gone = a;
	displaced->a = gone;
	nta_worker_do(test, worker, get_narrow_and_active, displaced);
	nta_check_mask(test, "before", &displaced->before.mask,
		       cpumask_of(nta_cpu(&a)));
	nta_check_mask(test, "after the Set", &displaced->set.mask,
		       cpumask_of(nta_cpu(&gone)));

	take_down(test, nta_cpu(&gone));
	nta_worker_do(test, worker, look_around, displaced);
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_event(NTA_EVENT_DISPLACED,
						       count + 1),
			      "no displaced thread counted");
	KUNIT_EXPECT_TRUE(test, displaced->looks[0].entry.state.active);
	KUNIT_EXPECT_EQ(test, displaced->looks[0].entry.state.system.mask,
			gone.mask);
	KUNIT_EXPECT_NE(test, displaced->looks[0].cpu, nta_cpu(&gone));
	return displaced;
}

/* U6: so a suspend does not lose a pin, nor take the fallback for the user's. */
static void displaced_thread_is_put_back_when_its_processor_returns(struct kunit *test)
{
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = displace(test, worker);
	struct cpumask *gone = nta_mask_of(test, &displaced->a);
	struct cpumask *seen = nta_mask(test);
	struct nta_thread_snapshot entry;
	struct nta_thread *thread;

	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.displaced);
	bring_up(test, nta_cpu(&displaced->a));
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(worker->task, gone, seen),
			      "not put back: CPUs %*pbl", cpumask_pr_args(seen));
	/* The mask is seen a little before who installs it has noted that. */
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	nta_thread_own(thread);
	nta_thread_disown(thread);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.displaced);
	KUNIT_EXPECT_TRUE(test, entry.state.active);

	nta_worker_do(test, worker, revert_and_look, displaced);
	KUNIT_EXPECT_FALSE(test, displaced->looks[0].entry.state.active);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       &displaced->before.mask);
}

static void displaced_thread_reverts_to_its_user_affinity(struct kunit *test)
{
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = displace(test, worker);
	struct nta_thread_snapshot entry;

	nta_worker_do(test, worker, revert_and_look, displaced);
	KUNIT_EXPECT_FALSE(test, displaced->looks[0].entry.state.active);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       &displaced->before.mask);

	/* Nobody comes for it any more. */
	bring_up(test, nta_cpu(&displaced->a));
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.state.active);
	nta_check_mask(test, "after the processor's return",
		       &displaced->looks[0].mask, &displaced->before.mask);
}

/* U6: the Revert comes before the worker that would have put it back. */
static void revert_races_with_the_return_of_the_processor(struct kunit *test)
{
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = displace(test, worker);

	bring_up(test, nta_cpu(&displaced->a));
	nta_worker_do(test, worker, revert_and_look, displaced);
	KUNIT_EXPECT_FALSE(test, displaced->looks[0].entry.state.active);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       &displaced->before.mask);
}

/* --- a way down that fails halfway (U6) --- */

/* What is done while a processor is on its way down, which then is refused. */
static void (*meanwhile)(void *data);
static void *meanwhile_data;

static int refuse_to_go(unsigned int cpu)
{
	if (!meanwhile)
		return 0;
	/* Neither user threads nor kernel threads may use the processor by now. */
	meanwhile(meanwhile_data);
	return -EBUSY;
}

static void go_halfway_down(struct kunit *test, unsigned int cpu,
			    void (*func)(void *data), void *data)
{
	int state;

	needs_hotpluggable(test, cpu);
	/* Later than ntaffinity's own, so the way down begins with it. */
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ntaffinity_kunit",
					  NULL, refuse_to_go);
	KUNIT_ASSERT_GT(test, state, 0);
	meanwhile_data = data;
	meanwhile = func;
	KUNIT_EXPECT_EQ(test, remove_cpu(cpu), -EBUSY);
	meanwhile = NULL;
	cpuhp_remove_state_nocalls(state);
}

/* Who is on the processor, and has to notice that he may not stay. */
struct dweller {
	struct kunit *test;
	struct nta_worker *worker;
	struct displaced *displaced;
	long count;
};

static void notice(void *data)
{
	struct dweller *dweller = data;

	nta_worker_do(dweller->test, dweller->worker, look_around,
		      dweller->displaced);
	KUNIT_EXPECT_TRUE(dweller->test,
			  nta_wait_for_event(NTA_EVENT_DISPLACED,
					     dweller->count + 1));
	/* It is looked at each second; the first time is too early. */
	nta_look_now();
}

/* Nobody tells that the processor stays. */
static void displaced_thread_is_put_back_when_its_processor_stays(struct kunit *test)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct dweller dweller = {
		.test = test,
		.worker = nta_worker_make(test),
		.displaced = displaced,
	};
	struct cpumask *seen = nta_mask(test);
	struct cpumask *gone;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	displaced->gone = nta_pick(test, 0);
	displaced->a = pick_victim(test);
	gone = nta_mask_of(test, &displaced->a);
	nta_worker_do(test, dweller.worker, get_narrow_and_active, displaced);
	dweller.count = nta_event_count(NTA_EVENT_DISPLACED);
	go_halfway_down(test, nta_cpu(&displaced->a), notice, &dweller);

	KUNIT_EXPECT_NE(test, displaced->looks[0].cpu, nta_cpu(&displaced->a));
	KUNIT_EXPECT_TRUE(test, displaced->looks[0].entry.state.active);
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(dweller.worker->task, gone, seen),
			      "not put back: CPUs %*pbl", cpumask_pr_args(seen));
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DISPLACED),
			dweller.count + 1);
	nta_worker_do(test, dweller.worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       &displaced->before.mask);
}

/*
 * A kernel thread that runs all the time. The kernel takes a mask for it as long as one
 * of its processors is online, and does not move it to one that is on its way down.
 */
struct busy {
	struct kunit *test;
	struct nta_worker *worker;
	struct nta_affinity a;
	struct cpumask *user;
	struct cpumask *inside;
	struct cpumask *seen;
	unsigned int gone;
	long displaced;
	unsigned int turns;
	bool stop;
};

static struct busy *make_busy(struct kunit *test, const struct nta_affinity *gone,
			      const struct nta_affinity *a)
{
	struct busy *busy = kunit_kzalloc(test, sizeof(*busy), GFP_KERNEL);
	unsigned int cpu;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, busy);
	busy->test = test;
	busy->a = *a;
	busy->gone = nta_cpu(gone);
	busy->inside = nta_mask_of(test, a);
	busy->seen = nta_mask(test);
	busy->user = nta_mask(test);
	for_each_cpu(cpu, cpu_active_mask) {
		if (!cpumask_test_cpu(cpu, busy->inside))
			break;
	}
	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "needs an active processor more");
	cpumask_set_cpu(cpu, busy->user);
	busy->displaced = nta_event_count(NTA_EVENT_DISPLACED);
	busy->worker = nta_worker_make(test);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(busy->worker->task,
						   busy->user), 0);
	return busy;
}

static void set_and_be_busy(void *data)
{
	struct busy *busy = data;

	nta_do_set_atomically(&busy->a);
	while (!READ_ONCE(busy->stop)) {
		WRITE_ONCE(busy->turns, busy->turns + 1);
		cond_resched();
	}
}

/* Who has been moved just now may still be waiting for the processor. */
static void wait_for_a_turn(struct busy *busy)
{
	unsigned int turns = READ_ONCE(busy->turns), ticks = NTA_WORK_TIMEOUT;

	while (READ_ONCE(busy->turns) == turns && --ticks)
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_GT(busy->test, ticks, 0U);
}

static void check_busy(struct busy *busy, const struct cpumask *mask,
		       const char *when)
{
	struct task_struct *task = busy->worker->task;
	unsigned int cpu;

	KUNIT_EXPECT_TRUE(busy->test, nta_wait_for_no_work());
	cpu = task_cpu(task);
	nta_read_mask(task, busy->seen);
	nta_check_mask(busy->test, when, busy->seen, mask);
	KUNIT_EXPECT_TRUE_MSG(busy->test, cpumask_test_cpu(cpu, mask),
			      "on CPU %u, outside of CPUs %*pbl, %s", cpu,
			      cpumask_pr_args(mask), when);
}

static void end_busy(struct busy *busy)
{
	WRITE_ONCE(busy->stop, true);
	nta_worker_wait(busy->test, busy->worker);
	nta_worker_do(busy->test, busy->worker, nta_do_revert, NULL);
	nta_read_mask(busy->worker->task, busy->seen);
	nta_check_mask(busy->test, "after the Revert", busy->seen, busy->user);
}

static void move_busy_thread(void *data)
{
	struct busy *busy = data;

	nta_stretch_end();
	KUNIT_EXPECT_TRUE(busy->test, nta_wait_for_event(NTA_EVENT_DISPLACED,
							 busy->displaced + 1));
	check_busy(busy, busy->user, "while its processor goes");
}

/* S18, U6: a worker has looked, and is about to move it there. */
static void busy_thread_is_not_moved_to_a_processor_that_goes(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test);
	struct busy *busy = make_busy(test, &gone, &gone);

	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	needs_hotpluggable(test, busy->gone);
	nta_stretch_next(busy->worker->task, NTA_STAGE_LOOKED);
	nta_worker_begin(busy->worker, set_and_be_busy, busy);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	go_halfway_down(test, busy->gone, move_busy_thread, busy);

	nta_look_now();
	/* That one may have begun while the processor was on its way down. */
	nta_look_now();
	check_busy(busy, busy->inside, "when its processor stays");
	end_busy(busy);
}

#define TIMES 8

static void change_busy_thread(void *data)
{
	struct busy *busy = data;
	long count = nta_event_count(NTA_EVENT_PUT_BACK);
	unsigned int i;

	for (i = 1; i <= TIMES; i++) {
		nta_stretch_next(busy->worker->task, NTA_STAGE_BEGUN);
		KUNIT_EXPECT_EQ(busy->test,
				set_cpus_allowed_ptr(busy->worker->task,
						     busy->user), 0);
		KUNIT_EXPECT_TRUE(busy->test, nta_stretch_wait());
		wait_for_a_turn(busy);
		nta_stretch_end();
		KUNIT_EXPECT_TRUE(busy->test,
				  nta_wait_for_event(NTA_EVENT_PUT_BACK,
						     count + i));
		check_busy(busy, busy->inside, "while one of its processors goes");
	}
}

/*
 * S13, U5: the kernel tries to move it to one of the two, and to the other next time. Which
 * it tries after another processor is always the same.
 */
static void check_put_back_beside(struct kunit *test, const struct nta_affinity *gone,
				  const struct nta_affinity *other)
{
	struct nta_affinity both = { .mask = gone->mask | other->mask,
				     .group = gone->group };
	struct busy *busy = make_busy(test, gone, &both);
	long repeated = nta_event_count(NTA_EVENT_INSTALL_REPEATED);

	nta_worker_begin(busy->worker, set_and_be_busy, busy);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(busy->worker->task,
						  busy->inside, busy->seen));
	go_halfway_down(test, busy->gone, change_busy_thread, busy);
	KUNIT_EXPECT_GT(test, nta_event_count(NTA_EVENT_INSTALL_REPEATED),
			repeated);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DISPLACED),
			busy->displaced);
	check_busy(busy, busy->inside, "when all stay");
	end_busy(busy);
}

/* The two last processors of a group, of which none is the first of all. */
static void pick_last_two(struct kunit *test, struct nta_affinity *last,
			  struct nta_affinity *other)
{
	*last = pick_victim(test);
	*other = pick_neighbour(test, last);
	other->mask = BIT_ULL(fls64(nta_group_active(&nta_topology, last->group) &
				    ~last->mask) - 1);
	needs_hotpluggable(test, nta_cpu(last));
	needs_hotpluggable(test, nta_cpu(other));
}

static void busy_thread_is_put_back_beside_the_last_processor(struct kunit *test)
{
	struct nta_affinity last, other;

	pick_last_two(test, &last, &other);
	check_put_back_beside(test, &last, &other);
}

static void busy_thread_is_put_back_beside_one_before(struct kunit *test)
{
	struct nta_affinity last, other;

	pick_last_two(test, &last, &other);
	check_put_back_beside(test, &other, &last);
}

/* R11: who must not wait for a move leaves what is refused to a worker. */
static void user_affinity_that_is_refused_once_is_due(struct kunit *test)
{
	struct nta_affinity gone = pick_victim(test), a = nta_pick(test, 0);
	long refused = nta_event_count(NTA_EVENT_USER_REFUSED);
	struct cpumask *user = nta_mask_of(test, &gone), *seen = nta_mask(test);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_thread *thread;

	needs_hotpluggable(test, nta_cpu(&gone));
	nta_worker_do(test, worker, nta_do_set, &a);
	nta_worker_do(test, worker, nta_do_revert, NULL);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, user), 0);
	KUNIT_EXPECT_EQ(test, remove_cpu(nta_cpu(&gone)), 0);

	nta_thread_own(thread);
	nta_place_user_once(thread);
	nta_thread_disown(thread);
	KUNIT_EXPECT_TRUE(test, test_bit(NTA_THREAD_USER_DUE, &thread->flags));
	KUNIT_EXPECT_NULL(test, READ_ONCE(thread->installer));
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "refused", seen, user);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_USER_REFUSED), refused);

	bring_up(test, nta_cpu(&gone));
	nta_apply_soon(thread);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
	KUNIT_EXPECT_FALSE(test, test_bit(NTA_THREAD_USER_DUE, &thread->flags));
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "online again", seen, user);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_USER_REFUSED), refused);
}

/* --- between a worker's look and his install (S18, U6) --- */

/*
 * The processor goes when a worker is about to move the thread there, for the first
 * time or again: it is displaced, and is moved when the processor comes back.
 */
static void check_processor_goes_before_the_install(struct kunit *test,
						    bool again)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct cpumask *seen = nta_mask(test), *gone;
	struct nta_affinity user = nta_pick(test, 0);
	struct nta_thread_snapshot entry;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	displaced->gone = user;
	displaced->a = pick_victim(test);
	needs_hotpluggable(test, nta_cpu(&displaced->a));
	gone = nta_mask_of(test, &displaced->a);
	nta_worker_do(test, worker, look_around, displaced);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task,
						   nta_mask_of(test, &user)), 0);
	if (again)
		nta_worker_do(test, worker, get_narrow_and_active, displaced);

	nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	if (again)
		KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task,
							   nta_mask_of(test, &user)), 0);
	else
		nta_worker_do(test, worker, nta_do_set_atomically, &displaced->a);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	take_down(test, nta_cpu(&displaced->a));
	nta_stretch_end();
	KUNIT_EXPECT_TRUE(test, nta_wait_for_event(NTA_EVENT_DISPLACED, count + 1));
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.displaced);
	KUNIT_EXPECT_TRUE(test, entry.state.active);
	KUNIT_EXPECT_EQ(test, entry.pending, !again);
	nta_read_mask(worker->task, seen);
	nta_check_mask(test, "displaced", seen, nta_mask_of(test, &user));

	bring_up(test, nta_cpu(&displaced->a));
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(worker->task, gone, seen),
			      "not moved: CPUs %*pbl", cpumask_pr_args(seen));
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DISPLACED), count + 1);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       nta_mask_of(test, &user));
}

static void processor_goes_before_a_move(struct kunit *test)
{
	check_processor_goes_before_the_install(test, false);
}

static void processor_goes_before_a_put_back(struct kunit *test)
{
	check_processor_goes_before_the_install(test, true);
}

/* U6: and so it is by a Set of where it is, though nothing is to be moved. */
static void displaced_thread_sets_what_is_in_force(struct kunit *test)
{
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = displace(test, worker);
	struct nta_affinity a = nta_pick(test, 0);
	struct nta_thread_snapshot entry;

	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task,
						   nta_mask_of(test, &a)), 0);
	nta_worker_do(test, worker, look_around, displaced);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.displaced);
	displaced->a = a;
	nta_worker_do(test, worker, nta_do_set_atomically, &displaced->a);
	nta_worker_do(test, worker, look_around, displaced);
	KUNIT_EXPECT_FALSE(test, displaced->looks[0].entry.displaced);
	KUNIT_EXPECT_FALSE(test, displaced->looks[0].entry.pending);
	nta_check_mask(test, "after the Set", &displaced->looks[0].mask,
		       nta_mask_of(test, &a));
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       nta_mask_of(test, &a));
}

/* U1, U6: the processor goes and comes back before the worker that is to revert. */
static void revert_is_due_over_a_processors_going_and_coming(struct kunit *test)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	struct nta_affinity user = nta_pick(test, 0);
	struct cpumask *in_user = nta_mask_of(test, &user);
	struct cpumask *seen = nta_mask(test);
	struct nta_thread *thread;
	int ret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs hooks: nobody looks meanwhile");
	displaced->gone = user;
	displaced->a = pick_victim(test);
	nta_worker_do(test, worker, look_around, displaced);
	nta_worker_do(test, worker, get_narrow_and_active, displaced);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);

	nta_thread_own(thread);
	nta_worker_do(test, worker, nta_do_revert_atomically, NULL);
	ret = remove_cpu(nta_cpu(&displaced->a));
	nta_worker_do(test, worker, look_around, displaced);
	KUNIT_EXPECT_TRUE(test, displaced->looks[0].entry.pending);
	KUNIT_EXPECT_NE(test, displaced->looks[0].cpu, nta_cpu(&displaced->a));
	bring_up(test, nta_cpu(&displaced->a));
	nta_thread_disown(thread);
	KUNIT_EXPECT_EQ(test, ret, 0);
	nta_wait_for_mask(worker->task, in_user, seen);
	nta_check_mask(test, "after the Revert", seen, in_user);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "later", &displaced->looks[0].mask, in_user);
}

/*
 * U4: a cpuset can give a thread the very mask that the scheduler makes up. If that
 * was the only change while somebody asked for a mask it was he.
 */
static void check_fallback_of_a_request(struct kunit *test, unsigned int changes,
					const struct cpumask *expected)
{
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = displace(test, worker);
	struct nta_thread *thread = nta_thread_find(worker->task);
	struct nta_changes counts;

	KUNIT_ASSERT_NOT_NULL(test, thread);
	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs hooks");
	counts = nta_count_changes(thread);
	KUNIT_EXPECT_EQ(test, counts.foreign, 1U);
	counts.all -= changes;
	counts.foreign -= changes;
	nta_note_request(thread, &counts, nta_mask_of(test, &displaced->a),
			 cpu_possible_mask);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       expected ?: &displaced->before.mask);
}

static void fallback_alone_while_somebody_asks_is_his(struct kunit *test)
{
	check_fallback_of_a_request(test, 1, cpu_possible_mask);
}

static void fallback_besides_a_request_is_the_schedulers(struct kunit *test)
{
	check_fallback_of_a_request(test, 2, NULL);
}

/* The worker has not even looked: somebody else owns the entry until then. */
static void processor_goes_before_the_worker_looks(struct kunit *test)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct cpumask *seen = nta_mask(test), *gone;
	struct nta_affinity user = nta_pick(test, 0);
	struct nta_thread_snapshot entry;
	struct nta_thread *thread;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	displaced->gone = user;
	displaced->a = user;
	/* So that there is an entry, and the user affinity is that processor. */
	nta_worker_do(test, worker, look_around, displaced);
	nta_worker_do(test, worker, get_narrow_and_active, displaced);
	nta_worker_do(test, worker, revert_and_look, displaced);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	displaced->a = pick_victim(test);
	gone = nta_mask_of(test, &displaced->a);

	nta_thread_own(thread);
	nta_worker_do(test, worker, nta_do_set_atomically, &displaced->a);
	KUNIT_EXPECT_EQ(test, remove_cpu(nta_cpu(&displaced->a)), 0);
	nta_thread_disown(thread);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_event(NTA_EVENT_DISPLACED, count + 1));
	nta_thread_own(thread);
	nta_thread_disown(thread);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_TRUE(test, entry.displaced);
	KUNIT_EXPECT_TRUE(test, entry.state.active);
	KUNIT_EXPECT_TRUE(test, entry.pending);

	bring_up(test, nta_cpu(&displaced->a));
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(worker->task, gone, seen),
			      "not moved: CPUs %*pbl", cpumask_pr_args(seen));
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       nta_mask_of(test, &user));
}

/*
 * A worker has seen that no processor of the system affinity is active, and is held up
 * before he says so. What he has seen may be true no more then. @nested: the thread is
 * in another one until then.
 */
static struct displaced *hold_worker_that_displaces(struct kunit *test,
						    struct nta_worker *worker,
						    bool nested)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_thread *thread;
	int ret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	displaced->gone = nta_pick(test, 0);
	displaced->a = displaced->gone;
	nta_worker_do(test, worker, look_around, displaced);
	nta_worker_do(test, worker, get_narrow_and_active, displaced);
	nta_worker_do(test, worker, revert_and_look, displaced);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	displaced->a = pick_victim(test);
	needs_hotpluggable(test, nta_cpu(&displaced->a));
	if (nested)
		nta_worker_do(test, worker, nta_do_set, &displaced->gone);

	nta_thread_own(thread);
	nta_worker_do(test, worker, nta_do_set_atomically, &displaced->a);
	ret = remove_cpu(nta_cpu(&displaced->a));
	if (!ret)
		nta_stretch_next(worker->task, NTA_STAGE_LOOKED);
	nta_thread_disown(thread);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	return displaced;
}

static void check_never_displaced(struct kunit *test, struct nta_worker *worker,
				  struct displaced *displaced, long count)
{
	struct cpumask *expected = nta_mask_of(test, &displaced->a);
	struct nta_thread *thread = nta_thread_find(worker->task);
	struct cpumask *seen = nta_mask(test);
	struct nta_thread_snapshot entry;

	nta_stretch_end();
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(worker->task, expected, seen),
			      "not moved: CPUs %*pbl", cpumask_pr_args(seen));
	nta_thread_own(thread);
	nta_thread_disown(thread);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.displaced);
	KUNIT_EXPECT_FALSE(test, entry.pending);
	KUNIT_EXPECT_TRUE(test, entry.state.active);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DISPLACED), count);
}

static void check_reverts_to_first(struct kunit *test, struct nta_worker *worker,
				   struct displaced *displaced)
{
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       nta_mask_of(test, &displaced->gone));
}

/* U6 */
static void processor_returns_before_the_worker_says_that_it_is_gone(struct kunit *test)
{
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = hold_worker_that_displaces(test, worker, false);

	bring_up(test, nta_cpu(&displaced->a));
	check_never_displaced(test, worker, displaced, count);
	check_reverts_to_first(test, worker, displaced);
}

/*
 * U6: and after all threads were looked at for its sake: this one was where it should be
 * then. Whoever else is sent does not come, but for one that is on his way already.
 */
static void processor_is_back_before_it_is_said_to_be_gone(struct kunit *test)
{
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = hold_worker_that_displaces(test, worker, true);
	struct nta_thread *thread = nta_thread_find(worker->task);
	bool kept_away = nta_keep_workers_away(thread);

	/* But where it is looked for changes one may be on his way. */
	if (nta_watch_sees_changes())
		KUNIT_EXPECT_TRUE(test, kept_away);
	bring_up(test, nta_cpu(&displaced->a));
	if (kept_away)
		nta_let_workers_come(thread);
	check_never_displaced(test, worker, displaced, count);
	check_reverts_to_first(test, worker, displaced);
}

/* U6, I6: and the thread has another system affinity by then. */
static void thread_moves_on_before_the_worker_says_that_it_is_displaced(struct kunit *test)
{
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = hold_worker_that_displaces(test, worker, false);
	struct nta_thread *thread = nta_thread_find(worker->task);
	unsigned int gone = nta_cpu(&displaced->a);
	bool kept_away;

	displaced->a = displaced->gone;
	nta_worker_do(test, worker, nta_do_set_atomically, &displaced->a);
	/*
	 * Whoever is sent for what is still to be done does not come: nothing is. But
	 * one may be on his way, where there is nobody but a scan to see changes.
	 */
	kept_away = nta_keep_workers_away(thread);
	check_never_displaced(test, worker, displaced, count);
	if (kept_away)
		nta_let_workers_come(thread);
	bring_up(test, gone);
	check_never_displaced(test, worker, displaced, count);
	check_reverts_to_first(test, worker, displaced);
}

/* U6: nor is a thread displaced that has reverted. */
static void thread_reverts_before_the_worker_says_that_it_is_displaced(struct kunit *test)
{
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct nta_worker *worker = nta_worker_make(test);
	struct displaced *displaced = hold_worker_that_displaces(test, worker, false);
	struct nta_thread *thread = nta_thread_find(worker->task);
	struct nta_thread_snapshot entry;

	nta_worker_do(test, worker, nta_do_revert_atomically, NULL);
	nta_stretch_end();
	nta_thread_own(thread);
	nta_thread_disown(thread);
	nta_thread_snapshot(worker->task, &entry);
	KUNIT_EXPECT_FALSE(test, entry.displaced);
	KUNIT_EXPECT_FALSE(test, entry.state.active);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DISPLACED), count);
	bring_up(test, nta_cpu(&displaced->a));
	check_reverts_to_first(test, worker, displaced);
}

/* --- what the kernel would refuse, though a processor of it is active (U6) --- */

/*
 * Two processors of a system affinity, of which user mode wants but one, and another one.
 * That one goes: what the kernel would make of the system affinity since 6.2 is offline.
 */
struct overlap {
	struct nta_worker *worker;
	struct displaced *displaced;
	struct nta_affinity gone;
	struct nta_affinity stays;
	struct nta_affinity both;
	struct cpumask *user;
	/* Where a Set has the thread, with both processors and with the one that stays. */
	struct cpumask *with;
	struct cpumask *without;
	PAFFINITY_TOKEN token;
	NTSTATUS status;
};

static struct overlap *make_overlap(struct kunit *test)
{
	struct overlap *overlap = kunit_kzalloc(test, sizeof(*overlap), GFP_KERNEL);
	unsigned int cpu;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, overlap);
	overlap->displaced = kunit_kzalloc(test, sizeof(*overlap->displaced),
					   GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, overlap->displaced);
	nta_pick(test, 2);
	overlap->gone = pick_victim(test);
	overlap->stays = pick_neighbour(test, &overlap->gone);
	overlap->both = overlap->gone;
	overlap->both.mask |= overlap->stays.mask;
	needs_hotpluggable(test, nta_cpu(&overlap->gone));

	overlap->user = nta_mask_of(test, &overlap->gone);
	for_each_cpu_andnot(cpu, cpu_active_mask, nta_mask_of(test, &overlap->both)) {
		cpumask_set_cpu(cpu, overlap->user);
		break;
	}
	overlap->with = nta_mask_of(test, &overlap->both);
	overlap->without = overlap->with;
	if (NTA_KERNEL_KEEPS_USER_MASK) {
		overlap->with = nta_mask_of(test, &overlap->gone);
		overlap->without = nta_mask_of(test, &overlap->stays);
	}
	overlap->worker = nta_worker_make(test);
	/* The one that was asked for before. */
	nta_look_now();
	KUNIT_EXPECT_FALSE(test, nta_look_now());
	return overlap;
}

/* It is where it should be, and the module knows it. */
static void check_overlap(struct kunit *test, struct overlap *overlap,
			  const char *when, const struct cpumask *expected)
{
	struct task_struct *task = overlap->worker->task;
	struct nta_thread *thread = nta_thread_find(task);
	struct cpumask *seen = nta_mask(test);
	struct nta_thread_snapshot entry;

	KUNIT_ASSERT_NOT_NULL(test, thread);
	KUNIT_EXPECT_TRUE_MSG(test, nta_wait_for_mask(task, expected, seen),
			      "%s: CPUs %*pbl, expected %*pbl", when,
			      cpumask_pr_args(seen), cpumask_pr_args(expected));
	nta_thread_own(thread);
	nta_thread_disown(thread);
	nta_thread_snapshot(task, &entry);
	KUNIT_EXPECT_TRUE_MSG(test, entry.state.active, "%s", when);
	KUNIT_EXPECT_EQ_MSG(test, entry.state.system.mask, overlap->both.mask, "%s",
			    when);
	KUNIT_EXPECT_TRUE_MSG(test, entry.in_force, "%s", when);
	KUNIT_EXPECT_FALSE_MSG(test, entry.displaced, "%s", when);
	KUNIT_EXPECT_FALSE_MSG(test, entry.pending, "%s", when);
}

/* The processor comes back, and then the thread reverts. */
static void check_end_of_overlap(struct kunit *test, struct overlap *overlap,
				 long displaced)
{
	check_overlap(test, overlap, "while it is offline", overlap->without);
	if (NTA_KERNEL_KEEPS_USER_MASK) {
		/* That it comes back may be told by nobody: it is looked for. */
		KUNIT_EXPECT_TRUE(test, nta_look_now());
		check_overlap(test, overlap, "looked at", overlap->without);
		KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
		KUNIT_EXPECT_TRUE(test, nta_look_now());
	}
	bring_up(test, nta_cpu(&overlap->gone));
	check_overlap(test, overlap, "online again", overlap->with);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_DISPLACED), displaced);
	nta_worker_do(test, overlap->worker, revert_and_look, overlap->displaced);
	nta_check_mask(test, "after the Revert", &overlap->displaced->looks[0].mask,
		       overlap->user);
}

static void user_mode_asks_for_what_is_offline_of_a_system_affinity(struct kunit *test)
{
	struct overlap *overlap = make_overlap(test);
	long displaced = nta_event_count(NTA_EVENT_DISPLACED);

	nta_worker_do(test, overlap->worker, nta_do_set, &overlap->both);
	take_down(test, nta_cpu(&overlap->gone));
	nta_user_sets(test, overlap->worker->task, overlap->user);
	check_end_of_overlap(test, overlap, displaced);
}

/*
 * Nobody tells of the processor if its way down has failed before ntaffinity was told of
 * that. So the thread is made what it would be then, by hand.
 */
static void what_was_left_out_is_looked_for(struct kunit *test)
{
	struct overlap *overlap = make_overlap(test);
	struct task_struct *task = overlap->worker->task;
	long put_back = nta_event_count(NTA_EVENT_PUT_BACK);
	struct nta_thread *thread;
	unsigned long flags;

	if (!NTA_KERNEL_KEEPS_USER_MASK)
		kunit_skip(test, "needs a kernel that keeps the mask of user mode");
	nta_user_sets(test, task, overlap->user);
	nta_worker_do(test, overlap->worker, nta_do_set, &overlap->both);
	check_overlap(test, overlap, "before", overlap->with);
	thread = nta_thread_find(task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	flags = nta_lock_affinity(thread);
	cpumask_copy(&task->cpus_mask, overlap->without);
	cpumask_copy(nta_thread_installed(thread), overlap->without);
	set_bit(NTA_THREAD_NARROWED, &thread->flags);
	nta_unlock_affinity(thread, flags);
	check_overlap(test, overlap, "narrowed", overlap->without);

	nta_look_in_a_second();
	KUNIT_EXPECT_TRUE(test, nta_look_now());
	check_overlap(test, overlap, "looked at", overlap->with);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_PUT_BACK), put_back);
	nta_worker_do(test, overlap->worker, revert_and_look, overlap->displaced);
	nta_check_mask(test, "after the Revert", &overlap->displaced->looks[0].mask,
		       overlap->user);
}

static void set_another_group(void *data)
{
	struct overlap *overlap = data;
	GROUP_AFFINITY set = {};
	unsigned int cpu;

	/* The processor of user mode's that is in no other affinity here. */
	for_each_cpu(cpu, overlap->user) {
		if (cpu == nta_cpu(&overlap->gone))
			continue;
		set.Group = nta_cpu_group(&nta_topology, cpu);
		set.Mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu));
	}
	overlap->status = PsAllocateAffinityToken(&overlap->token);
	if (!overlap->status)
		overlap->status = PsSetSystemMultipleGroupAffinityThread(&set, 1,
									 overlap->token);
}

static void revert_groups(void *data)
{
	struct overlap *overlap = data;

	PsRevertToUserMultipleGroupAffinityThread(overlap->token);
	PsFreeAffinityToken(overlap->token);
}

/* M3: what a Revert restores is what was set, not only what was active then. */
static void revert_to_what_is_offline_of_a_system_affinity(struct kunit *test)
{
	struct overlap *overlap = make_overlap(test);
	long displaced = nta_event_count(NTA_EVENT_DISPLACED);

	nta_worker_do(test, overlap->worker, nta_do_nothing, NULL);
	nta_user_sets(test, overlap->worker->task, overlap->user);
	nta_worker_do(test, overlap->worker, nta_do_set, &overlap->both);
	check_overlap(test, overlap, "after the Set", overlap->with);
	nta_worker_do(test, overlap->worker, set_another_group, overlap);
	KUNIT_EXPECT_EQ(test, overlap->status, STATUS_SUCCESS);
	take_down(test, nta_cpu(&overlap->gone));
	if (overlap->token)
		nta_worker_do(test, overlap->worker, revert_groups, overlap);
	check_end_of_overlap(test, overlap, displaced);
}

/* --- what the kernel forgets with its fallback (U6) --- */

/* What others do while the thread is displaced. Bit n of a mask is the n-th CPU. */
struct forgotten {
	const char *name;
	u8 user;	/* user mode sets */
	u8 cpuset;	/* then a cpuset leaves */
	bool returns;	/* the processor comes back before the Revert */
	u8 expected;	/* at the Revert */
	u8 unkept;	/* before 6.2 */
};

/* From before: the user's mask is 0x3. */
static const struct forgotten forgottens[] = {
	{ "nothing", 0, 0, false, 0x3, 0x3 },
	{ "nothing, and the processor returns", 0, 0, true, 0x3, 0x3 },
	{ "a cpuset that meets it", 0, 0x6, false, 0x2, 0x6 },
	{ "a cpuset that meets it, returns", 0, 0x6, true, 0x2, 0x6 },
	{ "a cpuset apart", 0, 0x4, false, 0x4, 0x4 },
	{ "a cpuset apart, returns", 0, 0x4, true, 0x4, 0x4 },
	{ "user mode's next mask", 0x6, 0, false, 0x6, 0x6 },
	{ "user mode's next mask, returns", 0x6, 0, true, 0x6, 0x6 },
	{ "its next mask and a cpuset", 0x6, 0x3, false, 0x2, 0x3 },
};

static void describe_forgotten(const struct forgotten *row, char *description)
{
	strscpy(description, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(forgotten, forgottens, describe_forgotten);

/* Of the processors that stay. */
static struct cpumask *mask_of_bits(struct kunit *test, u8 bits)
{
	struct cpumask *mask = nta_mask(test);
	unsigned int cpu, i = 0;

	for_each_cpu(cpu, cpu_active_mask) {
		if (bits & BIT(i++))
			cpumask_set_cpu(cpu, mask);
	}
	return mask;
}

/* Whether somebody asks meanwhile, and since when. */
enum asker {
	NOBODY,
	SOMEBODY,
	BEFORE_THE_ENTRY,
	FOR_ANOTHER,	/* who has no entry */
};

/*
 * U6: in a cpuset what the scheduler makes up is the cpuset's mask. It is taken for
 * that while nobody asks for anything. Done by hand, for a thread that sleeps.
 */
static void check_fallback_in_a_cpuset(struct kunit *test, enum asker asker)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *cpuset = mask_of_bits(test, 0x3);
	const struct task_struct *asked = worker->task;
	bool is_his = asker == SOMEBODY || asker == BEFORE_THE_ENTRY;
	struct nta_thread *thread, *known;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	nta_pick(test, 3);
	displaced->gone = pick_victim(test);
	nta_worker_do(test, worker, get_active, displaced);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	take_down(test, nta_cpu(&displaced->gone));
	known = asker == SOMEBODY ? thread : NULL;
	/* An address is all that is taken. */
	while (asker == FOR_ANOTHER &&
	       hash_ptr(asked, NTA_EARLY_BITS) ==
	       hash_ptr(worker->task, NTA_EARLY_BITS))
		asked++;
	if (asker != NOBODY)
		nta_count_request(asked, known, 1);
	nta_change_by_hand(thread, false, cpuset);
	nta_worker_do(test, worker, revert_and_look, displaced);
	if (asker != NOBODY)
		nta_count_request(asked, known, -1);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       is_his ? cpuset : &displaced->before.mask);
}

static void fallback_in_a_cpuset_is_not_the_users(struct kunit *test)
{
	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs hooks, to tell it from a change of the cpuset");
	check_fallback_in_a_cpuset(test, NOBODY);
}

static void fallback_in_a_cpuset_while_others_are_asked_for(struct kunit *test)
{
	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs hooks, to tell it from a change of the cpuset");
	check_fallback_in_a_cpuset(test, FOR_ANOTHER);
}

static void change_like_a_fallback_while_somebody_asks_is_his(struct kunit *test)
{
	check_fallback_in_a_cpuset(test, SOMEBODY);
}

static void change_like_a_fallback_that_was_asked_for_early_is_his(struct kunit *test)
{
	check_fallback_in_a_cpuset(test, BEFORE_THE_ENTRY);
}

enum end {
	FALLBACK_IS_KEPT,
	USER_ASKS_AFTERWARDS,
	FALLBACK_COMES_LATE,
	USER_ASKS_UNSEEN,	/* when the thread has been put back after the fallback */
};

/*
 * U12: nor where changes are not noted any more, as at an unload before the last Reverts.
 * What user mode wants then is found by looking.
 */
static void check_fallback_at_an_unload(struct kunit *test, enum end end)
{
	bool user_asks = end == USER_ASKS_AFTERWARDS || end == USER_ASKS_UNSEEN;
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	struct cpumask *wanted = mask_of_bits(test, 0x6);
	struct cpumask *seen = nta_mask(test);
	struct nta_thread *thread;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	if (!nta_watch_sees_changes())
		kunit_skip(test, "needs hooks, to tell it from a change of the cpuset");
	nta_pick(test, 3);
	displaced->gone = pick_victim(test);
	nta_worker_do(test, worker, get_active, displaced);
	thread = nta_thread_find(worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	take_down(test, nta_cpu(&displaced->gone));
	nta_change_by_hand(thread, false, mask_of_bits(test, 0x3));
	if (end == USER_ASKS_UNSEEN) {
		bring_up(test, nta_cpu(&displaced->gone));
		nta_wait_for_mask(worker->task,
				  nta_mask_of(test, &displaced->gone), seen);
		KUNIT_EXPECT_TRUE(test, nta_wait_for_no_work());
		nta_write_mask(worker->task, wanted);
	}

	if (end != FALLBACK_COMES_LATE)
		nta_keep_fallback(thread);
	nta_note_changes(false);
	if (end == USER_ASKS_AFTERWARDS)
		nta_write_mask(worker->task, wanted);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_note_changes(true);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       user_asks ? wanted : &displaced->before.mask);
}

static void fallback_is_not_the_users_at_an_unload(struct kunit *test)
{
	check_fallback_at_an_unload(test, FALLBACK_IS_KEPT);
}

static void change_after_a_fallback_is_the_users_at_an_unload(struct kunit *test)
{
	check_fallback_at_an_unload(test, USER_ASKS_AFTERWARDS);
}

static void fallback_that_comes_late_is_not_the_users_at_an_unload(struct kunit *test)
{
	check_fallback_at_an_unload(test, FALLBACK_COMES_LATE);
}

static void change_after_a_put_back_is_the_users_at_an_unload(struct kunit *test)
{
	check_fallback_at_an_unload(test, USER_ASKS_UNSEEN);
}

static void mask_that_the_kernel_forgets_comes_back(struct kunit *test)
{
	const struct forgotten *row = test->param_value;
	struct cpumask *user = mask_of_bits(test, 0x3), *expected, *seen;
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	long count = nta_event_count(NTA_EVENT_DISPLACED);
	struct nta_affinity gone = pick_victim(test);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	nta_pick(test, 3);
	seen = nta_mask(test);
	expected = mask_of_bits(test, NTA_KERNEL_KEEPS_USER_MASK ? row->expected :
								   row->unkept);
	displaced->gone = gone;
	nta_worker_do(test, worker, look_around, displaced);
	nta_user_sets(test, worker->task, user);
	nta_worker_do(test, worker, get_active, displaced);
	take_down(test, nta_cpu(&gone));
	nta_worker_do(test, worker, look_around, displaced);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_event(NTA_EVENT_DISPLACED, count + 1));
	KUNIT_EXPECT_FALSE(test, nta_has_kept_user_mask(worker->task));

	if (row->user)
		nta_user_sets(test, worker->task, mask_of_bits(test, row->user));
	if (row->cpuset)
		KUNIT_EXPECT_EQ(test,
				set_cpus_allowed_ptr(worker->task,
						     mask_of_bits(test, row->cpuset)),
				0);
	if (row->returns) {
		bring_up(test, nta_cpu(&gone));
		KUNIT_EXPECT_TRUE(test,
				  nta_wait_for_mask(worker->task,
						    nta_mask_of(test, &gone),
						    seen));
	}
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       expected);
	/* It is an affinity like any other by now. */
	displaced->gone = nta_pick(test, 0);
	nta_worker_do(test, worker, get_active, displaced);
	nta_check_mask(test, "after the next Set", &displaced->set.mask,
		       nta_mask_of(test, &displaced->gone));
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the next Revert", &displaced->looks[0].mask,
		       expected);
}

/* Twice: what was forgotten the first time is not what is forgotten the second. */
static void displace_again(struct kunit *test, struct nta_worker *worker,
			   struct displaced *displaced)
{
	struct nta_affinity gone = displaced->gone;
	struct cpumask *seen = nta_mask(test);
	struct nta_thread_snapshot entry;
	unsigned long end;

	if (!cpu_online(nta_cpu(&gone)))
		bring_up(test, nta_cpu(&gone));
	nta_worker_do(test, worker, get_active, displaced);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task,
						  nta_mask_of(test, &gone), seen));
	take_down(test, nta_cpu(&gone));
	nta_worker_do(test, worker, look_around, displaced);
	end = jiffies + NTA_PUT_BACK_TIMEOUT;
	do {
		schedule_timeout_uninterruptible(1);
		nta_thread_snapshot(worker->task, &entry);
	} while (!entry.displaced && time_before(jiffies, end));
	KUNIT_EXPECT_TRUE(test, entry.displaced);
}

static struct nta_worker *make_forgotten(struct kunit *test,
					 struct displaced **displaced)
{
	struct nta_worker *worker = nta_worker_make(test);

	*displaced = kunit_kzalloc(test, sizeof(**displaced), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, *displaced);
	nta_pick(test, 3);
	(*displaced)->gone = pick_victim(test);
	nta_worker_do(test, worker, look_around, *displaced);
	nta_user_sets(test, worker->task, mask_of_bits(test, 0x3));
	displace_again(test, worker, *displaced);
	return worker;
}

static void mask_is_remembered_over_two_fallbacks(struct kunit *test)
{
	struct displaced *displaced;
	struct nta_worker *worker = make_forgotten(test, &displaced);
	const struct cpumask *expected = mask_of_bits(test, 0x7);

	/* A cpuset that leaves a part of it, and then one that leaves it all. */
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task,
						   mask_of_bits(test, 0x6)), 0);
	displace_again(test, worker, displaced);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, expected), 0);
	if (NTA_KERNEL_KEEPS_USER_MASK)
		expected = mask_of_bits(test, 0x3);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       expected);
}

static void mask_that_came_back_is_not_remembered_for_ever(struct kunit *test)
{
	struct displaced *displaced;
	struct nta_worker *worker = make_forgotten(test, &displaced);
	const struct cpumask *expected = mask_of_bits(test, 0x6);

	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       mask_of_bits(test, 0x3));
	displace_again(test, worker, displaced);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(worker->task, expected), 0);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the second Revert",
		       &displaced->looks[0].mask, expected);
}

/* User mode's first mask comes when the thread is active already. */
static void mask_set_while_active_is_remembered(struct kunit *test)
{
	struct displaced *displaced = kunit_kzalloc(test, sizeof(*displaced),
						    GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	const struct cpumask *user = mask_of_bits(test, 0x3);
	struct cpumask *seen = nta_mask(test);
	struct nta_affinity gone;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, displaced);
	nta_pick(test, 3);
	gone = pick_victim(test);
	displaced->gone = gone;
	nta_worker_do(test, worker, get_active, displaced);
	nta_user_sets(test, worker->task, user);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(worker->task,
						  nta_mask_of(test, &gone), seen));
	take_down(test, nta_cpu(&gone));
	nta_worker_do(test, worker, look_around, displaced);
	nta_worker_do(test, worker, revert_and_look, displaced);
	nta_check_mask(test, "after the Revert", &displaced->looks[0].mask,
		       user);
}

/* Sets to a processor that comes and goes. */
struct race {
	struct nta_affinity gone;
	struct nta_affinity a;
	struct nta_look before;
	struct nta_look look;
	bool over;
	unsigned int rounds;
	unsigned int wrong_state;
	unsigned int wrong_place;
	unsigned int wrong_user;
	unsigned int not_running;
};

static void set_all_the_time(void *data)
{
	struct race *race = data;
	GROUP_AFFINITY gone = { .Mask = race->gone.mask,
				.Group = race->gone.group };
	GROUP_AFFINITY a = { .Mask = race->a.mask, .Group = race->a.group };
	struct nta_look *look = &race->look;
	GROUP_AFFINITY previous;

	nta_look_at_me(&race->before);
	while (!READ_ONCE(race->over)) {
		/* Accepted or refused: by itself it cannot be foretold. */
		KeSetSystemGroupAffinityThread(&gone, &previous);
		nta_look_at_me(look);
		race->not_running += look->task_state != TASK_RUNNING;
		race->wrong_state += previous.Mask || previous.Group;
		race->wrong_state += look->entry.state.active &&
				     look->entry.state.system.mask != gone.Mask;

		/* This one must succeed, and tell what the other did. */
		KeSetSystemGroupAffinityThread(&a, &previous);
		race->wrong_state += previous.Mask !=
				     (look->entry.state.active ? gone.Mask : 0);
		nta_look_at_me(look);
		race->wrong_place += look->cpu != nta_cpu(&race->a);

		KeRevertToUserAffinityThread();
		nta_look_at_me(look);
		race->wrong_state += look->entry.state.active;
		race->wrong_user += !cpumask_equal(&look->mask,
						    &race->before.mask);
		WRITE_ONCE(race->rounds, race->rounds + 1);
		cond_resched();
	}
}

/* S13, S18, R11: whatever is met between check and install, all or nothing. */
static void sets_that_race_with_hotplug_are_all_or_nothing(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	struct nta_worker *worker = nta_worker_make(test);
	long refused = nta_event_count(NTA_EVENT_USER_REFUSED);
	unsigned int round, failed = 0, ticks = NTA_WORK_TIMEOUT;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, race);
	race->gone = pick_victim(test);
	race->a = nta_pick(test, 0);
	nta_worker_begin(worker, set_all_the_time, race);
	while (!READ_ONCE(race->rounds) && --ticks)
		schedule_timeout_uninterruptible(1);
	for (round = 0; round < 5; round++) {
		failed += !!remove_cpu(nta_cpu(&race->gone));
		failed += !!add_cpu(nta_cpu(&race->gone));
	}
	WRITE_ONCE(race->over, true);
	nta_worker_wait(test, worker);

	KUNIT_EXPECT_EQ(test, failed, 0U);
	KUNIT_EXPECT_GT(test, race->rounds, 0U);
	KUNIT_EXPECT_EQ(test, race->wrong_state, 0U);
	KUNIT_EXPECT_EQ(test, race->wrong_place, 0U);
	KUNIT_EXPECT_EQ(test, race->wrong_user, 0U);
	KUNIT_EXPECT_EQ(test, race->not_running, 0U);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_USER_REFUSED), refused);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(set_to_an_offline_processor_is_refused),
	KUNIT_CASE(set_works_again_when_the_processor_is_back),
	KUNIT_CASE(offline_bits_are_stripped_and_previous_shows_it),
	KUNIT_CASE(group_that_went_offline_is_empty_but_counted),
	KUNIT_CASE(counts_and_indexes_outlive_an_offline),
	KUNIT_CASE(node_keeps_its_counts_but_not_its_mask),
	KUNIT_CASE(processor_seen_first_gets_the_next_index),
	KUNIT_CASE(displaced_thread_can_be_set_elsewhere_and_reverted),
	KUNIT_CASE(request_that_the_kept_mask_refuses_is_not_remembered),
	KUNIT_CASE(revert_to_a_refused_user_affinity_gives_all_active),
	KUNIT_CASE(storport_revert_to_a_refused_user_affinity_is_unsuccessful),
	KUNIT_CASE(displaced_thread_is_put_back_when_its_processor_returns),
	KUNIT_CASE(displaced_thread_reverts_to_its_user_affinity),
	KUNIT_CASE(revert_races_with_the_return_of_the_processor),
	KUNIT_CASE(displaced_thread_is_put_back_when_its_processor_stays),
	KUNIT_CASE(busy_thread_is_not_moved_to_a_processor_that_goes),
	KUNIT_CASE(busy_thread_is_put_back_beside_the_last_processor),
	KUNIT_CASE(busy_thread_is_put_back_beside_one_before),
	KUNIT_CASE(user_affinity_that_is_refused_once_is_due),
	KUNIT_CASE(processor_goes_before_a_move),
	KUNIT_CASE(processor_goes_before_a_put_back),
	KUNIT_CASE(processor_goes_before_the_worker_looks),
	KUNIT_CASE(processor_returns_before_the_worker_says_that_it_is_gone),
	KUNIT_CASE(processor_is_back_before_it_is_said_to_be_gone),
	KUNIT_CASE(thread_moves_on_before_the_worker_says_that_it_is_displaced),
	KUNIT_CASE(thread_reverts_before_the_worker_says_that_it_is_displaced),
	KUNIT_CASE(displaced_thread_sets_what_is_in_force),
	KUNIT_CASE(revert_is_due_over_a_processors_going_and_coming),
	KUNIT_CASE(user_mode_asks_for_what_is_offline_of_a_system_affinity),
	KUNIT_CASE(revert_to_what_is_offline_of_a_system_affinity),
	KUNIT_CASE(what_was_left_out_is_looked_for),
	KUNIT_CASE(fallback_alone_while_somebody_asks_is_his),
	KUNIT_CASE(fallback_besides_a_request_is_the_schedulers),
	KUNIT_CASE(fallback_in_a_cpuset_is_not_the_users),
	KUNIT_CASE(fallback_in_a_cpuset_while_others_are_asked_for),
	KUNIT_CASE(change_like_a_fallback_while_somebody_asks_is_his),
	KUNIT_CASE(change_like_a_fallback_that_was_asked_for_early_is_his),
	KUNIT_CASE(fallback_is_not_the_users_at_an_unload),
	KUNIT_CASE(change_after_a_fallback_is_the_users_at_an_unload),
	KUNIT_CASE(fallback_that_comes_late_is_not_the_users_at_an_unload),
	KUNIT_CASE(change_after_a_put_back_is_the_users_at_an_unload),
	KUNIT_CASE_PARAM(mask_that_the_kernel_forgets_comes_back,
			 forgotten_gen_params),
	KUNIT_CASE(mask_is_remembered_over_two_fallbacks),
	KUNIT_CASE(mask_set_while_active_is_remembered),
	KUNIT_CASE(mask_that_came_back_is_not_remembered_for_ever),
	KUNIT_CASE(sets_that_race_with_hotplug_are_all_or_nothing),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_hotplug",
	.init = hotplug_init,
	.exit = hotplug_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
