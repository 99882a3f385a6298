// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that change the calling thread's affinity, and what is checked after
 * each: outputs whole, the level, the state by what the next Previous says, and
 * where the thread is, as far as the rules promise it.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat.h"
#include "torture.h"

/* What a call is to come to; from before it. @mask: what the kernel had then. */
struct call {
	const char *what;
	struct torture_window window;
	struct nta_affinity asked;
	enum nta_reason reason;
	struct nta_state next;
	bool acts;
	unsigned int depth;
	u64 mask;
};

/* --- checks --- */

void torture_check_level(struct torture_victim *victim)
{
	KIRQL level = KeGetCurrentIrql();

	if (level != victim->level)
		torture_fail(victim, "KeGetCurrentIrql() is %u and not %u",
			     level, victim->level);
}

static void check_active_place(struct torture_victim *victim, u64 mask,
			       unsigned int cpu)
{
	u64 want = torture_cpus_of(victim, &victim->state.system);
	bool inside = (want >> cpu & 1) && !(mask & ~want);
	bool exact;

	if (victim->bound) {
		if (!inside || mask != victim->bound)
			torture_fail(victim, "T2: runs on CPU %u with mask %#llx",
				     cpu, mask);
		torture_count(TORTURE_PLACE_BOUND);
		return;
	}
	/* U6, M3: it waits for a processor. */
	if (!(want & torture_active()))
		return;
	if (torture_is_quiet(victim, &victim->since)) {
		if (!inside ||
		    (!NTA_KERNEL_KEEPS_USER_MASK && mask != victim->installed &&
		     victim->installed))
			torture_fail(victim,
				     "S13, R8: runs on CPU %u with mask %#llx, and the system affinity is %#llx",
				     cpu, mask, want);
		victim->installed = mask;
		torture_count(TORTURE_PLACE_EXACT);
	} else if (torture_hotplug_since(&victim->since)) {
		if (!torture_is_undisturbed(victim, &victim->since) ||
		    !(victim->installed & torture_active() &
		      torture_untouched(&victim->since)))
			return;
		if (!inside)
			torture_fail(victim,
				     "U6: runs on CPU %u with mask %#llx, and the system affinity is %#llx",
				     cpu, mask, want);
		torture_count(TORTURE_PLACE_HOTPLUG);
	} else {
		if ((mask & ~want) &&
		    !torture_may_want(victim, victim->since.first, mask,
				      &exact) &&
		    !torture_hotplug_since(&victim->since))
			torture_fail(victim,
				     "the mask is %#llx, neither inside the system affinity %#llx nor user mode's",
				     mask, want);
		torture_count(TORTURE_PLACE_LOOSE);
	}
}

static void check_user_place(struct torture_victim *victim, u64 mask,
			     unsigned int cpu)
{
	bool calm = torture_is_undisturbed(victim, &victim->since);
	bool exact;

	if (!torture_may_want(victim, victim->since.first, mask, &exact)) {
		/* Cpusets follow hotplug when they find the time. */
		if (!calm && torture_hotplug_since(&victim->since))
			return;
		torture_fail(victim,
			     "U1: the mask is %#llx, and user mode wants %#llx",
			     mask,
			     victim->wants[(victim->next_want - 1) %
					   TORTURE_WANTS]);
	}
	if (torture_is_quiet(victim, &victim->since) && !(mask >> cpu & 1))
		torture_fail(victim, "R8: runs on CPU %u with mask %#llx", cpu,
			     mask);
	torture_count(exact ? TORTURE_USER_EXACT : TORTURE_USER_LOOSE);
}

/* Where the thread is, if it has been placed for its state. */
void torture_check_place(struct torture_victim *victim)
{
	unsigned int cpu;
	u64 mask;

	if (!victim->sure)
		return;
	mask = torture_mask_of(current);
	cpu = raw_smp_processor_id();
	if (victim->state.active)
		check_active_place(victim, mask, cpu);
	else
		check_user_place(victim, mask, cpu);
}

/* --- around a call --- */

