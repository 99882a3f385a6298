// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules S, R, E, V and M a second time, see model.h.
 */
#ifdef __KERNEL__
#include <linux/string.h>
#endif

#include "model.h"

/* --- groups --- */

unsigned int model_groups(const struct model_machine *machine)
{
	unsigned int groups = 0;

	while (groups * machine->group_size < machine->cpus)
		groups++;
	return groups;
}

unsigned int model_cpu(const struct model_machine *machine, unsigned int group,
		       unsigned int number)
{
	return group * machine->group_size + number;
}

bool model_has(const struct model_machine *machine, const bool *cpus,
	       unsigned int group, unsigned int number)
{
	unsigned int cpu = model_cpu(machine, group, number);

	return number < machine->group_size && cpu < machine->cpus && cpus[cpu];
}

static bool names(const struct model_affinity *affinity, unsigned int number)
{
	return affinity->mask & (1ULL << number);
}

/* --- what a mask is worth --- */

/*
 * S5, S6 (V1), S7 and S8 in this order. @left: what is left of it, if it is valid.
 */
static enum model_verdict judge(const struct model_machine *machine,
				const struct model_affinity *asked,
				struct model_affinity *left)
{
	bool any_asked = false, any_stray = false, any_seen = false, any_left = false;
	unsigned int number;

	if (asked->group >= model_groups(machine))
		return MODEL_NO_GROUP;

	left->group = asked->group;
	left->mask = 0;
	for (number = 0; number < 64; number++) {
		if (!names(asked, number))
			continue;
		any_asked = true;
		if (!model_has(machine, machine->possible, asked->group, number))
			any_stray = true;
		if (model_has(machine, machine->seen, asked->group, number))
			any_seen = true;
		if (model_has(machine, machine->active, asked->group, number)) {
			any_left = true;
			left->mask += 1ULL << number;
		}
	}

	if (any_stray && !machine->observed)
		return MODEL_STRAY;
	if (!any_asked)
		return MODEL_ZERO;
	if (any_left)
		return MODEL_DONE;
	return any_seen ? MODEL_OFFLINE : MODEL_NEVER_ACTIVE;
}

static const char * const why_refused[MODEL_VERDICTS] = {
	[MODEL_NULL] = "S14 R9 M2",
	[MODEL_NO_GROUP] = "S5 R4",
	[MODEL_STRAY] = "S6 R4 V1",
	[MODEL_ZERO] = "S7",
	[MODEL_NEVER_ACTIVE] = "S7 R4",
	[MODEL_OFFLINE] = "S7 R4 Q3",
	[MODEL_BAD_COUNT] = "M2",
	[MODEL_TWICE] = "M2",
	[MODEL_BAD_TOKEN] = "M3 M4",
};

static struct model_answer refuse(enum model_verdict verdict)
{
	struct model_answer answer = {
		.verdict = verdict,
		.move = MODEL_STAYS,
		.rules = why_refused[verdict],
	};

	return answer;
}

static struct model_answer nothing(const char *rules)
{
	struct model_answer answer = { .move = MODEL_STAYS, .rules = rules };

	return answer;
}

/* --- tokens --- */

static struct model_token *find_token(struct model_thread *thread, u64 number)
{
	unsigned int i;

	for (i = 0; number && i < MODEL_TOKENS; i++) {
		if (thread->tokens[i].number == number)
			return &thread->tokens[i];
	}
	return NULL;
}

/* Unwind the newest tokens until @depth are left. */
static void unwind(struct model_thread *thread, unsigned int depth)
{
	struct model_token *token;

	while (thread->depth > depth) {
		token = thread->filled[--thread->depth];
		token->filled = false;
		if (!token->known)
			memset(token, 0, sizeof(*token));
	}
}

static unsigned int depth_of(const struct model_thread *thread,
			     const struct model_token *token)
{
	unsigned int depth;

	for (depth = 0; depth < thread->depth; depth++) {
		if (thread->filled[depth] == token)
			break;
	}
	return depth;
}

bool model_can_make_token(const struct model_thread *thread)
{
	unsigned int i;

	for (i = 0; i < MODEL_TOKENS; i++) {
		if (!thread->tokens[i].number)
			return true;
	}
	return false;
}

void model_make_token(struct model_thread *thread, u64 number)
{
	unsigned int i;

	for (i = 0; i < MODEL_TOKENS; i++) {
		if (thread->tokens[i].number)
			continue;
		thread->tokens[i].number = number;
		thread->tokens[i].known = true;
		return;
	}
}

/* M5 */
void model_free_token(struct model_thread *thread, u64 number)
{
	struct model_token *token = find_token(thread, number);

	if (!token)
		return;
	token->known = false;
	if (!token->filled)
		memset(token, 0, sizeof(*token));
}

/* --- the state --- */

static void put_in_force(struct model_thread *thread, u64 mask, unsigned int group)
{
	thread->state.active = true;
	thread->state.system.mask = mask;
	thread->state.system.group = group;
}

