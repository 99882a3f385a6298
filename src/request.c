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
#include "foreign.h"
#include "irql.h"
#include "placement.h"
#include "report.h"
#include "request.h"
#include "system_affinity.h"
#include "thread.h"
#include "token.h"
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

/* Move the thread and commit the state. */
static enum nta_reason carry_out_now(struct nta_thread *thread,
				     const struct nta_outcome *outcome)
{
	enum nta_reason reason;

	nta_thread_own(thread);
	nta_thread_unmark(thread, NTA_THREAD_MOVES);
	if (outcome->action == NTA_DO_PLACE_SYSTEM)
		reason = nta_place_system(thread, &outcome->next);
	else
		reason = nta_place_user(thread, &outcome->next);
	nta_thread_disown(thread);
	return reason;
}

/*
 * The entry of current, made if it has none; NULL if there is no memory. That can
 * be only if it is not active (S16).
 */
static __always_inline struct nta_thread *get_entry(struct nta_thread *thread,
						    enum nta_context context)
{
	gfp_t gfp = nta_gfp(context);

	if (!thread)
		thread = nta_make_own_entry(gfp);
	if (thread && !nta_make_room_for_lost(thread, gfp) &&
	    !thread->state.active)
		return NULL;
	return thread;
}

/* Make the outcome of a request true. @thread is NULL if there is no entry. */
static enum nta_reason carry_out(struct nta_thread *thread,
				 const struct nta_outcome *outcome,
				 enum nta_context context, unsigned long caller)
{
	const struct nta_state *next = &outcome->next;
	enum nta_reason reason;

	if (outcome->action == NTA_DO_NOTHING) {
		/* An earlier Revert may not have come true yet (I5). */
		if (!outcome->reason && context == NTA_PASSIVE)
			nta_place_pending(true);
		if (!outcome->reason)
			trace_nta_changed(next, caller);
		return outcome->reason;
	}

	thread = get_entry(thread, context);
	if (!thread)
		return NTA_NO_MEMORY;

	/* Likewise of what was trimmed, or is reverted to. */
	if (next->active && nta_is_placed(thread, &next->system)) {
		WRITE_ONCE(thread->caller, caller);
		trace_nta_changed(next, caller);
		return NTA_OK;
	}

	if (context == NTA_PASSIVE)
		reason = carry_out_now(thread, outcome);
	else
		reason = nta_place_later(thread, next,
					 context == NTA_PINNED ||
					 !nta_is_only_raised());

	/* A Revert to user affinity has ended the system affinity in any case. */
	if (reason && next->active)
		return reason;
	if (!next->active)
		nta_tokens_pop(thread, NULL);
	WRITE_ONCE(thread->caller, caller);
	trace_nta_changed(next, caller);
	if (next->active)
		nta_watch_held();
	return reason;
}

/* A Set, whether it changes something or not. */
static enum nta_reason set(const struct nta_affinity *asked,
			   struct nta_affinity *previous,
			   enum nta_context context, unsigned long caller)
{
	struct nta_thread *thread = nta_thread_find(current);
	struct nta_outcome outcome =
		nta_affinity_set(&nta_topology, nta_rules,
				 thread ? &thread->state : &not_active, asked);
	enum nta_reason reason = carry_out(thread, &outcome, context, caller);

	if (!reason)
		*previous = outcome.previous;
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
	enum nta_reason reason;

	*previous = (struct nta_affinity){};

	reason = enter(asked, context);
	if (likely(!reason))
		reason = set(asked, previous, context, caller);
	if (unlikely(reason))
		nta_report_refused("Set", asked, reason, caller);
	return reason;
}

/**
 * nta_request_set_several() - the same with a system affinity of several groups
 * @asked: what the driver passed, one for each group; NULL if it passed NULL
 * @count: how many
 * @id: the number of the token that it is to be kept in
 * @caller: the DDI's return address
 *
 * Context: any; see the level check. May sleep where that is allowed.
 * Return: NTA_OK, or why nothing changed.
 */
enum nta_reason nta_request_set_several(const struct nta_affinity *asked,
					unsigned int count, u64 id,
					unsigned long caller)
{
	enum nta_context context = nta_current_context();
	struct nta_outcome outcome = { .action = NTA_DO_PLACE_SYSTEM };
	struct nta_thread *thread;
	struct nta_token *token;
	enum nta_reason reason;

	reason = enter(asked, context);
	if (reason)
		goto refused;
	token = nta_token_claim(id);
	if (!token) {
		reason = NTA_BAD_TOKEN;
		goto refused;
	}

	reason = nta_affinity_trim_several(&nta_topology, nta_rules, asked, count,
					   nta_token_cpumask(token));
	if (reason)
		goto disclaim;
	thread = get_entry(nta_thread_find(current), context);
	if (!thread) {
		reason = NTA_NO_MEMORY;
		goto disclaim;
	}

	token->saved = thread->state;
	nta_token_push(thread, token);
	outcome.next.system = nta_token_affinity(token);
	outcome.next.active = true;
	reason = carry_out(thread, &outcome, context, caller);
	if (reason) {
		nta_tokens_pop(thread, token->outer);
		goto refused;
	}
	token->filled = true;
	return NTA_OK;

disclaim:
	nta_token_disclaim(token);
refused:
	nta_report_refused("Set of several groups", count ? asked : NULL, reason,
			   caller);
	return reason;
}

/*
 * What a Revert to several groups does (M4). Only a thread that is active has
 * tokens that are filled.
 */