static void begin(struct torture_victim *victim, struct call *call,
		  const char *what)
{
	call->what = what;
	call->window = torture_open(victim);
	call->next = victim->state;
	call->reason = NTA_OK;
	call->acts = false;
	call->depth = victim->depth;
	call->mask = torture_mask_of(current);
	if (torture_is_passive(victim))
		torture_count(TORTURE_CALL_PASSIVE);
	else if (victim->level < DISPATCH_LEVEL)
		torture_count(TORTURE_CALL_PINNED);
	else
		torture_count(victim->natives ? TORTURE_CALL_NATIVE :
						TORTURE_CALL_RAISED);
	/* S19: a call that may sleep ends running. */
	if (!torture_below(victim, 32) && torture_is_passive(victim))
		__set_current_state(TASK_INTERRUPTIBLE);
}

static void note(struct torture_victim *victim, const struct call *call)
{
	struct torture_entry *entry =
		&victim->log[victim->steps % TORTURE_LOG];

	*entry = (struct torture_entry){
		.what = call->what,
		.mask = call->asked.mask,
		.group = call->asked.group,
		.cpus = torture_mask_of(current),
		.cpu = raw_smp_processor_id(),
		.level = victim->level,
		.reason = call->reason,
		.state = victim->state,
		.number = victim->steps,
	};
}

/*
 * A processor came or went, so it is not certain which were active when the call
 * looked: begin anew.
 */
static void begin_anew(struct torture_victim *victim)
{
	torture_count(TORTURE_HOTPLUG_DOUBT);
	victim->since = torture_open(victim);
	KeRevertToUserAffinityThread();
	victim->state = (struct nta_state){};
	torture_pop(victim, 0);
	victim->sure = torture_is_passive(victim);
	victim->installed = 0;
}

/* T4: a thread with a deadline is not moved, but by a Revert to its user affinity. */
static void check_deadline(struct torture_victim *victim,
			   const struct call *call)
{
	u64 mask = torture_mask_of(current);
	bool exact;

	if (!victim->deadline || mask == call->mask)
		return;
	if (!call->reason && call->acts && !call->next.active &&
	    torture_may_want(victim, call->window.first, mask, &exact))
		return;
	torture_fail(victim, "T4: the mask is %#llx and was %#llx", mask,
		     call->mask);
}

/* Returns false if hotplug makes the outcome uncertain; then outputs are too. */
static bool end(struct torture_victim *victim, struct call *call)
{
	bool passive = torture_is_passive(victim);

	victim->steps++;
	atomic_long_inc(&torture_steps_taken);
	if (torture_hotplug_since(&call->window)) {
		note(victim, call);
		begin_anew(victim);
		return false;
	}
	if (call->reason)
		atomic_long_inc(&torture_refused[call->reason]);
	else
		victim->state = call->next;
	note(victim, call);

	check_deadline(victim, call);
	if (!call->reason && call->acts) {
		victim->since = call->window;
		victim->sure = passive;
		victim->installed = 0;
		if (victim->deadline)
			victim->installed = call->mask;
		else if (!NTA_KERNEL_KEEPS_USER_MASK)
			victim->installed =
				torture_cpus_of(victim, &victim->state.system);
	} else if (!call->reason && passive) {
		victim->sure = true;
	}
	torture_check_level(victim);
	if (passive && READ_ONCE(current->__state) != TASK_RUNNING)
		torture_fail(victim, "S19: the task state is %#x",
			     READ_ONCE(current->__state));
	if (passive)
		torture_check_place(victim);
	return true;
}

/* S2: all 16 bytes. */
static void check_previous(struct torture_victim *victim,
			   const GROUP_AFFINITY *previous,
			   const struct nta_affinity *expected)
{
	GROUP_AFFINITY whole = {
		.Mask = expected->mask,
		.Group = expected->group,
	};

	if (memcmp(previous, &whole, sizeof(whole)))
		torture_fail(victim,
			     "S3, S4: Previous is %*ph, expected %#llx in group %u",
			     (int)sizeof(*previous), previous, expected->mask,
			     expected->group);
}

/* --- what to ask for --- */

