// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files, affinities, random numbers, processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "torture.h"

/* The number after @name at the start of a line; -1 if there is no such line. */
long number_in(const char *path, const char *name)
{
	size_t length = strlen(name);
	char text[16384], *line, *rest = text;

	if (!read_file(path, text, sizeof(text)))
		return -1;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, name, length) && strchr(": \t", line[length]))
			return atol(line + length + 1);
	}
	return -1;
}

/* The mask itself, which unlike sched_getaffinity() shows offline CPUs too; 0: gone. */
__u64 allowed(pid_t pid)
{
	char path[64], text[4096], *list;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!read_file(path, text, sizeof(text)))
		return 0;
	list = strstr(text, "Cpus_allowed_list:");
	return list ? parse_cpus(list + strcspn(list, "0123456789\n")) & settings.all : 0;
}

__u64 online(void)
{
	char text[256];

	read_file(CPUS "online", text, sizeof(text));
	return parse_cpus(text);
}

/* Returns 0 or the errno. */
int set_affinity(pid_t pid, __u64 mask)
{
	return syscall(SYS_sched_setaffinity, pid, sizeof(mask), &mask) ? errno : 0;
}

void add(long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

void complain(const char *format, ...)
{
	char line[512];
	va_list args;
	int length;

	va_start(args, format);
	length = snprintf(line, sizeof(line), "# FAIL: ");
	length += vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	if (write(1, line, strlen(line)) < 0)
		_exit(1);
	__atomic_store_n(&shared->failed, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
}

/* Returns 0 or the errno. */
int control(const char *format, ...)
{
	static int fd = -1;
	char line[64];
	va_list args;

	if (fd < 0)
		fd = open(TORTURE "control", O_WRONLY | O_CLOEXEC);
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return write(fd, line, strlen(line)) < 0 ? errno : 0;
}

static __u64 random_state;

void seed_random(unsigned int who)
{
	random_state = settings.seed ^ ((who + 1) * 0xd6e8feb86659fd93ULL);
}

unsigned int below(unsigned int n)
{
	__u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z >> 33) % n;
}

__u64 random_mask(void)
{
	__u64 mask = ((__u64)below(1U << 31) << 31 | below(1U << 31)) & settings.all;

	/* Not many CPUs, so that it matters. */
	if (below(2))
		mask &= (__u64)below(1U << 31) << 31 | below(1U << 31);
	return mask ? mask : 1;
}

void pause_for_ever(int unused)
{
	(void)unused;
	for (;;)
		pause();
}

/* A process that ends with its creator. */
pid_t start(void (*role)(int argument), int argument)
{
	pid_t creator = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != creator)
		_exit(0);
	role(argument);
	_exit(0);
}
