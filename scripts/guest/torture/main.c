// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture SEED STEPS THREADS [nohotplug]: the user space of the torture test. The module
 * ntaffinity_torture has the threads take their steps, and checks them; here are
 *
 *	victim.c	user threads, which take their steps in system calls, fork
 *			and are killed; and a driver that comes and goes
 *	disturb.c	who changes affinities, cpusets and processors meanwhile
 *	main.c		the run, the last checks, and the verdict
 *
 * STEPS is of all threads together, THREADS that are not killed. Prints KTAP: a
 * result for each kind of step, which fails if there was none; exit status 0 if
 * none has failed.
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

#define DISTURBERS 2
#define MAYFLIES 2

struct shared *shared;
struct settings settings;

static int results, failures;

static void __printf(2, 3) result(bool ok, const char *format, ...)
{
	va_list args;

	results++;
	failures += !ok;
	printf("%s %d - ", ok ? "ok" : "not ok", results);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* --- who was here before --- */

static struct {
	pid_t pid;
	__u64 mask;
	bool is_kernel;
} others[512];
static unsigned int others_count;

static bool is_kernel_thread(pid_t pid)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	return !read_file(path, text, sizeof(text)) || !text[0];
}

static void look_at_others(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)) && others_count < ARRAY_SIZE(others)) {
		pid_t pid = atoi(entry->d_name);

		if (!pid)
			continue;
		others[others_count].pid = pid;
		others[others_count].mask = allowed(pid);
		others[others_count++].is_kernel = is_kernel_thread(pid);
	}
	if (proc)
		closedir(proc);
}

/* Nobody else's affinity has changed. Hotplug changes that of the kernel's threads. */
static unsigned int count_changed(void)
{
	unsigned int i, changed = 0;
	__u64 mask;

	for (i = 0; i < others_count; i++) {
		mask = allowed(others[i].pid);
		/* A workqueue's rescuer has the mask of the pool that it helps. */
		if (!mask || mask == others[i].mask || others[i].is_kernel)
			continue;
		printf("# process %d had mask %#llx and has %#llx\n", others[i].pid,
		       (unsigned long long)others[i].mask, (unsigned long long)mask);
		changed++;
	}
	return changed;
}

/* --- the run --- */

static long in_module(const char *name)
{
	return number_in(TORTURE "summary", name);
}

static long in_stats(const char *name)
{
	return number_in(DEBUG "stats", name);
}

static bool has_failed(void)
{
	return shared->failed || in_module("failed");
}

/* Until all have taken their steps. */
static void wait_for_victims(void)
{
	long long began = now_ms(), next = began + 10000;

	while (!has_failed() &&
	       (in_module("running") || shared->finished < settings.users)) {
		usleep(20000);
		if (now_ms() > next) {
			next += 10000;
			printf("# %lld s: %ld steps\n", (now_ms() - began) / 1000,
			       in_module("steps"));
			fflush(stdout);
		}
	}
}

static void show_failures(void)
{
	static char text[32768];
	char *line, *rest = text;

	read_file(TORTURE "failures", text, sizeof(text));
	while ((line = strsep(&rest, "\n")) && *line)
		printf("# FAIL: %s\n", line);
}

static void run(void)
{
	pid_t helpers[DISTURBERS + 3], pid;
	long long began = now_ms();
	int i, count = 0;

	for (i = 0; i < settings.users; i++)
		start(victim, i);
	if (control("start %d %d %lu", settings.kthreads, settings.stors, settings.steps))
		complain("the kernel threads do not start");
	for (i = 0; i < DISTURBERS; i++)
		helpers[count++] = start(disturber, 900 + i);
	helpers[count++] = start(mayfly_keeper, 0);
	helpers[count++] = start(driver_loader, 0);
	if (settings.hotplug)
		helpers[count++] = start(hotplugger, 0);

	wait_for_victims();
	printf("# %ld steps in %lld ms\n", in_module("steps"), now_ms() - began);

	if (has_failed()) {
		shared->failed = 1;
		control("stop");
	}
	shared->stop = 1;
	show_failures();
	for (i = 0; i < count; i++)
		waitpid(helpers[i], NULL, 0);
	if (settings.hotplug)
		all_online();
	shared->quiet = 1;
	control("quiet");
	/* Children of those that were killed are ours too. */
	while ((pid = waitpid(-1, NULL, 0)) > 0)
		;
}

