// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules P1 to P5 with the exported DDIs, and U8 and I10 for an
 * adapter's threads. P6 needs a miniport that can be unloaded: see
 * scripts/guest/load.sh. What a Revert returns if the user affinity is gone (R11)
 * is in hotplug_test.c.
 *
 * The threads of an adapter are called guests here. A guest touches nothing of its
 * test after it has completed "done"; the tests wait for that, and make no ASSERT
 * while one is alive.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "adapter_thread.h"
#include "helpers.h"
#include "storport.h"

/* Only addresses: nobody looks into a HwDeviceExtension. */
static char adapter, other_adapter;

/* A context that nobody has. */
#define MADE_UP ((PVOID)0x123456789abcULL)

/* How a guest ends. */
enum ending {
	RETURNS,
	TERMINATES,
	TERMINATES_AS_CALLER,	/* ThreadContext NULL */
};

struct guest {
	PVOID context;
	void (*work)(void *data);
	void *data;
	enum ending ending;
	bool waits;
	PVOID own_context;
	struct task_struct *task;
	struct completion began;
	struct completion go;
	struct completion done;
	ULONG status;
};

/* Guests that went on after StorPortTerminateSystemThread(). */
static atomic_t gone_on = ATOMIC_INIT(0);

static VOID NTAPI guest_main(PVOID data)
{
	struct guest *guest = data;
	enum ending ending = guest->ending;
	PVOID context = READ_ONCE(guest->context);

	guest->own_context = context;
	guest->task = get_task_struct(current);
	if (guest->work)
		guest->work(guest->data);
	complete(&guest->began);
	if (guest->waits)
		wait_for_completion(&guest->go);
	complete(&guest->done);

	if (ending == RETURNS)
		return;
	StorPortTerminateSystemThread(&adapter, ending == TERMINATES ? context :
								       NULL);
	atomic_inc(&gone_on);
}

static struct guest *make_guests(struct kunit *test, unsigned int count)
{
	struct guest *guests = kunit_kcalloc(test, count, sizeof(*guests),
					     GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, guests);
	for (i = 0; i < count; i++) {
		memset(&guests[i].context, NTA_POISON, sizeof(PVOID));
		guests[i].status = STOR_STATUS_UNSUCCESSFUL;
		init_completion(&guests[i].began);
		init_completion(&guests[i].go);
		init_completion(&guests[i].done);
	}
	return guests;
}

/* A guest that hangs is not left behind: the test hangs with it, and says so. */
static void wait_for_guest(struct completion *completion)
{
	if (wait_for_completion_timeout(completion, NTA_WORK_TIMEOUT))
		return;
	pr_err("# ERROR: a guest hangs, or has ended too early\n");
	wait_for_completion(completion);
}

/* Start it and wait until it has done its work. Returns whether it runs. */
static bool start_guest(struct guest *guest, PVOID on, PSTOR_THREAD_PRIORITY priority)
{
	guest->status = StorPortCreateSystemThread(on, guest_main, guest,
						   priority, &guest->context);
	if (guest->status)
		return false;
	wait_for_guest(&guest->began);
	return true;
}

/* Let it end. Nothing if it was never started. */
static void end_guest(struct guest *guest)
{
	if (guest->status || !guest->context)
		return;
	complete(&guest->go);
	wait_for_guest(&guest->done);
	put_task_struct(guest->task);
	guest->task = NULL;
}

/* Until the adapter has so many threads: the end of one takes a moment. */
static bool wait_for_threads(PVOID of, unsigned int count)
{
	unsigned long end = jiffies + NTA_END_TIMEOUT;

	while (nta_adapter_threads(of) != count) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

static void check_all_gone(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, wait_for_threads(&adapter, 0));
	KUNIT_EXPECT_TRUE(test, wait_for_threads(&other_adapter, 0));
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&gone_on), 0,
			    "a thread went on after its end");
}

/* Start a guest that does one thing, and wait until it has ended. */
static void on_guest(struct kunit *test, void (*work)(void *data), void *data)
{
	struct guest *guest = make_guests(test, 1);

	guest->work = work;
	guest->data = data;
	KUNIT_EXPECT_TRUE(test, start_guest(guest, &adapter, NULL));
	end_guest(guest);
	check_all_gone(test);
}

/* --- Set and Revert (P2, P3) --- */

static struct nta_walk *storport_walk(struct kunit *test,
				      const struct nta_step *steps,
				      unsigned int count)
{
	struct nta_walk *walk = nta_walk_make(test, steps, count);
	unsigned int i;

	for (i = 0; i < NTA_NAMES; i++)
		walk->names[i].adapter = &adapter;
	walk->names[NTA_AS_MADE_UP].context = MADE_UP;
	walk->names[NTA_ON_OTHER_ADAPTER].adapter = &other_adapter;
	walk->names[NTA_ON_NO_ADAPTER].adapter = NULL;
	walk->names[NTA_ITSELF_ON_NO_ADAPTER].adapter = NULL;
	return walk;
}

/* On a thread that is not an adapter's: ThreadContext NULL is all it can pass. */
static void walk_as_stranger(struct kunit *test, const struct nta_step *steps,
			     unsigned int count)
{
	struct nta_walk *walk = storport_walk(test, steps, count);

	nta_on_thread(test, nta_walk_take, walk);
	nta_walk_check(test, walk);
}

struct guest_walk {
	struct nta_walk *walk;
	struct guest *guest;
};

static void take_guest_walk(void *data)
{
	struct guest_walk *guest_walk = data;
	struct nta_walk *walk = guest_walk->walk;
	PVOID own = READ_ONCE(guest_walk->guest->context);

	walk->names[NTA_AS_ITSELF].context = own;
	walk->names[NTA_ON_OTHER_ADAPTER].context = own;
	walk->names[NTA_ITSELF_ON_NO_ADAPTER].context = own;
	walk->names[NTA_AS_ADDRESS].context = current;
	nta_walk_take(walk);
}

