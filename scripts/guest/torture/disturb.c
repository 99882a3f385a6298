// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others do to the victims: sched_setaffinity(), cpusets, hotplug.
 *
 * The twin of a victim gets each change first. What Linux makes of it there is
 * announced to the module, as what user mode wants from then on; only then does
 * the victim get it. So the oracle is Linux (U1).
 *
 * CPU 0 is always online, and where others are not it is in every mask that user
 * mode asks for: then the scheduler's fallback meets system affinities only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "torture.h"

#define CGROUPS "/sys/fs/cgroup/"
#define KEPT CGROUPS "torture_kept"

/* Twins have cpusets of their own, so that those can be rewritten first. */
static const struct {
	const char *directory, *twins;
	__u64 masks[2];
} cpusets[] = {
	{ CGROUPS, CGROUPS, { ~0ULL, ~0ULL } },
	{ CGROUPS "torture_a/", CGROUPS "torture_a_twins/",
	  { CPU(0) | CPU(1) | CPU(3), CPU(0) | CPU(1) } },
	{ CGROUPS "torture_b/", CGROUPS "torture_b_twins/",
	  { CPU(0) | CPU(2), CPU(0) | CPU(3) } },
};

static __u64 cpuset_mask(unsigned int place)
{
	return cpusets[place].masks[shared->cpuset_rewrites[place] & 1] & settings.all;
}

static int path_write(const char *directory, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return write_file(path, text);
}

static bool make_cpuset(const char *directory, __u64 mask)
{
	char list[256] = "";
	int cpu, n = 0;

	mkdir(directory, 0755);
	for (cpu = 0; cpu < 64; cpu++) {
		if (mask & settings.all & CPU(cpu))
			n += snprintf(list + n, sizeof(list) - n, "%s%d", n ? "," : "", cpu);
	}
	return !path_write(directory, "cpuset.cpus", list);
}

void look_at_machine(bool may_hotplug)
{
	char text[8192];
	unsigned int i;

	read_file(DEBUG "compat", text, sizeof(text));
	settings.probes = !strstr(text, "foreign_changes scan");
	settings.preempt_count = strstr(text, "preempt_count yes");
	settings.narrows = strstr(text, "kernel_narrows yes");
	settings.hotplug = may_hotplug && !access(CPUS "cpu1/online", W_OK);
	read_file("/sys/module/ntaffinity_torture/parameters/deadlines", text, sizeof(text));
	settings.deadlines = *text == 'Y';
	read_file("/sys/module/ntaffinity/parameters/rules", text, sizeof(text));
	settings.documented = strstr(text, "documented");

	read_file(CGROUPS "cgroup.controllers", text, sizeof(text));
	settings.cpusets = strstr(text, "cpuset") &&
			   !write_file(CGROUPS "cgroup.subtree_control", "+cpuset");
	for (i = 1; settings.cpusets && i < ARRAY_SIZE(cpusets); i++)
		settings.cpusets = make_cpuset(cpusets[i].directory, cpusets[i].masks[0]) &&
				   make_cpuset(cpusets[i].twins, cpusets[i].masks[0]);
	if (settings.cpusets)
		make_cpuset(KEPT, CPU(0));
}

