// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random histories, see history.h.
 */
#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/string.h>
#endif

#include "history.h"

/* --- numbers --- */

void random_seed(struct random *random, u64 seed)
{
	unsigned int i;

	/* Neighbours among the seeds are to begin differently; 0 would stay 0. */
	random->state = seed * 0x9e3779b97f4a7c15ULL + 0x1234567ULL;
	if (!random->state)
		random->state = 1;
	for (i = 0; i < 4; i++)
		random_bits(random);
}

u64 random_bits(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545f4914f6cdd1dULL;
}

unsigned int random_below(struct random *random, unsigned int limit)
{
	return (random_bits(random) >> 32) * limit >> 32;
}

static bool one_in(struct random *random, unsigned int times)
{
	return !random_below(random, times);
}

/* --- machines --- */

void machine_copy(struct model_machine *to, const struct model_machine *from)
{
	to->group_size = from->group_size;
	to->cpus = from->cpus;
	to->legacy_group = from->legacy_group;
	to->observed = from->observed;
	memcpy(to->possible, from->possible, from->cpus * sizeof(from->possible[0]));
	memcpy(to->active, from->active, from->cpus * sizeof(from->active[0]));
	memcpy(to->seen, from->seen, from->cpus * sizeof(from->seen[0]));
}

static unsigned int random_cpus(struct random *random)
{
	switch (random_below(random, 64)) {
	case 0:
		return MODEL_CPUS - random_below(random, 100);
	case 1 ... 3:
		return 1 + random_below(random, 1024);
	case 4 ... 20:
		return 1 + random_below(random, 200);
	case 21 ... 40:
		return 1 + random_below(random, 64);
	default:
		return 1 + random_below(random, 12);
	}
}

/* At least one CPU is active, and the last one is possible. */
void machine_random(struct model_machine *machine, struct random *random)
{
	unsigned int possible, active, seen, cpu, groups, group, gap;

	machine->cpus = random_cpus(random);
	do {
		machine->group_size = 1U << random_below(random, 7);
		groups = model_groups(machine);
	} while (machine->cpus > 1024 && groups > 128);
	machine->observed = one_in(random, 2);

	/* In eighths. */
	possible = one_in(random, 2) ? 8 : 1 + random_below(random, 8);
	active = one_in(random, 2) ? 8 : random_below(random, 9);
	seen = one_in(random, 2) ? 0 : random_below(random, 9);
	gap = one_in(random, 4) ? random_below(random, groups) : groups;
	for (cpu = 0; cpu < machine->cpus; cpu++) {
		u64 bits = random_bits(random);

		machine->possible[cpu] = cpu == machine->cpus - 1 ||
			((bits >> 40) % 8 < possible &&
			 cpu / machine->group_size != gap);
		machine->active[cpu] = machine->possible[cpu] &&
				       (bits >> 48) % 8 < active;
		machine->seen[cpu] = machine->active[cpu] ||
			(machine->possible[cpu] && (bits >> 56) % 8 < seen);
	}
	cpu = random_below(random, machine->cpus);
	while (!machine->possible[cpu])
		cpu++;
	machine->active[cpu] = true;
	machine->seen[cpu] = true;

	group = one_in(random, 4) ? cpu / machine->group_size : 0;
	machine->legacy_group = group;
}

/* --- histories --- */

static unsigned int random_group(const struct model_machine *machine,
				 struct random *random)
{
	unsigned int groups = model_groups(machine);

	switch (random_below(random, 16)) {
	case 0:
		return groups;
	case 1:
		return MODEL_SEVERAL - random_below(random, 2);
	case 2:
		return random_bits(random) & 0xffff;
	default:
		return random_below(random, groups);
	}
}

static u64 bits_of(const struct model_machine *machine, const bool *cpus,
		   unsigned int group)
{
	unsigned int number;
	u64 mask = 0;

	for (number = 0; number < 64; number++) {
		if (model_has(machine, cpus, group, number))
			mask |= 1ULL << number;
	}
	return mask;
}

static u64 random_mask(const struct model_machine *machine, unsigned int group,
		       struct random *random)
{
	u64 possible = bits_of(machine, machine->possible, group);
	u64 active = bits_of(machine, machine->active, group);
	u64 bits = random_bits(random);