/* On a thread of an adapter's that has another one, and another that has ended. */
static void walk_as_guest(struct kunit *test, const struct nta_step *steps,
			  unsigned int count)
{
	struct nta_walk *walk = storport_walk(test, steps, count);
	struct guest *guests = make_guests(test, 3);
	struct guest_walk guest_walk = { .walk = walk, .guest = &guests[2] };
	bool all;

	all = start_guest(&guests[0], &adapter, NULL);
	end_guest(&guests[0]);
	all &= wait_for_threads(&adapter, 0);
	guests[1].waits = true;
	all &= start_guest(&guests[1], &adapter, NULL);
	walk->names[NTA_AS_ENDED].context = guests[0].context;
	walk->names[NTA_AS_ANOTHER].context = guests[1].context;

	guests[2].work = take_guest_walk;
	guests[2].data = &guest_walk;
	all &= start_guest(&guests[2], &adapter, NULL);
	end_guest(&guests[2]);
	end_guest(&guests[1]);
	check_all_gone(test);
	KUNIT_ASSERT_TRUE_MSG(test, all, "not all threads came up");
	nta_walk_check(test, walk);
}

#define INVALID STOR_STATUS_INVALID_PARAMETER

/* P1 P2 P3 S3 S4 S10: each output, and success. */
static void set_and_revert_do_what_the_ke_forms_do(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity all = nta_whole_group(a.group);
	struct nta_affinity user = { .mask = 0, .group = 0xffff };
	const struct nta_step steps[] = {
		{ NTA_STOR_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_STOR_SET_IN_PLACE, all, b, .then = NTA_SYSTEM(all) },
		{ NTA_STOR_SET_NO_PREVIOUS, a, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_REVERT, b, .then = NTA_SYSTEM(b) },
		{ NTA_STOR_REVERT, user, .then = NTA_USER },
		{ NTA_STOR_SET_IN_PLACE, b, .then = NTA_SYSTEM(b) },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
	};

	walk_as_stranger(test, steps, ARRAY_SIZE(steps));
	walk_as_guest(test, steps, ARRAY_SIZE(steps));
}

/* P4 */
static void own_context_is_as_good_as_none(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	const struct nta_step steps[] = {
		{ NTA_STOR_SET, a, .then = NTA_SYSTEM(a), .as = NTA_AS_ITSELF },
		{ NTA_STOR_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_STOR_REVERT, a, .then = NTA_SYSTEM(a),
		  .as = NTA_AS_ITSELF },
		{ NTA_STOR_SET_IN_PLACE, b, a, .then = NTA_SYSTEM(b),
		  .as = NTA_AS_ITSELF },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER,
		  .as = NTA_AS_ITSELF },
	};

	walk_as_guest(test, steps, ARRAY_SIZE(steps));
}

/* P2 P3: in either order, and with the group-less forms too. */
static void both_families_nest(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity c = { .mask = a.mask, .group = nta_topology.legacy_group };
	const struct nta_step steps[] = {
		{ NTA_STOR_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_SET, b, a, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },

		{ NTA_SET, b, .then = NTA_SYSTEM(b) },
		{ NTA_STOR_SET, a, b, .then = NTA_SYSTEM(a) },
		{ NTA_SET_EX, c, a, .then = NTA_SYSTEM(c) },
		{ NTA_STOR_REVERT, a, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_REVERT, b, .then = NTA_SYSTEM(b) },
		{ NTA_REVERT_LEGACY, .then = NTA_USER },
	};

	/* The number of a processor of group 0 may be none of the legacy group. */
	if (!(nta_group_active(&nta_topology, c.group) & c.mask))
		kunit_skip(test, "needs a processor of that number in group %u",
			   c.group);
	walk_as_stranger(test, steps, ARRAY_SIZE(steps));
	walk_as_guest(test, steps, ARRAY_SIZE(steps));
}

/* P2 P3 S2 S5 S7 S14, not active and active. */
static void bad_affinity_is_an_invalid_parameter(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_affinity bad = { .mask = a.mask,
				    .group = nta_topology.group_count };
	struct nta_affinity zero = { .mask = 0, .group = a.group };
	const struct nta_step steps[] = {
		{ NTA_STOR_SET, bad, NTA_NONE, NTA_BAD_GROUP, NTA_USER, INVALID },
		{ NTA_STOR_SET_IN_PLACE, bad, NTA_NONE, NTA_BAD_GROUP, NTA_USER,
		  INVALID },
		{ NTA_STOR_SET_NO_PREVIOUS, bad, NTA_NONE, NTA_BAD_GROUP,
		  NTA_USER, INVALID },
		{ NTA_STOR_SET, zero, NTA_NONE, NTA_ZERO_MASK, NTA_USER, INVALID },
		{ NTA_STOR_SET_NULL, NTA_NONE, NTA_NONE, NTA_NULL_POINTER,
		  NTA_USER, INVALID },
		{ NTA_STOR_REVERT_NULL, NTA_NONE, NTA_NONE, NTA_NULL_POINTER,
		  NTA_USER, INVALID },
		/* P3: it would have no effect anyway, and is refused still. */
		{ NTA_STOR_REVERT, bad, NTA_NONE, NTA_BAD_GROUP, NTA_USER,
		  INVALID },

		{ NTA_STOR_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_SET, bad, NTA_NONE, NTA_BAD_GROUP, NTA_SYSTEM(a),
		  INVALID },
		{ NTA_STOR_SET_IN_PLACE, zero, NTA_NONE, NTA_ZERO_MASK,
		  NTA_SYSTEM(a), INVALID },
		{ NTA_STOR_SET_NO_PREVIOUS, zero, NTA_NONE, NTA_ZERO_MASK,
		  NTA_SYSTEM(a), INVALID },
		{ NTA_STOR_SET_NULL, NTA_NONE, NTA_NONE, NTA_NULL_POINTER,
		  NTA_SYSTEM(a), INVALID },
		{ NTA_STOR_REVERT_NULL, NTA_NONE, NTA_NONE, NTA_NULL_POINTER,
		  NTA_SYSTEM(a), INVALID },
		{ NTA_STOR_REVERT, bad, NTA_NONE, NTA_BAD_GROUP, NTA_SYSTEM(a),
		  INVALID },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
	};

	walk_as_stranger(test, steps, ARRAY_SIZE(steps));
	walk_as_guest(test, steps, ARRAY_SIZE(steps));
}

