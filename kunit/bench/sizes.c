// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes, computed from the sizes of structures as they are in this kernel.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include "bench.h"
#include "thread.h"

/* An entry without its masks, and how many of those are allowed for. */
#define AIM_BYTES 160
#define AIM_MASKS 2

/* As nta_threads_start() makes it: the table itself no module can see. */
static void table_size(void)
{
	struct bucket {
		struct hlist_head head;
		raw_spinlock_t lock;
	};
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;
	u64 bytes = sizeof(struct bucket) <<
		    clamp(ilog2(max(memory / SZ_16K, 1ULL)), 8, 16);

	nta_bench_result("", "the table (computed)", "0.1 % of memory", bytes * 1000,
			 memory, "bytes", div64_u64(bytes * 1000000, memory), 1000,
			 NTA_BENCH_AT_MOST);
}

/**
 * nta_bench_sizes() - put down the size of an entry
 * @kthread: whether a kernel thread does
 *
 * Context: process.
 * Return: 0.
 */
int nta_bench_sizes(bool kthread)
{
	static const unsigned int cpus[] = { 8, 130, 8192 };
	char name[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		u64 mask = BITS_TO_LONGS(cpus[i]) * sizeof(long);
		u64 is = sizeof(struct nta_thread) + NTA_THREAD_MASKS * mask;
		u64 aim = AIM_BYTES + AIM_MASKS * mask;

		snprintf(name, sizeof(name), "an entry, %u possible CPUs", cpus[i]);
		nta_bench_result("", name, "160 bytes and 2 cpumasks", is * 1000,
				 aim * 1000, "bytes", div64_u64(is * 1000, aim), 1000,
				 NTA_BENCH_AT_MOST);
	}
	table_size();
	return 0;
}
