// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets at DISPATCH_LEVEL, as network drivers and code that samples a processor
 * make them:
 *
 *	a Set under a spin lock: the thread moves when the lock is released
 *	Set, raise, work, lower, Revert: work that must not leave its processor
 *	a Set under a native Linux lock: a worker moves the thread, a little later
 *
 * Loading the module does each on the first and on the last processor in turn
 * and logs a line for each pattern; for the last one, how long it took.
 */
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/spinlock.h>

#include "wdm.h"

#define ROUNDS 200
#define TOO_LONG_US (10 * USEC_PER_SEC)

static KSPIN_LOCK lock;
static DEFINE_SPINLOCK(native_lock);
static u32 delays[ROUNDS];

/* The first and the last processor, in turn. */
static void choose(unsigned int round, PGROUP_AFFINITY affinity)
{
	ULONG count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	PROCESSOR_NUMBER processor;

	KeGetProcessorNumberFromIndex(round % 2 ? count - 1 : 0, &processor);
	RtlZeroMemory(affinity, sizeof(*affinity));
	affinity->Group = processor.Group;
	affinity->Mask = 1ULL << processor.Number;
}

static bool is_there(const GROUP_AFFINITY *affinity)
{
	PROCESSOR_NUMBER processor;

	KeGetCurrentProcessorNumberEx(&processor);
	return processor.Group == affinity->Group &&
	       affinity->Mask == 1ULL << processor.Number;
}

/* The lock protects what the driver looks up to know the processor. */
static unsigned int set_under_spin_lock(void)
{
	GROUP_AFFINITY affinity, previous;
	unsigned int round, right = 0;
	KIRQL irql;

	for (round = 0; round < ROUNDS; round++) {
		KeAcquireSpinLock(&lock, &irql);
		choose(round, &affinity);
		KeSetSystemGroupAffinityThread(&affinity, &previous);
		KeReleaseSpinLock(&lock, irql);
		right += is_there(&affinity);
		KeRevertToUserGroupAffinityThread(&previous);
	}
	return right;
}

static unsigned int work_at_dispatch_level(void)
{
	GROUP_AFFINITY affinity, previous;
	unsigned int round, right = 0;
	KIRQL irql;

	for (round = 0; round < ROUNDS; round++) {
		choose(round, &affinity);
		KeSetSystemGroupAffinityThread(&affinity, &previous);
		irql = KeRaiseIrqlToDpcLevel();
		/* From here to the lowering nobody else runs here. */
		right += is_there(&affinity);
		KeLowerIrql(irql);
		KeRevertToUserGroupAffinityThread(&previous);
	}
	return right;
}

static bool wait_until_there(const GROUP_AFFINITY *affinity, u32 *delay)
{
	ktime_t start = ktime_get();

	while (!is_there(affinity)) {
		*delay = ktime_us_delta(ktime_get(), start);
		if (*delay > TOO_LONG_US)
			return false;
		/* A thread that never gives its processor up is never moved. */
		if (*delay > USEC_PER_MSEC)
			schedule_timeout_uninterruptible(1);
		else
			cond_resched();
	}
	*delay = ktime_us_delta(ktime_get(), start);
	return true;
}

static unsigned int set_under_native_lock(void)
{
	GROUP_AFFINITY affinity, previous;
	unsigned int round, right = 0;

	for (round = 0; round < ROUNDS; round++) {
		/* Start from the other one, so that there is a way to go. */
		choose(round + 1, &affinity);
		KeSetSystemGroupAffinityThread(&affinity, &previous);
		choose(round, &affinity);
		spin_lock(&native_lock);
		KeSetSystemGroupAffinityThread(&affinity, NULL);
		spin_unlock(&native_lock);
		right += wait_until_there(&affinity, &delays[round]);
		KeRevertToUserGroupAffinityThread(&previous);
	}
	return right;
}

static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static int __init raised_levels_init(void)
{
	KeInitializeSpinLock(&lock);
	pr_info("raised_levels: Set under a KSPIN_LOCK: %u of %u there when it is released\n",
		set_under_spin_lock(), ROUNDS);
	pr_info("raised_levels: Set, raise, work: %u of %u there\n",
		work_at_dispatch_level(), ROUNDS);
	pr_info("raised_levels: Set under a native lock: %u of %u there at last\n",
		set_under_native_lock(), ROUNDS);
	sort(delays, ROUNDS, sizeof(*delays), compare, NULL);
	pr_info("raised_levels: that took us: median %u p99 %u max %u\n",
		delays[ROUNDS / 2], delays[ROUNDS * 99 / 100],
		delays[ROUNDS - 1]);
	return 0;
}
module_init(raised_levels_init);

static void __exit raised_levels_exit(void)
{
}
module_exit(raised_levels_exit);

MODULE_DESCRIPTION("ntaffinity sample: Sets at DISPATCH_LEVEL");
MODULE_LICENSE("GPL");
