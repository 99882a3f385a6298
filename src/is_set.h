/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Set that has nothing to do: drivers set inside a Set of their own again and
 * again.
 */
#ifndef NTA_IS_SET_H
#define NTA_IS_SET_H

#include <linux/cpumask.h>
#include <linux/sched.h>

#include "affinity.h"
#include "irql.h"
#include "placement.h"
#include "thread.h"
#include "topology.h"
#include "trace.h"

/**
 * nta_is_set() - whether a Set has nothing to do (S17)
 * @mask: the processors that it asks for
 * @group: their group
 * @caller: the DDI's return address
 *
 * What nta_request_set() does then as well, but without a look at all the rules.
 *
 * Context: any.
 * Return: if true, the Set is done, and @mask of @group is its Previous too; if
 * false, nothing is.
 */
static __always_inline bool nta_is_set(u64 mask, u16 group,
				       unsigned long caller)
{
	const struct nta_affinity asked = { .mask = mask, .group = group };
	struct nta_thread *thread;

	/* Nearly every thread that is not active ends here, for the price of a look. */
	if (group >= nta_topology.group_count ||
	    /* data_race: it is looked at again. */
	    data_race(nta_group_slice(&nta_topology,
				      cpumask_bits(&current->cpus_mask),
				      group) != mask) ||
	    nta_current_context() != NTA_PASSIVE)
		return false;
	nta_topology_refresh();
	thread = nta_thread_find(current);
	if (!thread || !nta_is_placed(thread, &asked) ||
	    /* It would be trimmed. */
	    (mask & ~nta_group_active(&nta_topology, group)))
		return false;
	__set_current_state(TASK_RUNNING);
	WRITE_ONCE(thread->caller, caller);
	trace_nta_changed(&thread->state, caller);
	return true;
}

#endif /* NTA_IS_SET_H */
