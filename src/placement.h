/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a thread where its state says, at once.
 */
#ifndef NTA_PLACEMENT_H
#define NTA_PLACEMENT_H

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/types.h>

#include "affinity.h"
#include "mask.h"
#include "thread.h"

/* Who owns the entry may have taken what was pending, and not installed it yet. */
#define NTA_IN_FORCE_OR_ON_ITS_WAY \
	(BIT(NTA_THREAD_IN_FORCE) | BIT(NTA_THREAD_PENDING) | \
	 BIT(NTA_THREAD_OWNED))

/**
 * nta_is_placed() - whether a Set of this system affinity has nothing to do
 * @thread: current's entry
 * @system: the system affinity asked for, trimmed
 *
 * Takes no lock, the scheduler's least of all (S17).
 *
 * Context: process.
 * Return: true if the thread is where @system wants it.
 */
static __always_inline bool nta_is_placed(struct nta_thread *thread,
					  const struct nta_affinity *system)
{
	const struct cpumask *now = &thread->task->cpus_mask;
	unsigned long flags = READ_ONCE(thread->flags);

	/* What was installed lies within the system affinity. */
	return thread->state.active &&
	       nta_affinity_equal(&thread->state.system, system) &&
	       (flags & NTA_IN_FORCE_OR_ON_ITS_WAY) == BIT(NTA_THREAD_IN_FORCE) &&
	       /* data_race: a change right now counts as one after the call. */
	       data_race(cpumask_test_cpu(raw_smp_processor_id(), now)) &&
	       /* data_race: likewise. */
	       data_race(nta_mask_equal(now, nta_thread_installed(thread)));
}

enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_state *next);
enum nta_reason nta_place_user(struct nta_thread *thread,
			       const struct nta_state *next);
void nta_place_user_once(struct nta_thread *thread);
bool nta_place_state(struct nta_thread *thread, const struct nta_state *expected,
		     bool pending, enum nta_reason *reason);

enum nta_reason nta_held_in_place(const struct nta_thread *thread);

/* How far somebody has come who is to install for another thread. */
enum nta_stage {
	NTA_STAGE_KNOWN,	/* the thread, a new child, has its entry */
	NTA_STAGE_LOOKED,	/* he has read the state, and begins */
	NTA_STAGE_BEGUN,	/* he is about to change the affinity */
	NTA_STAGE_INSTALLED,	/* to a system affinity: he has, and is to read it back */
};

#if IS_ENABLED(CONFIG_KUNIT)
void nta_stretch_installs(void (*stretch)(struct task_struct *task,
					  enum nta_stage stage));
void nta_stretch_point(struct task_struct *task, enum nta_stage stage);
#else
static inline void nta_stretch_point(struct task_struct *task,
				     enum nta_stage stage)
{
}
#endif

#endif /* NTA_PLACEMENT_H */
