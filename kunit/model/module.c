// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DDIs beside the model, on this machine: a kernel thread calls them in random
 * histories, and after each call everything that a driver can see of it is compared
 * with what the model says. A twin, to which the same is done from outside and which
 * never calls a DDI, tells what the user affinity has to be (U1).
 *
 * The load does it all; the verdict is in the kernel log. The parameters are those
 * that ntaffinity was loaded with, and how many histories. No processor may come or
 * go meanwhile.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "history.h"
#include "ntifs.h"
#include "storport.h"

static unsigned long histories = 10000;
module_param(histories, ulong, 0444);
MODULE_PARM_DESC(histories, "how many random histories (default 10000)");

static unsigned long seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of the first history; each next one has the next");

static unsigned int groupsize = 64;
module_param(groupsize, uint, 0444);
MODULE_PARM_DESC(groupsize, "as ntaffinity's");

static char *rules = "documented";
module_param(rules, charp, 0444);
MODULE_PARM_DESC(rules, "as ntaffinity's");

static bool groupaware;
module_param(groupaware, bool, 0444);
MODULE_PARM_DESC(groupaware, "as ntaffinity's");

/* Histories that one thread makes: its first call is another than the later ones. */
#define HISTORIES_A_THREAD 16

#define POISON 0xa5

/* How often each call comes. */
static const unsigned char calls[STEP_CALLS] = {
	[STEP_SET] = 8,
	[STEP_SET_IN_PLACE] = 2,
	[STEP_SET_NO_PREVIOUS] = 1,
	[STEP_SET_NULL] = 1,
	[STEP_REVERT] = 8,
	[STEP_REVERT_NULL] = 1,
	[STEP_SET_EX] = 3,
	[STEP_REVERT_EX] = 2,
	[STEP_SET_LEGACY] = 1,
	[STEP_REVERT_LEGACY] = 1,
	[STEP_STOR_SET] = 2,
	[STEP_STOR_SET_OTHER] = 1,
	[STEP_STOR_REVERT] = 2,
	[STEP_STOR_REVERT_OTHER] = 1,
	[STEP_SET_SEVERAL] = 6,
	[STEP_REVERT_SEVERAL] = 4,
	[STEP_MAKE_TOKEN] = 1,
	[STEP_FREE_TOKEN] = 1,
	[STEP_USER_CHANGE] = 2,
};

/*
 * @placed: nobody has changed cpus_mask since a call that put the thread in its
 *	place: it must be that of the system affinity
 * @user: the user affinity, as the twin has it
 */
struct run {
	const struct history *history;
	struct model_thread model;
	struct model_affinity saved[HISTORY_SLOTS];
	u64 number[HISTORY_TOKENS];
	bool placed;
	bool differs;
	unsigned int steps;
	struct cpumask mask;
	char difference[160];
};

static struct history history, scratch;
static struct run run;
static struct task_struct *twin;
static struct cpumask initial;
static PAFFINITY_TOKEN others_token;
static int adapter;

static __printf(1, 2) void differ(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run.difference, sizeof(run.difference), format, args);
	va_end(args);
	run.differs = true;
}

/* --- what is compared --- */

static void compare_previous(const GROUP_AFFINITY *seen,
			     const struct model_answer *expected)
{
	GROUP_AFFINITY should_be = {
		.Mask = expected->previous.mask,
		.Group = expected->previous.group,
	};

	/* S2: all 16 bytes. */
	if (memcmp(seen, &should_be, sizeof(should_be)))
		differ("%s S2: Previous %*ph, not %*ph", expected->rules,
		       (int)sizeof(*seen), seen, (int)sizeof(should_be), &should_be);
}

/* Whether cpus_mask is what the state says, and the thread is there. */
static void compare_place(const char *what)
{
	const struct model_machine *machine = &run.history->machine;
	const struct cpumask *now = &current->cpus_mask;
	const struct cpumask *expected = &run.mask;
	unsigned int cpu;

	if (run.model.state.active && !run.placed)
		return;
	cpumask_clear(&run.mask);
	for (cpu = 0; cpu < machine->cpus; cpu++) {
		if (model_may_use(machine, &run.model, cpu))
			cpumask_set_cpu(cpu, &run.mask);
	}
	if (!run.model.state.active)
		expected = &twin->cpus_mask;
	if (!cpumask_equal(now, expected))
		differ("%s: on CPUs %*pbl, not %*pbl", what, cpumask_pr_args(now),
		       cpumask_pr_args(expected));
	else if (!cpumask_test_cpu(raw_smp_processor_id(), now))
		differ("%s S13 R8: runs on CPU %u, outside %*pbl", what,
		       raw_smp_processor_id(), cpumask_pr_args(now));
	if (READ_ONCE(current->__state) != TASK_RUNNING)
		differ("%s S19: task state %x", what, READ_ONCE(current->__state));
}

