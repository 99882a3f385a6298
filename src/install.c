// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has to be kept in mind around an install: each function here is one section
 * under the thread's pi_lock.
 *
 * Whoever installs says so in "installer", so that our own installs are told from
 * others' changes. From the beginning to the end of an install, which is where the
 * new state is committed, what others do is a change like any other, as if the
 * thread were active already, or still.
 */
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat.h"
#include "foreign.h"
#include "install.h"
#include "mask.h"
#include "queue.h"
#include "report.h"
#include "system_affinity.h"
#include "thread.h"
#include "topology.h"
#include "user_affinity.h"

/*
 * Per-CPU kworkers, ksoftirqd and their like: the code that owns them relies on
 * where they are, and a bound kworker that sleeps elsewhere can corrupt its
 * pool's count of running workers (T2).
 *
 * A threaded interrupt handler runs on the one processor that takes the interrupt,
 * and on newer kernels user mode may not move it either. It relies on neither (T1),
 * and nothing but its name tells it from the others.
 */
static bool is_bound_kthread(struct nta_thread *thread)
{
	return (thread->task->flags & PF_NO_SETAFFINITY) &&
	       cpumask_weight(nta_thread_user(thread)) == 1 &&
	       strncmp(thread->task->comm, "irq/", 4) != 0;
}

/**
 * nta_judge_bound() - find out whether a thread is never to be moved (T2)
 * @thread: current's entry, before it becomes active
 *
 * Context: any; what user mode wants of it has been learnt.
 */
void nta_judge_bound(struct nta_thread *thread)
{
	if ((thread->task->flags & PF_KTHREAD) && !thread->state.active)
		assign_bit(NTA_THREAD_BOUND, &thread->flags,
			   is_bound_kthread(thread));
}

/* The mask to hand to the kernel for a system affinity. */
static __always_inline const struct cpumask *
request_system(struct nta_thread *thread, const struct nta_affinity *system)
{
	struct cpumask *request;

	/* The kernel has the masks of single processors ready. */
	if (is_power_of_2(system->mask) && !nta_is_several(system))
		return cpumask_of(nta_first_cpu(&nta_topology, system->group) +
				  __ffs64(system->mask));
	request = nta_thread_installed(thread);
	nta_system_to_cpumask(thread, system, request);
	return request;
}

/* The same for the user affinity. */
static const struct cpumask *request_user(struct nta_thread *thread)
{
	set_bit(NTA_THREAD_LENT, &thread->flags);
	return nta_thread_user(thread);
}

static __always_inline void begin(struct nta_thread *thread)
{
	nta_learn_user(thread);
	WRITE_ONCE(thread->installer, current);
	if (current != thread->task)
		set_bit(NTA_THREAD_LATE, &thread->flags);
	else if (test_bit(NTA_THREAD_LATE, &thread->flags))
		clear_bit(NTA_THREAD_LATE, &thread->flags);
}

/* The state is another from now on. */
static __always_inline void commit(struct nta_thread *thread,
				   const struct nta_state *next)
{
	lockdep_assert_held(&thread->task->pi_lock);

	if (test_bit(NTA_THREAD_PENDING, &thread->flags))
		clear_bit(NTA_THREAD_PENDING, &thread->flags);
	if (next->active && test_bit(NTA_THREAD_USER_DUE, &thread->flags))
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	thread->state = *next;
	WRITE_ONCE(thread->generation, thread->generation + 1);
}

/**
 * nta_begin_system() - start to install a system affinity for the calling thread
 * @thread: its entry, owned by the caller
 * @system: the system affinity, trimmed
 *
 * Context: process.
 * Return: the mask to hand to the kernel.
 */
const struct cpumask *nta_begin_system(struct nta_thread *thread,
				       const struct nta_affinity *system)
{
	unsigned long flags = nta_lock_affinity(thread);
	const struct cpumask *request;

	begin(thread);
	nta_judge_bound(thread);
	request = request_system(thread, system);
	nta_unlock_affinity(thread, flags);
	return request;
}

/**
 * nta_begin_user() - start to install the user affinity
 * @thread: the entry, owned by the caller
 *
 * Context: process.
 * Return: the mask to hand to the kernel.
 */
