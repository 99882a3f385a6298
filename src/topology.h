/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups and their processors. Group g, number n is CPU g * 2^group_shift + n.
 *
 * 2^group_shift divides 64, so a group never crosses a word of a cpumask and
 * its mask is read with one load and one shift.
 */
#ifndef NTA_TOPOLOGY_H
#define NTA_TOPOLOGY_H

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

/* Group numbers 0xfffe and up are not for groups: 0xffff means "all". */
#define NTA_MAX_GROUPS 0xfffeU

/*
 * @possible: processors that can ever exist; never changes.
 * @active: processors that the scheduler can use now.
 * @seen: processors that were ever active since load; it only grows (Q3).
 * @group_count: slices up to the highest possible CPU, empty ones included.
 * @legacy_group: the group that the group-less forms act on (E5).
 */
struct nta_topology {
	const unsigned long *possible;
	const unsigned long *active;
	const unsigned long *seen;
	unsigned int group_count;
	unsigned int group_shift;
	unsigned int legacy_group;
};

/* This machine's. Filled before anything can call a DDI, constant afterwards. */
extern struct nta_topology nta_topology;

static inline unsigned int nta_group_size(const struct nta_topology *topology)
{
	return 1U << topology->group_shift;
}

static inline unsigned int nta_first_cpu(const struct nta_topology *topology,
					 unsigned int group)
{
	return group << topology->group_shift;
}

static inline unsigned int nta_cpu_group(const struct nta_topology *topology,
					 unsigned int cpu)
{
	return cpu >> topology->group_shift;
}

static inline unsigned int nta_cpu_number(const struct nta_topology *topology,
					  unsigned int cpu)
{
	return cpu & (nta_group_size(topology) - 1);
}

/* The group's slice of a cpumask. The group must exist. */
static inline u64 nta_group_slice(const struct nta_topology *topology,
				  const unsigned long *bits, unsigned int group)
{
	unsigned int first = nta_first_cpu(topology, group);
	u64 word;

	/* Nearly always, and then a group is a word. */
	if (likely(topology->group_shift == ilog2(BITS_PER_LONG)))
		return READ_ONCE(bits[group]);
	word = READ_ONCE(bits[first / BITS_PER_LONG]);
	return (word >> (first % BITS_PER_LONG)) &
	       GENMASK_ULL(nta_group_size(topology) - 1, 0);
}

static inline u64 nta_group_possible(const struct nta_topology *topology,
				     unsigned int group)
{
	return nta_group_slice(topology, topology->possible, group);
}

static inline u64 nta_group_active(const struct nta_topology *topology,
				   unsigned int group)
{
	return nta_group_slice(topology, topology->active, group);
}

static inline u64 nta_group_seen(const struct nta_topology *topology,
				 unsigned int group)
{
	return nta_group_slice(topology, topology->seen, group);
}

/* Add to @mask the processors @bits of @group. */
static inline void nta_group_add(const struct nta_topology *topology,
				 unsigned int group, u64 bits,
				 struct cpumask *mask)
{
	unsigned int first = nta_first_cpu(topology, group);

	cpumask_bits(mask)[first / BITS_PER_LONG] |= bits << (first % BITS_PER_LONG);
}

/* Make @mask the processors @bits of @group, and nothing else. */
static inline void nta_group_to_cpumask(const struct nta_topology *topology,
					unsigned int group, u64 bits,
					struct cpumask *mask)
{
	cpumask_clear(mask);
	nta_group_add(topology, group, bits, mask);
}

/* Whether @mask has processors and all are among the processors @bits of @group. */
static inline bool nta_cpumask_inside(const struct nta_topology *topology,
				      const struct cpumask *mask,
				      unsigned int group, u64 bits)
{
	unsigned int first = cpumask_first(mask);

	return first < nr_cpu_ids &&
	       nta_cpu_group(topology, first) == group &&
	       nta_cpu_group(topology, cpumask_last(mask)) == group &&
	       !(nta_group_slice(topology, cpumask_bits(mask), group) & ~bits);
}

/* Whether @mask is the processors @bits of @group, and nothing else. */
static inline bool nta_cpumask_is(const struct nta_topology *topology,
				  const struct cpumask *mask,
				  unsigned int group, u64 bits)
{
	return nta_cpumask_inside(topology, mask, group, bits) &&
	       nta_group_slice(topology, cpumask_bits(mask), group) == bits;
}

int nta_count_groups(unsigned int cpus, unsigned int group_size);

/* Indexes: dense, in the order in which processors were first seen (Q2). */
#define NTA_NO_INDEX 0xffffffffU

/* A processor as drivers know it: a word, so that it is read at once. */
union nta_processor {
	struct {
		u16 group;
		u8 number;
		u8 reserved;
		u32 index;
	};
	u64 whole;
};

/* That of each CPU; the index is NTA_NO_INDEX until it is published. */
DECLARE_PER_CPU(union nta_processor, nta_this_processor);

/* The processors that were seen, by their indexes. */
struct nta_indexes {
	unsigned int count;
	union nta_processor *processors;
};

extern struct nta_indexes nta_indexes;

/* Whether some processors may have become active that are not published. */
extern bool nta_any_fresh;

void nta_publish_fresh(void);

/**
 * nta_topology_refresh() - publish processors that have become active
 *
 * Before every look at what was seen, and every Set: a processor that a driver
 * could have used must have been seen, even if it goes offline right away.
 *
 * Context: any. In an NMI it does nothing.
 */
static inline void nta_topology_refresh(void)
{
	/* Acquire: who sees that nothing is fresh sees what was published. */
	if (unlikely(smp_load_acquire(&nta_any_fresh)) && !in_nmi())
		nta_publish_fresh();
}

unsigned int nta_seen_count(void);
u64 nta_seen_mask(unsigned int group);
unsigned int nta_seen_groups(void);
u32 nta_index_of_cpu(unsigned int cpu);

/**
 * nta_is_known_index() - whether a processor has an index, at a first look
 * @index: any number
 *
 * Context: any.
 * Return: if true, nta_indexes has the processor; if false, nta_seen_count()
 * knows more.
 */
static __always_inline bool nta_is_known_index(u32 index)
{
	/* data_race: it only grows. */
	if (unlikely(index >= data_race(nta_indexes.count)))
		return false;
	smp_rmb(); /* the count before the processor, pairs with publish_cpu() */
	return true;
}

int nta_topology_start(unsigned int group_size, bool groupaware);
void nta_topology_stop(void);

#endif /* NTA_TOPOLOGY_H */