/* --- the calls --- */

static GROUP_AFFINITY to_group_affinity(const struct model_affinity *affinity)
{
	GROUP_AFFINITY ours;

	/* S11 */
	memset(&ours, POISON, sizeof(ours));
	ours.Mask = affinity->mask;
	ours.Group = affinity->group;
	return ours;
}

static bool is_ex(enum step_call call)
{
	return call == STEP_SET_EX || call == STEP_REVERT_EX || call == STEP_SET_LEGACY;
}

static void compare_status(const struct model_answer *expected, ULONG status)
{
	ULONG should_be = expected->verdict ? STOR_STATUS_INVALID_PARAMETER :
					      STOR_STATUS_SUCCESS;

	if (status != should_be)
		differ("%s P2 P3: status %#x, not %#x", expected->rules, status, should_be);
}

static void other_stor_call(const struct step *step, PSTOR_GROUP_AFFINITY input)
{
	PVOID extension = step->cpu & 1 ? &adapter : NULL;
	PVOID context = step->cpu & 1 ? current : NULL;
	STOR_GROUP_AFFINITY previous;
	ULONG status;

	memset(&previous, POISON, sizeof(previous));
	if (step->call == STEP_STOR_REVERT_OTHER) {
		status = StorPortRevertToUserGroupAffinityThread(extension, context,
								 input);
	} else {
		status = StorPortSetSystemGroupAffinityThread(extension, context,
							      input, &previous);
		if (memchr_inv(&previous, 0, sizeof(previous)))
			differ("P2: Previous of a refused call is not {0, 0}");
	}
	if (status != STOR_STATUS_INVALID_PARAMETER)
		differ("P4: status %#x of a call for another thread", status);
}

/* The Sets of one group. Returns what the model answers. */
static struct model_answer set(const struct step *step, struct model_affinity *with)
{
	const struct model_machine *machine = &run.history->machine;
	GROUP_AFFINITY input = to_group_affinity(with), kept = input, previous;
	struct model_answer expected;
	u64 seen, should_be;
	ULONG status;

	memset(&previous, POISON, sizeof(previous));
	expected = model_set(machine, &run.model,
			     step->call == STEP_SET_NULL ? NULL : with);

	switch (step->call) {
	case STEP_SET_IN_PLACE:
		previous = input;
		KeSetSystemGroupAffinityThread(&previous, &previous);
		compare_previous(&previous, &expected);
		break;
	case STEP_SET_NO_PREVIOUS:
		KeSetSystemGroupAffinityThread(&input, NULL);
		break;
	case STEP_SET_NULL:
		KeSetSystemGroupAffinityThread(NULL, &previous);
		compare_previous(&previous, &expected);
		break;
	case STEP_SET_EX:
		should_be = model_previous_ex(machine, &run.model, &expected.previous);
		seen = KeSetSystemAffinityThreadEx(with->mask);
		if (seen != should_be)
			differ("%s E1 E3 M5: returned %#llx, not %#llx", expected.rules,
			       seen, should_be);
		/* It carries no group. */
		expected.previous.mask = should_be;
		expected.previous.group = machine->legacy_group;
		break;
	case STEP_SET_LEGACY:
		KeSetSystemAffinityThread(with->mask);
		break;
	case STEP_STOR_SET:
		/* P1: the layout is the same. */
		status = StorPortSetSystemGroupAffinityThread(&adapter, NULL,
							      (PSTOR_GROUP_AFFINITY)&input,
							      (PSTOR_GROUP_AFFINITY)&previous);
		compare_status(&expected, status);
		compare_previous(&previous, &expected);
		break;
	default:
		KeSetSystemGroupAffinityThread(&input, &previous);
		compare_previous(&previous, &expected);
	}
	if (memcmp(&input, &kept, sizeof(input)))
		differ("S2: the input was written to");
	if (step->save >= 0)
		run.saved[step->save] = expected.previous;
	return expected;
}