/* Hotplug keeps out changes of affinity, and they each other not. */
static int lock_file(void)
{
	static int fd = -1;
	static pid_t owner;

	/* A lock is the open file's: each process needs its own. */
	if (owner != getpid()) {
		fd = open("/tmp/torture.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		owner = getpid();
	}
	return fd;
}

static void lock_changes(int how)
{
	while (flock(lock_file(), how) && errno == EINTR)
		;
}

/* --- sched_setaffinity() and cpusets --- */

/*
 * Something is to come, it is not known yet what. Fails while the victim may not be
 * disturbed: then its twin may not either.
 */
static bool announce(unsigned int index, pid_t twin)
{
	unsigned long long mask = allowed(twin);

	return mask && !control("change %u %#llx %#llx", index, mask, mask);
}

static bool set_both(unsigned int index, pid_t pid, pid_t twin)
{
	__u64 *last = &shared->last_asked[index % PLACES], asked, mask;
	unsigned int place = shared->cpuset[index % PLACES];
	/* A scan sees what was asked for, and not what a cpuset left of it. */
	bool exact = settings.probes || !place;

	do {
		asked = random_mask();
		if (settings.hotplug || place)
			asked |= CPU(0);
		/* Nor does it see the same again after what it has missed. */
	} while (!settings.probes && asked == *last);
	if (!announce(index, twin))
		return false;
	set_affinity(twin, asked);
	mask = allowed(twin);
	*last = asked;
	control("more %u %#llx %#llx", index, (unsigned long long)mask,
		(unsigned long long)(exact ? mask : asked));
	set_affinity(pid, asked);
	control("%s %u", exact ? "done" : "doubt", index);
	return true;
}

/*
 * Since 6.2 Linux forgets what user mode has asked for when it takes a thread away
 * from its last processor, and a driver's is such a one. If a cpuset then gives the
 * thread a mask, and no driver has it active, that is the cpuset's whole: more than
 * the twin gets.
 */
static bool may_have_forgotten(void)
{
	return settings.hotplug && settings.narrows;
}

/* Announce what a cpuset leaves of it: the twin's @mask, or what else may be. */
static int announce_cpuset(const char *how, unsigned int index, unsigned int place, __u64 mask)
{
	unsigned long long whole = cpuset_mask(place), last = mask;
	int error = control("%s %u %#llx %#llx", how, index, last, last);

	if (error || !may_have_forgotten())
		return error;
	return control("more %u %#llx %#llx", index, whole, whole & online());
}

static bool move_both(unsigned int index, pid_t pid, pid_t twin)
{
	unsigned int place = below(ARRAY_SIZE(cpusets));
	char number[16];
	__u64 mask;

	if (place == shared->cpuset[index % PLACES])
		return false;
	if (!announce(index, twin))
		return false;
	snprintf(number, sizeof(number), "%d", twin);
	path_write(cpusets[place].twins, "cgroup.procs", number);
	mask = allowed(twin);
	announce_cpuset("more", index, place, mask);
	snprintf(number, sizeof(number), "%d", pid);
	path_write(cpusets[place].directory, "cgroup.procs", number);
	shared->cpuset[index % PLACES] = place;
	/* What leaves the mask in force as it is no scan sees. */
	control("%s %u", settings.probes && !may_have_forgotten() ? "done" : "doubt", index);
	add(&shared->cpuset_moves);
	return true;
}

/*
 * One at a time for each victim, or its twin would get two changes in another
 * order than it does.
 */
static int lock_victim(unsigned int index)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/torture.%u", index % 64);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

/* Returns whether there was one. */
bool change(unsigned int index, pid_t pid, pid_t twin)
{
	bool done;
	int fd;

	lock_changes(LOCK_SH);
	fd = lock_victim(index);
	done = set_both(index, pid, twin);
	close(fd);
	lock_changes(LOCK_UN);
	return done;
}

struct target {
	unsigned int index;
	char kind[16];
	pid_t pid, twin;
};

/* All victims there are now. */
static unsigned int list_victims(struct target *targets, unsigned int room)
{
	char text[8192], *line, *rest = text;
	unsigned int count = 0;

	read_file(TORTURE "victims", text, sizeof(text));
	while (count < room && (line = strsep(&rest, "\n"))) {
		struct target *target = &targets[count];

		count += sscanf(line, "%u %15s %d %d", &target->index, target->kind,
				&target->pid, &target->twin) == 4;
	}
	return count;
}

/*
 * The cpusets of @place, or all where it is 0, are about to change for all in them, or
 * the twins' have (@begins no more). It says what a victim there may come to.
 */
static void announce_cpusets(unsigned int place, bool begins)
{
	struct target targets[64], *target;
	unsigned int count = list_victims(targets, ARRAY_SIZE(targets)), at;
	__u64 mask;

	for (target = targets; target < targets + count; target++) {
		at = shared->cpuset[target->index % PLACES];
		if (!at || (place && at != place))
			continue;
		mask = allowed(target->twin);
		if (!mask)
			continue;
		/* It may not be disturbed just now. */
		while (announce_cpuset(begins ? "change" : "more", target->index, at,
				       mask) == EBUSY)
			usleep(100);
	}
}

/* And they have changed. @exact: what each has come to is known. */
static void cpusets_changed(unsigned int place, bool exact)
{
	struct target targets[64], *target;
	unsigned int count = list_victims(targets, ARRAY_SIZE(targets)), at;

	for (target = targets; target < targets + count; target++) {
		at = shared->cpuset[target->index % PLACES];
		if (at && (!place || at == place))
			control("%s %u", exact ? "done" : "doubt", target->index);
	}
}

static void rewrite_cpuset(unsigned int place)
{
	lock_changes(LOCK_EX);
	announce_cpusets(place, true);
	shared->cpuset_rewrites[place]++;
	make_cpuset(cpusets[place].twins, cpuset_mask(place));
	announce_cpusets(place, false);
	make_cpuset(cpusets[place].directory, cpuset_mask(place));
	/* What leaves the mask in force as it is no scan sees. */
	cpusets_changed(place, settings.probes && !may_have_forgotten());
	add(&shared->cpuset_changes);
	lock_changes(LOCK_UN);
}

/* The kernel itself refuses it (T2). */
static void disturb_bound(const struct target *target)
{
	int error = set_affinity(target->pid, random_mask());

	if (error != EINVAL && error != ESRCH)
		complain("T2: sched_setaffinity() of a bound thread: errno %d", error);
}

void disturber(int number)
{
	struct target targets[64], *target;
	unsigned int count;
	bool done;
	int fd;

	seed_random(number);
	while (!shared->stop) {
		usleep(below(settings.hotplug ? 20000 : 4000));
		if (settings.cpusets && !below(64)) {
			rewrite_cpuset(1 + below(ARRAY_SIZE(cpusets) - 1));
			continue;
		}
		count = list_victims(targets, ARRAY_SIZE(targets));
		if (!count)
			continue;
		target = &targets[below(count)];
		if (!strcmp(target->kind, "bound")) {
			disturb_bound(target);
			continue;
		}
		/* Half of them live calmly, and are put back each time. */
		if ((target->index & 1) && below(32))
			continue;
		lock_changes(LOCK_SH);
		fd = lock_victim(target->index);
		if (settings.cpusets && !strcmp(target->kind, "user") &&
		    (target->index & 2) && !below(3)) {
			move_both(target->index, target->pid, target->twin);
		} else {
			done = set_both(target->index, target->pid, target->twin);
			if (done)
				add(&shared->setaffinities);
		}
		close(fd);
		lock_changes(LOCK_UN);
	}
}

/* --- hotplug --- */

static int switch_cpu(int cpu, bool on)
{
	char path[64];

	snprintf(path, sizeof(path), CPUS "cpu%d/online", cpu);
	return write_file(path, on ? "1" : "0");
}

static bool is_online(int cpu)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), CPUS "cpu%d/online", cpu);
	return !read_file(path, text, sizeof(text)) || text[0] != '0';
}

static void turn(int cpu, bool on)
{
	int error;

	lock_changes(LOCK_EX);
	/* Those in cpusets are rewritten when processors come and go. */
	announce_cpusets(0, true);
	control("hotplug %d", cpu);
	error = switch_cpu(cpu, on);
	/* A change of a cpuset waits until hotplug has changed its own. */
	if (settings.cpusets)
		make_cpuset(KEPT, CPU(0));
	announce_cpusets(0, false);
	cpusets_changed(0, !may_have_forgotten());
	control("hotplugged");
	if (!error)
		add(on ? &shared->onlines : &shared->offlines);
	lock_changes(LOCK_UN);
}

void hotplugger(int unused)
{
	int cpu, cpus = __builtin_popcountll(settings.all);

	(void)unused;
	seed_random(997);
	while (!shared->stop) {
		usleep(20000 + below(150000));
		cpu = 1 + below(cpus - 1);
		turn(cpu, !is_online(cpu));
	}
}

void all_online(void)
{
	int cpu, cpus = __builtin_popcountll(settings.all);

	for (cpu = 1; cpu < cpus; cpu++) {
		if (!is_online(cpu))
			turn(cpu, true);
	}
}
