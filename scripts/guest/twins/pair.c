// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two agents held and twin, from outside: how they start and end, what user
 * mode does to both of them and the driver to held, and what must be true of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "twins.h"

struct agent held = { .name = "held" }, twin = { .name = "twin" };

/* Every agent leads a process group, so that none of its children is left. */
pid_t agents[64];
static int agent_count;

void start_agent(struct agent *agent)
{
	int to[2], from[2];

	if (agent_count == ARRAY_SIZE(agents) || pipe(to) || pipe(from))
		fail("no agent can be made");
	fflush(stdout);
	agent->user = 0;
	agent->pid = fork();
	if (!agent->pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		agent_from = to[0];
		agent_to = from[1];
		run_agent();
	}
	setpgid(agent->pid, agent->pid);
	close(to[0]);
	close(from[1]);
	fcntl(to[1], F_SETFD, FD_CLOEXEC);
	fcntl(from[0], F_SETFD, FD_CLOEXEC);
	agent->to = to[1];
	agent->from = from[0];
	agents[agent_count++] = agent->pid;
}

/*
 * The two as threads of one process, which has a third that is held by nobody.
 * What user mode does to a process, such as to move it to a cpuset, it then does
 * to both at once.
 */
static int thread_ends[2][2];

static void *thread_agent(void *ends)
{
	int *mine = ends;

	agent_from = mine[0];
	agent_to = mine[1];
	run_agent();
	return NULL;
}

static void two_threads(void)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, thread_agent, thread_ends[i]))
			_exit(1);
	for (;;)
		pause();
}

void start_pair_of_threads(void)
{
	struct agent *agent[] = { &held, &twin };
	int to[2], from[2], i;
	pid_t pid;

	if (agent_count == ARRAY_SIZE(agents))
		fail("no agent can be made");
	for (i = 0; i < 2; i++) {
		if (pipe(to) || pipe(from))
			fail("no agent can be made");
		thread_ends[i][0] = to[0];
		thread_ends[i][1] = from[1];
		agent[i]->to = to[1];
		agent[i]->from = from[0];
		agent[i]->user = 0;
	}
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		two_threads();
	}
	setpgid(pid, pid);
	agents[agent_count++] = pid;
	for (i = 0; i < 2; i++)
		agent[i]->pid = ask(agent[i], OP_PING, 0, NULL).thread;
	event("two new threads of a process, affinity %#llx", get_affinity(held.pid));
}

/* Every descendant comes back to this process, so none is forgotten. */
static bool reap_all(void)
{
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (!pid)
			return false;
		if (pid < 0 && errno == ECHILD)
			return true;
	}
}

bool end_agents(void)
{
	int i;

	for (i = 0; i < agent_count; i++)
		kill(-agents[i], SIGKILL);
	agent_count = 0;
	for (i = 3; i < 256; i++)
		close(i);
	return within(PATIENCE_MS, reap_all());
}

void start_pair(void)
{
	start_agent(&held);
	start_agent(&twin);
	event("two new processes, affinity %#llx", get_affinity(held.pid));
}

/* Have the agent do something, and do not wait for it. */
void tell(struct agent *agent, enum op op, __u64 mask, const char *text)
{
	struct request request = { .op = op, .mask = mask };

	if (text)
		snprintf(request.text, sizeof(request.text), "%s", text);
	if (write(agent->to, &request, sizeof(request)) != sizeof(request))
		fail("%s is gone", agent->name);
}

struct reply wait_for(struct agent *agent)
{
	struct pollfd ready = { .fd = agent->from, .events = POLLIN };
	struct reply reply;

	if (poll(&ready, 1, PATIENCE_MS) != 1)
		fail("%s does not answer", agent->name);
	if (read(agent->from, &reply, sizeof(reply)) != sizeof(reply))
		fail("%s has ended", agent->name);
	return reply;
}

struct reply ask(struct agent *agent, enum op op, __u64 mask, const char *text)
{
	tell(agent, op, mask, text);
	return wait_for(agent);
}

/* Held waits in the kernel, uninterruptible, for long enough to do something to it. */
void begin_wait(void)
{
	char path[64], text[512];

	event("held: waits, uninterruptible");
	tell(&held, OP_CALL, 0, "sleep 4000");
	snprintf(path, sizeof(path), "/proc/%d/stat", held.pid);
	if (!within(PATIENCE_MS, read_file(path, text, sizeof(text)) && strstr(text, ") D ")))
		fail("held does not wait");
}

/* --- user mode's events: to both, in the same order ------------------------ */

const char * const by_names[] = {
	[BY_ITSELF] = "the thread itself",
	[BY_THREAD] = "another thread",
	[BY_OTHER] = "another process",
	[BY_TASKSET] = "taskset",
};