	switch (random_below(random, 16)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return bits;
	case 3:
		return 1ULL << random_below(random, 64);
	case 4:
		return possible & ~active;
	case 5:
		return possible | 1ULL << random_below(random, 64);
	case 6:
		return possible;
	case 7:
		return possible & bits;
	case 8:
		return 1ULL << random_below(random, machine->group_size);
	case 9:
		return active;
	default:
		/* One or more that will do. */
		while (active & bits)
			active &= bits, bits = random_bits(random);
		return active;
	}
}

static struct model_affinity random_affinity(const struct model_machine *machine,
					     struct random *random)
{
	struct model_affinity affinity;

	affinity.group = random_group(machine, random);
	affinity.mask = random_mask(machine, affinity.group, random);
	return affinity;
}

static enum step_call random_call(struct random *random, const unsigned char *calls)
{
	unsigned int sum = 0, call;
	unsigned int left;

	for (call = 0; call < STEP_CALLS; call++)
		sum += calls[call];
	left = random_below(random, sum);
	for (call = 0; left >= calls[call]; call++)
		left -= calls[call];
	return call;
}

static void random_step(const struct model_machine *machine, struct step *step,
			struct random *random, const unsigned char *calls)
{
	unsigned int i;

	memset(step, 0, sizeof(*step));
	step->call = random_call(random, calls);
	step->save = (int)random_below(random, HISTORY_SLOTS + 1) - 1;
	step->from = -1;
	step->with = random_affinity(machine, random);
	step->cpu = random_below(random, machine->cpus);
	step->token = random_below(random, HISTORY_TOKENS);
	if (one_in(random, 16))
		step->token += HISTORY_TOKENS;

	switch (step->call) {
	case STEP_REVERT:
	case STEP_REVERT_EX:
	case STEP_STOR_REVERT:
		if (!one_in(random, 3))
			step->from = random_below(random, HISTORY_SLOTS);
		else if (one_in(random, 3))
			step->with.mask = 0;
		break;
	case STEP_SET_SEVERAL:
		step->parts = 1 + random_below(random, MODEL_PARTS);
		for (i = 0; i < step->parts; i++) {
			step->part[i] = random_affinity(machine, random);
			/* Else hardly any would be valid in all parts. */
			if (!one_in(random, 8)) {
				step->part[i].group = (step->with.group + i) %
						      model_groups(machine);
				step->part[i].mask =
					random_mask(machine, step->part[i].group,
						    random) &
					bits_of(machine, machine->possible,
						step->part[i].group);
			}
		}
		if (one_in(random, 12))
			step->count = 1 + random_below(random, COUNT_OF_NULL);
		break;
	default:
		if (one_in(random, 8))
			step->from = random_below(random, HISTORY_SLOTS);
	}
}

void history_random(struct history *history, struct random *random,
		    const unsigned char *calls)
{
	unsigned int i;

	history->count = 1 + random_below(random, HISTORY_STEPS);
	for (i = 0; i < history->count; i++)
		random_step(&history->machine, &history->step[i], random, calls);
}

/* --- the shortest --- */

static void history_copy(struct history *to, const struct history *from)
{
	machine_copy(&to->machine, &from->machine);
	to->count = from->count;
	memcpy(to->step, from->step, from->count * sizeof(from->step[0]));
}

static bool remove_step(struct history *history, unsigned int i)
{
	if (i >= history->count)
		return false;
	history->count--;
	memmove(&history->step[i], &history->step[i + 1],
		(history->count - i) * sizeof(history->step[0]));
	return true;
}

static bool simpler_mask(u64 *mask, unsigned int how)
{
	u64 before = *mask;

	switch (how) {
	case 0:
		*mask &= -*mask;
		break;
	case 1:
		*mask &= 0xff;
		break;
	case 2:
		*mask &= *mask - 1;
		break;
	case 3:
		*mask = 1;
		break;
	}
	return *mask != before && *mask;
}

/* The calls that do the same, and which is the plainest of them. */
static enum step_call plainest(enum step_call call)
{
	switch (call) {
	case STEP_SET_IN_PLACE:
	case STEP_SET_NO_PREVIOUS:
	case STEP_SET_EX:
	case STEP_SET_LEGACY:
	case STEP_STOR_SET:
		return STEP_SET;
	case STEP_REVERT_EX:
	case STEP_REVERT_LEGACY:
	case STEP_STOR_REVERT:
		return STEP_REVERT;
	default:
		return call;
	}
}

