// SPDX-License-Identifier: GPL-2.0-only
/*
 * What went wrong, told once and counted always. In lines and trace events group
 * 65535 stands for several groups, and the mask is then the number of the token.
 *
 * By contract a driver cannot tell a refused Set from a first one, both write
 * {0, 0} (S15). It is made visible here instead, three ways: a counter for each
 * reason, a trace event, and a log line with the caller's symbol.
 *
 * Some of it is what a driver does by habit, many times a second, and means no
 * harm: such lines are written once for each call site. The sites are
 * remembered in a small table without locks; a slot is taken by one
 * compare-and-exchange, and given back when the module of the call site goes.
 * When the table is full the lines are rate-limited like the others.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "report.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define SITE_BITS 8
#define SITE_PROBES 8

static const struct {
	const char *name;
	const char *text;
	bool once;
} reasons[NTA_REASONS] = {
	[NTA_OK] = { "ok", "not refused" },
	[NTA_NULL_POINTER] = { "null_pointer", "the pointer to the affinity is NULL" },
	[NTA_BAD_GROUP] = { "bad_group", "there is no such group" },
	[NTA_STRAY_BITS] = {
		"stray_bits",
		"the mask has bits of processors that do not exist (rules=observed would ignore them)",
	},
	[NTA_ZERO_MASK] = { "zero_mask", "the mask is empty", .once = true },
	[NTA_NOT_ACTIVE] = { "not_active", "no processor of the mask is active", .once = true },
	[NTA_OFFLINE] = {
		"offline",
		"no processor of the mask is active now, at least one is offline that was",
		.once = true,
	},
	[NTA_BAD_COUNT] = { "bad_count", "there are not so many groups, or none was given" },
	[NTA_SAME_GROUP] = { "same_group", "a group was given twice" },
	[NTA_BAD_TOKEN] = {
		"bad_token",
		"the affinity token is not there, is in use, or was not filled by a Set of this thread",
	},
	[NTA_BAD_CONTEXT] = {
		"bad_context",
		"HwDeviceExtension is NULL, or ThreadContext is not the calling thread's on this adapter",
	},
	[NTA_BAD_LEVEL] = {
		"bad_level",
		"called in an interrupt or a softirq, where there is no thread to move",
	},
	[NTA_NO_MEMORY] = { "no_memory", "no memory for the thread's state" },
	[NTA_BOUND_KTHREAD] = {
		"bound_kthread",
		"a bound kernel thread is not moved; do this on an unbound workqueue (WQ_UNBOUND)",
	},
	[NTA_DEADLINE] = { "deadline", "a SCHED_DEADLINE thread is not moved" },
	[NTA_KERNEL_REFUSED] = {
		"kernel_refused",
		"the kernel refused the mask, a processor just went offline",
	},
};

static const char * const events[NTA_EVENTS] = {
	[NTA_EVENT_LEAK] = "leaked",
	[NTA_EVENT_NOT_REVERTED] = "not_reverted",
	[NTA_EVENT_LEFT_ACTIVE] = "left_active",
	[NTA_EVENT_USER_REFUSED] = "user_refused",
	[NTA_EVENT_INSTALL_REPEATED] = "install_repeated",
	[NTA_EVENT_LOST] = "lost",
	[NTA_EVENT_FOREIGN_CHANGE] = "foreign_change",
	[NTA_EVENT_PUT_BACK] = "put_back",
	[NTA_EVENT_GIVEN_UP] = "given_up",
	[NTA_EVENT_DISPLACED] = "displaced",
	[NTA_EVENT_CHILD] = "child",
	[NTA_EVENT_CHILD_MISSED] = "child_missed",
	[NTA_EVENT_DEFERRED] = "deferred",
	[NTA_EVENT_BAD_LEVEL] = "bad_level",
	[NTA_EVENT_LEFT_RAISED] = "left_raised",
	[NTA_EVENT_DRIVER_GONE] = "driver_gone",
	[NTA_EVENT_THREAD_REFUSED] = "thread_refused",
};

/* Kinds of lines that are written once a call site, beside the reasons. */
enum {
	LINE_LEAK = NTA_REASONS,
	LINE_NOT_REVERTED,
	LINE_GIVEN_UP,

