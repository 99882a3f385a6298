// SPDX-License-Identifier: GPL-2.0-only
/*
 * This machine's groups and processor indexes, kept true through CPU hotplug.
 *
 * Windows never removes a processor, Linux does. So two facts are kept apart.
 * "Active" is live: it is the kernel's cpu_active_mask itself, and what a Set
 * accepts now. "Seen" is every processor that was ever active since load: it
 * only grows, and indexes, counts and masks of the query DDIs are made of it,
 * so that a driver's arrays by index stay right (Q2, Q3).
 *
 * A processor must be seen as soon as it is active, but hotplug has no
 * callback after cpu_active_mask changes. The callback, which runs a little
 * before, notes the CPU as fresh. Whoever comes first then publishes it once it
 * is active: a query, which looks at one flag, or a worker that waits for the
 * hotplug operation to end, so that no query is needed.
 *
 * Who may touch what:
 *   nta_topology    written at load only
 *   fresh           publish_lock
 *   nta_any_fresh   written under publish_lock, read by anyone
 *   seen, index_of, nta_indexes, nta_this_processor, seen_groups
 *
 *                   written under publish_lock, read by anyone. An index is
 *                   written whole before seen and nta_indexes.count are, with release:
 *                   who reads those with acquire finds it.
 *   publish_lock    raw and irqsave: queries may come at any level. Innermost.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "topology.h"

struct nta_topology nta_topology;
EXPORT_SYMBOL_IF_KUNIT(nta_topology);

static DEFINE_RAW_SPINLOCK(publish_lock);
static cpumask_var_t fresh;
bool nta_any_fresh;
static cpumask_var_t seen;
static unsigned int seen_groups;
static u32 *index_of;
struct nta_indexes nta_indexes;
DEFINE_PER_CPU(union nta_processor, nta_this_processor);
static int hotplug_state;

static union nta_processor name_of(unsigned int cpu)
{
	return (union nta_processor){
		.group = nta_cpu_group(&nta_topology, cpu),
		.number = nta_cpu_number(&nta_topology, cpu),
		.index = NTA_NO_INDEX,
	};
}

static void publish_cpu(unsigned int cpu)
{
	unsigned int group = nta_cpu_group(&nta_topology, cpu);
	union nta_processor processor = name_of(cpu);

	lockdep_assert_held(&publish_lock);

	processor.index = nta_indexes.count;
	nta_indexes.processors[nta_indexes.count] = processor;
	WRITE_ONCE(per_cpu(nta_this_processor, cpu).whole, processor.whole);
	WRITE_ONCE(index_of[cpu], nta_indexes.count);
	smp_wmb(); /* the index before the mask, pairs with nta_seen_mask() */
	cpumask_set_cpu(cpu, seen);
	if (group >= seen_groups)
		/* pairs with nta_seen_groups() */
		smp_store_release(&seen_groups, group + 1);
	/* pairs with nta_seen_count() */
	smp_store_release(&nta_indexes.count, nta_indexes.count + 1);
}

/**
 * nta_publish_fresh() - publish processors that have become active
 *
 * Context: any but an NMI, which may have interrupted the lock's holder.
 */
void nta_publish_fresh(void)
{
	unsigned long flags;
	unsigned int cpu;

	raw_spin_lock_irqsave(&publish_lock, flags);
	for_each_cpu(cpu, fresh) {
		if (!cpumask_test_cpu(cpu, cpu_active_mask))
			continue;
		cpumask_clear_cpu(cpu, fresh);
		if (!cpumask_test_cpu(cpu, seen))
			publish_cpu(cpu);
	}
	/* pairs with nta_topology_refresh() */
	smp_store_release(&nta_any_fresh, !cpumask_empty(fresh));
	raw_spin_unlock_irqrestore(&publish_lock, flags);
}

static void publish_when_active(struct work_struct *work)
{
	/* Waits for the hotplug operation that brings the CPU up. */
	cpus_read_lock();
	nta_publish_fresh();
	cpus_read_unlock();
}

static DECLARE_WORK(publish_work, publish_when_active);

static int cpu_comes_up(unsigned int cpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&publish_lock, flags);
	if (!cpumask_test_cpu(cpu, seen)) {
		cpumask_set_cpu(cpu, fresh);
		WRITE_ONCE(nta_any_fresh, true);
	}
	raw_spin_unlock_irqrestore(&publish_lock, flags);

	schedule_work(&publish_work);
	return 0;
}

/* A CPU that nobody saw in its time, or that never became active. */
static int cpu_goes_down(unsigned int cpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&publish_lock, flags);
	cpumask_clear_cpu(cpu, fresh);
	WRITE_ONCE(nta_any_fresh, !cpumask_empty(fresh));
	raw_spin_unlock_irqrestore(&publish_lock, flags);
	return 0;
}