/* P2 P3 S6; under rules=observed V1 */
static void stray_bits_are_an_invalid_parameter(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 0);
	struct nta_affinity more = { .group = a.group };
	bool observed = nta_rules == NTA_RULES_OBSERVED;
	enum nta_reason reason = observed ? NTA_OK : NTA_STRAY_BITS;
	ULONG status = observed ? STOR_STATUS_SUCCESS : INVALID;
	struct nta_affinity previous = observed ? a : NTA_NONE;
	struct nta_state then = observed ? NTA_SYSTEM(a) : NTA_USER;
	const struct nta_step steps[] = {
		{ NTA_STOR_SET, more, NTA_NONE, reason, then, status },
		{ NTA_STOR_SET, a, previous, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_SET, more, previous, reason, NTA_SYSTEM(a), status },
		{ NTA_STOR_REVERT, more, NTA_NONE, reason, NTA_SYSTEM(a), status },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_STOR_REVERT, more, NTA_NONE, reason, then, status },
	};
	struct nta_step *copy = kunit_kzalloc(test, sizeof(steps), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, copy);
	memcpy(copy, steps, sizeof(steps));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (copy[i].with.mask != a.mask && i != 4)
			copy[i].with.mask = a.mask | nta_stray_bits(test, a.group);
	}
	walk_as_stranger(test, copy, ARRAY_SIZE(steps));
}

/* P3 R2 R5; under rules=observed V2 */
static void revert_without_a_set_is_a_success(struct kunit *test)
{
	struct nta_affinity a = nta_pick(test, 1);
	struct nta_affinity user = { .mask = 0, .group = 0xffff };
	bool observed = nta_rules == NTA_RULES_OBSERVED;
	struct nta_state then = observed ? NTA_SYSTEM(a) : NTA_USER;
	const struct nta_step steps[] = {
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_STOR_REVERT, user, .then = NTA_USER },
		{ NTA_STOR_REVERT, a, .then = then },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
		/* R6 */
		{ NTA_STOR_SET, a, .then = NTA_SYSTEM(a) },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
		{ NTA_STOR_REVERT, a, .then = then },
	};

	walk_as_stranger(test, steps, ARRAY_SIZE(steps));
}

struct name_row {
	const char *name;
	enum nta_name as;
};

static const struct name_row name_rows[] = {
	{ "P4 of another thread", NTA_AS_ANOTHER },
	{ "P4 of a thread that has ended", NTA_AS_ENDED },
	{ "P4 made up", NTA_AS_MADE_UP },
	{ "P4 an address", NTA_AS_ADDRESS },
	{ "P4 on another adapter", NTA_ON_OTHER_ADAPTER },
	{ "P4 HwDeviceExtension NULL", NTA_ON_NO_ADAPTER },
	{ "P4 HwDeviceExtension NULL with a context", NTA_ITSELF_ON_NO_ADAPTER },
};

static void describe_name(const struct name_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(name, name_rows, describe_name);

/* P2 P3 P4: it is the first thing checked, before the affinity. */
static void bad_context_is_an_invalid_parameter(struct kunit *test)
{
	const struct name_row *row = test->param_value;
	struct nta_affinity a = nta_pick(test, 0), b = nta_pick(test, 1);
	struct nta_affinity bad = { .mask = 1, .group = nta_topology.group_count };
	struct nta_state active = NTA_SYSTEM(a);
	const struct nta_step steps[] = {
#define REFUSED(call, with, then) \
	{ call, with, NTA_NONE, NTA_BAD_CONTEXT, then, INVALID, row->as }
		REFUSED(NTA_STOR_SET, b, NTA_USER),
		REFUSED(NTA_STOR_SET_IN_PLACE, b, NTA_USER),
		REFUSED(NTA_STOR_SET_NO_PREVIOUS, b, NTA_USER),
		REFUSED(NTA_STOR_SET, bad, NTA_USER),
		REFUSED(NTA_STOR_SET_NULL, NTA_NONE, NTA_USER),
		REFUSED(NTA_STOR_REVERT, NTA_NONE, NTA_USER),
		REFUSED(NTA_STOR_REVERT, b, NTA_USER),
		{ NTA_STOR_SET, a, .then = active, .as = NTA_AS_ITSELF },
		REFUSED(NTA_STOR_SET, b, active),
		REFUSED(NTA_STOR_SET_IN_PLACE, b, active),
		REFUSED(NTA_STOR_SET_NULL, NTA_NONE, active),
		REFUSED(NTA_STOR_REVERT, NTA_NONE, active),
		REFUSED(NTA_STOR_REVERT, b, active),
		REFUSED(NTA_STOR_REVERT_NULL, NTA_NONE, active),
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER,
		  .as = NTA_AS_ITSELF },
#undef REFUSED
	};

	walk_as_guest(test, steps, ARRAY_SIZE(steps));
}

/* P2 T2: what is no fault of the caller's. */
static void bound_thread_is_unsuccessful(struct kunit *test)
{
	struct nta_affinity own = nta_pick(test, 1), other = nta_pick(test, 0);
	const struct nta_step steps[] = {
		{ NTA_STOR_SET, other, NTA_NONE, NTA_BOUND_KTHREAD, NTA_USER,
		  STOR_STATUS_UNSUCCESSFUL },
		{ NTA_STOR_SET, own, .then = NTA_SYSTEM(own) },
		{ NTA_STOR_SET_IN_PLACE, other, NTA_NONE, NTA_BOUND_KTHREAD,
		  NTA_SYSTEM(own), STOR_STATUS_UNSUCCESSFUL },
		{ NTA_STOR_REVERT, other, NTA_NONE, NTA_BOUND_KTHREAD,
		  NTA_SYSTEM(own), STOR_STATUS_UNSUCCESSFUL },
		{ NTA_STOR_REVERT, NTA_NONE, .then = NTA_USER },
	};
	struct nta_walk *walk = storport_walk(test, steps, ARRAY_SIZE(steps));

	walk->bound = true;
	walk->stays = true;
	nta_worker_do(test, nta_worker_make_on_cpu(test, nta_cpu(&own)),
		      nta_walk_take, walk);
	nta_walk_check(test, walk);
}

/* --- levels (P2, I8) --- */

struct dispatch {
	struct nta_affinity a;
	ULONG set_status;
	ULONG revert_status;
	STOR_GROUP_AFFINITY previous;
	struct nta_look before;
	struct nta_look raised;
	struct nta_look lowered;
	struct nta_look reverted;
	struct nta_look after;
};

