// SPDX-License-Identifier: GPL-2.0-only
/*
 * U2, U3: user mode calls sched_setaffinity(), before, between and after the driver's
 * calls, and in the middle of them.
 */
#include <errno.h>
#include <unistd.h>

#include "cases.h"
#include "twins.h"

void test_u2_every_user_mask(void)
{
	__u64 user;

	start_pair();
	for (user = 1; user <= 0xf; user++) {
		if (user_sets(user, BY_OTHER))
			fail("a mask of CPUs that are online is refused");
		if (driver_sets(CPU(2)))
			fail("S4: the first Set has a Previous");
		check_held(CPU(2));
		if (driver_sets(CPU(1)) != CPU(2))
			fail("S3: the nested Set has another Previous");
		check_held(CPU(1));
		if (driver_sets(CPU(0) | CPU(1)) != CPU(1))
			fail("S3: the third Set has another Previous");
		check_held(CPU(0) | CPU(1));
		driver_reverts(CPU(1));
		check_held(CPU(1));
		driver_reverts(CPU(2));
		check_held(CPU(2));
		revert_and_check();
		if (get_affinity(held.pid) != user)
			fail("U2: held has %#llx", get_affinity(held.pid));
		forget_history();
	}
}

void test_u2_no_user_mask(void)
{
	int cpu;

	start_pair();
	for (cpu = 0; all & CPU(cpu); cpu++) {
		set_and_check(CPU(cpu));
		revert_and_check();
	}
	driver_sets(CPU(2) | CPU(3));
	check_held(CPU(2) | CPU(3));
	driver_sets(CPU(0));
	/* One Revert ends them all (S12). */
	revert_and_check();
}

/* A change that comes at one point, or at each, of two nested Sets. */
enum point { BEFORE, ACTIVE, NESTED, UNWOUND, AFTER, POINTS };

static const char * const point_names[] = {
	[BEFORE] = "before the Sets",
	[ACTIVE] = "after the first Set",
	[NESTED] = "between nested Sets",
	[UNWOUND] = "after the inner Revert",
	[AFTER] = "after the Revert",
	[POINTS] = "at every point",
};

const struct change changes[] = {
	{ "equal to the driver's mask", CPU(2), 0 },
	{ "inside the driver's mask", CPU(3), 0 },
	{ "disjoint from the driver's mask", CPU(0), 0 },
	{ "crossing the driver's mask", CPU(1) | CPU(2), 0 },
	{ "wider than the driver's mask", CPU(0) | CPU(1) | CPU(2) | CPU(3), 0 },
	{ "of all there could be", ~0ULL, 0 },
	{ "that Linux refuses", CPU(63), EINVAL },
};

const unsigned int change_count = ARRAY_SIZE(changes);

static void change_at(enum point point, enum point now, const struct change *change, enum by by)
{
	int error;

	if (point != now && point != POINTS)
		return;
	error = user_sets(change->mask, by);
	if (error != change->error)
		fail("U3: errno %d and not %d", error, change->error);
}

static void change_around(__u64 user, __u64 outer, enum point point,
			  const struct change *change, enum by by)
{
	start_pair();
	event("the change comes %s", point_names[point]);
	if (user)
		user_sets(user, BY_OTHER);
	change_at(point, BEFORE, change, by);
	check_equal();
	set_and_check(outer);
	change_at(point, ACTIVE, change, by);
	check_held(outer);
	if (driver_sets(CPU(1)) != outer)
		fail("S3: Previous is not the outer affinity");
	check_held(CPU(1));
	change_at(point, NESTED, change, by);
	check_held(CPU(1));
	driver_reverts(outer);
	check_held(outer);
	change_at(point, UNWOUND, change, by);
	check_held(outer);
	revert_and_check();
	change_at(point, AFTER, change, by);
	check_equal();
	forget_history();
	if (!end_agents())
		fail("an agent does not end");
}

void test_u3(const struct change *change, enum by by)
{
	/* No user mask; one that cuts what is installed; one that is disjoint. */
	static const struct {
		__u64 user, outer;
	} rows[] = {
		{ 0, CPU(2) },
		{ CPU(1) | CPU(2), CPU(2) | CPU(3) },
		{ CPU(0), CPU(2) },
	};
	enum point point;
	unsigned int i;

	for (point = BEFORE; point <= POINTS; point++)
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			change_around(rows[i].user, rows[i].outer, point, change, by);
}