static struct model_answer back_to_user(struct model_thread *thread,
					const char *rules)
{
	struct model_answer answer = { .move = MODEL_TO_USER, .rules = rules };

	memset(&thread->state, 0, sizeof(thread->state));
	unwind(thread, 0);
	return answer;
}

bool model_may_use(const struct model_machine *machine,
		   const struct model_thread *thread, unsigned int cpu)
{
	const struct model_affinity *in_force = &thread->state.system;
	unsigned int group = cpu / machine->group_size;
	unsigned int number = cpu % machine->group_size;
	const struct model_token *token;
	unsigned int i;

	if (in_force->group != MODEL_SEVERAL)
		return in_force->group == group && names(in_force, number);

	token = find_token((struct model_thread *)thread, in_force->mask);
	for (i = 0; token && i < token->parts; i++) {
		if (token->part[i].group == group && names(&token->part[i], number))
			return true;
	}
	return false;
}

/* --- the calls --- */

struct model_answer model_set(const struct model_machine *machine,
			      struct model_thread *thread,
			      const struct model_affinity *asked)
{
	struct model_answer answer = { .move = MODEL_TO_SYSTEM, .rules = "S1 S4 S8" };
	struct model_affinity left;
	enum model_verdict verdict;

	if (!asked)
		return refuse(MODEL_NULL);
	verdict = judge(machine, asked, &left);
	if (verdict)
		return refuse(verdict);

	if (thread->state.active) {
		answer.previous = thread->state.system;
		answer.rules = "S1 S3 S8 M4";
	}
	put_in_force(thread, left.mask, left.group);
	return answer;
}

struct model_answer model_revert(const struct model_machine *machine,
				 struct model_thread *thread,
				 const struct model_affinity *previous)
{
	struct model_answer answer = { .move = MODEL_TO_SYSTEM, .rules = "R3 V2" };
	struct model_affinity left;
	enum model_verdict verdict;
	struct model_token *token;

	if (!previous)
		return refuse(MODEL_NULL);
	if (!previous->mask) {
		if (!thread->state.active)
			return nothing("R2");
		return back_to_user(thread, "R1");
	}

	if (previous->group == MODEL_SEVERAL) {
		token = find_token(thread, previous->mask);
		if (!token || !token->filled)
			return refuse(MODEL_BAD_TOKEN);
		put_in_force(thread, previous->mask, MODEL_SEVERAL);
		unwind(thread, depth_of(thread, token) + 1);
		answer.rules = "M4";
		return answer;
	}

	verdict = judge(machine, previous, &left);
	if (verdict)
		return refuse(verdict);
	if (!thread->state.active && !machine->observed)
		return nothing("R5");
	put_in_force(thread, left.mask, left.group);
	return answer;
}

u64 model_previous_ex(const struct model_machine *machine,
		      const struct model_thread *thread,
		      const struct model_affinity *previous)
{
	const struct model_token *token;
	unsigned int i;

	if (previous->group != MODEL_SEVERAL)
		return previous->mask;
	token = find_token((struct model_thread *)thread, previous->mask);
	for (i = 0; token && i < token->parts; i++) {
		if (token->part[i].group == machine->legacy_group)
			return token->part[i].mask;
	}
	return 0;
}

struct model_answer model_set_several(const struct model_machine *machine,
				      struct model_thread *thread,
				      const struct model_affinity *asked,
				      unsigned int count, u64 number)
{
	struct model_answer answer = { .move = MODEL_TO_SYSTEM, .rules = "M2" };
	struct model_token *token = find_token(thread, number);
	struct model_affinity left[MODEL_PARTS];
	enum model_verdict verdict;
	unsigned int i, other;

	if (!asked)
		return refuse(MODEL_NULL);
	if (!token || !token->known || token->filled)
		return refuse(MODEL_BAD_TOKEN);
	/* There are no more groups to name, but for one that is named twice. */
	if (!count || count > model_groups(machine))
		return refuse(MODEL_BAD_COUNT);
	for (i = 0; i < count; i++) {
		verdict = judge(machine, &asked[i], &left[i]);
		if (verdict)
			return refuse(verdict);
		for (other = 0; other < i; other++) {
			if (left[other].group == left[i].group)
				return refuse(MODEL_TWICE);
		}
	}

	token->filled = true;
	token->before = thread->state;
	token->parts = count;
	memcpy(token->part, left, count * sizeof(left[0]));
	thread->filled[thread->depth++] = token;
	put_in_force(thread, number, MODEL_SEVERAL);
	return answer;
}

struct model_answer model_revert_several(struct model_thread *thread, u64 number)
{
	struct model_answer answer = { .move = MODEL_TO_SYSTEM, .rules = "M3" };
	struct model_token *token = find_token(thread, number);
	struct model_state before;

	if (!token || !token->filled)
		return refuse(MODEL_BAD_TOKEN);
	before = token->before;
	unwind(thread, depth_of(thread, token));
	if (!before.active)
		return back_to_user(thread, "M3");
	thread->state = before;
	return answer;
}
