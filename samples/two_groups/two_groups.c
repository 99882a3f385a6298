// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that may run on processors of two groups: a token, and a Set of one
 * group inside.
 *
 * Loading the module does it in the loading thread, with the first group and the
 * last, and logs a line for each call: where the thread may run afterwards.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "wdm.h"

#define pr_step(fmt, ...) pr_info("two_groups: " fmt, ##__VA_ARGS__)

static void show(const char *call)
{
	pr_step("%-28s  %*pbl  %d\n", call,
		cpumask_pr_args(&current->cpus_mask), raw_smp_processor_id());
}

static NTSTATUS span(PAFFINITY_TOKEN token)
{
	USHORT last = KeQueryActiveGroupCount() - 1;
	GROUP_AFFINITY groups[2] = {
		{ .Mask = KeQueryGroupAffinity(0), .Group = 0 },
		{ .Mask = KeQueryGroupAffinity(last), .Group = last },
	};
	GROUP_AFFINITY previous;
	NTSTATUS status;

	/* On a machine with one group the two are the same. */
	status = PsSetSystemMultipleGroupAffinityThread(groups, last ? 2 : 1,
							token);
	if (!NT_SUCCESS(status))
		return status;
	show("Set(both groups, token)");

	/* What works on one group need not know of the token. */
	KeSetSystemGroupAffinityThread(&groups[1], &previous);
	show("  Set(last, &previous)");
	KeRevertToUserGroupAffinityThread(&previous);
	show("  Revert(&previous)");

	PsRevertToUserMultipleGroupAffinityThread(token);
	show("Revert(token)");
	return STATUS_SUCCESS;
}

static int __init two_groups_init(void)
{
	PAFFINITY_TOKEN token;
	NTSTATUS status;

	status = PsAllocateAffinityToken(&token);
	if (!NT_SUCCESS(status))
		return -ENOMEM;
	pr_step("call  may_run_on  cpu\n");
	status = span(token);
	PsFreeAffinityToken(token);
	if (!NT_SUCCESS(status))
		return -EINVAL;
	pr_step("done\n");
	return 0;
}
module_init(two_groups_init);

static void __exit two_groups_exit(void)
{
}
module_exit(two_groups_exit);

MODULE_DESCRIPTION("ntaffinity sample: a system affinity of several groups");
MODULE_LICENSE("GPL");
