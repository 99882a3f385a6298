/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread's system affinity as processors, whether it lies in one group or in
 * several.
 */
#ifndef NTA_SYSTEM_AFFINITY_H
#define NTA_SYSTEM_AFFINITY_H

#include <linux/types.h>

#include "affinity.h"

struct cpumask;
struct nta_thread;
struct task_struct;

bool nta_any_active(const struct cpumask *mask);
bool nta_system_contains(const struct nta_thread *thread,
			 const struct nta_affinity *system,
			 const struct cpumask *mask);
bool nta_system_is_gone(const struct nta_thread *thread,
			const struct nta_affinity *system);
void nta_system_to_cpumask(const struct nta_thread *thread,
			   const struct nta_affinity *system,
			   struct cpumask *mask);
bool nta_is_left_alone(const struct nta_thread *thread);
bool nta_is_system_in_force(const struct nta_thread *thread,
			    const struct nta_affinity *system);
bool nta_is_made_of(const struct task_struct *task, const struct cpumask *mask);
bool nta_is_request_in_force(const struct nta_thread *thread,
			     const struct cpumask *request);

#endif /* NTA_SYSTEM_AFFINITY_H */