#define SIMPLER_STEPS 15

static bool simplify_step(struct step *step, unsigned int how)
{
	unsigned int i;

	switch (how) {
	case 0:
		if (step->call == plainest(step->call))
			return false;
		step->call = plainest(step->call);
		return true;
	case 1:
		if (step->from < 0)
			return false;
		step->from = -1;
		return true;
	case 2:
		if (step->save < 0)
			return false;
		step->save = -1;
		return true;
	case 3:
		if (!step->with.group)
			return false;
		step->with.group = 0;
		return true;
	case 4 ... 7:
		return simpler_mask(&step->with.mask, how - 4);
	case 8:
		if (step->parts < 2)
			return false;
		step->parts--;
		return true;
	case 9:
		if (step->parts < 2)
			return false;
		step->parts--;
		memmove(&step->part[0], &step->part[1],
			step->parts * sizeof(step->part[0]));
		return true;
	case 10 ... 13:
		return step->parts && simpler_mask(&step->part[0].mask, how - 10);
	default:
		for (i = 0; i < step->parts; i++) {
			if (!step->part[i].group)
				return false;
		}
		for (i = 0; i < step->parts; i++)
			step->part[i].group--;
		return step->parts;
	}
}

static bool all_like(bool *cpus, const bool *as, unsigned int count)
{
	if (!memcmp(cpus, as, count * sizeof(cpus[0])))
		return false;
	memcpy(cpus, as, count * sizeof(cpus[0]));
	return true;
}

#define SIMPLER_MACHINES 8

static bool simplify_machine(struct model_machine *machine, unsigned int how)
{
	unsigned int cpus = machine->cpus, cpu;
	bool changed = false;

	switch (how) {
	case 0:
		changed = all_like(machine->active, machine->possible, cpus);
		return all_like(machine->seen, machine->possible, cpus) || changed;
	case 1:
		return all_like(machine->seen, machine->active, cpus);
	case 2:
		for (cpu = 0; cpu < cpus; cpu++) {
			changed |= !machine->possible[cpu];
			machine->possible[cpu] = true;
		}
		return changed;
	case 3 ... 5:
		/* Fewer: half, three quarters, one less. */
		machine->cpus = how == 3 ? cpus / 2 : how == 4 ? cpus * 3 / 4 : cpus - 1;
		if (!machine->cpus)
			return false;
		/* Still true of every machine, see machine_random(). */
		machine->possible[machine->cpus - 1] = true;
		return machine->legacy_group < model_groups(machine);
	case 6:
		if (!machine->legacy_group)
			return false;
		machine->legacy_group = 0;
		return true;
	default:
		if (!machine->observed)
			return false;
		machine->observed = false;
		return true;
	}
}

/*
 * Make a history that shows a difference shorter, as long as the shorter one shows
 * one as well. It need not be the same one.
 */
void history_shorten(struct history *history, struct history *scratch,
		     bool machine_too, bool (*differs)(const struct history *history))
{
	unsigned int tries = 20000, i, how;
	bool again;

	do {
		again = false;
		for (i = history->count; i-- > 0;) {
			history_copy(scratch, history);
			if (remove_step(scratch, i) && tries && tries-- &&
			    differs(scratch)) {
				history_copy(history, scratch);
				again = true;
			}
		}
		for (how = 0; machine_too && how < SIMPLER_MACHINES; how++) {
			history_copy(scratch, history);
			if (simplify_machine(&scratch->machine, how) && tries &&
			    tries-- && differs(scratch)) {
				history_copy(history, scratch);
				again = true;
			}
		}
		for (i = 0; i < history->count * SIMPLER_STEPS; i++) {
			history_copy(scratch, history);
			how = i % SIMPLER_STEPS;
			if (simplify_step(&scratch->step[i / SIMPLER_STEPS], how) &&
			    tries && tries-- && differs(scratch)) {
				history_copy(history, scratch);
				again = true;
			}
		}
	} while (again && tries);
}

/* --- as text --- */

struct text {
	char line[160];
	unsigned int length;
};

static __printf(2, 3) void add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->length += vscnprintf(text->line + text->length,
				   sizeof(text->line) - text->length, format, args);
	va_end(args);
}

