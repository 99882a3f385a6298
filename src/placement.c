// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts a thread where its state says: the only caller of set_cpus_allowed_ptr().
 *
 * Three masks are kept apart. What the driver asked for is trimmed by
 * affinity.c to the system affinity. That is handed to the kernel, and what the
 * kernel then has in cpus_mask is the installed mask, read back: since 6.2 it
 * can be narrower, because the kernel cuts it with the mask that user mode set.
 * It always lies in one group, so it is kept as a group and a mask; {0, 0} says
 * that the system affinity is not in force, because somebody has put another
 * mask over it.
 *
 * The user affinity is one fact with one owner: the user mask of the entry.
 * record_user() writes it from cpus_mask; where what user mode asked for never
 * came to be seen there, take_kept_user_mask() and nta_note_request() find it out
 * in other ways. When a thread is not active, what user mode
 * wants is cpus_mask. While it is active, whatever anybody else puts into
 * cpus_mask is what user mode wants now, with one exception, the mask that the
 * scheduler makes up when all CPUs of a thread are gone. A change is found in
 * one of two ways:
 *
 *	by probes	watch.c calls nta_note_change() in the middle of it, with
 *			pi_lock held: nothing can come in between
 *	by looking	every way in asks learn_user() first, which compares
 *			cpus_mask with the installed mask, and watch.c has it
 *			asked again and again for the threads that are active
 *
 * Both end in a put-back: a worker installs the system affinity again (U5). The
 * same worker, apply_work(), makes the moves that had to wait (I4): it is never
 * told what to do, it makes true what the state says.
 *
 * Whoever installs owns the entry for as long as it takes (I5), and says so to
 * the probes in "installer", so that they can tell our own installs from others'.
 * From begin_install() to nta_install_done() lies the commit of the new state:
 * what others do in that time is a change like any other, as if the thread were
 * active already, or still.
 */
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "placement.h"
#include "report.h"
#include "thread.h"
#include "topology.h"

/*
 * A migration can fail silently while CPUs come and go. Each further try has to
 * meet another hotplug operation to fail again.
 */
#define INSTALL_TRIES 4

/* Who changes a thread's affinity more often than that wins (U5). */
#define PUT_BACKS_A_SECOND 10

struct workqueue_struct *nta_queue;
/* The same, for work on a certain processor. */
static struct workqueue_struct *cpu_queue;
static DECLARE_WAIT_QUEUE_HEAD(work_wait);
static atomic_t work_left = ATOMIC_INIT(0);

/* Whether every change by others is told to nta_note_change(). */
static bool changes_are_noted;

static LLIST_HEAD(kicked_threads);
static void queue_kicked(struct irq_work *unused);
static DEFINE_IRQ_WORK(kick, queue_kicked);

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

static void let_test_stretch(struct task_struct *task, enum nta_stage stage)
{
	void (*stretch)(struct task_struct *task, enum nta_stage stage) =
		READ_ONCE(test_stretch);

	if (stretch && task != current)
		stretch(task, stage);
}
#else
static void let_test_stretch(struct task_struct *task, enum nta_stage stage)
{
}
#endif

/* --- what user mode wants --- */

/* Whether the kernel has what we installed. */
static bool is_in_force(const struct nta_thread *thread)
{
	lockdep_assert_held(&thread->task->pi_lock);

	return thread->installed.mask &&
	       nta_cpumask_is(&nta_topology, &thread->task->cpus_mask,
			      thread->installed.group, thread->installed.mask);
}

/*
 * cpus_mask is what user mode wants now. After a fallback on a kernel that keeps
 * the user's own mask, that is lost to the kernel and lives here alone: what
 * comes then without such a mask is a cpuset's, and bounds the user's.
 *
 * Returns whether that is news.
 */
static bool record_user(struct nta_thread *thread)
{
	struct cpumask *user = nta_thread_user(thread);
	struct cpumask *lost = nta_thread_lost(thread);
	struct task_struct *task = thread->task;
	u32 print = nta_user_print(task);
	bool news;

	lockdep_assert_held(&task->pi_lock);

	clear_bit(NTA_THREAD_FALLBACK, &thread->flags);
	if (print)
		clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
	if (test_bit(NTA_THREAD_USER_LOST, &thread->flags) &&
	    cpumask_and(user, lost, &task->cpus_mask))
		return false;

	news = print != thread->user_print ||
	       !cpumask_equal(user, &task->cpus_mask);
	thread->user_print = print;
	cpumask_copy(user, &task->cpus_mask);
	return news;
}

/* The kernel has dropped the mask of user mode: only we have it now. */
static void keep_lost_user(struct nta_thread *thread)
{
	if (!thread->user_print)
		return;
	cpumask_copy(nta_thread_lost(thread), nta_thread_user(thread));
	set_bit(NTA_THREAD_USER_LOST, &thread->flags);
	thread->user_print = 0;
}

