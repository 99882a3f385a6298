/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What others do to the affinity of a thread: for watch.c to tell.
 */
#ifndef NTA_FOREIGN_H
#define NTA_FOREIGN_H

#include <linux/types.h>

#include "thread.h"

struct cpumask;
struct task_struct;

void nta_note_change(struct nta_thread *thread, bool in_thread);

void nta_note_asked(struct nta_thread *thread, const struct cpumask *asked);
void nta_note_asked_early(struct task_struct *task, const struct cpumask *asked);
void nta_forget_asked(const struct task_struct *task);
struct nta_thread *nta_make_own_entry(gfp_t gfp);
void nta_answer_requester(struct nta_thread *thread);

/**
 * nta_note_answer() - we have put a mask in force that somebody may have asked for
 * @thread: the entry, owned by the caller
 *
 * Context: any; the thread's pi_lock is held.
 */
static __always_inline void nta_note_answer(struct nta_thread *thread)
{
	if (unlikely(thread->requester))
		nta_answer_requester(thread);
}

/* How many places there are to count requests for threads without an entry. */
#define NTA_EARLY_BITS 8

void nta_count_request(const struct task_struct *task, struct nta_thread *thread,
		       int change);
bool nta_is_installing(const struct nta_thread *thread);
struct nta_changes nta_count_changes(const struct nta_thread *thread);
void nta_note_request(struct nta_thread *thread,
		      const struct nta_changes *counts,
		      const struct cpumask *before, const struct cpumask *asked);

#endif /* NTA_FOREIGN_H */
