// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread's system affinity as processors.
 *
 * One that lies in one group is a group and a mask, and is compared with one word
 * of a cpumask. One that lies in several is named by its token, which has the
 * cpumask; the token is among the thread's as long as its state names it. So what
 * is asked here about a state is asked under task->pi_lock, or by the thread.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>

#include "compat.h"
#include "system_affinity.h"
#include "thread.h"
#include "token.h"
#include "topology.h"

/* Which processors those are, if they lie in several groups. */
static const struct cpumask *several(const struct nta_thread *thread,
				     const struct nta_affinity *system)
{
	const struct nta_token *token = nta_token_of(thread, system);

	return token ? nta_token_mask(token) : cpu_none_mask;
}

/**
 * nta_any_active() - whether a processor of a mask is active
 * @mask: the mask
 *
 * Context: any.
 * Return: whether one is, just now.
 */
bool nta_any_active(const struct cpumask *mask)
{
	/* data_race: one that comes or goes right now does so afterwards. */
	return data_race(cpumask_intersects(mask, cpu_active_mask));
}

/**
 * nta_system_contains() - whether a mask lies within a system affinity
 * @thread: the entry
 * @system: the system affinity
 * @mask: the mask
 *
 * Context: any; see above.
 * Return: whether it has processors, and all of them are @system's.
 */
bool nta_system_contains(const struct nta_thread *thread,
			 const struct nta_affinity *system,
			 const struct cpumask *mask)
{
	if (nta_is_several(system))
		return !cpumask_empty(mask) &&
		       cpumask_subset(mask, several(thread, system));
	return nta_cpumask_inside(&nta_topology, mask, system->group,
				  system->mask);
}

/**
 * nta_system_is_gone() - whether no processor of a system affinity is active
 * @thread: the entry
 * @system: the system affinity
 *
 * Context: any; see above.
 * Return: whether that is so.
 */
bool nta_system_is_gone(const struct nta_thread *thread,
			const struct nta_affinity *system)
{
	if (nta_is_several(system))
		return !nta_any_active(several(thread, system));
	return !(system->mask & nta_group_active(&nta_topology, system->group));
}

/**
 * nta_system_to_cpumask() - the processors of a system affinity
 * @thread: the entry
 * @system: the system affinity
 * @mask: receives them
 *
 * Context: any; see above.
 */
void nta_system_to_cpumask(const struct nta_thread *thread,
			   const struct nta_affinity *system,
			   struct cpumask *mask)
{
	if (nta_is_several(system))
		cpumask_copy(mask, several(thread, system));
	else
		nta_group_to_cpumask(&nta_topology, system->group, system->mask,
				     mask);
}

/**
 * nta_is_system_in_force() - whether a request for a system affinity would change nothing
 * @thread: the entry
 * @system: the system affinity
 *
 * Context: any; the thread's pi_lock is held.
 * Return: whether the kernel has what it would make of the request.
 */
bool nta_is_system_in_force(const struct nta_thread *thread,
			    const struct nta_affinity *system)
{
	const struct task_struct *task = thread->task;
	const struct cpumask *kept = nta_kept_user_mask(task);
	u64 expected = system->mask;

	if (nta_is_left_alone(thread))
		return nta_system_contains(thread, system, &task->cpus_mask);
	if (nta_is_several(system))
		return nta_is_made_of(task, several(thread, system));
	if (kept)
		expected &= nta_group_slice(&nta_topology, cpumask_bits(kept),
					    system->group);
	return nta_cpumask_is(&nta_topology, &task->cpus_mask, system->group,
			      expected ?: system->mask);
}