/**
 * nta_count_groups() - how many groups a machine has
 * @cpus: the highest possible CPU plus one
 * @group_size: processors a group
 *
 * Return: the number of groups, or -ERANGE if group numbers cannot hold it (G1).
 */
int nta_count_groups(unsigned int cpus, unsigned int group_size)
{
	unsigned int groups = DIV_ROUND_UP(cpus, group_size);

	return groups > NTA_MAX_GROUPS ? -ERANGE : (int)groups;
}
EXPORT_SYMBOL_IF_KUNIT(nta_count_groups);

/**
 * nta_seen_count() - the number of processors seen
 *
 * Context: any.
 * Return: the number, which is also the next free index.
 */
unsigned int nta_seen_count(void)
{
	nta_topology_refresh();
	return smp_load_acquire(&nta_indexes.count); /* pairs with publish_cpu() */
}

/**
 * nta_seen_mask() - the processors of a group that were seen
 * @group: any number
 *
 * Context: any.
 * Return: the mask; 0 if there is no such group.
 */
u64 nta_seen_mask(unsigned int group)
{
	u64 mask;

	if (group >= nta_topology.group_count)
		return 0;
	nta_topology_refresh();
	mask = nta_group_seen(&nta_topology, group);
	smp_rmb(); /* the mask before any index, pairs with publish_cpu() */
	return mask;
}

/**
 * nta_seen_groups() - the number of groups up to the last with a processor seen
 *
 * Context: any.
 * Return: one more than that group.
 */
unsigned int nta_seen_groups(void)
{
	nta_topology_refresh();
	return smp_load_acquire(&seen_groups); /* pairs with publish_cpu() */
}

/**
 * nta_index_of_cpu() - a CPU's processor index
 * @cpu: below nr_cpu_ids
 *
 * Context: any.
 * Return: the index; NTA_NO_INDEX if the CPU was never seen.
 */
u32 nta_index_of_cpu(unsigned int cpu)
{
	nta_topology_refresh();
	return READ_ONCE(index_of[cpu]);
}

static void free_tables(void)
{
	kvfree(nta_indexes.processors);
	kvfree(index_of);
	free_cpumask_var(seen);
	free_cpumask_var(fresh);
}

static int alloc_tables(void)
{
	unsigned int cpu;

	if (!zalloc_cpumask_var(&fresh, GFP_KERNEL))
		return -ENOMEM;
	if (!zalloc_cpumask_var(&seen, GFP_KERNEL))
		goto free_fresh;
	index_of = kvcalloc(nr_cpu_ids, sizeof(*index_of), GFP_KERNEL);
	if (!index_of)
		goto free_seen;
	nta_indexes.count = 0;
	nta_indexes.processors = kvcalloc(nr_cpu_ids,
					  sizeof(*nta_indexes.processors),
					  GFP_KERNEL);
	if (!nta_indexes.processors)
		goto free_index_of;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		index_of[cpu] = NTA_NO_INDEX;
	return 0;

free_index_of:
	kvfree(index_of);
free_seen:
	free_cpumask_var(seen);
free_fresh:
	free_cpumask_var(fresh);
	return -ENOMEM;
}

/**
 * nta_topology_start() - cut this machine into groups and follow its hotplug
 * @group_size: processors a group; a power of two, 1 to 64
 * @groupaware: the group-less forms act on the highest group active now (E5)
 *
 * Context: process; may sleep.
 * Return: 0, -ERANGE if there would be too many groups, or another -errno.
 */
int nta_topology_start(unsigned int group_size, bool groupaware)
{
	int groups = nta_count_groups(cpumask_last(cpu_possible_mask) + 1,
				      group_size);
	unsigned int cpu;
	int ret;

	if (groups < 0)
		return groups;

	ret = alloc_tables();
	if (ret)
		return ret;

	nta_topology = (struct nta_topology){
		.possible = cpumask_bits(cpu_possible_mask),
		.active = cpumask_bits(cpu_active_mask),
		.seen = cpumask_bits(seen),
		.group_count = groups,
		.group_shift = ilog2(group_size),
	};

	for_each_possible_cpu(cpu)
		per_cpu(nta_this_processor, cpu) = name_of(cpu);

	/* No CPU comes or goes between the first look and the callbacks. */
	cpus_read_lock();
	cpumask_copy(fresh, cpu_active_mask);
	nta_publish_fresh();
	if (groupaware)
		nta_topology.legacy_group = seen_groups - 1;
	ret = cpuhp_setup_state_nocalls_cpuslocked(CPUHP_AP_ONLINE_DYN,
						   "ntaffinity:online",
						   cpu_comes_up, cpu_goes_down);
	cpus_read_unlock();
	if (ret < 0) {
		free_tables();
		return ret;
	}
	hotplug_state = ret;
	return 0;
}

void nta_topology_stop(void)
{
	cpuhp_remove_state_nocalls(hotplug_state);
	cancel_work_sync(&publish_work);
	free_tables();
}