static struct model_answer revert(const struct step *step,
				  struct model_affinity *with)
{
	const struct model_machine *machine = &run.history->machine;
	GROUP_AFFINITY input = to_group_affinity(with), kept = input;
	struct model_affinity zero = {};
	struct model_answer expected;
	ULONG status;

	if (step->call == STEP_REVERT_LEGACY)
		with = &zero;
	expected = model_revert(machine, &run.model,
				step->call == STEP_REVERT_NULL ? NULL : with);
	switch (step->call) {
	case STEP_REVERT_NULL:
		KeRevertToUserGroupAffinityThread(NULL);
		break;
	case STEP_REVERT_EX:
		KeRevertToUserAffinityThreadEx(with->mask);
		break;
	case STEP_REVERT_LEGACY:
		KeRevertToUserAffinityThread();
		break;
	case STEP_STOR_REVERT:
		status = StorPortRevertToUserGroupAffinityThread(&adapter, NULL,
								 (PSTOR_GROUP_AFFINITY)&input);
		compare_status(&expected, status);
		break;
	default:
		KeRevertToUserGroupAffinityThread(&input);
	}
	if (memcmp(&input, &kept, sizeof(input)))
		differ("R3: the input was written to");
	return expected;
}

/* A number that is none of this thread's tokens'. */
static u64 no_token(const struct step *step)
{
	switch (step->token % HISTORY_TOKENS) {
	case 0:
		return (uintptr_t)others_token;
	case 1:
		return 0;
	case 2:
		return (uintptr_t)others_token + 1000000000;
	default:
		return (uintptr_t)&run;
	}
}

static u64 token_of(const struct step *step)
{
	return step->token < HISTORY_TOKENS ? run.number[step->token] : no_token(step);
}

static void make_token(const struct step *step)
{
	PAFFINITY_TOKEN token = (PAFFINITY_TOKEN)(uintptr_t)POISON;
	NTSTATUS status;

	if (step->token >= HISTORY_TOKENS || !model_can_make_token(&run.model))
		return;
	status = PsAllocateAffinityToken(&token);
	if (status || !token)
		differ("M1: status %#x, token %#lx", status, (uintptr_t)token);
	run.number[step->token] = (uintptr_t)token;
	model_make_token(&run.model, (uintptr_t)token);
}

static void free_token(u64 number)
{
	if (number == (uintptr_t)others_token)
		return;
	PsFreeAffinityToken((PAFFINITY_TOKEN)(uintptr_t)number);
	model_free_token(&run.model, number);
}

static void compare_ntstatus(const struct model_answer *expected, NTSTATUS status)
{
	NTSTATUS should_be = expected->verdict ? STATUS_INVALID_PARAMETER :
						 STATUS_SUCCESS;

	if (status != should_be)
		differ("%s M2: status %#x, not %#x", expected->rules, status, should_be);
}

static struct model_answer set_several(const struct step *step)
{
	const struct model_machine *machine = &run.history->machine;
	GROUP_AFFINITY input[MODEL_PARTS], kept[MODEL_PARTS];
	bool is_null = step->count == COUNT_OF_NULL;
	unsigned int count = step->parts, i;
	struct model_answer expected;
	NTSTATUS status;
	u64 number;

	memset(input, POISON, sizeof(input));
	for (i = 0; i < step->parts; i++)
		input[i] = to_group_affinity(&step->part[i]);
	memcpy(kept, input, sizeof(kept));
	if (step->count == COUNT_ZERO)
		count = 0;
	if (step->count == COUNT_TOO_MANY)
		count = step->cpu & 1 ? model_groups(machine) + 1 : 0xffff;

	/* Else there would hardly ever be one. */
	if (!token_of(step))
		make_token(step);
	number = token_of(step);
	expected = model_set_several(machine, &run.model, is_null ? NULL : step->part,
				     count, number);
	status = PsSetSystemMultipleGroupAffinityThread(is_null ? NULL : input, count,
							(PAFFINITY_TOKEN)(uintptr_t)number);
	compare_ntstatus(&expected, status);
	if (memcmp(input, kept, sizeof(kept)))
		differ("M2: the input was written to");
	return expected;
}

static struct model_answer revert_several(const struct step *step)
{
	u64 number = token_of(step);
	struct model_answer expected = model_revert_several(&run.model, number);

	PsRevertToUserMultipleGroupAffinityThread((PAFFINITY_TOKEN)(uintptr_t)number);
	return expected;
}

