// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Ke routines that count and name groups and processors: they read
 * topology.c's facts and shape outputs.
 *
 * "Active" in the names of the counts means every processor that was ever
 * active since the module was loaded: Windows never takes a processor away, and
 * drivers size arrays by these counts. KeQueryGroupAffinity() alone tells what
 * is active now.
 */
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "compat.h"
#include "ntdef.h"
#include "topology.h"
#include "wdm.h"

static_assert(NTA_NO_INDEX == INVALID_PROCESSOR_INDEX);

/* The CPU that runs this; the caller knows how long that stays true. */
static unsigned int this_cpu(void)
{
	return raw_smp_processor_id();
}

/* What drivers call a processor's number stands in front of our name for it. */
static_assert(offsetof(union nta_processor, group) == offsetof(PROCESSOR_NUMBER, Group));
static_assert(offsetof(union nta_processor, number) == offsetof(PROCESSOR_NUMBER, Number));
static_assert(offsetof(union nta_processor, reserved) ==
	      offsetof(PROCESSOR_NUMBER, Reserved));

static __always_inline void put_number(PROCESSOR_NUMBER *number, u64 whole)
{
	memcpy(number, &whole, sizeof(*number));
}

/* A processor just come up may not have an index yet: then it is asked for. */
static u32 index_of(const union nta_processor *processor)
{
	if (likely(processor->index != NTA_NO_INDEX))
		return processor->index;
	return nta_index_of_cpu(nta_first_cpu(&nta_topology, processor->group) +
				processor->number);
}

/**
 * KeQueryActiveGroupCount() - how many groups to loop over
 *
 * Context: any level.
 * Return: one more than the highest group with a processor that was ever
 * active. Grows, never shrinks.
 *
 * Differences from Windows: a group below it can be empty. Source: the page
 * KeQueryActiveGroupCount of wdm.h.
 */
USHORT NTAPI KeQueryActiveGroupCount(void)
{
	return nta_seen_groups();
}
EXPORT_SYMBOL_GPL(KeQueryActiveGroupCount);

/**
 * KeQueryMaximumGroupCount() - how many groups there can ever be
 *
 * Context: any level.
 * Return: the number of groups up to the highest possible CPU; constant.
 *
 * Differences from Windows: none. Source: the page KeQueryMaximumGroupCount of
 * wdm.h.
 */
USHORT NTAPI KeQueryMaximumGroupCount(void)
{
	return nta_topology.group_count;
}
EXPORT_SYMBOL_GPL(KeQueryMaximumGroupCount);

/**
 * KeQueryActiveProcessorCount() - count the processors of group 0
 * @ActiveProcessors: optional; receives their mask, whose bits need not be
 *	consecutive
 *
 * Context: any level.
 * Return: how many processors of group 0 were ever active: the number of bits
 * in the mask.
 *
 * Differences from Windows: a processor counted may be offline now. Source: the
 * page KeQueryActiveProcessorCount of wdm.h.
 */
ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
	u64 mask = nta_seen_mask(0);

	if (ActiveProcessors)
		*ActiveProcessors = mask;
	return hweight64(mask);
}
EXPORT_SYMBOL_GPL(KeQueryActiveProcessorCount);

/**
 * KeQueryActiveProcessorCountEx() - count the processors of a group or of all
 * @GroupNumber: the group, or ALL_PROCESSOR_GROUPS
 *
 * Context: any level.
 * Return: how many were ever active; 0 if there is no such group. For
 * ALL_PROCESSOR_GROUPS every processor index below the result is valid.
 *
 * Differences from Windows: a processor counted may be offline now. Source: the
 * page KeQueryActiveProcessorCountEx of wdm.h.
 */
ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
	if (GroupNumber == ALL_PROCESSOR_GROUPS)
		return nta_seen_count();
	return hweight64(nta_seen_mask(GroupNumber));
}
EXPORT_SYMBOL_GPL(KeQueryActiveProcessorCountEx);

