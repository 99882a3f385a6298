// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user mode wants of a thread: one fact with one owner, the user mask of the
 * entry.
 *
 * When a thread is not active, what user mode wants is cpus_mask. While it is
 * active, whatever anybody else puts into cpus_mask is what user mode wants now,
 * with one exception, the mask that the scheduler makes up when all CPUs of a
 * thread are gone. A change is found in one of two ways:
 *
 *	by probes	watch.c calls nta_note_change() in the middle of it, with
 *			pi_lock held: nothing can come in between
 *	by looking	every way in asks nta_learn_user() first, which compares
 *			cpus_mask with the installed mask, and watch.c has it
 *			asked again and again for the threads that are active
 *
 * record_user() writes the user mask from cpus_mask; where what user mode asked
 * for never came to be seen there, take_kept_user_mask() and nta_note_request()
 * find it out in other ways.
 *
 * Whoever installs says so to the probes in "installer", so that they can tell our
 * own installs from others'. From nta_begin_install() to nta_install_done() lies
 * the commit of the new state: what others do in that time is a change like any
 * other, as if the thread were active already, or still.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "queue.h"
#include "report.h"
#include "system_affinity.h"
#include "thread.h"
#include "user_affinity.h"

/* Whether every change by others is told to nta_note_change(). */
static bool changes_are_noted;

/**
 * nta_is_held() - whether what others do to a thread's affinity is user mode's wish
 * @thread: the entry
 *
 * Context: any; exact where the thread's pi_lock is held.
 * Return: false if that is simply in force.
 */
bool nta_is_held(const struct nta_thread *thread)
{
	return thread->installer || thread->state.active;
}

/**
 * nta_is_in_force() - whether the kernel has what was installed last
 * @thread: the entry
 *
 * Context: any; the thread's pi_lock is held.
 * Return: whether it has.
 */
bool nta_is_in_force(struct nta_thread *thread)
{
	lockdep_assert_held(&thread->task->pi_lock);

	return test_bit(NTA_THREAD_IN_FORCE, &thread->flags) &&
	       cpumask_equal(&thread->task->cpus_mask,
			     nta_thread_installed(thread));
}

/*
 * cpus_mask is what user mode wants now. After a fallback on a kernel that keeps
 * the user's own mask, that is lost to the kernel and lives here alone: what
 * comes then without such a mask is a cpuset's, and bounds the user's.
 *
 * Returns whether that is news.
 */
static bool record_user(struct nta_thread *thread)
{
	struct cpumask *user = nta_thread_user(thread);
	struct cpumask *lost = nta_thread_lost(thread);
	struct task_struct *task = thread->task;
	u32 print = nta_user_print(task);
	bool news;

	lockdep_assert_held(&task->pi_lock);

	clear_bit(NTA_THREAD_FALLBACK, &thread->flags);
	if (print)
		clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
	if (test_bit(NTA_THREAD_USER_LOST, &thread->flags) &&
	    cpumask_and(user, lost, &task->cpus_mask))
		return false;

	news = print != thread->user_print ||
	       !cpumask_equal(user, &task->cpus_mask);
	thread->user_print = print;
	cpumask_copy(user, &task->cpus_mask);
	return news;
}

/* The kernel has dropped the mask of user mode: only we have it now. */
static void keep_lost_user(struct nta_thread *thread)
{
	if (!thread->user_print)
		return;
	cpumask_copy(nta_thread_lost(thread), nta_thread_user(thread));
	set_bit(NTA_THREAD_USER_LOST, &thread->flags);
	thread->user_print = 0;
}

/*
 * Whether cpus_mask is what the scheduler makes up for a thread whose CPUs are
 * all gone: every possible CPU, or in a cpuset the cpuset's, and since 6.2 it
 * drops the mask of user mode. Nobody has requested it, which probes show. User
 * mode itself cannot ask for an offline CPU, and some are offline now; that a
 * cpuset can is put right when its request has ended, see nta_note_request().
 */
