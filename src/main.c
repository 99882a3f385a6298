// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters, and start and stop in one ladder.
 *
 * Parameters are checked as they are parsed: a bad value fails the load with a
 * line that says what is allowed (O3). They cannot be changed afterwards, since
 * groups and processor indexes are promises to drivers.
 */
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "adapter_thread.h"
#include "apply.h"
#include "child.h"
#include "compat.h"
#include "debugfs.h"
#include "level.h"
#include "node.h"
#include "queue.h"
#include "request.h"
#include "thread.h"
#include "token.h"
#include "topology.h"
#include "verify.h"
#include "watch.h"

#define MAX_GROUP_SIZE 64U

static unsigned int groupsize = MAX_GROUP_SIZE;
static bool groupaware;
static bool verify;
static bool levelcheck = true;

static int set_groupsize(const char *value, const struct kernel_param *kp)
{
	unsigned int size;

	if (!value || kstrtouint(value, 0, &size) || size > MAX_GROUP_SIZE ||
	    !is_power_of_2(size)) {
		pr_err("groupsize=%s: allowed are 1, 2, 4, 8, 16, 32 and 64\n",
		       value ?: "");
		return -EINVAL;
	}
	groupsize = size;
	return 0;
}

/* NOARG: a name without a value comes to our line, not to the kernel's. */
static const struct kernel_param_ops groupsize_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_groupsize,
	.get = param_get_uint,
};
module_param_cb(groupsize, &groupsize_ops, &groupsize, 0444);
__MODULE_PARM_TYPE(groupsize, "uint");
MODULE_PARM_DESC(groupsize, "Processors a group: a power of two from 1 to 64 (default 64)");

static const char * const rules_names[] = {
	[NTA_RULES_DOCUMENTED] = "documented",
	[NTA_RULES_OBSERVED] = "observed",
};

static int set_rules(const char *value, const struct kernel_param *kp)
{
	int rules = value ? sysfs_match_string(rules_names, value) : -EINVAL;

	if (rules < 0) {
		pr_err("rules=%s: allowed are documented and observed\n",
		       value ?: "");
		return rules;
	}
	nta_rules = rules;
	return 0;
}

static int get_rules(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", rules_names[nta_rules]);
}

static const struct kernel_param_ops rules_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_rules,
	.get = get_rules,
};
module_param_cb(rules, &rules_ops, NULL, 0444);
__MODULE_PARM_TYPE(rules, "string");
MODULE_PARM_DESC(rules, "documented: as Microsoft's pages say (default); observed: as drivers saw Windows deviate");

static int set_switch(const char *value, const struct kernel_param *kp)
{
	int ret = param_set_bool(value, kp);

	if (ret)
		pr_err("%s=%s: allowed are 0 and 1\n", kp->name, value);
	return ret;
}

static const struct kernel_param_ops switch_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_switch,
	.get = param_get_bool,
};
module_param_cb(groupaware, &switch_ops, &groupaware, 0444);
__MODULE_PARM_TYPE(groupaware, "bool");
MODULE_PARM_DESC(groupaware, "1: the group-less DDIs act on the highest active group instead of group 0 (default 0)");

module_param_cb(verify, &switch_ops, &verify, 0444);
__MODULE_PARM_TYPE(verify, "bool");
MODULE_PARM_DESC(verify, "1: report a return from a system call or a work function with a system affinity in force (default 0)");

module_param_cb(levelcheck, &switch_ops, &levelcheck, 0444);
__MODULE_PARM_TYPE(levelcheck, "bool");
MODULE_PARM_DESC(levelcheck, "0: do not bring down threads that return from a system call at a raised IRQL, which costs a little at every one (default 1)");

static int __init ntaffinity_init(void)
{
	int ret;

	ret = nta_topology_start(groupsize, groupaware);
	if (ret == -ERANGE)
		pr_err("groupsize=%u makes more than %u groups of this machine's CPUs: choose a larger one\n",
		       groupsize, NTA_MAX_GROUPS);
	if (ret)
		return ret;
	ret = nta_nodes_start();
	if (ret)
		goto stop_topology;
	ret = nta_threads_start();
	if (ret)
		goto stop_nodes;
	ret = nta_queues_start();
	if (ret)
		goto stop_threads;
	nta_apply_start();
	ret = nta_watch_start();
	if (ret)
		goto stop_queues;
	nta_levels_start(levelcheck);
	ret = nta_adapter_threads_start();
	if (ret)
		goto stop_levels;
	nta_children_start();
	if (verify)
		nta_verify_start();
	nta_debugfs_start();

	pr_info("%u group(s) of up to %u processors, rules=%s\n",
		nta_topology.group_count, groupsize, rules_names[nta_rules]);
	return 0;

stop_levels:
	nta_levels_stop();
	nta_watch_stop();
stop_queues:
	nta_apply_stop();
	nta_queues_stop();
stop_threads:
	nta_threads_stop();
	nta_tokens_stop();
stop_nodes:
	nta_nodes_stop();
stop_topology:
	nta_topology_stop();
	return ret;
}
module_init(ntaffinity_init);

static void __exit ntaffinity_exit(void)
{
	nta_debugfs_stop();
	nta_verify_stop();
	nta_adapter_threads_stop();
	nta_levels_stop();
	nta_watch_stop();
	/* Children are put right as long as there is somebody to have them. */
	nta_apply_stop();
	nta_children_stop();
	nta_queues_stop();
	nta_threads_stop();
	nta_tokens_stop();
	nta_nodes_stop();
	nta_topology_stop();
}
module_exit(ntaffinity_exit);

MODULE_AUTHOR("The ntaffinity developers");
MODULE_DESCRIPTION("NT-compatible group-affinity DDIs over set_cpus_allowed_ptr()");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
