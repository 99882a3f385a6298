/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the torture test share.
 *
 * A victim is a thread that takes random steps: calls of all families, at all
 * levels and in all kinds of sections. It has a model of its own, which knows
 * from the rules alone what each call must write and what state it must leave.
 * Others, the disturbers, change the victim's affinity meanwhile, and announce it
 * before: so the model knows what user mode may want at any moment, and exactly
 * what it wants while nobody disturbs.
 *
 *	model.c		the rules: state, tokens, what a request comes to
 *	user.c		what user mode wants, as announced; was there quiet?
 *	calls.c		the calls, and what is checked after each
 *	sections.c	levels, spin locks and native sections, with steps inside
 *	steps.c		chooses; the life of a victim
 *	main.c		parameters, threads, debugfs
 *
 * Only CPUs below 64 take part: masks of CPUs are u64.
 */
#ifndef NTA_TORTURE_H
#define NTA_TORTURE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "affinity.h"
#include "storport.h"
#include "wdm.h"

/* What is counted. */
enum torture_kind {
	TORTURE_SET,
	TORTURE_SET_NO_PREVIOUS,
	TORTURE_SET_IN_PLACE,
	TORTURE_SET_NULL,
	TORTURE_SET_NESTED,
	TORTURE_REVERT_SAVED,
	TORTURE_REVERT_USER,
	TORTURE_REVERT_BOGUS,
	TORTURE_REVERT_NULL,
	TORTURE_REVERT_NOTHING,
	TORTURE_REVERT_TOKEN,
	TORTURE_SET_EX,
	TORTURE_REVERT_EX,
	TORTURE_SET_LEGACY,
	TORTURE_REVERT_LEGACY,
	TORTURE_PS_SET,
	TORTURE_PS_REVERT,
	TORTURE_PS_FREE,
	TORTURE_PS_FREE_FILLED,
	TORTURE_PS_OTHERS,
	TORTURE_STOR_SET,
	TORTURE_STOR_REVERT,
	TORTURE_STOR_CONTEXT,
	TORTURE_STOR_BAD,
	TORTURE_STOR_THREAD,
	TORTURE_APC,
	TORTURE_DISPATCH,
	TORTURE_ABOVE_DISPATCH,
	TORTURE_TWO_RAISES,
	TORTURE_LOWER_TO_APC,
	TORTURE_BAD_LEVEL,
	TORTURE_LEFT_RAISED,
	TORTURE_KSPIN_LOCK,
	TORTURE_KSPIN_LOCK_AT_DPC,
	TORTURE_SPIN_LOCK,
	TORTURE_SPIN_LOCK_IRQSAVE,
	TORTURE_SPIN_LOCK_BH,
	TORTURE_PREEMPT_OFF,
	TORTURE_IRQ_OFF,
	TORTURE_RCU_READ,
	TORTURE_MIGRATE_OFF,
	TORTURE_DEADLINE,
	TORTURE_SLEEP,
	TORTURE_LOOK,
	TORTURE_WAIT,
	TORTURE_USER_THREAD,
	TORTURE_KERNEL_THREAD,
	TORTURE_BOUND_THREAD,
	TORTURE_CALL_PASSIVE,
	TORTURE_CALL_PINNED,
	TORTURE_CALL_RAISED,
	TORTURE_CALL_NATIVE,
	TORTURE_PLACE_EXACT,
	TORTURE_PLACE_LOOSE,
	TORTURE_PLACE_BOUND,
	TORTURE_PLACE_HOTPLUG,
	TORTURE_USER_EXACT,
	TORTURE_USER_LOOSE,
	TORTURE_SEEN_PUT_BACK,
	TORTURE_HOTPLUG_DOUBT,
	TORTURE_KILLED_ACTIVE,
	TORTURE_CHILD,

	TORTURE_KINDS
};

#define TORTURE_TOKENS	4
#define TORTURE_SAVED	8
#define TORTURE_WANTS	64
#define TORTURE_LOG	24
#define TORTURE_POISON	0xa5

/* A token of the victim's. @there: not freed. @filled: in the victim's list. */
struct torture_token {
	PAFFINITY_TOKEN id;
	bool there;
	bool filled;
	struct nta_state saved;
	u64 cpus;
};

/* From a moment on: what was wanted then, and whether anything has happened. */
struct torture_window {
	unsigned int first;
	unsigned int changes;
	unsigned int hotplugs;
};

/* A step, for whoever has to understand a failure. */
struct torture_entry {
	const char *what;
	u64 mask;
	u64 cpus;
	u16 group;
	u8 level;
	u8 cpu;
	enum nta_reason reason;
	struct nta_state state;
	unsigned long number;
};

/*
 * @wants: masks that user mode may want, from @first_want to before @next_want;
 *	@changes is odd while a disturber is at it, @shielded while none may be.
 *	Under @lock.
 * @sure: the thread has been placed for its state, since @since; it then had
 *	the mask @installed
 * @natives: native sections open in which nobody may sleep
 * @raises: raises and locks of ours in force
 * @rank: of the last lock taken, so that they are taken in one order
 * @bound: the processor of a bound kernel thread, as a mask; else 0
 * @deadline: it is SCHED_DEADLINE just now
 * The rest is the victim's own.
 */
