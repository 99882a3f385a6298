// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules S13, S18, R8, R11 and U3 where it is the kernel's answer to an
 * install that decides, or what others do in that very moment. Both come from races
 * that cannot be won at will: here a probe of ours at set_cpus_allowed_ptr() gives
 * the answers, and plays the others.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/kprobes.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "foreign.h"
#include "helpers.h"
#include "install.h"
#include "wdm.h"

/* What becomes of one call of set_cpus_allowed_ptr(). */
enum answer {
	OBEYED,
	REFUSED,		/* as if no processor of the mask were active any more */
	STUCK,			/* the mask is taken, the thread stays where it is */
	CUT_SHORT,		/* as if all but one were not active any more */
	CHANGED_BEFORE,		/* others have put another mask in force right before */
	CHANGED_AND_REFUSED,	/* and no processor of what we ask for is active */
	CHANGED_AFTER,		/* and right afterwards */
	KEPT_BEFORE,		/* user mode asks, and its cpuset leaves what is in force */
	KEPT_AFTER,
};

#define ANSWERS 16

/*
 * An install and what is seen of it. The user affinity is the first processor, what
 * others put in force is "theirs", one after the other.
 * @active: the second processor is in force before
 * @revert: the install is that of a Revert, else of a Set of the third processor
 * @raised: the Set is made at DISPATCH_LEVEL, and the install when that is lowered
 * @fails: it fails, and leaves all as it was
 * @any: the thread may use all processors at last
 * @calls: of set_cpus_allowed_ptr()
 * @repeated: how often the install was repeated (S13)
 * @lost: no other affinity could be had
 * @user: what the user affinity is afterwards: the first, or so many of theirs
 * @all: what others put in force is at last all that is active
 * @asks: user mode asks for so many processors that end with the fourth
 * @gets: what is in force then, which is the user affinity from then on
 */
struct row {
	const char *name;
	enum answer answers[ANSWERS];
	bool active;
	bool revert;
	bool raised;
	bool fails;
	bool any;
	bool lost;
	unsigned int calls;
	unsigned int repeated;
	unsigned int user;
	bool all;
	u8 asks;
	bool gets;
};

