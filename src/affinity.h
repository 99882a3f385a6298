/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of Set and Revert as pure functions: a thread's state and a request
 * go in, the next state and the outputs come out. Nothing here knows of tasks,
 * locks or allocation, so every rule can be tested on any machine and on any
 * topology.
 */
#ifndef NTA_AFFINITY_H
#define NTA_AFFINITY_H

#include <linux/types.h>

struct cpumask;
struct nta_topology;

/*
 * A set of processors inside one group. Bit n of @mask is processor number n.
 * As a Previous output, {0, 0} means "revert to the user affinity".
 */
struct nta_affinity {
	u64 mask;
	u16 group;
};

/*
 * The group of a system affinity that lies in several: its mask is the number of
 * the token that has the processors. No group has this number.
 */
#define NTA_SEVERAL_GROUPS 0xffff

static inline bool nta_is_several(const struct nta_affinity *affinity)
{
	return affinity->group == NTA_SEVERAL_GROUPS;
}

/* The logical affinity of a thread. @system counts only while @active. */
struct nta_state {
	struct nta_affinity system;
	bool active;
};

/* The two readings of the documents that the module parameter chooses between. */
enum nta_rules {
	NTA_RULES_DOCUMENTED,
	NTA_RULES_OBSERVED,
};

/*
 * Why a request was refused. The first part is found by the rules in
 * affinity.c, the second by the rooms that carry a request out.
 */
enum nta_reason {
	NTA_OK,
	NTA_NULL_POINTER,
	NTA_BAD_GROUP,
	NTA_STRAY_BITS,
	NTA_ZERO_MASK,
	NTA_NOT_ACTIVE,
	NTA_OFFLINE,
	NTA_BAD_COUNT,
	NTA_SAME_GROUP,

	NTA_BAD_TOKEN,
	NTA_BAD_CONTEXT,
	NTA_BAD_LEVEL,
	NTA_NO_MEMORY,
	NTA_BOUND_KTHREAD,
	NTA_DEADLINE,
	NTA_KERNEL_REFUSED,

	NTA_REASONS
};

/* What has to be done to the thread for a request to come true. */
enum nta_action {
	NTA_DO_NOTHING,
	NTA_DO_PLACE_SYSTEM,
	NTA_DO_PLACE_USER,
};

/*
 * The outcome of a request. @next is the state to commit once @action is done;
 * it equals the state that went in when @action is NTA_DO_NOTHING.
 */
struct nta_outcome {
	enum nta_reason reason;
	enum nta_action action;
	struct nta_state next;
	struct nta_affinity previous;
};

enum nta_reason nta_affinity_trim(const struct nta_topology *topology,
				  enum nta_rules rules,
				  const struct nta_affinity *asked,
				  struct nta_affinity *trimmed);
enum nta_reason nta_affinity_trim_several(const struct nta_topology *topology,
					  enum nta_rules rules,
					  const struct nta_affinity *asked,
					  unsigned int count,
					  struct cpumask *trimmed);
struct nta_outcome nta_affinity_set(const struct nta_topology *topology,
				    enum nta_rules rules,
				    const struct nta_state *state,
				    const struct nta_affinity *asked);
struct nta_outcome nta_affinity_revert(const struct nta_topology *topology,
				       enum nta_rules rules,
				       const struct nta_state *state,
				       const struct nta_affinity *previous);

static inline bool nta_affinity_equal(const struct nta_affinity *a,
				      const struct nta_affinity *b)
{
	return a->mask == b->mask && a->group == b->group;
}

static inline bool nta_state_equal(const struct nta_state *a,
				   const struct nta_state *b)
{
	return a->active == b->active &&
	       (!a->active || nta_affinity_equal(&a->system, &b->system));
}

#endif /* NTA_AFFINITY_H */
