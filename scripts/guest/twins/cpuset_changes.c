// SPDX-License-Identifier: GPL-2.0-only
/*
 * U4: the pair is moved to a cpuset, or its cpuset changes, while held is held. And of
 * U10, what is outside the cpuset.
 */
#include <errno.h>

#include "cases.h"
#include "twins.h"

static const __u64 cpuset_users[] = { 0, CPU(1) | CPU(2), CPU(3), CPU(0) | CPU(3) };

/* Runs a case once for each of some user affinities. */
static void for_cpuset_users(void (*test)(void))
{
	unsigned int i;

	need_cpusets();
	for (i = 0; i < ARRAY_SIZE(cpuset_users); i++) {
		start_pair();
		if (cpuset_users[i])
			user_sets(cpuset_users[i], BY_OTHER);
		test();
		forget_history();
		if (!end_agents() || !remove_cpusets())
			fail("the cpusets cannot be removed");
	}
}

static void moved(void)
{
	make_cpuset("nta_a", CPU(0) | CPU(1));
	set_and_check(CPU(2));
	move_both("nta_a");
	/* Outside the cpuset: the driver asked for it (U10). */
	check_held(CPU(2));
	revert_and_check();
}

void test_u4_moved(void)
{
	for_cpuset_users(moved);
}

static void moved_and_back(void)
{
	make_cpuset("nta_a", CPU(0) | CPU(1));
	make_cpuset("nta_b", CPU(1) | CPU(3));
	set_and_check(CPU(2));
	move_both("nta_a");
	check_held(CPU(2));
	move_both("nta_b");
	check_held(CPU(2));
	move_both(NULL);
	check_held(CPU(2));
	revert_and_check();
	/* And so fast that the put-back meets the way back. */
	set_and_check(CPU(2));
	move_both("nta_a");
	move_both(NULL);
	check_held(CPU(2));
	revert_and_check();
}

void test_u4_moved_and_back(void)
{
	for_cpuset_users(moved_and_back);
}

static void narrowed(void)
{
	make_cpuset("nta_a", 0xf);
	move_both("nta_a");
	set_and_check(CPU(2));
	cpuset_takes("nta_a", CPU(0) | CPU(1));
	check_held(CPU(2));
	revert_and_check();
	set_and_check(CPU(1));
	cpuset_takes("nta_a", CPU(0));
	check_held(CPU(1));
	revert_and_check();
}

void test_u4_narrowed(void)
{
	for_cpuset_users(narrowed);
}

static void widened(void)
{
	make_cpuset("nta_a", CPU(2) | CPU(3));
	move_both("nta_a");
	set_and_check(CPU(1));
	cpuset_takes("nta_a", 0xf);
	check_held(CPU(1));
	revert_and_check();
	check_equal();
	set_and_check(CPU(2));
	cpuset_takes("nta_a", CPU(0) | CPU(1) | CPU(3));
	check_held(CPU(2));
	revert_and_check();
}

void test_u4_widened(void)
{
	for_cpuset_users(widened);
}

static void nested_in_cpuset(void)
{
	make_cpuset("nta_a", CPU(0) | CPU(3));
	/* Never CPU 1 alone: a scan may miss what equals the installed mask. */
	make_cpuset("nta_b", CPU(0));
	set_and_check(CPU(2));
	move_both("nta_a");
	if (driver_sets(CPU(1)) != CPU(2))
		fail("S3: Previous is not the outer affinity");
	check_held(CPU(1));
	move_both("nta_b");
	check_held(CPU(1));
	driver_reverts(CPU(2));
	check_held(CPU(2));
	revert_and_check();
}

void test_u4_nested(void)
{
	for_cpuset_users(nested_in_cpuset);
}

static void user_in_cpuset(void)
{
	make_cpuset("nta_a", CPU(0) | CPU(1));
	set_and_check(CPU(2));
	move_both("nta_a");
	check_held(CPU(2));
	if (user_sets(CPU(1), BY_OTHER))
		fail("U3: a CPU of the cpuset is refused");
	check_held(CPU(2));
	/* Held is on CPU 2, but it is not user mode that may be there. */
	if (user_sets(CPU(2), BY_OTHER) != EINVAL)
		fail("U3: a CPU outside the cpuset is accepted");
	check_held(CPU(2));
	revert_and_check();
	move_both(NULL);
	check_equal();
}

void test_u4_user_mask_inside(void)
{
	for_cpuset_users(user_in_cpuset);
}

/* A change without a trace in cpus_mask: only a probe sees it. */
static void outcome_equal(void)
{
	if (!probes)
		skip("without probes this change cannot be seen");
	make_cpuset("nta_a", CPU(2));
	set_and_check(CPU(2));
	move_both("nta_a");
	check_held(CPU(2));
	revert_and_check();
	move_both(NULL);
	check_equal();
	make_cpuset("nta_b", CPU(2) | CPU(3));
	move_both("nta_b");
	set_and_check(CPU(2));
	cpuset_takes("nta_b", CPU(2));
	check_held(CPU(2));
	revert_and_check();
}

void test_u4_outcome_equal(void)
{
	for_cpuset_users(outcome_equal);
}

void test_u4_change_meets_calls(void)
{
	need_cpusets();
	start_pair();
	make_cpuset("nta_a", CPU(0) | CPU(1) | CPU(3));
	move_both("nta_a");
	change_meets_calls(200);
}

void test_u4_threads(void)
{
	need_cpusets();
	start_pair_of_threads();
	make_cpuset("nta_a", CPU(0) | CPU(1));
	user_sets(CPU(1) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	move_both("nta_a");
	check_held(CPU(2));
	cpuset_takes("nta_a", CPU(1) | CPU(3));
	check_held(CPU(2));
	revert_and_check();
	move_both(NULL);
	check_equal();
}

void test_u10_outside_cpuset(void)
{
	need_cpusets();
	start_pair();
	make_cpuset("nta_a", CPU(0) | CPU(1));
	move_both("nta_a");
	set_and_check(CPU(2));
	set_and_check(CPU(2) | CPU(3));
	revert_and_check();
}
