// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a thread where its state says: the only caller of set_cpus_allowed_ptr().
 *
 * Three masks are kept apart. What the driver asked for is trimmed by
 * affinity.c to the system affinity. That is handed to the kernel, and what the
 * kernel then has in cpus_mask is the installed mask, read back: since 6.2 it
 * can be narrower, because the kernel cuts it with the mask that user mode set.
 * The flag NTA_THREAD_IN_FORCE goes when somebody has put another mask over it.
 *
 * Whoever installs owns the entry for as long as it takes (I5).
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "placement.h"
#include "queue.h"
#include "report.h"
#include "system_affinity.h"
#include "thread.h"
#include "user_affinity.h"

/*
 * A migration can fail silently while CPUs come and go. Each further try has to
 * meet another hotplug operation to fail again.
 */
#define INSTALL_TRIES 4

#if IS_ENABLED(CONFIG_KUNIT)
static void (*test_stretch)(struct task_struct *task, enum nta_stage stage);

/**
 * nta_stretch_installs() - let a test make others' installs last longer (I5)
 * @stretch: called at each stage, with the entry owned; or NULL
 *
 * Context: process.
 */
void nta_stretch_installs(void (*stretch)(struct task_struct *task,
					  enum nta_stage stage))
{
	WRITE_ONCE(test_stretch, stretch);
}
EXPORT_SYMBOL_IF_KUNIT(nta_stretch_installs);

/**
 * nta_stretch_point() - here a test may hold an installer up
 * @task: the thread he installs for
 * @stage: how far he is
 *
 * Context: process; may sleep, in tests.
 */
void nta_stretch_point(struct task_struct *task, enum nta_stage stage)
{
	void (*stretch)(struct task_struct *task, enum nta_stage stage) =
		READ_ONCE(test_stretch);

	if (stretch && task != current)
		stretch(task, stage);
}
#endif

/*
 * Whether the kernel has done with @mask what it had to do for current: current
 * runs inside it and inside what the kernel made of it, or somebody else has put
 * another mask in its place.
 */
static bool arrived(const struct cpumask *mask)
{
	unsigned int cpu = raw_smp_processor_id();

	/* data_race: a change right now counts as one after the call. */
	if (data_race(!cpumask_subset(&current->cpus_mask, mask)))
		return true;
	return cpumask_test_cpu(cpu, mask) &&
	       /* data_race: likewise. */
	       data_race(cpumask_test_cpu(cpu, &current->cpus_mask));
}

/*
 * Have the kernel take a mask, and when it is for current, be there.
 *
 * A mask equal to the one in force returns early in the kernel and moves
 * nothing. So before a further try the mask becomes the processor that current
 * is stuck on, which the mask it should be in never equals.
 *
 * Returns 0; -EINVAL if the kernel refused the mask and nothing changed; -EAGAIN
 * if the migration failed and cpus_mask has to be put right by the caller.
 */
static int install(struct task_struct *task, const struct cpumask *mask)
{
	int tries, ret;

	for (tries = 0; tries < INSTALL_TRIES; tries++) {
		if (tries) {
			nta_report_event(NTA_EVENT_INSTALL_REPEATED);
			set_cpus_allowed_ptr(task,
					     cpumask_of(raw_smp_processor_id()));
		}
		ret = set_cpus_allowed_ptr(task, mask);
		if (ret)
			return tries ? -EAGAIN : ret;
		if (task != current || arrived(mask))
			return 0;
	}
	return -EAGAIN;
}

/*
 * Per-CPU kworkers, ksoftirqd and their like: the code that owns them relies on
 * where they are, and a bound kworker that sleeps elsewhere can corrupt its
 * pool's count of running workers (T2).
 */
static bool is_bound_kthread(struct nta_thread *thread)
{
	return (thread->task->flags & PF_KTHREAD) &&
	       (thread->task->flags & PF_NO_SETAFFINITY) &&
	       cpumask_weight(nta_thread_user(thread)) == 1;
}

/**
 * nta_judge_bound() - find out whether a thread is never to be moved (T2)
 * @thread: current's entry, before it becomes active
 *
 * Context: any; what user mode wants of it has been learnt.
 */
void nta_judge_bound(struct nta_thread *thread)
{
	if (!thread->state.active)
		assign_bit(NTA_THREAD_BOUND, &thread->flags,
			   is_bound_kthread(thread));
}

/**
 * nta_held_in_place() - what keeps a thread from being moved, if anything does
 * @thread: its entry
 *
 * Context: any. For a thread that is not active yet it is current that asks.
 * Return: NTA_OK if nothing does; or what does.
 */
enum nta_reason nta_held_in_place(const struct nta_thread *thread)
{
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return NTA_BOUND_KTHREAD;
	/* Moving one would corrupt its root domain's bandwidth accounting (T4). */
	if (thread->task->policy == SCHED_DEADLINE)
		return NTA_DEADLINE;
	return NTA_OK;
}

/* The last resort: better anywhere than nowhere, or stuck on one processor. */
static void use_any_processor(struct task_struct *task)
{
	if (install(task, cpu_active_mask))
		nta_report_event(NTA_EVENT_LOST);
}

/*
 * Install the user affinity, which is the request. User mode may change its mind
 * while we do: its last word counts. Who does nothing else all the time must not
 * keep us here, so at some point a worker is left to see to it.
 */
static int install_latest_user(struct nta_thread *thread)
{
	int tries = INSTALL_TRIES, ret;

	do {
		ret = install(thread->task, nta_thread_request(thread));
		if (!nta_user_has_changed(thread))
			return ret;
	} while (--tries);

	/* Not at an unload: then what was installed is hardly any older. */
	if (!test_bit(NTA_THREAD_TAKEN, &thread->flags)) {
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
		nta_apply_soon(thread);
	}
	return ret;
}