static struct nta_affinity choose_valid(struct torture_victim *victim,
					unsigned int group)
{
	struct nta_affinity affinity = { .group = group };
	u64 exist = torture_slice(cpumask_bits(cpu_possible_mask)[0], group);
	u64 active = torture_slice(torture_active(), group);

	affinity.mask = torture_random(victim) & exist;
	if (!(affinity.mask & active))
		affinity.mask = active & -active;
	if (!affinity.mask)
		affinity.mask = exist & -exist;
	return affinity;
}

static struct nta_affinity choose_bad(struct torture_victim *victim)
{
	unsigned int group = torture_below(victim, torture_groups());
	struct nta_affinity affinity = choose_valid(victim, group);
	u64 gone;

	switch (torture_below(victim, 5)) {
	case 0:
		affinity.group = torture_groups() + torture_below(victim, 5);
		break;
	case 1:
		affinity.group = NTA_SEVERAL_GROUPS - torture_below(victim, 2);
		break;
	case 2:
		affinity.mask |= 1ULL << torture_below(victim, 64);
		break;
	case 3:
		gone = torture_slice(cpumask_bits(cpu_possible_mask)[0] &
				     ~torture_active(), group);
		affinity.mask = gone;
		break;
	default:
		affinity.mask = 0;
	}
	return affinity;
}

static struct nta_affinity choose(struct torture_victim *victim)
{
	if (!torture_below(victim, 8))
		return choose_bad(victim);
	return choose_valid(victim, torture_below(victim, torture_groups()));
}

static struct nta_affinity choose_legacy(struct torture_victim *victim)
{
	struct nta_affinity affinity = choose(victim);

	if (affinity.group < torture_groups() && torture_below(victim, 8))
		affinity = choose_valid(victim, torture_legacy_group());
	affinity.group = torture_legacy_group();
	return affinity;
}

/* T2, T4: why a thread cannot go to @cpus, if it is not inside already. */
static enum nta_reason judge(const struct torture_victim *victim, u64 cpus)
{
	if (victim->bound & ~cpus)
		return NTA_BOUND_KTHREAD;
	if (victim->deadline && (torture_mask_of(current) & ~cpus))
		return NTA_DEADLINE;
	return NTA_OK;
}

/* --- Set --- */

/* @before: the reason that comes before what is asked for, if any. */
static void expect_set(struct torture_victim *victim, struct call *call,
		       enum nta_reason before)
{
	struct nta_affinity trimmed = {};

	call->reason = before ?: torture_trim(&call->asked, &trimmed);
	if (!call->reason)
		call->reason = judge(victim, torture_cpus_of(victim, &trimmed));
	if (call->reason)
		return;
	call->acts = true;
	call->next.active = true;
	call->next.system = trimmed;
	if (victim->state.active)
		torture_count(TORTURE_SET_NESTED);
}

static struct nta_affinity previous_of(const struct torture_victim *victim,
				       const struct call *call)
{
	if (call->reason || !victim->state.active)
		return (struct nta_affinity){};
	return victim->state.system;
}

static void save(struct torture_victim *victim, const GROUP_AFFINITY *previous)
{
	victim->saved[victim->saves++ % TORTURE_SAVED] = *previous;
}

static ULONG status_of(enum nta_reason reason)
{
	if (reason == NTA_BOUND_KTHREAD || reason == NTA_DEADLINE)
		return STOR_STATUS_UNSUCCESSFUL;
	return reason ? STOR_STATUS_INVALID_PARAMETER : STOR_STATUS_SUCCESS;
}

enum how { PLAIN, NO_PREVIOUS, IN_PLACE, OF_NULL, STOR, STOR_CONTEXT, STOR_BAD };

static const enum torture_kind set_kinds[] = {
	[PLAIN] = TORTURE_SET,
	[NO_PREVIOUS] = TORTURE_SET_NO_PREVIOUS,
	[IN_PLACE] = TORTURE_SET_IN_PLACE,
	[OF_NULL] = TORTURE_SET_NULL,
	[STOR] = TORTURE_STOR_SET,
	[STOR_CONTEXT] = TORTURE_STOR_CONTEXT,
	[STOR_BAD] = TORTURE_STOR_BAD,
};

