// SPDX-License-Identifier: GPL-2.0-only
/*
 * bystander WHAT SAMPLES: measures what a thread does that never calls a driver,
 * and prints the median in nanoseconds.
 *
 *	fork		fork, exit and wait
 *	wakeup		a byte there and back between two processes, each on a CPU
 *			of its own: two wakeups
 *	setaffinity	sched_setaffinity() on another thread, which sleeps
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int to[2], from[2];
static pid_t other;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(pid, sizeof(set), &set))
		die("sched_setaffinity");
}

static void do_fork(int i)
{
	pid_t pid = fork();

	(void)i;
	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		die("fork");
}

static void do_wakeup(int i)
{
	char byte = i;

	if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
		die("pipe");
}

static void do_setaffinity(int i)
{
	pin(other, i & 1 ? 3 : 2);
}

/* The other process: answers each byte, or sleeps in read(). */
static void start_other(void)
{
	char byte;

	if (pipe(to) || pipe(from))
		die("pipe");
	other = fork();
	if (other < 0)
		die("fork");
	if (other) {
		pin(other, 2);
		/* It answers, and sleeps: one that runs would be migrated. */
		do_wakeup(0);
		usleep(20000);
		return;
	}
	close(to[1]);
	while (read(to[0], &byte, 1) == 1) {
		if (write(from[1], &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	const unsigned long long *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int i);
	} table[] = {
		{ "fork", do_fork },
		{ "wakeup", do_wakeup },
		{ "setaffinity", do_setaffinity },
	};
	void (*run)(int i) = NULL;
	unsigned long long *samples, start;
	int count, i;

	for (i = 0; argc == 3 && i < 3; i++) {
		if (!strcmp(argv[1], table[i].name))
			run = table[i].run;
	}
	count = argc == 3 ? atoi(argv[2]) : 0;
	if (!run || count <= 0) {
		fprintf(stderr, "usage: bystander fork|wakeup|setaffinity SAMPLES\n");
		return 2;
	}
	samples = calloc(count, sizeof(*samples));
	if (!samples)
		die("calloc");

	/* Where the driver's thread is not. */
	pin(0, 0);
	if (run != do_fork)
		start_other();
	for (i = 0; i < count / 4 + 1; i++)
		run(i);
	for (i = 0; i < count; i++) {
		start = now();
		run(i);
		samples[i] = now() - start;
	}
	if (other) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	qsort(samples, count, sizeof(*samples), compare);
	printf("%llu\n", samples[count / 2]);
	return 0;
}