/*
 * Whether cpus_mask is what the scheduler makes up for a thread whose CPUs are
 * all gone: every possible CPU, or in a cpuset the cpuset's, and since 6.2 it
 * drops the mask of user mode. User mode itself cannot ask for an offline CPU,
 * and some are offline now; that a cpuset can is put right when its request has
 * ended, see nta_note_request().
 */
static bool is_fallback(const struct nta_thread *thread, bool gone)
{
	return gone && !nta_user_print(thread->task) &&
	       (thread->user_print ||
		cpumask_equal(&thread->task->cpus_mask, cpu_possible_mask));
}

/* Somebody else has changed cpus_mask, of a thread whose CPUs were all @gone. */
static void note_foreign(struct nta_thread *thread, bool gone)
{
	bool news = thread->installed.mask;

	thread->installed = (struct nta_affinity){};
	if (is_fallback(thread, gone)) {
		keep_lost_user(thread);
		set_bit(NTA_THREAD_FALLBACK, &thread->flags);
	} else {
		news |= record_user(thread);
	}
	if (news)
		nta_report_foreign_change(thread->task, &thread->state.system);
}

static bool all_gone(const struct nta_affinity *affinity)
{
	return !(affinity->mask &
		 nta_group_active(&nta_topology, affinity->group));
}

/* The same of any mask. A dying CPU is left by kernel threads before all others. */
static bool all_cpus_gone(const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu_and(cpu, mask, cpu_active_mask) {
		if (!cpu_dying(cpu))
			return false;
	}
	return true;
}

/* Learn what user mode wants of the thread now. */
static void learn_user(struct nta_thread *thread)
{
	lockdep_assert_held(&thread->task->pi_lock);

	if (!thread->state.active) {
		/* Unless others have changed it since: seen, or seen now. */
		if (test_bit(NTA_THREAD_USER_DUE, &thread->flags) &&
		    thread->user_print == nta_user_print(thread->task) &&
		    (!thread->installed.mask || is_in_force(thread)))
			return;
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
		clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
		record_user(thread);
	} else if (thread->installed.mask && !is_in_force(thread)) {
		note_foreign(thread, all_gone(&thread->installed));
	} else if (!thread->installed.mask) {
		/* Not the first change since the install: was there another? */
		if (!READ_ONCE(changes_are_noted))
			note_foreign(thread,
				     all_gone(&thread->state.system) ||
				     test_bit(NTA_THREAD_DISPLACED,
					      &thread->flags));
	} else if (thread->user_print != nta_user_print(thread->task)) {
		/* User mode asked for just the mask that is installed (U3). */
		record_user(thread);
		nta_report_foreign_change(thread->task, &thread->state.system);
	}
}

/*
 * User mode has asked for another mask since the last look, and it was not seen
 * what came out: cpus_mask is what we made of it in the meantime.
 *
 * With probes that means that nothing came out: the outcome was the mask in
 * force, either the user's, which then is in what was asked for, or ours.
 * Without them what was asked for is all there is; what a cpuset would leave of
 * it is not to be had.
 */
static void take_kept_user_mask(struct nta_thread *thread)
{
	const struct cpumask *kept = nta_kept_user_mask(thread->task);
	struct cpumask *user = nta_thread_user(thread);

	if (!kept) {
		keep_lost_user(thread);
		return;
	}
	thread->user_print = nta_user_print(thread->task);
	clear_bit(NTA_THREAD_USER_LOST, &thread->flags);
	if (!READ_ONCE(changes_are_noted)) {
		cpumask_copy(user, kept);
	} else if (!cpumask_subset(user, kept)) {
		if (cpumask_subset(&thread->task->cpus_mask, kept))
			cpumask_copy(user, &thread->task->cpus_mask);
	} else {
		return;
	}
	nta_report_foreign_change(thread->task, &thread->state.system);
}

/*
 * Start an install: from here to nta_install_done() changes by others are noted
 * even if the thread is not active. An installer who is not the thread says for
 * which state he does it; if the thread has another one by now, nothing is begun.
 */