/* Whom a StorPort call names. */
static void name(struct torture_victim *victim, enum how how, PVOID *adapter,
		 PVOID *context)
{
	*adapter = torture_adapter;
	*context = how == STOR_CONTEXT ? victim->context : NULL;
	if (how != STOR_BAD)
		return;
	switch (torture_below(victim, 4)) {
	case 0:
		*adapter = NULL;
		break;
	case 1:
		*adapter = NULL;
		*context = victim->context;
		break;
	case 2:
		*context = current;
		break;
	default:
		*context = (PVOID)(torture_random(victim) | 1ULL << 62);
	}
}

static void set(struct torture_victim *victim, enum how how)
{
	GROUP_AFFINITY input, previous, *to = &previous;
	PSTOR_GROUP_AFFINITY stor_input = (void *)&input;
	PVOID adapter = NULL, context = NULL;
	ULONG status = STOR_STATUS_SUCCESS;
	struct nta_affinity expected;
	struct call call = {};

	begin(victim, &call, "Set");
	call.asked = choose(victim);
	expect_set(victim, &call,
		   how == STOR_BAD ? NTA_BAD_CONTEXT :
		   how == OF_NULL ? NTA_NULL_POINTER : NTA_OK);
	expected = previous_of(victim, &call);

	memset(&input, TORTURE_POISON, sizeof(input));
	memset(&previous, TORTURE_POISON, sizeof(previous));
	input.Mask = call.asked.mask;
	input.Group = call.asked.group;
	switch (how) {
	case PLAIN:
		KeSetSystemGroupAffinityThread(&input, &previous);
		break;
	case NO_PREVIOUS:
		KeSetSystemGroupAffinityThread(&input, NULL);
		break;
	case IN_PLACE:
		to = &input;
		KeSetSystemGroupAffinityThread(to, to);
		break;
	case OF_NULL:
		KeSetSystemGroupAffinityThread(NULL, &previous);
		break;
	default:
		name(victim, how, &adapter, &context);
		status = StorPortSetSystemGroupAffinityThread(adapter, context,
							      stor_input,
							      (void *)&previous);
	}
	torture_count(set_kinds[how]);
	if (end(victim, &call)) {
		if (how != NO_PREVIOUS)
			check_previous(victim, to, &expected);
		if (how >= STOR && status != status_of(call.reason))
			torture_fail(victim, "P2: the status is %#x", status);
	}
	if (how != NO_PREVIOUS)
		save(victim, to);
	/* S20: nobody may remember where the input was. */
	memset(&input, 0xff, sizeof(input));
}

static void set_ex(struct torture_victim *victim, bool legacy)
{
	struct nta_affinity previous;
	KAFFINITY returned = 0, expected;
	struct call call = {};

	begin(victim, &call, legacy ? "KeSetSystemAffinityThread" : "SetEx");
	call.asked = choose_legacy(victim);
	expect_set(victim, &call, NTA_OK);
	previous = previous_of(victim, &call);
	/* E3, M5 */
	expected = previous.mask;
	if (previous.group == NTA_SEVERAL_GROUPS)
		expected = torture_slice(torture_cpus_of(victim, &previous),
					 torture_legacy_group());
	if (legacy)
		KeSetSystemAffinityThread(call.asked.mask);
	else
		returned = KeSetSystemAffinityThreadEx(call.asked.mask);
	torture_count(legacy ? TORTURE_SET_LEGACY : TORTURE_SET_EX);
	if (!end(victim, &call) || legacy)
		return;
	if (returned != expected)
		torture_fail(victim, "E1: returned %#llx, expected %#llx",
			     returned, expected);
	save(victim, &(GROUP_AFFINITY){
		.Mask = returned,
		.Group = torture_legacy_group(),
	});
}

/* --- Revert --- */

static void expect_user(struct torture_victim *victim, struct call *call)
{
	if (!victim->state.active) {
		torture_count(TORTURE_REVERT_NOTHING);
		return;
	}
	call->acts = true;
	call->next = (struct nta_state){};
	call->depth = 0;
}