/**
 * KeQueryMaximumProcessorCount() - how many processors group 0 can ever have
 *
 * Context: any level.
 * Return: the number; constant.
 *
 * Differences from Windows: none. Source: the page KeQueryMaximumProcessorCount
 * of wdm.h.
 */
ULONG NTAPI KeQueryMaximumProcessorCount(void)
{
	return hweight64(nta_group_possible(&nta_topology, 0));
}
EXPORT_SYMBOL_GPL(KeQueryMaximumProcessorCount);

/**
 * KeQueryMaximumProcessorCountEx() - how many processors there can ever be
 * @GroupNumber: the group, or ALL_PROCESSOR_GROUPS
 *
 * Context: any level.
 * Return: the number of possible processors, constant; 0 if there is no such
 * group. It can be above the count of active ones, whose indexes alone are
 * valid.
 *
 * Differences from Windows: none. Source: the page
 * KeQueryMaximumProcessorCountEx of wdm.h.
 */
ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
	if (GroupNumber == ALL_PROCESSOR_GROUPS)
		return num_possible_cpus();
	if (GroupNumber >= nta_topology.group_count)
		return 0;
	return hweight64(nta_group_possible(&nta_topology, GroupNumber));
}
EXPORT_SYMBOL_GPL(KeQueryMaximumProcessorCountEx);

/**
 * KeQueryActiveProcessors() - the processors of group 0
 *
 * Context: any level.
 * Return: the mask of those that were ever active.
 *
 * Differences from Windows: a processor in it may be offline now. Source: the
 * page KeQueryActiveProcessors of wdm.h.
 */
KAFFINITY NTAPI KeQueryActiveProcessors(void)
{
	return nta_seen_mask(0);
}
EXPORT_SYMBOL_GPL(KeQueryActiveProcessors);

/**
 * KeQueryGroupAffinity() - the active processors of a group
 * @GroupNumber: the group; ALL_PROCESSOR_GROUPS is none
 *
 * Context: any level.
 * Return: the mask of processors that a Set would accept now; 0 if there is no
 * such group.
 *
 * Differences from Windows: when a CPU goes offline its bit goes, so the mask
 * can have fewer bits than KeQueryActiveProcessorCountEx() counts. Source: the
 * page KeQueryGroupAffinity of wdm.h.
 */
KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber)
{
	if (GroupNumber >= nta_topology.group_count)
		return 0;
	return nta_group_slice(&nta_topology, cpumask_bits(cpu_active_mask),
			       GroupNumber);
}
EXPORT_SYMBOL_GPL(KeQueryGroupAffinity);

/**
 * KeGetCurrentProcessorNumber() - the running processor's number, for group 0
 *
 * Context: any level; the result is stale at once where the thread can migrate.
 * Return: in group 0 the number in the group; elsewhere some number below the
 * count of group 0, so that an array of that size is not overrun.
 *
 * Differences from Windows: none. Source: the page KeGetCurrentProcessorNumber
 * of wdm.h.
 */
ULONG NTAPI KeGetCurrentProcessorNumber(void)
{
	unsigned int cpu = this_cpu();
	unsigned int number = nta_cpu_number(&nta_topology, cpu);
	unsigned int count;

	if (!nta_cpu_group(&nta_topology, cpu))
		return number;
	count = hweight64(nta_seen_mask(0));
	return count ? number % count : 0;
}
EXPORT_SYMBOL_GPL(KeGetCurrentProcessorNumber);

