/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a thread where its state says.
 */
#ifndef NTA_PLACEMENT_H
#define NTA_PLACEMENT_H

#include <linux/types.h>

#include "affinity.h"

struct nta_thread;

bool nta_is_placed(struct nta_thread *thread, const struct nta_affinity *system);
enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_affinity *system);
enum nta_reason nta_place_user(struct nta_thread *thread);

int nta_placement_start(void);
void nta_placement_stop(void);

#endif /* NTA_PLACEMENT_H */
