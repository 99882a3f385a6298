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
 *	by probes	foreign.c is told that one begins, with pi_lock held: what
 *			comes out is in cpus_mask for whoever holds that next. So
 *			nta_lock_affinity() takes pi_lock and notes it, and there
 *			is no other way to the lock; the next change notes it too.
 *	by looking	every way in asks nta_learn_user() first, which compares
 *			cpus_mask with the installed mask, and watch.c has it
 *			asked again and again for the threads that are active
 *
 * nta_record_user() writes the user mask from cpus_mask; where what user mode asked
 * for never came to be seen there, install.c and foreign.c find it out in other
 * ways.
 *
 * An entry has two masks. While the user affinity is installed the kernel reads
 * the user mask, so it is not written: what user mode wants meanwhile goes to the
 * other mask, and the two change their roles.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/jhash.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "install.h"
#include "mask.h"
#include "queue.h"
#include "report.h"
#include "reserve.h"
#include "system_affinity.h"
#include "thread.h"
#include "user_affinity.h"

/* Whether every change by others is told to nta_note_change(). */
static bool changes_are_noted;
/* And whether it ever was. Set once, at the load, before there is an entry. */
static bool changes_were_noted;

/* What is known of a change by others. */
struct change {
	bool gone;	/* no CPU of the mask before was left */
	bool requested;	/* somebody has requested it, and it was not the scheduler */
	bool alone;	/* nobody else has requested anything meanwhile */
};

/**
 * nta_changes_are_noted() - whether nta_note_change() is told of every change
 *
 * Context: any.
 * Return: whether it is.
 */
bool nta_changes_are_noted(void)
{
	return READ_ONCE(changes_are_noted);
}

/**
 * nta_note_changes() - begin or end to tell nta_note_change() of every change
 * @noted: which
 *
 * Context: process.
 */
void nta_note_changes(bool noted)
{
	if (noted)
		changes_were_noted = true;
	WRITE_ONCE(changes_are_noted, noted);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_changes);

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
 * @thread: the entry; nobody installs for it
 *
 * Context: any; the thread's pi_lock is held.
 * Return: whether it has.
 */
bool nta_is_in_force(struct nta_thread *thread)
{
	lockdep_assert_held(&thread->task->pi_lock);

	return test_bit(NTA_THREAD_IN_FORCE, &thread->flags) &&
	       nta_mask_equal(&thread->task->cpus_mask,
			      nta_thread_installed(thread));
}

/**
 * nta_user_to_write() - the user mask, to write a new one into
 * @thread: the entry
 *
 * Context: any; the thread's pi_lock is held.
 * Return: the mask. What it has is the user affinity, or something else if that is
 * just being installed.
 */
struct cpumask *nta_user_to_write(struct nta_thread *thread)
{
	lockdep_assert_held(&thread->task->pi_lock);

	if (test_bit(NTA_THREAD_LENT, &thread->flags)) {
		clear_bit(NTA_THREAD_LENT, &thread->flags);
		clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
		change_bit(NTA_THREAD_SECOND, &thread->flags);
	}
	return nta_thread_user(thread);
}

/**
 * nta_record_user() - cpus_mask is what user mode wants now
 * @thread: the entry
 *
 * After a fallback on a kernel that keeps the user's own mask, that is lost to the
 * kernel and lives here alone: what comes then without such a mask is a cpuset's,
 * and bounds the user's.
 *
 * Context: any; the thread's pi_lock is held.
 * Return: whether that is news.
 */
bool nta_record_user(struct nta_thread *thread)
{
	const struct cpumask *now = &thread->task->cpus_mask;
	u32 print = nta_user_print(thread->task);
	bool same;

	lockdep_assert_held(&thread->task->pi_lock);

	if (test_bit(NTA_THREAD_FALLBACK, &thread->flags))
		clear_bit(NTA_THREAD_FALLBACK, &thread->flags);
	if (test_bit(NTA_THREAD_USER_LOST, &thread->flags)) {
		if (print)
			clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
		else if (cpumask_and(nta_user_to_write(thread), thread->lost,
				     now))
			return false;
	}

	same = nta_mask_equal(nta_thread_user(thread), now);
	if (!same)
		nta_mask_copy(nta_user_to_write(thread), now);
	if (print == thread->user_print)
		return !same;
	thread->user_print = print;
	return true;
}

/**
 * nta_make_lost() - make the mask for nta_make_room_for_lost()
 * @thread: the entry; of current, or owned by the caller
 * @gfp: what the context allows; 0: from the reserve
 *
 * Context: any that @gfp allows.
 * Return: false if there is no memory for it.
 */
