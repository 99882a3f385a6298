// SPDX-License-Identifier: GPL-2.0-only
/*
 * U12, U13: the driver and the module are unloaded while a thread is held.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "twins.h"

void test_u12_u13_unload(void)
{
	char pid[32];

	reload_modules();
	start_pair();
	user_sets(CPU(1) | CPU(2), BY_OTHER);
	set_and_check(CPU(2));
	if (!remove_module("ntaffinity"))
		fail("U12: ntaffinity unloads although a driver is linked to it");
	check_held(CPU(2));

	clear_log();
	snprintf(pid, sizeof(pid), "[%d]", held.pid);
	event("rmmod of the driver");
	if (remove_module("from_the_shell"))
		fail("U13: the driver does not unload");
	check_counter("driver_gone", 1);
	if (logged("ntaffinity:", pid) != 1 || logged(pid, "from_the_shell") != 1) {
		show_log();
		fail("U13: no log line with the pid and the call site, or several");
	}
	/* Nobody is left who could revert it; it is held all the same. */
	check_held(CPU(2));
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	check_held(CPU(2));

	event("rmmod of ntaffinity");
	if (remove_module("ntaffinity"))
		fail("U12: ntaffinity does not unload");
	check_equal();
	if (logged("ntaffinity:", "gets its user affinity back") != 1)
		fail("U12: no log line");
	if (!access("/sys/module/ntaffinity", F_OK) || !access(DEBUG, F_OK))
		fail("U12: something is left");
	user_sets(CPU(1), BY_OTHER);
	check_equal();
}

/* A displaced thread is looked at each second, but not when the module is gone. */
void test_u12_unload_displaced(void)
{
	long displaced;

	need_hotplug();
	reload_modules();
	displaced = read_counter("displaced");
	start_pair();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	event("rmmod of the driver and of ntaffinity");
	if (remove_module("from_the_shell") || remove_module("ntaffinity"))
		fail("U12: the modules do not unload");
	check_equal();
	usleep(1500 * 1000);
	switch_cpu(2, true);
	wake_both();
	check_equal();
}

/* In a cpuset the kernel makes up a mask that user mode could have asked for. */
void test_u12_unload_displaced_in_cpuset(void)
{
	long displaced;

	need_hotplug();
	need_cpusets();
	if (!probes)
		skip("without hooks a mask that the kernel makes up counts as the cpuset's");
	reload_modules();
	displaced = read_counter("displaced");
	start_pair();
	make_cpuset("nta_a", CPU(0) | CPU(1));
	move_both("nta_a");
	user_sets(CPU(1), BY_OTHER);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	wake_both();
	check_displaced(displaced);
	event("rmmod of the driver and of ntaffinity");
	if (remove_module("from_the_shell") || remove_module("ntaffinity"))
		fail("U12: the modules do not unload");
	check_equal();
	switch_cpu(2, true);
	wake_both();
	check_equal();
}

/* Several threads, changes in flight, and a fork: none must outlive the unload. */
void test_u12_unload_in_traffic(void)
{
	static struct agent agent[8];
	unsigned int i;
	int round;

	for (round = 0; round < 10; round++) {
		start_pair();
		set_and_check(CPU(2));
		for (i = 0; i < ARRAY_SIZE(agent); i++) {
			agent[i].name = "another";
			start_agent(&agent[i]);
			if (ask(&agent[i], OP_CALL, 0, i % 2 ? "set 1 1" : "set 0 2").error)
				fail("the driver's file fails");
			set_affinity(agent[i].pid, CPU(i % 4));
			if (ask(&agent[i], OP_FORK, 0, NULL).error)
				fail("no child");
		}
		user_sets(CPU(0) | CPU(3), BY_OTHER);
		if (remove_module("from_the_shell"))
			fail("U13: the driver does not unload");
		for (i = 0; i < ARRAY_SIZE(agent); i++)
			set_affinity(agent[i].pid, CPU(i % 4));
		if (remove_module("ntaffinity"))
			fail("U12: ntaffinity does not unload");
		event("eight more threads, rmmod of the driver and of ntaffinity");
		check_equal();
		for (i = 0; i < ARRAY_SIZE(agent); i++)
			if (get_affinity(agent[i].pid) != CPU(i % 4))
				fail("U12: a thread has %#llx and not %#llx",
				     get_affinity(agent[i].pid),
				     CPU(i % 4));
		end_agents();
		if (!load_modules())
			fail("the modules do not load");
		forget_history();
	}
}
