// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves the rules M1 to M5: several groups at once, alone and nested with the
 * group DDIs, and U3, U5, U6, U8, U9 and I2 for them.
 *
 * Every call is made by a thread of its own; after each all of its state is
 * compared, by the test's thread.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/sched.h>

#include "child.h"
#include "helpers.h"
#include "request.h"
#include "storport.h"
#include "wdm.h"

/* The machine's processors as three systems: two of one, and their union. */
struct machine {
	GROUP_AFFINITY both[2];
	struct nta_affinity a;
	struct nta_affinity b;
	struct cpumask *in_a;
	struct cpumask *in_b;
	struct cpumask *in_both;
	struct cpumask *user;
	struct nta_worker *worker;
};

enum operation {
	SET, SET_EX, SET_STORPORT, SET_SEVERAL, SET_SEVERAL_RAISED,
	REVERT, REVERT_STORPORT, REVERT_SEVERAL,
};

struct arguments {
	enum operation op;
	const GROUP_AFFINITY *with;
	USHORT count;
	PAFFINITY_TOKEN token;
};

/* A call, and what is seen at its end. */
struct call {
	struct arguments arguments;
	NTSTATUS status;
	KAFFINITY returned;
	struct nta_look raised;
	struct nta_look look;
};

static GROUP_AFFINITY group_affinity(const struct nta_affinity *affinity)
{
	GROUP_AFFINITY result;

	memset(&result, NTA_POISON, sizeof(result));
	result.Mask = affinity->mask;
	result.Group = affinity->group;
	return result;
}

static struct machine *make_machine(struct kunit *test)
{
	struct machine *machine = kunit_kzalloc(test, sizeof(*machine),
						GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, machine);
	machine->a = nta_pick(test, 0);
	machine->b = nta_pick(test, 1);
	if (machine->a.group == machine->b.group)
		kunit_skip(test, "needs two groups");
	machine->both[0] = group_affinity(&machine->a);
	machine->both[1] = group_affinity(&machine->b);
	machine->in_a = nta_mask_of(test, &machine->a);
	machine->in_b = nta_mask_of(test, &machine->b);
	machine->in_both = nta_mask(test);
	cpumask_or(machine->in_both, machine->in_a, machine->in_b);
	machine->user = nta_mask(test);
	machine->worker = nta_worker_make(test);
	return machine;
}

static NTSTATUS set_several(const struct arguments *arguments)
{
	return PsSetSystemMultipleGroupAffinityThread((GROUP_AFFINITY *)arguments->with,
						      arguments->count,
						      arguments->token);
}

/* The layouts are the same (P1). */
static STOR_GROUP_AFFINITY *to_stor(GROUP_AFFINITY *affinity)
{
	return (STOR_GROUP_AFFINITY *)affinity;
}

static void do_call(void *data)
{
	struct call *call = data;
	const struct arguments *arguments = &call->arguments;
	/* The DDIs do not write what they get as input. */
	GROUP_AFFINITY *with = (GROUP_AFFINITY *)arguments->with;
	struct nta_look *look = &call->look;
	GROUP_AFFINITY *previous = &look->previous;
	KIRQL old;

	memset(look, NTA_POISON, sizeof(*look));
	switch (arguments->op) {
	case SET:
		KeSetSystemGroupAffinityThread(with, previous);
		break;
	case SET_EX:
		call->returned = KeSetSystemAffinityThreadEx(with->Mask);
		break;
	case SET_STORPORT:
		call->status = StorPortSetSystemGroupAffinityThread(call, NULL,
								    to_stor(with),
								    to_stor(previous));
		break;
	case REVERT_STORPORT:
		call->status = StorPortRevertToUserGroupAffinityThread(call, NULL,
								       to_stor(with));
		break;
	case REVERT:
		KeRevertToUserGroupAffinityThread(with);
		break;
	case SET_SEVERAL:
		call->status = set_several(arguments);
		break;
	case REVERT_SEVERAL:
		PsRevertToUserMultipleGroupAffinityThread(arguments->token);
		break;
	case SET_SEVERAL_RAISED:
		old = KeRaiseIrqlToDpcLevel();
		call->status = set_several(arguments);
		nta_look_at_me(&call->raised);
		KeLowerIrql(old);
		break;
	}
	nta_look_at_me(look);
}