bool nta_make_lost(struct nta_thread *thread, gfp_t gfp)
{
	struct cpumask *lost;

	nta_begin_alloc(gfp);
	lost = gfp ? kzalloc(cpumask_size(), gfp) :
		     nta_reserve_take(&nta_mask_reserve);
	nta_end_alloc(gfp);
	if (!lost)
		return false;
	/* A worker, or the thread, was quicker. */
	if (!cmpxchg(&thread->lost, NULL, lost))
		return true;
	if (gfp)
		kfree(lost);
	else
		nta_reserve_give(&nta_mask_reserve, lost);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(nta_make_lost);

/**
 * nta_keep_lost_user() - the kernel has dropped the mask of user mode
 * @thread: the entry: only we have it now
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_keep_lost_user(struct nta_thread *thread)
{
	struct cpumask *lost;

	lockdep_assert_held(&thread->task->pi_lock);

	if (!thread->user_print)
		return;
	thread->user_print = 0;
	lost = READ_ONCE(thread->lost);
	if (!lost)
		return;
	cpumask_copy(lost, nta_thread_user(thread));
	set_bit(NTA_THREAD_USER_LOST, &thread->flags);
}

/*
 * Whether cpus_mask is what the scheduler makes up for a thread whose CPUs are
 * all gone: every possible CPU (newer kernels leave out isolated ones), or in a cpuset
 * the cpuset's, and since 6.2 it drops the mask of user mode. Nobody has requested
 * it, which hooks show; without them the one in a cpuset counts as a change of that,
 * unless the kernel has just forgotten a mask of user mode's. Who asks for offline
 * CPUs as well, as a cpuset can and on newer kernels user mode in the root cpuset,
 * is known by the mask that the kernel keeps, or put right when his request has
 * ended, see nta_note_request().
 */
static bool is_fallback(const struct nta_thread *thread,
			const struct change *change)
{
	if (!change->gone || change->requested || nta_user_print(thread->task))
		return false;
	return thread->user_print || change->alone ||
	       cpumask_equal(&thread->task->cpus_mask,
			     nta_fallback_mask(thread->task));
}

/* Somebody else has changed cpus_mask. */
static void note_foreign(struct nta_thread *thread, const struct change *change)
{
	bool news = test_and_clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);

	if (is_fallback(thread, change)) {
		nta_keep_lost_user(thread);
		set_bit(NTA_THREAD_FALLBACK, &thread->flags);
	} else {
		news |= nta_record_user(thread);
	}
	if (news)
		nta_report_foreign_change(thread->task, &thread->state.system);
}

/* Whether the last that was noted of the thread is the scheduler's fallback. */
static bool is_fallback_in_force(const struct nta_thread *thread)
{
	return test_bit(NTA_THREAD_FALLBACK, &thread->flags) &&
	       !test_bit(NTA_THREAD_IN_FORCE, &thread->flags);
}

/**
 * nta_keep_fallback() - changes are noted no more: what is known of the last one?
 * @thread: the entry
 *
 * Who only looks cannot tell a cpuset's fallback from user mode's wish. So it counts
 * as installed by us, and whatever else is found from now on is user mode's.
 *
 * Context: any; no lock of the scheduler is held.
 */
void nta_keep_fallback(struct nta_thread *thread)
{
	unsigned long flags = nta_lock_affinity(thread);

	/* Who installs will read back what there is, or leave it to nta_learn_user(). */
	if (!thread->installer && thread->state.active &&
	    is_fallback_in_force(thread))
		nta_record_installed(thread);
	nta_unlock_affinity(thread, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_keep_fallback);

/**
 * nta_note_unseen() - somebody else's mask is in force, and no probe has told
 * @thread: the entry
 *
 * Context: any; the thread's pi_lock is held.
 */
void nta_note_unseen(struct nta_thread *thread)
{
	note_foreign(thread, &(struct change){});
}

/*
 * The same of a thread that is not active, and has not got its user affinity back
 * yet. What was due is superseded, but not by what nobody wants.
 */
static void note_while_due(struct nta_thread *thread,
			   const struct change *change)
{
	if (!test_bit(NTA_THREAD_USER_DUE, &thread->flags))
		return;
	clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	if (is_fallback(thread, change))
		nta_keep_lost_user(thread);
	else
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
}

/* Whether no CPU of what was installed last is active. */
static bool is_installed_gone(struct nta_thread *thread)
{
	return !nta_any_active(nta_thread_installed(thread));
}

/**
 * nta_print_of() - a fingerprint of what the kernel makes of a mask
 * @mask: the mask
 * @kept: what user mode has asked for, where the kernel keeps that; or NULL
 *
 * Context: any.
 * Return: the fingerprint.
 */
u32 nta_print_of(const struct cpumask *mask, const struct cpumask *kept)
{
	unsigned int i;
	u32 print = 0;
	u64 word;

	if (kept && !cpumask_intersects(mask, kept))
		kept = NULL;
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		word = cpumask_bits(mask)[i];
		if (kept)
			word &= cpumask_bits(kept)[i];
		print = jhash_2words(word, word >> 32, print);
	}
	return print;
}
EXPORT_SYMBOL_IF_KUNIT(nta_print_of);

