// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves of the headers that a ported driver includes: sizes, offsets and codes
 * are those of 64-bit Windows; prototypes and annotations in the WDK's style
 * compile as they stand; and the short macro names (IN, OUT, TRUE, ...) break no
 * Linux header that comes after them. header_last.c proves the other order.
 */
#define SINGLE_GROUP_LEGACY_API
#include "ntddk.h"
#include "storport.h"

/* After the NT headers, as a driver may have it: as wide a choice as builds. */
#include <linux/acpi.h>
#include <linux/bio.h>
#include <linux/bitfield.h>
#include <linux/blk-mq.h>
#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/firmware.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/gpio/consumer.h>
#include <linux/hashtable.h>
#include <linux/hid.h>
#include <linux/hrtimer.h>
#include <linux/i2c.h>
#include <linux/init.h>
#include <linux/input.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ioctl.h>
#include <linux/iommu.h>
#include <linux/irq.h>
#include <linux/kfifo.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/nvme.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/proc_fs.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spi/spi.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/timer.h>
#include <linux/tracepoint.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <linux/usb.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_host.h>

#include <kunit/test.h>

#include "helpers.h"
#include "ntifs.h"
#include "wdm.h"
#include "wdk_style.h"

/* --- sizes and codes, as 64-bit Windows has them --- */

#define CHECK_SIZE(type, bytes) \
	KUNIT_EXPECT_EQ_MSG(test, sizeof(type), (size_t)(bytes), #type)

static void types_have_the_sizes_of_64_bit_windows(struct kunit *test)
{
	CHECK_SIZE(CHAR, 1);
	CHECK_SIZE(UCHAR, 1);
	CHECK_SIZE(BOOLEAN, 1);
	CHECK_SIZE(KIRQL, 1);
	CHECK_SIZE(SHORT, 2);
	CHECK_SIZE(USHORT, 2);
	CHECK_SIZE(WCHAR, 2);
	CHECK_SIZE(LONG, 4);
	CHECK_SIZE(ULONG, 4);
	CHECK_SIZE(DWORD, 4);
	CHECK_SIZE(BOOL, 4);
	CHECK_SIZE(NTSTATUS, 4);
	CHECK_SIZE(LONGLONG, 8);
	CHECK_SIZE(ULONGLONG, 8);
	CHECK_SIZE(ULONG64, 8);
	CHECK_SIZE(LARGE_INTEGER, 8);
	CHECK_SIZE(ULONG_PTR, 8);
	CHECK_SIZE(SIZE_T, 8);
	CHECK_SIZE(PVOID, 8);
	CHECK_SIZE(HANDLE, 8);
	CHECK_SIZE(KAFFINITY, 8);
	CHECK_SIZE(GROUP_AFFINITY, 16);
	CHECK_SIZE(PROCESSOR_NUMBER, 4);
}

/* Not CHAR: on Windows it is signed, here it is as the kernel is built. */
static void types_have_the_signs_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_LT(test, (SHORT)0xffff, 0);
	KUNIT_EXPECT_LT(test, (LONG)0xffffffff, 0);
	KUNIT_EXPECT_LT(test, (LONGLONG)~0ULL, 0LL);
	KUNIT_EXPECT_LT(test, (NTSTATUS)0xC0000001, 0);
	KUNIT_EXPECT_GT(test, (UCHAR)0xff, 0);
	KUNIT_EXPECT_GT(test, (USHORT)0xffff, 0);
	KUNIT_EXPECT_GT(test, (ULONG)0xffffffff, 0U);
	KUNIT_EXPECT_GT(test, (KAFFINITY)~0ULL, 0ULL);
	KUNIT_EXPECT_GT(test, (BOOLEAN)0xff, 0);
}

static void structures_have_the_offsets_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(GROUP_AFFINITY, Mask), 0);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(GROUP_AFFINITY, Group), 8);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(GROUP_AFFINITY, Reserved), 10);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(PROCESSOR_NUMBER, Group), 0);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(PROCESSOR_NUMBER, Number), 2);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(PROCESSOR_NUMBER, Reserved), 3);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(LARGE_INTEGER, u.HighPart), 4);
}