const struct cpumask *nta_begin_user(struct nta_thread *thread)
{
	unsigned long flags = nta_lock_affinity(thread);
	const struct cpumask *request;

	begin(thread);
	if (test_bit(NTA_THREAD_USER_DUE, &thread->flags))
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	request = request_user(thread);
	nta_unlock_affinity(thread, flags);
	return request;
}

/**
 * nta_begin_state() - start to install for another thread what its state says
 * @thread: the entry, owned by the caller
 * @expected: what it said when the caller looked
 *
 * Context: process.
 * Return: the mask to hand to the kernel; NULL if the thread has another state by
 * now: then nothing is begun.
 */
const struct cpumask *nta_begin_state(struct nta_thread *thread,
				      const struct nta_state *expected)
{
	unsigned long flags = nta_lock_affinity(thread);
	const struct cpumask *request = NULL;

	if (nta_state_equal(&thread->state, expected)) {
		begin(thread);
		if (expected->active) {
			request = request_system(thread, &expected->system);
		} else {
			clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
			request = request_user(thread);
		}
	}
	nta_unlock_affinity(thread, flags);
	return request;
}

/**
 * nta_is_stuck() - whether a thread runs outside of what we asked for
 * @task: the thread
 * @mask: the mask that was handed to the kernel
 *
 * Context: any; no lock of the scheduler is held.
 * Return: false if it is to wake up yet: then it wakes inside; or if somebody else has put
 * another mask in force, which may have just begun to move it.
 */
bool nta_is_stuck(struct task_struct *task, const struct cpumask *mask)
{
	unsigned long flags;
	bool stuck;

	/* Who sleeps cannot wake up meanwhile. */
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	stuck = !cpumask_test_cpu(task_cpu(task), &task->cpus_mask) &&
		/* data_race: who goes to sleep right now does so afterwards. */
		data_race(task->on_rq) && nta_is_made_of(task, mask);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return stuck;
}
EXPORT_SYMBOL_IF_KUNIT(nta_is_stuck);

/**
 * nta_narrow_system() - leave out of a refused request what no thread can run on
 * @thread: the entry, owned by the caller
 * @request: what was handed to the kernel for a system affinity
 *
 * Since 6.2 the kernel cuts a request with the mask that user mode set before it looks
 * for an active processor. If those of that mask are all offline it refuses the
 * request, though others of it are active. Those alone it does not cut: they have
 * nothing in common with user mode's.
 *
 * Context: process.
 * Return: the mask to hand to the kernel; NULL if that would be no other.
 */
const struct cpumask *nta_narrow_system(struct nta_thread *thread,
					const struct cpumask *request)
{
	struct cpumask *narrower = nta_thread_installed(thread);
	unsigned long flags;
	bool any;

	/* A single processor: one of the kernel's own masks. */
	if (request != narrower)
		return NULL;

	flags = nta_lock_affinity(thread);
	/* data_race: a processor that comes or goes right now does so afterwards. */
	any = data_race(cpumask_and(narrower, request, cpu_active_mask));
	if (any)
		set_bit(NTA_THREAD_NARROWED, &thread->flags);
	nta_unlock_affinity(thread, flags);
	if (!any)
		return NULL;
	nta_look_in_a_second();
	return narrower;
}

/**
 * nta_record_installed() - what the kernel has now is what is installed
 * @thread: the entry
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_record_installed(struct nta_thread *thread)
{
	nta_mask_copy(nta_thread_installed(thread), &thread->task->cpus_mask);
	if (!test_bit(NTA_THREAD_IN_FORCE, &thread->flags))
		set_bit(NTA_THREAD_IN_FORCE, &thread->flags);
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
	const struct cpumask *now = &thread->task->cpus_mask;

	if (!kept) {
		nta_keep_lost_user(thread);
		return;
	}
	thread->user_print = nta_user_print(thread->task);
	clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
	if (!nta_changes_are_noted()) {
		cpumask_copy(nta_user_to_write(thread), kept);
	} else if (!cpumask_subset(nta_thread_user(thread), kept)) {
		if (cpumask_subset(now, kept))
			cpumask_copy(nta_user_to_write(thread), now);
	} else {
		return;
	}
	nta_report_foreign_change(thread->task, &thread->state.system);
}

/* The same, where it is not known either whether what is in force is ours. */
static void take_unseen(struct nta_thread *thread, bool is_ours)
{
	if (is_ours)
		take_kept_user_mask(thread);
	else
		nta_note_unseen(thread);
}

