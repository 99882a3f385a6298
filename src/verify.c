// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds drivers that forget to revert, at once: with the module parameter
 * verify=1 a thread that returns to user mode, or from a work function, while a
 * system affinity is in force is reported, with who set it (T3, O4).
 *
 * Without it a thread that forgot is reported when it ends, which for a worker
 * of a workqueue can be much later and in nobody's name.
 *
 * It costs a look-up at the end of every system call and every work function of
 * the machine, so it is for testing drivers.
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "report.h"
#include "thread.h"
#include "verify.h"

static struct tracepoint *sys_exit;
static struct tracepoint *work_end;

static void check_current(const char *where)
{
	const struct nta_thread *thread = nta_thread_find(current);

	/* Nobody else writes the state of current before an unload. */
	if (thread && thread->state.active)
		nta_report_not_reverted(where, &thread->state.system,
					READ_ONCE(thread->caller));
}

static void sys_exit_probe(void *data, struct pt_regs *regs, long ret)
{
	check_current("a system call");
}

static void work_end_probe(void *data, struct work_struct *work,
			   work_func_t function)
{
	check_current("a work function");
}

/**
 * nta_verify_sees_work() - whether the ends of work functions are checked
 *
 * Context: any.
 * Return: whether they are.
 */
bool nta_verify_sees_work(void)
{
	return work_end;
}
EXPORT_SYMBOL_IF_KUNIT(nta_verify_sees_work);

/**
 * nta_verify_start() - begin to check, for verify=1
 *
 * Context: process; may sleep.
 */
void nta_verify_start(void)
{
	sys_exit = nta_start_probe("sys_exit", sys_exit_probe);
	work_end = nta_start_probe("workqueue_execute_end", work_end_probe);
}

/**
 * nta_verify_stop() - end checking, if it was begun
 *
 * Context: process; may sleep.
 */
void nta_verify_stop(void)
{
	if (sys_exit)
		tracepoint_probe_unregister(sys_exit, sys_exit_probe, NULL);
	if (work_end)
		tracepoint_probe_unregister(work_end, work_end_probe, NULL);
	if (sys_exit || work_end)
		tracepoint_synchronize_unregister();
}
