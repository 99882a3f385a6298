// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others do to the affinity of a thread, as watch.c's probes tell it.
 *
 * A change is told when it begins, with pi_lock held. What comes out of it is seen
 * by whoever takes that lock next, or makes the next change: see
 * user_affinity.c.
 *
 * A request for a mask that is in force already changes nothing, but is what user
 * mode wants now. Requests come in two ways, by set_cpus_allowed_ptr(), where the
 * mask that is asked for is final, and by sched_setaffinity(), where a cpuset may
 * leave a part of it. The first is told when it begins: either the kernel will find
 * the mask in force, or it will change cpus_mask, or we put just that mask in force
 * before it looks; so it is remembered until one of these has happened. The second
 * is told when it has ended, and it is compared with what was there before.
 */
#include <linux/atomic.h>
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "foreign.h"
#include "queue.h"
#include "report.h"
#include "system_affinity.h"
#include "thread.h"
#include "user_affinity.h"

/*
 * Requests under way for threads that had no entry when they began. Who shares a place
 * with a thread may make what the scheduler does look like somebody's wish.
 */
static atomic_t early_requests[BIT(NTA_EARLY_BITS)];

static atomic_t *early_requests_for(const struct task_struct *task)
{
	return &early_requests[hash_ptr(task, NTA_EARLY_BITS)];
}

/**
 * nta_count_request() - a request has begun or has ended, as return probes see it
 * @task: the thread
 * @thread: its entry when it began; NULL if there was none
 * @change: 1 or -1
 *
 * Context: any.
 */
void nta_count_request(const struct task_struct *task, struct nta_thread *thread,
		       int change)
{
	atomic_add(change,
		   thread ? &thread->requests : early_requests_for(task));
}
EXPORT_SYMBOL_IF_KUNIT(nta_count_request);

/*
 * Whether no CPU of a mask is left. A dying CPU is left by kernel threads before
 * all others.
 */
static bool all_cpus_gone(const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask) {
		if (cpu_active(cpu) && !cpu_dying(cpu))
			return false;
	}
	return true;
}

/**
 * nta_note_change() - the affinity of a thread is about to be changed
 * @thread: its entry
 * @in_thread: by current, and not by an interrupt, which can come to a fallback of
 *	its own when it wakes the thread
 *
 * Context: any, maybe as in an NMI; the thread's pi_lock is held, and maybe run
 * queue locks.
 */
void nta_note_change(struct nta_thread *thread, bool in_thread)
{
	struct nta_changes *changes = &thread->changes;

	nta_settle(thread);
	WRITE_ONCE(changes->all, changes->all + 1);
	if (thread->installer == current && in_thread)
		return;

	nta_forget_asked(thread->task);
	WRITE_ONCE(changes->foreign, changes->foreign + 1);
	assign_bit(NTA_THREAD_CHANGED_GONE, &thread->flags,
		   all_cpus_gone(&thread->task->cpus_mask));
	assign_bit(NTA_THREAD_CHANGED_REQUEST, &thread->flags,
		   thread->requester == current && in_thread);
	assign_bit(NTA_THREAD_CHANGED_ALONE, &thread->flags,
		   !atomic_read(&thread->requests) &&
		   !atomic_read(early_requests_for(thread->task)));
	set_bit(NTA_THREAD_CHANGED, &thread->flags);
	if (thread->requester == current)
		thread->requester = NULL;
	if (nta_is_held(thread) &&
	    !test_bit(NTA_THREAD_BOUND, &thread->flags))
		nta_apply_soon(thread);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_change);

/* The mask in force is what somebody else wants now. */
static void note_equal(struct nta_thread *thread)
{
	if (nta_is_held(thread)) {
		if (nta_record_user(thread))
			nta_report_foreign_change(thread->task,
						  &thread->state.system);
	} else if (test_and_clear_bit(NTA_THREAD_USER_DUE, &thread->flags)) {
		nta_record_user(thread);
		clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	}
}

/* --- set_cpus_allowed_ptr() --- */

/* Whether the kernel will refuse it: then nobody gets what he asks for. */
static bool is_refused(const struct task_struct *task,
		       const struct cpumask *asked)
{
	/* PF_KTHREAD never changes, its neighbours in the word do. */
	const struct cpumask *valid = READ_ONCE(task->flags) & PF_KTHREAD ?
				      cpu_online_mask : cpu_active_mask;
	const struct cpumask *kept = nta_kept_user_mask(task);
	unsigned int cpu;

	lockdep_assert_held(&task->pi_lock);

	if (!kept || !cpumask_intersects(asked, kept))
		/* data_race: a processor that comes or goes does so afterwards. */
		return !data_race(cpumask_intersects(asked, valid));
	/* Where they meet the kernel takes what both have. */
	for_each_cpu_and(cpu, asked, kept) {
		/* data_race: likewise. */
		if (data_race(cpumask_test_cpu(cpu, valid)))
			return false;
	}
	return true;
}

