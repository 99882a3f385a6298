/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The saved state of a thread, and how to find it. See thread.c for who may
 * touch what.
 */
#ifndef NTA_THREAD_H
#define NTA_THREAD_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "affinity.h"
#include "irql.h"

struct nta_reserve;
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
	unsigned long flags;
	struct nta_state state;
	unsigned long caller;
	struct nta_token *tokens;
	struct task_struct *installer;
	const struct task_struct *requester;
	struct cpumask *lost;
	refcount_t refs;
	atomic_t requests;
	u32 user_print;
	u32 asked_print;
	struct nta_changes changes;
#ifdef CONFIG_PREEMPT_RT
	struct nta_raised raised;
#endif
	u32 window;
	u16 put_backs;
	u16 generation;
	union {
		struct llist_node kicked;
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
	NTA_THREAD_CHANGED,	/* somebody else has changed cpus_mask: not noted yet */
	NTA_THREAD_CHANGED_GONE,	/* no CPU of the mask before was left */
	NTA_THREAD_CHANGED_REQUEST,	/* it was requested for certain */
	NTA_THREAD_CHANGED_ALONE,	/* no other request was under way */
	NTA_THREAD_SECOND,	/* the user mask is the second of the two masks */
	NTA_THREAD_LENT,	/* the user mask is in the kernel's hands */
	NTA_THREAD_IN_FORCE,	/* nobody has put another mask over the installed one */
	NTA_THREAD_NARROWED,	/* what was installed may lack processors that were offline */
	NTA_THREAD_LATE,	/* others have installed for it since its last own install */
	NTA_THREAD_APC,		/* at APC_LEVEL */
	NTA_THREAD_MOVES,	/* has left a move behind in a native section */
};

#define NTA_THREAD_MASKS 2

static inline struct cpumask *nta_thread_mask(struct nta_thread *thread,
					      bool second)
{
	return to_cpumask(thread->masks +
			  (second ? cpumask_size() / sizeof(long) : 0));
}

/* What user mode wants of the thread, as last read. */
static inline struct cpumask *nta_thread_user(struct nta_thread *thread)
{
	return nta_thread_mask(thread,
			       test_bit(NTA_THREAD_SECOND, &thread->flags));
}

/*
 * What the kernel made of a system affinity that was requested, the last time.
 * While one is being installed it is the request.
 */
static inline struct cpumask *nta_thread_installed(struct nta_thread *thread)
{
	return nta_thread_mask(thread,
			       !test_bit(NTA_THREAD_SECOND, &thread->flags));
}

/*
 * A copy of what can be known of a thread from outside: for debugfs, and for tests.
 * @known: it has an entry
 * @owned: somebody is installing
 * @busy: somebody else than the thread
 * @pending: what the state says was never installed
 * @in_force: what was installed has not been replaced, as far as is known
 */
struct nta_thread_snapshot {
	struct nta_state state;
	unsigned long caller;
	unsigned int generation;
	bool known;
	bool owned;
	bool busy;
	bool bound;
	bool displaced;
	bool given_up;
	bool pending;
	bool in_force;
};

struct nta_thread *nta_thread_find(const struct task_struct *task);
struct nta_thread *nta_thread_find_rcu(const struct task_struct *task);
struct nta_thread *nta_thread_make(struct task_struct *task, gfp_t gfp);
bool nta_thread_get(struct nta_thread *thread);
void nta_thread_put(struct nta_thread *thread);
void nta_thread_end(struct task_struct *task);
void nta_thread_read(const struct nta_thread *thread,
		     struct nta_thread_snapshot *snapshot);
void nta_thread_snapshot(const struct task_struct *task,
			 struct nta_thread_snapshot *snapshot);

/*
 * How many marks there are, NTA_THREAD_APC and NTA_THREAD_MOVES, of all threads:
 * while there is none, raising and lowering look no thread up.
 */
extern atomic_t nta_marks;

void nta_thread_mark(struct nta_thread *thread, enum nta_thread_flag mark);

/**
 * nta_thread_unmark() - there is no reason any more to look at a thread
 * @thread: the entry
 * @mark: what was the reason
 *
 * Context: any.
 */
static inline void nta_thread_unmark(struct nta_thread *thread,
				     enum nta_thread_flag mark)
{
	if (unlikely(test_bit(mark, &thread->flags)) &&
	    test_and_clear_bit(mark, &thread->flags))
		atomic_dec(&nta_marks);
}

bool nta_anybody_waits(void);
void nta_thread_own(struct nta_thread *thread);

/**
 * nta_thread_try_own() - become the one who installs for a thread, if nobody is
 * @thread: its entry
 *
 * Context: any.
 * Return: whether that is so.
 */
static inline bool nta_thread_try_own(struct nta_thread *thread)
{
	return !test_and_set_bit_lock(NTA_THREAD_OWNED, &thread->flags);
}

bool nta_thread_release(struct nta_thread *thread);
void nta_thread_disown(struct nta_thread *thread);

extern struct nta_reserve nta_mask_reserve;

void nta_threads_visit(void (*visit)(struct nta_thread *thread, void *data),
		       void *data);
bool nta_threads_take_active(void (*visit)(struct nta_thread *thread));
long nta_threads_known(void);

struct tracepoint *nta_find_tracepoint(const char *name);
struct tracepoint *nta_start_probe(const char *name, void *probe);

int nta_threads_start(void);
void nta_threads_stop(void);

#endif /* NTA_THREAD_H */