/* --- the verdict --- */

static bool is_there(const char *needs)
{
	if (!strcmp(needs, "always") || !strcmp(needs, "time"))
		return true;
	if (!strcmp(needs, "hotplug"))
		return settings.hotplug;
	if (!strcmp(needs, "cpusets"))
		return settings.cpusets;
	if (!strcmp(needs, "documented"))
		return settings.documented;
	if (!strcmp(needs, "deadlines"))
		return settings.deadlines;
	if (!strcmp(needs, "preempt"))
		return settings.preempt_count;
	return false;
}

/*
 * In few steps the rarest of what the victims choose may not come about: but not all of
 * it. Nor may what takes the others time, as little of that is there.
 */
#define FEW_STEPS 100000
#define MAX_MISSED 5
#define MAX_LATE 8

static int missed, late;

static bool takes_time(const char *needs)
{
	return !strcmp(needs, "time") || !strcmp(needs, "hotplug") || !strcmp(needs, "cpusets");
}

static void kind(const char *name, long count, const char *needs)
{
	if (!count && is_there(needs) && settings.all_steps < FEW_STEPS) {
		if (takes_time(needs))
			late++;
		else
			missed++;
		result(true, "%s: 0 # SKIP not met in so few steps", name);
	} else if (count > 0 || is_there(needs)) {
		result(count > 0, "%s: %ld", name, count);
	} else {
		result(true, "%s: 0 # SKIP needs %s", name, needs);
	}
}

static void show_kinds(void)
{
	static char text[16384];
	char *line, *rest = text, name[64], needs[16];
	long count;

	read_file(TORTURE "summary", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "kind %63s %ld %15s", name, &count, needs) == 3)
			kind(name, count, needs);
	}
	kind("setaffinity_by_others", shared->setaffinities, "time");
	kind("setaffinity_by_itself", shared->own_setaffinities, "time");
	kind("cpuset_moves", shared->cpuset_moves, "cpusets");
	kind("cpuset_changes", shared->cpuset_changes, "cpusets");
	kind("offlines", shared->offlines, "hotplug");
	kind("onlines", shared->onlines, "hotplug");
	kind("forks", shared->forks, "time");
	kind("kills", shared->kills, "time");
	kind("drivers_unloaded", shared->drivers, "time");
}

