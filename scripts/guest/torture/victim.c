// SPDX-License-Identifier: GPL-2.0-only
/*
 * User threads that are tortured: what they do between their system calls. And
 * those that are killed, and those whose driver goes away.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

/* How long a child may have its creator's system affinity, at the very most. */
#define CHILD_TRIES 100000

static int fd;

static int tell(const char *line)
{
	return write(fd, line, strlen(line)) < 0 ? errno : 0;
}

/*
 * @place: its creator's cpuset before the fork. When the creator is moved to another the
 * child stays, and nobody tells what becomes of that one.
 */
static void check_child(unsigned int index, unsigned int place)
{
	int tries;

	for (tries = 0; tries < CHILD_TRIES; tries++) {
		if (!tell("child") || shared->failed ||
		    shared->cpuset[index % PLACES] != place)
			_exit(0);
		usleep(200);
	}
	complain("U9: a child of %d, in cpuset %u, has mask %#llx, which user mode does not want",
		 getppid(), place, (unsigned long long)allowed(getpid()));
	_exit(1);
}

static void have_child(unsigned int index)
{
	unsigned int place = shared->cpuset[index % PLACES];
	pid_t pid;

	tell("mark");
	pid = fork();
	if (!pid)
		check_child(index, place);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	add(&shared->forks);
}

static void between_calls(unsigned int index, pid_t twin)
{
	switch (below(24)) {
	case 0:
		if (change(index, getpid(), twin))
			add(&shared->own_setaffinities);
		break;
	case 1:
		have_child(index);
		break;
	case 2:
		if (!below(4))
			tell("raised");
		break;
	case 3:
		usleep(below(2000));
		break;
	}
}

static void enter(unsigned int index, pid_t twin)
{
	char line[64];

	seed_random(index);
	fd = open(TORTURE "victim", O_WRONLY | O_CLOEXEC);
	snprintf(line, sizeof(line), "new %u %d", index, twin);
	if (tell(line))
		complain("no victim: errno %d", errno);
}

static void take_steps(unsigned int index, pid_t twin, unsigned long steps)
{
	char line[64];

	while (!shared->stop) {
		snprintf(line, sizeof(line), "steps %u %lu", 1 + below(64), steps);
		if (tell(line) == ENODATA)
			break;
		between_calls(index, twin);
	}
}

void victim(int index)
{
	pid_t twin = start(pause_for_ever, 0);
	char line[64];

	enter(index, twin);
	take_steps(index, twin, settings.steps);
	tell("finish");
	add(&shared->finished);
	while (!shared->quiet)
		usleep(1000);
	snprintf(line, sizeof(line), "final %#llx", (unsigned long long)allowed(twin));
	tell(line);
	add(&shared->checked);
	kill(twin, SIGKILL);
	waitpid(twin, NULL, 0);
}

/* --- threads that are killed --- */

struct mayfly {
	pid_t pid, twin;
};

static void mayfly(int index)
{
	pid_t twin = start(pause_for_ever, 0);

	enter(index, twin);
	take_steps(index, twin, -1UL);
	tell("finish");
}

void mayfly_keeper(int unused)
{
	pid_t flies[16] = {};
	int i, next = 1000;

	(void)unused;
	seed_random(999);
	while (!shared->stop) {
		i = below(settings.mayflies);
		if (flies[i]) {
			kill(flies[i], SIGKILL);
			waitpid(flies[i], NULL, 0);
			add(&shared->kills);
		}
		shared->cpuset[next % PLACES] = 0;
		flies[i] = start(mayfly, next % PLACES);
		if (++next == PLACES)
			next = 1000;
		usleep(10000 + below(50000));
	}
	for (i = 0; i < settings.mayflies; i++) {
		if (!flies[i])
			continue;
		kill(flies[i], SIGKILL);
		waitpid(flies[i], NULL, 0);
	}
}

/* --- threads whose driver goes --- */

#define DRIVER "ntaffinity_torture_dependent"

static int load(void)
{
	int file = open("/ko/" DRIVER ".ko", O_RDONLY | O_CLOEXEC);
	int error = syscall(SYS_finit_module, file, "", 0) ? errno : 0;

	close(file);
	return error;
}

static int unload(void)
{
	return syscall(SYS_delete_module, DRIVER, O_NONBLOCK) ? errno : 0;
}

/* U13: its thread keeps the system affinity until it ends. */
static void use_driver(int unused)
{
	__u64 mask;
	int error;

	(void)unused;
	error = write_file("/sys/kernel/debug/" DRIVER "/hold", "1");
	if (error)
		complain("P6: the driver's file: errno %d", error);
	error = unload();
	if (error)
		complain("U12: the driver does not unload: errno %d", error);
	mask = allowed(getpid());
	if (mask != CPU(0))
		complain("U13: the mask is %#llx after the driver has gone",
			 (unsigned long long)mask);
}

void driver_loader(int unused)
{
	int error, status;
	pid_t pid;

	(void)unused;
	seed_random(998);
	while (!shared->stop) {
		error = load();
		if (error) {
			complain("the driver does not load: errno %d", error);
			return;
		}
		pid = start(use_driver, 0);
		waitpid(pid, &status, 0);
		if (status)
			complain("U13: the driver's user ended with status %#x", status);
		add(&shared->drivers);
		usleep(below(500000));
	}
}