/* Make a call on the machine's worker. */
static struct call *make_call(struct kunit *test, struct machine *machine,
			      struct arguments arguments)
{
	struct call *call = kunit_kmalloc(test, sizeof(*call), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, call);
	memset(call, NTA_POISON, sizeof(*call));
	call->arguments = arguments;
	nta_worker_do(test, machine->worker, do_call, call);
	return call;
}

#define CALL_ON(machine, ...)						\
	make_call(test, machine, (struct arguments){ __VA_ARGS__ })
#define CALL(...)	CALL_ON(machine, __VA_ARGS__)

static PAFFINITY_TOKEN make_token(struct kunit *test)
{
	PAFFINITY_TOKEN token = NULL;

	KUNIT_ASSERT_EQ(test, PsAllocateAffinityToken(&token), STATUS_SUCCESS);
	KUNIT_ASSERT_NOT_NULL(test, token);
	return token;
}

static void check(struct kunit *test, const char *what, const struct call *call,
		  bool active, const struct cpumask *mask)
{
	const struct nta_look *look = &call->look;

	KUNIT_EXPECT_EQ_MSG(test, look->entry.state.active, active, "%s", what);
	nta_check_mask(test, what, &look->mask, mask);
	KUNIT_EXPECT_TRUE_MSG(test, cpumask_test_cpu(look->cpu, mask),
			      "%s: on CPU %u", what, look->cpu);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.owned, "%s: owned", what);
	KUNIT_EXPECT_FALSE_MSG(test, look->entry.pending, "%s: pending", what);
	KUNIT_EXPECT_EQ_MSG(test, look->task_state, TASK_RUNNING, "%s", what);
}

/* The user affinity of a worker, before anything. */
static void note_user(struct kunit *test, struct machine *machine)
{
	struct call *call = CALL(.op = REVERT_SEVERAL);

	KUNIT_EXPECT_FALSE(test, call->look.entry.state.active);
	cpumask_copy(machine->user, &call->look.mask);
}

/* M1 */
static void tokens_are_made_and_freed(struct kunit *test)
{
	long refused = nta_refused_count(NTA_BAD_TOKEN);
	PAFFINITY_TOKEN a, b;

	KUNIT_EXPECT_EQ(test, PsAllocateAffinityToken(NULL),
			STATUS_INVALID_PARAMETER);
	a = make_token(test);
	b = make_token(test);
	KUNIT_EXPECT_PTR_NE(test, a, b);
	PsFreeAffinityToken(a);
	PsFreeAffinityToken(b);
	/* No number comes again, so a is none. */
	b = make_token(test);
	KUNIT_EXPECT_PTR_NE(test, a, b);
	PsFreeAffinityToken(b);
	KUNIT_EXPECT_EQ(test, nta_refused_count(NTA_BAD_TOKEN), refused);

	/* Twice, never made, no token at all: not touched, and told. */
	PsFreeAffinityToken(a);
	PsFreeAffinityToken(NULL);
	PsFreeAffinityToken((PAFFINITY_TOKEN)test);
	KUNIT_EXPECT_EQ(test, nta_refused_count(NTA_BAD_TOKEN), refused + 3);
}

/* M2, M3 */
static void set_of_several_groups_is_their_union(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	struct call *call;
	int round;

	note_user(test, machine);
	/* A token that has been unwound can be used again. */
	for (round = 0; round < 2; round++) {
		call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2,
			    .token = token);
		KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
		check(test, "Set", call, true, machine->in_both);
		call = CALL(.op = REVERT_SEVERAL, .token = token);
		check(test, "Revert", call, false, machine->user);
	}
	/* One group is as good as several. */
	call = CALL(.op = SET_SEVERAL, .with = &machine->both[1], .count = 1,
		    .token = token);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
	check(test, "Set of one", call, true, machine->in_b);
	/* A Revert of the other kind to the user affinity unwinds it, too. */
	call = CALL(.op = REVERT, .with = &(GROUP_AFFINITY){});
	check(test, "Revert by Ke", call, false, machine->user);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "Revert too late", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* What a Set of several groups must refuse. */
struct bad_set {
	const char *name;
	void (*spoil)(struct machine *machine, struct arguments *call);
};

static void spoil_array(struct machine *machine, struct arguments *call)
{
	call->with = NULL;
}

static void spoil_token(struct machine *machine, struct arguments *call)
{
	call->token = NULL;
}