	LINES
};

/* A call site and a kind share a word. */
#define KIND_BITS 5
static_assert(LINES <= 1 << KIND_BITS);

static atomic_long_t refused[NTA_REASONS];
static atomic_long_t happened[NTA_EVENTS];
static unsigned long sites[1 << SITE_BITS];

/*
 * Whether a line of this kind is still to be written for this call site. The
 * answer true is given once; when the table is full, at a limited rate.
 */
static bool first_from(unsigned long caller, unsigned int kind)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	/* A call is longer than a byte, so no two sites and kinds share a key. */
	unsigned long key = (caller << KIND_BITS) ^ kind;
	unsigned int slot = hash_long(key, SITE_BITS);
	unsigned long old;
	int i;

	for (i = 0; i < SITE_PROBES; i++) {
		old = cmpxchg(&sites[(slot + i) % ARRAY_SIZE(sites)], 0, key);
		if (!old)
			return true;
		if (old == key)
			return false;
	}
	return __ratelimit(&limit);
}

/**
 * nta_report_refused() - a request was refused
 * @request: "Set" or "Revert"
 * @asked: what was asked for; NULL if that cannot be said
 * @reason: why
 * @caller: the return address of the DDI
 *
 * Context: any.
 */
void nta_report_refused(const char *request, const struct nta_affinity *asked,
			enum nta_reason reason, unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	static const struct nta_affinity nothing;

	if (!asked)
		asked = &nothing;
	atomic_long_inc(&refused[reason]);
	trace_nta_refused(asked, reason, caller);

	if (reasons[reason].once ? first_from(caller, reason) :
				   __ratelimit(&limit))
		pr_warn("%pS: %s to group %u mask %#llx refused: %s\n",
			(void *)caller, request, asked->group, asked->mask,
			reasons[reason].text);
}

/**
 * nta_report_event() - count an event that needs no line
 * @event: which
 *
 * Context: any.
 */
void nta_report_event(enum nta_event event)
{
	atomic_long_inc(&happened[event]);
}

/**
 * nta_report_leak() - a thread ended without a Revert
 * @task: the thread
 * @system: the system affinity that was in force
 * @caller: who called last
 *
 * Some drivers pin a worker for life by design: one line for each call site.
 *
 * Context: any.
 */
void nta_report_leak(const struct task_struct *task,
		     const struct nta_affinity *system, unsigned long caller)
{
	nta_report_event(NTA_EVENT_LEAK);
	trace_nta_leak(task, system, caller);

	if (first_from(caller, LINE_LEAK))
		pr_warn("%s[%d] ended with the system affinity group %u mask %#llx: nobody reverted after %pS\n",
			task->comm, task->pid, system->group, system->mask,
			(void *)caller);
}

/**
 * nta_report_not_reverted() - verify=1: current comes back from a driver active
 * @where: what it comes back from
 * @system: the system affinity in force
 * @caller: who called last
 *
 * Context: any.
 */
void nta_report_not_reverted(const char *where,
			     const struct nta_affinity *system,
			     unsigned long caller)
{
	nta_report_event(NTA_EVENT_NOT_REVERTED);
	trace_nta_leak(current, system, caller);

	if (first_from(caller, LINE_NOT_REVERTED))
		pr_warn("verify: %s[%d] comes back from %s with the system affinity group %u mask %#llx: nobody reverted after %pS\n",
			current->comm, current->pid, where, system->group,
			system->mask, (void *)caller);
}

/**
 * nta_report_left_active() - unload finds a thread with a system affinity
 * @task: the thread
 * @system: the system affinity in force
 * @caller: who called last; that module is gone
 *
 * Context: any.
 */
void nta_report_left_active(const struct task_struct *task,
			    const struct nta_affinity *system,
			    unsigned long caller)
{
	nta_report_event(NTA_EVENT_LEFT_ACTIVE);
	pr_warn_ratelimited("unload: %s[%d] gets its user affinity back, nobody reverted group %u mask %#llx after %pS\n",
			    task->comm, task->pid, system->group, system->mask,
			    (void *)caller);
}