static void expect_revert(struct torture_victim *victim, struct call *call,
			  enum nta_reason before)
{
	struct nta_affinity trimmed = {};
	struct torture_token *token;

	call->reason = before;
	if (before)
		return;
	if (!call->asked.mask) {
		expect_user(victim, call);
		return;
	}
	if (call->asked.group == NTA_SEVERAL_GROUPS) {
		token = torture_filled(victim, call->asked.mask);
		call->reason = token ? NTA_OK : NTA_BAD_TOKEN;
		if (!token)
			return;
		trimmed = call->asked;
		call->depth = torture_place_of(victim, token) + 1;
		torture_count(TORTURE_REVERT_TOKEN);
	} else {
		call->reason = torture_trim(&call->asked, &trimmed);
		if (call->reason)
			return;
		if (!victim->state.active && !torture_observed) {
			torture_count(TORTURE_REVERT_NOTHING);
			return;
		}
	}
	call->reason = judge(victim, torture_cpus_of(victim, &trimmed));
	if (call->reason)
		return;
	call->acts = true;
	call->next.active = true;
	call->next.system = trimmed;
}

/* What was set inside is unwound with it. */
static bool end_revert(struct torture_victim *victim, struct call *call)
{
	if (!end(victim, call))
		return false;
	if (!call->reason)
		torture_pop(victim, call->depth);
	return true;
}

static GROUP_AFFINITY choose_previous(struct torture_victim *victim)
{
	struct nta_affinity affinity = {};
	unsigned int i;

	switch (torture_below(victim, 8)) {
	case 0:
		affinity = choose(victim);
		torture_count(TORTURE_REVERT_BOGUS);
		break;
	case 1:
		affinity.group = torture_random(victim);
		torture_count(TORTURE_REVERT_USER);
		break;
	case 2:
		i = torture_below(victim, TORTURE_TOKENS);
		affinity.mask = (uintptr_t)victim->tokens[i].id;
		affinity.group = NTA_SEVERAL_GROUPS;
		break;
	default:
		/* Most often the newest. */
		i = victim->saves - 1;
		if (!torture_below(victim, 3))
			i = torture_random(victim);
		torture_count(TORTURE_REVERT_SAVED);
		if (victim->saves)
			return victim->saved[i % TORTURE_SAVED];
	}
	return (GROUP_AFFINITY){ .Mask = affinity.mask, .Group = affinity.group };
}

static void revert(struct torture_victim *victim, enum how how)
{
	PVOID adapter = NULL, context = NULL;
	ULONG status = STOR_STATUS_SUCCESS;
	GROUP_AFFINITY input;
	struct call call = {};

	begin(victim, &call, "Revert");
	input = choose_previous(victim);
	memset(input.Reserved, TORTURE_POISON, sizeof(input.Reserved));
	call.asked.mask = input.Mask;
	call.asked.group = input.Group;
	expect_revert(victim, &call,
		      how == STOR_BAD ? NTA_BAD_CONTEXT :
		      how == OF_NULL ? NTA_NULL_POINTER : NTA_OK);
	if (how == OF_NULL) {
		KeRevertToUserGroupAffinityThread(NULL);
		torture_count(TORTURE_REVERT_NULL);
	} else if (how >= STOR) {
		name(victim, how, &adapter, &context);
		status = StorPortRevertToUserGroupAffinityThread(adapter,
								 context,
								 (void *)&input);
		torture_count(TORTURE_STOR_REVERT);
	} else {
		KeRevertToUserGroupAffinityThread(&input);
	}
	if (end_revert(victim, &call) && how >= STOR &&
	    status != status_of(call.reason))
		torture_fail(victim, "P3: the status is %#x", status);
	memset(&input, 0xff, sizeof(input));
}