/**
 * nta_learn_meanwhile() - learn what user mode wants, though somebody installs
 * @thread: current's entry
 *
 * Who installs learns when he is done what no probe has told. Who cannot wait for
 * that sees it by the mask that the kernel keeps. The user mask and its print are
 * pi_lock's, so he then finds it learnt; what he was lent is left as it is.
 *
 * Context: any; in nta_lock_affinity().
 */
void nta_learn_meanwhile(struct nta_thread *thread)
{
	const struct cpumask *now = &thread->task->cpus_mask;

	lockdep_assert_held(&thread->task->pi_lock);

	if (!thread->installer ||
	    thread->user_print == nta_user_print(thread->task))
		return;
	take_unseen(thread, thread->state.active ?
			    nta_system_contains(thread, &thread->state.system,
						now) :
			    cpumask_subset(now, nta_thread_user(thread)));
}

/**
 * nta_end_system() - a system affinity was installed: what has become of it?
 * @thread: the entry, owned by the caller
 * @request: what was handed to the kernel
 * @next: the state from now on; NULL if it stays
 *
 * Context: process.
 * Return: whether it is in force.
 */
bool nta_end_system(struct nta_thread *thread, const struct cpumask *request,
		    const struct nta_state *next)
{
	unsigned long flags = nta_lock_affinity(thread);
	struct task_struct *task = thread->task;
	bool in_force;

	/* Seen by no probe: was it before our install, or after? */
	if (thread->user_print != nta_user_print(task))
		take_unseen(thread, cpumask_subset(&task->cpus_mask, request));
	nta_note_answer(thread);
	in_force = nta_is_request_in_force(thread, request);
	if (in_force) {
		nta_record_installed(thread);
		if (test_bit(NTA_THREAD_DISPLACED, &thread->flags))
			clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	} else {
		clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
		/* Reverted meanwhile, and somebody else has the last word? */
		if (!nta_changes_are_noted() && !thread->state.active && !next &&
		    nta_any_active(request)) {
			clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
			nta_record_user(thread);
		}
	}
	if (next)
		commit(thread, next);
	WRITE_ONCE(thread->installer, NULL);
	nta_unlock_affinity(thread, flags);
	return in_force;
}

/**
 * nta_cancel_system() - a system affinity was not installed, and nothing has changed
 * @thread: the entry, owned by the caller
 * @pending: it still is to be
 *
 * Context: process.
 */
void nta_cancel_system(struct nta_thread *thread, bool pending)
{
	unsigned long flags = nta_lock_affinity(thread);

	/* The request has taken its place. */
	if (test_bit(NTA_THREAD_IN_FORCE, &thread->flags)) {
		if (nta_changes_are_noted() || !thread->state.active ||
		    nta_is_system_in_force(thread, &thread->state.system))
			nta_record_installed(thread);
		else
			nta_note_unseen(thread);
	}
	if (pending)
		set_bit(NTA_THREAD_PENDING, &thread->flags);
	WRITE_ONCE(thread->installer, NULL);
	nta_unlock_affinity(thread, flags);
}

/**
 * nta_end_anywhere() - no system affinity could be installed, but any processor was
 * @thread: the entry, owned by the caller
 *
 * That is ours, and what the state says is still to be installed.
 *
 * Context: process.
 */
void nta_end_anywhere(struct nta_thread *thread)
{
	unsigned long flags = nta_lock_affinity(thread);

	nta_note_answer(thread);
	/* data_race: if a processor has gone or come since, it looks like another's. */
	if (data_race(nta_is_made_of(thread->task, cpu_active_mask)))
		nta_record_installed(thread);
	set_bit(NTA_THREAD_PENDING, &thread->flags);
	WRITE_ONCE(thread->installer, NULL);
	nta_unlock_affinity(thread, flags);
}