/**
 * nta_report_user_refused() - the kernel would not take a user affinity
 * @task: the thread
 * @user: its user affinity
 *
 * Context: any.
 */
void nta_report_user_refused(const struct task_struct *task,
			     const struct cpumask *user)
{
	nta_report_event(NTA_EVENT_USER_REFUSED);
	pr_warn_ratelimited("%s[%d] cannot have its user affinity %*pbl back, none of it is active: it may use all active processors\n",
			    task->comm, task->pid, cpumask_pr_args(user));
}

/**
 * nta_report_foreign_change() - others changed the affinity of an active thread
 * @task: the thread
 * @system: its system affinity
 *
 * Context: any, with the scheduler's locks held too: so there is no line.
 */
void nta_report_foreign_change(const struct task_struct *task,
			       const struct nta_affinity *system)
{
	nta_report_event(NTA_EVENT_FOREIGN_CHANGE);
	trace_nta_foreign_change(task, system);
}

/**
 * nta_report_put_back() - a system affinity is in force again
 * @task: the thread
 * @system: its system affinity
 *
 * Context: process.
 */
void nta_report_put_back(const struct task_struct *task,
			 const struct nta_affinity *system)
{
	nta_report_event(NTA_EVENT_PUT_BACK);
	trace_nta_put_back(task, system);
}

/**
 * nta_report_given_up() - a system affinity is not put back any more
 * @task: the thread
 * @system: its system affinity
 * @caller: who called last
 *
 * Context: process.
 */
void nta_report_given_up(const struct task_struct *task,
			 const struct nta_affinity *system,
			 unsigned long caller)
{
	nta_report_event(NTA_EVENT_GIVEN_UP);
	trace_nta_given_up(task, system);

	if (first_from(caller, LINE_GIVEN_UP))
		pr_warn("%s[%d] is not put back to group %u mask %#llx before its next Set, others change its affinity all the time; set by %pS\n",
			task->comm, task->pid, system->group, system->mask,
			(void *)caller);
}

/**
 * nta_report_displaced() - all processors of a system affinity are offline
 * @task: the thread
 * @system: its system affinity
 *
 * Context: process.
 */
void nta_report_displaced(const struct task_struct *task,
			  const struct nta_affinity *system)
{
	nta_report_event(NTA_EVENT_DISPLACED);
	trace_nta_displaced(task, system);
}

/**
 * nta_report_deferred() - a move has to wait
 * @task: the thread, current
 * @system: its system affinity from now on; empty if it goes back to user affinity
 *
 * Context: any.
 */
void nta_report_deferred(const struct task_struct *task,
			 const struct nta_affinity *system)
{
	nta_report_event(NTA_EVENT_DEFERRED);
	trace_nta_deferred(task, system);
}

/**
 * nta_report_child_missed() - a child keeps its creator's system affinity
 * @task: the child of current
 *
 * Context: any.
 */
void nta_report_child_missed(const struct task_struct *task)
{
	nta_report_event(NTA_EVENT_CHILD_MISSED);
	pr_warn_ratelimited("%s[%d] was created with the system affinity of its creator [%d], and no memory to give it the user affinity\n",
			    task->comm, task->pid, current->pid);
}

/**
 * nta_report_driver_gone() - a driver is unloaded and has not reverted
 * @task: the thread that it left active
 * @system: the system affinity in force
 * @caller: who called last; its module is going, but is still there
 *
 * Context: any.
 */
void nta_report_driver_gone(const struct task_struct *task,
			    const struct nta_affinity *system,
			    unsigned long caller)
{
	nta_report_event(NTA_EVENT_DRIVER_GONE);
	pr_warn_ratelimited("%s[%d] keeps the system affinity group %u mask %#llx of a driver that is unloaded: nobody reverted after %pS\n",
			    task->comm, task->pid, system->group, system->mask,
			    (void *)caller);
}

/**
 * nta_report_bad_level() - a call does not fit the current IRQL
 * @what: what was tried
 * @level: the current level
 * @asked: the level asked for, or needed
 * @caller: the DDI's return address
 *
 * Context: any.
 */
