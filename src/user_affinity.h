/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user mode wants of a thread, and how it is told from what we install.
 */
#ifndef NTA_USER_AFFINITY_H
#define NTA_USER_AFFINITY_H

#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "compat.h"
#include "thread.h"

struct cpumask;

bool nta_changes_are_noted(void);
void nta_note_changes(bool noted);

bool nta_is_held(const struct nta_thread *thread);
bool nta_is_in_force(struct nta_thread *thread);

u32 nta_print_of(const struct cpumask *mask, const struct cpumask *kept);
void nta_settle_change(struct nta_thread *thread);

/* Note the change that foreign.c was told of last; pi_lock is held. */
static __always_inline void nta_settle(struct nta_thread *thread)
{
	if (unlikely(test_bit(NTA_THREAD_CHANGED, &thread->flags)))
		nta_settle_change(thread);
}

/**
 * nta_lock_affinity() - take a thread's pi_lock to look at what user mode wants
 * @thread: the entry
 *
 * Context: any; no lock of the scheduler is held.
 * Return: for nta_unlock_affinity().
 */
static __always_inline unsigned long nta_lock_affinity(struct nta_thread *thread)
	__acquires(&thread->task->pi_lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&thread->task->pi_lock, flags);
	nta_settle(thread);
	return flags;
}

/**
 * nta_unlock_affinity() - release it
 * @thread: the entry
 * @flags: from nta_lock_affinity()
 *
 * Context: where that has left us.
 */
static __always_inline void nta_unlock_affinity(struct nta_thread *thread,
						unsigned long flags)
	__releases(&thread->task->pi_lock)
{
	raw_spin_unlock_irqrestore(&thread->task->pi_lock, flags);
}

void nta_learn_user(struct nta_thread *thread);
bool nta_look_after(struct nta_thread *thread);

struct cpumask *nta_user_to_write(struct nta_thread *thread);
bool nta_record_user(struct nta_thread *thread);
bool nta_make_lost(struct nta_thread *thread, gfp_t gfp);

/**
 * nta_make_room_for_lost() - be ready for the kernel's forgetting the user's mask
 * @thread: the entry; of current, or owned by the caller
 * @gfp: what the context allows
 *
 * Context: any that @gfp allows.
 * Return: false if there is no memory for it.
 */
static inline bool nta_make_room_for_lost(struct nta_thread *thread, gfp_t gfp)
{
	/* User mode's next mask is met at the next call, or put-back. */
	return likely(!nta_has_kept_user_mask(thread->task)) ||
	       READ_ONCE(thread->lost) || nta_make_lost(thread, gfp);
}

void nta_keep_lost_user(struct nta_thread *thread);
void nta_keep_fallback(struct nta_thread *thread);
void nta_note_unseen(struct nta_thread *thread);

#endif /* NTA_USER_AFFINITY_H */
