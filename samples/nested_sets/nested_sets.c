// SPDX-License-Identifier: GPL-2.0-only
/*
 * Repeated and nested Sets: the two calling patterns that the page of
 * KeSetSystemGroupAffinityThread draws as diagrams.
 *
 * Loading the module runs both in the loading thread and logs a line for each
 * call: what Previous holds and where the thread may run afterwards.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "wdm.h"

#define pr_step(fmt, ...) pr_info("nested_sets: " fmt, ##__VA_ARGS__)

static void show(const char *call, const GROUP_AFFINITY *previous)
{
	if (previous)
		pr_step("%-28s  %u:%#llx  %*pbl  %d\n", call, previous->Group,
			previous->Mask, cpumask_pr_args(&current->cpus_mask),
			raw_smp_processor_id());
	else
		pr_step("%-28s  NULL  %*pbl  %d\n", call,
			cpumask_pr_args(&current->cpus_mask),
			raw_smp_processor_id());
}

/* The affinity that is only the processor with this index, or the last one. */
static GROUP_AFFINITY only(ULONG index)
{
	ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	GROUP_AFFINITY affinity = {};
	PROCESSOR_NUMBER processor;

	KeGetProcessorNumberFromIndex(min(index, count - 1), &processor);
	affinity.Group = processor.Group;
	affinity.Mask = 1ULL << processor.Number;
	return affinity;
}

/*
 * First diagram. Only the first call saves Previous; the later ones pass NULL,
 * and one Revert restores what was before the first.
 */
static void repeated(void)
{
	GROUP_AFFINITY first = only(0), second = only(1), third = only(2);
	GROUP_AFFINITY previous;

	pr_step("first diagram: Set three times, Revert once\n");
	KeSetSystemGroupAffinityThread(&first, &previous);
	show("Set(first, &previous)", &previous);
	KeSetSystemGroupAffinityThread(&second, NULL);
	show("Set(second, NULL)", NULL);
	KeSetSystemGroupAffinityThread(&third, NULL);
	show("Set(third, NULL)", NULL);
	KeRevertToUserGroupAffinityThread(&previous);
	show("Revert(&previous)", &previous);
}

/* B works alone and inside A: it need not know which. */
static void function_b(void)
{
	GROUP_AFFINITY inner = only(1);
	GROUP_AFFINITY previous;

	KeSetSystemGroupAffinityThread(&inner, &previous);
	show("  B: Set(inner, &previous)", &previous);
	KeRevertToUserGroupAffinityThread(&previous);
	show("  B: Revert(&previous)", &previous);
}

/* Second diagram: A calls B with its affinity in force, and again without. */
static void function_a(void)
{
	GROUP_AFFINITY outer = only(2);
	GROUP_AFFINITY previous;

	pr_step("second diagram: nested pairs\n");
	KeSetSystemGroupAffinityThread(&outer, &previous);
	show("A: Set(outer, &previous)", &previous);
	function_b();
	KeRevertToUserGroupAffinityThread(&previous);
	show("A: Revert(&previous)", &previous);
	function_b();
}

static int __init nested_sets_init(void)
{
	pr_step("call  previous  may_run_on  cpu\n");
	repeated();
	function_a();
	pr_step("done\n");
	return 0;
}
module_init(nested_sets_init);

static void __exit nested_sets_exit(void)
{
}
module_exit(nested_sets_exit);

MODULE_DESCRIPTION("ntaffinity sample: repeated and nested Sets");
MODULE_LICENSE("GPL");
