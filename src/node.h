/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NUMA nodes, their processors, and how those lie in groups.
 *
 * A node knows nothing of groups: it can be a part of one, lie across several,
 * or have no processor at all, only memory. Node numbers are Linux's and may
 * have gaps.
 */
#ifndef NTA_NODE_H
#define NTA_NODE_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "affinity.h"

struct nta_topology;

/*
 * @count: the highest node number plus one
 * @words: how long the mask of a node is
 * @exist: a bit for each node number that is a node
 * @cpus: the possible processors of each node number, one mask after the other
 */
struct nta_nodes {
	unsigned int count;
	unsigned int words;
	unsigned long *exist;
	unsigned long *cpus;
};

/* This machine's. @count and @exist are constant once anything can call a DDI. */
extern struct nta_nodes nta_nodes;

static inline bool nta_node_exists(const struct nta_nodes *nodes,
				   unsigned int node)
{
	return node < nodes->count && test_bit(node, nodes->exist);
}

/* The mask of a node number below the count. */
static inline unsigned long *nta_node_cpus(const struct nta_nodes *nodes,
					   unsigned int node)
{
	return nodes->cpus + (size_t)node * nodes->words;
}

unsigned int nta_node_possible_count(const struct nta_nodes *nodes,
				     unsigned int node);
unsigned int nta_node_seen_count(const struct nta_topology *topology,
				 const struct nta_nodes *nodes,
				 unsigned int node);
unsigned int nta_node_next_group(const struct nta_topology *topology,
				 const struct nta_nodes *nodes,
				 unsigned int node, unsigned int group,
				 u64 *active);
struct nta_affinity nta_node_primary(const struct nta_topology *topology,
				     const struct nta_nodes *nodes,
				     unsigned int node);
int nta_node_of_device(const struct nta_nodes *nodes, int node);

unsigned int nta_node_of_cpu(unsigned int cpu);
unsigned int nta_online_nodes(void);

int nta_nodes_start(void);
void nta_nodes_stop(void);

#endif /* NTA_NODE_H */
