// SPDX-License-Identifier: GPL-2.0-only
/*
 * One Set or Revert, from the level check to the commit.
 *
 *	may this context change a thread?		irql.c
 *	the calling thread's entry			thread.c
 *	the next state and Previous			affinity.c
 *	move the thread					placement.c
 *	commit the state
 *
 * The state is committed after the thread was moved: a move that the kernel
 * refuses is simply a failed call (S18). What can fail for memory comes before,
 * and only for a thread that is not active yet (S16).
 */
#include <linux/sched.h>

#include "compat.h"
#include "irql.h"
#include "placement.h"
#include "report.h"
#include "request.h"
#include "thread.h"
#include "topology.h"
#include "trace.h"
#include "watch.h"

enum nta_rules nta_rules;
EXPORT_SYMBOL_IF_KUNIT(nta_rules);

static const struct nta_state not_active;

/*
 * A Set or Revert may sleep, so it ends TASK_RUNNING on every path (S19), not
 * only on those where it happened to.
 */
static enum nta_reason enter(const struct nta_affinity *affinity)
{
	bool passive = nta_current_context() == NTA_PASSIVE;

	if (passive)
		__set_current_state(TASK_RUNNING);
	if (!affinity)
		return NTA_NULL_POINTER;
	if (!passive)
		return NTA_BAD_LEVEL;
	nta_topology_refresh();
	return NTA_OK;
}

static void commit(struct nta_thread *thread, const struct nta_state *state,
		   unsigned long caller)
{
	thread->state = *state;
	WRITE_ONCE(thread->caller, caller);
	WRITE_ONCE(thread->generation, thread->generation + 1);
	trace_nta_changed(state, caller);
	if (state->active)
		nta_watch_held();
}

/* Make the outcome of a request true. @thread is NULL if there is no entry. */
static enum nta_reason carry_out(struct nta_thread *thread,
				 const struct nta_outcome *outcome,
				 unsigned long caller)
{
	const struct nta_state *next = &outcome->next;
	enum nta_reason reason;

	if (outcome->action == NTA_DO_NOTHING)
		return outcome->reason;

	if (!thread)
		thread = nta_thread_make(current, GFP_NOIO);
	if (!thread)
		return NTA_NO_MEMORY;
	nta_prepare_thread(thread);

	/* In force already (S17). */
	if (next->active && nta_is_placed(thread, &next->system))
		return NTA_OK;

	nta_thread_own(thread);
	if (outcome->action == NTA_DO_PLACE_SYSTEM) {
		reason = nta_place_system(thread, &next->system);
		if (!reason)
			commit(thread, next, caller);
	} else {
		reason = nta_place_user(thread);
		commit(thread, next, caller);
	}
	nta_install_done(thread);
	nta_thread_disown(thread);
	return reason;
}

/**
 * nta_request_set() - set the calling thread's system affinity
 * @asked: what the driver passed; NULL if it passed NULL
 * @previous: receives Previous: {0, 0} unless a system affinity was in force
 *	and the call succeeds
 * @caller: the DDI's return address
 *
 * Context: any; see the level check. May sleep.
 * Return: NTA_OK, or why nothing changed.
 */
enum nta_reason nta_request_set(const struct nta_affinity *asked,
				struct nta_affinity *previous,
				unsigned long caller)
{
	struct nta_outcome outcome;
	struct nta_thread *thread;
	enum nta_reason reason;

	*previous = (struct nta_affinity){};

	reason = enter(asked);
	if (reason)
		goto refused;

	thread = nta_thread_find(current);
	outcome = nta_affinity_set(&nta_topology, nta_rules,
				   thread ? &thread->state : &not_active, asked);
	reason = carry_out(thread, &outcome, caller);
	if (reason)
		goto refused;

	*previous = outcome.previous;
	return NTA_OK;

refused:
	nta_report_refused("Set", asked, reason, caller);
	return reason;
}

/**
 * nta_request_revert() - take the calling thread back
 * @previous: what an earlier Set wrote; NULL if the driver passed NULL
 * @caller: the DDI's return address
 *
 * Context: any; see the level check. May sleep.
 * Return: NTA_OK; NTA_KERNEL_REFUSED if the user affinity could not be restored
 * and another one was (R11); else why nothing changed.
 */
enum nta_reason nta_request_revert(const struct nta_affinity *previous,
				   unsigned long caller)
{
	struct nta_outcome outcome;
	struct nta_thread *thread;
	enum nta_reason reason;

	reason = enter(previous);
	if (reason)
		goto refused;

	thread = nta_thread_find(current);
	outcome = nta_affinity_revert(&nta_topology, nta_rules,
				      thread ? &thread->state : &not_active,
				      previous);
	reason = carry_out(thread, &outcome, caller);
	/* A refused user affinity has its own line; the Revert was not refused. */
	if (!reason || outcome.action == NTA_DO_PLACE_USER)
		return reason;

refused:
	nta_report_refused("Revert", previous, reason, caller);
	return reason;
}
