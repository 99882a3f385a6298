// SPDX-License-Identifier: GPL-2.0-only
/*
 * U10, U12, U13, O5: what can be seen of a held thread and of the module, and how the
 * driver and the module are unloaded.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "twins.h"

void test_u10_shown(void)
{
	int cpu;

	start_pair();
	user_sets(CPU(0) | CPU(2), BY_OTHER);
	for (cpu = 0; cpu < 4; cpu++) {
		driver_sets(CPU(cpu));
		if (get_affinity(held.pid) != CPU(cpu) || allowed_in_proc(held.pid) != CPU(cpu))
			fail("U10: %#llx in sched_getaffinity(), %#llx in /proc",
			     get_affinity(held.pid),
			     allowed_in_proc(held.pid));
	}
	driver_sets(CPU(2) | CPU(3));
	if (allowed_in_proc(held.pid) != installed(CPU(2) | CPU(3)))
		fail("U10: %#llx in /proc", allowed_in_proc(held.pid));
	revert_and_check();
}

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

static void check_compat(const char *line, bool yes)
{
	static char text[8192];
	const char *value;

	if (!read_file(DEBUG "compat", text, sizeof(text)))
		fail("O5: there is no " DEBUG "compat");
	value = find_line(text, line);
	if (!value)
		fail("O5: there is no line %s", line);
	if (strncmp(value, yes ? "yes" : "no", yes ? 3 : 2))
		fail("O5: %s says %.10s, but it is %s", line, value, yes ? "yes" : "no");
}

void test_o5_compat(void)
{
	static char text[8192], list[65536];
	char *line, *rest = text;
	const char *how;
	bool may_probe;

	if (!read_file(DEBUG "compat", text, sizeof(text)))
		fail("O5: there is no " DEBUG "compat");
	how = find_line(text, "foreign_changes");
	if (!how || (strncmp(how, "ftrace", 6) && strncmp(how, "probes", 6) &&
		     strncmp(how, "scan", 4)))
		fail("O5: no line foreign_changes, or neither ftrace, probes nor scan in it");
	may_probe = read_file("/sys/kernel/debug/kprobes/list", list, sizeof(list));
	if (!strncmp(how, "probes", 6) && !strstr(list, "set_cpus_allowed_common"))
		fail("O5: it says probes, but the kernel knows of no probe");
	if (!probes && (strstr(list, "sched_setaffinity") || strstr(list, "set_cpus_allowed")))
		fail("O5: it says scan, but the kernel knows of a probe");
	if (!probes && may_probe)
		fail("O5: this kernel has kprobes, and the module does not use them");
	if (read_file("/sys/kernel/tracing/enabled_functions", list, sizeof(list)) &&
	    !strncmp(how, "ftrace", 6) != !!strstr(list, "set_cpus_allowed_common"))
		fail("O5: it says %.6s, and the kernel's list of traced functions is\n%s", how,
		     list);

	/* What the kernel does, and not what its version says. */
	start_pair();
	user_sets(CPU(2), BY_OTHER);
	driver_sets(CPU(2) | CPU(3));
	check_compat("kernel_narrows", get_affinity(held.pid) == CPU(2));
	revert_and_check();

	while ((line = strsep(&rest, "\n")) && *line)
		printf("# compat: %s\n", line);
}
