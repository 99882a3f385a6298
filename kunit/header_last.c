// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiles, which is all it proves: the NT headers may come after Linux headers
 * that define some of the same names, and may be included twice. See
 * header_test.c.
 */
#include <linux/acpi.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/usb.h>
#include <linux/workqueue.h>
#include <scsi/scsi_host.h>

#include "wdm.h"
#include "ntddk.h"
#include "ntifs.h"
#include "storport.h"
#include "ntdef.h"
#include "wdm.h"

static_assert(sizeof(GROUP_AFFINITY) == 16);
