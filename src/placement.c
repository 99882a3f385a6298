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
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "install.h"
#include "placement.h"
#include "queue.h"
#include "report.h"
#include "system_affinity.h"
#include "thread.h"

/*
 * A migration can fail silently while CPUs come and go. A further try fails again if
 * all that is left is on its way down, or if it meets another hotplug operation.
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
 * Whether the kernel has done with @mask what it had to do: the thread runs inside it
 * and inside what the kernel made of it, or is to wake there; or somebody else has put
 * another mask in its place.
 */
static bool arrived(struct task_struct *task, const struct cpumask *mask)
{
	unsigned int cpu = task_cpu(task);

	/* data_race: a change right now counts as one after the call. */
	if (likely(data_race(cpumask_test_cpu(cpu, &task->cpus_mask))) &&
	    cpumask_test_cpu(cpu, mask))
		return true;
	return !nta_is_stuck(task, mask);
}

/*
 * A mask equal to the one in force returns early in the kernel and moves nothing. So
 * before a further try the thread goes where it can be moved to, and is inside then. If
 * that is all of the mask, or nothing is, the mask becomes the processor that the
 * thread is stuck on, which the mask it should be in never equals.
 */
static const struct cpumask *detour(struct task_struct *task)
{
	const struct cpumask *now = &task->cpus_mask;
	unsigned int cpu;

	/* data_race: what comes or goes right now makes the try one in vain. */
	if (data_race(cpumask_weight(now)) == 1)
		return cpumask_of(task_cpu(task));
	for_each_cpu_and(cpu, now, cpu_active_mask) {
		if (!cpu_dying(cpu))
			return cpumask_of(cpu);
	}
	return cpumask_of(task_cpu(task));
}

/*
 * Have the kernel take a mask, and the thread be there.
 *
 * Returns 0; -EINVAL if the kernel refused the mask and nothing changed; -EBUSY if
 * it refused it at a further try, and -EAGAIN if it took it and the thread still is not
 * there. Then the caller has to install another: who runs outside of what is in force
 * makes the kernel warn, at the latest in migrate_enable().
 */
static noinline int retry_install(struct task_struct *task,
				  const struct cpumask *mask)
{
	int tries, ret;

	for (tries = 1; tries < INSTALL_TRIES; tries++) {
		nta_report_event(NTA_EVENT_INSTALL_REPEATED);
		set_cpus_allowed_ptr(task, detour(task));
		ret = set_cpus_allowed_ptr(task, mask);
		if (ret)
			return -EBUSY;
		if (arrived(task, mask))
			return 0;
	}
	return -EAGAIN;
}

/*
 * A kernel thread is not moved to a processor on its way down, yet the kernel takes the
 * mask as long as that is online. Any but current would run outside of it until we see
 * that.
 */
static bool is_out_of_reach(struct task_struct *task, const struct cpumask *mask)
{
	unsigned int cpu;

	if (task == current || !(task->flags & PF_KTHREAD))
		return false;
	for_each_cpu_and(cpu, mask, cpu_online_mask) {
		if (!cpu_dying(cpu))
			return false;
	}
	return true;
}

static int install(struct task_struct *task, const struct cpumask *mask)
{
	int ret;

	if (unlikely(is_out_of_reach(task, mask)))
		return -EINVAL;
	ret = set_cpus_allowed_ptr(task, mask);
	if (ret || likely(arrived(task, mask)))
		return ret;
	return retry_install(task, mask);
}

/*
 * The same for a system affinity, of which the kernel takes what it can. Receives the
 * request and hands on what it has become.
 */
static int install_what_is_active(struct nta_thread *thread,
				  const struct cpumask **request)
{
	int ret = install(thread->task, *request);
	const struct cpumask *narrower;

	if (likely(ret != -EINVAL))
		return ret;
	narrower = nta_narrow_system(thread, *request);
	if (!narrower)
		return ret;
	*request = narrower;
	return install(thread->task, narrower);
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
	if (READ_ONCE(thread->task->policy) == SCHED_DEADLINE)
		return NTA_DEADLINE;
	return NTA_OK;
}

/* The last resort: better anywhere than nowhere, or stuck on one processor. */
static void use_any_processor(struct task_struct *task)
{
	int ret = install(task, cpu_active_mask);

	/* Who is on a CPU on its way down is moved by the kernel itself. */
	if (ret && ret != -EAGAIN)
		nta_report_event(NTA_EVENT_LOST);
}

/*
 * Install the user affinity. User mode may change its mind while we do: its last
 * word counts. Who does nothing else all the time must not keep us here, so at
 * some point a worker is left to see to it.
 */
