// SPDX-License-Identifier: GPL-2.0-only
/*
 * What level is this?
 *
 * Linux has no IRQL; the level is read off the kernel's own marks of a context.
 * On a kernel without PREEMPT_COUNT, spin_lock() and preempt_disable() leave no
 * mark, and such a section looks like PASSIVE_LEVEL (README, "IRQL").
 */
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "compat.h"
#include "irql.h"

/**
 * nta_current_context() - what the calling context allows
 *
 * Context: any.
 * Return: the most restrictive context that applies.
 */
enum nta_context nta_current_context(void)
{
	if (in_nmi() || in_hardirq() || in_serving_softirq() ||
	    is_idle_task(current))
		return NTA_NO_THREAD;

	if (preempt_count() || irqs_disabled() || rcu_preempt_depth())
		return NTA_DISPATCH;

	if (nta_migration_disabled(current))
		return NTA_PINNED;

	return NTA_PASSIVE;
}
EXPORT_SYMBOL_IF_KUNIT(nta_current_context);
