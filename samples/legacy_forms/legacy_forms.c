// SPDX-License-Identifier: GPL-2.0-only
/*
 * The group-less forms, as older drivers call them: a mask of processors in
 * group 0, the previous mask as the result, and an epilogue that reverts
 * whether or not anything was set.
 *
 * Loading the module runs them in the loading thread and logs a line for each
 * call.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched.h>

#define SINGLE_GROUP_LEGACY_API
#include "ntddk.h"

#define pr_step(fmt, ...) pr_info("legacy_forms: " fmt, ##__VA_ARGS__)

static void show(const char *call)
{
	pr_step("%-28s  %*pbl  %d\n", call,
		cpumask_pr_args(&current->cpus_mask), raw_smp_processor_id());
}

/*
 * 0 from KeSetSystemAffinityThreadEx() means that no system affinity was in
 * force. It is no error: pass it to the Revert like any other value.
 */
static void read_register_on(ULONG number)
{
	KAFFINITY previous;

	previous = KeSetSystemAffinityThreadEx((KAFFINITY)1 << number);
	show("SetEx(1 << number)");
	KeRevertToUserAffinityThreadEx(previous);
	show("RevertEx(previous)");
}

/* The oldest pair: many Sets, one Revert that needs no argument. */
static void sweep(KAFFINITY processors)
{
	KAFFINITY left;

	for (left = processors; left; left &= left - 1) {
		KeSetSystemAffinityThread(left & -left);
		show("Set(next)");
	}
	KeRevertToUserAffinityThread();
	show("Revert()");
}

static int __init legacy_forms_init(void)
{
	KAFFINITY processors;
	ULONG count = KeQueryActiveProcessorCount(&processors);

	pr_step("%u processors in group 0, mask %#llx\n", count, processors);
	pr_step("call  may_run_on  cpu\n");
	read_register_on(__ffs64(processors));
	sweep(processors);

	/* A common epilogue of drivers: reverts although nothing was set. */
	KeRevertToUserAffinityThreadEx(processors);
	show("RevertEx(nothing was set)");
	pr_step("done\n");
	return 0;
}
module_init(legacy_forms_init);

static void __exit legacy_forms_exit(void)
{
}
module_exit(legacy_forms_exit);

MODULE_DESCRIPTION("ntaffinity sample: the group-less forms");
MODULE_LICENSE("GPL");
