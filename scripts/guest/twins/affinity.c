// SPDX-License-Identifier: GPL-2.0-only
/*
 * What there is to see of the machine and its threads, and the plain system calls
 * that set and get an affinity: files of /proc, /sys and debugfs, the module's
 * counters, the kernel's log, masks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "twins.h"

__u64 all;		/* the CPUs of this machine */
bool narrows;		/* it cuts masks with the user's: Linux 6.2 */
bool probes;		/* every change is seen, not only by a scan */

/* --- lines of files -------------------------------------------------------- */

/* What follows @name at the start of a line; NULL if there is no such line. */
const char *find_line(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!strncmp(text, name, length) && strchr(": \t", text[length]))
			return text + length + strspn(text + length, ": \t");
	}
	return NULL;
}

/* A counter of the module. */
long read_counter(const char *name)
{
	static char text[8192];
	const char *value;

	if (!read_file(DEBUG "stats", text, sizeof(text)))
		fail("no " DEBUG "stats");
	value = find_line(text, name);
	if (!value)
		fail("there is no counter %s", name);
	return atol(value);
}

__u64 online(void)
{
	char text[256];

	read_file(CPUS "online", text, sizeof(text));
	return parse_cpus(text);
}

/* The kernel's log since it was cleared. */
void clear_log(void)
{
	klogctl(5, NULL, 0);
}

/* How many lines have both texts. */
int logged(const char *one, const char *two)
{
	static char text[1 << 18];
	int length = klogctl(3, text, sizeof(text) - 1), lines = 0;
	char *line, *rest = text;

	text[length < 0 ? 0 : length] = '\0';
	while ((line = strsep(&rest, "\n")))
		lines += strstr(line, one) && strstr(line, two);
	return lines;
}

void show_log(void)
{
	static char text[1 << 16];
	int length = klogctl(3, text, sizeof(text) - 1);
	char *line, *rest = text;

	text[length < 0 ? 0 : length] = '\0';
	while ((line = strsep(&rest, "\n")) && *line)
		printf("#   log: %s\n", line);
}

/* --- affinity, by the plain system calls ---------------------------------- */

__u64 get_affinity(pid_t pid)
{
	__u64 masks[16] = {};

	if (syscall(SYS_sched_getaffinity, pid, sizeof(masks), masks) < 0)
		return 0;
	return masks[0];
}

/* Returns 0 or the errno. */
int set_affinity(pid_t pid, __u64 mask)
{
	return syscall(SYS_sched_setaffinity, pid, sizeof(mask), &mask) ? errno : 0;
}

int current_cpu(void)
{
	unsigned int cpu = 0;

	/* Not the C library's, which believes what it last saw. */
	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return cpu;
}

/* The mask itself, which unlike sched_getaffinity() shows offline CPUs too. */
__u64 allowed_in_proc(pid_t pid)
{
	char path[64], text[4096];
	const char *list;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	read_file(path, text, sizeof(text));
	list = find_line(text, "Cpus_allowed_list");
	return list ? parse_cpus(list) : 0;
}

void look_at_kernel(void)
{
	static char text[8192];
	struct utsname name;
	int major, minor;
	const char *how;

	all = get_affinity(0);
	uname(&name);
	if (sscanf(name.release, "%d.%d", &major, &minor) == 2)
		narrows = major > 6 || (major == 6 && minor >= 2);
	read_file(DEBUG "compat", text, sizeof(text));
	how = find_line(text, "foreign_changes");
	probes = how && strncmp(how, "scan", 4);
}
