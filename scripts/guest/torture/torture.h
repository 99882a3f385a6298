/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this program share. main.c says what it does.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cpus.h"
#include "files.h"

#define TORTURE "/sys/kernel/debug/ntaffinity_torture/"
#define DEBUG "/sys/kernel/debug/ntaffinity/"
#define CPUS "/sys/devices/system/cpu/"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#ifndef __printf
#define __printf(format_at, arguments_at) \
	__attribute__((format(printf, format_at, arguments_at)))
#endif

/* Masks of CPUs are __u64. */

/* Where victims are, by their index. */
#define PLACES 65536

/* What all processes share. Counters are added to atomically. */
struct shared {
	int stop;
	int quiet;
	int failed;
	long finished;
	long checked;
	long setaffinities;
	long own_setaffinities;
	long cpuset_moves;
	long cpuset_changes;
	long offlines;
	long onlines;
	long forks;
	long kills;
	long drivers;
	unsigned char cpuset[PLACES];
	unsigned int cpuset_rewrites[3];
	__u64 last_asked[PLACES];
};

struct settings {
	__u64 seed;
	unsigned long steps, all_steps;
	int users, kthreads, stors, mayflies;
	__u64 all;		/* the CPUs of this machine */
	bool probes;		/* changes are seen by hooks, not by a scan */
	bool narrows;		/* the kernel cuts masks with what user mode asked for */
	bool documented;	/* the parameter rules */
	bool deadlines;		/* threads may become SCHED_DEADLINE for a while */
	bool cpusets;
	bool hotplug;
	bool preempt_count;
};

extern struct shared *shared;
extern struct settings settings;

/* util.c */
long number_in(const char *path, const char *name);
__u64 allowed(pid_t pid);
__u64 online(void);
int set_affinity(pid_t pid, __u64 mask);
void add(long *counter);
void __printf(1, 2) complain(const char *format, ...);
int __printf(1, 2) control(const char *format, ...);
void seed_random(unsigned int who);
unsigned int below(unsigned int n);
__u64 random_mask(void);
pid_t start(void (*role)(int argument), int argument);
void pause_for_ever(int unused);

/* victim.c */
void victim(int index);
void mayfly_keeper(int unused);
void driver_loader(int unused);

/* disturb.c */
void look_at_machine(bool may_hotplug);
bool change(unsigned int index, pid_t pid, pid_t twin);
void disturber(int number);
void hotplugger(int unused);
void all_online(void);

#endif