static void spoil_token_more(struct machine *machine, struct arguments *call)
{
	/* No token has such a number: whoever takes it for an address faults. */
	call->token = (PAFFINITY_TOKEN)0x5a5a5a5a5a5a5a5aUL;
}

static void spoil_count(struct machine *machine, struct arguments *call)
{
	call->count = 0;
}

static void spoil_count_more(struct machine *machine, struct arguments *call)
{
	call->count = nta_topology.group_count + 1;
}

static void spoil_group(struct machine *machine, struct arguments *call)
{
	machine->both[1].Group = nta_topology.group_count;
}

static void spoil_group_more(struct machine *machine, struct arguments *call)
{
	machine->both[1].Group = machine->both[0].Group;
}

static void spoil_mask(struct machine *machine, struct arguments *call)
{
	machine->both[1].Mask = 0;
}

static const struct bad_set bad_sets[] = {
	{ "NULL array", spoil_array },
	{ "NULL token", spoil_token },
	{ "no token", spoil_token_more },
	{ "no group", spoil_count },
	{ "too many groups", spoil_count_more },
	{ "no such group", spoil_group },
	{ "a group twice", spoil_group_more },
	{ "an empty mask", spoil_mask },
};

static void describe_bad_set(const struct bad_set *bad, char *name)
{
	strscpy(name, bad->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_set, bad_sets, describe_bad_set);

/* M2: nothing changes, not active and active, and the token is as before. */
static void bad_set_of_several_groups_changes_nothing(struct kunit *test)
{
	const struct bad_set *bad = test->param_value;
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	GROUP_AFFINITY good[2], a = group_affinity(&machine->a);
	struct arguments spoiled = {
		.op = SET_SEVERAL,
		.with = machine->both,
		.count = 2,
		.token = token,
	};
	struct call *call;

	/* The array can be longer than the groups are many. */
	memcpy(good, machine->both, sizeof(good));
	note_user(test, machine);
	bad->spoil(machine, &spoiled);
	if (spoiled.count > 2)
		spoiled.with = kunit_kcalloc(test, spoiled.count,
					     sizeof(*spoiled.with), GFP_KERNEL);

	call = make_call(test, machine, spoiled);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_INVALID_PARAMETER);
	check(test, "not active", call, false, machine->user);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "not filled", call, false, machine->user);

	CALL(.op = SET, .with = &a);
	call = make_call(test, machine, spoiled);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_INVALID_PARAMETER);
	check(test, "active", call, true, machine->in_a);

	call = CALL(.op = SET_SEVERAL, .with = good, .count = 2,
		    .token = token);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
	check(test, "good", call, true, machine->in_both);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "outer", call, true, machine->in_a);
	CALL(.op = REVERT, .with = &(GROUP_AFFINITY){});
	PsFreeAffinityToken(token);
}

