// SPDX-License-Identifier: GPL-2.0-only
/*
 * U8, U9, U11: what happens in a thread's life while it is held. It exits or is
 * killed, makes children, executes a program, is traced.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "cases.h"
#include "twins.h"

static bool exited(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

static void end_held(bool by_kill)
{
	event("held: %s", by_kill ? "SIGKILL" : "exits");
	if (by_kill)
		kill(held.pid, SIGKILL);
	else
		tell(&held, OP_EXIT, 0, NULL);
	if (!within(PATIENCE_MS, exited(held.pid)))
		fail("U8: held does not end");
}

void test_u8_exit(void)
{
	int i;

	reload_modules();
	clear_log();
	for (i = 0; i < 3; i++) {
		start_pair();
		set_and_check(CPU(2));
		user_sets(CPU(0), BY_OTHER);
		end_held(i == 1);
		check_counter("leaked", i + 1);
		end_agents();
	}
	/* A thread that is not the last of its process. */
	start_pair();
	if (ask(&held, OP_THREAD_ENDS, 0, "set 1 1").error)
		fail("the driver's file fails");
	check_counter("leaked", 4);
	check_equal();
	if (logged("ntaffinity:", "nobody reverted") != 1) {
		show_log();
		fail("U8: %d log lines and not 1", logged("ntaffinity:", "nobody reverted"));
	}
	if (logged("nobody reverted", "[from_the_shell]") != 1)
		fail("U8: the log line does not name the call site");
}

void test_u8_nothing_inherited(void)
{
	int i;

	for (i = 0; i < 200; i++) {
		start_pair();
		check_equal();
		if (driver_sets(CPU(i % 4)))
			fail("U8: a new thread has a Previous");
		end_agents();
		forget_history();
	}
}

void test_u8_killed_in_wait(void)
{
	long leaked = read_counter("leaked");

	start_pair();
	set_and_check(CPU(2));
	begin_wait();
	user_sets(CPU(0), BY_OTHER);
	if (!within(PUT_BACK_MS, get_affinity(held.pid) == CPU(2)))
		fail("U5: held has %#llx", get_affinity(held.pid));
	end_held(true);
	check_counter("leaked", leaked + 1);
}

static void has_children_in(enum op op, const char *cgroup, const char *what)
{
	struct reply mine = ask(&held, op, 0, cgroup), theirs = ask(&twin, op, 0, cgroup);

	event("both: %s: %d and %d", what, mine.child, theirs.child);
	if (mine.error || theirs.error)
		fail("no child: errno %d, %d", mine.error, theirs.error);
	if (!within(PUT_BACK_MS, get_affinity(mine.child) == get_affinity(theirs.child)))
		fail("U9: held's child has %#llx, twin's %#llx",
		     get_affinity(mine.child), get_affinity(theirs.child));
	if (allowed_in_proc(mine.child) != allowed_in_proc(theirs.child))
		fail("U9: held's child has %#llx in /proc, twin's %#llx",
		     allowed_in_proc(mine.child),
		     allowed_in_proc(theirs.child));
}

static void has_children(enum op op, const char *what)
{
	has_children_in(op, NULL, what);
}

static void children(enum op op, const char *what)
{
	static const __u64 users[] = { 0, CPU(1) | CPU(2), CPU(2), CPU(0) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(users); i++) {
		start_pair();
		if (users[i])
			user_sets(users[i], BY_OTHER);
		set_and_check(CPU(2));
		has_children(op, what);
		check_held(CPU(2));
		/* With a change that may not have been put back yet. */
		user_sets(CPU(1) | CPU(3), BY_OTHER);
		has_children(op, what);
		check_held(CPU(2));
		driver_sets(CPU(3));
		has_children(op, what);
		check_held(CPU(3));
		revert_and_check();
		/* And not any more. */
		has_children(op, what);
		end_agents();
		forget_history();
	}
}

void test_u9_fork(void)
{
	long seen = read_counter("child");

	children(OP_FORK, "fork()");
	check_counter_above("child", seen);
}

void test_u9_fork_twice(void)
{
	children(OP_FORK_TWICE, "fork() in a fork()");
}

void test_u9_vfork(void)
{
	children(OP_VFORK, "vfork() and exec()");
}

void test_u9_thread(void)
{
	children(OP_THREAD, "pthread_create()");
}

#define CHILDREN 40

static bool any_differs(const struct reply *child, const __u64 *choices)
{
	int i;

	for (i = 0; i < CHILDREN; i++)
		if (get_affinity(child[i].child) != choices[i % 4])
			return true;
	return false;
}

void test_u9_user_mode_first(void)
{
	static const __u64 choices[4] = { CPU(0), CPU(1) | CPU(2), CPU(2), CPU(3) };
	static struct reply child[CHILDREN];
	unsigned int i;

	start_pair();
	set_and_check(CPU(2));
	for (i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = ask(&held, OP_FORK, choices[i % 4], NULL);
		if (child[i].error)
			fail("no child");
	}
	event("held: fork(), and the child calls sched_setaffinity() at once; 40 times");
	/*
	 * What must not happen has no condition to poll for. A child that makes no
	 * change, made last, shows that whoever serves the children has come
	 * this far; a whole deadline after that only has to stay quiet.
	 */
	has_children(OP_FORK, "fork()");
	if (within(300, any_differs(child, choices)))
		fail("U9: a child lost the affinity that it gave itself");
	revert_and_check();
}

