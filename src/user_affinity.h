/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user mode wants of a thread, and how it is told from what we install.
 */
#ifndef NTA_USER_AFFINITY_H
#define NTA_USER_AFFINITY_H

#include <linux/types.h>

#include "affinity.h"

struct cpumask;
struct nta_changes;
struct nta_thread;

bool nta_is_held(const struct nta_thread *thread);
bool nta_is_in_force(struct nta_thread *thread);
void nta_learn_user(struct nta_thread *thread);

/* In this order, around what changes the affinity. */
bool nta_begin_install(struct nta_thread *thread,
		       const struct nta_state *expected);
void nta_request_user(struct nta_thread *thread);
bool nta_request_state(struct nta_thread *thread);
bool nta_user_has_changed(struct nta_thread *thread);
bool nta_end_install(struct nta_thread *thread, bool is_system);
void nta_install_done(struct nta_thread *thread);

void nta_record_installed(struct nta_thread *thread);

/* For watch.c. */
void nta_note_change(struct nta_thread *thread, const struct cpumask *before);
bool nta_is_installing(const struct nta_thread *thread);
struct nta_changes nta_count_changes(const struct nta_thread *thread);
void nta_note_request(struct nta_thread *thread,
		      const struct nta_changes *counts,
		      const struct cpumask *before, const struct cpumask *asked);
void nta_changes_are_noted(bool noted);
bool nta_look_after(struct nta_thread *thread);

#endif /* NTA_USER_AFFINITY_H */