/* M4: a group inside several, and what Previous is. */
static void one_group_nests_in_several(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	GROUP_AFFINITY a = group_affinity(&machine->a), previous;
	struct call *call;

	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	call = CALL(.op = SET, .with = &a);
	check(test, "inner Set", call, true, machine->in_a);
	previous = call->look.previous;
	KUNIT_EXPECT_EQ(test, previous.Group, 0xffff);
	KUNIT_EXPECT_NE(test, previous.Mask, 0ULL);

	/* Set refuses it, the Revert takes it (S5). */
	call = CALL(.op = SET, .with = &previous);
	check(test, "Set of Previous", call, true, machine->in_a);
	KUNIT_EXPECT_EQ(test, call->look.previous.Mask, 0ULL);
	call = CALL(.op = REVERT, .with = &previous);
	check(test, "inner Revert", call, true, machine->in_both);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "outer Revert", call, false, machine->user);

	/* And no more once the token is unwound. */
	CALL(.op = SET, .with = &a);
	call = CALL(.op = REVERT, .with = &previous);
	check(test, "stale Previous", call, true, machine->in_a);
	call = CALL(.op = REVERT, .with = &(GROUP_AFFINITY){});
	check(test, "at the end", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* M4, P2, P3: StorPort's forms are as good as Ke's. */
static void storport_forms_nest_in_several(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	GROUP_AFFINITY a = group_affinity(&machine->a), previous;
	struct call *call;

	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	call = CALL(.op = SET_STORPORT, .with = &a);
	KUNIT_EXPECT_EQ(test, (ULONG)call->status, STOR_STATUS_SUCCESS);
	check(test, "inner Set", call, true, machine->in_a);
	previous = call->look.previous;
	KUNIT_EXPECT_EQ(test, previous.Group, 0xffff);
	call = CALL(.op = SET_STORPORT, .with = &previous);
	KUNIT_EXPECT_EQ(test, (ULONG)call->status, STOR_STATUS_INVALID_PARAMETER);
	check(test, "Set of Previous", call, true, machine->in_a);
	call = CALL(.op = REVERT_STORPORT, .with = &previous);
	KUNIT_EXPECT_EQ(test, (ULONG)call->status, STOR_STATUS_SUCCESS);
	check(test, "inner Revert", call, true, machine->in_both);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "outer Revert", call, false, machine->user);
	call = CALL(.op = REVERT_STORPORT, .with = &previous);
	KUNIT_EXPECT_EQ(test, (ULONG)call->status, STOR_STATUS_INVALID_PARAMETER);
	check(test, "stale Previous", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* M3, M4: several inside a group inside several; unwound one by one. */
static void families_unwind_exactly(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN outer = make_token(test), inner = make_token(test);
	GROUP_AFFINITY a = group_affinity(&machine->a), previous;
	struct call *call;

	note_user(test, machine);
	call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2,
		    .token = outer);
	call = CALL(.op = SET, .with = &a);
	previous = call->look.previous;
	call = CALL(.op = SET_SEVERAL, .with = &machine->both[1], .count = 1,
		    .token = inner);
	check(test, "inner", call, true, machine->in_b);
	/* A token in use is not to be had twice. */
	call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2,
		    .token = outer);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_INVALID_PARAMETER);
	check(test, "token in use", call, true, machine->in_b);

	call = CALL(.op = REVERT_SEVERAL, .token = inner);
	check(test, "after inner", call, true, machine->in_a);
	call = CALL(.op = REVERT_SEVERAL, .token = inner);
	check(test, "inner twice", call, true, machine->in_a);
	/* It is unwound, so it is nothing now, and free. */
	CALL(.op = SET, .with = &machine->both[1]);
	call = CALL(.op = REVERT_SEVERAL, .token = inner);
	check(test, "inner after another Set", call, true, machine->in_b);
	call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 1,
		    .token = inner);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
	call = CALL(.op = REVERT_SEVERAL, .token = inner);
	check(test, "inner once more", call, true, machine->in_b);
	call = CALL(.op = REVERT, .with = &previous);
	check(test, "after middle", call, true, machine->in_both);
	call = CALL(.op = REVERT_SEVERAL, .token = outer);
	check(test, "after outer", call, false, machine->user);
	call = CALL(.op = REVERT_SEVERAL, .token = outer);
	check(test, "outer twice", call, false, machine->user);
	PsFreeAffinityToken(inner);
	PsFreeAffinityToken(outer);
}

/* M3: an outer Revert unwinds what is inside; its token is free again. */
static void outer_revert_unwinds_inner_tokens(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN outer = make_token(test), inner = make_token(test);
	struct call *call;

	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = outer);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 1, .token = inner);
	call = CALL(.op = REVERT_SEVERAL, .token = outer);
	check(test, "outer", call, false, machine->user);
	call = CALL(.op = REVERT_SEVERAL, .token = inner);
	check(test, "inner too late", call, false, machine->user);
	call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2,
		    .token = inner);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
	check(test, "used again", call, true, machine->in_both);
	CALL(.op = REVERT_SEVERAL, .token = inner);
	PsFreeAffinityToken(inner);
	PsFreeAffinityToken(outer);
}

/* M3, M4: a token and its Previous are good for one thread only. */
static void token_of_another_thread_is_nothing(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	struct machine *other = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	GROUP_AFFINITY a = group_affinity(&machine->a), previous;
	struct call *call;

	note_user(test, machine);
	note_user(test, other);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	call = CALL(.op = SET, .with = &a);
	previous = call->look.previous;

	call = CALL_ON(other, .op = SET, .with = &a);
	call = CALL_ON(other, .op = REVERT, .with = &previous);
	check(test, "Previous", call, true, machine->in_a);
	call = CALL_ON(other, .op = REVERT_SEVERAL, .token = token);
	check(test, "Revert", call, true, machine->in_a);
	call = CALL_ON(other, .op = SET_SEVERAL, .with = machine->both, .count = 2,
		       .token = token);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_INVALID_PARAMETER);
	check(test, "Set", call, true, machine->in_a);
	CALL_ON(other, .op = REVERT, .with = &(GROUP_AFFINITY){});

	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "its own", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* M5 */
