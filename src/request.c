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
 * and only for a thread that is not active yet (S16). Where the thread may not
 * move, the state is all that changes; lowering the level, a worker or the next
 * call moves it (I2).
 */
#include <linux/sched.h>

#include "apply.h"
#include "compat.h"
#include "irql.h"
#include "placement.h"
#include "report.h"
#include "request.h"
#include "thread.h"
#include "topology.h"
#include "trace.h"
#include "user_affinity.h"
#include "watch.h"

enum nta_rules nta_rules;
EXPORT_SYMBOL_IF_KUNIT(nta_rules);

static const struct nta_state not_active;

/*
 * A Set or Revert may sleep, so it ends TASK_RUNNING on every path (S19), not
 * only on those where it happened to.
 */
static enum nta_reason enter(const struct nta_affinity *affinity,
			     enum nta_context context)
{
	if (context == NTA_PASSIVE)
		__set_current_state(TASK_RUNNING);
	if (!affinity)
		return NTA_NULL_POINTER;
	if (context == NTA_NO_THREAD)
		return NTA_BAD_LEVEL;
	nta_topology_refresh();
	return NTA_OK;
}

/* Move the thread, then commit the state. */
static enum nta_reason carry_out_now(struct nta_thread *thread,
				     const struct nta_outcome *outcome)
{
	const struct nta_state *next = &outcome->next;
	enum nta_reason reason;

	nta_thread_own(thread);
	if (outcome->action == NTA_DO_PLACE_SYSTEM) {
		reason = nta_place_system(thread, &next->system);
		if (!reason)
			nta_commit(thread, next);
	} else {
		reason = nta_place_user(thread);
		nta_commit(thread, next);
	}
	nta_install_done(thread);
	nta_thread_disown(thread);
	return reason;
}

/* Make the outcome of a request true. @thread is NULL if there is no entry. */
static enum nta_reason carry_out(struct nta_thread *thread,
				 const struct nta_outcome *outcome,
				 enum nta_context context, unsigned long caller)
{
	const struct nta_state *next = &outcome->next;
	enum nta_reason reason;

	if (outcome->action == NTA_DO_NOTHING)
		return outcome->reason;

	if (!thread)
		thread = nta_thread_make(current, context == NTA_DISPATCH ?
					 GFP_ATOMIC | __GFP_NOWARN : GFP_NOIO);
	if (!thread)
		return NTA_NO_MEMORY;
	nta_prepare_thread(thread);

	/* In force already (S17). */
	if (next->active && nta_is_placed(thread, &next->system))
		return NTA_OK;

	if (context == NTA_PASSIVE)
		reason = carry_out_now(thread, outcome);
	else
		reason = nta_place_later(thread, next,
					 context == NTA_PINNED ||
					 !nta_is_only_raised());

	/* A Revert to user affinity has ended the system affinity in any case. */
	if (reason && next->active)
		return reason;
	WRITE_ONCE(thread->caller, caller);
	trace_nta_changed(next, caller);
	if (next->active)
		nta_watch_held();
	return reason;
}

/**
 * nta_request_set() - set the calling thread's system affinity
 * @asked: what the driver passed; NULL if it passed NULL
 * @previous: receives Previous: {0, 0} unless a system affinity was in force
 *	and the call succeeds
 * @caller: the DDI's return address
 *
 * Context: any; see the level check. May sleep where that is allowed.
 * Return: NTA_OK, or why nothing changed.
 */
enum nta_reason nta_request_set(const struct nta_affinity *asked,
				struct nta_affinity *previous,
				unsigned long caller)
{
	enum nta_context context = nta_current_context();
	struct nta_outcome outcome;
	struct nta_thread *thread;
	enum nta_reason reason;

	*previous = (struct nta_affinity){};

	reason = enter(asked, context);
	if (reason)
		goto refused;

	thread = nta_thread_find(current);
	outcome = nta_affinity_set(&nta_topology, nta_rules,
				   thread ? &thread->state : &not_active, asked);
	reason = carry_out(thread, &outcome, context, caller);
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
 * Context: any; see the level check. May sleep where that is allowed.
 * Return: NTA_OK; NTA_KERNEL_REFUSED if the user affinity could not be restored
 * and another one was (R11); else why nothing changed.
 */
enum nta_reason nta_request_revert(const struct nta_affinity *previous,
				   unsigned long caller)
{
	enum nta_context context = nta_current_context();
	struct nta_outcome outcome;
	struct nta_thread *thread;
	enum nta_reason reason;

	reason = enter(previous, context);
	if (reason)
		goto refused;

	thread = nta_thread_find(current);
	outcome = nta_affinity_revert(&nta_topology, nta_rules,
				      thread ? &thread->state : &not_active,
				      previous);
	reason = carry_out(thread, &outcome, context, caller);
	/* A refused user affinity has its own line; the Revert was not refused. */
	if (!reason || outcome.action == NTA_DO_PLACE_USER)
		return reason;

refused:
	nta_report_refused("Revert", previous, reason, caller);
	return reason;
}