static enum nta_reason install_user(struct nta_thread *thread,
				    const struct cpumask *request,
				    const struct nta_state *next, bool once)
{
	int tries = once ? 1 : INSTALL_TRIES;
	struct task_struct *task = thread->task;
	const struct cpumask *newer;
	bool refused;

	/* What was never moved is not moved back (T2). */
	if (test_bit(NTA_THREAD_BOUND, &thread->flags)) {
		nta_end_user(thread, request, next, false);
		return NTA_OK;
	}

	nta_stretch_point(task, NTA_STAGE_BEGUN);
	for (;;) {
		refused = install(task, request);
		newer = refused ? nta_renew_user(thread, request) :
				  nta_end_user(thread, request, next, tries > 1);
		if (!newer || !--tries)
			break;
		request = newer;
	}
	if (!refused)
		return NTA_OK;
	if (once) {
		nta_owe_user(thread);
		return NTA_OK;
	}

	/*
	 * All of it is offline, or about to be. A cpuset that user mode has put the thread in
	 * since is not in question: that would be the user affinity now. Nor is what was
	 * asked for too often to be tried: that is left to a worker.
	 */
	if (!newer)
		nta_report_user_refused(task, request);
	use_any_processor(task);
	nta_end_user(thread, newer ? NULL : request, next, false);
	return newer ? NTA_OK : NTA_KERNEL_REFUSED;
}

/* After an install that has failed halfway: back to what the state says. */
static void undo(struct nta_thread *thread, bool pending)
{
	const struct cpumask *request;
	bool is_system;

	request = nta_undo(thread, &is_system);
	if (!is_system) {
		install_user(thread, request, NULL, false);
		return;
	}
	if (install_what_is_active(thread, &request)) {
		use_any_processor(thread->task);
		nta_end_anywhere(thread);
		nta_apply_soon(thread);
		return;
	}
	if (pending)
		set_bit(NTA_THREAD_PENDING, &thread->flags);
	if (!nta_end_system(thread, request, NULL))
		nta_apply_soon(thread);
}

/*
 * Install a system affinity. The state is @next afterwards, if that is given and
 * nothing has failed; @pending: and if something has, it is still to be installed.
 */
static enum nta_reason install_system(struct nta_thread *thread,
				      const struct cpumask *request,
				      const struct nta_state *next, bool pending)
{
	enum nta_reason reason = nta_held_in_place(thread);
	struct task_struct *task = thread->task;
	int ret = 0;

	if (unlikely(reason)) {
		/* data_race: a change right now counts as one after the call. */
		if (data_race(!cpumask_subset(&task->cpus_mask, request))) {
			nta_cancel_system(thread, pending);
			return reason;
		}
	} else {
		nta_stretch_point(task, NTA_STAGE_BEGUN);
		ret = install_what_is_active(thread, &request);
		nta_stretch_point(task, NTA_STAGE_INSTALLED);
	}
	if (unlikely(ret)) {
		if (ret == -EINVAL)
			nta_cancel_system(thread, pending);
		else
			undo(thread, pending);
		return NTA_KERNEL_REFUSED;
	}

	/* Somebody was quicker than we could read back. */
	if (!nta_end_system(thread, request, next))
		nta_apply_soon(thread);
	return NTA_OK;
}

/**
 * nta_place_system() - move the calling thread to a system affinity
 * @thread: its entry, owned by the caller
 * @next: the state with it, trimmed
 *
 * Context: process; may sleep.
 * Return: NTA_OK: current then runs inside, and its state is @next; or why its
 * affinity and its state are what they were.
 */
enum nta_reason nta_place_system(struct nta_thread *thread,
				 const struct nta_state *next)
{
	const struct cpumask *request;
	enum nta_reason reason;

	request = nta_begin_system(thread, &next->system);
	reason = install_system(thread, request, next, false);
	if (reason)
		return reason;
	/* A Set of the thread's own is a new fight (U5). */
	if (test_bit(NTA_THREAD_GIVEN_UP, &thread->flags))
		clear_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
	thread->put_backs = 0;
	return NTA_OK;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_system);

/**
 * nta_place_user() - move a thread to its user affinity
 * @thread: its entry, owned by the caller
 * @next: the state from now on; NULL if it stays
 *
 * Context: process; may sleep. For another thread, of which nothing else may
 * change the state meanwhile, it sleeps until that may migrate.
 * Return: NTA_OK, or NTA_KERNEL_REFUSED if no processor of the user affinity is
 * active: the thread then may use all active processors (R11).
 */
enum nta_reason nta_place_user(struct nta_thread *thread,
			       const struct nta_state *next)
{
	return install_user(thread, nta_begin_user(thread), next, false);
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_user);

/**
 * nta_place_user_once() - the same for a thread that does not run yet
 * @thread: its entry, owned by the caller; where it starts is in its user affinity
 *
 * The kernel does not sleep for that. It might for what user mode wants since we have
 * begun, and where the thread does not start: that is left to a worker, which the caller
 * has to call.
 *
 * Context: process, maybe with preemption disabled.
 */
void nta_place_user_once(struct nta_thread *thread)
{
	install_user(thread, nta_begin_user(thread), NULL, true);
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_user_once);

/**
 * nta_place_state() - move another thread where its state says
 * @thread: its entry, owned by the caller
 * @expected: what it said when the caller looked
 * @pending: it has not been there yet
 * @reason: receives NTA_OK, or why its affinity is what it was
 *
 * Context: process; sleeps until the thread may migrate.
 * Return: false if its state is another by now: then nothing was done.
 */
bool nta_place_state(struct nta_thread *thread, const struct nta_state *expected,
		     bool pending, enum nta_reason *reason)
{
	const struct cpumask *request = nta_begin_state(thread, expected);

	if (!request)
		return false;
	if (expected->active)
		*reason = install_system(thread, request, NULL, pending);
	else
		*reason = install_user(thread, request, NULL, false);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_state);