static const struct row rows[] = {
	{ "Set, stuck once", { STUCK }, .calls = 3, .repeated = 1 },
	{ "Set, stuck twice", { STUCK, OBEYED, STUCK },
	  .active = true, .calls = 5, .repeated = 2 },
	{ "Set, stuck three times", { STUCK, OBEYED, STUCK, OBEYED, STUCK },
	  .calls = 7, .repeated = 3 },
	{ "Set, stuck for good",
	  { STUCK, OBEYED, STUCK, OBEYED, STUCK, OBEYED, STUCK },
	  .fails = true, .calls = 8, .repeated = 3 },
	{ "nested Set, stuck for good",
	  { STUCK, OBEYED, STUCK, OBEYED, STUCK, OBEYED, STUCK },
	  .active = true, .fails = true, .calls = 8, .repeated = 3 },
	{ "Set, refused", { REFUSED }, .fails = true, .calls = 1 },
	{ "nested Set, refused", { REFUSED },
	  .active = true, .fails = true, .calls = 1 },
	{ "Set, stuck and refused", { STUCK, OBEYED, REFUSED },
	  .fails = true, .calls = 4, .repeated = 1 },
	{ "nested Set, stuck and refused", { STUCK, OBEYED, REFUSED },
	  .active = true, .fails = true, .calls = 4, .repeated = 1 },
	{ "Set, and the user affinity too",
	  { STUCK, OBEYED, REFUSED, REFUSED },
	  .fails = true, .any = true, .calls = 5, .repeated = 1 },
	{ "nested Set, and the outer one too",
	  { STUCK, OBEYED, REFUSED, REFUSED },
	  .active = true, .fails = true, .any = true, .calls = 5, .repeated = 1 },
	{ "lowered, stuck once", { STUCK },
	  .raised = true, .calls = 3, .repeated = 1 },
	{ "lowered, stuck for good",
	  { STUCK, OBEYED, STUCK, OBEYED, STUCK, OBEYED, STUCK },
	  .raised = true, .calls = 10, .repeated = 4 },
	{ "lowered, stuck for good, and what its state says too",
	  { STUCK, OBEYED, STUCK, OBEYED, STUCK, OBEYED, STUCK,
	    STUCK, OBEYED, STUCK, OBEYED, STUCK, OBEYED, STUCK },
	  .raised = true, .active = true, .any = true, .calls = 15, .repeated = 6 },
	{ "lowered, refused", { REFUSED }, .raised = true, .calls = 1 },
	{ "lowered, stuck and refused", { STUCK, OBEYED, REFUSED },
	  .raised = true, .active = true, .calls = 4, .repeated = 1 },
	{ "lowered, changed before", { CHANGED_BEFORE },
	  .raised = true, .calls = 1, .user = 1 },
	{ "lowered, changed after", { CHANGED_AFTER },
	  .raised = true, .active = true, .calls = 1, .user = 1 },
	{ "Revert, stuck once", { STUCK },
	  .active = true, .revert = true, .calls = 3, .repeated = 1 },
	{ "Revert, stuck for good",
	  { STUCK, OBEYED, STUCK, OBEYED, STUCK, OBEYED, STUCK },
	  .active = true, .revert = true, .any = true, .calls = 8, .repeated = 3 },
	{ "Revert, refused", { REFUSED },
	  .active = true, .revert = true, .any = true, .calls = 2 },
	{ "Revert, refused for good", { REFUSED, REFUSED },
	  .active = true, .revert = true, .lost = true, .calls = 2 },
	{ "Set, changed before", { CHANGED_BEFORE }, .calls = 1, .user = 1 },
	{ "nested Set, changed before", { CHANGED_BEFORE },
	  .active = true, .calls = 1, .user = 1 },
	{ "Set, changed after", { CHANGED_AFTER }, .calls = 1, .user = 1 },
	{ "nested Set, changed after", { CHANGED_AFTER },
	  .active = true, .calls = 1, .user = 1 },
	{ "Set, asked for all before", { KEPT_BEFORE }, .calls = 1, .asks = 4 },
	{ "Set, asked for two after", { KEPT_AFTER },
	  .calls = 1, .asks = 2, .gets = true },
	{ "nested Set, asked for two after", { KEPT_AFTER },
	  .active = true, .calls = 1, .asks = 2, .gets = true },
	{ "nested Set, asked for all after", { KEPT_AFTER },
	  .active = true, .calls = 1, .asks = 4 },
	{ "lowered, asked for two after", { KEPT_AFTER },
	  .raised = true, .calls = 1, .asks = 2, .gets = true },
	{ "Revert, asked for all after", { KEPT_AFTER },
	  .active = true, .revert = true, .calls = 1, .asks = 4 },
	{ "Revert, changed before", { CHANGED_BEFORE },
	  .active = true, .revert = true, .calls = 2, .user = 1 },
	{ "Revert, changed twice", { CHANGED_BEFORE, CHANGED_BEFORE },
	  .active = true, .revert = true, .calls = 3, .user = 2 },
	{ "Revert, changed three times",
	  { CHANGED_BEFORE, CHANGED_BEFORE, CHANGED_BEFORE },
	  .active = true, .revert = true, .calls = 4, .user = 3 },
	{ "Revert, changed each time",
	  { CHANGED_BEFORE, CHANGED_BEFORE, CHANGED_BEFORE, CHANGED_BEFORE },
	  .active = true, .revert = true, .calls = 4, .user = 4 },
	/* The change is but played: its thread has to be moved yet. */
	{ "Revert, changed and refused", { CHANGED_AND_REFUSED },
	  .active = true, .revert = true, .calls = 4, .repeated = 1, .user = 1 },
	{ "Revert, changed each time, and always too late",
	  { CHANGED_AND_REFUSED, CHANGED_AND_REFUSED, CHANGED_AND_REFUSED,
	    CHANGED_AND_REFUSED },
	  .active = true, .revert = true, .calls = 5, .user = 4 },
	{ "Revert, changed to all each time, and that is not in force",
	  { CHANGED_AND_REFUSED, CHANGED_AND_REFUSED, CHANGED_AND_REFUSED,
	    CHANGED_AND_REFUSED, CUT_SHORT },
	  .active = true, .revert = true, .calls = 5, .user = 4, .all = true },
	{ "Revert, changed after", { CHANGED_AFTER },
	  .active = true, .revert = true, .calls = 1, .user = 1 },
};