void test_u3_refused_changes_nothing(void)
{
	long seen;

	start_pair();
	user_sets(CPU(1) | CPU(2), BY_OTHER);
	set_and_check(CPU(2));
	seen = read_counter("foreign_change");
	if (user_sets(CPU(63), BY_OTHER) != EINVAL || user_sets(0, BY_ITSELF) != EINVAL)
		fail("U3: an impossible mask is accepted");
	/* At once: there is nothing to put back. */
	if (get_affinity(held.pid) != CPU(2))
		fail("U3: held has %#llx", get_affinity(held.pid));
	check_held(CPU(2));
	if (read_counter("foreign_change") != seen)
		fail("U3: a change that was refused is counted");
	revert_and_check();
}

void test_u3_same_mask_again(void)
{
	int i;

	start_pair();
	user_sets(CPU(0), BY_OTHER);
	set_and_check(CPU(2));
	/* The last change wins, however often, and though it is what it was. */
	user_sets(CPU(1), BY_OTHER);
	for (i = 0; i < 3; i++)
		user_sets(CPU(0), BY_OTHER);
	check_held(CPU(2));
	revert_and_check();
	set_and_check(CPU(2));
	for (i = 0; i < 3; i++)
		user_sets(CPU(2), BY_OTHER);
	check_held(CPU(2));
	revert_and_check();
}

void test_u3_revert_right_after_change(void)
{
	int i;

	start_pair();
	for (i = 0; i < 50; i++) {
		__u64 user = 1 + i % 15;

		set_and_check(CPU(i % 4));
		/* Nobody waits for a put-back, so it meets the Revert. */
		user_sets(user, i % 2 ? BY_OTHER : BY_ITSELF);
		revert_and_check();
		forget_history();
	}
}

/*
 * Changes that meet a Set or a Revert in the middle: between what it learned of
 * the user and what it installed.
 */
void change_meets_calls(int rounds)
{
	int round, i;

	for (round = 0; round < rounds; round++) {
		/*
		 * In every other round a single change, and one that may be just
		 * the mask of a Set: what it leaves is least.
		 */
		int changes = round % 2 ? round / 2 % 6 : 0;

		if (!changes)
			user_sets(CPU(0) | CPU(1), BY_OTHER);
		tell(&held, OP_PAIRS, 3, NULL);
		for (i = 0; i <= changes; i++) {
			/* Each of them has CPU 0 or 1, for a cpuset to leave. */
			__u64 user = (1 + i % 3) | (round * 7 + i * 3) % 4 * CPU(2);

			/*
			 * A scan finds the request in user_cpus_ptr, and cannot
			 * know what a cpuset would have left of it: so nothing.
			 */
			if (!probes)
				user &= ~CPU(2);
			if (!changes)
				user = CPU(round / 2 % 2);
			/* A little longer than the pairs take, all in all. */
			usleep(below(1000));

			change_affinity(&held, user, BY_OTHER);
			change_affinity(&twin, user, BY_OTHER);
			event("both: sched_setaffinity(%#llx), held in the middle of pairs",
			      user);
		}
		if (wait_for(&held).error)
			fail("the driver's file fails");
		check_equal();
		forget_history();
	}
}

void test_u3_change_meets_calls(void)
{
	start_pair();
	change_meets_calls(300);
}

/* All of it between two threads of one process. */
void test_u3_threads(void)
{
	static const enum by bys[] = { BY_ITSELF, BY_THREAD, BY_OTHER };
	unsigned int i, j;

	for (i = 0; i < change_count; i++) {
		for (j = 0; j < ARRAY_SIZE(bys); j++) {
			pid_t leader;

			start_pair_of_threads();
			leader = agents[0];
			set_and_check(CPU(2));
			change_at(POINTS, ACTIVE, &changes[i], bys[j]);
			check_held(CPU(2));
			if (driver_sets(CPU(1)) != CPU(2))
				fail("S3: Previous is not the outer affinity");
			check_held(CPU(1));
			change_at(POINTS, NESTED, &changes[i], bys[j]);
			check_held(CPU(1));
			revert_and_check();
			if (allowed_in_proc(leader) != all)
				fail("U1: the first thread has %#llx",
				     allowed_in_proc(leader));
			if (!end_agents())
				fail("an agent does not end");
			forget_history();
		}
	}
}
