// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes true what the state of a thread says, when the thread's own call could
 * not (I2, I7), or when others have undone it (U5, U6).
 *
 * Both end in the same work: it is never told what to do, it looks at the state.
 * What a thread does not move for now is part of its state and not a queue of
 * requests: the latest state counts, whoever carries it out (I6).
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "apply.h"
#include "compat.h"
#include "install.h"
#include "irql.h"
#include "placement.h"
#include "queue.h"
#include "report.h"
#include "system_affinity.h"
#include "thread.h"
#include "token.h"
#include "user_affinity.h"

/* Who changes a thread's affinity more often than that wins (U5). */
#define PUT_BACKS_A_SECOND 10

/*
 * When a processor last came or went. The kernel then writes cpusets' affinities anew,
 * as often as that happens: that is no fight. Written by the callbacks of hotplug, read
 * by workers, without a lock: a second more or less does not matter.
 */
static u32 hotplug_time;

/**
 * nta_note_hotplug() - a processor comes or goes
 *
 * Context: any.
 */
void nta_note_hotplug(void)
{
	WRITE_ONCE(hotplug_time, jiffies);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_hotplug);

/**
 * nta_forget_hotplug() - none has for a while
 *
 * Context: any.
 */
void nta_forget_hotplug(void)
{
	WRITE_ONCE(hotplug_time, (u32)jiffies - HZ);
}
EXPORT_SYMBOL_IF_KUNIT(nta_forget_hotplug);

/* Whether a move of the thread's own has not come true yet. */
static bool waits(const struct nta_thread *thread)
{
	return test_bit(NTA_THREAD_PENDING, &thread->flags) ||
	       test_bit(NTA_THREAD_USER_DUE, &thread->flags);
}

static bool may_put_back(struct nta_thread *thread)
{
	if ((u32)jiffies - READ_ONCE(hotplug_time) < HZ)
		return true;
	if (!thread->put_backs || (u32)jiffies - thread->window > HZ) {
		thread->window = jiffies;
		thread->put_backs = 0;
	}
	return thread->put_backs++ < PUT_BACKS_A_SECOND;
}

static void look_after_waiting(struct nta_thread *thread, void *data)
{
	bool *any = data;

	if (test_bit(NTA_THREAD_NARROWED, &thread->flags)) {
		nta_apply_soon(thread);
		*any = true;
	} else if (test_bit(NTA_THREAD_DISPLACED, &thread->flags) &&
		   nta_look_after(thread)) {
		*any = true;
	}
}

/*
 * For threads that wait for a processor. That one comes watch.c tells. That one stays,
 * because its way down has failed halfway, nobody does.
 */
static void waiting_work(struct work_struct *work)
{
	bool any = false;

	nta_threads_visit(look_after_waiting, &any);
	if (any)
		nta_look_in_a_second();
}

/*
 * The thread is displaced (U6): no processor of its system affinity is active (@gone), or
 * the kernel has refused it. Nothing was locked since that was seen. So it is not, if the
 * thread has another state by now, or a processor has come back: then there is more to do.
 * @pending: it has not been there yet, and the caller has taken what waited.
 */
static void displace(struct nta_thread *thread, const struct nta_state *state,
		     bool gone, bool pending)
{
	unsigned long flags = nta_lock_affinity(thread);
	bool is_same = nta_state_equal(&thread->state, state);
	bool is_displaced, is_new;

	/* Of another state nobody has taken what waits. */
	if (is_same && pending)
		set_bit(NTA_THREAD_PENDING, &thread->flags);
	is_displaced = is_same &&
		       (!gone || nta_system_is_gone(thread, &state->system));
	is_new = is_displaced &&
		 !test_and_set_bit(NTA_THREAD_DISPLACED, &thread->flags);
	nta_unlock_affinity(thread, flags);

	if (is_new)
		nta_report_displaced(thread->task, &state->system);
	if (is_displaced)
		nta_look_in_a_second();
	else if (gone)
		nta_apply_soon(thread);
}

/*
 * Install what the state says, if it still does. @pending: for the first time; @fight:
 * because others have changed it.
 */
static void install_again(struct nta_thread *thread,
			  const struct nta_state *state, bool pending, bool fight)
{
	const struct nta_affinity *system = &state->system;
	enum nta_reason reason;

	if (!nta_place_state(thread, state, pending, &reason))
		return;
	/* In a second it is looked at again, if no processor comes before. */
	if (reason == NTA_KERNEL_REFUSED)
		displace(thread, state, false, false);

	if (!reason && pending)
		thread->put_backs = 0;
	else if (!reason && fight)
		nta_report_put_back(thread->task, system);
}