static void describe_row(const struct row *row, char *description)
{
	strscpy(description, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(row, rows, describe_row);

struct install {
	const struct row *row;
	struct task_struct *task;
	unsigned int calls;
	unsigned int changes;
	bool in_trap;
	bool is_outside;	/* of a mask that was put in force by hand */
	bool was_moved;
	int cpu;
	struct cpumask *user;
	struct cpumask *theirs[2];
	struct cpumask *kept;
	struct nta_affinity outer;
	struct nta_affinity a;
	GROUP_AFFINITY previous;
	long events[NTA_EVENTS];
	long refused;
	struct nta_look looks[3];
};

/* The mask that the kernel keeps as user mode's. */
static void swap_kept(struct cpumask **kept)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&current->pi_lock, flags);
	swap(current->user_cpus_ptr, *kept);
	raw_spin_unlock_irqrestore(&current->pi_lock, flags);
}

#if NTA_HAVE_PROBES && defined(CONFIG_X86_64)

static struct install *installing;

struct given {
	enum answer answer;
	const struct cpumask *mask;
};

/*
 * Who runs outside of his mask, as no thread does that the kernel itself has dealt with,
 * may be fetched to a processor of it by the scheduler if it is preempted: then what was
 * to be played is not there any more.
 */
static void begin_outside(struct install *install, const struct cpumask *mask)
{
	install->cpu = task_cpu(current);
	install->is_outside = !cpumask_test_cpu(install->cpu, mask);
}

static void end_outside(struct install *install)
{
	if (install->is_outside && task_cpu(current) != install->cpu)
		install->was_moved = true;
	install->is_outside = false;
}

/* As the kernel does it for somebody else. */
static void change(struct install *install)
{
	nta_change_by_hand(nta_thread_find(current), false,
			   install->theirs[install->changes++ % 2]);
}

static int enter(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct install *install = READ_ONCE(installing);
	struct given *given = (void *)instance->data;

	if (!install || current != install->task ||
	    nta_probed_task(regs) != current)
		return 1;
	end_outside(install);
	given->mask = nta_probed_mask(regs);
	given->answer = install->calls < ANSWERS ?
			install->row->answers[install->calls] : OBEYED;
	install->calls++;
	switch (given->answer) {
	case REFUSED:
		regs->si = (unsigned long)cpu_none_mask;
		break;
	case CUT_SHORT:
		regs->si = (unsigned long)install->user;
		break;
	case STUCK:
		regs->si = (unsigned long)cpumask_of(raw_smp_processor_id());
		return 0;
	case CHANGED_AND_REFUSED:
		regs->si = (unsigned long)cpu_none_mask;
		fallthrough;
	case CHANGED_BEFORE:
	case KEPT_BEFORE:
		/* A lock may not be taken there. */
		if (in_nmi())
			install->in_trap = true;
		else if (given->answer == KEPT_BEFORE)
			swap_kept(&install->kept);
		else
			change(install);
		if (given->answer == CHANGED_AND_REFUSED)
			begin_outside(install, &current->cpus_mask);
		break;
	case CHANGED_AFTER:
	case KEPT_AFTER:
		return 0;
	default:
		break;
	}
	return 1;
}

static int leave(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct install *install = READ_ONCE(installing);
	struct given *given = (void *)instance->data;

	if (given->answer == CHANGED_AFTER) {
		change(install);
		return 0;
	}
	if (given->answer == KEPT_AFTER) {
		swap_kept(&install->kept);
		return 0;
	}
	begin_outside(install, given->mask);
	nta_write_mask(current, given->mask);
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "set_cpus_allowed_ptr",
	.entry_handler = enter,
	.handler = leave,
	.data_size = sizeof(struct given),
	.maxactive = 64,
};