/* P1 */
static void storport_has_the_layout_and_codes_of_windows(struct kunit *test)
{
	CHECK_SIZE(STOR_GROUP_AFFINITY, 16);
	CHECK_SIZE(STOR_AFFINITY, 8);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(STOR_GROUP_AFFINITY, Mask),
			FIELD_OFFSET(GROUP_AFFINITY, Mask));
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(STOR_GROUP_AFFINITY, Group),
			FIELD_OFFSET(GROUP_AFFINITY, Group));
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(STOR_GROUP_AFFINITY, Reserved),
			FIELD_OFFSET(GROUP_AFFINITY, Reserved));

	KUNIT_EXPECT_EQ(test, STOR_STATUS_SUCCESS, 0U);
	KUNIT_EXPECT_EQ(test, STOR_STATUS_UNSUCCESSFUL, 0xC1000001U);
	KUNIT_EXPECT_EQ(test, STOR_STATUS_NOT_IMPLEMENTED, 0xC1000002U);
	KUNIT_EXPECT_EQ(test, STOR_STATUS_INSUFFICIENT_RESOURCES, 0xC1000003U);
	KUNIT_EXPECT_EQ(test, STOR_STATUS_BUFFER_TOO_SMALL, 0xC1000004U);
	KUNIT_EXPECT_EQ(test, STOR_STATUS_INVALID_PARAMETER, 0xC1000006U);
	KUNIT_EXPECT_EQ(test, STOR_STATUS_INVALID_IRQL, 0xC1000008U);

	KUNIT_EXPECT_EQ(test, (int)StorThreadPriorityBackground, 7);
	KUNIT_EXPECT_EQ(test, (int)StorThreadPriorityNormal, 8);
	KUNIT_EXPECT_EQ(test, (int)StorThreadPriorityDelayed, 12);
	KUNIT_EXPECT_EQ(test, (int)StorThreadPriorityCritical, 13);
	KUNIT_EXPECT_EQ(test, (int)StorThreadPrioritySuperCritical, 14);
	KUNIT_EXPECT_EQ(test, (int)StorThreadPriorityHyperCritical, 15);
	KUNIT_EXPECT_EQ(test, (int)StorThreadPriorityRealTime, 18);
}

static void codes_have_the_values_of_windows(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_SUCCESS, 0U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_UNSUCCESSFUL, 0xC0000001U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_NOT_IMPLEMENTED, 0xC0000002U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_INFO_LENGTH_MISMATCH, 0xC0000004U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_INVALID_PARAMETER, 0xC000000DU);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_INVALID_DEVICE_REQUEST, 0xC0000010U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_ACCESS_DENIED, 0xC0000022U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_BUFFER_TOO_SMALL, 0xC0000023U);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_INSUFFICIENT_RESOURCES, 0xC000009AU);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_NOT_SUPPORTED, 0xC00000BBU);
	KUNIT_EXPECT_EQ(test, (ULONG)STATUS_NOT_FOUND, 0xC0000225U);
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(STATUS_SUCCESS));
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(0x40000000));
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_UNSUCCESSFUL));

	KUNIT_EXPECT_EQ(test, PASSIVE_LEVEL, 0);
	KUNIT_EXPECT_EQ(test, APC_LEVEL, 1);
	KUNIT_EXPECT_EQ(test, DISPATCH_LEVEL, 2);
	KUNIT_EXPECT_EQ(test, (ULONG)INVALID_PROCESSOR_INDEX, 0xffffffffU);
	KUNIT_EXPECT_EQ(test, ALL_PROCESSOR_GROUPS, 0xffff);
	KUNIT_EXPECT_EQ(test, MAXIMUM_PROC_PER_GROUP, 64);
	KUNIT_EXPECT_EQ(test, TRUE, 1);
	KUNIT_EXPECT_EQ(test, FALSE, 0);
}

C_ASSERT(ARRAYSIZE(((GROUP_AFFINITY *)NULL)->Reserved) == 3);

static void code_in_the_style_of_the_wdk_visits_every_processor(struct kunit *test)
{
	struct sample sample = {};

	if (KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) !=
	    cpumask_weight(cpu_active_mask))
		kunit_skip(test, "needs a machine on which no CPU went offline");
	nta_on_thread(test, run_sample, &sample);
	KUNIT_EXPECT_EQ(test, sample.runs, sample.count);
	KUNIT_EXPECT_EQ(test, sample.good, sample.count);
	KUNIT_EXPECT_EQ(test, sample.bad_index, STATUS_INVALID_PARAMETER);
}

static void macros_of_the_wdk_work(struct kunit *test)
{
	static const UCHAR name[4] = { 'n', 'a', 'm', 'e' };
	GROUP_AFFINITY affinity = {}, *found;
	LARGE_INTEGER value;
	UCHAR buffer[4];
	ULONG length;

	UNREFERENCED_PARAMETER(affinity);
	found = CONTAINING_RECORD(&affinity.Group, GROUP_AFFINITY, Group);
	KUNIT_EXPECT_PTR_EQ(test, found, &affinity);
	KUNIT_EXPECT_TRUE(test, copy_name(buffer, sizeof(buffer), name, &length));
	KUNIT_EXPECT_EQ(test, length, 4U);
	KUNIT_EXPECT_EQ(test, memcmp(buffer, name, sizeof(name)), 0);

	value.QuadPart = 0x1122334455667788LL;
	KUNIT_EXPECT_EQ(test, value.LowPart, 0x55667788U);
	KUNIT_EXPECT_EQ(test, value.u.HighPart, 0x11223344);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(types_have_the_sizes_of_64_bit_windows),
	KUNIT_CASE(types_have_the_signs_of_windows),
	KUNIT_CASE(structures_have_the_offsets_of_windows),
	KUNIT_CASE(storport_has_the_layout_and_codes_of_windows),
	KUNIT_CASE(codes_have_the_values_of_windows),
	KUNIT_CASE(code_in_the_style_of_the_wdk_visits_every_processor),
	KUNIT_CASE(macros_of_the_wdk_work),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_headers",
	.test_cases = cases,
};

kunit_test_suite(suite);
