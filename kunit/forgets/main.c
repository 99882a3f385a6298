// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver whose init routine makes a Set that is refused, and one that it does not
 * revert. When the thread that loads it has ended, the text of that routine is freed:
 * what is reported then must not name what lies there by that time (U13).
 */
#include <linux/init.h>
#include <linux/module.h>

#include "wdm.h"

static int __init ntaffinity_forgets_init(void)
{
	GROUP_AFFINITY nothing = {}, first = { .Mask = 1 };

	KeSetSystemGroupAffinityThread(&nothing, NULL);
	KeSetSystemGroupAffinityThread(&first, NULL);
	return 0;
}
module_init(ntaffinity_forgets_init);

static void __exit ntaffinity_forgets_exit(void)
{
}
module_exit(ntaffinity_forgets_exit);

MODULE_DESCRIPTION("Forgets to revert, for a test of ntaffinity");
MODULE_LICENSE("GPL");
