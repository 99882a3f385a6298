// SPDX-License-Identifier: GPL-2.0-only
/*
 * The threads of a StorPort miniport: one for each group of processors, which
 * works on that group's queue and nowhere else.
 *
 *	each thread	pins itself to its group, works, reverts, and waits for
 *			more to do until it is told to end
 *	loading		starts them, waits until each has done its first work, and
 *			logs a line for each, and a verdict
 *	unloading	tells them to end, and waits until none uses the adapter
 *			any more, to free that. From there to its end a thread is
 *			still in the miniport: that is the unload's to wait for
 *
 * linger_ms makes that way long, to see the unload wait.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "storport.h"

#define pr_row(fmt, ...) pr_info("miniport: " fmt, ##__VA_ARGS__)

#define REQUESTS 50

static unsigned int linger_ms;
module_param(linger_ms, uint, 0444);
MODULE_PARM_DESC(linger_ms, "milliseconds from a thread's last use of the adapter to its end (default 0)");

struct queue {
	STOR_GROUP_AFFINITY processors;
	STOR_GROUP_AFFINITY previous;
	PVOID thread;
	struct completion first_work_done;
	struct completion let_go;
	struct cpumask pinned;
	struct cpumask reverted;
	unsigned int elsewhere;
	ULONG status;
};

/* HwDeviceExtension: what a miniport has for each adapter. There is one. */
struct adapter {
	wait_queue_head_t wait;
	bool ending;
	unsigned int queues;
	struct queue *queue;
};

static struct adapter adapter;

/* The place for the work: here it only sees where it runs. */
static void work_on_a_request(struct queue *queue)
{
	PROCESSOR_NUMBER processor;

	KeGetCurrentProcessorNumberEx(&processor);
	if (processor.Group != queue->processors.Group ||
	    !(queue->processors.Mask & 1ULL << processor.Number))
		queue->elsewhere++;
	/* As for a device that answers: others get the processor meanwhile. */
	schedule_timeout_uninterruptible(1);
}

static void work(struct queue *queue)
{
	unsigned int i;

	queue->status = StorPortSetSystemGroupAffinityThread(&adapter,
							     queue->thread,
							     &queue->processors,
							     &queue->previous);
	if (queue->status)
		return;
	cpumask_copy(&queue->pinned, &current->cpus_mask);
	for (i = 0; i < REQUESTS; i++)
		work_on_a_request(queue);
	queue->status = StorPortRevertToUserGroupAffinityThread(&adapter,
								queue->thread,
								&queue->previous);
	cpumask_copy(&queue->reverted, &current->cpus_mask);
}

static VOID NTAPI queue_thread(PVOID context)
{
	struct queue *queue = context;
	PVOID thread = queue->thread;

	work(queue);
	complete(&queue->first_work_done);
	wait_event_idle(adapter.wait, READ_ONCE(adapter.ending));
	complete(&queue->let_go);
	msleep(linger_ms);
	/* Returning would do as well. */
	StorPortTerminateSystemThread(&adapter, thread);
}

static bool start_queue(struct queue *queue, USHORT group)
{
	STOR_THREAD_PRIORITY priority = StorThreadPriorityDelayed;

	queue->processors.Group = group;
	queue->processors.Mask = KeQueryGroupAffinity(group);
	init_completion(&queue->first_work_done);
	init_completion(&queue->let_go);
	return StorPortCreateSystemThread(&adapter, queue_thread, queue,
					  &priority, &queue->thread) ==
	       STOR_STATUS_SUCCESS;
}

static bool report(struct queue *queue)
{
	bool ok = !queue->status && !queue->elsewhere && !queue->previous.Mask;

	pr_row("%5u  %#18llx  %*pbl  %u of %u  %u:%#llx  %*pbl  %s\n",
	       queue->processors.Group, queue->processors.Mask,
	       cpumask_pr_args(&queue->pinned), REQUESTS - queue->elsewhere,
	       REQUESTS, queue->previous.Group, queue->previous.Mask,
	       cpumask_pr_args(&queue->reverted), ok ? "ok" : "WRONG");
	return ok;
}

static void stop_adapter(void)
{
	unsigned int i;

	WRITE_ONCE(adapter.ending, true);
	wake_up_all(&adapter.wait);
	for (i = 0; i < adapter.queues; i++)
		wait_for_completion(&adapter.queue[i].let_go);
	kfree(adapter.queue);
}

static int __init miniport_init(void)
{
	USHORT group, groups = KeQueryActiveGroupCount();
	unsigned int i, right = 0;

	init_waitqueue_head(&adapter.wait);
	adapter.queue = kcalloc(groups, sizeof(*adapter.queue), GFP_KERNEL);
	if (!adapter.queue)
		return -ENOMEM;

	for (group = 0; group < groups; group++) {
		/* Between two groups there can be one without processors. */
		if (!KeQueryGroupAffinity(group))
			continue;
		if (!start_queue(&adapter.queue[adapter.queues], group)) {
			stop_adapter();
			return -ENOMEM;
		}
		adapter.queues++;
	}

	pr_row("group  mask asked  may run on  requests  previous  after  verdict\n");
	for (i = 0; i < adapter.queues; i++) {
		wait_for_completion(&adapter.queue[i].first_work_done);
		right += report(&adapter.queue[i]);
	}
	pr_row("%u of %u threads worked in their groups\n", right, adapter.queues);
	return 0;
}
module_init(miniport_init);

static void __exit miniport_exit(void)
{
	stop_adapter();
}
module_exit(miniport_exit);

MODULE_DESCRIPTION("ntaffinity sample: a thread for each group");
MODULE_LICENSE("GPL");
