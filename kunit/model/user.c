// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/affinity.c, topology.h and topology.c beside the model, in user space: random
 * histories of one thread on random machines, some of whose processors come and go
 * meanwhile.
 *
 *	model [HISTORIES [SEED]]
 *
 * What the rooms above affinity.c do, which is to keep tokens, is taken from the
 * model here. module.c has those too.
 */
#include "affinity.h"
#include "history.h"
#include "hotplug.h"
#include "topology.h"

unsigned int nr_cpu_ids;

/* How often each call comes. */
static const unsigned char calls[STEP_CALLS] = {
	[STEP_SET] = 8,
	[STEP_REVERT] = 5,
	[STEP_SET_EX] = 2,
	[STEP_REVERT_EX] = 2,
	[STEP_REVERT_LEGACY] = 1,
	[STEP_SET_SEVERAL] = 2,
	[STEP_REVERT_SEVERAL] = 1,
	[STEP_MAKE_TOKEN] = 1,
	[STEP_CPU_COMES] = 1,
	[STEP_CPU_GOES] = 1,
};

static const enum nta_reason reason_of[MODEL_VERDICTS] = {
	[MODEL_DONE] = NTA_OK,
	[MODEL_NO_GROUP] = NTA_BAD_GROUP,
	[MODEL_STRAY] = NTA_STRAY_BITS,
	[MODEL_ZERO] = NTA_ZERO_MASK,
	[MODEL_NEVER_ACTIVE] = NTA_NOT_ACTIVE,
	[MODEL_OFFLINE] = NTA_OFFLINE,
	[MODEL_BAD_COUNT] = NTA_BAD_COUNT,
	[MODEL_TWICE] = NTA_SAME_GROUP,
	/* affinity.c has no tokens: to it that is no group. */
	[MODEL_BAD_TOKEN] = NTA_BAD_GROUP,
};

static const enum nta_action action_of[] = {
	[MODEL_STAYS] = NTA_DO_NOTHING,
	[MODEL_TO_SYSTEM] = NTA_DO_PLACE_SYSTEM,
	[MODEL_TO_USER] = NTA_DO_PLACE_USER,
};

/* What was different, of the history that was run last. */
static char difference[200];

#define differ(...) (snprintf(difference, sizeof(difference), __VA_ARGS__), true)

/* --- both sides of one history --- */

struct run {
	struct model_machine machine;
	struct model_thread model;
	struct model_affinity saved[HISTORY_SLOTS];
	u64 number[HISTORY_TOKENS];
	u64 last_number;

	struct nta_topology topology;
	struct cpumask *possible;
	struct cpumask *active;
	struct cpumask *seen;
	enum nta_rules rules;
	struct nta_state state;
};

static struct cpumask *to_mask(const struct model_machine *machine, const bool *cpus)
{
	struct cpumask *mask = new_cpumask();
	unsigned int cpu;

	for (cpu = 0; cpu < machine->cpus; cpu++) {
		if (cpus[cpu])
			cpumask_set_cpu(cpu, mask);
	}
	return mask;
}

static void begin(struct run *run, const struct history *history)
{
	const struct model_machine *machine = &history->machine;
	unsigned int i;

	nr_cpu_ids = machine->cpus;
	machine_copy(&run->machine, machine);
	memset(&run->model, 0, sizeof(run->model));
	memset(run->number, 0, sizeof(run->number));
	run->last_number = 0;
	/* What nobody has written. */
	for (i = 0; i < HISTORY_SLOTS; i++) {
		run->saved[i].mask = 0xa5a5a5a5a5a5a5a5;
		run->saved[i].group = 0xa5a5;
	}

	run->possible = to_mask(machine, machine->possible);
	run->active = to_mask(machine, machine->active);
	run->seen = to_mask(machine, machine->seen);
	run->topology = (struct nta_topology){
		.possible = cpumask_bits(run->possible),
		.active = cpumask_bits(run->active),
		.seen = cpumask_bits(run->seen),
		.group_count = model_groups(machine),
		.group_shift = __builtin_ctz(machine->group_size),
		.legacy_group = machine->legacy_group,
	};
	run->rules = machine->observed ? NTA_RULES_OBSERVED : NTA_RULES_DOCUMENTED;
	run->state = (struct nta_state){};
}