void nta_report_bad_level(const char *what, u8 level, u8 asked,
			  unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	nta_report_event(NTA_EVENT_BAD_LEVEL);
	if (__ratelimit(&limit))
		pr_warn("%pS: %s at IRQL %u, with IRQL %u\n",
			(void *)caller, what, level, asked);
}

/**
 * nta_report_not_preemptible() - PREEMPT_RT cannot do this here
 * @what: what was tried
 * @caller: the DDI's return address
 *
 * Context: any.
 */
void nta_report_not_preemptible(const char *what, unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	nta_report_event(NTA_EVENT_BAD_LEVEL);
	if (__ratelimit(&limit))
		pr_warn("%pS: %s with preemption or interrupts off: PREEMPT_RT does not allow that\n",
			(void *)caller, what);
}

/**
 * nta_report_left_raised() - current leaves the driver at a raised IRQL
 * @how: how it leaves
 * @raiser: who raised; 0 if it is at no more than APC_LEVEL
 *
 * Context: any.
 */
void nta_report_left_raised(const char *how, unsigned long raiser)
{
	nta_report_event(NTA_EVENT_LEFT_RAISED);
	if (raiser)
		pr_warn_ratelimited("%s[%d] %s above PASSIVE_LEVEL and is brought down, raised by %pS\n",
				    current->comm, current->pid, how,
				    (void *)raiser);
	else
		pr_warn_ratelimited("%s[%d] %s at APC_LEVEL and is brought down\n",
				    current->comm, current->pid, how);
}

/**
 * nta_report_thread_refused() - a call about an adapter's thread was refused
 * @call: the DDI
 * @why: what is wrong with it
 * @caller: the DDI's return address
 *
 * Context: any.
 */
void nta_report_thread_refused(const char *call, const char *why,
			       unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	nta_report_event(NTA_EVENT_THREAD_REFUSED);
	if (__ratelimit(&limit))
		pr_warn("%pS: %s refused: %s\n", (void *)caller, call, why);
}

/**
 * nta_report_thread_stays() - a miniport's unload waits for a thread of its own
 * @module: the miniport
 * @task: the thread
 * @start: its StartRoutine
 *
 * Context: any.
 */
void nta_report_thread_stays(const struct module *module,
			     const struct task_struct *task, const void *start)
{
	pr_warn("unload of %s waits for its thread %s[%d], which began in %ps\n",
		module->name, task->comm, task->pid, start);
}

/* A part of the kernel's address space: the same for all text of modules. */
static unsigned long high_bits(void)
{
	return (unsigned long)nta_report_event & ~(~0UL >> KIND_BITS);
}

/**
 * nta_report_forget() - forget call sites of a module
 * @module: the module
 * @all: it goes; else its init routine does
 *
 * Another one may come to lie there, and gets lines of its own.
 *
 * Context: any.
 */
void nta_report_forget(const struct module *module, bool all)
{
	unsigned long key, caller;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		key = READ_ONCE(sites[i]);
		caller = key >> KIND_BITS | high_bits();
		if (key && (all ? within_module(caller, module) :
				  within_module_init(caller, module)))
			cmpxchg(&sites[i], key, 0);
	}
}

/**
 * nta_refused_count() - how many requests were refused since load
 * @reason: for this reason
 *
 * Context: any.
 * Return: the count.
 */
long nta_refused_count(enum nta_reason reason)
{
	return atomic_long_read(&refused[reason]);
}
EXPORT_SYMBOL_IF_KUNIT(nta_refused_count);

/**
 * nta_event_count() - how many times an event happened since load
 * @event: which
 *
 * Context: any.
 * Return: the count.
 */
long nta_event_count(enum nta_event event)
{
	return atomic_long_read(&happened[event]);
}
EXPORT_SYMBOL_IF_KUNIT(nta_event_count);

/**
 * nta_report_stats() - print all counters, one "name value" a line
 * @file: where to
 *
 * Context: process.
 */
void nta_report_stats(struct seq_file *file)
{
	int i;

	for (i = NTA_OK + 1; i < NTA_REASONS; i++)
		seq_printf(file, "refused_%s %ld\n", reasons[i].name,
			   nta_refused_count(i));
	for (i = 0; i < NTA_EVENTS; i++)
		seq_printf(file, "%s %ld\n", events[i], nta_event_count(i));
}
