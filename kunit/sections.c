// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a test's work where it may not sleep: under locks, in interrupts and so
 * on. See helpers.h. Proves nothing by itself.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "helpers.h"

struct interruption {
	struct tasklet_struct tasklet;
	struct irq_work irq;
	struct completion done;
	void (*work)(void *data);
	void *data;
};

static void work_in_tasklet(struct tasklet_struct *tasklet)
{
	struct interruption *interruption =
		container_of(tasklet, struct interruption, tasklet);

	interruption->work(interruption->data);
	complete(&interruption->done);
}

static void in_softirq_context(struct interruption *interruption)
{
	tasklet_setup(&interruption->tasklet, work_in_tasklet);
	/* Enabling runs it in this very thread, unless ksoftirqd is at it. */
	local_bh_disable();
	tasklet_schedule(&interruption->tasklet);
	local_bh_enable();
	wait_for_completion(&interruption->done);
	tasklet_kill(&interruption->tasklet);
}

/* Not on the stack: how such a timer is given back differs between kernels. */
static struct interruption *timer_interruption;

static void work_in_timer(struct timer_list *unused)
{
	timer_interruption->work(timer_interruption->data);
	complete(&timer_interruption->done);
}

static DEFINE_TIMER(timer, work_in_timer);

static void in_timer_context(struct interruption *interruption)
{
	timer_interruption = interruption;
	mod_timer(&timer, jiffies + 1);
	wait_for_completion(&interruption->done);
	timer_delete_sync(&timer);
}

static void work_in_irq(struct irq_work *irq)
{
	struct interruption *interruption =
		container_of(irq, struct interruption, irq);

	interruption->work(interruption->data);
	complete(&interruption->done);
}

static void in_hard_irq_context(struct interruption *interruption)
{
	interruption->irq = IRQ_WORK_INIT_HARD(work_in_irq);
	irq_work_queue(&interruption->irq);
	wait_for_completion(&interruption->done);
	irq_work_sync(&interruption->irq);
}

void nta_needs_section(struct kunit *test, enum nta_section section)
{
	if ((section == NTA_IN_SPIN_LOCK || section == NTA_IN_RAW_SPIN_LOCK ||
	     section == NTA_IN_PREEMPT_OFF) &&
	    !IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
	if (section == NTA_IN_RCU_READ && !IS_ENABLED(CONFIG_PREEMPT_RCU))
		kunit_skip(test, "needs CONFIG_PREEMPT_RCU");
	if (section == NTA_IN_MIGRATION_OFF && !IS_ENABLED(CONFIG_SMP))
		kunit_skip(test, "needs CONFIG_SMP");
}

void nta_in_section(enum nta_section section, void (*work)(void *data),
		    void *data)
{
	static DEFINE_RAW_SPINLOCK(raw_lock);
	static DEFINE_SPINLOCK(lock);
	struct interruption interruption = { .work = work, .data = data };
	unsigned long flags;

	init_completion(&interruption.done);
	switch (section) {
	case NTA_IN_SPIN_LOCK:
		spin_lock(&lock);
		work(data);
		spin_unlock(&lock);
		break;
	case NTA_IN_SPIN_LOCK_IRQSAVE:
		spin_lock_irqsave(&lock, flags);
		work(data);
		spin_unlock_irqrestore(&lock, flags);
		break;
	case NTA_IN_RAW_SPIN_LOCK:
		raw_spin_lock(&raw_lock);
		work(data);
		raw_spin_unlock(&raw_lock);
		break;
	case NTA_IN_PREEMPT_OFF:
		preempt_disable();
		work(data);
		preempt_enable();
		break;
	case NTA_IN_BH_OFF:
		local_bh_disable();
		work(data);
		local_bh_enable();
		break;
	case NTA_IN_IRQ_OFF:
		local_irq_save(flags);
		work(data);
		local_irq_restore(flags);
		break;
	case NTA_IN_RCU_READ:
		rcu_read_lock();
		work(data);
		rcu_read_unlock();
		break;
	case NTA_IN_MIGRATION_OFF:
		migrate_disable();
		work(data);
		migrate_enable();
		break;
	case NTA_IN_SOFTIRQ:
		in_softirq_context(&interruption);
		break;
	case NTA_IN_TIMER:
		in_timer_context(&interruption);
		break;
	case NTA_IN_HARD_IRQ:
		in_hard_irq_context(&interruption);
		break;
	case NTA_IN_NMI:
		/* To all who ask for it, it is one. */
		local_irq_save(flags);
		__preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
		work(data);
		__preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
		local_irq_restore(flags);
		break;
	}
}