static void set_at_dispatch_level(void *data)
{
	struct dispatch *dispatch = data;
	STOR_GROUP_AFFINITY a = { .Mask = dispatch->a.mask,
				  .Group = dispatch->a.group };
	KIRQL irql;

	nta_look_at_me(&dispatch->before);
	memset(&dispatch->previous, NTA_POISON, sizeof(a));
	irql = KeRaiseIrqlToDpcLevel();
	dispatch->set_status =
		StorPortSetSystemGroupAffinityThread(&adapter, NULL, &a,
						     &dispatch->previous);
	nta_look_at_me(&dispatch->raised);
	KeLowerIrql(irql);
	nta_look_at_me(&dispatch->lowered);

	irql = KeRaiseIrqlToDpcLevel();
	dispatch->revert_status =
		StorPortRevertToUserGroupAffinityThread(&adapter, NULL,
							&dispatch->previous);
	nta_look_at_me(&dispatch->reverted);
	KeLowerIrql(irql);
	nta_look_at_me(&dispatch->after);
}

/* P2 P3 I2 I3 */
static void set_at_dispatch_level_succeeds_and_lowering_moves(struct kunit *test)
{
	struct dispatch *dispatch = kunit_kzalloc(test, sizeof(*dispatch),
						  GFP_KERNEL);
	static const STOR_GROUP_AFFINITY none;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dispatch);
	dispatch->a = nta_pick(test, 1);
	nta_on_thread(test, set_at_dispatch_level, dispatch);

	KUNIT_EXPECT_EQ(test, dispatch->set_status, STOR_STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, dispatch->revert_status, STOR_STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, !memcmp(&dispatch->previous, &none, sizeof(none)));
	KUNIT_EXPECT_TRUE(test, dispatch->raised.entry.state.active);
	KUNIT_EXPECT_EQ(test, dispatch->raised.entry.state.system.mask,
			dispatch->a.mask);
	nta_check_mask(test, "raised", &dispatch->raised.mask,
		       &dispatch->before.mask);
	nta_check_mask(test, "lowered", &dispatch->lowered.mask,
		       nta_mask_of(test, &dispatch->a));
	KUNIT_EXPECT_EQ(test, dispatch->lowered.cpu, nta_cpu(&dispatch->a));
	KUNIT_EXPECT_FALSE(test, dispatch->reverted.entry.state.active);
	nta_check_mask(test, "at the end", &dispatch->after.mask,
		       &dispatch->before.mask);
}

/* Calls in an interrupt: what each returns, in P2's order of checks. */
struct attempt {
	struct nta_affinity a;
	struct guest *guest;
	STOR_GROUP_AFFINITY previous[5];
	ULONG set[5];
	ULONG revert[5];
	ULONG create;
	PVOID created;
	ULONG priority;
	long refused;
};

static void attempt_calls(void *data)
{
	struct attempt *attempt = data;
	STOR_GROUP_AFFINITY a = { .Mask = attempt->a.mask,
				  .Group = attempt->a.group };
	STOR_GROUP_AFFINITY bad = { .Mask = 1, .Group = 0xffff };
	const struct {
		PVOID on;
		PVOID context;
		PSTOR_GROUP_AFFINITY affinity;
	} calls[] = {
		{ NULL, NULL, &a },
		{ &adapter, MADE_UP, &a },
		{ &adapter, NULL, NULL },
		{ &adapter, NULL, &bad },
		{ &adapter, NULL, &a },
	};
	unsigned int i;

	memset(attempt->previous, NTA_POISON, sizeof(attempt->previous));
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		attempt->set[i] =
			StorPortSetSystemGroupAffinityThread(calls[i].on,
							     calls[i].context,
							     calls[i].affinity,
							     &attempt->previous[i]);
		attempt->revert[i] =
			StorPortRevertToUserGroupAffinityThread(calls[i].on,
								calls[i].context,
								calls[i].affinity);
	}

	attempt->refused = nta_event_count(NTA_EVENT_THREAD_REFUSED);
	memset(&attempt->created, NTA_POISON, sizeof(attempt->created));
	attempt->create = StorPortCreateSystemThread(&adapter, guest_main, NULL,
						     NULL, &attempt->created);
	attempt->priority = StorPortSetPriorityThread(&adapter,
						      attempt->guest->context,
						      StorThreadPriorityRealTime);
	StorPortTerminateSystemThread(&adapter, NULL);
	attempt->refused = nta_event_count(NTA_EVENT_THREAD_REFUSED) -
			   attempt->refused;
}

struct section_row {
	const char *name;
	enum nta_section section;
};

static const struct section_row section_rows[] = {
	{ "P2 I8 in a softirq", NTA_IN_SOFTIRQ },
	{ "P2 I8 in a timer", NTA_IN_TIMER },
	{ "P2 I8 in a hard interrupt", NTA_IN_HARD_IRQ },
};

static void describe_section(const struct section_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(section, section_rows, describe_section);

struct attempts {
	enum nta_section section;
	struct attempt attempt;
	struct nta_look active;
	struct nta_look after;
};

static void attempt_while_active(void *data)
{
	struct attempts *attempts = data;
	STOR_GROUP_AFFINITY a = { .Mask = attempts->attempt.a.mask,
				  .Group = attempts->attempt.a.group };

	StorPortSetSystemGroupAffinityThread(&adapter, NULL, &a, NULL);
	nta_look_at_me(&attempts->active);
	nta_in_section(attempts->section, attempt_calls, &attempts->attempt);
	nta_look_at_me(&attempts->after);
	a.Mask = 0;
	StorPortRevertToUserGroupAffinityThread(&adapter, NULL, &a);
}

/* P2 P3 P5 I8 */
static void calls_in_an_interrupt_have_an_invalid_irql(struct kunit *test)
{
	const struct section_row *row = test->param_value;
	static const ULONG expected[] = {
		INVALID, INVALID, INVALID,
		STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_IRQL,
	};
	static const STOR_GROUP_AFFINITY none;
	struct attempts *attempts = kunit_kzalloc(test, sizeof(*attempts),
						  GFP_KERNEL);
	struct attempt *attempt = &attempts->attempt;
	struct guest *guests = make_guests(test, 2);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attempts);
	nta_needs_section(test, row->section);
	attempts->section = row->section;
	attempt->a = nta_pick(test, 1);
	attempt->guest = &guests[0];
	guests[0].work = attempt_while_active;
	guests[0].data = attempts;
	KUNIT_EXPECT_TRUE(test, start_guest(&guests[0], &adapter, NULL));
	end_guest(&guests[0]);
	check_all_gone(test);

	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		KUNIT_EXPECT_EQ_MSG(test, attempt->set[i], expected[i],
				    "Set %u", i);
		KUNIT_EXPECT_EQ_MSG(test, attempt->revert[i], expected[i],
				    "Revert %u", i);
		KUNIT_EXPECT_TRUE_MSG(test,
				      !memcmp(&attempt->previous[i], &none,
					      sizeof(none)),
				      "Previous %u", i);
	}
	KUNIT_EXPECT_EQ(test, attempt->create, STOR_STATUS_UNSUCCESSFUL);
	KUNIT_EXPECT_NULL(test, attempt->created);
	KUNIT_EXPECT_EQ(test, attempt->priority, STOR_STATUS_INVALID_IRQL);
	KUNIT_EXPECT_EQ_MSG(test, attempt->refused, 3L, "the counter");

	KUNIT_EXPECT_TRUE(test, attempts->after.entry.state.active);
	KUNIT_EXPECT_EQ(test, attempts->after.entry.generation,
			attempts->active.entry.generation);
	nta_check_mask(test, "after the calls", &attempts->after.mask,
		       &attempts->active.mask);
}

