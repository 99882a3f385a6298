// SPDX-License-Identifier: GPL-2.0-only
/*
 * twins [-s SEED] [-n HISTORIES] [PATTERN]: tests ntaffinity with processes.
 *
 * The oracle of every test here is a twin (rule U1). Two processes, "held" and
 * "twin", meet the same sched_setaffinity(), cpuset and hotplug events in the
 * same order. Only held ever calls a DDI, by writing to the debugfs file of the
 * sample from_the_shell. After its Revert to user affinity the two must be equal:
 * what Linux made of the twin is by definition what Linux would have made of
 * held, on this kernel, whatever its version. While held is held it must be where
 * its driver wants it, at the latest after the put-back (U5).
 *
 * The processes are agents: they do what this program, in a third process, asks
 * for over a pipe, and say what they see. What can be seen from outside is
 * looked at from outside, since a thread that is asked wakes up, and waking up is
 * an event.
 *
 * Nothing here sleeps in the hope that something has happened: it polls for a
 * condition, and a deadline that passes is a failure. A failed check prints the
 * whole history of events and leaves the case by longjmp(); the runner then
 * clears up the same way as after a case that passed: agents killed, cgroups
 * removed, processors online. That the machine is as it was is part of each case.
 *
 * The modules are loaded with groupsize=2: group g, number n is CPU 2 * g + n.
 *
 * The rooms of this program. This file has the table of cases, the runner and the
 * options. What the cases are made of:
 *
 *   history.c   how a case records its events, fails and skips; clock, random numbers
 *   affinity.c  the machine: files, counters, log, and masks by plain system calls
 *   agent.c     what an agent does
 *   pair.c      held and twin: what is done to them, and the checks
 *   modules.c   commands of the guest; loading and unloading
 *   cpuset.c    cpusets, of both versions
 *   hotplug.c   processors off and on
 *
 * The cases, by what they are about:
 *
 *   user_changes.c     U2, U3: sched_setaffinity()
 *   cpuset_changes.c   U4, U10: cpusets
 *   put_back.c         U5: the put-back, and fights
 *   hotplug_changes.c  U6, R11: hotplug and suspend
 *   lifetime.c         U8, U9, U11: exit, children, exec and what else happens to a thread
 *   shown.c            U10, O1, O2, O5: what can be seen
 *   unload.c           U12, U13: unloading
 *   random.c           U1: random histories
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cases.h"
#include "twins.h"

static int number, failures;

static bool put_right(const char **what)
{
	bool right = true;

	if (!end_agents()) {
		*what = "a process does not end";
		right = false;
	}
	if (!all_online()) {
		*what = "a CPU stays offline";
		right = false;
	}
	if (!remove_cpusets()) {
		*what = "a cpuset stays";
		right = false;
	}
	stop_tracing();
	if (get_affinity(0) != all) {
		*what = "the affinity of the test program has changed";
		right = false;
	}
	if (access("/sys/module/from_the_shell", F_OK)) {
		if (!access("/sys/module/ntaffinity", F_OK))
			remove_module("ntaffinity");
		if (!load_modules()) {
			*what = "the modules do not load";
			right = false;
		}
	}
	return right;
}

/* What runs after longjmp() must not depend on what ran before: all is static. */
static void run_case(const char *name, void (*test)(void), const struct change *change, enum by by)
{
	static const char *wrong;
	static __u64 began;
	static int end;

	wrong = NULL;
	began = now_us();
	/* The same for each case, whichever run before it. */
	random_state = seed;
	forget_history();
	end = setjmp(case_end);
	if (end == PASSED) {
		if (test)
			test();
		else
			test_u3(change, by);
	}
	if (!put_right(&wrong)) {
		printf("# FAIL: %s\n", wrong);
		end = FAILED;
	}
	/* No thread is left, so no entry may be: rule U8. */
	if (!setjmp(case_end)) {
		forget_history();
		check_counter("threads_known", 0);
	} else {
		end = FAILED;
	}
	if (now_us() - began > 3000000)
		printf("# the next one took %llu ms\n", (now_us() - began) / 1000);
	number++;
	switch (end) {
	case PASSED:
		printf("ok %d %s\n", number, name);
		break;
	case SKIPPED:
		printf("ok %d %s # SKIP %s\n", number, name, skip_reason);
		break;
	default:
		printf("not ok %d %s\n", number, name);
		failures++;
	}
	fflush(stdout);
}