static bool is_probed;

static int install_init(struct kunit *test)
{
	/* Registered once more for each test. */
	memset(&probe.kp, 0, sizeof(probe.kp));
	probe.kp.symbol_name = "set_cpus_allowed_ptr";
	is_probed = !register_kretprobe(&probe);
	if (!is_probed)
		kunit_skip(test, "the kernel has no set_cpus_allowed_ptr() to probe");
	return 0;
}

static void install_exit(struct kunit *test)
{
	if (is_probed)
		unregister_kretprobe(&probe);
}

static void begin_to_answer(struct install *install)
{
	WRITE_ONCE(installing, install);
}

static void end_of_answers(struct install *install)
{
	WRITE_ONCE(installing, NULL);
	end_outside(install);
}

#else

static int install_init(struct kunit *test)
{
	kunit_skip(test, "needs kprobes, on x86");
	return 0;
}

static void install_exit(struct kunit *test)
{
}

static void begin_to_answer(struct install *install)
{
}

static void end_of_answers(struct install *install)
{
}

#endif

static void read_counts(struct install *install)
{
	unsigned int i;

	for (i = 0; i < NTA_EVENTS; i++)
		install->events[i] = nta_event_count(i) - install->events[i];
	install->refused = nta_refused_count(NTA_KERNEL_REFUSED) -
			   install->refused;
}

static void do_install(void *data)
{
	struct install *install = data;
	GROUP_AFFINITY outer = { .Mask = install->outer.mask,
				 .Group = install->outer.group };
	GROUP_AFFINITY a = { .Mask = install->a.mask, .Group = install->a.group };
	GROUP_AFFINITY none = {};
	KIRQL old = PASSIVE_LEVEL;

	install->task = current;
	set_cpus_allowed_ptr(current, install->user);
	/* So that there is an entry. */
	KeSetSystemGroupAffinityThread(&outer, NULL);
	if (!install->row->active)
		KeRevertToUserGroupAffinityThread(&none);
	nta_look_at_me(&install->looks[0]);

	memset(&install->previous, NTA_POISON, sizeof(install->previous));
	read_counts(install);
	if (install->row->raised) {
		old = KeRaiseIrqlToDpcLevel();
		KeSetSystemGroupAffinityThread(&a, &install->previous);
	}
	begin_to_answer(install);
	if (install->row->raised)
		KeLowerIrql(old);
	else if (install->row->revert)
		KeRevertToUserGroupAffinityThread(&none);
	else
		KeSetSystemGroupAffinityThread(&a, &install->previous);
	end_of_answers(install);
	read_counts(install);
	nta_look_at_me(&install->looks[1]);
}

static void do_revert(void *data)
{
	struct install *install = data;

	KeRevertToUserAffinityThread();
	nta_look_at_me(&install->looks[2]);
}

static struct install *make_install(struct kunit *test)
{
	struct install *install = kunit_kzalloc(test, sizeof(*install), GFP_KERNEL);
	struct nta_affinity user = nta_pick(test, 0), theirs = nta_pick(test, 3);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, install);
	install->row = test->param_value;
	install->user = nta_mask_of(test, &user);
	install->outer = nta_pick(test, 1);
	install->a = nta_pick(test, 2);
	install->theirs[0] = nta_mask_of(test, &theirs);
	install->theirs[1] = nta_mask_of(test, &theirs);
	cpumask_set_cpu(nta_cpu(&user), install->theirs[1]);
	if (install->row->all)
		cpumask_copy(install->theirs[1], cpu_active_mask);
	if (!install->row->asks)
		return install;
	if (!NTA_KERNEL_KEEPS_USER_MASK)
		kunit_skip(test, "needs a kernel that keeps the mask of user mode");
	/* The kernel frees it. */
	install->kept = kzalloc(max(sizeof(*install->kept),
				    sizeof(struct rcu_head)), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, install->kept);
	for (i = 4 - install->row->asks; i < 4; i++) {
		theirs = nta_pick(test, i);
		cpumask_set_cpu(nta_cpu(&theirs), install->kept);
	}
	return install;
}

