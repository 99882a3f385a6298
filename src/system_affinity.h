/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread's system affinity as processors, whether it lies in one group or in
 * several.
 */
#ifndef NTA_SYSTEM_AFFINITY_H
#define NTA_SYSTEM_AFFINITY_H

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "affinity.h"
#include "compat.h"
#include "mask.h"
#include "thread.h"

bool nta_any_active(const struct cpumask *mask);
bool nta_system_contains(const struct nta_thread *thread,
			 const struct nta_affinity *system,
			 const struct cpumask *mask);
bool nta_system_is_gone(const struct nta_thread *thread,
			const struct nta_affinity *system);
void nta_system_to_cpumask(const struct nta_thread *thread,
			   const struct nta_affinity *system,
			   struct cpumask *mask);
bool nta_is_system_in_force(const struct nta_thread *thread,
			    const struct nta_affinity *system);

/**
 * nta_is_left_alone() - whether we never install for a thread (T2, T4)
 * @thread: the entry
 *
 * Context: any.
 * Return: whether that is so now: then whatever lies inside will do.
 */
static inline bool nta_is_left_alone(const struct nta_thread *thread)
{
	return test_bit(NTA_THREAD_BOUND, &thread->flags) ||
	       READ_ONCE(thread->task->policy) == SCHED_DEADLINE;
}

/**
 * nta_is_made_of() - whether the kernel has what it makes of a request for a mask
 * @task: the thread
 * @mask: the mask
 *
 * Since 6.2 that is the part that user mode wants too, if there is one.
 *
 * Context: any; the thread's pi_lock is held.
 * Return: whether it has.
 */
static inline bool nta_is_made_of(const struct task_struct *task,
				  const struct cpumask *mask)
{
	const struct cpumask *kept = nta_kept_user_mask(task);
	const struct cpumask *now = &task->cpus_mask;

	return kept ? nta_mask_is_cut(now, mask, kept) : nta_mask_equal(now, mask);
}

/**
 * nta_is_request_in_force() - whether a request for a system affinity has been met
 * @thread: the entry, owned by the caller
 * @request: what was handed to the kernel
 *
 * Context: any; the thread's pi_lock is held.
 * Return: whether it has.
 */
static inline bool nta_is_request_in_force(const struct nta_thread *thread,
					   const struct cpumask *request)
{
	if (unlikely(nta_is_left_alone(thread)))
		return cpumask_subset(&thread->task->cpus_mask, request);
	return nta_is_made_of(thread->task, request);
}

#endif /* NTA_SYSTEM_AFFINITY_H */