static void token_freed_in_force_stays_until_unwound(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	GROUP_AFFINITY a = group_affinity(&machine->a), previous;
	struct call *call;

	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	PsFreeAffinityToken(token);
	call = CALL(.op = SET, .with = &a);
	previous = call->look.previous;
	call = CALL(.op = REVERT, .with = &previous);
	check(test, "inner", call, true, machine->in_both);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "freed and unwound", call, false, machine->user);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "gone", call, false, machine->user);
	call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2,
		    .token = token);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_INVALID_PARAMETER);
	check(test, "Set with what is gone", call, false, machine->user);
}

/* M5, E3 */
static void group_less_set_returns_the_part_in_group_0(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	unsigned int legacy = nta_topology.legacy_group;
	u64 expected = 0;
	GROUP_AFFINITY first = {
		.Mask = nta_group_active(&nta_topology, legacy) &
			-nta_group_active(&nta_topology, legacy),
		.Group = legacy,
	};
	struct call *call;
	int i;

	for (i = 0; i < 2; i++)
		if (machine->both[i].Group == legacy)
			expected |= machine->both[i].Mask;
	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	call = CALL(.op = SET_EX, .with = &first);
	KUNIT_EXPECT_EQ(test, call->returned, expected);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "at the end", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* I2, I3: outputs and state at once, the move before the level is lowered. */
static void set_of_several_groups_at_dispatch_level(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test);
	struct call *call;

	note_user(test, machine);
	call = CALL(.op = SET_SEVERAL_RAISED, .with = machine->both, .count = 2,
		    .token = token);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, call->raised.entry.state.active);
	nta_check_mask(test, "raised", &call->raised.mask, machine->user);
	check(test, "lowered", call, true, machine->in_both);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "Revert", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* U3, U5: another's change is put back, and is the user affinity afterwards. */
static void change_by_others_is_put_back_and_remembered(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	struct nta_affinity c = nta_pick(test, 2);
	struct cpumask *in_c = nta_mask_of(test, &c), *seen = nta_mask(test);
	PAFFINITY_TOKEN token = make_token(test);
	struct call *call;

	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(machine->worker->task, in_c),
			0);
	KUNIT_EXPECT_TRUE(test, nta_wait_for_mask(machine->worker->task,
						  machine->in_both, seen));
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "Revert", call, false, in_c);
	PsFreeAffinityToken(token);
}

static void do_place_child(void *child)
{
	nta_place_child(child, false);
}

/* U9: neither group of its creator's is the child's. */
static void child_gets_the_user_affinity(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	struct nta_worker *child = nta_worker_make(test);
	struct cpumask *seen = nta_mask(test);
	PAFFINITY_TOKEN token = make_token(test);
	struct call *call;

	note_user(test, machine);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(child->task, machine->in_both),
			0);
	nta_worker_do(test, machine->worker, do_place_child, child->task);
	nta_wait_for_mask(child->task, machine->user, seen);
	nta_check_mask(test, "the child", seen, machine->user);
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "Revert", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* U6: all of it goes offline and comes back. */
static void processors_go_and_come_back(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_active_mask);
	GROUP_AFFINITY last = {
		.Mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu)),
		.Group = nta_cpu_group(&nta_topology, cpu),
	};
	struct machine *machine = make_machine(test);
	struct cpumask *seen = nta_mask(test);
	PAFFINITY_TOKEN token = make_token(test);
	struct call *call;
	int ret;

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	note_user(test, machine);
	call = CALL(.op = SET_SEVERAL, .with = &last, .count = 1, .token = token);
	check(test, "Set", call, true, cpumask_of(cpu));

	ret = remove_cpu(cpu);
	if (!ret) {
		call = CALL(.op = SET, .with = &last);
		KUNIT_EXPECT_TRUE(test, call->look.entry.state.active);
		KUNIT_EXPECT_NE(test, call->look.cpu, cpu);
		ret = add_cpu(cpu);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	nta_wait_for_mask(machine->worker->task, cpumask_of(cpu), seen);
	nta_check_mask(test, "put back", seen, cpumask_of(cpu));
	call = CALL(.op = REVERT_SEVERAL, .token = token);
	check(test, "Revert", call, false, machine->user);
	PsFreeAffinityToken(token);
}

