// SPDX-License-Identifier: GPL-2.0-only
/*
 * U10, O1, O2, O5: what can be seen of a held thread and of the module, by user space
 * and by an operator.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "twins.h"

#define TRACING "/sys/kernel/tracing/"

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

/* --- debugfs (O2) ---------------------------------------------------------- */

/* The fields of a line of the file threads. */
struct listed {
	char comm[32], system[32], installed[32], user[32], pending[32], caller[80];
};

/* Whether held has a line. */
static bool find_held(struct listed *listed)
{
	static char text[1 << 16];
	char pid[16];
	const char *line;

	if (!read_file(DEBUG "threads", text, sizeof(text)))
		fail("O2: there is no " DEBUG "threads");
	if (strncmp(text, "pid comm system installed user pending caller\n", 46))
		fail("O2: threads begins with %.50s", text);
	snprintf(pid, sizeof(pid), "%d", twin.pid);
	if (find_line(text, pid))
		fail("O2: threads has the twin, which has never called");
	snprintf(pid, sizeof(pid), "%d", held.pid);
	line = find_line(text, pid);
	if (!line)
		return false;
	if (sscanf(line, "%31s %31s %31s %31s %31s %79[^\n]", listed->comm, listed->system,
		   listed->installed, listed->user, listed->pending, listed->caller) != 6)
		fail("O2: threads has the line %.200s", line);
	return true;
}

/* Whether nothing is to be done for held, and nobody is at it. */
bool is_at_rest(void)
{
	static struct listed listed;

	return find_held(&listed) && !strcmp(listed.pending, "-");
}

static bool is_listed(struct listed *listed, const char *system, __u64 user,
		      const char *pending)
{
	return find_held(listed) && !strcmp(listed->comm, "twins") &&
	       !strcmp(listed->system, system) &&
	       parse_cpus(listed->installed) == allowed_in_proc(held.pid) &&
	       parse_cpus(listed->user) == user && !strcmp(listed->pending, pending) &&
	       strstr(listed->caller, "[from_the_shell]");
}

/* The mask is there a moment before the worker is done. */
static void check_listed(const char *system, __u64 user, const char *pending)
{
	static struct listed listed;

	if (!within(PUT_BACK_MS, is_listed(&listed, system, user, pending)))
		fail("O2: threads has: %s %s %s %s %s %s", listed.comm, listed.system,
		     listed.installed, listed.user, listed.pending, listed.caller);
}

void test_o2_threads(void)
{
	static struct listed listed;
	__u64 user;

	start_pair();
	user_sets(CPU(0) | CPU(2), BY_OTHER);
	if (find_held(&listed))
		fail("O2: threads has held before its first Set");
	set_and_check(CPU(3));
	check_listed("1:0x2", CPU(0) | CPU(2), "-");
	set_and_check(CPU(0));
	check_listed("0:0x1", CPU(0) | CPU(2), "-");
	user_sets(CPU(1) | CPU(3), BY_OTHER);
	set_and_check(CPU(2) | CPU(3));
	check_listed("1:0x3", CPU(1) | CPU(3), "-");
	user = fight(0);
	check_listed("1:0x3", user, "given_up");
	set_and_check(CPU(2));
	check_listed("1:0x1", user, "-");
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	check_held(CPU(2));
	revert_and_check();
	if (find_held(&listed))
		fail("O2: threads has held after its Revert");
}

void test_o2_displaced(void)
{
	long displaced = read_counter("displaced");

	need_hotplug();
	start_pair();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	check_listed("1:0x1", CPU(0) | CPU(3), "displaced");
	switch_cpu(2, true);
	check_held(CPU(2));
	check_listed("1:0x1", CPU(0) | CPU(3), "-");
	revert_and_check();
}

void test_o2_groups(void)
{
	static char text[8192], expected[8192];
	int groups = (64 - __builtin_clzll(all) + 1) / 2, group, length;
	__u64 mask;

	if (!read_file(DEBUG "groups", text, sizeof(text)))
		fail("O2: there is no " DEBUG "groups");
	length = sprintf(expected, "group possible active seen cpus nodes\n");
	for (group = 0; group < groups; group++) {
		mask = all >> 2 * group & 3;
		length += sprintf(expected + length, "%d %#llx %#llx %#llx %d", group, mask,
				  mask, mask, 2 * group);
		/* All CPUs are online, and the last group may have one only. */
		length += sprintf(expected + length, mask == 3 ? "-%d 0\n" : " 0\n",
				  2 * group + 1);
	}
	if (strcmp(text, expected))
		fail("O2: groups has\n%sand not\n%s", text, expected);
}

/* --- trace events (O1) ------------------------------------------------------ */

/* How many lines of the trace have both texts. */
static int traced(const char *one, const char *two)
{
	static char text[1 << 18];
	char *line, *rest = text;
	int lines = 0;

	if (!read_file(TRACING "trace", text, sizeof(text)))
		fail("O1: no trace can be read");
	while ((line = strsep(&rest, "\n")))
		lines += strstr(line, one) && strstr(line, two);
	return lines;
}

static void check_traced(int times, const char *one, const char *two)
{
	if (!within(PUT_BACK_MS, traced(one, two) == times))
		fail("O1: %d trace events and not %d with %s and %s", traced(one, two), times,
		     one, two);
}

/* Also after a case that failed. */
void stop_tracing(void)
{
	write_file(TRACING "events/ntaffinity/enable", "0");
}

static void trace_all_events(void)
{
	char who[64];

	start_pair();
	driver_sets(CPU(3));
	check_traced(1, "nta_changed: active=1 group=1 mask=0x2 caller=", "[from_the_shell]");
	driver_sets(CPU(3));
	check_traced(2, "nta_changed: active=1 group=1 mask=0x2 caller=", "[from_the_shell]");
	if (ask(&held, OP_CALL, 0, "set 9999 1").error)
		fail("the driver's file fails");
	check_traced(1, "nta_refused: group=9999 mask=0x1 reason=bad_group caller=",
		     "[from_the_shell]");
	snprintf(who, sizeof(who), "comm=twins pid=%d group=1 mask=0x2", held.pid);
	user_sets(CPU(0), BY_OTHER);
	check_held(CPU(3));
	check_traced(1, "nta_foreign_change: ", who);
	check_traced(1, "nta_put_back: ", who);
	/* As many as it takes: they would fill what is read. */
	write_file(TRACING "events/ntaffinity/nta_foreign_change/enable", "0");
	fight(0);
	check_traced(1, "nta_given_up: ", who);
	driver_reverts(0);
	check_traced(1, "nta_changed: active=0 group=0 mask=0x0 caller=", "[from_the_shell]");
	driver_reverts(0);
	check_traced(2, "nta_changed: active=0 group=0 mask=0x0 caller=", "[from_the_shell]");
	driver_sets(CPU(3));
	tell(&held, OP_EXIT, 0, NULL);
	if (!within(PATIENCE_MS, waitpid(held.pid, NULL, WNOHANG) == held.pid))
		fail("held does not end");
	check_traced(1, "nta_leak: ", who);
}

void test_o1_trace_events(void)
{
	if (access(TRACING, F_OK))
		skip("this kernel has no " TRACING);
	/* To open it so empties it. */
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
	if (write_file(TRACING "events/ntaffinity/enable", "1"))
		fail("O1: there are no trace events of ntaffinity");
	trace_all_events();
}

/* --- what this kernel can give (O5) ------------------------------------------ */

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