/**
 * nta_undo() - what to install after a Set that has failed halfway
 * @thread: the entry, owned by the caller
 * @is_system: receives whether that is a system affinity
 *
 * Context: process.
 * Return: the mask to hand to the kernel.
 */
const struct cpumask *nta_undo(struct nta_thread *thread, bool *is_system)
{
	unsigned long flags = nta_lock_affinity(thread);
	const struct cpumask *request;

	*is_system = thread->state.active;
	/* What was installed before is not there any more. */
	clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	request = *is_system ? request_system(thread, &thread->state.system) :
			       request_user(thread);
	nta_unlock_affinity(thread, flags);
	return request;
}

/*
 * Whether the user affinity is another than what was handed to the kernel for it. If
 * that was none, what is in force is no answer to it, nor may it be told from another's.
 */
static bool has_changed(struct nta_thread *thread, const struct cpumask *request)
{
	const struct cpumask *user;

	if (!request)
		return true;
	if (thread->user_print != nta_user_print(thread->task) &&
	    cpumask_subset(&thread->task->cpus_mask, request))
		take_kept_user_mask(thread);
	user = nta_thread_user(thread);
	return user != request && !nta_mask_equal(user, request);
}

/**
 * nta_renew_user() - whether the user affinity has changed during its install
 * @thread: the entry, owned by the caller
 * @request: what was handed to the kernel
 *
 * Context: process.
 * Return: the mask to hand to the kernel now; NULL if it has not changed.
 */
const struct cpumask *nta_renew_user(struct nta_thread *thread,
				     const struct cpumask *request)
{
	unsigned long flags = nta_lock_affinity(thread);

	request = has_changed(thread, request) ? request_user(thread) : NULL;
	nta_unlock_affinity(thread, flags);
	return request;
}

/**
 * nta_end_user() - the user affinity was installed
 * @thread: the entry, owned by the caller
 * @request: what was handed to the kernel; NULL if that was not the user affinity
 * @next: the state from now on; NULL if it stays
 * @again: whether the caller installs what user mode wants by now; else, if that
 *	is not in force, a worker does
 *
 * Context: process.
 * Return: the mask to hand to the kernel now; NULL if the install has ended.
 */
const struct cpumask *nta_end_user(struct nta_thread *thread,
				   const struct cpumask *request,
				   const struct nta_state *next, bool again)
{
	unsigned long flags = nta_lock_affinity(thread);
	/* What came after our install is in force already. */
	bool changed = has_changed(thread, request) &&
		       !nta_mask_equal(nta_thread_user(thread),
				       &thread->task->cpus_mask);

	if (changed && again) {
		request = request_user(thread);
		nta_unlock_affinity(thread, flags);
		return request;
	}
	if (test_bit(NTA_THREAD_LENT, &thread->flags))
		clear_bit(NTA_THREAD_LENT, &thread->flags);
	nta_note_answer(thread);
	/* Nothing of ours is in force any more, whatever becomes of the state. */
	if (test_bit(NTA_THREAD_IN_FORCE, &thread->flags))
		clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	if (next)
		commit(thread, next);
	/* Not at an unload: then what was installed is hardly any older. */
	changed = changed && !test_bit(NTA_THREAD_TAKEN, &thread->flags);
	if (changed)
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
	WRITE_ONCE(thread->installer, NULL);
	nta_unlock_affinity(thread, flags);
	if (changed)
		nta_apply_soon(thread);
	return NULL;
}

/**
 * nta_owe_user() - the user affinity was not installed, and still is to be
 * @thread: the entry, owned by the caller, which is not active
 *
 * Context: any; no lock of the scheduler is held.
 */
void nta_owe_user(struct nta_thread *thread)
{
	unsigned long flags = nta_lock_affinity(thread);

	clear_bit(NTA_THREAD_LENT, &thread->flags);
	clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	set_bit(NTA_THREAD_USER_DUE, &thread->flags);
	WRITE_ONCE(thread->installer, NULL);
	nta_unlock_affinity(thread, flags);
}
