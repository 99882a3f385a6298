/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * New threads, whose creator may be active (U9).
 */
#ifndef NTA_CHILD_H
#define NTA_CHILD_H

#include <linux/types.h>

struct task_struct;

void nta_place_child(struct task_struct *task, bool other_cpuset);

bool nta_children_are_seen(void);
void nta_children_start(void);
void nta_children_stop(void);

#endif /* NTA_CHILD_H */
