// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for where none can be allocated: on PREEMPT_RT, with preemption or
 * interrupts off. Nothing can be freed there, either.
 *
 * A block that was taken is replaced by a worker. If more are taken than it can
 * make meanwhile, that is a failed allocation (S16).
 *
 * Who may touch what: all but the constants @lock. Of a block in the reserve the
 * first word points to the next.
 */
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "reserve.h"

/**
 * nta_reserve_take() - take a block
 * @reserve: from here
 *
 * Context: any but an NMI; no lock of the scheduler is held.
 * Return: the block, zeroed; NULL if there is none.
 */
void *nta_reserve_take(struct nta_reserve *reserve)
{
	unsigned long flags;
	void **block;

	raw_spin_lock_irqsave(&reserve->lock, flags);
	block = reserve->first;
	if (block) {
		reserve->first = *block;
		*block = NULL;
		reserve->count--;
	}
	raw_spin_unlock_irqrestore(&reserve->lock, flags);
	queue_work(system_highpri_wq, &reserve->work);
	return block;
}

/**
 * nta_reserve_give() - put a block into a reserve
 * @reserve: where it is to be
 * @block: the block, of its kind
 *
 * Context: any but an NMI.
 */
void nta_reserve_give(struct nta_reserve *reserve, void *block)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&reserve->lock, flags);
	*(void **)block = reserve->first;
	reserve->first = block;
	WRITE_ONCE(reserve->count, reserve->count + 1);
	raw_spin_unlock_irqrestore(&reserve->lock, flags);
}

static void fill(struct work_struct *work)
{
	struct nta_reserve *reserve = container_of(work, struct nta_reserve,
						   work);
	void *block;

	while (READ_ONCE(reserve->count) < reserve->wanted) {
		block = reserve->make();
		if (!block)
			return;
		nta_reserve_give(reserve, block);
	}
}

/**
 * nta_reserve_start() - fill a reserve
 * @reserve: the reserve. What memory there is not now comes later.
 *
 * Context: process; may sleep.
 */
void nta_reserve_start(struct nta_reserve *reserve)
{
	raw_spin_lock_init(&reserve->lock);
	INIT_WORK(&reserve->work, fill);
	fill(&reserve->work);
}

/**
 * nta_reserve_stop() - free all of it
 * @reserve: the reserve, of which nobody takes any more
 *
 * Context: process; may sleep.
 */
void nta_reserve_stop(struct nta_reserve *reserve)
{
	void **block;

	cancel_work_sync(&reserve->work);
	while (reserve->first) {
		block = reserve->first;
		reserve->first = *block;
		reserve->dispose(block);
	}
	reserve->count = 0;
}