/* --- threads begin (P5) --- */

/*
 * P5: each guest looks at where its creator has the context stored, first of all.
 * A creator that stores it too late is met by luck only, so by many rounds.
 */
static void context_is_stored_before_the_thread_runs(struct kunit *test)
{
	enum { ROUNDS = 100 };
	struct guest *guests = make_guests(test, ROUNDS);
	unsigned int i, wrong = 0, again = 0, failed = 0;

	for (i = 0; i < ROUNDS; i++) {
		guests[i].ending = i % 3;
		failed += !start_guest(&guests[i], &adapter, NULL);
		end_guest(&guests[i]);
		wrong += guests[i].own_context != guests[i].context;
		/* P4: a context is never given again. */
		again += i && guests[i].context <= guests[i - 1].context;
		failed += !wait_for_threads(&adapter, 0);
	}
	KUNIT_EXPECT_EQ(test, failed, 0U);
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_EQ(test, again, 0U);
	check_all_gone(test);
}

struct beginning {
	struct nta_look look;
	KIRQL irql;
	char comm[TASK_COMM_LEN];
	bool kthread;
};

static void look_at_beginning(void *data)
{
	struct beginning *beginning = data;

	beginning->irql = KeGetCurrentIrql();
	beginning->kthread = current->flags & PF_KTHREAD;
	strscpy(beginning->comm, current->comm, sizeof(beginning->comm));
	nta_look_at_me(&beginning->look);
}

struct creation {
	struct nta_affinity a;
	struct nta_look before;
	struct guest *guest;
	bool started;
};

static void create_while_active(void *data)
{
	struct creation *creation = data;
	STOR_GROUP_AFFINITY a = { .Mask = creation->a.mask,
				  .Group = creation->a.group };

	nta_look_at_me(&creation->before);
	StorPortSetSystemGroupAffinityThread(&adapter, NULL, &a, NULL);
	creation->started = start_guest(creation->guest, &adapter, NULL);
	end_guest(creation->guest);
	a.Mask = 0;
	StorPortRevertToUserGroupAffinityThread(&adapter, NULL, &a);
}

/* P5: whatever its creator has. */
static void thread_begins_at_passive_level_with_its_drivers_name(struct kunit *test)
{
	struct beginning *beginning = kunit_kzalloc(test, sizeof(*beginning),
						    GFP_KERNEL);
	struct creation *creation = kunit_kzalloc(test, sizeof(*creation),
						  GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, beginning && creation);
	creation->a = nta_pick(test, 1);
	creation->guest = make_guests(test, 1);
	creation->guest->work = look_at_beginning;
	creation->guest->data = beginning;
	nta_on_thread(test, create_while_active, creation);

	KUNIT_EXPECT_TRUE(test, creation->started);
	KUNIT_EXPECT_EQ(test, beginning->irql, PASSIVE_LEVEL);
	KUNIT_EXPECT_TRUE(test, beginning->kthread);
	/* Cut to what a name may have. */
	KUNIT_EXPECT_STREQ(test, beginning->comm, "ntaffinity_kuni");
	KUNIT_EXPECT_FALSE(test, beginning->look.entry.known);
	KUNIT_EXPECT_EQ(test, beginning->look.task_state,
			(unsigned int)TASK_RUNNING);
	nta_check_mask(test, "the new thread", &beginning->look.mask,
		       &creation->before.mask);
	check_all_gone(test);
}

struct start_row {
	const char *name;
	PVOID on;
	PSTOR_THREAD_START_ROUTINE start;
	int priority;
	ULONG status;
};

static const struct start_row start_rows[] = {
	{ "P5 HwDeviceExtension NULL", NULL, guest_main, 8, INVALID },
	{ "P5 StartRoutine NULL", &adapter, NULL, 8, INVALID },
	{ "P5 priority 0", &adapter, guest_main, 0, INVALID },
	{ "P5 priority 9", &adapter, guest_main, 9, INVALID },
	{ "P5 priority 16", &adapter, guest_main, 16, INVALID },
	{ "P5 priority 31", &adapter, guest_main, 31, INVALID },
	{ "P5 priority -1", &adapter, guest_main, -1, INVALID },
};

static void describe_start(const struct start_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(start, start_rows, describe_start);

static void bad_arguments_start_no_thread(struct kunit *test)
{
	const struct start_row *row = test->param_value;
	STOR_THREAD_PRIORITY priority = row->priority;
	long refused = nta_event_count(NTA_EVENT_THREAD_REFUSED);
	PVOID context;

	memset(&context, NTA_POISON, sizeof(context));
	KUNIT_EXPECT_EQ(test, StorPortCreateSystemThread(row->on, row->start, NULL,
							 &priority, &context),
			row->status);
	KUNIT_EXPECT_NULL(test, context);
	KUNIT_EXPECT_EQ(test, StorPortCreateSystemThread(row->on, row->start, NULL,
							 &priority, NULL),
			row->status);
	KUNIT_EXPECT_EQ(test, nta_adapter_threads(row->on), 0U);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_THREAD_REFUSED),
			refused + 2);
}

struct raised {
	PVOID context;
	ULONG create;
	ULONG priority;
	ULONG apc_priority;
	struct guest *guest;
	long refused;
};