static struct nta_outcome revert_to_several(const struct nta_thread *thread,
					    const struct nta_affinity *previous)
{
	struct nta_outcome outcome = { .reason = NTA_BAD_TOKEN };

	if (thread && nta_token_filled(thread, previous->mask)) {
		outcome.reason = NTA_OK;
		outcome.action = NTA_DO_PLACE_SYSTEM;
		outcome.next.system = *previous;
		outcome.next.active = true;
	}
	return outcome;
}

/* What was in force is so again, not only what is active of it now (M3). */
static struct nta_outcome restore(const struct nta_thread *thread,
				  const struct nta_state *saved)
{
	if (!saved->active)
		return (struct nta_outcome){ .action = NTA_DO_PLACE_USER };
	if (nta_is_several(&saved->system))
		return revert_to_several(thread, &saved->system);
	return (struct nta_outcome){
		.action = NTA_DO_PLACE_SYSTEM,
		.next = *saved,
	};
}

/*
 * The context to carry an outcome out in: if no processor of the system affinity
 * is active it can only be noted, and is put in force when one comes (U6).
 */
static enum nta_context waits_for_processors(const struct nta_thread *thread,
					     const struct nta_outcome *outcome,
					     enum nta_context context)
{
	if (context == NTA_PASSIVE && outcome->next.active &&
	    nta_system_is_gone(thread, &outcome->next.system))
		return NTA_PINNED;
	return context;
}

static struct nta_outcome revert_to(const struct nta_thread *thread,
				    const struct nta_affinity *previous)
{
	if (previous->mask && nta_is_several(previous))
		return revert_to_several(thread, previous);
	return nta_affinity_revert(&nta_topology, nta_rules,
				   thread ? &thread->state : &not_active,
				   previous);
}

/* A Revert, whether it changes something or not. */
static enum nta_reason revert(const struct nta_affinity *previous,
			      enum nta_context context, unsigned long caller)
{
	struct nta_thread *thread = nta_thread_find(current);
	struct nta_outcome outcome = revert_to(thread, previous);
	const struct nta_affinity *system = &outcome.next.system;
	enum nta_reason reason;

	if (unlikely(nta_is_several(system)))
		context = waits_for_processors(thread, &outcome, context);
	reason = carry_out(thread, &outcome, context, caller);
	/* What was set inside is unwound with it. */
	if (!reason && unlikely(nta_is_several(system)))
		nta_tokens_pop(thread, nta_token_of(thread, system));
	/* A refused user affinity has its own line; the Revert was not refused. */
	if (reason && outcome.action != NTA_DO_PLACE_USER)
		nta_report_refused("Revert", previous, reason, caller);
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
	enum nta_reason reason = enter(previous, context);

	if (likely(!reason))
		return revert(previous, context, caller);
	nta_report_refused("Revert", previous, reason, caller);
	return reason;
}

/**
 * nta_request_revert_several() - undo a Set of several groups
 * @id: the number of its token
 * @caller: the DDI's return address
 *
 * Context: any; see the level check. May sleep where that is allowed.
 * Return: as nta_request_revert().
 */
enum nta_reason nta_request_revert_several(u64 id, unsigned long caller)
{
	enum nta_context context = nta_current_context();
	struct nta_affinity asked = { .mask = id, .group = NTA_SEVERAL_GROUPS };
	struct nta_token *token = NULL;
	struct nta_outcome outcome;
	struct nta_thread *thread;
	enum nta_reason reason;

	reason = enter(&asked, context);
	if (reason)
		goto refused;
	thread = nta_thread_find(current);
	if (thread)
		token = nta_token_filled(thread, id);
	if (!token) {
		reason = NTA_BAD_TOKEN;
		goto refused;
	}

	outcome = restore(thread, &token->saved);
	reason = carry_out(thread, &outcome,
			   waits_for_processors(thread, &outcome, context),
			   caller);
	if (!reason && outcome.next.active)
		nta_tokens_pop(thread, token->outer);
	if (!reason || outcome.action == NTA_DO_PLACE_USER)
		return reason;

refused:
	nta_report_refused("Revert of several groups", &asked, reason, caller);
	return reason;
}

/**
 * nta_previous_in_group() - the part of a Previous that is in a group
 * @previous: what nta_request_set() has written, in current
 * @group: the group
 *
 * For DDIs that have no room for a group: if it lies in one, whatever that is, it
 * is all of it (E3).
 *
 * Context: any.
 * Return: the mask.
 */
u64 nta_previous_in_group(const struct nta_affinity *previous,
			  unsigned int group)
{
	const struct nta_token *token;

	if (!nta_is_several(previous))
		return previous->mask;
	token = nta_token_filled(nta_thread_find(current), previous->mask);
	return token ? nta_group_slice(&nta_topology,
				       cpumask_bits(nta_token_mask(token)),
				       group) : 0;
}

/**
 * nta_request_refuse() - refuse a Set or a Revert before it is looked at
 * @request: "Set" or "Revert"
 * @asked: what the driver passed; NULL if it passed NULL
 * @reason: why
 * @caller: the DDI's return address
 *
 * Context: any.
 * Return: @reason.
 */
enum nta_reason nta_request_refuse(const char *request,
				   const struct nta_affinity *asked,
				   enum nta_reason reason, unsigned long caller)
{
	enter(asked, nta_current_context());
	nta_report_refused(request, asked, reason, caller);
	return reason;
}
