// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cpusets: mounted as version 2 or 1 of cgroups, made, changed, entered and removed.
 * The cases are in cpuset_changes.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "twins.h"

const char *cgroups;
static bool cpuset_v1;
const char * const cpuset_names[] = { "nta_a", "nta_b" };

static const char *cpuset_file(const char *name, const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", cgroups, name, file);
	return path;
}

/*
 * One cpuset is there all the time. With the first and the last the kernel
 * patches its own code, among it the page allocator, and QEMU's emulation of
 * several processors now and then dies of that.
 */
#define KEPT_CPUSET "nta_kept"

bool mount_v2(void)
{
	char text[4096];

	read_file("/sys/fs/cgroup/cgroup.controllers", text, sizeof(text));
	if (!strstr(text, "cpuset") ||
	    write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset"))
		return false;
	cgroups = "/sys/fs/cgroup";
	mkdir(cpuset_file(KEPT_CPUSET, ""), 0755);
	return true;
}

/* Version 1 takes the controller away from version 2, which has to let go first. */
bool mount_v1(void)
{
	mkdir("/tmp/cpuset", 0755);
	if (cgroups) {
		rmdir(cpuset_file(KEPT_CPUSET, ""));
		write_file("/sys/fs/cgroup/cgroup.subtree_control", "-cpuset");
	}
	if (!within(PUT_BACK_MS, !mount("none", "/tmp/cpuset", "cgroup", 0, "cpuset")))
		return false;
	cgroups = "/tmp/cpuset";
	cpuset_v1 = true;
	mkdir(cpuset_file(KEPT_CPUSET, ""), 0755);
	return true;
}

void unmount_v1(void)
{
	rmdir(cpuset_file(KEPT_CPUSET, ""));
	umount("/tmp/cpuset");
	cpuset_v1 = false;
	cgroups = NULL;
}

void need_cpusets(void)
{
	if (!cgroups)
		skip("the kernel has no cpusets");
}

void need_cpusets_v2(void)
{
	need_cpusets();
	if (cpuset_v1)
		skip("of cgroups of version 2 only");
}

void cpuset_takes(const char *name, __u64 mask)
{
	const char *path = cpuset_file(name, "cpuset.cpus");
	char list[256] = "";
	int cpu, error, n = 0;

	for (cpu = 0; cpu < 64; cpu++)
		if (mask & CPU(cpu))
			n += snprintf(list + n, sizeof(list) - n, "%s%d", n ? "," : "", cpu);
	error = write_file(path, list);
	event("cpuset %s: CPUs %s: errno %d", name, list, error);
	if (error)
		fail("the cpuset does not take CPUs %s", list);
}

void make_cpuset(const char *name, __u64 mask)
{
	if (mkdir(cpuset_file(name, ""), 0755) && errno != EEXIST)
		fail("no cpuset can be made");
	if (cpuset_v1)
		write_file(cpuset_file(name, "cpuset.mems"), "0");
	cpuset_takes(name, mask);
}

/* Moves both; NULL is the root. */
void move_both(const char *name)
{
	struct agent *agent[] = { &held, &twin };
	char pid[16];
	int i, error;

	for (i = 0; i < 2; i++) {
		snprintf(pid, sizeof(pid), "%d", agent[i]->pid);
		error = write_file(cpuset_file(name ? name : "", "cgroup.procs"), pid);
		if (error)
			fail("%s cannot be moved to cpuset %s: errno %d", agent[i]->name,
			     name ? name : "/", error);
	}
	event("both: moved to cpuset %s: twin has %#llx", name ? name : "/",
	      get_affinity(twin.pid));
}

/* A group that processes have just left takes a while to let go of them. */
bool remove_cpusets(void)
{
	unsigned int i;
	bool gone = true;

	for (i = 0; cgroups && i < ARRAY_SIZE(cpuset_names); i++)
		if (access(cpuset_file(cpuset_names[i], ""), F_OK) == 0)
			gone &= within(PATIENCE_MS, !rmdir(cpuset_file(cpuset_names[i], "")));
	return gone;
}
