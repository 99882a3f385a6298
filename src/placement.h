/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a thread where its state says, at once.
 */
#ifndef NTA_PLACEMENT_H
#define NTA_PLACEMENT_H

#include <linux/types.h>

#include "affinity.h"

struct nta_thread;
struct task_struct;

bool nta_is_placed(struct nta_thread *thread, const struct nta_affinity *system);
enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_state *next);
enum nta_reason nta_place_user(struct nta_thread *thread,
			       const struct nta_state *next);
bool nta_place_state(struct nta_thread *thread, const struct nta_state *expected,
		     bool pending, enum nta_reason *reason);

enum nta_reason nta_held_in_place(const struct nta_thread *thread);

/* How far an installer who is not the thread has come. */
enum nta_stage {
	NTA_STAGE_LOOKED,	/* he has read the state, and begins */
	NTA_STAGE_BEGUN,	/* he is about to change the affinity */
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
