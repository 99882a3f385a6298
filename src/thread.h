/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The saved state of a thread, and how to find it. See thread.c for who may
 * touch what.
 */
#ifndef NTA_THREAD_H
#define NTA_THREAD_H

#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "affinity.h"

struct nta_thread {
	struct hlist_node node;
	struct task_struct *task;
	refcount_t refs;
	unsigned int generation;
	unsigned long flags;
	struct nta_state state;
	unsigned long caller;
	union {
		struct work_struct unload_work;
		struct rcu_head rcu;
	};
	unsigned long masks[];
};

/* Bit numbers in nta_thread.flags. */
enum nta_thread_flag {
	NTA_THREAD_OWNED,	/* somebody is installing: rule I5's owner bit */
	NTA_THREAD_BOUND,	/* a bound kernel thread, judged when it became active (T2) */
	NTA_THREAD_TAKEN,	/* unload reverts it */
};

/* What user mode wants of the thread, as last read. */
static inline struct cpumask *nta_thread_user(struct nta_thread *thread)
{
	return to_cpumask(thread->masks);
}

/* What the kernel had in cpus_mask after our last install. */
static inline struct cpumask *nta_thread_installed(struct nta_thread *thread)
{
	return to_cpumask(thread->masks + cpumask_size() / sizeof(long));
}

/* A copy of what can be known of a thread from outside, for tests. */
struct nta_thread_snapshot {
	struct nta_state state;
	unsigned long caller;
	unsigned int generation;
	bool known;
	bool owned;
	bool bound;
};

struct nta_thread *nta_thread_find(const struct task_struct *task);
struct nta_thread *nta_thread_make(struct task_struct *task);
void nta_thread_put(struct nta_thread *thread);
void nta_thread_end(struct task_struct *task);
void nta_thread_snapshot(const struct task_struct *task,
			 struct nta_thread_snapshot *snapshot);

void nta_thread_own(struct nta_thread *thread);
void nta_thread_disown(struct nta_thread *thread);

void nta_threads_take_active(void (*visit)(struct nta_thread *thread));
long nta_threads_known(void);

int nta_threads_start(void);
void nta_threads_stop(void);

#endif /* NTA_THREAD_H */
