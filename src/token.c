// SPDX-License-Identifier: GPL-2.0-only
/*
 * Affinity tokens.
 *
 * A driver has a token's number and never its address: whatever it passes is
 * looked up, and nothing of a token that was freed is touched (M3).
 *
 * A token is free, claimed by a thread whose Set is under way, or filled by a
 * successful one. From the claim on it is in the thread's list, the newest first,
 * until it is unwound: by the Revert that names it, by one that undoes an outer
 * Set, by the end of the thread, or by unload. What is in a list is there also if the driver
 * frees it (M5).
 *
 * Who may touch what:
 *   the table	xa_lock, irqsave; lookups under RCU
 *   owner	compare-and-exchange from NULL by who claims; NULL again by him
 *   refs	one is the table's, one the thread's
 *   freed	on PREEMPT_RT; exchanged by who frees
 *   outer, thread->tokens
 *		written under task->pi_lock, by the thread itself, or when it
 *		calls no more by its end and by unload, who may meet: each then
 *		takes what the other has left; read by the thread, by others
 *		under that lock
 *   filled, saved
 *		the thread itself
 *   mask	the thread itself until the token is in its list, then constant
 */
#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "compat.h"
#include "reserve.h"
#include "thread.h"
#include "token.h"

static DEFINE_XARRAY_FLAGS(tokens, XA_FLAGS_LOCK_IRQ);
/* No number is used twice, so that what was freed is never mistaken. */
static atomic64_t last_id = ATOMIC64_INIT(0);

static void put(struct nta_token *token)
{
	if (refcount_dec_and_test(&token->refs))
		kfree_rcu(token, rcu);
}

/* Insert where interrupts may be off, too. */
static int insert_atomically(struct nta_token *token, gfp_t gfp)
{
	unsigned long flags;
	int ret;

	nta_begin_alloc(gfp);
	xa_lock_irqsave(&tokens, flags);
	ret = __xa_insert(&tokens, token->id, token, gfp);
	xa_unlock_irqrestore(&tokens, flags);
	nta_end_alloc(gfp);
	return ret;
}

/**
 * nta_token_make() - make a token
 * @gfp: what the context allows; 0: nothing
 *
 * Context: any but an NMI, if @gfp allows it.
 * Return: its number; 0 if there is no memory.
 */
u64 nta_token_make(gfp_t gfp)
{
	struct nta_token *token;
	int ret;

	if (!gfp)
		return 0;
	nta_begin_alloc(gfp);
	token = kzalloc(struct_size(token, mask,
				    cpumask_size() / sizeof(long)), gfp);
	nta_end_alloc(gfp);
	if (!token)
		return 0;
	refcount_set(&token->refs, 1);
	token->id = atomic64_inc_return(&last_id);

	if (gfpflags_allow_blocking(gfp))
		ret = xa_insert_irq(&tokens, token->id, token, gfp);
	else
		ret = insert_atomically(token, gfp);
	if (ret) {
		kfree(token);
		return 0;
	}
	return token->id;
}

#ifdef CONFIG_PREEMPT_RT

/* Nor can the table's lock be had where nothing can be allocated. */
static LLIST_HEAD(freed_tokens);

static void take_out_freed(struct work_struct *work)
{
	struct nta_token *token, *next;

	llist_for_each_entry_safe(token, next, llist_del_all(&freed_tokens),
				  later) {
		xa_erase_irq(&tokens, token->id);
		put(token);
	}
}

static DECLARE_WORK(freed_work, take_out_freed);

static bool is_freed(const struct nta_token *token)
{
	return READ_ONCE(token->freed);
}

static bool is_freed_first(struct nta_token *token)
{
	return !xchg(&token->freed, true);
}

static bool free_later(u64 id)
{
	struct nta_token *token;

	rcu_read_lock();
	token = xa_load(&tokens, id);
	if (token && !is_freed_first(token))
		token = NULL;
	rcu_read_unlock();
	if (!token)
		return false;
	llist_add(&token->later, &freed_tokens);
	schedule_work(&freed_work);
	return true;
}

static void finish_freeing(void)
{
	flush_work(&freed_work);
}

#else

static bool is_freed(const struct nta_token *token)
{
	return false;
}

static bool is_freed_first(struct nta_token *token)
{
	return true;
}

static bool free_later(u64 id)
{
	return false;
}

static void finish_freeing(void)
{
}