static bool begin_install(struct nta_thread *thread,
			  const struct nta_state *expected)
{
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool begun = false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (!expected || nta_state_equal(&thread->state, expected)) {
		learn_user(thread);
		WRITE_ONCE(thread->installer, current);
		begun = true;
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return begun;
}

/*
 * Whether the kernel has what it makes of a request for @system, which since 6.2
 * is the part that user mode wants too, if there is one. Where we never install
 * it is whatever lies inside.
 */
static bool is_as_requested(const struct nta_thread *thread,
			    const struct nta_affinity *system)
{
	struct task_struct *task = thread->task;
	const struct cpumask *kept = nta_kept_user_mask(task);
	u64 expected = system->mask;

	if (test_bit(NTA_THREAD_BOUND, &thread->flags) ||
	    task->policy == SCHED_DEADLINE)
		return nta_cpumask_inside(&nta_topology, &task->cpus_mask,
					  system->group, system->mask);
	if (kept)
		expected &= nta_group_slice(&nta_topology, cpumask_bits(kept),
					    system->group);
	return nta_cpumask_is(&nta_topology, &task->cpus_mask, system->group,
			      expected ?: system->mask);
}

/* Read back what the kernel made of the request for @system. */
static void end_install(struct nta_thread *thread,
			const struct nta_affinity *system)
{
	struct task_struct *task = thread->task;
	const struct cpumask *now = &task->cpus_mask;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (thread->user_print != nta_user_print(task)) {
		/* Seen by no probe: was it before our install, or after? */
		if (cpumask_subset(now, nta_thread_request(thread)))
			take_kept_user_mask(thread);
		else
			note_foreign(thread, false);
	}
	thread->installed = (struct nta_affinity){};
	if (is_as_requested(thread, system)) {
		thread->installed.group = system->group;
		thread->installed.mask = nta_group_slice(&nta_topology,
							 cpumask_bits(now),
							 system->group);
		thread->last = thread->installed;
		clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	} else if (!READ_ONCE(changes_are_noted) && !thread->state.active &&
		   !all_gone(system)) {
		/* Reverted meanwhile, and somebody else has the last word. */
		clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
		record_user(thread);
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/*
 * Whether the user affinity is not any more what was installed for it. The next
 * request is then ready.
 */
static bool user_has_changed(struct nta_thread *thread)
{
	struct cpumask *request = nta_thread_request(thread);
	struct cpumask *user = nta_thread_user(thread);
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool changed;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (thread->user_print != nta_user_print(task) &&
	    cpumask_subset(&task->cpus_mask, request))
		take_kept_user_mask(thread);
	/* What came after our install is in force already. */
	changed = !cpumask_equal(request, user) &&
		  !cpumask_equal(&task->cpus_mask, user);
	cpumask_copy(request, user);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return changed;
}

/* Make the user affinity the request. */
static void request_user(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	cpumask_copy(nta_thread_request(thread), nta_thread_user(thread));
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/* --- installing --- */

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

/* What keeps the thread from being moved, if anything does. */
static enum nta_reason held_in_place(struct nta_thread *thread)
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
static int install_user(struct nta_thread *thread)
{
	int tries = INSTALL_TRIES, ret;

	do {
		ret = install(thread->task, nta_thread_request(thread));
		if (!user_has_changed(thread))
			return ret;
	} while (--tries);

	/* Not at an unload: then what was installed is hardly any older. */
	if (!test_bit(NTA_THREAD_TAKEN, &thread->flags)) {
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
		nta_apply_soon(thread);
	}
	return ret;
}

/* After a Set that failed halfway: back to the affinity from before. */
static void undo(struct nta_thread *thread)
{
	int ret;

	if (thread->state.active) {
		nta_group_to_cpumask(&nta_topology, thread->state.system.group,
				     thread->state.system.mask,
				     nta_thread_request(thread));
		ret = install(thread->task, nta_thread_request(thread));
	} else {
		request_user(thread);
		ret = install_user(thread);
	}
	if (ret)
		use_any_processor(thread->task);
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
	/* data_race: a change right now counts as one after the call. */
	struct nta_affinity installed = data_race(thread->installed);

	return thread->state.active &&
	       !test_bit(NTA_THREAD_PENDING, &thread->flags) &&
	       nta_affinity_equal(&thread->state.system, system) &&
	       installed.mask && installed.group == system->group &&
	       !(installed.mask & ~system->mask) &&
	       /* data_race: likewise. */
	       data_race(nta_cpumask_is(&nta_topology, &thread->task->cpus_mask,
					installed.group, installed.mask)) &&
	       cpumask_test_cpu(raw_smp_processor_id(),
				&thread->task->cpus_mask);
}

/* As nta_place_system(); the install is begun. */
static enum nta_reason place_system(struct nta_thread *thread,
				    const struct nta_affinity *system)
{
	struct cpumask *request = nta_thread_request(thread);
	struct task_struct *task = thread->task;
	enum nta_reason reason;
	int ret;

	nta_group_to_cpumask(&nta_topology, system->group, system->mask, request);

	reason = held_in_place(thread);
	if (reason) {
		/* data_race: a change right now counts as one after the call. */
		if (data_race(!cpumask_subset(&task->cpus_mask, request)))
			return reason;
		reason = NTA_OK;
	} else {
		let_test_stretch(task, NTA_STAGE_BEGUN);
		ret = install(task, request);
		if (ret == -EAGAIN)
			undo(thread);
		else if (ret)
			/* Nothing has changed, nor has what is installed. */
			return NTA_KERNEL_REFUSED;
		if (ret)
			reason = NTA_KERNEL_REFUSED;
	}

	end_install(thread, reason ? &thread->state.system : system);
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

	begin_install(thread, NULL);
	if (!thread->state.active)
		assign_bit(NTA_THREAD_BOUND, &thread->flags,
			   is_bound_kthread(thread));

	reason = place_system(thread, system);
	/* A Set of the thread's own is a new fight (U5). */
	if (!reason) {
		clear_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
		thread->put_backs = 0;
	}
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_system);

/* As nta_place_user(); the install is begun. */
static enum nta_reason place_user(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;
	int ret;

	/* What was never moved is not moved back (T2). */
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return NTA_OK;

	clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	let_test_stretch(task, NTA_STAGE_BEGUN);
	request_user(thread);
	ret = install_user(thread);

	/* Nothing of ours is in force any more, whatever becomes of the state. */
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	thread->installed = (struct nta_affinity){};
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
	begin_install(thread, NULL);
	return place_user(thread);
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

/**
 * nta_install_done() - the outcome of an install is committed
 * @thread: the entry, owned by the caller
 *
 * Context: process.
 */
void nta_install_done(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	WRITE_ONCE(thread->installer, NULL);
	/* Somebody was quicker than we could read back. */
	if (thread->state.active && !thread->installed.mask)
		nta_apply_soon(thread);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_install_done);

/* --- changes by others --- */

static bool is_held(const struct nta_thread *thread)
{
	return thread->installer || thread->state.active;
}

/**
 * nta_note_change() - the affinity of a thread was changed
 * @thread: its entry
 * @before: what cpus_mask was
 *
 * Context: any; the thread's pi_lock is held, and maybe run queue locks.
 */
void nta_note_change(struct nta_thread *thread, const struct cpumask *before)
{
	struct nta_changes *changes = &thread->changes;
	struct task_struct *task = thread->task;

	if (cpumask_equal(before, &task->cpus_mask))
		return;
	WRITE_ONCE(changes->all, changes->all + 1);
	/* An interrupt that wakes the thread can come to a fallback of its own. */
	if (thread->installer == current && in_task())
		return;
	WRITE_ONCE(changes->foreign, changes->foreign + 1);
	if (!is_held(thread)) {
		/* What was due is superseded. */
		if (test_and_clear_bit(NTA_THREAD_USER_DUE, &thread->flags))
			thread->installed = (struct nta_affinity){};
		return;
	}
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return;

	note_foreign(thread, all_cpus_gone(before));
	nta_apply_soon(thread);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_change);

/**
 * nta_is_installing() - whether current installs for a thread just now
 * @thread: the entry
 *
 * Context: any; takes no lock, see nta_count_changes().
 * Return: whether it does.
 */
bool nta_is_installing(const struct nta_thread *thread)
{
	/* Nobody else writes current there, or takes it away. */
	return READ_ONCE(thread->installer) == current;
}

/**
 * nta_count_changes() - how often nta_note_change() has seen a change
 * @thread: the entry
 *
 * Context: any. Takes no lock: a probe at a function's entry may be a trap, which
 * for lockdep is like an NMI.
 * Return: the counts.
 */
struct nta_changes nta_count_changes(const struct nta_thread *thread)
{
	return (struct nta_changes){
		.all = READ_ONCE(thread->changes.all),
		.foreign = READ_ONCE(thread->changes.foreign),
	};
}
EXPORT_SYMBOL_IF_KUNIT(nta_count_changes);

/**
 * nta_note_request() - somebody else asked the kernel for an affinity and got it
 * @thread: the thread's entry
 * @counts: nta_count_changes() from before
 * @before: cpus_mask from before
 * @asked: the mask he asked for; NULL if it is the one that the kernel keeps
 *
 * If no change by others was seen meanwhile, what he got is just the mask that
 * the thread had. That changes nothing in cpus_mask, but it is what user mode
 * wants now. If we have changed cpus_mask meanwhile it is to be found out which
 * it was. Not by what he asked for: a cpuset may have left a part of it.
 *
 * Context: any; no lock of the scheduler is held.
 */
void nta_note_request(struct nta_thread *thread,
		      const struct nta_changes *counts,
		      const struct cpumask *before, const struct cpumask *asked)
{
	struct nta_changes *changes = &thread->changes;
	struct cpumask *user = nta_thread_user(thread);
	struct task_struct *task = thread->task;
	const struct cpumask *now = &task->cpus_mask;
	const struct cpumask *got = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (!asked)
		asked = nta_kept_user_mask(task);
	if (!asked || test_bit(NTA_THREAD_BOUND, &thread->flags))
		goto unlock;

	if (changes->foreign != counts->foreign) {
		/* It was he, and not the scheduler: cpusets can do that. */
		if (changes->all == counts->all + 1 && is_held(thread) &&
		    test_bit(NTA_THREAD_FALLBACK, &thread->flags))
			record_user(thread);
	} else if (changes->all == counts->all) {
		if (is_held(thread) && record_user(thread))
			nta_report_foreign_change(task, &thread->state.system);
		if (!is_held(thread) &&
		    test_and_clear_bit(NTA_THREAD_USER_DUE, &thread->flags)) {
			record_user(thread);
			thread->installed = (struct nta_affinity){};
		}
	} else if (cpumask_subset(user, asked)) {
		/* As user mode has it: that was in the cpuset, so it is all of it. */
		thread->user_print = nta_user_print(task);
	} else if (cpumask_subset(now, asked)) {
		got = now;
	} else if (!cpumask_empty(before) && cpumask_subset(before, asked)) {
		got = before;
	} else if (cpumask_weight(asked) == 1) {
		got = asked;
	} else if (thread->last.mask &&
		   !(thread->last.mask &
		     ~nta_group_slice(&nta_topology, cpumask_bits(asked),
				      thread->last.group))) {
		/* A whole Set and Revert lay in between. */
		nta_group_to_cpumask(&nta_topology, thread->last.group,
				     thread->last.mask, user);
		got = user;
	}

	if (!got)
		goto unlock;
	thread->user_print = nta_user_print(task);
	if (got != user)
		cpumask_copy(user, got);
	nta_report_foreign_change(task, &thread->state.system);
	if (!is_held(thread) && !cpumask_equal(user, now)) {
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
		nta_apply_soon(thread);
	}
unlock:
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(nta_note_request);

/**
 * nta_changes_are_noted() - whether nta_note_change() is told of every change
 * @noted: whether it is; not so until this is called
 *
 * Context: process.
 */
void nta_changes_are_noted(bool noted)
{
	WRITE_ONCE(changes_are_noted, noted);
}

/**
 * nta_look_after() - find out what no probe has told
 * @thread: the entry, which cannot go away meanwhile
 *
 * Context: any.
 * Return: whether the thread is active.
 */
bool nta_look_after(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	unsigned long flags;
	bool active;

	/* data_race: who becomes active right now asks for a look afterwards. */
	if (!data_race(is_held(thread)))
		return false;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	active = is_held(thread);
	/* Who installs will look for himself. */
	if (thread->state.active && !thread->installer &&
	    !test_bit(NTA_THREAD_BOUND, &thread->flags)) {
		learn_user(thread);
		if ((!thread->installed.mask ||
		     test_bit(NTA_THREAD_PENDING, &thread->flags)) &&
		    !test_bit(NTA_THREAD_GIVEN_UP, &thread->flags) &&
		    (!test_bit(NTA_THREAD_DISPLACED, &thread->flags) ||
		     !all_gone(&thread->state.system)))
			nta_apply_soon(thread);
	}
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	return active;
}
EXPORT_SYMBOL_IF_KUNIT(nta_look_after);

/* --- putting back --- */

static void work_done(void)
{
	if (atomic_dec_and_test(&work_left))
		wake_up(&work_wait);
}

/**
 * nta_apply_soon() - have a worker make true what a thread's state says
 * @thread: the entry, which cannot go away meanwhile, nor its task
 *
 * Context: any, with the scheduler's locks held too: waking a worker has to
 * wait for an interrupt.
 */
void nta_apply_soon(struct nta_thread *thread)
{
	if (test_and_set_bit(NTA_THREAD_KICKED, &thread->flags))
		return;
	if (!nta_thread_get(thread))
		return;
	get_task_struct(thread->task);
	atomic_inc(&work_left);
	llist_add(&thread->kicked, &kicked_threads);
	irq_work_queue(&kick);
}

/*
 * On a processor that the thread is to be moved to a worker finds it easier to
 * run than on the one that the thread keeps busy.
 */
static void queue_apply(struct nta_thread *thread)
{
	/* data_race: a hint. */
	struct nta_affinity system = data_race(thread->state.system);
	u64 active = system.mask & nta_group_active(&nta_topology, system.group);

	/* data_race: likewise. */
	if (data_race(thread->state.active) && active)
		queue_work_on(nta_first_cpu(&nta_topology, system.group) +
			      __ffs64(active), cpu_queue, &thread->work);
	else
		queue_work(nta_queue, &thread->work);
}

static void queue_kicked(struct irq_work *unused)
{
	struct nta_thread *thread, *next;

	llist_for_each_entry_safe(thread, next, llist_del_all(&kicked_threads),
				  kicked)
		queue_apply(thread);
}

static bool may_put_back(struct nta_thread *thread)
{
	if (!thread->put_backs || time_after(jiffies, thread->window + HZ)) {
		thread->window = jiffies;
		thread->put_backs = 0;
	}
	return thread->put_backs++ < PUT_BACKS_A_SECOND;
}

static void look_after_displaced(struct nta_thread *thread, void *data)
{
	bool *any = data;

	if (test_bit(NTA_THREAD_DISPLACED, &thread->flags) &&
	    nta_look_after(thread))
		*any = true;
}

static void displaced_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(displaced, displaced_work);

/*
 * That a processor comes watch.c tells. That one stays, because its way down has
 * failed halfway, nobody does.
 */
static void displaced_work(struct work_struct *work)
{
	bool any = false;

	nta_threads_visit(look_after_displaced, &any);
	if (any)
		queue_delayed_work(nta_queue, &displaced, HZ);
}

static void displace(struct nta_thread *thread,
		     const struct nta_affinity *system)
{
	if (!test_and_set_bit(NTA_THREAD_DISPLACED, &thread->flags))
		nta_report_displaced(thread->task, system);
	queue_delayed_work(nta_queue, &displaced, HZ);
}

/* Install what the state says, if it still does. @pending: for the first time. */
static void install_again(struct nta_thread *thread,
			  const struct nta_state *state, bool pending)
{
	const struct nta_affinity *system = &state->system;
	enum nta_reason reason;

	if (!begin_install(thread, state))
		return;
	reason = place_system(thread, system);
	if (reason && pending)
		set_bit(NTA_THREAD_PENDING, &thread->flags);
	/* In a second it is looked at again, if no processor comes before. */
	if (reason == NTA_KERNEL_REFUSED)
		displace(thread, system);
	nta_install_done(thread);

	if (!reason && pending)
		thread->put_backs = 0;
	else if (!reason)
		nta_report_put_back(thread->task, system);
}

static void give_up(struct nta_thread *thread, const struct nta_state *state)
{
	set_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
	nta_report_given_up(thread->task, &state->system,
			    READ_ONCE(thread->caller));
}

/* Make true what the state says. The caller owns the entry. */
static void apply_state(struct nta_thread *thread)
{
	struct task_struct *task = thread->task;
	struct nta_state state;
	unsigned long flags;
	bool pending, due, in_force;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	state = thread->state;
	pending = test_and_clear_bit(NTA_THREAD_PENDING, &thread->flags);
	due = test_bit(NTA_THREAD_USER_DUE, &thread->flags);
	in_force = is_in_force(thread);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);

	let_test_stretch(task, NTA_STAGE_LOOKED);
	if (!state.active) {
		if (due && begin_install(thread, &state)) {
			place_user(thread);
			nta_install_done(thread);
		}
		return;
	}
	if (test_bit(NTA_THREAD_BOUND, &thread->flags) ||
	    (!pending && in_force))
		return;
	/* A processor that comes back from now on is another kick. */
	if (all_gone(&state.system)) {
		if (pending)
			set_bit(NTA_THREAD_PENDING, &thread->flags);
		displace(thread, &state.system);
		return;
	}
	/* A thread that has become SCHED_DEADLINE: its next Set sees to it (T4). */
	if (!pending && (test_bit(NTA_THREAD_GIVEN_UP, &thread->flags) ||
			 held_in_place(thread)))
		return;
	if (!pending && !may_put_back(thread))
		give_up(thread, &state);
	else
		install_again(thread, &state, pending);
}

static void apply_work(struct work_struct *work)
{
	struct nta_thread *thread = container_of(work, struct nta_thread, work);
	struct task_struct *task = thread->task;

	nta_thread_own(thread);
	/* From here on a change is another kick. */
	clear_bit(NTA_THREAD_KICKED, &thread->flags);
	smp_mb__after_atomic(); /* before the look at what has changed */
	apply_state(thread);
	nta_thread_disown(thread);

	put_task_struct(task);
	nta_thread_put(thread);
	work_done();
}

/**
 * nta_prepare_thread() - make an entry ready for nta_apply_soon()
 * @thread: the entry of current, or of a child of it that does not run yet
 *
 * Context: any.
 */
void nta_prepare_thread(struct nta_thread *thread)
{
	if (!thread->work.func)
		INIT_WORK(&thread->work, apply_work);
}
EXPORT_SYMBOL_IF_KUNIT(nta_prepare_thread);

/* --- where nothing can be installed (I2, I7) --- */

static enum nta_reason place_system_later(struct nta_thread *thread,
					  const struct nta_affinity *system)
{
	const struct cpumask *now = &thread->task->cpus_mask;
	enum nta_reason reason;

	if (!thread->state.active)
		assign_bit(NTA_THREAD_BOUND, &thread->flags,
			   is_bound_kthread(thread));
	reason = held_in_place(thread);
	if (reason && !nta_cpumask_inside(&nta_topology, now, system->group,
					  system->mask))
		return reason;

	clear_bit(NTA_THREAD_USER_DUE, &thread->flags);
	clear_bit(NTA_THREAD_GIVEN_UP, &thread->flags);
	/* Who installs just now does it for another state: do it again. */
	if (thread->installer || !is_as_requested(thread, system)) {
		set_bit(NTA_THREAD_PENDING, &thread->flags);
		return NTA_OK;
	}
	clear_bit(NTA_THREAD_PENDING, &thread->flags);
	clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	thread->installed.group = system->group;
	thread->installed.mask = nta_group_slice(&nta_topology,
						 cpumask_bits(now),
						 system->group);
	thread->last = thread->installed;
	return NTA_OK;
}

static void place_user_later(struct nta_thread *thread)
{
	clear_bit(NTA_THREAD_PENDING, &thread->flags);
	clear_bit(NTA_THREAD_DISPLACED, &thread->flags);
	if (test_bit(NTA_THREAD_BOUND, &thread->flags))
		return;
	if (thread->installer || !cpumask_equal(&thread->task->cpus_mask,
						nta_thread_user(thread)))
		set_bit(NTA_THREAD_USER_DUE, &thread->flags);
	else
		thread->installed = (struct nta_affinity){};
}

/**
 * nta_place_later() - change the state of the calling thread where it cannot move
 * @thread: its entry
 * @next: the state from now on
 * @soon: have a worker move the thread as soon as it may migrate; else
 *	nta_place_pending() will be called
 *
 * What the thread does not move for now is part of its state, not a queue: the
 * latest state counts, whoever carries it out (I6).
 *
 * Context: any in which the thread is current's own. Does not sleep.
 * Return: NTA_OK, or why nothing has changed.
 */
enum nta_reason nta_place_later(struct nta_thread *thread,
				const struct nta_state *next, bool soon)
{
	struct task_struct *task = thread->task;
	enum nta_reason reason = NTA_OK;
	unsigned long flags;
	bool moves;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	/* Who installs just now has looked, and what is there may be his. */
	if (!thread->installer)
		learn_user(thread);
	if (next->active)
		reason = place_system_later(thread, &next->system);
	else
		place_user_later(thread);
	if (!reason) {
		thread->state = *next;
		WRITE_ONCE(thread->generation, thread->generation + 1);
	}
	moves = test_bit(NTA_THREAD_PENDING, &thread->flags) ||
		test_bit(NTA_THREAD_USER_DUE, &thread->flags);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);

	if (moves && !reason)
		nta_report_event(NTA_EVENT_DEFERRED);
	if (moves && soon)
		nta_apply_soon(thread);
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_later);

/**
 * nta_place_pending() - move the calling thread where its state says
 * @may_sleep: or have a worker do it
 *
 * Context: where @may_sleep is true, process, and it may migrate.
 */
void nta_place_pending(bool may_sleep)
{
	struct nta_thread *thread = nta_thread_find(current);
	bool waits;

	if (!thread)
		return;
	waits = test_bit(NTA_THREAD_PENDING, &thread->flags) ||
		test_bit(NTA_THREAD_USER_DUE, &thread->flags);
	if (!may_sleep) {
		if (waits)
			nta_apply_soon(thread);
		return;
	}
	/*
	 * A worker may just now be at it: it owns the entry before it takes
	 * what waits.
	 */
	smp_rmb(); /* what waits before the owner, pairs with nta_thread_own() */
	if (!waits && !test_bit(NTA_THREAD_OWNED, &thread->flags))
		return;
	__set_current_state(TASK_RUNNING);
	nta_thread_own(thread);
	apply_state(thread);
	nta_thread_disown(thread);
}

/* --- children --- */

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

/*
 * Whether @child of current, whose entry is @parent, has to be put right; then
 * @user is what it is to have. Not what was created into a cgroup of its own and
 * has that one's affinity. Who gives a child an affinity before its creator's
 * clone has come this far cannot be told from the creator.
 */
static bool owes_user(struct nta_thread *parent, const struct task_struct *child,
		      bool own_cgroup, struct cpumask *user)
{
	const struct cpumask *wanted = &current->cpus_mask;
	const struct cpumask *now = &child->cpus_mask;
	unsigned long flags;
	bool owes, same;

	raw_spin_lock_irqsave(&current->pi_lock, flags);
	same = cpumask_equal(now, &current->cpus_mask);
	if (test_bit(NTA_THREAD_BOUND, &parent->flags)) {
		owes = false;
	} else if (is_held(parent) ||
		   test_bit(NTA_THREAD_USER_DUE, &parent->flags)) {
		wanted = nta_thread_user(parent);
		owes = same || !own_cgroup;
	} else {
		/* A worker was quicker with the creator than it with the clone. */
		owes = !same && !own_cgroup && parent->last.mask &&
		       nta_cpumask_inside(&nta_topology, now, parent->last.group,
					  parent->last.mask);
	}
	owes = owes && !cpumask_equal(now, wanted);
	if (owes && user)
		cpumask_copy(user, wanted);
	raw_spin_unlock_irqrestore(&current->pi_lock, flags);
	return owes;
}

/* Have @child remember what it has inherited, and that user mode wants another. */
static void owe_user(struct nta_thread *child)
{
	struct task_struct *task = child->task;
	const struct cpumask *now = &task->cpus_mask;
	unsigned int group;
	unsigned long flags;

	raw_spin_lock_irqsave(&task->pi_lock, flags);
	group = nta_cpu_group(&nta_topology, cpumask_first(now));
	/* More than a group is what the scheduler made up for the creator. */
	if (nta_cpumask_inside(&nta_topology, now, group, U64_MAX)) {
		child->installed.group = group;
		child->installed.mask = nta_group_slice(&nta_topology,
							cpumask_bits(now),
							group);
		child->last = child->installed;
	}
	child->user_print = nta_user_print(task);
	set_bit(NTA_THREAD_USER_DUE, &child->flags);
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
}

/**
 * nta_place_child() - give a new thread the user affinity of its creator
 * @task: a child of current that does not run yet
 * @own_cgroup: it was created into a cgroup of its own
 *
 * Context: process, maybe with preemption disabled.
 */
void nta_place_child(struct task_struct *task, bool own_cgroup)
{
	struct nta_thread *parent = nta_thread_find(current), *child;

	if (!parent)
		return;
	/* The child may have the newest user affinity already. */
	nta_look_after(parent);
	if (!owes_user(parent, task, own_cgroup, NULL))
		return;

	child = nta_thread_make(task, GFP_ATOMIC | __GFP_NOWARN);
	if (!child) {
		nta_report_child_missed(task);
		return;
	}
	nta_prepare_thread(child);
	/* Once more, with room for the mask: it may be another by now. */
	if (!owes_user(parent, task, own_cgroup, nta_thread_user(child)))
		return;
	owe_user(child);

	nta_report_event(NTA_EVENT_CHILD);
	if (cpumask_test_cpu(task_cpu(task), nta_thread_user(child)) &&
	    nta_thread_try_own(child)) {
		nta_place_user(child);
		nta_install_done(child);
		nta_thread_disown(child);
	} else {
		nta_apply_soon(child);
	}
}
EXPORT_SYMBOL_IF_KUNIT(nta_place_child);

/* --- start and stop --- */

static void revert_for_unload(struct work_struct *work)
{
	struct nta_thread *thread = container_of(work, struct nta_thread, work);

	nta_thread_own(thread);
	nta_report_left_active(thread->task, &thread->state.system,
			       thread->caller);
	nta_place_user(thread);
	nta_commit(thread, &(struct nta_state){});
	nta_install_done(thread);
	nta_thread_disown(thread);

	put_task_struct(thread->task);
	nta_thread_put(thread);
	work_done();
}

static void queue_revert_for_unload(struct nta_thread *thread)
{
	atomic_inc(&work_left);
	INIT_WORK(&thread->work, revert_for_unload);
	queue_work(nta_queue, &thread->work);
}

static void wait_for_work(void)
{
	do {
		while (!wait_event_timeout(work_wait, !atomic_read(&work_left),
					   10 * HZ))
			pr_warn("unload waits for %d thread(s) that may not migrate now\n",
				atomic_read(&work_left));
		/* The last ones may have asked for more. */
		cancel_delayed_work_sync(&displaced);
		irq_work_sync(&kick);
	} while (atomic_read(&work_left));
	/* And be about to wake us. */
	drain_workqueue(cpu_queue);
	drain_workqueue(nta_queue);
}

/**
 * nta_placement_start() - get ready to place threads
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_placement_start(void)
{
	/*
	 * Made now, so that unload cannot fail for memory. One work item a
	 * thread, and more of them at once than a machine will need: one that
	 * waits for a thread that may not migrate delays no other.
	 */
	nta_queue = alloc_workqueue("ntaffinity", WQ_UNBOUND | WQ_HIGHPRI,
				    WQ_MAX_ACTIVE);
	if (!nta_queue)
		return -ENOMEM;
	cpu_queue = alloc_workqueue("ntaffinity_cpu", WQ_HIGHPRI | NTA_WQ_PERCPU,
				    WQ_MAX_ACTIVE);
	if (!cpu_queue) {
		destroy_workqueue(nta_queue);
		return -ENOMEM;
	}
	return 0;
}

/**
 * nta_placement_stop() - give every thread that is still active its user affinity
 *
 * Context: process; sleeps until all are done. No DDI may be called any more,
 * and nothing of watch.c is left.
 */
void nta_placement_stop(void)
{
	wait_for_work();
	nta_threads_take_active(queue_revert_for_unload);
	wait_for_work();
	destroy_workqueue(cpu_queue);
	destroy_workqueue(nta_queue);
}
