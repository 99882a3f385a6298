/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the calling context allows, in the terms of rule I1.
 */
#ifndef NTA_IRQL_H
#define NTA_IRQL_H

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

#endif /* NTA_IRQL_H */
