// SPDX-License-Identifier: GPL-2.0-only
/*
 * U6, R11: CPUs of the driver or of the user go offline while held is held, and
 * return, also in a cpuset and in a suspend.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "twins.h"

static void part_offline(__u64 user, bool running)
{
	start_pair();
	if (user)
		user_sets(user, BY_OTHER);
	if (running)
		ask(&held, OP_SPIN, 0, NULL);
	set_and_check(CPU(2) | CPU(3));
	switch_cpu(2, false);
	wake_both();
	check_held(CPU(2) | CPU(3));
	switch_cpu(2, true);
	check_held(CPU(2) | CPU(3));
	switch_cpu(3, false);
	wake_both();
	check_held(CPU(2) | CPU(3));
	switch_cpu(3, true);
	check_held(CPU(2) | CPU(3));
	revert_and_check();
	end_agents();
	forget_history();
}

void test_u6_part_offline(void)
{
	need_hotplug();
	part_offline(0, false);
	part_offline(0, true);
	/* Neither is inside, or all is: the kernel cuts nothing off. */
	part_offline(CPU(0) | CPU(1), false);
	part_offline(0xf, false);
}

/*
 * The user's mask cuts the driver's to CPU 2 (since 6.2), that goes, and the
 * kernel's fallback lets the thread go anywhere although CPU 3 is there.
 */
void test_u6_narrowed_part_offline(void)
{
	need_hotplug();
	start_pair();
	user_sets(CPU(0) | CPU(2), BY_OTHER);
	set_and_check(CPU(2) | CPU(3));
	switch_cpu(2, false);
	wake_both();
	if (narrows)
		held.user = 0;
	check_held(CPU(2) | CPU(3));
	switch_cpu(2, true);
	wake_both();
	check_held(CPU(2) | CPU(3));
	/* The twin could use CPU 0 all the time, and so kept its mask. */
	revert_and_check();
}

static void all_offline(__u64 user, bool running)
{
	long displaced = read_counter("displaced");

	start_pair();
	if (user)
		user_sets(user, BY_OTHER);
	if (running)
		ask(&held, OP_SPIN, 0, NULL);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	switch_cpu(2, true);
	check_held(CPU(2));
	revert_and_check();
	end_agents();
	forget_history();
}

void test_u6_all_offline(void)
{
	need_hotplug();
	all_offline(0, false);
	all_offline(0, true);
	/* The user's mask has CPUs that stay, so the twin keeps it. */
	all_offline(CPU(1) | CPU(2), false);
	all_offline(CPU(0), false);
	all_offline(CPU(1) | CPU(3), true);
}

void test_u6_whole_group_offline(void)
{
	long displaced = read_counter("displaced");

	need_hotplug();
	start_pair();
	set_and_check(CPU(2) | CPU(3));
	switch_cpu(2, false);
	switch_cpu(3, false);
	check_displaced(displaced);
	switch_cpu(3, true);
	check_held(CPU(3));
	switch_cpu(2, true);
	check_held(CPU(2) | CPU(3));
	revert_and_check();
}

void test_u6_still_active(void)
{
	long displaced = read_counter("displaced");
	__u64 previous;

	need_hotplug();
	start_pair();
	user_sets(CPU(0) | CPU(1), BY_OTHER);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	previous = driver_sets(CPU(3));
	if (previous != CPU(2))
		fail("U6 S3: Previous is CPUs %#llx", previous);
	check_held(CPU(3));
	switch_cpu(2, true);
	check_held(CPU(3));
	driver_reverts(CPU(2));
	check_held(CPU(2));
	revert_and_check();
}

void test_u6_revert_while_displaced(void)
{
	long displaced = read_counter("displaced");
	unsigned int i;
	static const __u64 users[] = { 0, CPU(0), CPU(1) | CPU(2) };

	need_hotplug();
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		start_pair();
		if (users[i])
			user_sets(users[i], BY_OTHER);
		set_and_check(CPU(2));
		switch_cpu(2, false);
		check_displaced(displaced);
		displaced = read_counter("displaced");
		revert_and_check();
		switch_cpu(2, true);
		wake_both();
		/* Nothing puts back what was reverted. */
		check_equal();
		end_agents();
		forget_history();
	}
}

void test_u6_user_change_while_displaced(void)
{
	long displaced = read_counter("displaced");

	need_hotplug();
	start_pair();
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	user_sets(CPU(1) | CPU(3), BY_ITSELF);
	switch_cpu(2, true);
	check_held(CPU(2));
	revert_and_check();
}

/*
 * User mode and the driver want the same single CPU. It goes, and the kernel
 * forgets the twin's mask, which no one else remembers. Held's is remembered
 * (U6): so here it is not the twin that says what is right, but the user mask from
 * before.
 */
void test_u6_user_mask_offline_too(void)
{
	long displaced = read_counter("displaced");

	need_hotplug();
	start_pair();
	user_sets(CPU(2), BY_OTHER);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	switch_cpu(2, true);
	check_held(CPU(2));
	driver_reverts(0);
	if (allowed_in_proc(held.pid) != CPU(2))
		fail("U6: held has %#llx", allowed_in_proc(held.pid));
}

