// SPDX-License-Identifier: GPL-2.0-only
/*
 * topology.c for a machine that is made up: its groups are full but for the last,
 * all its processors are active, and all are in one node.
 */
#include "made_up.h"

/* Of the same name in the kernel tree: this one is beside affinity.c. */
#include "topology.c"

#include "machine.h"
#include "node.h"

unsigned int nta_machine_cpus;

static unsigned long *active;
static unsigned long node_exists;

/**
 * nta_machines_make() - make room for the largest machine
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int nta_machines_make(void)
{
	unsigned int cpu;

	active = bitmap_zalloc(NTA_MACHINE_CPUS, GFP_KERNEL);
	index_of = kvcalloc(NTA_MACHINE_CPUS, sizeof(*index_of), GFP_KERNEL);
	nta_indexes.processors = kvcalloc(NTA_MACHINE_CPUS,
					  sizeof(*nta_indexes.processors),
					  GFP_KERNEL);
	if (!active || !index_of || !nta_indexes.processors) {
		nta_machines_free();
		return -ENOMEM;
	}

	nta_topology.group_shift = ilog2(BITS_PER_LONG);
	for (cpu = 0; cpu < NTA_MACHINE_CPUS; cpu++) {
		index_of[cpu] = cpu;
		nta_indexes.processors[cpu] = name_of(cpu);
		nta_indexes.processors[cpu].index = cpu;
	}
	__set_bit(0, &node_exists);
	return 0;
}

/**
 * nta_machines_free() - free what nta_machines_make() has made
 *
 * Context: process.
 */
void nta_machines_free(void)
{
	kvfree(nta_indexes.processors);
	kvfree(index_of);
	bitmap_free(active);
}

/**
 * nta_machine_become() - have as many processors from now on
 * @cpus: how many
 *
 * Context: process.
 */
void nta_machine_become(unsigned int cpus)
{
	nta_machine_cpus = cpus;
	bitmap_zero(active, NTA_MACHINE_CPUS);
	bitmap_set(active, 0, cpus);
	nta_topology = (struct nta_topology){
		.possible = active,
		.active = active,
		.seen = active,
		.group_count = nta_count_groups(cpus, BITS_PER_LONG),
		.group_shift = ilog2(BITS_PER_LONG),
	};
	seen_groups = nta_topology.group_count;
	nta_indexes.count = cpus;
	nta_nodes = (struct nta_nodes){
		.count = 1,
		.words = BITS_TO_LONGS(cpus),
		.exist = &node_exists,
		.cpus = active,
	};
}

/**
 * nta_machine_to_cpumask() - processors of a group as a cpumask
 * @group: the group
 * @bits: the processors
 * @mask: receives them
 *
 * Context: any.
 */
noinline void nta_machine_to_cpumask(unsigned int group, u64 bits,
				     struct cpumask *mask)
{
	nta_group_to_cpumask(&nta_topology, group, bits, mask);
}

/**
 * nta_machine_is_cpumask() - whether a cpumask is processors of a group
 * @group: the group
 * @bits: the processors
 * @mask: the cpumask
 *
 * Context: any.
 * Return: whether it is just those.
 */
noinline bool nta_machine_is_cpumask(unsigned int group, u64 bits,
				     const struct cpumask *mask)
{
	return nta_cpumask_is(&nta_topology, mask, group, bits);
}