int change_affinity(struct agent *agent, __u64 mask, enum by by)
{
	char hex[32], pid[16];
	int error = 0;

	switch (by) {
	case BY_ITSELF:
		error = ask(agent, OP_SET_SELF, mask, NULL).error;
		break;
	case BY_THREAD:
		error = ask(agent, OP_SET_BY_THREAD, mask, NULL).error;
		break;
	case BY_TASKSET:
		snprintf(hex, sizeof(hex), "%llx", mask);
		snprintf(pid, sizeof(pid), "%d", agent->pid);
		/* busybox tells no more than that it failed. */
		if (run((const char *[]){ "taskset", "-p", hex, pid, NULL }))
			error = EINVAL;
		break;
	default:
		error = set_affinity(agent->pid, mask);
	}
	if (!error)
		agent->user = mask;
	return error;
}

/* Gives both the same user affinity; returns what both got for an answer. */
int user_sets(__u64 mask, enum by by)
{
	int error = change_affinity(&held, mask, by);
	int twins = change_affinity(&twin, mask, by);

	event("both: sched_setaffinity(%#llx) by %s: errno %d, twin has %#llx", mask,
	      by_names[by], error, get_affinity(twin.pid));
	if (error != twins)
		fail("sched_setaffinity() has errno %d for held and %d for twin", error, twins);
	return error;
}

/* --- the driver's calls ---------------------------------------------------- */

/*
 * What the kernel makes of a system affinity: since 6.2 it cuts it with the user's
 * mask where they meet, and sched_getaffinity() shows what is online.
 */
__u64 installed(__u64 system)
{
	if (narrows && held.user & system)
		system &= held.user;
	return system & online();
}

__u64 to_cpus(unsigned int group, __u64 mask)
{
	return mask << (2 * group);
}

/* Set; returns the CPUs of Previous, 0 for {0, 0}. */
__u64 driver_sets(__u64 system)
{
	unsigned int group = __builtin_ctzll(system) / 2, was_group;
	char text[64], previous[64];
	unsigned long long was_mask;
	struct reply reply;

	snprintf(text, sizeof(text), "set %u %#llx", group, system >> 2 * group);
	reply = ask(&held, OP_CALL, 0, text);
	event("held: %s (CPUs %#llx): on CPU %d", text, system, reply.cpu);
	if (reply.error)
		fail("the driver's file has errno %d", reply.error);
	if (!(system & CPU(reply.cpu)))
		fail("S13: after %s it runs on CPU %d", text, reply.cpu);
	if (!read_file(DDI "previous", previous, sizeof(previous)) ||
	    sscanf(previous, "%u %llx", &was_group, &was_mask) != 2)
		fail("Previous cannot be read");
	return to_cpus(was_group, was_mask);
}

/* Revert to another system affinity, or with 0 to the user affinity. */
struct reply driver_reverts(__u64 system)
{
	unsigned int group = system ? __builtin_ctzll(system) / 2 : 0;
	struct reply reply;
	char text[64];

	snprintf(text, sizeof(text), "revert %u %#llx", group, system >> 2 * group);
	reply = ask(&held, OP_CALL, 0, text);
	event("held: %s: on CPU %d, has %#llx", text, reply.cpu, reply.affinity);
	if (reply.error)
		fail("the driver's file has errno %d", reply.error);
	if (system && !(system & CPU(reply.cpu)))
		fail("R8: after %s it runs on CPU %d", text, reply.cpu);
	return reply;
}

/* --- the checks ------------------------------------------------------------ */

static struct reply *ping(struct reply *reply)
{
	*reply = ask(&held, OP_PING, 0, NULL);
	return reply;
}

/* While active: the mask is back at the latest after a put-back, and it is there. */
void check_held(__u64 system)
{
	__u64 want = installed(system);
	struct reply reply = {};

	if (!within(PUT_BACK_MS, get_affinity(held.pid) == want))
		fail("U5: held has %#llx and not %#llx", get_affinity(held.pid),
		     want);
	if (!within(PUT_BACK_MS, want & CPU(ping(&reply)->cpu)))
		fail("U5: held has %#llx and runs on CPU %d", want, reply.cpu);
	if (reply.affinity != want)
		fail("U10: held itself sees %#llx and not %#llx", reply.affinity,
		     want);
}

/* Not active: equal to the twin, at once. */
void check_equal(void)
{
	__u64 has = get_affinity(held.pid), wants = get_affinity(twin.pid);

	if (has != wants)
		fail("U1: held has %#llx, twin %#llx", has, wants);
	has = allowed_in_proc(held.pid);
	wants = allowed_in_proc(twin.pid);
	if (has != wants)
		fail("U1: held has %#llx in /proc, twin %#llx", has, wants);
}

/* The Revert that ends it: equal, and where it may be, at the return of the call. */
void revert_and_check(void)
{
	struct reply reply = driver_reverts(0);

	if (!(reply.affinity & CPU(reply.cpu)))
		fail("R8: after the Revert held has %#llx and runs on CPU %d",
		     reply.affinity, reply.cpu);
	check_equal();
}

void set_and_check(__u64 system)
{
	driver_sets(system);
	check_held(system);
}

void check_counter(const char *name, long want)
{
	if (!within(PUT_BACK_MS, read_counter(name) == want))
		fail("counter %s is %ld and not %ld", name, read_counter(name), want);
}

void check_counter_above(const char *name, long old)
{
	if (!within(PUT_BACK_MS, read_counter(name) > old))
		fail("counter %s stays %ld", name, old);
}
