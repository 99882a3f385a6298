/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The saved state of a thread, and how to find it. See thread.c for who may
 * touch what.
 */
#ifndef NTA_THREAD_H
#define NTA_THREAD_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "affinity.h"

struct nta_token;
struct tracepoint;

/* How often cpus_mask was changed: by anyone, by others than ourselves. */
struct nta_changes {
	unsigned int all;
	unsigned int foreign;
};

struct nta_thread {
	struct hlist_node node;
	struct task_struct *task;
	refcount_t refs;
	unsigned int generation;
	unsigned long flags;
	struct nta_state state;
	unsigned long caller;
	struct nta_token *tokens;
	struct task_struct *installer;
	u32 user_print;
	struct nta_changes changes;
	atomic_t requests;
	unsigned long window;
	unsigned int put_backs;
	struct llist_node kicked;
	union {
		struct work_struct work;
		struct rcu_head rcu;
	};
	unsigned long masks[];
};

/* Bit numbers in nta_thread.flags. */
enum nta_thread_flag {
	NTA_THREAD_OWNED,	/* somebody is installing: rule I5's owner bit */
	NTA_THREAD_BOUND,	/* a bound kernel thread, judged when it became active (T2) */
	NTA_THREAD_TAKEN,	/* unload reverts it */
	NTA_THREAD_KICKED,	/* a worker is on its way */
	NTA_THREAD_PENDING,	/* active, and the system affinity is not installed yet (I2) */
	NTA_THREAD_DISPLACED,	/* no processor of the system affinity is active (U6) */
	NTA_THREAD_GIVEN_UP,	/* put back too often: not again before the next Set (U5) */
	NTA_THREAD_USER_LOST,	/* the kernel has forgotten the mask of user mode (U6) */
	NTA_THREAD_FALLBACK,	/* cpus_mask was last taken for the scheduler's fallback */
	NTA_THREAD_USER_DUE,	/* not active, and the user mask is not installed yet */
	NTA_THREAD_IN_FORCE,	/* nobody has put another mask over the installed one */
	NTA_THREAD_LATE,	/* others have installed for it since its last own install */
	NTA_THREAD_APC,		/* at APC_LEVEL */
	NTA_THREAD_MOVES,	/* has left a move behind in a native section */
};

/* What user mode wants of the thread, as last read. */
static inline struct cpumask *nta_thread_user(struct nta_thread *thread)
{
	return to_cpumask(thread->masks);
}

/* What user mode wanted when the kernel forgot it: counts with USER_LOST. */
static inline struct cpumask *nta_thread_lost(struct nta_thread *thread)
{
	return to_cpumask(thread->masks + 2 * cpumask_size() / sizeof(long));
}

/* The mask that is handed to the kernel; the owner's to use. */
static inline struct cpumask *nta_thread_request(struct nta_thread *thread)
{
	return to_cpumask(thread->masks + cpumask_size() / sizeof(long));
}

/* What the kernel made of a system affinity that was requested, the last time. */
static inline struct cpumask *nta_thread_installed(struct nta_thread *thread)
{
	return to_cpumask(thread->masks + 3 * cpumask_size() / sizeof(long));
}

#define NTA_THREAD_MASKS 4

/* A copy of what can be known of a thread from outside, for tests. */
struct nta_thread_snapshot {
	struct nta_state state;
	unsigned long caller;
	unsigned int generation;
	bool known;
	bool owned;
	bool bound;
	bool displaced;
	bool given_up;
	bool pending;
};

struct nta_thread *nta_thread_find(const struct task_struct *task);
struct nta_thread *nta_thread_make(struct task_struct *task, gfp_t gfp);
bool nta_thread_get(struct nta_thread *thread);
void nta_thread_put(struct nta_thread *thread);
void nta_thread_end(struct task_struct *task);
void nta_thread_snapshot(const struct task_struct *task,
			 struct nta_thread_snapshot *snapshot);

/*
 * How many marks there are, NTA_THREAD_APC and NTA_THREAD_MOVES, of all threads:
 * while there is none, raising and lowering look no thread up.
 */
extern atomic_t nta_marks;

void nta_thread_mark(struct nta_thread *thread, enum nta_thread_flag mark);
void nta_thread_unmark(struct nta_thread *thread, enum nta_thread_flag mark);

void nta_thread_own(struct nta_thread *thread);
bool nta_thread_try_own(struct nta_thread *thread);
void nta_thread_disown(struct nta_thread *thread);

void nta_threads_visit(void (*visit)(struct nta_thread *thread, void *data),
		       void *data);
bool nta_threads_take_active(void (*visit)(struct nta_thread *thread));
long nta_threads_known(void);

struct tracepoint *nta_find_tracepoint(const char *name);
struct tracepoint *nta_start_probe(const char *name, void *probe);

int nta_threads_start(void);
void nta_threads_stop(void);

#endif /* NTA_THREAD_H */
