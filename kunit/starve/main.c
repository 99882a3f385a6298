// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets one allocation fail in the init routine of each module that is loaded. What the
 * kernel itself allocates to load a module is not touched: the count begins when the
 * routine is called, and ends when it returns.
 *
 *	nth	which one, counted from 1; 0 for none
 *	failed	whether the last routine made so many, and that one has failed
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

static unsigned int nth;
module_param(nth, uint, 0644);
MODULE_PARM_DESC(nth, "the allocation of an init routine that is to fail");

static bool failed;
module_param(failed, bool, 0444);
MODULE_PARM_DESC(failed, "whether it has");

#ifdef CONFIG_FAULT_INJECTION

static struct task_struct *loader;

/* One loads at a time: the script that uses this. */
static void init_begins(void *unused, initcall_t init)
{
	if (!nth)
		return;
	loader = current;
	current->fail_nth = nth;
}

static void init_ends(void *unused, initcall_t init, int ret)
{
	if (current != loader)
		return;
	failed = !current->fail_nth;
	current->fail_nth = 0;
	loader = NULL;
}

static struct {
	const char *name;
	void *probe;
	struct tracepoint *tracepoint;
} hooks[] = {
	{ "initcall_start", init_begins },
	{ "initcall_finish", init_ends },
};

static void match(struct tracepoint *tracepoint, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!strcmp(tracepoint->name, hooks[i].name))
			hooks[i].tracepoint = tracepoint;
	}
}

static void unhook(unsigned int count)
{
	while (count--)
		tracepoint_probe_unregister(hooks[count].tracepoint,
					    hooks[count].probe, NULL);
	tracepoint_synchronize_unregister();
}

static int __init starve_init(void)
{
	unsigned int i;
	int ret;

	for_each_kernel_tracepoint(match, NULL);
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		ret = -ENOENT;
		if (hooks[i].tracepoint)
			ret = tracepoint_probe_register(hooks[i].tracepoint,
							hooks[i].probe, NULL);
		if (ret) {
			unhook(i);
			return ret;
		}
	}
	return 0;
}

static void __exit starve_exit(void)
{
	unhook(ARRAY_SIZE(hooks));
}
module_exit(starve_exit);

#else

static int __init starve_init(void)
{
	return -EOPNOTSUPP;
}

#endif

module_init(starve_init);

MODULE_DESCRIPTION("Lets an allocation fail while a module is loaded");
MODULE_LICENSE("GPL");