static void add_cpus(struct text *text, const char *what, const bool *cpus,
		     unsigned int count)
{
	unsigned int cpu, last;
	const char *comma = "";

	add(text, "%s ", what);
	for (cpu = 0; cpu < count; cpu++) {
		if (!cpus[cpu])
			continue;
		for (last = cpu; last + 1 < count && cpus[last + 1];)
			last++;
		if (last > cpu)
			add(text, "%s%u-%u", comma, cpu, last);
		else
			add(text, "%s%u", comma, cpu);
		cpu = last;
		comma = ",";
	}
	if (!*comma)
		add(text, "none");
}

static const char * const call_names[STEP_CALLS] = {
	[STEP_SET] = "Set",
	[STEP_SET_IN_PLACE] = "Set in place",
	[STEP_SET_NO_PREVIOUS] = "Set without Previous",
	[STEP_SET_NULL] = "Set(NULL)",
	[STEP_REVERT] = "Revert",
	[STEP_REVERT_NULL] = "Revert(NULL)",
	[STEP_SET_EX] = "SetEx",
	[STEP_REVERT_EX] = "RevertEx",
	[STEP_SET_LEGACY] = "KeSetSystemAffinityThread",
	[STEP_REVERT_LEGACY] = "KeRevertToUserAffinityThread()",
	[STEP_STOR_SET] = "StorPort Set",
	[STEP_STOR_SET_OTHER] = "StorPort Set of another thread",
	[STEP_STOR_REVERT] = "StorPort Revert",
	[STEP_STOR_REVERT_OTHER] = "StorPort Revert of another thread",
	[STEP_SET_SEVERAL] = "Set several",
	[STEP_REVERT_SEVERAL] = "Revert several",
	[STEP_MAKE_TOKEN] = "allocate",
	[STEP_FREE_TOKEN] = "free",
	[STEP_USER_CHANGE] = "others give it the user affinity made of",
	[STEP_CPU_COMES] = "becomes active: the next from CPU",
	[STEP_CPU_GOES] = "goes offline: the next from CPU",
};

static const char * const count_names[] = {
	[COUNT_AS_IT_IS] = "",
	[COUNT_ZERO] = ", GroupCount 0",
	[COUNT_TOO_MANY] = ", GroupCount too high",
	[COUNT_OF_NULL] = ", GroupAffinities NULL",
};

static void add_step(struct text *text, unsigned int number, const struct step *step)
{
	unsigned int i;

	add(text, "  %2u. %s", number, call_names[step->call]);
	switch (step->call) {
	case STEP_SET_NULL:
	case STEP_REVERT_NULL:
	case STEP_REVERT_LEGACY:
		break;
	case STEP_CPU_COMES:
	case STEP_CPU_GOES:
		add(text, " %u", step->cpu);
		return;
	case STEP_MAKE_TOKEN:
	case STEP_FREE_TOKEN:
	case STEP_REVERT_SEVERAL:
		add(text, " token %u", step->token);
		return;
	case STEP_SET_SEVERAL:
		for (i = 0; i < step->parts; i++)
			add(text, " {%#llx, %u}", (unsigned long long)step->part[i].mask,
			    step->part[i].group);
		add(text, " token %u%s", step->token, count_names[step->count]);
		return;
	default:
		if (step->from >= 0)
			add(text, " saved %d", step->from);
		else
			add(text, " {%#llx, %u}", (unsigned long long)step->with.mask,
			    step->with.group);
	}
	if (step->save >= 0)
		add(text, ", saved %d = Previous", step->save);
}

void history_print(const struct history *history, void (*line)(const char *text))
{
	const struct model_machine *machine = &history->machine;
	struct text text = {};
	unsigned int i;

	add(&text, "groupsize=%u rules=%s, forms without groups: group %u",
	    machine->group_size, machine->observed ? "observed" : "documented",
	    machine->legacy_group);
	line(text.line);
	text.length = 0;
	add_cpus(&text, "CPUs possible", machine->possible, machine->cpus);
	add_cpus(&text, ", active", machine->active, machine->cpus);
	add_cpus(&text, ", seen", machine->seen, machine->cpus);
	line(text.line);
	for (i = 0; i < history->count; i++) {
		text.length = 0;
		add_step(&text, i + 1, &history->step[i]);
		line(text.line);
	}
}
