/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for where none can be allocated.
 */
#ifndef NTA_RESERVE_H
#define NTA_RESERVE_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/*
 * @make: makes a block, zeroed; may sleep
 * @dispose: frees one
 * @wanted: how many there are to be
 */
struct nta_reserve {
	void *(*make)(void);
	void (*dispose)(void *block);
	unsigned int wanted;
	unsigned int count;
	void *first;
	raw_spinlock_t lock;
	struct work_struct work;
};

#ifdef CONFIG_PREEMPT_RT

void *nta_reserve_take(struct nta_reserve *reserve);
void nta_reserve_give(struct nta_reserve *reserve, void *block);
void nta_reserve_start(struct nta_reserve *reserve);
void nta_reserve_stop(struct nta_reserve *reserve);

#else

static inline void *nta_reserve_take(struct nta_reserve *reserve)
{
	return NULL;
}

static inline void nta_reserve_give(struct nta_reserve *reserve, void *block)
{
}

static inline void nta_reserve_start(struct nta_reserve *reserve)
{
}

static inline void nta_reserve_stop(struct nta_reserve *reserve)
{
}

#endif

#endif /* NTA_RESERVE_H */