struct torture_victim {
	struct list_head node;
	unsigned int index;
	const char *kind;
	pid_t pid;
	pid_t twin_pid;
	u64 bound;
	struct task_struct *task;
	struct task_struct *twin;

	raw_spinlock_t lock; /* see above */
	u64 wants[TORTURE_WANTS];
	unsigned int first_want;
	unsigned int next_want;
	unsigned int changes;
	unsigned int shielded;

	u64 random;
	unsigned long steps;
	struct nta_state state;
	struct torture_token tokens[TORTURE_TOKENS];
	u8 order[TORTURE_TOKENS];
	unsigned int depth;
	GROUP_AFFINITY saved[TORTURE_SAVED];
	unsigned int saves;

	u8 level;
	unsigned int natives;
	unsigned int pinned;
	unsigned int raises;
	unsigned int rank;
	bool irqs_off;
	bool deadline;
	bool sure;
	u64 installed;
	struct torture_window since;
	unsigned int marked;
	PVOID context;

	KSPIN_LOCK kspin;
	KSPIN_LOCK kspin_at_dpc;
	spinlock_t native; /* for steps */
	struct torture_entry log[TORTURE_LOG];
};

/* main.c */
extern unsigned int torture_groupsize;
extern bool torture_observed;
extern bool torture_has_deadlines;
extern atomic_long_t torture_counts[TORTURE_KINDS];
extern atomic_long_t torture_refused[NTA_REASONS];
extern atomic_long_t torture_bad_levels;
extern atomic_long_t torture_steps_taken;
extern char torture_adapter[];
extern PAFFINITY_TOKEN torture_some_token;

static inline void torture_count(enum torture_kind kind)
{
	atomic_long_inc(&torture_counts[kind]);
}

bool torture_stopping(void);
void __printf(2, 3) torture_fail(struct torture_victim *victim,
				 const char *format, ...);

/* model.c */
u64 torture_random(struct torture_victim *victim);
unsigned int torture_below(struct torture_victim *victim, unsigned int n);
u64 torture_active(void);
unsigned int torture_groups(void);
u64 torture_slice(u64 cpus, unsigned int group);
u64 torture_cpus_of(const struct torture_victim *victim,
		    const struct nta_affinity *affinity);
enum nta_reason torture_trim(const struct nta_affinity *asked,
			     struct nta_affinity *trimmed);
unsigned int torture_legacy_group(void);
int torture_model_start(bool groupaware);
struct torture_token *torture_filled(struct torture_victim *victim, u64 id);
void torture_push(struct torture_victim *victim, struct torture_token *token);
void torture_pop(struct torture_victim *victim, unsigned int depth);
unsigned int torture_place_of(const struct torture_victim *victim,
			      const struct torture_token *token);

/* user.c */
void torture_want_only(struct torture_victim *victim, u64 mask);
int torture_begin_change(struct torture_victim *victim, u64 one, u64 other,
			 bool goes_on);
int torture_end_change(struct torture_victim *victim, bool exact);
void torture_hotplug(bool begins, unsigned int cpu);
u64 torture_untouched(const struct torture_window *window);
bool torture_is_undisturbed(struct torture_victim *victim,
			    const struct torture_window *window);
bool torture_shield(struct torture_victim *victim);
void torture_unshield(struct torture_victim *victim);
struct torture_window torture_open(struct torture_victim *victim);
bool torture_is_quiet(struct torture_victim *victim,
		      const struct torture_window *window);
bool torture_hotplug_since(const struct torture_window *window);
bool torture_may_want(struct torture_victim *victim, unsigned int first,
		      u64 mask, bool *exact);
u64 torture_mask_of(struct task_struct *task);

/* calls.c */
void torture_call(struct torture_victim *victim);
void torture_check_place(struct torture_victim *victim);
void torture_check_level(struct torture_victim *victim);
void torture_revert_user(struct torture_victim *victim);
void torture_free_tokens(struct torture_victim *victim);

static inline bool torture_is_passive(const struct torture_victim *victim)
{
	return victim->level < DISPATCH_LEVEL && !victim->pinned;
}

/* On PREEMPT_RT spin locks are slept for, and so may be whoever allocates memory. */
static inline bool torture_may_lock(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible();
}

/* sections.c */
void torture_section(struct torture_victim *victim, unsigned int depth);
void torture_leave_raised(struct torture_victim *victim);

/* steps.c */
void torture_step(struct torture_victim *victim, unsigned int depth);
int torture_take(struct torture_victim *victim, unsigned long steps);
void torture_finish(struct torture_victim *victim);
void torture_final(struct torture_victim *victim, u64 twin);

#endif /* NTA_TORTURE_H */
