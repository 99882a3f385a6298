/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raising and lowering the level of the calling thread, with all that follows.
 */
#ifndef NTA_LEVEL_H
#define NTA_LEVEL_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "irql.h"
#include "thread.h"

u8 nta_level(void);
u8 nta_level_raise_with_care(u8 level, unsigned long caller);
void nta_level_lower_with_care(u8 level, unsigned long caller);

/**
 * nta_level_raise() - raise the current level
 * @level: to this one
 * @caller: the DDI's return address
 *
 * Context: any.
 * Return: the level from before. If that is higher, or there is no such level, or
 * for APC_LEVEL no memory, nothing has changed, and a line says so.
 */
static __always_inline u8 nta_level_raise(u8 level, unsigned long caller)
{
	/* With a mark, PASSIVE_LEVEL may be APC_LEVEL. */
	if (likely(level == NTA_IRQL_DISPATCH && !atomic_read(&nta_marks)) &&
	    likely(nta_raise_plainly(caller)))
		return 0;
	return nta_level_raise_with_care(level, caller);
}

/**
 * nta_level_lower() - lower the current level
 * @level: to this one
 * @caller: the DDI's return address
 *
 * Context: any. May sleep if no native section is open that forbids it.
 */
static __always_inline void nta_level_lower(u8 level, unsigned long caller)
{
	if (likely(!level && !atomic_read(&nta_marks)) &&
	    likely(nta_lower_plainly()))
		return;
	nta_level_lower_with_care(level, caller);
}

void nta_level_bring_down(const char *where);
void nta_level_needs_dispatch(const char *what, unsigned long caller);

struct seq_file;

void nta_levels_show(struct seq_file *file);
void nta_levels_start(bool check);
void nta_levels_stop(void);

#endif /* NTA_LEVEL_H */