/* Others give the thread and its twin another user affinity. */
static void change_user(const struct step *step)
{
	const struct model_machine *machine = &run.history->machine;
	struct cpumask *user = &run.mask;
	bool is_in_force = true;
	unsigned int cpu;

	cpumask_clear(user);
	for_each_cpu(cpu, cpu_active_mask) {
		if (step->with.mask >> cpu % 64 & 1)
			cpumask_set_cpu(cpu, user);
	}
	if (cpumask_empty(user))
		cpumask_copy(user, cpu_active_mask);
	/* U4: not every kernel shows a mask that is in force already. */
	for (cpu = 0; cpu < machine->cpus; cpu++) {
		if (model_may_use(machine, &run.model, cpu) !=
		    cpumask_test_cpu(cpu, user))
			is_in_force = false;
	}
	if (run.model.state.active && is_in_force)
		return;
	/* And one change while another is just being undone may be lost without hooks. */
	if (run.model.state.active && !run.placed)
		return;
	if (set_cpus_allowed_ptr(current, user) || set_cpus_allowed_ptr(twin, user))
		differ("others cannot give it %*pbl", cpumask_pr_args(user));
	run.placed = false;
}

static void take(const struct step *step)
{
	const struct model_machine *machine = &run.history->machine;
	struct model_affinity with = step->with;
	struct model_answer expected = { .rules = "U1" };
	GROUP_AFFINITY input;

	if (step->from >= 0)
		with = run.saved[step->from];
	if (is_ex(step->call))
		with.group = machine->legacy_group;

	switch (step->call) {
	case STEP_REVERT:
	case STEP_REVERT_NULL:
	case STEP_REVERT_EX:
	case STEP_REVERT_LEGACY:
	case STEP_STOR_REVERT:
		expected = revert(step, &with);
		break;
	case STEP_STOR_SET_OTHER:
	case STEP_STOR_REVERT_OTHER:
		input = to_group_affinity(&with);
		other_stor_call(step, (PSTOR_GROUP_AFFINITY)&input);
		break;
	case STEP_SET_SEVERAL:
		expected = set_several(step);
		break;
	case STEP_REVERT_SEVERAL:
		expected = revert_several(step);
		break;
	case STEP_MAKE_TOKEN:
		free_token(token_of(step));
		make_token(step);
		break;
	case STEP_FREE_TOKEN:
		free_token(token_of(step));
		break;
	case STEP_USER_CHANGE:
		change_user(step);
		break;
	default:
		expected = set(step, &with);
	}
	if (expected.move != MODEL_STAYS)
		run.placed = true;
	if (!run.differs)
		compare_place(expected.rules);
}

static void begin(void)
{
	unsigned int i;

	memset(&run.model, 0, sizeof(run.model));
	memset(run.number, 0, sizeof(run.number));
	run.differs = false;
	run.placed = false;
	run.steps = 0;
	for (i = 0; i < HISTORY_SLOTS; i++) {
		run.saved[i].mask = 0xa5a5a5a5a5a5a5a5;
		run.saved[i].group = 0xa5a5;
	}
	set_cpus_allowed_ptr(current, &initial);
	set_cpus_allowed_ptr(twin, &initial);
}

static void end(void)
{
	unsigned int i;

	KeRevertToUserAffinityThread();
	memset(&run.model.state, 0, sizeof(run.model.state));
	if (!run.differs)
		compare_place("R1 U1, after all steps");
	for (i = 0; i < MODEL_TOKENS; i++) {
		if (run.model.tokens[i].known)
			free_token(run.model.tokens[i].number);
	}
}

/* --- threads --- */

struct job {
	const struct history *history;
	struct completion go;
	struct completion done;
};

static struct job job;
static struct task_struct *worker;
static unsigned int histories_of_worker;

static int work(void *unused)
{
	for (;;) {
		wait_for_completion(&job.go);
		if (!job.history)
			return 0;
		run.history = job.history;
		begin();
		while (run.steps < run.history->count && !run.differs)
			take(&run.history->step[run.steps++]);
		end();
		complete(&job.done);
	}
}

/* Newer kernels give a kernel thread its affinity when it first runs. */
static DECLARE_COMPLETION(twin_runs);

