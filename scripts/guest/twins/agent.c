// SPDX-License-Identifier: GPL-2.0-only
/*
 * An agent, from inside: it reads requests from a pipe, does what they ask for, and
 * replies over another. What starts agents and asks them is in pair.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "twins.h"

/* Pipes: the smallest test kernel has no sockets. */
__thread int agent_from, agent_to;

static int call_driver(const char *text, struct reply *reply)
{
	int fd = open(DDI "call", O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	/* At once: rules S13 and R8 are about the return of the call. */
	reply->cpu = current_cpu();
	/* An open file would keep the driver from being unloaded. */
	close(fd);
	return error;
}

static void *set_other(void *argument)
{
	const struct request *request = argument;

	return (void *)(long)set_affinity(request->thread, request->mask);
}

void *wait_forever(void *to)
{
	pid_t self = gettid();

	if (write(*(int *)to, &self, sizeof(self)) != sizeof(self))
		_exit(1);
	for (;;)
		pause();
}

static void *call_and_end(void *text)
{
	struct reply unused;

	return (void *)(long)call_driver(text, &unused);
}

/* As fork(), but the child is a member of another cgroup from the beginning. */
static pid_t fork_into(const char *cgroup)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	if (fd < 0)
		return -1;
	args.cgroup = fd;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	close(fd);
	return pid;
}

/* The child tells over a pipe that it is there, and then only exists. */
static pid_t make_child(const struct request *request)
{
	static int to[2];
	pthread_t thread;
	char number[16];
	pid_t pid = 0;

	if (pipe(to))
		return -1;
	snprintf(number, sizeof(number), "%d", to[1]);

	switch (request->op) {
	case OP_THREAD:
		if (pthread_create(&thread, NULL, wait_forever, &to[1]))
			return -1;
		break;
	case OP_VFORK:
		if (!vfork()) {
			execl("/proc/self/exe", "twins", "child", number, NULL);
			_exit(1);
		}
		break;
	default:
		pid = request->op == OP_FORK_INTO ? fork_into(request->text) : fork();
		if (pid)
			break;
		if (request->mask && set_affinity(0, request->mask))
			_exit(1);
		if (request->op == OP_FORK_TWICE && fork())
			_exit(0);
		wait_forever(&to[1]);
	}
	if (pid < 0)
		return -1;
	if (request->op == OP_FORK_TWICE)
		waitpid(pid, NULL, 0);
	if (read(to[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -1;
	close(to[0]);
	/* A thread still has the other end, and uses it no more. */
	close(to[1]);
	return pid;
}

/*
 * A read that has to be done by one of io_uring's own workers, which the kernel
 * makes as a thread of whoever submits it. It waits for ever: the pipe is empty.
 * Returns 0 or the errno, -errno if there is no ring to be had at all.
 */
static int start_uring(void)
{
	static struct io_uring_params params;
	static char buffer[1];
	struct io_uring_sqe *entries;
	unsigned int *array, *tail;
	int ring, empty[2];
	void *queue;

	ring = syscall(SYS_io_uring_setup, 4, &params);
	if (ring < 0)
		return -errno;
	if (pipe(empty))
		return errno;
	queue = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(*array),
		     PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, params.sq_entries * sizeof(*entries),
		       PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (queue == MAP_FAILED || entries == MAP_FAILED)
		return errno;
	memset(entries, 0, sizeof(*entries));
	entries->opcode = IORING_OP_READ;
	entries->flags = IOSQE_ASYNC;
	entries->fd = empty[0];
	entries->addr = (unsigned long)buffer;
	entries->len = 1;
	array = queue + params.sq_off.array;
	tail = queue + params.sq_off.tail;
	array[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) == 1 ? 0 : errno;
}

/* What rule U11 says an entry does not care about. */
static int make_changes(void)
{
	struct sched_param batch = {}, fifo = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &fifo) ||
	    sched_setscheduler(0, SCHED_BATCH, &batch) || nice(1) < 0)
		return errno;
	if (seteuid(1) || seteuid(0))
		return errno;
	/* Small kernels have no namespaces. */
	if (unshare(CLONE_NEWUTS) && errno != EINVAL)
		return errno;
	return 0;
}

static int make_pairs(int count)
{
	int fd = open(DDI "call", O_WRONLY | O_CLOEXEC);
	char text[32];
	int i, length, error = 0;

	if (fd < 0)
		return errno;
	for (i = 0; i < count && !error; i++) {
		length = snprintf(text, sizeof(text), "set %d %d", i / 2 % 2, 1 + i % 2);
		if (write(fd, text, length) < 0 || write(fd, "revert 0 0", 10) < 0)
			error = errno;
	}
	close(fd);
	return error;
}

void run_agent(void)
{
	struct request request;
	pthread_t thread;
	void *result;
	char from[16], to[16];

	snprintf(from, sizeof(from), "%d", agent_from);
	snprintf(to, sizeof(to), "%d", agent_to);
	for (;;) {
		struct reply reply = {};
		ssize_t got;

		do {
			got = read(agent_from, &request, sizeof(request));
		} while (got < 0 && (errno == EAGAIN || errno == EINTR));
		if (got != sizeof(request))
			_exit(1);

		reply.cpu = -1;
		switch (request.op) {
		case OP_PING:
			break;
		case OP_CALL:
			reply.error = call_driver(request.text, &reply);
			break;
		case OP_SET_SELF:
			reply.error = set_affinity(0, request.mask);
			break;
		case OP_SET_BY_THREAD:
			request.thread = gettid();
			if (pthread_create(&thread, NULL, set_other, &request) ||
			    pthread_join(thread, &result))
				_exit(1);
			reply.error = (long)result;
			break;
		case OP_FORK:
		case OP_FORK_TWICE:
		case OP_FORK_INTO:
		case OP_VFORK:
		case OP_THREAD:
			reply.child = make_child(&request);
			reply.error = reply.child < 0 ? EAGAIN : 0;
			break;
		case OP_THREAD_ENDS:
			if (pthread_create(&thread, NULL, call_and_end, request.text) ||
			    pthread_join(thread, &result))
				_exit(1);
			reply.error = (long)result;
			break;
		case OP_URING:
			reply.error = start_uring();
			break;
		case OP_CHANGES:
			reply.error = make_changes();
			break;
		case OP_PAIRS:
			reply.error = make_pairs(request.mask);
			break;
		case OP_EXEC:
			/* The answer comes from the new program. */
			execl("/proc/self/exe", "twins", "agent", from, to, NULL);
			reply.error = errno;
			break;
		case OP_SPIN:
			reply.error = fcntl(agent_from, F_SETFL, O_NONBLOCK) ? errno : 0;
			break;
		case OP_EXIT:
			_exit(0);
		}
		if (reply.cpu < 0)
			reply.cpu = current_cpu();
		reply.affinity = get_affinity(0);
		reply.thread = gettid();
		if (write(agent_to, &reply, sizeof(reply)) != sizeof(reply))
			_exit(1);
	}
}