static void end(struct run *run)
{
	free(run->possible);
	free(run->active);
	free(run->seen);
}

static struct nta_affinity as_ours(const struct model_affinity *affinity)
{
	return (struct nta_affinity){
		.mask = affinity->mask,
		.group = affinity->group,
	};
}

static bool same(const struct nta_affinity *ours, const struct model_affinity *model)
{
	return ours->mask == model->mask && ours->group == model->group;
}

static bool same_state(const struct nta_state *ours, const struct model_state *model)
{
	return ours->active == model->active &&
	       (!model->active || same(&ours->system, &model->system));
}

static bool compare(struct run *run, const struct nta_state *before,
		    const struct nta_outcome *seen,
		    const struct model_answer *expected)
{
	const struct model_affinity *system = &run->model.state.system;

	if (seen->reason != reason_of[expected->verdict])
		return differ("%s: reason %d, not %d", expected->rules, seen->reason,
			      reason_of[expected->verdict]);
	if (seen->action != action_of[expected->move])
		return differ("%s: action %d, not %d", expected->rules, seen->action,
			      action_of[expected->move]);
	if (!same(&seen->previous, &expected->previous))
		return differ("%s: Previous {%#lx, %u}, not {%#lx, %u}", expected->rules,
			      seen->previous.mask, seen->previous.group,
			      expected->previous.mask, expected->previous.group);
	if (!same_state(&seen->next, &run->model.state))
		return differ("%s: active %d, {%#lx, %u}, not %d, {%#lx, %u}",
			      expected->rules, seen->next.active,
			      seen->next.system.mask, seen->next.system.group,
			      run->model.state.active, system->mask, system->group);
	if (seen->action == NTA_DO_NOTHING && !nta_state_equal(&seen->next, before))
		return differ("%s: the state has changed", expected->rules);
	run->state = seen->next;
	return false;
}

/* Whether affinity.c is not asked: a token's affinity comes back in force. */
static bool is_token_s(const struct model_affinity *affinity,
		       const struct model_answer *answer)
{
	return affinity->mask && affinity->group == MODEL_SEVERAL &&
	       answer->verdict != MODEL_BAD_TOKEN;
}

static void take_from_model(struct run *run)
{
	run->state.active = run->model.state.active;
	run->state.system = as_ours(&run->model.state.system);
}

static bool do_set(struct run *run, const struct model_affinity *asked,
		   struct model_affinity *previous)
{
	struct nta_state before = run->state;
	struct nta_affinity ours = as_ours(asked);
	struct model_answer expected;
	struct nta_outcome seen;

	seen = nta_affinity_set(&run->topology, run->rules, &before, &ours);
	expected = model_set(&run->machine, &run->model, asked);
	*previous = expected.previous;
	return compare(run, &before, &seen, &expected);
}

static bool do_revert(struct run *run, const struct model_affinity *to)
{
	struct nta_state before = run->state;
	struct nta_affinity ours = as_ours(to);
	struct model_answer expected;
	struct nta_outcome seen;

	expected = model_revert(&run->machine, &run->model, to);
	if (is_token_s(to, &expected)) {
		take_from_model(run);
		return false;
	}
	seen = nta_affinity_revert(&run->topology, run->rules, &before, &ours);
	return compare(run, &before, &seen, &expected);
}

static bool compare_cpus(struct run *run, const struct cpumask *seen,
			 const char *rules)
{
	unsigned int cpu;

	for (cpu = 0; cpu < run->machine.cpus; cpu++) {
		bool expected = model_may_use(&run->machine, &run->model, cpu);

		if (cpumask_test_cpu(cpu, seen) != expected)
			return differ("%s: CPU %u is%s among them", rules, cpu,
				      expected ? " not" : "");
	}
	return false;
}

