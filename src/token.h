/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Affinity tokens: a system affinity of several groups, and what it replaced.
 */
#ifndef NTA_TOKEN_H
#define NTA_TOKEN_H

#include <linux/cpumask.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "affinity.h"

struct nta_thread;

struct nta_token {
	struct nta_token *outer;
	struct task_struct *owner;
	refcount_t refs;
	u64 id;
	bool filled;
#ifdef CONFIG_PREEMPT_RT
	bool freed;
	struct llist_node later;
#endif
	struct nta_state saved;
	struct rcu_head rcu;
	unsigned long mask[];
};

static inline struct cpumask *nta_token_cpumask(struct nta_token *token)
{
	return to_cpumask(token->mask);
}

static inline const struct cpumask *nta_token_mask(const struct nta_token *token)
{
	return to_cpumask(token->mask);
}

/* The system affinity that a token is. */
static inline struct nta_affinity nta_token_affinity(const struct nta_token *token)
{
	return (struct nta_affinity){
		.mask = token->id,
		.group = NTA_SEVERAL_GROUPS,
	};
}

u64 nta_token_make(gfp_t gfp);
bool nta_token_free(u64 id);

struct nta_token *nta_token_claim(u64 id);
void nta_token_disclaim(struct nta_token *token);

const struct nta_token *nta_token_of(const struct nta_thread *thread,
				     const struct nta_affinity *system);
struct nta_token *nta_token_filled(const struct nta_thread *thread, u64 id);
void nta_token_push(struct nta_thread *thread, struct nta_token *token);
void nta_tokens_pop(struct nta_thread *thread, const struct nta_token *last);

void nta_tokens_stop(void);

#endif /* NTA_TOKEN_H */