#endif

/**
 * nta_token_free() - free a token
 * @id: its number
 *
 * Context: any but an NMI.
 * Return: false if there is no such token.
 */
bool nta_token_free(u64 id)
{
	struct nta_token *token;
	unsigned long flags;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		return free_later(id);
	xa_lock_irqsave(&tokens, flags);
	token = xa_load(&tokens, id);
	if (token && is_freed_first(token))
		__xa_erase(&tokens, id);
	else
		token = NULL;
	xa_unlock_irqrestore(&tokens, flags);
	if (!token)
		return false;
	put(token);
	return true;
}

/**
 * nta_token_claim() - claim a token for current's Set
 * @id: its number
 *
 * Context: any.
 * Return: the token, with a reference; NULL if there is none that is free.
 */
struct nta_token *nta_token_claim(u64 id)
{
	struct nta_token *token;

	rcu_read_lock();
	token = xa_load(&tokens, id);
	if (token && (is_freed(token) || !refcount_inc_not_zero(&token->refs)))
		token = NULL;
	rcu_read_unlock();
	if (token && cmpxchg_acquire(&token->owner, NULL, current)) {
		put(token);
		return NULL;
	}
	return token;
}

/**
 * nta_token_disclaim() - the token is free again
 * @token: the token, in no list
 *
 * Context: any.
 */
void nta_token_disclaim(struct nta_token *token)
{
	token->filled = false;
	/* What the next owner reads is all written; pairs with the claim. */
	smp_store_release(&token->owner, NULL);
	put(token);
}

/**
 * nta_token_of() - the token that is a system affinity
 * @thread: the entry of the thread whose system affinity it is
 * @system: the system affinity
 *
 * Context: any; by another than the thread under its pi_lock.
 * Return: the token; NULL if the thread has none of the kind.
 */
const struct nta_token *nta_token_of(const struct nta_thread *thread,
				     const struct nta_affinity *system)
{
	const struct nta_token *token;

	for (token = thread->tokens; token; token = token->outer) {
		if (token->id == system->mask)
			return token;
	}
	return NULL;
}

/**
 * nta_token_filled() - a token that a successful Set of current has filled
 * @thread: current's entry
 * @id: the token's number
 *
 * Context: any.
 * Return: the token; NULL if there is none.
 */
struct nta_token *nta_token_filled(const struct nta_thread *thread, u64 id)
{
	struct nta_token *token;

	for (token = thread->tokens; token; token = token->outer) {
		if (token->id == id && token->filled)
			return token;
	}
	return NULL;
}

/**
 * nta_token_push() - put a token in front of current's
 * @thread: current's entry
 * @token: the token, claimed
 *
 * Context: any.
 */
void nta_token_push(struct nta_thread *thread, struct nta_token *token)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&thread->task->pi_lock, flags);
	token->outer = thread->tokens;
	thread->tokens = token;
	raw_spin_unlock_irqrestore(&thread->task->pi_lock, flags);
}

/**
 * nta_tokens_pop() - unwind tokens
 * @thread: current's entry, or that of a thread that calls no more
 * @last: all that are newer than this one go; NULL for all. None of them is the
 *	thread's state.
 *
 * Context: any.
 */
void nta_tokens_pop(struct nta_thread *thread, const struct nta_token *last)
{
	struct nta_token *token, *newest;
	unsigned long flags;

	if (READ_ONCE(thread->tokens) == last)
		return;
	raw_spin_lock_irqsave(&thread->task->pi_lock, flags);
	newest = thread->tokens;
	WRITE_ONCE(thread->tokens, (struct nta_token *)last);
	raw_spin_unlock_irqrestore(&thread->task->pi_lock, flags);

	while (newest != last) {
		token = newest;
		newest = token->outer;
		nta_token_disclaim(token);
	}
}

/**
 * nta_tokens_stop() - free what drivers have forgotten to free
 *
 * Context: process. There is no thread with an entry, and no driver.
 */
void nta_tokens_stop(void)
{
	struct nta_token *token;
	unsigned long id;
	unsigned int count = 0;

	finish_freeing();
	xa_for_each(&tokens, id, token) {
		xa_erase_irq(&tokens, id);
		put(token);
		count++;
	}
	xa_destroy(&tokens);
	if (count)
		pr_warn("unload: %u affinity token(s) were never freed\n", count);
}
