/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is different about levels on PREEMPT_RT, for irql.c; elsewhere nothing.
 */
#ifndef NTA_IRQL_RT_H
#define NTA_IRQL_RT_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct nta_raised;

#ifdef CONFIG_PREEMPT_RT

bool nta_rt_is_pinned(void);
struct nta_raised *nta_rt_raised(void);
struct nta_raised *nta_rt_disable_bottom_halves(void);
void nta_rt_raised_by(struct nta_raised *raised);
void nta_rt_enable_bottom_halves(struct nta_raised *raised);
bool nta_rt_has_only_marks_of(const struct nta_raised *raised);
bool nta_rt_is_late(void);
bool nta_rt_catch_up(bool in_probe);
bool nta_rt_spin_lock(spinlock_t *lock) __acquires(lock);

/* Whether this count can be the mark of a raise. */
static inline bool nta_rt_is_mark(int preempt_count)
{
	return preempt_count;
}

#else

static inline bool nta_rt_is_pinned(void)
{
	return false;
}

static inline struct nta_raised *nta_rt_raised(void)
{
	return NULL;
}

static inline struct nta_raised *nta_rt_disable_bottom_halves(void)
{
	return NULL;
}

static inline void nta_rt_raised_by(struct nta_raised *raised)
{
}

static inline void nta_rt_enable_bottom_halves(struct nta_raised *raised)
{
}

static inline bool nta_rt_has_only_marks_of(const struct nta_raised *raised)
{
	return false;
}

static inline bool nta_rt_is_late(void)
{
	return false;
}

static inline bool nta_rt_catch_up(bool in_probe)
{
	return false;
}

static __always_inline bool nta_rt_spin_lock(spinlock_t *lock)
	__acquires(lock)
{
	spin_lock(lock);
	return true;
}

static inline bool nta_rt_is_mark(int preempt_count)
{
	return false;
}

#endif

#endif /* NTA_IRQL_RT_H */
