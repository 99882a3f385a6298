/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has to be kept in mind around an install: for placement.c.
 */
#ifndef NTA_INSTALL_H
#define NTA_INSTALL_H

#include <linux/types.h>

#include "affinity.h"

struct cpumask;
struct nta_thread;

void nta_judge_bound(struct nta_thread *thread);

const struct cpumask *nta_begin_system(struct nta_thread *thread,
				       const struct nta_affinity *system);
const struct cpumask *nta_begin_user(struct nta_thread *thread);
const struct cpumask *nta_begin_state(struct nta_thread *thread,
				      const struct nta_state *expected);
bool nta_is_stuck(struct task_struct *task, const struct cpumask *mask);
void nta_owe_user(struct nta_thread *thread);
const struct cpumask *nta_narrow_system(struct nta_thread *thread,
					const struct cpumask *request);

bool nta_end_system(struct nta_thread *thread, const struct cpumask *request,
		    const struct nta_state *next);
void nta_cancel_system(struct nta_thread *thread, bool pending);
void nta_end_anywhere(struct nta_thread *thread);
const struct cpumask *nta_undo(struct nta_thread *thread, bool *is_system);
const struct cpumask *nta_renew_user(struct nta_thread *thread,
				     const struct cpumask *request);
const struct cpumask *nta_end_user(struct nta_thread *thread,
				   const struct cpumask *request,
				   const struct nta_state *next, bool again);

void nta_learn_meanwhile(struct nta_thread *thread);
void nta_record_installed(struct nta_thread *thread);

#endif /* NTA_INSTALL_H */
