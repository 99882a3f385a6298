// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of Set and Revert as pure functions.
 *
 * A request names processors of one group. What was asked becomes a system
 * affinity in one step, nta_affinity_trim(): it is refused whole, or it loses
 * the bits of processors that the scheduler cannot use now. Set and Revert
 * differ only in what they do with the result.
 *
 * The topology is an argument and is read, never remembered: its active mask
 * may change between two calls, and even during one. A processor that goes
 * offline after it was looked at here is the installer's business, which then
 * finds that the kernel refuses the mask.
 */
#include <linux/cpumask.h>

#include "compat.h"
#include "affinity.h"
#include "topology.h"

/* nta_affinity_trim(), for Set and Revert. */
static __always_inline enum nta_reason trim(const struct nta_topology *topology,
					    enum nta_rules rules,
					    const struct nta_affinity *asked,
					    struct nta_affinity *trimmed)
{
	u64 stray, usable;

	if (asked->group >= topology->group_count)
		return NTA_BAD_GROUP;

	stray = asked->mask & ~nta_group_possible(topology, asked->group);
	if (stray && rules == NTA_RULES_DOCUMENTED)
		return NTA_STRAY_BITS;

	usable = asked->mask & nta_group_active(topology, asked->group);
	if (!usable) {
		if (!asked->mask)
			return NTA_ZERO_MASK;
		/* Windows never takes a processor away: say so apart (Q3). */
		if (asked->mask & nta_group_seen(topology, asked->group))
			return NTA_OFFLINE;
		return NTA_NOT_ACTIVE;
	}

	*trimmed = (struct nta_affinity){ .mask = usable, .group = asked->group };
	return NTA_OK;
}

/**
 * nta_affinity_trim() - check what was asked and trim it to active processors
 * @topology: groups and their processors
 * @rules: how to treat bits that belong to no possible processor
 * @asked: what the caller passed
 * @trimmed: receives the system affinity; written only on success
 *
 * Context: any.
 * Return: NTA_OK, or the first reason, in the documents' order, to refuse.
 */
enum nta_reason nta_affinity_trim(const struct nta_topology *topology,
				  enum nta_rules rules,
				  const struct nta_affinity *asked,
				  struct nta_affinity *trimmed)
{
	return trim(topology, rules, asked, trimmed);
}
EXPORT_SYMBOL_IF_KUNIT(nta_affinity_trim);

/**
 * nta_affinity_trim_several() - the same with several groups at once (M2)
 * @topology: groups and their processors
 * @rules: how to treat bits that belong to no possible processor
 * @asked: what the caller passed, one for each group
 * @count: how many
 * @trimmed: receives the processors of all of them; if one is refused a part
 *
 * Context: any.
 * Return: NTA_OK, or the reason to refuse the first that is refused.
 */
enum nta_reason nta_affinity_trim_several(const struct nta_topology *topology,
					  enum nta_rules rules,
					  const struct nta_affinity *asked,
					  unsigned int count,
					  struct cpumask *trimmed)
{
	struct nta_affinity one, trimmed_one;
	enum nta_reason reason;
	unsigned int i;

	if (!count || count > topology->group_count)
		return NTA_BAD_COUNT;

	cpumask_clear(trimmed);
	for (i = 0; i < count; i++) {
		/* Read once: it is the driver's. */
		one.mask = READ_ONCE(asked[i].mask);
		one.group = READ_ONCE(asked[i].group);
		reason = nta_affinity_trim(topology, rules, &one, &trimmed_one);
		if (reason)
			return reason;
		/* What was trimmed before has at least one processor. */
		if (nta_group_slice(topology, cpumask_bits(trimmed), one.group))
			return NTA_SAME_GROUP;
		nta_group_add(topology, one.group, trimmed_one.mask, trimmed);
	}
	return NTA_OK;
}
EXPORT_SYMBOL_IF_KUNIT(nta_affinity_trim_several);

/* The outcome that leaves everything as it is: Previous is {0, 0}. */
static struct nta_outcome unchanged(const struct nta_state *state,
				    enum nta_reason reason)
{
	return (struct nta_outcome){
		.reason = reason,
		.action = NTA_DO_NOTHING,
		.next = *state,
	};
}

/**
 * nta_affinity_set() - what a Set does
 * @topology: groups and their processors
 * @rules: documented or observed
 * @state: the thread's state before the call
 * @asked: what the caller passed
 *
 * Previous is the system affinity that was in force, or {0, 0} when there was
 * none or the call is refused: by contract the two look alike (S15).
 *
 * Context: any.
 * Return: the outcome.
 */
struct nta_outcome nta_affinity_set(const struct nta_topology *topology,
				    enum nta_rules rules,
				    const struct nta_state *state,
				    const struct nta_affinity *asked)
{
	struct nta_outcome outcome = { .action = NTA_DO_PLACE_SYSTEM };
	enum nta_reason reason;

	reason = trim(topology, rules, asked, &outcome.next.system);
	if (reason)
		return unchanged(state, reason);

	outcome.next.active = true;
	if (state->active)
		outcome.previous = state->system;
	return outcome;
}
EXPORT_SYMBOL_IF_KUNIT(nta_affinity_set);

/**
 * nta_affinity_revert() - what a Revert does
 * @topology: groups and their processors
 * @rules: documented or observed
 * @state: the thread's state before the call
 * @previous: what an earlier Set wrote
 *
 * A mask of zero asks for the user affinity, whatever the group says (R1).
 * Anything else asks for that system affinity, and the thread stays active
 * (R3): this is how the inner of two nested pairs unwinds.
 *
 * Context: any.
 * Return: the outcome; its previous is {0, 0}, a Revert has no such output.
 */
struct nta_outcome nta_affinity_revert(const struct nta_topology *topology,
				       enum nta_rules rules,
				       const struct nta_state *state,
				       const struct nta_affinity *previous)
{
	struct nta_outcome outcome = { .action = NTA_DO_PLACE_SYSTEM };
	enum nta_reason reason;

	if (!previous->mask) {
		if (!state->active)
			return unchanged(state, NTA_OK);
		return (struct nta_outcome){ .action = NTA_DO_PLACE_USER };
	}

	reason = trim(topology, rules, previous, &outcome.next.system);
	if (reason)
		return unchanged(state, reason);

	/* Without a Set before it a Revert has no effect (R5), as documented. */
	if (!state->active && rules == NTA_RULES_DOCUMENTED)
		return unchanged(state, NTA_OK);

	outcome.next.active = true;
	return outcome;
}
EXPORT_SYMBOL_IF_KUNIT(nta_affinity_revert);