static void revert_ex(struct torture_victim *victim)
{
	struct call call = {};

	begin(victim, &call, "RevertEx");
	call.asked.group = torture_legacy_group();
	switch (torture_below(victim, 4)) {
	case 0:
		break;
	case 1:
		call.asked.mask = choose_legacy(victim).mask;
		break;
	default:
		call.asked.mask =
			victim->saved[(victim->saves - 1) % TORTURE_SAVED].Mask;
	}
	expect_revert(victim, &call, NTA_OK);
	KeRevertToUserAffinityThreadEx(call.asked.mask);
	torture_count(TORTURE_REVERT_EX);
	end_revert(victim, &call);
}

void torture_revert_user(struct torture_victim *victim)
{
	struct call call = {};

	begin(victim, &call, "KeRevertToUserAffinityThread");
	expect_user(victim, &call);
	KeRevertToUserAffinityThread();
	torture_count(TORTURE_REVERT_LEGACY);
	end_revert(victim, &call);
}

/* --- several groups --- */

static enum nta_reason trim_several(const GROUP_AFFINITY *asked,
				    unsigned int count, u64 *cpus)
{
	struct nta_affinity one, trimmed = {};
	enum nta_reason reason;
	unsigned int i;
	u64 there;

	if (!count || count > torture_groups())
		return NTA_BAD_COUNT;
	for (i = 0; i < count; i++) {
		one = (struct nta_affinity){
			.mask = asked[i].Mask,
			.group = asked[i].Group,
		};
		reason = torture_trim(&one, &trimmed);
		if (reason)
			return reason;
		there = torture_slice(*cpus, trimmed.group);
		if (there)
			return NTA_SAME_GROUP;
		*cpus |= trimmed.mask << (trimmed.group * torture_groupsize);
	}
	return NTA_OK;
}

static void check_status(struct torture_victim *victim, const struct call *call,
			 NTSTATUS status)
{
	NTSTATUS expected = call->reason ? STATUS_INVALID_PARAMETER :
					   STATUS_SUCCESS;

	if (call->reason == NTA_BOUND_KTHREAD || call->reason == NTA_DEADLINE)
		expected = STATUS_UNSUCCESSFUL;
	if (status != expected)
		torture_fail(victim, "M2: the status is %#x, expected %#x",
			     status, expected);
}

#define MOST_GROUPS 8

static void ps_set(struct torture_victim *victim)
{
	unsigned int first = torture_below(victim, torture_groups());
	struct torture_token *token =
		&victim->tokens[torture_below(victim, TORTURE_TOKENS)];
	GROUP_AFFINITY asked[MOST_GROUPS];
	unsigned int i, count, groups = min(torture_groups(), MOST_GROUPS + 0U);
	struct nta_affinity one;
	struct call call = {};
	NTSTATUS status;
	bool is_null;
	u64 cpus = 0;

	/* One that was freed while filled stays until it is unwound. */
	if (!token->id) {
		status = PsAllocateAffinityToken(&token->id);
		if (status != (torture_may_lock() ?
				       STATUS_SUCCESS :
				       STATUS_INSUFFICIENT_RESOURCES) ||
		    !token->id != !!status)
			torture_fail(victim, "M1: the status is %#x", status);
		if (status)
			return;
		token->there = true;
		WRITE_ONCE(torture_some_token, token->id);
	}
	begin(victim, &call, "PsSet");
	memset(asked, TORTURE_POISON, sizeof(asked));
	count = 1 + torture_below(victim, groups);
	for (i = 0; i < count; i++) {
		one = choose_valid(victim, (first + i) % groups);
		/* A group twice, or what no Set takes. */
		if (!torture_below(victim, 16))
			one = choose(victim);
		asked[i].Mask = one.mask;
		asked[i].Group = one.group;
	}
	if (!torture_below(victim, 16))
		count = torture_below(victim, 2) ? 0 : torture_groups() + 1;
	is_null = !torture_below(victim, 64);

	call.asked.mask = (uintptr_t)token->id;
	call.asked.group = NTA_SEVERAL_GROUPS;
	if (is_null)
		call.reason = NTA_NULL_POINTER;
	else if (token->filled || !token->there)
		call.reason = NTA_BAD_TOKEN;
	else
		call.reason = trim_several(asked, count, &cpus) ?:
			      judge(victim, cpus);
	if (!call.reason) {
		token->saved = victim->state;
		token->cpus = cpus;
		call.acts = true;
		call.next.active = true;
		call.next.system = call.asked;
	}
	status = PsSetSystemMultipleGroupAffinityThread(is_null ? NULL : asked,
							count, token->id);
	torture_count(TORTURE_PS_SET);
	if (!end(victim, &call))
		return;
	if (!call.reason)
		torture_push(victim, token);
	check_status(victim, &call, status);
}