static const struct {
	const char *name;
	void (*test)(void);
} cases[] = {
	{ "O5 compat says how changes are seen, and the kernel agrees", test_o5_compat },
	{ "U2 every user mask comes back, also over two groups", test_u2_every_user_mask },
	{ "U2 a thread without a user mask comes back", test_u2_no_user_mask },
	{ "U3", NULL },
	{ "U3 a change that Linux refuses changes nothing", test_u3_refused_changes_nothing },
	{ "U3 the same mask again and again", test_u3_same_mask_again },
	{ "U3 a Revert right after the change", test_u3_revert_right_after_change },
	{ "U3 a change that meets a Set or a Revert in the middle", test_u3_change_meets_calls },
	{ "U3 held and twin are threads of one process", test_u3_threads },
	{ "U4 moved to a cpuset while active", test_u4_moved },
	{ "U4 moved to cpusets and back while active", test_u4_moved_and_back },
	{ "U4 cpuset narrowed while active", test_u4_narrowed },
	{ "U4 cpuset widened while active", test_u4_widened },
	{ "U4 moved to another cpuset between nested Sets", test_u4_nested },
	{ "U4 U3 user mask changed in the new cpuset while active", test_u4_user_mask_inside },
	{ "U4 cpuset change whose outcome equals the installed mask", test_u4_outcome_equal },
	{ "U4 U3 in a cpuset, a change that meets a Set or a Revert", test_u4_change_meets_calls },
	{ "U4 threads of one process moved to a cpuset while active", test_u4_threads },
	{ "U10 a system affinity outside the cpuset", test_u10_outside_cpuset },
	{ "U5 a change is counted once and put back once", test_u5_counted },
	{ "U5 the driver's own calls are no foreign changes", test_u5_own_calls_are_not_foreign },
	{ "U5 a thread that runs is put back", test_u5_running },
	{ "U5 a thread in uninterruptible wait is put back", test_u5_changed_in_wait },
	{ "U5 a fight is given up, once and with one line", test_u5_fight },
	{ "U5 S3 a nested Set after a fight pins it again", test_u5_set_after_fight },
	{ "U5 200 changes are put back", test_u5_delay },
	{ "U6 part of the system affinity goes offline", test_u6_part_offline },
	{ "U6 what the user's mask left of it goes offline", test_u6_narrowed_part_offline },
	{ "U6 all of the system affinity goes offline and returns", test_u6_all_offline },
	{ "U6 a whole group goes offline and returns", test_u6_whole_group_offline },
	{ "U6 S3 a displaced thread is still active", test_u6_still_active },
	{ "U6 a Revert while displaced", test_u6_revert_while_displaced },
	{ "U6 U3 a user mask set while displaced", test_u6_user_change_while_displaced },
	{ "U6 the user's only CPU, the driver's too, goes offline", test_u6_user_mask_offline_too },
	{ "U6 R11 the user's last CPU is offline at the Revert", test_r11_user_cpu_offline },
	{ "U6 U4 hotplug in a cpuset", test_u6_in_cpuset },
	{ "U6 U4 hotplug in a cpuset with a user mask", test_u6_in_cpuset_user_mask },
	{ "U6 a suspend does not lose the pin", test_u6_suspend },
	{ "U8 exit and SIGKILL while active: counted, one line", test_u8_exit },
	{ "U8 a new thread inherits nothing", test_u8_nothing_inherited },
	{ "U8 SIGKILL in uninterruptible wait while active", test_u8_killed_in_wait },
	{ "U9 fork while active", test_u9_fork },
	{ "U9 fork in a fork while active", test_u9_fork_twice },
	{ "U9 vfork and exec while active", test_u9_vfork },
	{ "U9 pthread_create while active", test_u9_thread },
	{ "U9 a child that sets its own affinity at once keeps it", test_u9_user_mode_first },
	{ "U9 U4 fork in a new cpuset while active", test_u9_in_cpuset },
	{ "U9 U4 clone3 into a cpuset while active", test_u9_into_cpuset },
	{ "U9 U6 fork while displaced", test_u9_displaced },
	{ "U9 U5 fork after a fight was given up", test_u9_given_up },
	{ "U9 io_uring's worker made while active", test_u9_io_uring },
	{ "U11 exec while active", test_u11_exec },
	{ "U11 ptrace while active", test_u11_ptrace },
	{ "U11 scheduling class, credentials and namespace", test_u11_changes },
	{ "U10 sched_getaffinity and /proc show the installed mask", test_u10_shown },
	{ "O1 trace events tell what happens to a thread", test_o1_trace_events },
	{ "O2 groups shows masks, CPUs and nodes", test_o2_groups },
	{ "O2 threads shows who is active", test_o2_threads },
	{ "O2 U6 threads shows who is displaced", test_o2_displaced },
	{ "U12 U13 the driver is unloaded while active, then ntaffinity", test_u12_u13_unload },
	{ "U12 U6 unload while displaced", test_u12_unload_displaced },
	{ "U12 U6 unload while displaced in a cpuset", test_u12_unload_displaced_in_cpuset },
	{ "U12 U9 unload with changes and children in flight", test_u12_unload_in_traffic },
	{ "U1 random histories", test_random },
};