/* What the call itself has written and counted. */
static void check_call(struct kunit *test, const struct install *install)
{
	const struct row *row = install->row;
	bool user_refused = row->revert ? row->any || row->lost :
				row->any && !row->active;

	KUNIT_EXPECT_EQ(test, install->calls, row->calls);
	KUNIT_EXPECT_EQ(test, install->events[NTA_EVENT_INSTALL_REPEATED],
			(long)row->repeated);
	KUNIT_EXPECT_EQ(test, install->events[NTA_EVENT_LOST], (long)row->lost);
	KUNIT_EXPECT_EQ(test, install->events[NTA_EVENT_USER_REFUSED],
			(long)user_refused);
	KUNIT_EXPECT_EQ(test, install->refused, (long)row->fails);
	/* Who asks, and gets what he has anyway, changes nothing. */
	if (row->asks && !row->gets)
		KUNIT_EXPECT_EQ(test, install->events[NTA_EVENT_FOREIGN_CHANGE],
				0L);
	/* Where something is left to be done a worker may be at it. */
	if (!row->raised && !row->user && !(row->any && row->active))
		KUNIT_EXPECT_FALSE(test, install->looks[1].entry.owned);
	KUNIT_EXPECT_EQ(test, install->looks[1].task_state,
			(unsigned int)TASK_RUNNING);
	if (row->revert)
		return;
	KUNIT_EXPECT_EQ(test, install->previous.Mask,
			row->active && !row->fails ? install->outer.mask : 0);
	KUNIT_EXPECT_EQ(test, install->previous.Group,
			row->active && !row->fails ? install->outer.group : 0);
}

static void check_state(struct kunit *test, const struct install *install)
{
	const struct nta_look *before = &install->looks[0];
	const struct nta_look *look = &install->looks[1];
	const struct row *row = install->row;

	KUNIT_EXPECT_EQ(test, look->entry.state.active,
			!row->revert && (row->active || !row->fails));
	if (!look->entry.state.active)
		return;
	KUNIT_EXPECT_EQ(test, look->entry.state.system.mask,
			row->fails ? install->outer.mask : install->a.mask);
	KUNIT_EXPECT_EQ(test, look->entry.state.system.group,
			row->fails ? install->outer.group : install->a.group);
	if (row->fails)
		KUNIT_EXPECT_EQ(test, look->entry.generation,
				before->entry.generation);
}

/* What is not done yet is done in a second. */
static void check_settled(struct kunit *test, struct nta_worker *worker)
{
	unsigned int ticks = NTA_PUT_BACK_TIMEOUT;
	struct nta_thread_snapshot entry;

	do {
		nta_thread_snapshot(worker->task, &entry);
		if (!entry.pending && !entry.displaced && !entry.owned)
			break;
		schedule_timeout_uninterruptible(1);
	} while (--ticks);
	KUNIT_EXPECT_FALSE(test, entry.pending);
	KUNIT_EXPECT_FALSE(test, entry.displaced);
	KUNIT_EXPECT_FALSE(test, entry.owned);
	KUNIT_EXPECT_FALSE(test, entry.given_up);
}