/* What the module has counted itself. */
static void show_counters(void)
{
	static const struct {
		const char *name, *needs;
	} counters[] = {
		{ "leaked", "time" },
		{ "foreign_change", "time" },
		{ "put_back", "time" },
		{ "deferred", "always" },
		{ "child", "time" },
		{ "driver_gone", "time" },
		{ "displaced", "hotplug" },
		{ "refused_null_pointer", "always" },
		{ "refused_bad_group", "always" },
		{ "refused_stray_bits", "documented" },
		{ "refused_zero_mask", "always" },
		{ "refused_offline", "hotplug" },
		{ "refused_bad_count", "always" },
		{ "refused_bad_token", "always" },
		{ "refused_bad_context", "always" },
		{ "refused_bound_kthread", "always" },
		{ "refused_deadline", "deadlines" },
	};
	static const char * const never[] = {
		"left_active", "lost", "child_missed", "refused_no_memory",
		"refused_bad_level",
		"user_refused", "not_reverted",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		kind(counters[i].name, in_stats(counters[i].name), counters[i].needs);
	result(missed <= MAX_MISSED, "kinds of calls not met: %d", missed);
	result(late <= MAX_LATE, "kinds that take time not met: %d", late);
	result(shared->setaffinities && (shared->offlines || !settings.hotplug),
	       "others have disturbed");
	for (i = 0; i < ARRAY_SIZE(never); i++)
		if (in_stats(never[i]))
			result(false, "%s: %ld", never[i], in_stats(never[i]));
	if (!settings.deadlines && in_stats("refused_deadline"))
		result(false, "refused_deadline: %ld", in_stats("refused_deadline"));
	result(!number_in(DEBUG "compat", "probes_missed"), "U3 no probe was missed");
	printf("# given_up %ld, install_repeated %ld, refused_kernel_refused %ld\n",
	       in_stats("given_up"), in_stats("install_repeated"),
	       in_stats("refused_kernel_refused"));
}

/*
 * Each refusal was expected, and for its reason. What is refused while a processor
 * comes or goes is not known.
 */
static void compare_refusals(void)
{
	static char text[16384];
	char *line, *rest = text, name[64];
	bool equal = true;
	long expected;

	if (settings.hotplug) {
		result(true, "S15 refusals # SKIP needs a machine without hotplug");
		return;
	}
	read_file(TORTURE "summary", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "refused_", 8) ||
		    sscanf(line, "%63s %ld", name, &expected) != 2)
			continue;
		if (in_stats(name) == expected)
			continue;
		printf("# %s is %ld, expected %ld\n", name, in_stats(name), expected);
		equal = false;
	}
	result(equal, "S15 refusals as expected");
}

static void compare_levels(void)
{
	long expected = in_module("bad_levels");

	result(in_stats("bad_level") == expected, "I9 levels refused: %ld of %ld",
	       in_stats("bad_level"), expected);
	expected = in_module("kind left_raised");
	result(in_stats("left_raised") == expected, "I10 threads brought down: %ld of %ld",
	       in_stats("left_raised"), expected);
}

static bool are_forgotten(void)
{
	int tries;

	/* The end of a thread is told by an RCU callback. */
	for (tries = 0; tries < 300 && in_stats("threads_known"); tries++)
		usleep(100000);
	return !in_stats("threads_known");
}

int main(int argc, char **argv)
{
	int threads = argc >= 4 ? atoi(argv[3]) : 0, cpus;

	if (threads < 5) {
		fprintf(stderr, "usage: torture SEED STEPS THREADS [nohotplug]; at least 5\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	settings.all = -1ULL;
	settings.all = allowed(getpid());
	cpus = __builtin_popcountll(settings.all);
	settings.seed = strtoull(argv[1], NULL, 0);
	settings.stors = threads / 4 < 1 ? 1 : threads / 4 > cpus ? cpus : threads / 4;
	settings.users = (threads - settings.stors + 1) / 2;
	settings.kthreads = threads - settings.stors - settings.users;
	settings.mayflies = MAYFLIES;
	settings.all_steps = strtoul(argv[2], NULL, 0);
	settings.steps = settings.all_steps / threads;
	look_at_machine(argc == 4);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	printf("# seed %llu, %d CPUs, %lu steps each; %d user, %d kernel, %d StorPort%s%s%s\n",
	       (unsigned long long)settings.seed, cpus, settings.steps, settings.users,
	       settings.kthreads, settings.stors, settings.probes ? ", probes" : "",
	       settings.cpusets ? ", cpusets" : "", settings.hotplug ? ", hotplug" : "");

	look_at_others();
	run();
	result(!has_failed() && shared->checked == settings.users,
	       "all rules hold in %ld steps", in_module("steps"));
	result(are_forgotten(), "U8 no entry is left");
	result(!count_changed(), "U1 nobody else's affinity has changed");
	show_kinds();
	show_counters();
	compare_refusals();
	compare_levels();
	return failures != 0;
}