static bool is_fallback(const struct nta_thread *thread, bool gone)
{
	if (!gone || nta_user_print(thread->task))
		return false;
	return thread->user_print ||
	       cpumask_equal(&thread->task->cpus_mask, cpu_possible_mask) ||
	       (READ_ONCE(changes_are_noted) && !atomic_read(&thread->requests));
}

/* Somebody else has changed cpus_mask, of a thread whose CPUs were all @gone. */
static void note_foreign(struct nta_thread *thread, bool gone)
{
	bool news = test_and_clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);

	if (is_fallback(thread, gone)) {
		keep_lost_user(thread);
		set_bit(NTA_THREAD_FALLBACK, &thread->flags);
	} else {
		news |= record_user(thread);
	}
	if (news)
		nta_report_foreign_change(thread->task, &thread->state.system);
}

/*
 * The same of a thread that is not active, and has not got its user affinity back
 * yet. What was due is superseded, but not by what nobody wants.
 */
static void note_while_due(struct nta_thread *thread, bool gone)
{
	if (!test_bit(NTA_THREAD_USER_DUE, &thread->flags))
		return;
	clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	if (is_fallback(thread, gone))
		keep_lost_user(thread);
	else
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
}

/* Whether no CPU of a mask is left. A dying CPU is left by kernel threads before all others. */
static bool all_cpus_gone(const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu_and(cpu, mask, cpu_active_mask) {
		if (!cpu_dying(cpu))
			return false;
	}
	return true;
}

/* Whether no CPU of what was installed last is active. */
static bool is_installed_gone(struct nta_thread *thread)
{
	return !cpumask_intersects(nta_thread_installed(thread), cpu_active_mask);
}

/**
 * nta_learn_user() - learn what user mode wants of a thread now
 * @thread: its entry; nobody installs for it
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_learn_user(struct nta_thread *thread)
{
	lockdep_assert_held(&thread->task->pi_lock);

	if (!thread->state.active) {
		/* Unless others have changed it since: seen, or seen now. */
		if (test_bit(NTA_THREAD_IN_FORCE, &thread->flags) &&
		    !nta_is_in_force(thread))
			note_while_due(thread, is_installed_gone(thread));
		if (test_bit(NTA_THREAD_USER_DUE, &thread->flags) &&
		    thread->user_print == nta_user_print(thread->task))
			return;
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
		clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
		record_user(thread);
	} else if (!test_bit(NTA_THREAD_IN_FORCE, &thread->flags)) {
		/* Not the first change since the install: was there another? */
		if (!READ_ONCE(changes_are_noted))
			note_foreign(thread,
				     nta_system_is_gone(thread,
							&thread->state.system) ||
				     test_bit(NTA_THREAD_DISPLACED,
					      &thread->flags));
	} else if (!nta_is_in_force(thread)) {
		note_foreign(thread, is_installed_gone(thread));
	} else if (thread->user_print != nta_user_print(thread->task)) {
		/* User mode asked for just the mask that is installed (U3). */
		record_user(thread);
		nta_report_foreign_change(thread->task, &thread->state.system);
	}
}

/*
 * User mode has asked for another mask since the last look, and it was not seen
 * what came out: cpus_mask is what we made of it in the meantime.
 *
 * With probes that means that nothing came out: the outcome was the mask in
 * force, either the user's, which then is in what was asked for, or ours.
 * Without them what was asked for is all there is; what a cpuset would leave of
 * it is not to be had.
 */
static void take_kept_user_mask(struct nta_thread *thread)
{
	const struct cpumask *kept = nta_kept_user_mask(thread->task);
	struct cpumask *user = nta_thread_user(thread);

	if (!kept) {
		keep_lost_user(thread);
		return;
	}
	thread->user_print = nta_user_print(thread->task);
	clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
	if (!READ_ONCE(changes_are_noted)) {
		cpumask_copy(user, kept);
	} else if (!cpumask_subset(user, kept)) {
		if (cpumask_subset(&thread->task->cpus_mask, kept))
			cpumask_copy(user, &thread->task->cpus_mask);
	} else {
		return;
	}
	nta_report_foreign_change(thread->task, &thread->state.system);
}

