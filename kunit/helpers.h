/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: made-up topologies, threads to run a test's work on,
 * and walks, which are lists of DDI calls with what must be seen after each.
 *
 * A test never changes the affinity of its own thread: after a failed ASSERT
 * nobody could put that right. The work runs on a worker and records what it
 * saw; the test's thread compares.
 */
#ifndef NTA_KUNIT_HELPERS_H
#define NTA_KUNIT_HELPERS_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/types.h>

#include "affinity.h"
#include "ntdef.h"
#include "report.h"
#include "request.h"
#include "storport.h"
#include "thread.h"
#include "topology.h"

/* What outputs hold before a call, and Reserved of inputs. */
#define NTA_POISON 0xa5

/* Work on a thread, and the end of a thread, take nowhere near as long. */
#define NTA_WORK_TIMEOUT (60 * HZ)
#define NTA_END_TIMEOUT (15 * HZ)

/*
 * A made-up machine: group g is pattern[g % patterns].
 */
struct nta_layout {
	const char *name;
	unsigned int group_shift;
	unsigned int groups;
	unsigned int patterns;
	struct {
		u64 possible;
		u64 active;
		u64 seen;
	} pattern[4];
};

const struct nta_topology *nta_lay_out(struct kunit *test,
				       const struct nta_layout *layout);

/*
 * This machine's processors. nta_pick() goes round the groups, so that
 * neighbours lie in different groups where there are several.
 */
struct nta_affinity nta_pick(struct kunit *test, unsigned int i);
struct nta_affinity nta_whole_group(unsigned int group);
unsigned int nta_other_group(struct kunit *test, unsigned int group);
u64 nta_stray_bits(struct kunit *test, unsigned int group);
unsigned int nta_cpu(const struct nta_affinity *affinity);

/*
 * A kernel thread that does one piece of work after another. It is stopped when
 * the test ends, however it ends; its task_struct stays until then, unless
 * nta_worker_forget() is called.
 */
struct nta_worker {
	struct task_struct *task;
	struct completion go;
	struct completion done;
	void (*work)(void *data);
	void *data;
	bool ending;
};

struct nta_worker *nta_worker_make(struct kunit *test);
/* By kthread_create_on_cpu(). */
struct nta_worker *nta_worker_make_on_cpu(struct kunit *test, unsigned int cpu);
/* By kthread_bind(). */
struct nta_worker *nta_worker_make_bound(struct kunit *test, unsigned int cpu);
void nta_worker_begin(struct nta_worker *worker, void (*work)(void *data),
		      void *data);
void nta_worker_wait(struct kunit *test, struct nta_worker *worker);
void nta_worker_do(struct kunit *test, struct nta_worker *worker,
		   void (*work)(void *data), void *data);
void nta_worker_stop(struct nta_worker *worker);
void nta_worker_forget(struct nta_worker *worker);

/* Make a worker, have it do one thing, stop it. */
void nta_on_thread(struct kunit *test, void (*work)(void *data), void *data);

/* Work: nothing, a Set of a struct nta_affinity, a Revert to user; and in a section. */
void nta_do_nothing(void *unused);
void nta_do_set(void *affinity);
void nta_do_set_atomically(void *affinity);
void nta_do_revert(void *unused);
void nta_do_revert_atomically(void *unused);

/*
 * Work: a raise and its lowering, until the next is a plain one. After the first of all a
 * worker begins to look for levels that are left raised (I10).
 */
void nta_first_raise(void *unused);

/* Where work may be done that may not sleep. */
enum nta_section {
	NTA_IN_SPIN_LOCK,
	NTA_IN_SPIN_LOCK_IRQSAVE,
	NTA_IN_RAW_SPIN_LOCK,
	NTA_IN_PREEMPT_OFF,
	NTA_IN_BH_OFF,
	NTA_IN_IRQ_OFF,
	NTA_IN_RCU_READ,
	NTA_IN_MIGRATION_OFF,	/* may sleep, but not migrate */
	NTA_IN_SOFTIRQ,
	NTA_IN_TIMER,
	NTA_IN_HARD_IRQ,
	NTA_IN_NMI,
};

/* Skips the test if the kernel keeps no mark of such a section. */
void nta_needs_section(struct kunit *test, enum nta_section section);
void nta_in_section(enum nta_section section, void (*work)(void *data),
		    void *data);

/* The calls that a step of a walk can make. */
enum nta_call {
	NTA_SET,		/* Previous in a buffer of its own */
	NTA_SET_IN_PLACE,	/* Previous over Affinity */
	NTA_SET_NO_PREVIOUS,
	NTA_SET_NULL,		/* Affinity NULL */
	NTA_SET_NULL_NULL,
	NTA_REVERT,
	NTA_REVERT_NULL,
	NTA_SET_EX,
	NTA_REVERT_EX,
	NTA_SET_LEGACY,		/* KeSetSystemAffinityThread() */
	NTA_REVERT_LEGACY,	/* KeRevertToUserAffinityThread() */
	NTA_STOR_SET,		/* the StorPort forms */
	NTA_STOR_SET_IN_PLACE,
	NTA_STOR_SET_NO_PREVIOUS,
	NTA_STOR_SET_NULL,
	NTA_STOR_REVERT,
	NTA_STOR_REVERT_NULL,
};