/*
 * The user's last CPU is offline at the Revert. R11 gives held the active CPUs of
 * that moment, where the kernel's fallback gives the twin all possible ones: equal
 * as far as sched_getaffinity() shows.
 */
void test_r11_user_cpu_offline(void)
{
	long refused = read_counter("user_refused");

	need_hotplug();
	start_pair();
	user_sets(CPU(2), BY_OTHER);
	set_and_check(CPU(3));
	switch_cpu(2, false);
	wake_both();
	check_held(CPU(3));
	clear_log();
	driver_reverts(0);
	if (get_affinity(held.pid) != get_affinity(twin.pid))
		fail("R11: held has %#llx, twin %#llx", get_affinity(held.pid),
		     get_affinity(twin.pid));
	check_counter("user_refused", refused + 1);
	if (logged("ntaffinity:", "cannot have its user affinity") != 1)
		fail("R11: no log line, or several");
	/* It is not active: a Revert does nothing, and a Set has no Previous. */
	driver_reverts(0);
	switch_cpu(2, true);
	if (driver_sets(CPU(1)))
		fail("R11: it is still active");
	driver_reverts(0);
}

/* In a cpuset the kernel rewrites the masks of all members at each change. */
/* With a user mask from before the move to the cpuset, or from after it. */
static void hotplug_in_cpuset(__u64 before, __u64 cpuset, __u64 user, int driver,
			      int offline)
{
	start_pair();
	if (before)
		user_sets(before, BY_OTHER);
	make_cpuset("nta_a", cpuset);
	move_both("nta_a");
	if (user)
		user_sets(user, BY_OTHER);
	set_and_check(CPU(driver));
	switch_cpu(offline, false);
	wake_both();
	if (driver != offline)
		check_held(CPU(driver));
	switch_cpu(offline, true);
	wake_both();
	check_held(CPU(driver));
	revert_and_check();

	/* The same, reverted in the middle. */
	set_and_check(CPU(driver));
	switch_cpu(offline, false);
	wake_both();
	revert_and_check();
	switch_cpu(offline, true);
	wake_both();
	check_equal();
	end_agents();
	if (!remove_cpusets())
		fail("the cpuset cannot be removed");
	forget_history();
}

void test_u6_in_cpuset(void)
{
	need_hotplug();
	need_cpusets();
	/* The driver's CPU goes, inside the cpuset and outside. */
	hotplug_in_cpuset(0, CPU(1) | CPU(2) | CPU(3), 0, 2, 2);
	hotplug_in_cpuset(0, CPU(0) | CPU(1), 0, 2, 2);
	/* One of the cpuset's goes, and the driver's stays. */
	hotplug_in_cpuset(0, CPU(1) | CPU(2) | CPU(3), 0, 3, 2);
	hotplug_in_cpuset(0, CPU(1) | CPU(2), 0, 3, 2);
}

/* With a user mask that keeps a CPU, so that the twin keeps it too. */
void test_u6_in_cpuset_user_mask(void)
{
	need_hotplug();
	need_cpusets();
	hotplug_in_cpuset(CPU(1) | CPU(2), CPU(1) | CPU(2) | CPU(3), 0, 3, 2);
	hotplug_in_cpuset(CPU(1) | CPU(3), CPU(1) | CPU(3), 0, 0, 3);
	if (!probes)
		skip("without hooks a second mask that the kernel makes up counts as the cpuset's");
	/* What the kernel makes up is then wider than the user mask (U1). */
	hotplug_in_cpuset(0, CPU(0) | CPU(1), CPU(0), 3, 3);
	hotplug_in_cpuset(0, CPU(1) | CPU(2), CPU(1), 2, 2);
}

/* Suspend takes every CPU but one down and up again, with all threads frozen. */
static void suspend_and_resume(const char *state)
{
	int error;

	write_file("/sys/module/suspend/parameters/pm_test_delay", "1");
	if (write_file("/sys/power/pm_test", "processors"))
		skip("the kernel has no test of suspend");
	error = write_file("/sys/power/state", state);
	write_file("/sys/power/pm_test", "none");
	event("suspend by \"%s\": errno %d", state, error);
	if (error)
		skip("this machine does not suspend: %s", strerror(error));
}

void test_u6_suspend(void)
{
	char text[256];

	need_hotplug();
	read_file("/sys/power/state", text, sizeof(text));
	/* "freeze" would leave the processors alone and wait to be woken up. */
	if (!strstr(text, "mem"))
		skip("this machine does not suspend to memory");
	read_file("/sys/power/mem_sleep", text, sizeof(text));
	if (!strstr(text, "[deep]") && write_file("/sys/power/mem_sleep", "deep"))
		skip("this machine does not suspend to memory");
	start_pair();
	user_sets(CPU(1) | CPU(2), BY_OTHER);
	ask(&held, OP_SPIN, 0, NULL);
	set_and_check(CPU(3));
	suspend_and_resume("mem");
	check_held(CPU(3));
	revert_and_check();
}
