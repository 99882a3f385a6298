/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong, told once and counted always: counters for debugfs, trace
 * events, and log lines that cannot flood the log.
 */
#ifndef NTA_REPORT_H
#define NTA_REPORT_H

#include "affinity.h"

struct cpumask;
struct module;
struct seq_file;
struct task_struct;

/* What happened to a thread without any request being refused. */
enum nta_event {
	NTA_EVENT_LEAK,			/* a thread ended while active (U8) */
	NTA_EVENT_NOT_REVERTED,		/* verify=1: a thread came back active (T3) */
	NTA_EVENT_LEFT_ACTIVE,		/* unload reverted a thread (U12) */
	NTA_EVENT_USER_REFUSED,		/* the kernel refused a user affinity (R11) */
	NTA_EVENT_INSTALL_REPEATED,	/* a migration failed silently (S13) */
	NTA_EVENT_LOST,			/* and no other affinity could be had */
	NTA_EVENT_FOREIGN_CHANGE,	/* others changed an active thread's affinity */
	NTA_EVENT_PUT_BACK,		/* the system affinity was installed again (U5) */
	NTA_EVENT_GIVEN_UP,		/* or not any more */
	NTA_EVENT_DISPLACED,		/* all its processors are gone (U6) */
	NTA_EVENT_CHILD,		/* a child got the user affinity (U9) */
	NTA_EVENT_CHILD_MISSED,		/* or there was no memory for that */
	NTA_EVENT_DEFERRED,		/* a move had to wait (I2, I7) */
	NTA_EVENT_BAD_LEVEL,		/* a level was raised or lowered wrongly (I9) */
	NTA_EVENT_LEFT_RAISED,		/* a thread left a driver at a raised level (I10) */
	NTA_EVENT_DRIVER_GONE,		/* the driver went, the thread is active (U13) */
	NTA_EVENT_THREAD_REFUSED,	/* a call about an adapter's thread (P4, P5) */

	NTA_EVENTS
};

void nta_report_refused(const char *request, const struct nta_affinity *asked,
			enum nta_reason reason, unsigned long caller);
void nta_report_event(enum nta_event event);
void nta_report_leak(const struct task_struct *task,
		     const struct nta_affinity *system, unsigned long caller);
void nta_report_not_reverted(const char *where,
			     const struct nta_affinity *system,
			     unsigned long caller);
void nta_report_left_active(const struct task_struct *task,
			    const struct nta_affinity *system,
			    unsigned long caller);
void nta_report_user_refused(const struct task_struct *task,
			     const struct cpumask *user);
void nta_report_foreign_change(const struct task_struct *task,
			       const struct nta_affinity *system);
void nta_report_put_back(const struct task_struct *task,
			 const struct nta_affinity *system);
void nta_report_given_up(const struct task_struct *task,
			 const struct nta_affinity *system,
			 unsigned long caller);
void nta_report_displaced(const struct task_struct *task,
			  const struct nta_affinity *system);
void nta_report_deferred(const struct task_struct *task,
			 const struct nta_affinity *system);
void nta_report_child_missed(const struct task_struct *task);
void nta_report_driver_gone(const struct task_struct *task,
			    const struct nta_affinity *system,
			    unsigned long caller);
void nta_report_bad_level(const char *what, u8 level, u8 asked,
			  unsigned long caller);
void nta_report_not_preemptible(const char *what, unsigned long caller);
void nta_report_left_raised(const char *how, unsigned long raiser);
void nta_report_thread_refused(const char *call, const char *why,
			       unsigned long caller);
void nta_report_thread_stays(const struct module *module,
			     const struct task_struct *task,
			     const void *start);
void nta_report_forget(const struct module *module, bool all);

long nta_refused_count(enum nta_reason reason);
long nta_event_count(enum nta_event event);
void nta_report_stats(struct seq_file *file);

#endif /* NTA_REPORT_H */