/**
 * KeGetCurrentProcessorNumberEx() - the running processor
 * @ProcNumber: optional; receives its group and number
 *
 * Context: any level; the result is stale at once where the thread can migrate.
 * Return: the processor's index; INVALID_PROCESSOR_INDEX on a processor that
 * is coming up and was never active, where only the kernel's own threads run.
 *
 * Differences from Windows: indexes are given in the order in which processors
 * were first active. Source: the page KeGetCurrentProcessorNumberEx of wdm.h.
 */
ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
	/* Whole, for the next look may be on another CPU. */
	union nta_processor processor = {
		.whole = this_cpu_read(nta_this_processor.whole)
	};

	if (ProcNumber)
		put_number(ProcNumber, processor.whole);
	return index_of(&processor);
}
EXPORT_SYMBOL_GPL(KeGetCurrentProcessorNumberEx);

/**
 * KeGetCurrentProcessorIndex() - KeGetCurrentProcessorNumberEx() without the number
 *
 * Context: any level; the result is stale at once where the thread can migrate.
 * Return: the running processor's index, as there.
 *
 * Differences from Windows: as there. Source: the declaration in wdm.h; Windows
 * documents no page of its own for it.
 */
ULONG NTAPI KeGetCurrentProcessorIndex(void)
{
	union nta_processor processor = {
		.whole = this_cpu_read(nta_this_processor.whole)
	};

	return index_of(&processor);
}
EXPORT_SYMBOL_GPL(KeGetCurrentProcessorIndex);

/* KeGetProcessorNumberFromIndex(), unless the first look has sufficed. */
static noinline NTSTATUS look_for_number(ULONG index, PROCESSOR_NUMBER *number)
{
	if (!number)
		return STATUS_INVALID_PARAMETER;
	if (index >= nta_seen_count()) {
		*number = (PROCESSOR_NUMBER){};
		return STATUS_INVALID_PARAMETER;
	}
	put_number(number, nta_indexes.processors[index].whole);
	return STATUS_SUCCESS;
}

/**
 * KeGetProcessorNumberFromIndex() - the processor that has an index
 * @ProcIndex: the index, below KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS)
 * @ProcNumber: receives its group and number; zeros if the call fails
 *
 * An index, once given, stays its processor's until the module is unloaded,
 * offline or not.
 *
 * Context: any level.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER if no processor has the
 * index or @ProcNumber is NULL.
 *
 * Differences from Windows: processors that are active when the module is loaded get
 * their indexes in the order of group and number, others as they are first seen to be
 * active. The processor may be offline now, a Set to it is then refused. Source: the
 * page KeGetProcessorNumberFromIndex of wdm.h.
 */
NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex,
					     PPROCESSOR_NUMBER ProcNumber)
{
	if (unlikely(!ProcNumber) || !nta_is_known_index(ProcIndex))
		return look_for_number(ProcIndex, ProcNumber);
	put_number(ProcNumber, nta_indexes.processors[ProcIndex].whole);
	return STATUS_SUCCESS;
}
EXPORT_SYMBOL_GPL(KeGetProcessorNumberFromIndex);

/**
 * KeGetProcessorIndexFromNumber() - the index that a processor has
 * @ProcNumber: its group and number, with Reserved 0
 *
 * Context: any level.
 * Return: the index; INVALID_PROCESSOR_INDEX if @ProcNumber is NULL, Reserved is
 * not 0, or there is no such processor or it was never active.
 *
 * Differences from Windows: indexes are given as KeGetProcessorNumberFromIndex()
 * says. Source: the page KeGetProcessorIndexFromNumber of wdm.h.
 */
ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
	unsigned int cpu;

	if (!ProcNumber || ProcNumber->Reserved ||
	    ProcNumber->Group >= nta_topology.group_count ||
	    ProcNumber->Number >= nta_group_size(&nta_topology))
		return INVALID_PROCESSOR_INDEX;

	cpu = nta_first_cpu(&nta_topology, ProcNumber->Group) +
	      ProcNumber->Number;
	if (cpu >= nr_cpu_ids)
		return INVALID_PROCESSOR_INDEX;
	return nta_index_of_cpu(cpu);
}
EXPORT_SYMBOL_GPL(KeGetProcessorIndexFromNumber);