static bool do_set_several(struct run *run, const struct step *step, u64 number)
{
	struct model_affinity asked[MODEL_PARTS];
	unsigned int parts = step->parts, count = parts, i;
	struct nta_affinity *ours;
	struct model_answer expected;
	struct cpumask *trimmed;
	enum nta_reason reason;
	bool differs = false;

	if (step->count == COUNT_ZERO)
		count = 0;
	if (step->count == COUNT_TOO_MANY)
		count = model_groups(&run->machine) + 1;
	/* An array that ends where the count says, or of which nothing is read. */
	ours = malloc(parts * sizeof(*ours));
	for (i = 0; i < parts; i++) {
		asked[i] = step->part[i];
		ours[i] = as_ours(&asked[i]);
	}
	trimmed = new_cpumask();
	memset(cpumask_bits(trimmed), 0xa5, cpumask_words() * sizeof(long));

	expected = model_set_several(&run->machine, &run->model, asked, count, number);
	if (expected.verdict == MODEL_BAD_TOKEN)
		goto free;
	reason = nta_affinity_trim_several(&run->topology, run->rules, ours, count,
					   trimmed);
	if (reason != reason_of[expected.verdict])
		differs = differ("%s: reason %d, not %d", expected.rules, reason,
				 reason_of[expected.verdict]);
	else if (!reason)
		differs = compare_cpus(run, trimmed, expected.rules);
	take_from_model(run);
free:
	free(trimmed);
	free(ours);
	return differs;
}

static void change_processors(struct run *run, const struct step *step)
{
	struct model_machine *machine = &run->machine;
	bool comes = step->call == STEP_CPU_COMES;
	unsigned int cpu, count = 0;

	for (cpu = 0; cpu < machine->cpus; cpu++)
		count += machine->active[cpu];
	for (cpu = step->cpu; cpu < machine->cpus; cpu++) {
		if (machine->possible[cpu] && machine->active[cpu] != comes)
			break;
	}
	/* The last one stays. */
	if (cpu >= machine->cpus || (!comes && count == 1))
		return;
	machine->active[cpu] = comes;
	machine->seen[cpu] = true;
	if (comes)
		cpumask_set_cpu(cpu, run->active);
	else
		cpumask_clear_cpu(cpu, run->active);
	cpumask_set_cpu(cpu, run->seen);
}

/* One step on both sides. Returns whether they differ. */
static bool take(struct run *run, const struct step *step)
{
	struct model_affinity with = step->with, previous = {};
	unsigned int index = step->token % HISTORY_TOKENS;
	u64 number = run->number[index];
	bool differs = false;

	if (step->token >= HISTORY_TOKENS)
		number = run->last_number + 1;
	if (step->from >= 0)
		with = run->saved[step->from];

	switch (step->call) {
	case STEP_SET_EX:
		with.group = run->machine.legacy_group;
		fallthrough;
	case STEP_SET:
		differs = do_set(run, &with, &previous);
		if (step->save >= 0)
			run->saved[step->save] = previous;
		break;
	case STEP_REVERT_LEGACY:
		with.mask = 0;
		fallthrough;
	case STEP_REVERT_EX:
		with.group = run->machine.legacy_group;
		fallthrough;
	case STEP_REVERT:
		differs = do_revert(run, &with);
		break;
	case STEP_SET_SEVERAL:
		/* Else there would hardly ever be one. */
		if (!number && model_can_make_token(&run->model)) {
			number = ++run->last_number;
			run->number[index] = number;
			model_make_token(&run->model, number);
		}
		differs = do_set_several(run, step, number);
		break;
	case STEP_REVERT_SEVERAL:
		model_revert_several(&run->model, number);
		take_from_model(run);
		break;
	case STEP_MAKE_TOKEN:
		model_free_token(&run->model, number);
		run->number[index] = 0;
		break;
	default:
		change_processors(run, step);
	}
	return differs;
}

static bool differs(const struct history *history)
{
	static struct run run;
	bool different = false;
	unsigned int i;

	begin(&run, history);
	for (i = 0; i < history->count && !different; i++)
		different = take(&run, &history->step[i]);
	end(&run);
	return different;
}

static void print_line(const char *text)
{
	printf("# %s\n", text);
}

/* --- the inlines of topology.h --- */