/*
 * After a Set that failed halfway: back to the affinity from before. Returns
 * whether that is a system affinity.
 */
static bool undo(struct nta_thread *thread)
{
	bool is_system = nta_request_state(thread);
	int ret;

	if (is_system)
		ret = install(thread->task, nta_thread_request(thread));
	else
		ret = install_latest_user(thread);
	if (ret)
		use_any_processor(thread->task);
	return is_system;
}

/**
 * nta_is_placed() - whether a Set of this system affinity has nothing to do
 * @thread: current's entry
 * @system: the system affinity asked for, trimmed
 *
 * Takes no lock, the scheduler's least of all (S17).
 *
 * Context: process.
 * Return: true if the thread is where @system wants it.
 */
bool nta_is_placed(struct nta_thread *thread, const struct nta_affinity *system)
{
	const struct cpumask *now = &thread->task->cpus_mask;

	return thread->state.active &&
	       !test_bit(NTA_THREAD_PENDING, &thread->flags) &&
	       nta_affinity_equal(&thread->state.system, system) &&
	       /* data_race: a change right now counts as one after the call. */
	       test_bit(NTA_THREAD_IN_FORCE, &thread->flags) &&
	       /* data_race: likewise. */
	       data_race(cpumask_equal(now, nta_thread_installed(thread))) &&
	       /* data_race: likewise. */
	       data_race(nta_system_contains(thread, system, now)) &&
	       cpumask_test_cpu(raw_smp_processor_id(), now);
}

/**
 * nta_install_system() - as nta_place_system(), but the install is begun
 * @thread: the entry, owned by the caller; the request is the system affinity
 *
 * Context: process; may sleep.
 * Return: NTA_OK; or why the thread's affinity is what it was.
 */
enum nta_reason nta_install_system(struct nta_thread *thread)
{
	struct cpumask *request = nta_thread_request(thread);
	struct task_struct *task = thread->task;
	enum nta_reason reason;
	bool is_system = true;
	int ret;

	reason = nta_held_in_place(thread);
	if (reason) {
		/* data_race: a change right now counts as one after the call. */
		if (data_race(!cpumask_subset(&task->cpus_mask, request)))
			return reason;
		reason = NTA_OK;
	} else {
		nta_stretch_point(task, NTA_STAGE_BEGUN);
		ret = install(task, request);
		if (ret == -EAGAIN)
			is_system = undo(thread);
		else if (ret)
			/* Nothing has changed, nor has what is installed. */
			return NTA_KERNEL_REFUSED;
		if (ret)
			reason = NTA_KERNEL_REFUSED;
	}

	/* Somebody was quicker than we could read back. */
	if (!nta_end_install(thread, is_system) && !reason)
		nta_apply_soon(thread);
	return reason;
}

/**
 * nta_place_system() - move the calling thread to a system affinity
 * @thread: its entry, owned by the caller; @thread->state is still the old one
 * @system: the system affinity, trimmed
 *
 * Context: process; may sleep. nta_install_done() must follow once the outcome
 * is committed.
 * Return: NTA_OK: current then runs inside @system; or why the thread's affinity
 * is what it was.
 */
enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_affinity *system)
{
	enum nta_reason reason;

	nta_begin_install(thread, NULL);
	nta_judge_bound(thread);
	nta_system_to_cpumask(thread, system, nta_thread_request(thread));
	reason = nta_install_system(thread);
	/* A Set of the thread's own is a new fight (U5). */
	if (!reason) {
		clear_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
		thread->put_backs = 0;
	}
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_system);

/**
 * nta_install_user() - as nta_place_user(), but the install is begun
 * @thread: the entry, owned by the caller
 *
 * Context: process; may sleep.
 * Return: NTA_OK or NTA_KERNEL_REFUSED.
 */
enum nta_reason nta_install_user(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;
	int ret;

	/* What was never moved is not moved back (T2). */
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return NTA_OK;

	clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	nta_stretch_point(task, NTA_STAGE_BEGUN);
	nta_request_user(thread);
	ret = install_latest_user(thread);

	/* Nothing of ours is in force any more, whatever becomes of the state. */
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	clear_bit(NTA_THREAD_IN_FORCE, &thread->flags);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);

	/* Not all CPUs gone: the mask is right, and a CPU is on its way out. */
	if (ret != -EINVAL)
		return NTA_OK;

	/*
	 * All of it is offline. A cpuset that user mode has put the thread in
	 * since is not in question: that would be the user affinity now.
	 */
	nta_report_user_refused(task, nta_thread_request(thread));
	use_any_processor(task);
	return NTA_KERNEL_REFUSED;
}

/**
 * nta_place_user() - move a thread to its user affinity
 * @thread: its entry, owned by the caller; @thread->state is still the old one
 *
 * Context: process; may sleep. For another thread, of which nothing else may
 * change the state meanwhile, it sleeps until that may migrate.
 * nta_install_done() must follow once the outcome is committed.
 * Return: NTA_OK, or NTA_KERNEL_REFUSED if no processor of the user affinity is
 * active: the thread then may use all active processors (R11).
 */
enum nta_reason nta_place_user(struct nta_thread *thread)
{
	nta_begin_install(thread, NULL);
	return nta_install_user(thread);
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_user);

/**
 * nta_commit() - the state of the calling thread is another from now on
 * @thread: its entry
 * @state: the state
 *
 * Context: any.
 */
void nta_commit(struct nta_thread *thread, const struct nta_state *state)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	clear_bit(NTA_THREAD_PENDING, &thread->flags);
	if (state->active)
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	thread->state = *state;
	WRITE_ONCE(thread->generation, thread->generation + 1);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}
