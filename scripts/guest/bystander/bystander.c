// SPDX-License-Identifier: GPL-2.0-only
/*
 * bystander WHAT SAMPLES RANK: measures what a thread does that never calls a driver,
 * and prints a figure in nanoseconds: RANK per cent of the samples are less.
 *
 *	fork		fork, exit and wait
 *	wakeup		a byte there and back between two processes, each on a CPU
 *			of its own: two wakeups
 *	migrate		the same, but the other process wakes on another CPU than
 *			the one it slept on: one migration
 *	setaffinity	sched_setaffinity() on another thread, which sleeps
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
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

/* Wakes the other process. Returns the CPU that it says it is on. */
static int call_other(void)
{
	char byte = 0;

	if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
		die("pipe");
	return byte;
}

static void do_wakeup(int i)
{
	(void)i;
	call_other();
}

static int other_cpu(int i)
{
	return i & 1 ? 3 : 2;
}

static void do_setaffinity(int i)
{
	pin(other, other_cpu(i));
}

/* Whether the other process sleeps, and if so on which CPU: else -1. */
static int other_sleeps_on(void)
{
	char path[32], line[1024], *word;
	int field, cpu = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", other);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		die(path);
	fclose(file);
	/* The state is the third field, after a name in brackets; the CPU the 39th. */
	word = strrchr(line, ')');
	word = word ? strtok(word + 1, " ") : NULL;
	if (!word || *word != 'S')
		return -1;
	for (field = 3; word && field < 39; field++)
		word = strtok(NULL, " ");
	if (word)
		cpu = atoi(word);
	return cpu;
}

/* A mask that leaves out the CPU of a thread that sleeps moves it when it wakes. */
static void prepare_migrate(int i)
{
	int cpu;

	do {
		cpu = other_sleeps_on();
	} while (cpu < 0);
	if (cpu == other_cpu(i)) {
		fprintf(stderr, "bystander: the other process sleeps on %d already\n", cpu);
		exit(1);
	}
	pin(other, other_cpu(i));
}

static void do_migrate(int i)
{
	if (call_other() != other_cpu(i)) {
		fprintf(stderr, "bystander: the other process did not migrate\n");
		exit(1);
	}
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
		pin(other, other_cpu(1));
		/* It answers, and sleeps: one that runs would be migrated. */
		call_other();
		while (other_sleeps_on() < 0)
			;
		return;
	}
	close(to[1]);
	while (read(to[0], &byte, 1) == 1) {
		byte = sched_getcpu();
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

static const struct work {
	const char *name;
	void (*prepare)(int i);
	void (*run)(int i);
} table[] = {
	{ "fork", NULL, do_fork },
	{ "wakeup", NULL, do_wakeup },
	{ "migrate", prepare_migrate, do_migrate },
	{ "setaffinity", NULL, do_setaffinity },
};

int main(int argc, char **argv)
{
	const struct work *work = NULL;
	unsigned long long *samples, start;
	int count, rank, warmup, i;

	/* Where things lie in memory decides how much a fork has to copy. */
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		if (personality(ADDR_NO_RANDOMIZE) < 0)
			die("personality");
		execv("/proc/self/exe", argv);
		die("exec");
	}

	for (i = 0; argc == 4 && i < (int)(sizeof(table) / sizeof(*table)); i++) {
		if (!strcmp(argv[1], table[i].name))
			work = &table[i];
	}
	count = argc == 4 ? atoi(argv[2]) : 0;
	rank = argc == 4 ? atoi(argv[3]) : 0;
	if (!work || count <= 0 || rank < 0 || rank > 99) {
		fprintf(stderr, "usage: bystander fork|wakeup|migrate|setaffinity SAMPLES RANK\n");
		return 2;
	}
	samples = calloc(count, sizeof(*samples));
	if (!samples)
		die("calloc");

	/* Where the driver's thread is not. */
	pin(0, 0);
	if (work->run != do_fork)
		start_other();
	warmup = count / 4 + 1;
	for (i = 0; i < warmup + count; i++) {
		if (work->prepare)
			work->prepare(i);
		start = now();
		work->run(i);
		if (i >= warmup)
			samples[i - warmup] = now() - start;
	}
	if (other) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	qsort(samples, count, sizeof(*samples), compare);
	printf("%llu\n", samples[count * rank / 100]);
	return 0;
}