static int sleep_until_stopped(void *unused)
{
	complete(&twin_runs);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

/* A thread that stays in its task_struct until stop(). */
static struct task_struct *start(int (*function)(void *unused), const char *name)
{
	struct task_struct *task = kthread_create(function, NULL, "%s", name);

	if (!IS_ERR(task)) {
		get_task_struct(task);
		wake_up_process(task);
	}
	return task;
}

static void stop(struct task_struct *task)
{
	kthread_stop(task);
	put_task_struct(task);
}

static void stop_worker(void)
{
	if (IS_ERR_OR_NULL(worker))
		return;
	job.history = NULL;
	complete(&job.go);
	stop(worker);
	worker = NULL;
}

static bool differs(const struct history *of)
{
	if (histories_of_worker++ % HISTORIES_A_THREAD == 0)
		stop_worker();
	if (!worker)
		worker = start(work, "nta_model");
	if (IS_ERR(worker)) {
		worker = NULL;
		differ("no memory for a thread");
		return true;
	}
	job.history = of;
	complete(&job.go);
	wait_for_completion(&job.done);
	return run.differs;
}

/* A first call, each time. */
static bool differs_on_new_thread(const struct history *of)
{
	histories_of_worker = 0;
	return differs(of);
}

/* --- the load --- */

static void describe_machine(struct model_machine *machine)
{
	unsigned int cpu;

	machine->group_size = groupsize;
	machine->cpus = cpumask_last(cpu_possible_mask) + 1;
	machine->observed = !strcmp(rules, "observed");
	for (cpu = 0; cpu < machine->cpus; cpu++) {
		machine->possible[cpu] = cpu_possible(cpu);
		machine->active[cpu] = cpu_active(cpu);
		machine->seen[cpu] = cpu_active(cpu);
		if (groupaware && cpu_active(cpu))
			machine->legacy_group = cpu / groupsize;
	}
}

static void print_line(const char *text)
{
	pr_info("# %s\n", text);
}

static void tell(unsigned long which)
{
	history_shorten(&history, &scratch, false, differs_on_new_thread);
	if (differs_on_new_thread(&history)) {
		pr_info("not ok 1 - the DDIs do what the model does\n");
		pr_info("# seed %lu: the last step of\n", which);
	} else {
		pr_info("not ok 1 - the DDIs do what the model does\n");
		pr_info("# seed %lu, not found again:\n", which);
	}
	history_print(&history, print_line);
	pr_info("# step %u: %s\n", run.steps, run.difference);
}

static void compare_histories(void)
{
	unsigned long i, steps = 0;
	struct random random;

	describe_machine(&history.machine);
	if (KeQueryMaximumGroupCount() != model_groups(&history.machine)) {
		pr_info("not ok 1 - ntaffinity has another groupsize\n");
		return;
	}
	for (i = 0; i < histories; i++) {
		random_seed(&random, seed + i);
		history_random(&history, &random, calls);
		steps += history.count;
		if (differs(&history)) {
			tell(seed + i);
			return;
		}
	}
	if (!steps) {
		pr_info("not ok 1 - no history was asked for\n");
		return;
	}
	pr_info("ok 1 - the DDIs do what the model does: %lu histories, %lu steps\n",
		histories, steps);
}

/* A token of another thread, which is this one. */
static int take_others_token(void)
{
	GROUP_AFFINITY affinity = {};
	unsigned int group;

	if (PsAllocateAffinityToken(&others_token))
		return -ENOMEM;
	for (group = 0; !affinity.Mask; group++) {
		affinity.Group = group;
		affinity.Mask = KeQueryGroupAffinity(group);
	}
	if (PsSetSystemMultipleGroupAffinityThread(&affinity, 1, others_token))
		return -EIO;
	return 0;
}

static int __init model_init(void)
{
	int ret;

	if (!groupsize || groupsize > 64)
		return -EINVAL;
	init_completion(&job.go);
	init_completion(&job.done);
	twin = start(sleep_until_stopped, "nta_model_twin");
	if (IS_ERR(twin))
		return PTR_ERR(twin);
	wait_for_completion(&twin_runs);
	cpumask_copy(&initial, &twin->cpus_mask);

	ret = take_others_token();
	if (!ret)
		compare_histories();
	stop_worker();
	KeRevertToUserAffinityThread();
	PsFreeAffinityToken(others_token);
	stop(twin);
	return ret;
}
module_init(model_init);

static void __exit model_exit(void)
{
}
module_exit(model_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("ntaffinity's DDIs beside a second model of their rules");