/* Whom a StorPort call names: the walk has an adapter and a context for each. */
enum nta_name {
	NTA_AS_CALLER,		/* ThreadContext NULL */
	NTA_AS_ITSELF,
	NTA_AS_ANOTHER,		/* a thread of the same adapter */
	NTA_AS_ENDED,
	NTA_AS_MADE_UP,
	NTA_AS_ADDRESS,		/* its own task_struct */
	NTA_ON_OTHER_ADAPTER,	/* its own context */
	NTA_ON_NO_ADAPTER,
	NTA_ITSELF_ON_NO_ADAPTER,

	NTA_NAMES
};

/*
 * A call and what must be seen after it.
 * @with: the input; the group-less calls take its mask
 * @previous: what the call writes or returns, where it does
 * @refused: the reason whose counter goes up by one; no other counter moves
 * @then: the thread's state afterwards
 * @status: what a StorPort call returns
 * @as: whom it names
 */
struct nta_step {
	enum nta_call call;
	struct nta_affinity with;
	struct nta_affinity previous;
	enum nta_reason refused;
	struct nta_state then;
	ULONG status;
	enum nta_name as;
};

#define NTA_NONE	((struct nta_affinity){})
#define NTA_USER	((struct nta_state){})
#define NTA_SYSTEM(affinity) \
	((struct nta_state){ .system = (affinity), .active = true })

/* Everything of a thread that can be seen after a step. */
struct nta_look {
	GROUP_AFFINITY previous;
	KAFFINITY returned;
	ULONG status;
	bool input_kept;
	struct nta_thread_snapshot entry;
	struct cpumask mask;
	unsigned int cpu;
	unsigned int task_state;
	long refused[NTA_REASONS];
};

/*
 * Steps that one thread takes. The looks are one from before the first step,
 * one for each step, and one from after a last KeRevertToUserAffinityThread().
 * @bound: a bound kernel thread (T2)
 * @stays: a thread that must not be moved, whatever its state (T2, T4)
 * @names: for the steps that make StorPort calls
 */
struct nta_walk {
	const struct nta_step *steps;
	unsigned int count;
	bool bound;
	bool stays;
	struct {
		PVOID adapter;
		PVOID context;
	} names[NTA_NAMES];
	struct nta_look *looks;
};

struct nta_walk *nta_walk_make(struct kunit *test, const struct nta_step *steps,
			       unsigned int count);
void nta_walk_take(void *walk);
void nta_walk_check(struct kunit *test, const struct nta_walk *walk);

/* Make a walk on a new thread with the usual affinity, and check it. */
void nta_walk(struct kunit *test, const struct nta_step *steps,
	      unsigned int count);
/* The same on a thread that its creator gave a mask. */
void nta_walk_narrow(struct kunit *test, const struct cpumask *mask,
		     const struct nta_step *steps, unsigned int count);

/* What the thread that calls it looks like now; outputs are left alone. */
void nta_look_at_me(struct nta_look *look);

void nta_check_mask(struct kunit *test, const char *what,
		    const struct cpumask *seen, const struct cpumask *expected);
struct cpumask *nta_mask(struct kunit *test);
struct cpumask *nta_mask_of(struct kunit *test,
			    const struct nta_affinity *affinity);

/* What a thread may use now, and waiting until that is @mask, which takes ms. */
#define NTA_PUT_BACK_TIMEOUT (10 * HZ)

void nta_read_mask(struct task_struct *task, struct cpumask *mask);
void nta_write_mask(struct task_struct *task, const struct cpumask *mask);
/* What sched_setaffinity() leaves in the kernel, and all that it does. */
void nta_keep_user_mask(struct kunit *test, struct task_struct *task,
			const struct cpumask *mask);
/* As the kernel changes a sleeping thread's affinity; @in_thread: for who calls. */
void nta_change_by_hand(struct nta_thread *thread, bool in_thread,
			const struct cpumask *mask);
void nta_user_sets(struct kunit *test, struct task_struct *task,
		   const struct cpumask *mask);
bool nta_wait_for_mask(struct task_struct *task, const struct cpumask *mask,
		       struct cpumask *seen);
/* Wait until an event has happened so often. */
bool nta_wait_for_event(enum nta_event event, long count);
/* Wait until no worker has anything to do, for whichever thread; false if one always has. */
bool nta_wait_for_no_work(void);

/* The allocation with this number, counted from now, fails for this thread. */
void nta_fail_allocation(unsigned int number);
/* Whether that is still to come. */
bool nta_failure_is_left(void);
bool nta_allocations_can_fail(void);

#define NTA_NEEDS_FAILSLAB \
	"needs CONFIG_FAILSLAB with ignore-gfp-wait=N and verbose=0 in debugfs failslab"

/* Wait until a thread that ends has no entry any more. */
bool nta_wait_forgotten(const struct task_struct *task);

#endif /* NTA_KUNIT_HELPERS_H */