/* What the inlines say of a cpumask, CPU by CPU. */
static bool looks_differ(const struct model_machine *machine, struct random *random)
{
	struct nta_topology topology = {
		.group_count = model_groups(machine),
		.group_shift = __builtin_ctz(machine->group_size),
	};
	unsigned int cpu = random_below(random, machine->cpus), other, number;
	unsigned int group = cpu / machine->group_size;
	bool any = false, inside = true, equal = true, different = false;
	struct cpumask *mask, *made;
	u64 bits, slice = 0;

	nr_cpu_ids = machine->cpus;
	if (nta_group_size(&topology) != machine->group_size ||
	    nta_cpu_group(&topology, cpu) != group ||
	    nta_cpu_number(&topology, cpu) != cpu % machine->group_size ||
	    nta_first_cpu(&topology, group) != group * machine->group_size)
		return differ("G1: groupsize %u, CPU %u", machine->group_size, cpu);

	mask = new_cpumask();
	made = new_cpumask();
	bits = random_bits(random) & random_bits(random);
	for (number = 0; number < 64; number++) {
		if (number >= machine->group_size ||
		    model_cpu(machine, group, number) >= machine->cpus)
			bits &= ~(1ULL << number);
	}

	/* One of: what the group has, less, more, anything. */
	switch (random_below(random, 4)) {
	case 0:
	case 1:
		for (number = 0; number < machine->group_size; number++) {
			if (bits >> number & 1 && random_below(random, 16))
				cpumask_set_cpu(model_cpu(machine, group, number), mask);
		}
		break;
	case 2:
		cpumask_set_cpu(cpu, mask);
		if (random_below(random, 2))
			bits = 1ULL << cpu % machine->group_size;
		break;
	default:
		break;
	}
	if (!random_below(random, 4))
		cpumask_set_cpu(random_below(random, machine->cpus), mask);

	for (other = 0; other < machine->cpus; other++) {
		bool in_mask = cpumask_test_cpu(other, mask), in_bits;

		number = other % machine->group_size;
		in_bits = other / machine->group_size == group && bits >> number & 1;
		any |= in_mask;
		inside &= in_bits || !in_mask;
		equal &= in_bits == in_mask;
		if (in_mask && other / machine->group_size == group)
			slice |= 1ULL << number;
	}
	if (nta_cpumask_inside(&topology, mask, group, bits) != (any && inside))
		different = differ("S1: inside, groupsize %u, {%#lx, %u}",
				   machine->group_size, bits, group);
	if (nta_cpumask_is(&topology, mask, group, bits) != (any && equal))
		different = differ("S1: equal, groupsize %u, {%#lx, %u}",
				   machine->group_size, bits, group);
	if (nta_group_slice(&topology, cpumask_bits(mask), group) != slice)
		different = differ("G1: slice, groupsize %u, {%#lx, %u}",
				   machine->group_size, slice, group);

	/* Added to what is there; alone. */
	nta_group_add(&topology, group, bits, mask);
	memset(cpumask_bits(made), 0xa5, cpumask_words() * sizeof(long));
	nta_group_to_cpumask(&topology, group, bits, made);
	for (other = 0; other < machine->cpus; other++) {
		bool in_bits = other / machine->group_size == group &&
			       bits >> other % machine->group_size & 1;

		if (cpumask_test_cpu(other, made) != in_bits ||
		    (in_bits && !cpumask_test_cpu(other, mask)))
			different = differ("S1: to a cpumask, groupsize %u, {%#lx, %u}",
					   machine->group_size, bits, group);
	}
	free(mask);
	free(made);
	return different;
}

int main(int argc, char **argv)
{
	unsigned long histories = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1, i;
	unsigned long steps = 0, done = 0;
	static struct history history, scratch;
	struct random random;
	const char *text;

	for (i = 0; i < histories; i++) {
		random_seed(&random, seed + i);
		machine_random(&history.machine, &random);
		history_random(&history, &random, calls);
		steps += history.count;
		if (differs(&history)) {
			history_shorten(&history, &scratch, true, differs);
			differs(&history);
			printf("not ok 1 - affinity.c does what the model does\n");
			printf("# seed %lu: the last step of\n", seed + i);
			history_print(&history, print_line);
			printf("# %s\n", difference);
			return 1;
		}
		done += history.count;
		if (looks_differ(&history.machine, &random)) {
			printf("not ok 2 - topology.h does what the model does\n");
			printf("# seed %lu: %s\n", seed + i, difference);
			return 1;
		}
		if (hotplug_differs(&history.machine, &random, &text)) {
			printf("not ok 3 - topology.c does what the model does\n");
			printf("# seed %lu: %s\n", seed + i, text);
			return 1;
		}
	}
	if (!done)
		return 1;
	printf("ok 1 - affinity.c does what the model does: %lu histories, %lu steps\n",
	       histories, steps);
	printf("ok 2 - topology.h does what the model does\n");
	printf("ok 3 - topology.c does what the model does\n");
	return 0;
}
