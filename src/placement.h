/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a thread where its state says.
 */
#ifndef NTA_PLACEMENT_H
#define NTA_PLACEMENT_H

#include <linux/types.h>

#include "affinity.h"

struct cpumask;
struct nta_changes;
struct nta_thread;
struct task_struct;
struct workqueue_struct;

/* Where work on behalf of threads is done. */
extern struct workqueue_struct *nta_queue;

bool nta_is_placed(struct nta_thread *thread, const struct nta_affinity *system);
enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_affinity *system);
enum nta_reason nta_place_user(struct nta_thread *thread);
void nta_commit(struct nta_thread *thread, const struct nta_state *state);
void nta_install_done(struct nta_thread *thread);

enum nta_reason nta_place_later(struct nta_thread *thread,
				const struct nta_state *next, bool soon);
void nta_place_pending(bool may_sleep);

/* How far an installer who is not the thread has come. */
enum nta_stage {
	NTA_STAGE_LOOKED,	/* he has read the state, and begins */
	NTA_STAGE_BEGUN,	/* he is about to change the affinity */
};

#if IS_ENABLED(CONFIG_KUNIT)
void nta_stretch_installs(void (*stretch)(struct task_struct *task,
					  enum nta_stage stage));
#endif

void nta_note_change(struct nta_thread *thread, const struct cpumask *before);
bool nta_is_installing(const struct nta_thread *thread);
struct nta_changes nta_count_changes(const struct nta_thread *thread);
void nta_note_request(struct nta_thread *thread,
		      const struct nta_changes *counts,
		      const struct cpumask *before, const struct cpumask *asked);
void nta_changes_are_noted(bool noted);
bool nta_look_after(struct nta_thread *thread);
void nta_apply_soon(struct nta_thread *thread);
void nta_prepare_thread(struct nta_thread *thread);
void nta_place_child(struct task_struct *task, bool own_cgroup);

int nta_placement_start(void);
void nta_placement_stop(void);

#endif /* NTA_PLACEMENT_H */
