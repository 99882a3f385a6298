/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes true what the state of a thread says, later.
 */
#ifndef NTA_APPLY_H
#define NTA_APPLY_H

#include <linux/types.h>

#include "affinity.h"

struct nta_thread;

enum nta_reason nta_place_later(struct nta_thread *thread,
				const struct nta_state *next, bool soon);
void nta_place_pending(bool may_sleep);
void nta_note_hotplug(void);
void nta_forget_hotplug(void);
void nta_apply_start(void);
void nta_apply_stop(void);

#endif /* NTA_APPLY_H */
