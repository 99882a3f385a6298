// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raising and lowering the level of the calling thread, with all that follows:
 * what is no level to raise or lower to is refused and reported, APC_LEVEL is
 * kept with the thread, and a thread that leaves the driver without lowering is
 * brought down.
 *
 * That last check has to look at every return from a system call, of every thread
 * of the machine. So it begins soon after a driver raises for the first time, and
 * the module parameter levelcheck=0 leaves it out. Until then a mark of its own, in
 * nta_marks, sends every raise the careful way.
 *
 * Who may touch what:
 *   the marks of a thread	see thread.c
 *   sys_exit, process_exit, checks_due
 *				check_work; and who stops, when that cannot run
 */
#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "apply.h"
#include "compat.h"
#include "foreign.h"
#include "irql.h"
#include "irql_rt.h"
#include "level.h"
#include "report.h"
#include "thread.h"
#include "wdm.h"

static struct tracepoint *sys_exit;
static struct tracepoint *process_exit;
static bool checks_due;

static bool is_apc(void)
{
	const struct nta_thread *thread;

	/* While there is none, nobody is looked up. */
	if (!atomic_read(&nta_marks))
		return false;
	thread = nta_thread_find(current);
	return thread && test_bit(NTA_THREAD_APC, &thread->flags);
}

static void leave_apc(void)
{
	struct nta_thread *thread;

	if (!atomic_read(&nta_marks))
		return;
	thread = nta_thread_find(current);
	if (thread)
		nta_thread_unmark(thread, NTA_THREAD_APC);
}

/* Returns false if there is no memory to keep it in. */
static bool enter_apc(void)
{
	struct nta_thread *thread = nta_thread_find(current);

	if (!thread)
		thread = nta_make_own_entry(nta_gfp(nta_current_context()));
	if (!thread)
		return false;
	nta_thread_mark(thread, NTA_THREAD_APC);
	return true;
}

/* --- threads that leave without lowering (I10) --- */

/**
 * nta_level_bring_down() - end all raises of a thread that leaves its driver
 * @where: how it leaves
 *
 * Context: thread, any level. Does not sleep.
 */
void nta_level_bring_down(const char *where)
{
	unsigned long raiser = 0;
	bool apc = is_apc();
	bool raised = nta_bring_down(&raiser);

	if (apc)
		leave_apc();
	if (apc || raised)
		nta_report_left_raised(where, raiser);
	/* A probe may not sleep. */
	if (raised)
		nta_place_pending(false);
}
EXPORT_SYMBOL_IF_KUNIT(nta_level_bring_down);

static void sys_exit_probe(void *data, struct pt_regs *regs, long ret)
{
	nta_level_bring_down("returns from a system call");
}

static void process_exit_probe(void *data, NTA_PROCESS_EXIT_ARGS)
{
	nta_level_bring_down("ends");
}

static void begin_checks(struct work_struct *work)
{
	if (!checks_due)
		return;
	WRITE_ONCE(sys_exit, nta_start_probe("sys_exit", sys_exit_probe));
	process_exit = nta_start_probe("sched_process_exit",
				       process_exit_probe);
	WRITE_ONCE(checks_due, false);
	atomic_dec(&nta_marks);
}

static DECLARE_WORK(check_work, begin_checks);

/* --- levels --- */

/**
 * nta_level() - the current level
 *
 * Context: any.
 * Return: the level.
 */
u8 nta_level(void)
{
	u8 irql = nta_current_irql();

	if (irql)
		return irql;
	return is_apc() ? APC_LEVEL : PASSIVE_LEVEL;
}

/**
 * nta_level_raise_with_care() - nta_level_raise(), whatever the case
 * @level: as there
 * @caller: as there
 *
 * Context: any.
 * Return: as there.
 */
u8 nta_level_raise_with_care(u8 level, unsigned long caller)
{
	u8 old = nta_level();

	/* Registering takes cpu_hotplug_lock, which a driver's caller may hold. */
	if (unlikely(READ_ONCE(checks_due)) && !in_nmi())
		schedule_work(&check_work);
	if (level < old || level > HIGH_LEVEL) {
		nta_report_bad_level("raise", old, level, caller);
		return old;
	}
	if (level >= DISPATCH_LEVEL ? !nta_raise_irql(level, caller) :
				      level > old && !enter_apc())
		nta_report_bad_level("raise without memory", old, level, caller);
	return old;
}

/**
 * nta_level_lower_with_care() - nta_level_lower(), whatever the case
 * @level: as there
 * @caller: as there
 *
 * Context: as there.
 */
void nta_level_lower_with_care(u8 level, unsigned long caller)
{
	u8 old = nta_level();
	bool moves = old >= DISPATCH_LEVEL && nta_has_move();

	/* It is lowered all the same: so the driver has it. */
	if (level < DISPATCH_LEVEL && old >= DISPATCH_LEVEL && nta_holds_locks())
		nta_report_bad_level("lower with a spin lock held", old, level,
				     caller);
	if (level > old ||
	    (old >= DISPATCH_LEVEL && !nta_lower_irql(level, old))) {
		nta_report_bad_level("lower", old, level, caller);
		return;
	}
	if (old >= DISPATCH_LEVEL && nta_rt_is_late())
		nta_report_not_preemptible("lowering", caller);
	/* In an interrupt there is no thread of the driver's. */
	if (level >= DISPATCH_LEVEL || (level == old && level == PASSIVE_LEVEL) ||
	    nta_current_context() == NTA_NO_THREAD)
		return;

	if (level < APC_LEVEL)
		leave_apc();
	else if (!enter_apc())
		nta_report_bad_level("lower without memory", old, level, caller);

	/* What had to wait does so no longer (I3). */
	if (moves || atomic_read(&nta_marks))
		nta_place_pending(nta_current_context() == NTA_PASSIVE);
}

/**
 * nta_level_needs_dispatch() - report a call that is allowed from there on only
 * @what: the call
 * @caller: the DDI's return address
 *
 * Context: any.
 */
void nta_level_needs_dispatch(const char *what, unsigned long caller)
{
	if (!nta_is_native_section())
		nta_report_bad_level(what, nta_level(), DISPATCH_LEVEL, caller);
}

/**
 * nta_levels_show() - whether the check has begun
 * @file: where to
 *
 * Context: process.
 */
void nta_levels_show(struct seq_file *file)
{
	seq_printf(file, "level_check %s\n",
		   READ_ONCE(sys_exit) ? "sys_exit" : "none");
}

/**
 * nta_levels_start() - get ready for drivers that leave a level raised
 * @check: whether to look for them
 *
 * Context: process, before any DDI may be called.
 */
void nta_levels_start(bool check)
{
	checks_due = check;
	if (check)
		atomic_inc(&nta_marks);
}

/**
 * nta_levels_stop() - end the checks
 *
 * Context: process; may sleep. No DDI may be called any more.
 */
void nta_levels_stop(void)
{
	cancel_work_sync(&check_work);
	if (sys_exit)
		tracepoint_probe_unregister(sys_exit, sys_exit_probe, NULL);
	if (process_exit)
		tracepoint_probe_unregister(process_exit, process_exit_probe,
					    NULL);
	if (sys_exit || process_exit)
		tracepoint_synchronize_unregister();
}