static void call_at_raised_level(void *data)
{
	struct raised *raised = data;
	KIRQL irql;

	raised->refused = nta_event_count(NTA_EVENT_THREAD_REFUSED);
	memset(&raised->context, NTA_POISON, sizeof(raised->context));
	irql = KeRaiseIrqlToDpcLevel();
	raised->create = StorPortCreateSystemThread(&adapter, guest_main, NULL,
						    NULL, &raised->context);
	raised->priority = StorPortSetPriorityThread(&adapter,
						     raised->guest->context,
						     StorThreadPriorityRealTime);
	/* P5: it does not end, for a lock may be held. */
	StorPortTerminateSystemThread(&adapter, NULL);
	KeLowerIrql(irql);

	irql = KfRaiseIrql(APC_LEVEL);
	raised->apc_priority =
		StorPortSetPriorityThread(&adapter, raised->guest->context,
					  StorThreadPriorityRealTime);
	KeLowerIrql(irql);
	raised->refused = nta_event_count(NTA_EVENT_THREAD_REFUSED) -
			  raised->refused;
}

/* P5 */
static void calls_that_sleep_are_refused_at_dispatch_level(struct kunit *test)
{
	struct raised *raised = kunit_kzalloc(test, sizeof(*raised), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, raised);
	raised->guest = make_guests(test, 1);
	raised->guest->work = call_at_raised_level;
	raised->guest->data = raised;
	KUNIT_EXPECT_TRUE(test, start_guest(raised->guest, &adapter, NULL));
	end_guest(raised->guest);
	check_all_gone(test);

	KUNIT_EXPECT_EQ(test, raised->create, STOR_STATUS_UNSUCCESSFUL);
	KUNIT_EXPECT_NULL(test, raised->context);
	KUNIT_EXPECT_EQ(test, raised->priority, STOR_STATUS_INVALID_IRQL);
	KUNIT_EXPECT_EQ(test, raised->apc_priority, STOR_STATUS_INVALID_IRQL);
	KUNIT_EXPECT_EQ(test, raised->refused, 4L);
}

/* P5: the limit counts for each adapter, and those that live. */
static void adapter_has_no_more_threads_than_processors(struct kunit *test)
{
	unsigned int i, limit = num_possible_cpus(), started = 0;
	struct guest *guests = make_guests(test, limit + 3);
	struct guest *more = &guests[limit], *other = &guests[limit + 1];
	struct guest *again = &guests[limit + 2];
	bool other_started, again_started, ended;

	for (i = 0; i < limit + 3; i++)
		guests[i].waits = true;
	for (i = 0; i < limit; i++)
		started += start_guest(&guests[i], &adapter, NULL);
	start_guest(more, &adapter, NULL);
	other_started = start_guest(other, &other_adapter, NULL);

	end_guest(&guests[0]);
	ended = wait_for_threads(&adapter, limit - 1);
	again_started = start_guest(again, &adapter, NULL);

	for (i = 1; i < limit; i++)
		end_guest(&guests[i]);
	end_guest(more);
	end_guest(other);
	end_guest(again);
	check_all_gone(test);

	KUNIT_EXPECT_EQ(test, started, limit);
	KUNIT_EXPECT_EQ(test, limit,
			KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS));
	KUNIT_EXPECT_EQ(test, more->status, STOR_STATUS_UNSUCCESSFUL);
	KUNIT_EXPECT_NULL(test, more->context);
	KUNIT_EXPECT_TRUE(test, other_started);
	KUNIT_EXPECT_TRUE(test, ended);
	KUNIT_EXPECT_TRUE(test, again_started);
}

struct starving {
	struct guest *guests;
	unsigned int count;
	bool possible;
};

static void start_without_memory(void *data)
{
	struct starving *starving = data;
	struct guest *guest;
	unsigned int i;

	starving->possible = nta_allocations_can_fail();
	if (!starving->possible)
		return;
	for (i = 0; i < starving->count; i++) {
		guest = &starving->guests[i];
		nta_fail_allocation(i + 1);
		guest->status = StorPortCreateSystemThread(&adapter, guest_main,
							   guest, NULL,
							   &guest->context);
		nta_fail_allocation(0);
		end_guest(guest);
		wait_for_threads(&adapter, 0);
	}
}

/* P5: the first allocation fails, the second one, and so on. */
static void thread_without_memory_is_unsuccessful(struct kunit *test)
{
	struct starving starving = { .count = 8 };
	unsigned int i, failed = 0;

	starving.guests = make_guests(test, starving.count);
	nta_on_thread(test, start_without_memory, &starving);
	if (!starving.possible)
		kunit_skip(test, NTA_NEEDS_FAILSLAB);
	for (i = 0; i < starving.count; i++) {
		if (!starving.guests[i].status)
			continue;
		failed++;
		KUNIT_EXPECT_EQ(test, starving.guests[i].status,
				STOR_STATUS_UNSUCCESSFUL);
		KUNIT_EXPECT_NULL(test, starving.guests[i].context);
	}
	/* Our record, and what kthread_create() needs. */
	KUNIT_EXPECT_GE(test, failed, 2U);
	check_all_gone(test);
}

/* --- priorities (P5) --- */

struct priority_row {
	const char *name;
	STOR_THREAD_PRIORITY priority;
	unsigned int policy;
	int nice;
	unsigned int rt_priority;
};

static const struct priority_row priority_rows[] = {
	{ "P5 Background", StorThreadPriorityBackground, SCHED_NORMAL, 5 },
	{ "P5 Normal", StorThreadPriorityNormal, SCHED_NORMAL, 0 },
	{ "P5 Delayed", StorThreadPriorityDelayed, SCHED_NORMAL, -5 },
	{ "P5 Critical", StorThreadPriorityCritical, SCHED_NORMAL, -10 },
	{ "P5 SuperCritical", StorThreadPrioritySuperCritical, SCHED_NORMAL, -15 },
	{ "P5 HyperCritical", StorThreadPriorityHyperCritical, SCHED_FIFO, 0, 1 },
	{ "P5 RealTime", StorThreadPriorityRealTime, SCHED_FIFO, 0, 50 },
};

