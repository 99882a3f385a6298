// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules, once more and as plainly as can be: what a request comes to. Shares
 * no code with the module.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/math.h>

#include "torture.h"

static unsigned int legacy_group;
static u64 possible;
static u64 seen;

/* Splitmix: the same choices for the same seed anywhere. */
u64 torture_random(struct torture_victim *victim)
{
	u64 z = victim->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

unsigned int torture_below(struct torture_victim *victim, unsigned int n)
{
	return (u32)(torture_random(victim) >> 32) % n;
}

u64 torture_active(void)
{
	return READ_ONCE(cpumask_bits(cpu_active_mask)[0]);
}

unsigned int torture_groups(void)
{
	return DIV_ROUND_UP(nr_cpu_ids, torture_groupsize);
}

unsigned int torture_legacy_group(void)
{
	return legacy_group;
}

/* The part of @cpus that lies in @group, as the group numbers it. */
u64 torture_slice(u64 cpus, unsigned int group)
{
	u64 all = torture_groupsize == 64 ? ~0ULL :
		  (1ULL << torture_groupsize) - 1;

	return (cpus >> (group * torture_groupsize)) & all;
}

/* The CPUs of a system affinity. */
u64 torture_cpus_of(const struct torture_victim *victim,
		    const struct nta_affinity *affinity)
{
	unsigned int i;

	if (affinity->group != NTA_SEVERAL_GROUPS)
		return affinity->mask << (affinity->group * torture_groupsize);
	for (i = 0; i < TORTURE_TOKENS; i++) {
		if ((uintptr_t)victim->tokens[i].id == affinity->mask)
			return victim->tokens[i].cpus;
	}
	return 0;
}

/* S5 to S8, and V1. */
enum nta_reason torture_trim(const struct nta_affinity *asked,
			     struct nta_affinity *trimmed)
{
	u64 exist, usable;

	if (asked->group >= torture_groups())
		return NTA_BAD_GROUP;
	exist = torture_slice(possible, asked->group);
	if (!torture_observed && (asked->mask & ~exist))
		return NTA_STRAY_BITS;
	usable = asked->mask & torture_slice(torture_active(), asked->group);
	if (!asked->mask)
		return NTA_ZERO_MASK;
	if (!usable)
		return asked->mask & torture_slice(seen, asked->group) ?
		       NTA_OFFLINE : NTA_NOT_ACTIVE;
	trimmed->group = asked->group;
	trimmed->mask = usable;
	return NTA_OK;
}

int torture_model_start(bool groupaware)
{
	if (nr_cpu_ids > 64)
		return -ERANGE;
	possible = cpumask_bits(cpu_possible_mask)[0];
	seen = torture_active();
	/* E5 */
	if (groupaware)
		legacy_group = (fls64(seen) - 1) / torture_groupsize;
	return 0;
}

/* The token with this number, if a Set has filled it (M3, M4). */
struct torture_token *torture_filled(struct torture_victim *victim, u64 id)
{
	unsigned int i;

	for (i = 0; i < victim->depth; i++) {
		struct torture_token *token = &victim->tokens[victim->order[i]];

		if ((uintptr_t)token->id == id)
			return token;
	}
	return NULL;
}

void torture_push(struct torture_victim *victim, struct torture_token *token)
{
	token->filled = true;
	victim->order[victim->depth++] = token - victim->tokens;
}

/* How many tokens lie outside this one, which is filled. */
unsigned int torture_place_of(const struct torture_victim *victim,
			      const struct torture_token *token)
{
	unsigned int i;

	for (i = 0; i < victim->depth; i++) {
		if (&victim->tokens[victim->order[i]] == token)
			break;
	}
	return i;
}

/* Unwind until @depth are left. One that was freed is gone then (M5). */
void torture_pop(struct torture_victim *victim, unsigned int depth)
{
	while (victim->depth > depth) {
		struct torture_token *token =
			&victim->tokens[victim->order[--victim->depth]];

		token->filled = false;
		if (!token->there)
			token->id = NULL;
	}
}