static void ps_revert(struct torture_victim *victim)
{
	struct torture_token *token =
		&victim->tokens[torture_below(victim, TORTURE_TOKENS)];
	PAFFINITY_TOKEN id = token->id;
	struct call call = {};
	unsigned int i;

	begin(victim, &call, "PsRevert");
	/* Another thread's: nothing, whatever that does with it now. */
	if (!torture_below(victim, 8)) {
		id = READ_ONCE(torture_some_token);
		for (i = 0; i < TORTURE_TOKENS; i++) {
			if (victim->tokens[i].id == id)
				id = NULL;
		}
		torture_count(TORTURE_PS_OTHERS);
	}
	call.asked.mask = (uintptr_t)id;
	call.asked.group = NTA_SEVERAL_GROUPS;
	token = id ? torture_filled(victim, call.asked.mask) : NULL;
	if (!token) {
		call.reason = NTA_BAD_TOKEN;
	} else if (!token->saved.active) {
		expect_user(victim, &call);
	} else {
		call.reason = judge(victim, torture_cpus_of(victim,
							    &token->saved.system));
		call.acts = true;
		call.next = token->saved;
		call.depth = torture_place_of(victim, token);
	}
	PsRevertToUserMultipleGroupAffinityThread(id);
	torture_count(TORTURE_PS_REVERT);
	end_revert(victim, &call);
}

static void free_token(struct torture_victim *victim,
		       struct torture_token *token)
{
	if (!token->there)
		atomic_long_inc(&torture_refused[NTA_BAD_TOKEN]);
	PsFreeAffinityToken(token->id);
	torture_count(TORTURE_PS_FREE);
	if (token->there && token->filled)
		torture_count(TORTURE_PS_FREE_FILLED);
	token->there = false;
	if (!token->filled)
		token->id = NULL;
}

void torture_free_tokens(struct torture_victim *victim)
{
	unsigned int i;

	for (i = 0; i < TORTURE_TOKENS; i++) {
		if (victim->tokens[i].there)
			free_token(victim, &victim->tokens[i]);
	}
}

/* --- one of them --- */

void torture_call(struct torture_victim *victim)
{
	switch (torture_below(victim, 40)) {
	case 0 ... 7:
		set(victim, PLAIN);
		break;
	case 8:
	case 9:
		set(victim, NO_PREVIOUS);
		break;
	case 10:
	case 11:
		set(victim, IN_PLACE);
		break;
	case 12:
		set(victim, torture_below(victim, 4) ? PLAIN : OF_NULL);
		break;
	case 13 ... 20:
		revert(victim, PLAIN);
		break;
	case 21:
		revert(victim, torture_below(victim, 4) ? PLAIN : OF_NULL);
		break;
	case 22:
	case 23:
		set_ex(victim, false);
		break;
	case 24:
	case 25:
		revert_ex(victim);
		break;
	case 26:
		set_ex(victim, true);
		break;
	case 27:
		torture_revert_user(victim);
		break;
	case 28 ... 30:
		ps_set(victim);
		break;
	case 31 ... 33:
		ps_revert(victim);
		break;
	case 34:
		free_token(victim,
			   &victim->tokens[torture_below(victim, TORTURE_TOKENS)]);
		break;
	case 35:
	case 36:
		set(victim, victim->context ? STOR_CONTEXT : STOR);
		break;
	case 37:
		revert(victim, victim->context ? STOR_CONTEXT : STOR);
		break;
	case 38:
		set(victim, STOR);
		break;
	default:
		if (torture_below(victim, 2))
			set(victim, STOR_BAD);
		else
			revert(victim, STOR_BAD);
	}
}