static void describe_priority(const struct priority_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(priority, priority_rows, describe_priority);

struct seen_priority {
	unsigned int policy;
	int nice;
	unsigned int rt_priority;
};

static void see_priority(void *data)
{
	struct seen_priority *seen = data;

	seen->policy = current->policy;
	seen->nice = task_nice(current);
	seen->rt_priority = current->rt_priority;
}

static void check_priority(struct kunit *test, const char *what,
			   const struct seen_priority *seen,
			   const struct priority_row *row)
{
	KUNIT_EXPECT_EQ_MSG(test, seen->policy, row->policy, "%s: policy", what);
	KUNIT_EXPECT_EQ_MSG(test, seen->rt_priority, row->rt_priority,
			    "%s: real-time priority", what);
	if (row->policy == SCHED_NORMAL)
		KUNIT_EXPECT_EQ_MSG(test, seen->nice, row->nice, "%s: nice", what);
}

struct set_priority {
	struct guest *guest;
	STOR_THREAD_PRIORITY priority;
	ULONG status;
	struct seen_priority seen;
};

static void set_own_priority(void *data)
{
	struct set_priority *set = data;

	set->status = StorPortSetPriorityThread(&adapter, set->guest->context,
						set->priority);
	see_priority(&set->seen);
}

static void see_priority_of(struct task_struct *task, struct seen_priority *seen)
{
	seen->policy = task->policy;
	seen->nice = task_nice(task);
	seen->rt_priority = task->rt_priority;
}

/* P5: given at the start, by the thread itself, and by another. */
static void priority_is_what_was_asked_for(struct kunit *test)
{
	const struct priority_row *row = test->param_value;
	STOR_THREAD_PRIORITY priority = row->priority;
	struct seen_priority at_start, normal, by_other, back;
	struct guest *guests = make_guests(test, 3);
	struct set_priority set = { .guest = &guests[1], .priority = priority };
	ULONG other_status, back_status;
	bool all;

	guests[0].work = see_priority;
	guests[0].data = &at_start;
	all = start_guest(&guests[0], &adapter, &priority);
	end_guest(&guests[0]);
	all &= wait_for_threads(&adapter, 0);

	guests[1].work = set_own_priority;
	guests[1].data = &set;
	all &= start_guest(&guests[1], &adapter, NULL);
	end_guest(&guests[1]);
	all &= wait_for_threads(&adapter, 0);

	guests[2].waits = true;
	guests[2].work = see_priority;
	guests[2].data = &normal;
	all &= start_guest(&guests[2], &adapter, NULL);
	if (all) {
		other_status = StorPortSetPriorityThread(&adapter,
							 guests[2].context,
							 priority);
		see_priority_of(guests[2].task, &by_other);
		back_status = StorPortSetPriorityThread(&adapter,
							guests[2].context,
							StorThreadPriorityNormal);
		see_priority_of(guests[2].task, &back);
	}
	end_guest(&guests[2]);
	check_all_gone(test);

	KUNIT_ASSERT_TRUE(test, all);
	check_priority(test, "at the start", &at_start, row);
	KUNIT_EXPECT_EQ(test, set.status, STOR_STATUS_SUCCESS);
	check_priority(test, "by itself", &set.seen, row);
	check_priority(test, "without Priority", &normal, &priority_rows[1]);
	KUNIT_EXPECT_EQ(test, other_status, STOR_STATUS_SUCCESS);
	check_priority(test, "by another", &by_other, row);
	KUNIT_EXPECT_EQ(test, back_status, STOR_STATUS_SUCCESS);
	check_priority(test, "back to normal", &back, &priority_rows[1]);
}

/* P5 P4 */
static void priority_of_no_thread_is_an_invalid_parameter(struct kunit *test)
{
	struct guest *guests = make_guests(test, 2);
	struct guest *ended = &guests[0], *guest = &guests[1];
	static const int bad[] = { -1, 0, 6, 9, 11, 16, 17, 19, 31 };
	long refused = nta_event_count(NTA_EVENT_THREAD_REFUSED);
	struct seen_priority seen = {};
	ULONG status[6] = {};
	unsigned int i, wrong = 0;
	bool all;

	all = start_guest(ended, &adapter, NULL);
	end_guest(ended);
	all &= wait_for_threads(&adapter, 0);
	guest->waits = true;
	all &= start_guest(guest, &adapter, NULL);
	if (all) {
		status[0] = StorPortSetPriorityThread(NULL, guest->context, 18);
		status[1] = StorPortSetPriorityThread(&adapter, NULL, 18);
		status[2] = StorPortSetPriorityThread(&other_adapter,
						      guest->context, 18);
		status[3] = StorPortSetPriorityThread(&adapter, ended->context, 18);
		status[4] = StorPortSetPriorityThread(&adapter, guest->task, 18);
		status[5] = StorPortSetPriorityThread(&adapter,
						      guest->context + 1, 18);
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			wrong += StorPortSetPriorityThread(&adapter, guest->context,
							   bad[i]) != INVALID;
		see_priority_of(guest->task, &seen);
	}
	end_guest(guest);
	check_all_gone(test);

	KUNIT_ASSERT_TRUE(test, all);
	for (i = 0; i < ARRAY_SIZE(status); i++)
		KUNIT_EXPECT_EQ_MSG(test, status[i], INVALID, "call %u", i);
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_THREAD_REFUSED),
			refused + (long)(ARRAY_SIZE(status) + ARRAY_SIZE(bad)));
	check_priority(test, "afterwards", &seen, &priority_rows[1]);
}

/* --- threads end (P4, P5) --- */

static void terminate_wrongly(void *data)
{
	struct guest *guests = data;

	/* The first is the one that calls. */
	StorPortTerminateSystemThread(NULL, NULL);
	StorPortTerminateSystemThread(NULL, guests[0].context);
	StorPortTerminateSystemThread(&other_adapter, NULL);
	StorPortTerminateSystemThread(&other_adapter, guests[0].context);
	StorPortTerminateSystemThread(&adapter, guests[1].context);
	StorPortTerminateSystemThread(&adapter, guests[2].context);
	StorPortTerminateSystemThread(&adapter, current);
}

static void terminate_others(void *data)
{
	struct guest *guest = data;

	StorPortTerminateSystemThread(&adapter, NULL);
	StorPortTerminateSystemThread(&adapter, guest->context);
}

/* P4 P5: that it has come so far shows that nobody has ended. */
static void nobody_ends_a_thread_but_itself(struct kunit *test)
{
	struct guest *guests = make_guests(test, 3);
	long refused = nta_event_count(NTA_EVENT_THREAD_REFUSED);
	struct nta_worker *worker = nta_worker_make(test);
	unsigned int alive;
	bool all;

	if (num_possible_cpus() < 2)
		kunit_skip(test, "needs 2 possible CPUs: an adapter has as many threads");
	all = start_guest(&guests[2], &adapter, NULL);
	end_guest(&guests[2]);
	all &= wait_for_threads(&adapter, 0);
	guests[1].waits = true;
	all &= start_guest(&guests[1], &adapter, NULL);
	guests[0].waits = true;
	guests[0].work = terminate_wrongly;
	guests[0].data = guests;
	all &= start_guest(&guests[0], &adapter, NULL);
	nta_worker_do(test, worker, terminate_others, &guests[1]);
	alive = nta_adapter_threads(&adapter);
	end_guest(&guests[0]);
	end_guest(&guests[1]);
	check_all_gone(test);

	KUNIT_EXPECT_TRUE(test, all);
	KUNIT_EXPECT_EQ(test, alive, 2U);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_THREAD_REFUSED),
			refused + 9);
}