/**
 * nta_settle_change() - note the change that foreign.c was told of last
 * @thread: the entry
 *
 * Context: any; the thread's pi_lock is held, by us or by the next to change it.
 */
void nta_settle_change(struct nta_thread *thread)
{
	struct change change;

	clear_bit(NTA_THREAD_CHANGED, &thread->flags);
	change = (struct change){
		.gone = test_bit(NTA_THREAD_CHANGED_GONE, &thread->flags),
		.requested = test_bit(NTA_THREAD_CHANGED_REQUEST,
				      &thread->flags),
		.alone = test_bit(NTA_THREAD_CHANGED_ALONE, &thread->flags),
	};
	if (!nta_is_held(thread))
		note_while_due(thread, &change);
	else if (!test_bit(NTA_THREAD_BOUND, &thread->flags) &&
		 /* The same mask again is no change. */
		 (thread->installer || !nta_is_in_force(thread)))
		note_foreign(thread, &change);

	/* Who asked for this will find it in force, and change nothing. */
	if (thread->requester &&
	    thread->asked_print == nta_print_of(&thread->task->cpus_mask, NULL))
		thread->requester = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(nta_settle_change);

/**
 * nta_learn_user() - learn what user mode wants of a thread now
 * @thread: its entry; nobody installs for it
 *
 * Context: any; in nta_lock_affinity().
 */
void nta_learn_user(struct nta_thread *thread)
{
	struct change unseen = {};

	lockdep_assert_held(&thread->task->pi_lock);

	if (!thread->state.active) {
		/* Unless others have changed it since: seen, or seen now. */
		if (test_bit(NTA_THREAD_IN_FORCE, &thread->flags) &&
		    !nta_is_in_force(thread)) {
			unseen.gone = is_installed_gone(thread);
			note_while_due(thread, &unseen);
		}
		if (test_bit(NTA_THREAD_USER_DUE, &thread->flags)) {
			if (thread->user_print == nta_user_print(thread->task))
				return;
			clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
		}
		if (test_bit(NTA_THREAD_USER_LOST, &thread->flags))
			clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
		nta_record_user(thread);
	} else if (!test_bit(NTA_THREAD_IN_FORCE, &thread->flags)) {
		/* Not the first change since the install: was there another? */
		if (nta_changes_are_noted())
			return;
		/* At an unload, and nta_keep_fallback() has come too early. */
		if (changes_were_noted && is_fallback_in_force(thread)) {
			nta_record_installed(thread);
			return;
		}
		unseen.gone = nta_system_is_gone(thread, &thread->state.system) ||
			      test_bit(NTA_THREAD_DISPLACED, &thread->flags);
		note_foreign(thread, &unseen);
	} else if (!nta_is_in_force(thread)) {
		unseen.gone = is_installed_gone(thread);
		note_foreign(thread, &unseen);
	} else if (thread->user_print != nta_user_print(thread->task)) {
		/* User mode asked for just the mask that is installed (U3). */
		nta_record_user(thread);
		nta_report_foreign_change(thread->task, &thread->state.system);
	}
}

/**
 * nta_look_after() - find out what no probe has told
 * @thread: the entry, which cannot go away meanwhile
 *
 * Context: any; no lock of the scheduler is held.
 * Return: whether the thread is active.
 */
bool nta_look_after(struct nta_thread *thread)
{
	unsigned long flags;
	bool active;

	/* data_race: who becomes active right now asks for a look afterwards. */
	if (!data_race(nta_is_held(thread)))
		return false;

	flags = nta_lock_affinity(thread);
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
	nta_unlock_affinity(thread, flags);
	return active;
}
EXPORT_SYMBOL_IF_KUNIT(nta_look_after);
