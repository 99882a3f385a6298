/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Levels: what the calling context allows, in the terms of rule I1, and the IRQL
 * that a driver raises and lowers.
 */
#ifndef NTA_IRQL_H
#define NTA_IRQL_H

#include <linux/types.h>

/*
 * NTA_PASSIVE: process context that may sleep and migrate.
 * NTA_PINNED: may sleep, may not leave its processor (migrate_disable()).
 * NTA_DISPATCH: process context that must not sleep.
 * NTA_NO_THREAD: an interrupt, a softirq or the idle task: the current thread
 *	is not the driver's.
 */
enum nta_context {
	NTA_PASSIVE,
	NTA_PINNED,
	NTA_DISPATCH,
	NTA_NO_THREAD,
};

enum nta_context nta_current_context(void);

u8 nta_current_irql(void);
u8 nta_raise_irql(u8 irql, unsigned long caller);
bool nta_lower_irql(u8 irql, u8 old);
void nta_count_lock(int locks);
bool nta_holds_locks(void);
bool nta_is_only_raised(void);
bool nta_bring_down(unsigned long *raiser);

#endif /* NTA_IRQL_H */