/* --- around an install --- */

/**
 * nta_begin_install() - start an install
 * @thread: the entry, owned by the caller
 * @expected: for which state an installer does it who is not the thread; or NULL.
 *	If that has a system affinity, it is made the request.
 *
 * From here to nta_install_done() changes by others are noted even if the thread
 * is not active.
 *
 * Context: process.
 * Return: false if the thread has another state by now: then nothing is begun.
 */
bool nta_begin_install(struct nta_thread *thread,
		       const struct nta_state *expected)
{
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool begun = false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (!expected || nta_state_equal(&thread->state, expected)) {
		nta_learn_user(thread);
		WRITE_ONCE(thread->installer, current);
		if (current != task)
			set_bit(NTA_THREAD_LATE, &thread->flags);
		if (expected && expected->active)
			nta_system_to_cpumask(thread, &expected->system,
					      nta_thread_request(thread));
		begun = true;
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return begun;
}

/**
 * nta_record_installed() - what the kernel has now is what is installed
 * @thread: the entry
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_record_installed(struct nta_thread *thread)
{
	cpumask_copy(nta_thread_installed(thread), &thread->task->cpus_mask);
	set_bit(NTA_THREAD_IN_FORCE, &thread->flags);
}

/**
 * nta_end_install() - read back what the kernel made of a request
 * @thread: the entry, owned by the caller
 * @is_system: whether the request was a system affinity
 *
 * Context: process.
 * Return: whether the system affinity is in force.
 */
bool nta_end_install(struct nta_thread *thread, bool is_system)
{
	struct task_struct *task = thread->task;
	const struct cpumask *now = &task->cpus_mask;
	unsigned long flags;
	bool in_force;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (thread->user_print != nta_user_print(task)) {
		/* Seen by no probe: was it before our install, or after? */
		if (cpumask_subset(now, nta_thread_request(thread)))
			take_kept_user_mask(thread);
		else
			note_foreign(thread, false);
	}
	clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	if (is_system && nta_is_request_in_force(thread)) {
		nta_record_installed(thread);
		clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	} else if (is_system && !READ_ONCE(changes_are_noted) &&
		   !thread->state.active &&
		   cpumask_intersects(nta_thread_request(thread),
				      cpu_active_mask)) {
		/* Reverted meanwhile, and somebody else has the last word. */
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
		record_user(thread);
	}
	in_force = test_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return in_force;
}

/**
 * nta_request_state() - make what a thread's state says the request
 * @thread: the entry, owned by the caller
 *
 * Context: process.
 * Return: whether that is a system affinity, and not the user affinity.
 */
bool nta_request_state(struct nta_thread *thread)
{
	struct cpumask *request = nta_thread_request(thread);
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool is_system;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	is_system = thread->state.active;
	if (is_system)
		nta_system_to_cpumask(thread, &thread->state.system, request);
	else
		cpumask_copy(request, nta_thread_user(thread));
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return is_system;
}

/**
 * nta_user_has_changed() - whether the user affinity is not what was installed for it
 * @thread: the entry, owned by the caller
 *
 * Context: process.
 * Return: whether it is another by now. The next request is then ready.
 */
bool nta_user_has_changed(struct nta_thread *thread)
{
	struct cpumask *request = nta_thread_request(thread);
	struct cpumask *user = nta_thread_user(thread);
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool changed;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (thread->user_print != nta_user_print(task) &&
	    cpumask_subset(&task->cpus_mask, request))
		take_kept_user_mask(thread);
	/* What came after our install is in force already. */
	changed = !cpumask_equal(request, user) &&
		  !cpumask_equal(&task->cpus_mask, user);
	cpumask_copy(request, user);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return changed;
}

/**
 * nta_request_user() - make the user affinity the request
 * @thread: the entry, owned by the caller
 *
 * Context: process.
 */
void nta_request_user(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(nta_thread_request(thread), nta_thread_user(thread));
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/**
 * nta_install_done() - the outcome of an install is committed
 * @thread: the entry, owned by the caller
 *
 * Context: process.
 */
void nta_install_done(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	WRITE_ONCE(thread->installer, NULL);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_install_done);

/* --- changes by others --- */

/**
 * nta_note_change() - the affinity of a thread was changed
 * @thread: its entry
 * @before: what cpus_mask was
 *
 * Context: any; the thread's pi_lock is held, and maybe run queue locks.
 */
void nta_note_change(struct nta_thread *thread, const struct cpumask *before)
{
	struct nta_changes *changes = &thread->changes;
	struct task_struct *task = thread->task;

	if (cpumask_equal(before, &task->cpus_mask))
		return;
	WRITE_ONCE(changes->all, changes->all + 1);
	/* An interrupt that wakes the thread can come to a fallback of its own. */
	if (thread->installer == current && in_task())
		return;
	WRITE_ONCE(changes->foreign, changes->foreign + 1);
	if (!nta_is_held(thread)) {
		note_while_due(thread, all_cpus_gone(before));
		return;
	}
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return;

	note_foreign(thread, all_cpus_gone(before));
	nta_apply_soon(thread);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_change);

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
 * nta_count_changes() - how often nta_note_change() has seen a change
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
 * partition would.
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
	struct cpumask *user = nta_thread_user(thread);
	struct task_struct *task = thread->task;
	const struct cpumask *now = &task->cpus_mask;
	const struct cpumask *installed = nta_thread_installed(thread);
	const struct cpumask *got = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (!asked)
		asked = nta_kept_user_mask(task);
	if (!asked || test_bit(NTA_THREAD_BOUND, &thread->flags))
		goto unlock;

	if (changes->foreign != counts->foreign) {
		/* It was he, and not the scheduler: cpusets can do that. */
		if (changes->all == counts->all + 1 && nta_is_held(thread) &&
		    test_bit(NTA_THREAD_FALLBACK, &thread->flags))
			record_user(thread);
	} else if (changes->all == counts->all) {
		if (nta_is_held(thread) && record_user(thread))
			nta_report_foreign_change(task, &thread->state.system);
		if (!nta_is_held(thread) &&
		    test_and_clear_bit(NTA_THREAD_USER_DUE, &thread->flags)) {
			record_user(thread);
			clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
		}
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
	cpumask_copy(user, got);
	nta_report_foreign_change(task, &thread->state.system);
	if (!nta_is_held(thread) && !cpumask_equal(user, now)) {
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
		nta_apply_soon(thread);
	}
unlock:
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_request);

/**
 * nta_changes_are_noted() - whether nta_note_change() is told of every change
 * @noted: whether it is; not so until this is called
 *
 * Context: process.
 */
void nta_changes_are_noted(bool noted)
{
	WRITE_ONCE(changes_are_noted, noted);
}

/**
 * nta_look_after() - find out what no probe has told
 * @thread: the entry, which cannot go away meanwhile
 *
 * Context: any.
 * Return: whether the thread is active.
 */
bool nta_look_after(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool active;

	/* data_race: who becomes active right now asks for a look afterwards. */
	if (!data_race(nta_is_held(thread)))
		return false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	active = nta_is_held(thread);
	/* Who installs will look for himself. */
	if (thread->state.active && !thread->installer &&
	    !test_bit(NTA_THREAD_BOUND, &thread->flags)) {
		nta_learn_user(thread);
		if (!nta_is_left_alone(thread) &&
		    (!test_bit(NTA_THREAD_IN_FORCE, &thread->flags) ||
		     test_bit(NTA_THREAD_PENDING, &thread->flags)) &&
		    !test_bit(NTA_THREAD_GIVEN_UP, &thread->flags) &&
		    (!test_bit(NTA_THREAD_DISPLACED, &thread->flags) ||
		     !nta_system_is_gone(thread, &thread->state.system)))
			nta_apply_soon(thread);
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return active;
}
EXPORT_SYMBOL_IF_KUNIT(nta_look_after);
