// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processors that go offline and return, and what the pair has to show then. The
 * cases are in hotplug_changes.c.
 */
#include <stdio.h>
#include <unistd.h>

#include "twins.h"

void switch_cpu(int cpu, bool on)
{
	char path[64];
	int error;

	snprintf(path, sizeof(path), CPUS "cpu%d/online", cpu);
	error = write_file(path, on ? "1" : "0");
	event("CPU %d %s: errno %d", cpu, on ? "online" : "offline", error);
	if (error)
		fail("CPU %d cannot be switched", cpu);
}

bool all_online(void)
{
	char path[64];
	int cpu;

	for (cpu = 0; cpu < 64; cpu++) {
		snprintf(path, sizeof(path), CPUS "cpu%d/online", cpu);
		if (all & ~online() & CPU(cpu))
			write_file(path, "1");
	}
	return online() == all;
}

void need_hotplug(void)
{
	if (access(CPUS "cpu2/online", W_OK) || access(CPUS "cpu3/online", W_OK))
		skip("the kernel has no CPU hotplug");
}

/* The kernel looks for another place for a thread only when that wakes up. */
void wake_both(void)
{
	ask(&held, OP_PING, 0, NULL);
	ask(&twin, OP_PING, 0, NULL);
	event("both: woken, held has %#llx, twin %#llx", allowed_in_proc(held.pid),
	      allowed_in_proc(twin.pid));
}

/* The kernel moved held away, and since 6.2 forgot the user's mask with it. */
void check_displaced(long before)
{
	struct reply reply;

	wake_both();
	check_counter_above("displaced", before);
	reply = ask(&held, OP_PING, 0, NULL);
	if (!(online() & CPU(reply.cpu)))
		fail("U6: held runs on CPU %d, which is offline", reply.cpu);
	held.user = 0;
}
