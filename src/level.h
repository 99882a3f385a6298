/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raising and lowering the level of the calling thread, with all that follows.
 */
#ifndef NTA_LEVEL_H
#define NTA_LEVEL_H

#include <linux/types.h>

u8 nta_level(void);
u8 nta_level_raise(u8 level, unsigned long caller);
void nta_level_lower(u8 level, unsigned long caller);
void nta_level_bring_down(const char *where);
void nta_level_needs_dispatch(const char *what, unsigned long caller);

int nta_levels_start(bool check);
void nta_levels_stop(void);

#endif /* NTA_LEVEL_H */
