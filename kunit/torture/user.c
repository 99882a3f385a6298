// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user mode wants of a victim. Whoever changes its affinity announces that
 * before, and says afterwards that it is done: what the victim shows must then be
 * among what was announced, and where there was quiet just that.
 *
 * Hotplug is announced in the same way, for all victims at once.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "torture.h"

/* Odd while a processor comes or goes. */
static atomic_t hotplugs = ATOMIC_INIT(0);
/* What it was when that processor came or went the last time. */
static unsigned int last_of[64];

void torture_hotplug(bool begins, unsigned int cpu)
{
	if ((atomic_read(&hotplugs) & 1) == begins)
		return;
	if (begins)
		WRITE_ONCE(last_of[cpu % 64], atomic_read(&hotplugs) + 1);
	smp_mb__before_atomic(); /* for who sees the new count */
	atomic_inc(&hotplugs);
}

static void add_want(struct torture_victim *victim, u64 mask)
{
	victim->wants[victim->next_want++ % TORTURE_WANTS] = mask;
}

/* Before anybody can disturb. */
void torture_want_only(struct torture_victim *victim, u64 mask)
{
	add_want(victim, mask);
	victim->first_want = victim->next_want - 1;
}

/*
 * A change is on its way, to one of these. The same twice: to that one. @goes_on:
 * it has been announced before, and more is known of it now.
 */
int torture_begin_change(struct torture_victim *victim, u64 one, u64 other,
			 bool goes_on)
{
	unsigned long flags;
	int ret = -EBUSY;

	raw_spin_lock_irqsave(&victim->lock, flags);
	if ((victim->changes & 1) == goes_on && !victim->shielded) {
		victim->changes += !goes_on;
		if (other != one)
			add_want(victim, other);
		add_want(victim, one);
		ret = 0;
	}
	raw_spin_unlock_irqrestore(&victim->lock, flags);
	return ret;
}

/* It has come to the last one announced; or who knows? */
int torture_end_change(struct torture_victim *victim, bool exact)
{
	unsigned long flags;
	int ret = -EINVAL;

	raw_spin_lock_irqsave(&victim->lock, flags);
	if (victim->changes & 1) {
		victim->changes++;
		if (exact)
			victim->first_want = victim->next_want - 1;
		ret = 0;
	}
	raw_spin_unlock_irqrestore(&victim->lock, flags);
	return ret;
}

/*
 * Keep disturbers off, unless one is at it. The kernel itself loses a migration, and
 * says so, when several change the affinity of a thread that disables migration, and
 * hotplug moves it (migrate_enable(), 6.1 to 7.3 at least).
 */
bool torture_shield(struct torture_victim *victim)
{
	unsigned long flags;
	bool shielded;

	raw_spin_lock_irqsave(&victim->lock, flags);
	shielded = !(victim->changes & 1);
	victim->shielded += shielded;
	raw_spin_unlock_irqrestore(&victim->lock, flags);
	return shielded;
}

void torture_unshield(struct torture_victim *victim)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&victim->lock, flags);
	victim->shielded--;
	raw_spin_unlock_irqrestore(&victim->lock, flags);
}

struct torture_window torture_open(struct torture_victim *victim)
{
	struct torture_window window = { .hotplugs = atomic_read(&hotplugs) };
	unsigned long flags;

	raw_spin_lock_irqsave(&victim->lock, flags);
	window.first = victim->first_want;
	window.changes = victim->changes;
	raw_spin_unlock_irqrestore(&victim->lock, flags);
	return window;
}

bool torture_hotplug_since(const struct torture_window *window)
{
	smp_rmb(); /* what was looked at comes before */
	return (window->hotplugs & 1) ||
	       atomic_read(&hotplugs) != window->hotplugs;
}

/* The CPUs that hotplug has let alone since. */
u64 torture_untouched(const struct torture_window *window)
{
	unsigned int i;
	u64 cpus = 0;

	smp_rmb(); /* what was looked at comes before */
	for (i = 0; i < 64; i++) {
		if ((int)(READ_ONCE(last_of[i]) - window->hotplugs) < 0 ||
		    !READ_ONCE(last_of[i]))
			cpus |= 1ULL << i;
	}
	return cpus;
}

/* Whether nobody has changed the victim's affinity since. */
bool torture_is_undisturbed(struct torture_victim *victim,
			    const struct torture_window *window)
{
	unsigned long flags;
	bool quiet;

	raw_spin_lock_irqsave(&victim->lock, flags);
	quiet = !(window->changes & 1) && victim->changes == window->changes;
	raw_spin_unlock_irqrestore(&victim->lock, flags);
	return quiet;
}

/* And no processor has come or gone. */
bool torture_is_quiet(struct torture_victim *victim,
		      const struct torture_window *window)
{
	return torture_is_undisturbed(victim, window) &&
	       !torture_hotplug_since(window);
}

/*
 * Whether user mode may want @mask, of all that it may have wanted since @first.
 * @exact: that was one mask only.
 */
bool torture_may_want(struct torture_victim *victim, unsigned int first,
		      u64 mask, bool *exact)
{
	unsigned long flags;
	bool may = false;
	unsigned int i;

	raw_spin_lock_irqsave(&victim->lock, flags);
	*exact = victim->next_want - first == 1;
	/* More than can be remembered: anything. */
	if (victim->next_want - first > TORTURE_WANTS)
		may = true;
	for (i = first; !may && i != victim->next_want; i++)
		may = victim->wants[i % TORTURE_WANTS] == mask;
	raw_spin_unlock_irqrestore(&victim->lock, flags);
	return may;
}

u64 torture_mask_of(struct task_struct *task)
{
	unsigned long flags;
	u64 mask;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	mask = cpumask_bits(&task->cpus_mask)[0];
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	/* A kernel's mask of all CPUs may have bits of those that cannot be. */
	return mask & cpumask_bits(cpu_possible_mask)[0];
}