struct ending_row {
	const char *name;
	enum ending ending;
};

static const struct ending_row ending_rows[] = {
	{ "P5 by returning", RETURNS },
	{ "P5 by Terminate", TERMINATES },
	{ "P5 by Terminate without a context", TERMINATES_AS_CALLER },
};

static void describe_ending(const struct ending_row *row, char *name)
{
	strscpy(name, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ending, ending_rows, describe_ending);

struct unfinished {
	struct nta_affinity a;
	KIRQL irql;
};

/* Leaves everything open that a thread can. */
static void leave_open(void *data)
{
	struct unfinished *unfinished = data;
	STOR_GROUP_AFFINITY a = { .Mask = unfinished->a.mask,
				  .Group = unfinished->a.group };

	StorPortSetSystemGroupAffinityThread(&adapter, NULL, &a, NULL);
	if (unfinished->irql)
		KfRaiseIrql(unfinished->irql);
}

/* P5 U8 I10 */
static void thread_that_forgets_is_put_right_at_its_end(struct kunit *test)
{
	const struct ending_row *row = test->param_value;
	struct unfinished unfinished = { .a = nta_pick(test, 1) };
	struct guest *guests = make_guests(test, 2);
	long leaked = nta_event_count(NTA_EVENT_LEAK);
	long left = nta_event_count(NTA_EVENT_LEFT_RAISED);
	struct nta_thread_snapshot entry;
	struct task_struct *task = NULL;
	bool forgotten = false;

	guests[0].work = leave_open;
	guests[0].data = &unfinished;
	guests[0].ending = row->ending;
	/* Terminate is refused at DISPATCH_LEVEL: see above. */
	unfinished.irql = row->ending == RETURNS ? DISPATCH_LEVEL : APC_LEVEL;
	if (start_guest(&guests[0], &adapter, NULL)) {
		task = get_task_struct(guests[0].task);
		end_guest(&guests[0]);
		wait_for_threads(&adapter, 0);
		nta_thread_snapshot(task, &entry);
		KUNIT_EXPECT_FALSE(test, entry.state.active);
		put_task_struct(task);
		forgotten = nta_wait_forgotten(task);
	}
	check_all_gone(test);
	KUNIT_EXPECT_TRUE(test, forgotten);
	KUNIT_EXPECT_EQ_MSG(test, nta_event_count(NTA_EVENT_LEAK), leaked + 1,
			    "U8");
	KUNIT_EXPECT_EQ_MSG(test, nta_event_count(NTA_EVENT_LEFT_RAISED), left + 1,
			    "I10");

	/* A thread that forgets nothing is not reported. */
	guests[1].ending = row->ending;
	start_guest(&guests[1], &adapter, NULL);
	end_guest(&guests[1]);
	check_all_gone(test);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_LEAK), leaked + 1);
	KUNIT_EXPECT_EQ(test, nta_event_count(NTA_EVENT_LEFT_RAISED), left + 1);
}

/* P4: a thread is known as long as it lives, and not a moment longer. */
static void contexts_of_many_threads_are_kept_apart(struct kunit *test)
{
	unsigned int i, j, count = num_possible_cpus(), again = 0, started = 0;
	struct guest *guests = make_guests(test, count);
	unsigned int before, after;

	for (i = 0; i < count; i++) {
		guests[i].waits = true;
		guests[i].ending = i % 3;
		started += start_guest(&guests[i], &adapter, NULL);
	}
	before = nta_adapter_threads(&adapter);
	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			again += guests[i].context == guests[j].context;
	}
	for (i = 0; i < count; i += 2)
		end_guest(&guests[i]);
	wait_for_threads(&adapter, count / 2);
	after = 0;
	for (i = 0; i < count; i++)
		after += !StorPortSetPriorityThread(&adapter, guests[i].context,
						    StorThreadPriorityNormal);
	for (i = 1; i < count; i += 2)
		end_guest(&guests[i]);
	check_all_gone(test);
	on_guest(test, nta_do_nothing, NULL);

	KUNIT_EXPECT_EQ(test, started, count);
	KUNIT_EXPECT_EQ(test, before, count);
	KUNIT_EXPECT_EQ(test, again, 0U);
	KUNIT_EXPECT_EQ(test, after, count / 2);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(set_and_revert_do_what_the_ke_forms_do),
	KUNIT_CASE(own_context_is_as_good_as_none),
	KUNIT_CASE(both_families_nest),
	KUNIT_CASE(bad_affinity_is_an_invalid_parameter),
	KUNIT_CASE(stray_bits_are_an_invalid_parameter),
	KUNIT_CASE(revert_without_a_set_is_a_success),
	KUNIT_CASE_PARAM(bad_context_is_an_invalid_parameter, name_gen_params),
	KUNIT_CASE(bound_thread_is_unsuccessful),
	KUNIT_CASE(set_at_dispatch_level_succeeds_and_lowering_moves),
	KUNIT_CASE_PARAM(calls_in_an_interrupt_have_an_invalid_irql,
			 section_gen_params),
	KUNIT_CASE(context_is_stored_before_the_thread_runs),
	KUNIT_CASE(thread_begins_at_passive_level_with_its_drivers_name),
	KUNIT_CASE_PARAM(bad_arguments_start_no_thread, start_gen_params),
	KUNIT_CASE(calls_that_sleep_are_refused_at_dispatch_level),
	KUNIT_CASE(adapter_has_no_more_threads_than_processors),
	KUNIT_CASE(thread_without_memory_is_unsuccessful),
	KUNIT_CASE_PARAM(priority_is_what_was_asked_for, priority_gen_params),
	KUNIT_CASE(priority_of_no_thread_is_an_invalid_parameter),
	KUNIT_CASE(nobody_ends_a_thread_but_itself),
	KUNIT_CASE_PARAM(thread_that_forgets_is_put_right_at_its_end,
			 ending_gen_params),
	KUNIT_CASE(contexts_of_many_threads_are_kept_apart),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_storport",
	.test_cases = cases,
};

kunit_test_suite(suite);