static void install_ends_as_the_kernel_answers(struct kunit *test)
{
	struct install *install = make_install(test);
	struct nta_worker *worker = nta_worker_make(test);
	const struct row *row = install->row;
	const struct cpumask *user = install->user, *expected;
	/* Nowhere could be had but anywhere: a worker tries again. */
	bool later = row->any && row->active && !row->revert;
	struct cpumask *seen = nta_mask(test);

	/* There each spin_unlock() looks whether the mask is what it should be. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		kfree(install->kept);
		kunit_skip(test, "what the kernel has done cannot be faked on PREEMPT_RT");
	}
	nta_worker_do(test, worker, do_install, install);
	kfree(install->kept);
	if (install->in_trap)
		kunit_skip(test, "needs kprobes that are no traps");
	if (install->was_moved) {
		nta_worker_do(test, worker, do_revert, install);
		kunit_skip(test, "the scheduler has moved the thread meanwhile");
	}
	if (row->user)
		user = install->theirs[(row->user - 1) % 2];
	if (row->gets)
		user = nta_mask_of(test, &install->a);

	check_call(test, install);
	check_state(test, install);
	if (row->any && !later)
		expected = cpu_active_mask;
	else if (row->fails || row->lost)
		expected = &install->looks[0].mask;
	else if (row->revert)
		expected = user;
	else
		expected = nta_mask_of(test, &install->a);
	/* What others have changed a worker puts right. */
	nta_wait_for_mask(worker->task, expected, seen);
	nta_check_mask(test, "afterwards", seen, expected);
	if ((!row->any && !row->lost) || later)
		check_settled(test, worker);
	if (!row->user && !row->lost && !row->raised && row->repeated < 3 &&
	    !later)
		KUNIT_EXPECT_TRUE_MSG(test, cpumask_test_cpu(install->looks[1].cpu,
							     expected),
				      "on CPU %u (S13, R8)",
				      install->looks[1].cpu);

	nta_worker_do(test, worker, do_revert, install);
	KUNIT_EXPECT_FALSE(test, install->looks[2].entry.state.active);
	if (row->revert)
		return;
	/* Who had to let go of his user affinity has no other any more. */
	if (row->any && !row->active)
		user = cpu_active_mask;
	nta_check_mask(test, "after the Revert", &install->looks[2].mask, user);
}

/* --- who is stuck (S13) --- */

/*
 * A thread is on one processor and its mask is the other, played by hand where it cannot
 * be moved.
 * @cut: what user mode wants, where the kernel keeps that
 */
struct stuck {
	struct cpumask *here;
	struct cpumask *elsewhere;
	struct cpumask *both;
	struct cpumask *cut;
	bool outside;
	bool inside;
	bool of_others;
	bool when_cut;
};

static void look_whether_stuck(void *data)
{
	struct stuck *stuck = data;

	set_cpus_allowed_ptr(current, stuck->here);
	preempt_disable();
	stuck->inside = nta_is_stuck(current, stuck->here);
	nta_write_mask(current, stuck->elsewhere);
	stuck->outside = nta_is_stuck(current, stuck->elsewhere);
	stuck->of_others = nta_is_stuck(current, stuck->both);
	swap_kept(&stuck->cut);
	stuck->when_cut = nta_is_stuck(current, stuck->both);
	swap_kept(&stuck->cut);
	nta_write_mask(current, stuck->here);
	preempt_enable();
}

static void who_runs_outside_of_what_we_asked_for_is_stuck(struct kunit *test)
{
	struct nta_affinity here = nta_pick(test, 0), elsewhere = nta_pick(test, 1);
	struct nta_worker *worker = nta_worker_make(test);
	struct stuck stuck = {
		.here = nta_mask_of(test, &here),
		.elsewhere = nta_mask_of(test, &elsewhere),
		.both = nta_mask(test),
		.cut = nta_mask_of(test, &elsewhere),
	};

	cpumask_or(stuck.both, stuck.here, stuck.elsewhere);
	nta_worker_do(test, worker, look_whether_stuck, &stuck);
	KUNIT_EXPECT_FALSE(test, stuck.inside);
	KUNIT_EXPECT_TRUE(test, stuck.outside);
	KUNIT_EXPECT_FALSE(test, stuck.of_others);
	KUNIT_EXPECT_EQ(test, stuck.when_cut, NTA_KERNEL_KEEPS_USER_MASK);
	/* Who sleeps wakes inside. */
	nta_write_mask(worker->task, stuck.elsewhere);
	KUNIT_EXPECT_FALSE(test, nta_is_stuck(worker->task, stuck.elsewhere));
	nta_write_mask(worker->task, stuck.here);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(install_ends_as_the_kernel_answers, row_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_install",
	.init = install_init,
	.exit = install_exit,
	.test_cases = cases,
};

static struct kunit_case stuck_cases[] = {
	KUNIT_CASE(who_runs_outside_of_what_we_asked_for_is_stuck),
	{}
};

static struct kunit_suite stuck_suite = {
	.name = "nta_stuck",
	.test_cases = stuck_cases,
};

kunit_test_suites(&suite, &stuck_suite);