/**
 * nta_note_asked() - somebody else is about to ask the kernel for an affinity
 * @thread: the thread's entry
 * @asked: the mask he asks for
 *
 * Context: any; no lock of the scheduler is held.
 */
void nta_note_asked(struct nta_thread *thread, const struct cpumask *asked)
{
	unsigned long flags = nta_lock_affinity(thread);

	if (test_bit(NTA_THREAD_BOUND, &thread->flags) ||
	    is_refused(thread->task, asked))
		goto unlock;

	if (nta_is_made_of(thread->task, asked)) {
		note_equal(thread);
	} else {
		thread->requester = current;
		thread->asked_print =
			nta_print_of(asked, nta_kept_user_mask(thread->task));
	}
unlock:
	nta_unlock_affinity(thread, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_asked);

/*
 * What somebody is about to ask for a thread that has no entry. It may get one, and
 * put just that mask in force, before the kernel looks; so whoever makes the entry
 * looks here. Few are under way at a time, and one that another takes the place of
 * is merely not remembered.
 *
 * The ask of a task is written, taken and forgotten with its pi_lock held; "lock" is
 * for tasks that share the place. To forget takes no lock: a probe may be a trap,
 * which for lockdep is like an NMI.
 */
struct ask {
	raw_spinlock_t lock;
	const struct task_struct *task;
	u64 born;	/* another task may have its address by now */
	const struct task_struct *requester;
	u32 print;
};

#define ASKS_BITS 4

static struct ask asks[BIT(ASKS_BITS)] = {
	[0 ... BIT(ASKS_BITS) - 1] = {
		.lock = __RAW_SPIN_LOCK_UNLOCKED(asks.lock),
	},
};

static struct ask *ask_of(const struct task_struct *task)
{
	return &asks[hash_ptr(task, ASKS_BITS)];
}

/**
 * nta_note_asked_early() - the same for a thread that has no entry yet
 * @task: the thread
 * @asked: the mask that somebody else asks for
 *
 * Context: any; no lock of the scheduler is held. rcu_read_lock() is.
 */
void nta_note_asked_early(struct task_struct *task, const struct cpumask *asked)
{
	struct ask *ask = ask_of(task);
	struct nta_thread *thread;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	/* Who makes the entry takes this lock afterwards. */
	thread = nta_thread_find_rcu(task);
	if (!thread && !is_refused(task, asked) &&
	    /* As a clone asks for what it has already: not of interest. */
	    !nta_is_made_of(task, asked)) {
		raw_spin_lock(&ask->lock);
		WRITE_ONCE(ask->task, NULL);
		ask->born = task->start_time;
		ask->requester = current;
		ask->print = nta_print_of(asked, nta_kept_user_mask(task));
		WRITE_ONCE(ask->task, task);
		raw_spin_unlock(&ask->lock);
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	if (thread)
		nta_note_asked(thread, asked);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_asked_early);

/**
 * nta_forget_asked() - the affinity of a thread is about to be changed by others
 * @task: the thread
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_forget_asked(const struct task_struct *task)
{
	struct ask *ask = ask_of(task);

	if (unlikely(READ_ONCE(ask->task) == task))
		cmpxchg(&ask->task, task, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(nta_forget_asked);

/* Find out what was asked for a thread before it had an entry. */
static void note_made(struct nta_thread *thread)
{
	unsigned long flags = nta_lock_affinity(thread);
	struct task_struct *task = thread->task;
	struct ask *ask = ask_of(task);

	raw_spin_lock(&ask->lock);
	if (READ_ONCE(ask->task) == task && ask->born == task->start_time &&
	    ask->print != nta_print_of(&task->cpus_mask, NULL)) {
		thread->requester = ask->requester;
		thread->asked_print = ask->print;
	}
	raw_spin_unlock(&ask->lock);
	nta_forget_asked(task);
	nta_unlock_affinity(thread, flags);
}

/**
 * nta_make_own_entry() - give the calling thread its entry
 * @gfp: what the context allows
 *
 * Context: any that @gfp allows; the thread has none.
 * Return: the entry; NULL if there is no memory.
 */
struct nta_thread *nta_make_own_entry(gfp_t gfp)
{
	struct nta_thread *thread = nta_thread_make(current, gfp);

	if (thread)
		note_made(thread);
	return thread;
}

/**
 * nta_answer_requester() - we have put a mask in force: perhaps what somebody asked for
 * @thread: the entry, owned by the caller, with a requester
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_answer_requester(struct nta_thread *thread)
{
	if (thread->asked_print != nta_print_of(&thread->task->cpus_mask, NULL))
		return;
	thread->requester = NULL;
	note_equal(thread);
}

/* --- sched_setaffinity(), and what is seen of the others by a return probe --- */

/**
 * nta_is_installing() - whether current installs for a thread just now
 * @thread: the entry
 *
 * Context: any; takes no lock, see nta_count_changes().
 * Return: whether it does.
 */
bool nta_is_installing(const struct nta_thread *thread)
{
	/* Nobody else writes current there, or takes it away. */
	return READ_ONCE(thread->installer) == current;
}

/**
 * nta_count_changes() - how often nta_note_change() was called
 * @thread: the entry
 *
 * Context: any. Takes no lock: a probe at a function's entry may be a trap, which
 * for lockdep is like an NMI.
 * Return: the counts.
 */
struct nta_changes nta_count_changes(const struct nta_thread *thread)
{
	return (struct nta_changes){
		.all = READ_ONCE(thread->changes.all),
		.foreign = READ_ONCE(thread->changes.foreign),
	};
}
EXPORT_SYMBOL_IF_KUNIT(nta_count_changes);

/*
 * Whether nothing narrows what is asked for: in the root cpuset only an isolated
 * partition would, and on 6.1 a processor that is offline.
 */
static bool in_root_cpuset(struct task_struct *task)
{
	bool is_root = true;

#ifdef CONFIG_CPUSETS
	rcu_read_lock();
	is_root = !task_css(task, cpuset_cgrp_id)->parent;
	rcu_read_unlock();
#endif
	return is_root;
}

/**
 * nta_note_request() - somebody else asked the kernel for an affinity and got it
 * @thread: the thread's entry
 * @counts: nta_count_changes() from before
 * @before: cpus_mask from before
 * @asked: the mask he asked for; NULL if it is the one that the kernel keeps
 *
 * If no change by others was seen meanwhile, what he got is just the mask that
 * the thread had. That changes nothing in cpus_mask, but it is what user mode
 * wants now. If we have changed cpus_mask meanwhile it is to be found out which
 * it was. Not by what he asked for: a cpuset may have left a part of it.
 *
 * Context: any; no lock of the scheduler is held.
 */
void nta_note_request(struct nta_thread *thread,
		      const struct nta_changes *counts,
		      const struct cpumask *before, const struct cpumask *asked)
{
	struct nta_changes *changes = &thread->changes;
	unsigned long flags = nta_lock_affinity(thread);
	struct task_struct *task = thread->task;
	const struct cpumask *now = &task->cpus_mask;
	const struct cpumask *installed = nta_thread_installed(thread);
	const struct cpumask *user = nta_thread_user(thread);
	const struct cpumask *got = NULL;

	if (!asked)
		asked = nta_kept_user_mask(task);
	if (!asked || test_bit(NTA_THREAD_BOUND, &thread->flags))
		goto unlock;

	if (changes->foreign != counts->foreign) {
		/* It was he, and not the scheduler: cpusets can do that. */
		if (changes->all == counts->all + 1 && nta_is_held(thread) &&
		    test_bit(NTA_THREAD_FALLBACK, &thread->flags))
			nta_record_user(thread);
	} else if (changes->all == counts->all) {
		note_equal(thread);
	} else if (in_root_cpuset(task) &&
		   (cpumask_equal(before, asked) || cpumask_equal(now, asked) ||
		    cpumask_equal(installed, asked))) {
		/* So he got just that. */
		got = asked;
	} else if (cpumask_subset(user, asked)) {
		/* As user mode has it: that was in the cpuset, so it is all of it. */
		thread->user_print = nta_user_print(task);
	} else if (cpumask_subset(now, asked)) {
		got = now;
	} else if (!cpumask_empty(before) && cpumask_subset(before, asked)) {
		got = before;
	} else if (cpumask_weight(asked) == 1) {
		got = asked;
	} else if (!cpumask_empty(installed) &&
		   cpumask_subset(installed, asked)) {
		/* A whole Set and Revert lay in between. */
		got = installed;
	}

	if (!got)
		goto unlock;
	thread->user_print = nta_user_print(task);
	cpumask_copy(nta_user_to_write(thread), got);
	nta_report_foreign_change(task, &thread->state.system);
	if (!nta_is_held(thread) &&
	    !cpumask_equal(nta_thread_user(thread), now)) {
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
		nta_apply_soon(thread);
	}
unlock:
	nta_unlock_affinity(thread, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_request);
