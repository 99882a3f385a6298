// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child starts with the affinity of its creator, which may be active. It gets
 * the user affinity instead, at once if it starts on a processor of that: only
 * then is it certain that setting it does not sleep. Else a worker does it, and
 * the child may have children of its own before that. So the child gets an entry
 * with which its children are put right in the same way.
 *
 * What the child has was copied when the clone began. A worker, and user mode,
 * may have given the creator other masks since; so the child is compared with
 * what user mode wants now, and not with what the creator has.
 */
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>

#include "apply.h"
#include "child.h"
#include "compat.h"
#include "install.h"
#include "irql.h"
#include "placement.h"
#include "queue.h"
#include "report.h"
#include "thread.h"
#include "user_affinity.h"

static struct tracepoint *task_newtask;

/*
 * Whether @child of current, whose entry is @parent, has to be put right; then
 * @user is what it is to have. Not if it was created into another cpuset: then it
 * has that one's affinity. Who gives a child an affinity before its creator's
 * clone has come this far cannot be told from the creator.
 */
static bool owes_user(struct nta_thread *parent, const struct task_struct *child,
		      bool other_cpuset, struct cpumask *user)
{
	const struct cpumask *wanted = &current->cpus_mask;
	const struct cpumask *now = &child->cpus_mask;
	unsigned long flags = nta_lock_affinity(parent);
	bool owes;

	nta_learn_meanwhile(parent);
	if (other_cpuset || test_bit(NTA_THREAD_BOUND, &parent->flags)) {
		owes = false;
	} else if (nta_is_held(parent) ||
		   test_bit(NTA_THREAD_USER_DUE, &parent->flags)) {
		wanted = nta_thread_user(parent);
		owes = true;
	} else {
		/* A worker was quicker with the creator than it with the clone. */
		owes = test_bit(NTA_THREAD_LATE, &parent->flags);
	}
	/* data_race: who changes the child's just now might have before. */
	owes = owes && !data_race(cpumask_equal(now, wanted));
	if (owes && user)
		cpumask_copy(user, wanted);
	nta_unlock_affinity(parent, flags);
	return owes;
}

/*
 * Have @child remember what it has inherited, and that user mode wants another. Not
 * if others have given it an affinity since it has the entry: that is what is wanted.
 */
static bool owe_user(struct nta_thread *child)
{
	unsigned long flags = nta_lock_affinity(child);
	bool owes = !child->changes.foreign;

	if (owes) {
		nta_record_installed(child);
		child->user_print = nta_user_print(child->task);
		set_bit(NTA_THREAD_USER_DUE, &child->flags);
	}
	nta_unlock_affinity(child, flags);
	return owes;
}

/*
 * Who comes back from a clone has no other one under way: from now on nothing that
 * others have installed for him can be late for one.
 */
static void forget_late(struct nta_thread *parent)
{
	unsigned long flags;

	if (!test_bit(NTA_THREAD_LATE, &parent->flags))
		return;
	flags = nta_lock_affinity(parent);
	if (!parent->installer && !nta_is_held(parent) &&
	    !test_bit(NTA_THREAD_USER_DUE, &parent->flags))
		clear_bit(NTA_THREAD_LATE, &parent->flags);
	nta_unlock_affinity(parent, flags);
}

/*
 * Whether the child starts on a processor of its user affinity, and the kernel
 * will take that as it is.
 */
static bool starts_inside(struct nta_thread *child)
{
	/* User mode knows the child already, and may replace either mask. */
	unsigned long flags = nta_lock_affinity(child);
	const struct cpumask *kept = nta_kept_user_mask(child->task);
	const struct cpumask *user = nta_thread_user(child);
	bool inside;

	inside = cpumask_test_cpu(task_cpu(child->task), user) &&
		 (!kept || cpumask_subset(user, kept));
	nta_unlock_affinity(child, flags);
	return inside;
}

/*
 * Put the child where it belongs. To wake who waits for the entry takes a lock that
 * may sleep on PREEMPT_RT, so no worker is let come that would wait; and for who waits
 * all the same, as unload can, a worker is sent that wakes him. Returns false if there
 * is something left for a worker.
 */
static bool place_now(struct nta_thread *child)
{
	bool owned, nobody_waits = true;

	/* One that is on its way will do it. */
	if (!nta_keep_workers_away(child))
		return true;
	owned = nta_thread_try_own(child);
	if (owned) {
		nta_place_user_once(child);
		/* It has not run yet, and so is in no clone. */
		clear_bit(NTA_THREAD_LATE, &child->flags);
		nobody_waits = nta_thread_release(child);
	}
	nta_let_workers_come(child);
	return owned && nobody_waits &&
	       !test_bit(NTA_THREAD_USER_DUE, &child->flags);
}

/**
 * nta_place_child() - give a new thread the user affinity of its creator
 * @task: a child of current that does not run yet
 * @other_cpuset: it was created into another cpuset than its creator's
 *
 * Context: process, maybe with preemption disabled.
 */
void nta_place_child(struct task_struct *task, bool other_cpuset)
{
	struct nta_thread *parent = nta_thread_find(current), *child;
	bool owes;

	if (!parent)
		return;
	/* The child may have the newest user affinity already. */
	nta_look_after(parent);
	if (!owes_user(parent, task, other_cpuset, NULL)) {
		forget_late(parent);
		return;
	}

	child = nta_thread_make(task, nta_gfp(NTA_DISPATCH));
	if (!child) {
		nta_report_child_missed(task);
		return;
	}
	nta_stretch_point(task, NTA_STAGE_KNOWN);
	/* Once more, with room for the mask: it may be another by now. */
	owes = owes_user(parent, task, other_cpuset, nta_thread_user(child)) &&
	       owe_user(child);
	forget_late(parent);
	if (!owes)
		return;

	nta_report_event(NTA_EVENT_CHILD);
	if (!starts_inside(child) || !place_now(child))
		nta_apply_soon(child);
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_child);

/* The kernel has given it the affinity of that one, then (cpuset_fork()). */
static bool in_other_cpuset(struct task_struct *child)
{
	bool other = false;

#ifdef CONFIG_CPUSETS
	rcu_read_lock();
	other = task_css(child, cpuset_cgrp_id) !=
		task_css(current, cpuset_cgrp_id);
	rcu_read_unlock();
#endif
	return other;
}

static void task_newtask_probe(void *data, struct task_struct *task,
			       NTA_CLONE_FLAGS flags)
{
	nta_place_child(task, (flags & CLONE_INTO_CGROUP) && in_other_cpuset(task));
}

/**
 * nta_children_are_seen() - whether this kernel shows new threads
 *
 * Context: any.
 * Return: whether it does.
 */
bool nta_children_are_seen(void)
{
	return task_newtask;
}

/**
 * nta_children_start() - begin to look for new threads
 *
 * Context: process; may sleep.
 */
void nta_children_start(void)
{
	task_newtask = nta_start_probe("task_newtask", task_newtask_probe);
}

/**
 * nta_children_stop() - no thread has a system affinity to hand on any more
 *
 * But for one that was reverted for the unload in the middle of a clone: its child
 * has copied the system affinity, and keeps it. README says so.
 *
 * Context: process; may sleep. There may be work left for the last ones.
 */
void nta_children_stop(void)
{
	if (!task_newtask)
		return;
	tracepoint_probe_unregister(task_newtask, task_newtask_probe, NULL);
	tracepoint_synchronize_unregister();
}
