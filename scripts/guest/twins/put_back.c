// SPDX-License-Identifier: GPL-2.0-only
/*
 * U5: a foreign change is put back, soon and once for each; a fight is given up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "twins.h"

void test_u5_counted(void)
{
	long seen, back;

	start_pair();
	set_and_check(CPU(2));
	seen = read_counter("foreign_change");
	back = read_counter("put_back");
	/* A thread that is not held is nobody's business. */
	if (change_affinity(&twin, CPU(0), BY_OTHER))
		fail("a mask is refused");
	event("twin alone: sched_setaffinity(0x1)");
	if (change_affinity(&held, CPU(0), BY_OTHER))
		fail("a mask is refused");
	event("held: sched_setaffinity(0x1)");
	check_held(CPU(2));
	check_counter("foreign_change", seen + 1);
	check_counter("put_back", back + 1);
	if (change_affinity(&held, CPU(1), BY_ITSELF))
		fail("a mask is refused");
	event("held: sched_setaffinity(0x2)");
	check_held(CPU(2));
	check_counter("foreign_change", seen + 2);
	check_counter("put_back", back + 2);
	change_affinity(&twin, CPU(1), BY_OTHER);
	revert_and_check();
	/* Reverted, it is not held. */
	user_sets(CPU(0), BY_OTHER);
	check_equal();
	set_and_check(CPU(2));
	check_counter("foreign_change", seen + 2);
	revert_and_check();
}

void test_u5_own_calls_are_not_foreign(void)
{
	long seen, back;
	int i;

	start_pair();
	user_sets(CPU(1) | CPU(2), BY_OTHER);
	seen = read_counter("foreign_change");
	back = read_counter("put_back");
	for (i = 0; i < 50; i++) {
		driver_sets(CPU(i % 4));
		driver_sets(CPU(2) | CPU(3));
		driver_reverts(CPU(i % 4));
		revert_and_check();
		forget_history();
	}
	if (read_counter("foreign_change") != seen || read_counter("put_back") != back)
		fail("U5: the driver's own calls are counted as foreign changes");
}

void test_u5_running(void)
{
	start_pair();
	ask(&held, OP_SPIN, 0, NULL);
	set_and_check(CPU(2));
	user_sets(CPU(0), BY_OTHER);
	check_held(CPU(2));
	user_sets(CPU(1) | CPU(2), BY_ITSELF);
	check_held(CPU(2));
	revert_and_check();
}

void test_u5_changed_in_wait(void)
{
	struct reply reply;

	start_pair();
	set_and_check(CPU(2));
	begin_wait();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	if (!within(PUT_BACK_MS, get_affinity(held.pid) == CPU(2)))
		fail("U5: held has %#llx", get_affinity(held.pid));
	reply = wait_for(&held);
	if (reply.error || reply.cpu != 2)
		fail("U5: after the wait held runs on CPU %d", reply.cpu);
	revert_and_check();
}

/*
 * Another process changes held's affinity without end, at least so many times, and
 * until the module gives up. A scan sees no more than a change every 10 ms, so
 * the number alone is no fight. Returns the last mask.
 */
__u64 fight(int times)
{
	long given_up = read_counter("given_up");
	__u64 deadline = now_us() + 2 * PATIENCE_MS * 1000, user = 0;
	int i;

	for (i = 0; i < times || read_counter("given_up") == given_up; i++) {
		user = CPU(i % 2);
		set_affinity(held.pid, user);
		if (now_us() > deadline)
			break;
	}
	event("held: sched_setaffinity() %d times, last %#llx", i, user);
	held.user = user;
	check_counter("given_up", given_up + 1);
	return user;
}

void test_u5_fight(void)
{
	long given_up = read_counter("given_up");
	int i, lines;
	__u64 user;

	start_pair();
	set_and_check(CPU(2));
	clear_log();
	user = fight(1000);
	/* The module keeps out of it now: nothing more is counted or logged. */
	for (i = 0; i < 1000; i++) {
		user = CPU(i % 2);
		set_affinity(held.pid, user);
	}
	event("held: sched_setaffinity() %d times, last %#llx", i, user);
	held.user = user;
	change_affinity(&twin, user, BY_OTHER);
	if (!within(PUT_BACK_MS, get_affinity(held.pid) == user))
		fail("U5: it was given up, but held has %#llx", get_affinity(held.pid));
	check_counter("given_up", given_up + 1);
	lines = logged("ntaffinity:", "");
	if (lines != 1) {
		show_log();
		fail("U5: %d log lines and not 1", lines);
	}
	revert_and_check();

	/* The next Set starts anew: nothing is given up for ever. */
	set_and_check(CPU(3));
	user_sets(CPU(0), BY_OTHER);
	check_held(CPU(3));
	check_counter("given_up", given_up + 1);
	revert_and_check();
}

void test_u5_set_after_fight(void)
{
	__u64 previous;

	start_pair();
	set_and_check(CPU(2));
	fight(0);
	user_sets(CPU(0) | CPU(1), BY_OTHER);
	/* It is still active, so a Set is a nested one, and pins it again. */
	previous = driver_sets(CPU(2));
	if (previous != CPU(2))
		fail("S3: Previous is CPUs %#llx", previous);
	check_held(CPU(2));
	user_sets(CPU(1), BY_OTHER);
	check_held(CPU(2));
	revert_and_check();
}

static int compare_delays(const void *a, const void *b)
{
	__u64 one = *(const __u64 *)a, two = *(const __u64 *)b;

	return one < two ? -1 : one > two;
}

/* A new thread for each change: one alone is put back ten times a second. */
static void measure_delay(bool running)
{
	static __u64 delays[200];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		__u64 start;

		start_agent(&held);
		set_and_check(CPU(2));
		if (running)
			ask(&held, OP_SPIN, 0, NULL);
		start = now_us();
		set_affinity(held.pid, CPU(0));
		/* No pause: it would be what is measured. */
		while (get_affinity(held.pid) != CPU(2))
			if (now_us() - start > PUT_BACK_MS * 1000)
				fail("U5: the put-back takes more than %d ms", PUT_BACK_MS);
		delays[i] = now_us() - start;
		end_agents();
		forget_history();
	}
	qsort(delays, ARRAY_SIZE(delays), sizeof(*delays), compare_delays);
	printf("# put-back delay us%s: median %llu p99 %llu max %llu\n",
	       running ? ", running threads" : "", delays[ARRAY_SIZE(delays) / 2],
	       delays[ARRAY_SIZE(delays) * 99 / 100],
	       delays[ARRAY_SIZE(delays) - 1]);
}

void test_u5_delay(void)
{
	measure_delay(false);
	measure_delay(true);
}
