// SPDX-License-Identifier: GPL-2.0-only
/*
 * Visit every processor: the commonest pattern of all, found in drivers that
 * read or write a register on each. For every processor index the thread moves
 * there, does its work, and goes back.
 *
 * Loading the module makes one round in the loading thread and logs a line for
 * each processor.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "wdm.h"

#define pr_row(fmt, ...) pr_info("visit_processors: " fmt, ##__VA_ARGS__)

/* The place for the work: here it only sees where it runs. */
static int work_on_this_processor(void)
{
	return raw_smp_processor_id();
}

static bool visit(ULONG index)
{
	PROCESSOR_NUMBER processor, where;
	GROUP_AFFINITY affinity, previous;
	bool there;
	int cpu;

	if (!NT_SUCCESS(KeGetProcessorNumberFromIndex(index, &processor)))
		return false;

	RtlZeroMemory(&affinity, sizeof(affinity));
	affinity.Group = processor.Group;
	affinity.Mask = 1ULL << processor.Number;

	KeSetSystemGroupAffinityThread(&affinity, &previous);
	cpu = work_on_this_processor();
	there = KeGetCurrentProcessorNumberEx(&where) == index &&
		where.Group == processor.Group &&
		where.Number == processor.Number;
	KeRevertToUserGroupAffinityThread(&previous);

	pr_row("%5u  %3u:%-2u  %#18llx  %5d  %u:%#llx  %*pbl  %s\n", index,
	       processor.Group, processor.Number, affinity.Mask, cpu,
	       previous.Group, previous.Mask,
	       cpumask_pr_args(&current->cpus_mask), there ? "ok" : "WRONG");
	return there;
}

static int __init visit_processors_init(void)
{
	ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	ULONG index, visited = 0;

	pr_row("index  processor  asked  cpu  previous  after  verdict\n");
	for (index = 0; index < count; index++)
		visited += visit(index);
	pr_row("%u of %u processors visited\n", visited, count);
	return 0;
}
module_init(visit_processors_init);

static void __exit visit_processors_exit(void)
{
}
module_exit(visit_processors_exit);

MODULE_DESCRIPTION("ntaffinity sample: visit every processor");
MODULE_LICENSE("GPL");