/* M3, U6: what was in force is so again, though its processor is away. */
static void outer_affinity_whose_processors_went_is_waited_for(struct kunit *test)
{
	unsigned int cpu = cpumask_last(cpu_active_mask);
	GROUP_AFFINITY last = {
		.Mask = BIT_ULL(nta_cpu_number(&nta_topology, cpu)),
		.Group = nta_cpu_group(&nta_topology, cpu),
	};
	struct machine *machine = make_machine(test);
	struct cpumask *seen = nta_mask(test);
	PAFFINITY_TOKEN token = make_token(test), outer = make_token(test);
	struct call *call;
	int ret, round;

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "needs CONFIG_HOTPLUG_CPU");
	note_user(test, machine);
	/* Of one group, and of several. */
	for (round = 0; round < 2; round++) {
		if (round)
			CALL(.op = SET_SEVERAL, .with = &last, .count = 1,
			     .token = outer);
		else
			CALL(.op = SET, .with = &last);
		call = CALL(.op = SET_SEVERAL, .with = machine->both, .count = 1,
			    .token = token);
		check(test, "inner Set", call, true, machine->in_a);

		ret = remove_cpu(cpu);
		call = CALL(.op = REVERT_SEVERAL, .token = token);
		KUNIT_EXPECT_TRUE(test, call->look.entry.state.active);
		KUNIT_EXPECT_EQ(test, call->look.entry.state.system.group,
				round ? NTA_SEVERAL_GROUPS : last.Group);
		if (!ret)
			ret = add_cpu(cpu);
		KUNIT_EXPECT_EQ(test, ret, 0);
		nta_wait_for_mask(machine->worker->task, cpumask_of(cpu), seen);
		nta_check_mask(test, "back", seen, cpumask_of(cpu));
		call = CALL(.op = REVERT, .with = &(GROUP_AFFINITY){});
		check(test, "Revert", call, false, machine->user);
	}
	PsFreeAffinityToken(outer);
	PsFreeAffinityToken(token);
}

/* U8: the end of a thread unwinds its tokens, the freed ones too. */
static void end_of_a_thread_unwinds_its_tokens(struct kunit *test)
{
	struct machine *machine = make_machine(test);
	struct machine *next = make_machine(test);
	PAFFINITY_TOKEN token = make_token(test), freed = make_token(test);
	const struct task_struct *task = machine->worker->task;
	struct call *call;

	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = token);
	CALL(.op = SET_SEVERAL, .with = machine->both, .count = 2, .token = freed);
	PsFreeAffinityToken(freed);
	nta_worker_forget(machine->worker);
	KUNIT_ASSERT_TRUE(test, nta_wait_forgotten(task));

	call = CALL_ON(next, .op = SET_SEVERAL, .with = next->both, .count = 2,
		       .token = token);
	KUNIT_EXPECT_EQ(test, call->status, STATUS_SUCCESS);
	CALL_ON(next, .op = REVERT_SEVERAL, .token = token);
	PsFreeAffinityToken(token);
}

static struct kunit_case ps_cases[] = {
	KUNIT_CASE(tokens_are_made_and_freed),
	KUNIT_CASE(set_of_several_groups_is_their_union),
	KUNIT_CASE_PARAM(bad_set_of_several_groups_changes_nothing,
			 bad_set_gen_params),
	KUNIT_CASE(one_group_nests_in_several),
	KUNIT_CASE(storport_forms_nest_in_several),
	KUNIT_CASE(families_unwind_exactly),
	KUNIT_CASE(outer_revert_unwinds_inner_tokens),
	KUNIT_CASE(token_of_another_thread_is_nothing),
	KUNIT_CASE(token_freed_in_force_stays_until_unwound),
	KUNIT_CASE(group_less_set_returns_the_part_in_group_0),
	KUNIT_CASE(set_of_several_groups_at_dispatch_level),
	KUNIT_CASE(change_by_others_is_put_back_and_remembered),
	KUNIT_CASE(child_gets_the_user_affinity),
	KUNIT_CASE(processors_go_and_come_back),
	KUNIT_CASE(outer_affinity_whose_processors_went_is_waited_for),
	KUNIT_CASE(end_of_a_thread_unwinds_its_tokens),
	{}
};

static struct kunit_suite ps_suite = {
	.name = "nta_ps",
	.test_cases = ps_cases,
};

kunit_test_suite(ps_suite);