void test_u9_in_cpuset(void)
{
	need_cpusets();
	start_pair();
	make_cpuset("nta_a", CPU(0) | CPU(1));
	set_and_check(CPU(2));
	move_both("nta_a");
	has_children(OP_FORK, "fork()");
	check_held(CPU(2));
	has_children(OP_THREAD, "pthread_create()");
	revert_and_check();
}

/* A child that is created into another cpuset has that one's affinity. */
void test_u9_into_cpuset(void)
{
	static const __u64 cpus[] = { CPU(0) | CPU(1), CPU(2) | CPU(3), CPU(2) };
	char path[64];
	unsigned int i;

	need_cpusets_v2();
	snprintf(path, sizeof(path), "%s/%s", cgroups, cpuset_names[0]);
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		start_pair();
		make_cpuset(cpuset_names[0], cpus[i]);
		set_and_check(CPU(2));
		has_children_in(OP_FORK_INTO, path, "clone3() into a cpuset");
		check_held(CPU(2));
		has_children(OP_FORK, "fork()");
		user_sets(CPU(1) | CPU(3), BY_OTHER);
		has_children_in(OP_FORK_INTO, path, "clone3() into a cpuset");
		revert_and_check();
		has_children_in(OP_FORK_INTO, path, "clone3() into a cpuset");
		end_agents();
		forget_history();
	}
}

void test_u9_displaced(void)
{
	long displaced = read_counter("displaced");

	need_hotplug();
	start_pair();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	switch_cpu(2, false);
	check_displaced(displaced);
	has_children(OP_FORK, "fork()");
	switch_cpu(2, true);
	check_held(CPU(2));
	has_children(OP_FORK, "fork()");
	revert_and_check();
}

void test_u9_given_up(void)
{
	start_pair();
	set_and_check(CPU(2));
	fight(0);
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	has_children(OP_FORK, "fork()");
	user_sets(CPU(1) | CPU(3), BY_OTHER);
	has_children(OP_THREAD, "pthread_create()");
	revert_and_check();
}

/* The thread that io_uring made in a process; 0 if there is none. */
static pid_t uring_worker(pid_t pid)
{
	char path[64], comm[64];
	struct dirent *entry;
	pid_t found = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", pid, entry->d_name);
		if (read_file(path, comm, sizeof(comm)) && !strncmp(comm, "iou-wrk", 7))
			found = atoi(entry->d_name);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

void test_u9_io_uring(void)
{
	pid_t mine, theirs;
	int error;

	start_pair();
	user_sets(CPU(1) | CPU(2), BY_OTHER);
	set_and_check(CPU(2));
	error = ask(&held, OP_URING, 0, NULL).error;
	if (error < 0)
		skip("there is no io_uring here: %s", strerror(-error));
	if (error || ask(&twin, OP_URING, 0, NULL).error)
		fail("io_uring does not work: errno %d", error);
	if (!within(PUT_BACK_MS, uring_worker(held.pid) && uring_worker(twin.pid)))
		fail("io_uring has made no worker");
	mine = uring_worker(held.pid);
	theirs = uring_worker(twin.pid);
	event("both: workers of io_uring %d and %d", mine, theirs);
	if (!within(PUT_BACK_MS, get_affinity(mine) == get_affinity(theirs)))
		fail("U9: held's worker has %#llx, twin's %#llx",
		     get_affinity(mine), get_affinity(theirs));
	check_held(CPU(2));
	revert_and_check();
}

void test_u11_exec(void)
{
	start_pair();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	if (ask(&held, OP_EXEC, 0, NULL).error || ask(&twin, OP_EXEC, 0, NULL).error)
		fail("no exec");
	event("both: exec");
	check_held(CPU(2));
	user_sets(CPU(1) | CPU(3), BY_OTHER);
	check_held(CPU(2));
	revert_and_check();
}

static void trace_agent(struct agent *agent, bool change)
{
	int status;

	if (ptrace(PTRACE_ATTACH, agent->pid, NULL, NULL) ||
	    waitpid(agent->pid, &status, __WALL) != agent->pid || !WIFSTOPPED(status))
		fail("%s cannot be traced", agent->name);
	if (change && change_affinity(agent, CPU(0) | CPU(1), BY_OTHER))
		fail("a mask is refused");
	if (agent == &held && !within(PUT_BACK_MS, get_affinity(held.pid) == CPU(2)))
		fail("U11: held has %#llx while it is traced", get_affinity(held.pid));
	if (ptrace(PTRACE_DETACH, agent->pid, NULL, NULL))
		fail("%s stays traced", agent->name);
}

void test_u11_ptrace(void)
{
	bool change;

	start_pair();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	for (change = false; ; change = true) {
		trace_agent(&held, change);
		trace_agent(&twin, change);
		event("both: traced and released%s",
		      change ? ", sched_setaffinity(0x3) meanwhile" : "");
		check_held(CPU(2));
		if (change)
			break;
	}
	revert_and_check();
}

void test_u11_changes(void)
{
	int mine, theirs;

	start_pair();
	user_sets(CPU(0) | CPU(3), BY_OTHER);
	set_and_check(CPU(2));
	mine = ask(&held, OP_CHANGES, 0, NULL).error;
	theirs = ask(&twin, OP_CHANGES, 0, NULL).error;
	event("both: scheduling class, credentials and namespace: errno %d, %d", mine, theirs);
	if (mine || theirs)
		fail("a change is refused");
	check_held(CPU(2));
	user_sets(CPU(1) | CPU(3), BY_ITSELF);
	check_held(CPU(2));
	revert_and_check();
}