/* Unless the thread has called Set again meanwhile: that is a new fight. */
static void give_up(struct nta_thread *thread, const struct nta_state *state)
{
	unsigned long flags = nta_lock_affinity(thread);
	bool gives_up;

	gives_up = nta_state_equal(&thread->state, state) &&
		   !test_bit(NTA_THREAD_PENDING, &thread->flags);
	if (gives_up)
		set_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
	nta_unlock_affinity(thread, flags);
	if (gives_up)
		nta_report_given_up(thread->task, &state->system,
				    READ_ONCE(thread->caller));
}

/* Make true what the state says. The caller owns the entry. */
static void apply_state(struct nta_thread *thread)
{
	bool pending, narrowed, fight, due, in_force, gone;
	enum nta_reason reason;
	struct nta_state state;
	unsigned long flags;

	/*
	 * Without it only a mask that the kernel forgets would not be known. Not to
	 * be waited for: the thread may have to write out what is in the way.
	 */
	nta_make_room_for_lost(thread, GFP_NOWAIT | __GFP_NOWARN);
	flags = nta_lock_affinity(thread);
	state = thread->state;
	pending = test_and_clear_bit(NTA_THREAD_PENDING, &thread->flags);
	due = test_bit(NTA_THREAD_USER_DUE, &thread->flags);
	in_force = nta_is_in_force(thread);
	/* What was narrowed is no fight: more of its processors may be active by now. */
	narrowed = test_bit(NTA_THREAD_NARROWED, &thread->flags);
	if (narrowed && !nta_held_in_place(thread))
		clear_bit(NTA_THREAD_NARROWED, &thread->flags);
	fight = !(narrowed && in_force) && !pending;
	gone = state.active && nta_system_is_gone(thread, &state.system);
	nta_unlock_affinity(thread, flags);

	nta_stretch_point(thread->task, NTA_STAGE_LOOKED);
	if (!state.active) {
		if (due)
			nta_place_state(thread, &state, false, &reason);
		return;
	}
	if (test_bit(NTA_THREAD_BOUND, &thread->flags) || (fight && in_force))
		return;
	/* A processor that comes back from now on is another kick. */
	if (gone) {
		displace(thread, &state, true, pending);
		return;
	}
	/* A thread that has become SCHED_DEADLINE: its next Set sees to it (T4). */
	if (fight && (test_bit(NTA_THREAD_GIVEN_UP, &thread->flags) ||
		      nta_held_in_place(thread)))
		return;
	if (fight && !may_put_back(thread))
		give_up(thread, &state);
	else
		install_again(thread, &state, pending, fight);
}

/* The lowering of the thread's level need not look for a move any more. */
static void unmark(struct nta_thread *thread)
{
	unsigned long flags = nta_lock_affinity(thread);

	if (!waits(thread))
		nta_thread_unmark(thread, NTA_THREAD_MOVES);
	nta_unlock_affinity(thread, flags);
}

static void apply_work(struct work_struct *work)
{
	struct nta_thread *thread = container_of(work, struct nta_thread, work);

	nta_thread_own(thread);
	/*
	 * From here on a change is another kick, and the work may be made anew:
	 * then two workers run for one thread, and take turns in owning it.
	 */
	clear_bit(NTA_THREAD_KICKED, &thread->flags);
	smp_mb__after_atomic(); /* before the look at what has changed */
	apply_state(thread);
	if (test_bit(NTA_THREAD_MOVES, &thread->flags))
		unmark(thread);
	nta_thread_disown(thread);

	nta_work_done(thread);
}

/* --- where nothing can be installed (I2, I7) --- */

static enum nta_reason set_system_later(struct nta_thread *thread,
					const struct nta_affinity *system)
{
	enum nta_reason reason;

	nta_judge_bound(thread);
	reason = nta_held_in_place(thread);
	if (reason && !nta_system_contains(thread, system,
					   &thread->task->cpus_mask))
		return reason;

	clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	clear_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
	/*
	 * Who installs just now does it for another state: do it again. What was
	 * put back is counted by the owner, who begins anew then (U5).
	 */
	if (thread->installer || READ_ONCE(thread->put_backs) ||
	    !nta_is_system_in_force(thread, system) ||
	    !cpumask_test_cpu(raw_smp_processor_id(),
			      &thread->task->cpus_mask)) {
		set_bit(NTA_THREAD_PENDING, &thread->flags);
		return NTA_OK;
	}
	clear_bit(NTA_THREAD_PENDING, &thread->flags);
	clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	nta_record_installed(thread);
	return NTA_OK;
}

