// SPDX-License-Identifier: GPL-2.0-only
/*
 * U1: random histories. What user mode and the driver do comes in any order, and at
 * the end of each history the two are equal.
 */
#include <stdio.h>

#include "cases.h"
#include "twins.h"

int histories = 300;

/* On a busy machine fewer do: the rest of the tests wants its time too. */
#define HISTORIES_MS 60000

/* CPUs of one group, as a Set takes them. */
static __u64 random_system(void)
{
	return to_cpus(below(2), 1 + below(3));
}

struct story {
	__u64 stack[8];	/* the system affinities that are in force, outermost first */
	int depth;
	int cpuset;		/* 0: the root */
	long given_up;		/* the counter at the last Set */
};

static const __u64 story_cpusets[] = { 0, CPU(0) | CPU(1) | CPU(3), CPU(1) | CPU(2) };

/* What rule U4 allows a scan to miss: a cpuset's change that leaves no trace. */
static bool can_be_missed(const struct story *story, __u64 cpuset)
{
	__u64 outcome = cpuset ? cpuset : all;

	if (probes || !story->depth)
		return false;
	if (narrows && held.user & outcome)
		outcome &= held.user;
	return outcome == installed(story->stack[story->depth - 1]);
}

/*
 * A scan that meets a change before the worker is done with the one before does not see
 * what a cpuset leaves of it. So there the worker has to be done.
 *
 * Inside is enough: a user mask that widens what the kernel would leave of the
 * system affinity, but not what the thread has now, need not be acted upon.
 */
static bool is_inside(__u64 system)
{
	__u64 has = get_affinity(held.pid);

	if (!probes && !is_at_rest())
		return false;
	return narrows ? !(has & ~system) : has == installed(system);
}

static void check_put_back(const struct story *story)
{
	__u64 system = story->stack[story->depth - 1];

	if (!within(PUT_BACK_MS, is_inside(system) ||
		    (read_counter("given_up") > story->given_up &&
		     get_affinity(held.pid) == get_affinity(twin.pid))))
		fail("U5: held has %#llx and not %#llx",
		     get_affinity(held.pid), installed(system));
}

static void random_move(struct story *story)
{
	int to = below(3);

	if (!cgroups || to == story->cpuset || can_be_missed(story, story_cpusets[to]))
		return;
	/* And a scan may miss one that comes while an earlier change is put back. */
	if (!probes && story->depth)
		check_put_back(story);
	move_both(to ? cpuset_names[to - 1] : NULL);
	story->cpuset = to;
}

static void random_event(struct story *story)
{
	__u64 mask;

	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		mask = below(16) ? 1 + below(15) : CPU(63);
		/* What a cpuset leaves of that a scan may miss, likewise. */
		if (!probes && story->depth && story->cpuset)
			check_put_back(story);
		user_sets(mask, below(2) ? BY_ITSELF : BY_OTHER);
		break;
	case 3:
	case 4:
		if (story->depth == ARRAY_SIZE(story->stack))
			break;
		mask = random_system();
		if (driver_sets(mask) != (story->depth ? story->stack[story->depth - 1] : 0))
			fail("S3, S4: that is not Previous");
		story->stack[story->depth++] = mask;
		story->given_up = read_counter("given_up");
		break;
	case 5:
		if (story->depth < 2)
			break;
		story->depth--;
		driver_reverts(story->stack[story->depth - 1]);
		break;
	case 6:
		/* Dear: the kernel waits for a grace period. */
		if (!below(16))
			random_move(story);
		break;
	case 7:
		if (!story->depth)
			break;
		/* Let it be put back now and then; often it meets the next event. */
		if (!below(4))
			check_put_back(story);
		break;
	}
	if (!story->depth && get_affinity(held.pid) != get_affinity(twin.pid))
		fail("U1: held has %#llx, twin %#llx", get_affinity(held.pid),
		     get_affinity(twin.pid));
}

void test_random(void)
{
	struct story story = {};
	__u64 began = now_us();
	int number, events, i;

	if (cgroups) {
		make_cpuset(cpuset_names[0], story_cpusets[1]);
		make_cpuset(cpuset_names[1], story_cpusets[2]);
	}
	for (number = 0; number < histories && now_us() - began < HISTORIES_MS * 1000; number++) {
		forget_history();
		event("seed %llu, history %d", seed, number);
		/* New ones now and then: most threads live longer than a history. */
		if (number % 100 == 0) {
			if (!end_agents())
				fail("an agent does not end");
			if (number % 200)
				start_pair_of_threads();
			else
				start_pair();
			story.cpuset = 0;
		}
		event("at first: affinity %#llx, user's %#llx, cpuset %d",
		      get_affinity(held.pid), held.user, story.cpuset);
		events = 2 + below(8);
		for (i = 0; i < events; i++)
			random_event(&story);
		story.depth = 0;
		revert_and_check();
	}
	printf("# seed %llu: %d histories in %llu ms\n", seed, number,
	       (now_us() - began) / 1000);
}