/* With a suffix: once more those that have to do with cpusets. */
static void run_all(const char *pattern, const char *suffix)
{
	unsigned int i, j;
	char name[128];
	enum by by;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (*suffix && !strstr(cases[i].name, "cpuset"))
			continue;
		if (cases[i].test) {
			snprintf(name, sizeof(name), "%s%s", cases[i].name, suffix);
			if (strstr(name, pattern))
				run_case(name, cases[i].test, NULL, 0);
			continue;
		}
		for (j = 0; j < change_count; j++)
			for (by = 0; by < BY_COUNT; by++) {
				snprintf(name, sizeof(name), "U3 a mask %s, set by %s",
					 changes[j].name, by_names[by]);
				if (strstr(name, pattern))
					run_case(name, NULL, &changes[j], by);
			}
	}
}

int main(int argc, char **argv)
{
	const char *pattern;
	int option;

	if (argc == 3 && !strcmp(argv[1], "child")) {
		int to = atoi(argv[2]);

		wait_forever(&to);
	}
	if (argc == 4 && !strcmp(argv[1], "agent")) {
		struct reply reply = { .cpu = current_cpu(), .affinity = get_affinity(0) };

		/* The answer to OP_EXEC. */

		agent_from = atoi(argv[2]);
		agent_to = atoi(argv[3]);
		if (write(agent_to, &reply, sizeof(reply)) != sizeof(reply))
			return 1;
		run_agent();
	}

	seed = now_us() * 2654435761U;
	while ((option = getopt(argc, argv, "s:n:")) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			histories = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	seed = seed ? seed : 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	look_at_kernel();
	if ((all & 0xf) != 0xf || all != online()) {
		printf("not ok 1 - four CPUs are needed, and all of them for this program\n");
		return 1;
	}
	printf("# seed %llu, %s, %s\n", seed,
	       narrows ? "the kernel cuts masks with the user's" : "the kernel cuts no mask",
	       probes ? "probes" : "scan");
	pattern = optind < argc ? argv[optind] : "";
	mount_v2();
	run_all(pattern, "");
	/* The other kind of cpuset differs in what hotplug leaves of it. */
	if (mount_v1()) {
		run_all(pattern, " (cpusets of version 1)");
		unmount_v1();
	} else {
		number++;
		printf("ok %d U4 cpusets of version 1 # SKIP the kernel has none\n", number);
	}
	printf("1..%d\n", number);
	return failures || !number;
}
