/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for where none can be allocated.
 */
#ifndef NTA_RESERVE_H
#define NTA_RESERVE_H

#include <linux/gfp.h>
#include <linux/lockdep.h>
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

extern struct lockdep_map nta_alloc_map;

/*
 * Between these lockdep lets the allocator's locks be taken with a raw spin lock held.
 * It forbids that for the sake of PREEMPT_RT, where there is the reserve instead. Not
 * where the allocation may sleep: then no such lock is held, and mutexes may be taken.
 */
static inline void nta_begin_alloc(gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && !gfpflags_allow_blocking(gfp))
		lock_map_acquire_try(&nta_alloc_map);
}

static inline void nta_end_alloc(gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && !gfpflags_allow_blocking(gfp))
		lock_map_release(&nta_alloc_map);
}

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