static void set_user_later(struct nta_thread *thread)
{
	bool bound = test_bit(NTA_THREAD_BOUND, &thread->flags);

	clear_bit(NTA_THREAD_PENDING, &thread->flags);
	clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	/* What was never moved is not moved back (T2). */
	if (!bound && (thread->installer ||
		       !cpumask_equal(&thread->task->cpus_mask,
				      nta_thread_user(thread))))
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
	else
		clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
}

/**
 * nta_place_later() - change the state of the calling thread where it cannot move
 * @thread: its entry
 * @next: the state from now on
 * @soon: have a worker move the thread as soon as it may migrate; else
 *	nta_place_pending() will be called
 *
 * What the thread does not move for now is part of its state, not a queue: the
 * latest state counts, whoever carries it out (I6).
 *
 * Context: any in which the thread is current's own. Does not sleep.
 * Return: NTA_OK, or why nothing has changed.
 */
enum nta_reason nta_place_later(struct nta_thread *thread,
				const struct nta_state *next, bool soon)
{
	unsigned long flags = nta_lock_affinity(thread);
	enum nta_reason reason = NTA_OK;
	bool moves;

	/* Who installs just now has looked, and what is there may be his. */
	if (!thread->installer)
		nta_learn_user(thread);
	if (next->active)
		reason = set_system_later(thread, &next->system);
	else
		set_user_later(thread);
	if (!reason) {
		thread->state = *next;
		WRITE_ONCE(thread->generation, thread->generation + 1);
	}
	moves = waits(thread);
	if (moves && soon)
		nta_thread_mark(thread, NTA_THREAD_MOVES);
	nta_unlock_affinity(thread, flags);

	if (moves && !reason)
		nta_report_deferred(thread->task, &next->system);
	if (moves && soon)
		nta_apply_soon(thread);
	else if (moves)
		nta_note_move();
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_later);

/**
 * nta_place_pending() - move the calling thread where its state says
 * @may_sleep: or have a worker do it
 *
 * Context: where @may_sleep is true, process, and it may migrate.
 */
void nta_place_pending(bool may_sleep)
{
	struct nta_thread *thread = nta_thread_find(current);
	bool has_move;

	if (!thread)
		return;
	has_move = waits(thread);
	if (!may_sleep) {
		if (has_move) {
			nta_thread_mark(thread, NTA_THREAD_MOVES);
			nta_apply_soon(thread);
		}
		return;
	}
	nta_thread_unmark(thread, NTA_THREAD_MOVES);
	/*
	 * A worker may just now be at it: it owns the entry before it takes
	 * what waits.
	 */
	smp_rmb(); /* what waits before the owner, pairs with nta_thread_own() */
	if (!has_move && !test_bit(NTA_THREAD_OWNED, &thread->flags))
		return;
	__set_current_state(TASK_RUNNING);
	nta_thread_own(thread);
	apply_state(thread);
	nta_thread_disown(thread);
}

/* --- unload --- */

static void revert_for_unload(struct work_struct *work)
{
	struct nta_thread *thread = container_of(work, struct nta_thread, work);

	nta_thread_own(thread);
	nta_report_left_active(thread->task, &thread->state.system,
			       READ_ONCE(thread->caller));
	nta_place_user(thread, &(struct nta_state){});
	nta_tokens_pop(thread, NULL);
	nta_thread_disown(thread);
	nta_work_done(thread);
}

static void queue_revert_for_unload(struct nta_thread *thread)
{
	nta_queue_for_unload(thread, revert_for_unload);
}

static void wait_for_work(void)
{
	do {
		nta_queues_wait();
		/* The last ones may have asked for more. */
		nta_look_no_more();
	} while (!nta_queues_are_empty());
}

/**
 * nta_apply_start() - be the one who does the work
 *
 * Context: process.
 */
void nta_apply_start(void)
{
	nta_forget_hotplug();
	nta_queue_set_work(apply_work, waiting_work);
}

/**
 * nta_apply_stop() - give every thread that is still active its user affinity
 *
 * Context: process; sleeps until all are done. No DDI may be called any more,
 * and nothing of watch.c is left.
 */
void nta_apply_stop(void)
{
	bool all_taken;

	do {
		wait_for_work();
		all_taken = nta_threads_take_active(queue_revert_for_unload);
	} while (!all_taken);
	wait_for_work();
}
