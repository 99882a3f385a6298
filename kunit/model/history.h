/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random histories: a machine, a thread, and what it calls one after the other.
 * Who runs them beside the model stops at the first difference. The history is then
 * made as short as it gets, and printed.
 */
#ifndef NTA_HISTORY_H
#define NTA_HISTORY_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#include "model.h"

#define HISTORY_STEPS	24
#define HISTORY_SLOTS	4
#define HISTORY_TOKENS	4

enum step_call {
	STEP_SET,
	STEP_SET_IN_PLACE,	/* Previous over Affinity */
	STEP_SET_NO_PREVIOUS,
	STEP_SET_NULL,
	STEP_REVERT,
	STEP_REVERT_NULL,
	STEP_SET_EX,
	STEP_REVERT_EX,
	STEP_SET_LEGACY,
	STEP_REVERT_LEGACY,
	STEP_STOR_SET,
	STEP_STOR_SET_OTHER,	/* names another thread */
	STEP_STOR_REVERT,
	STEP_STOR_REVERT_OTHER,
	STEP_SET_SEVERAL,
	STEP_REVERT_SEVERAL,
	STEP_MAKE_TOKEN,
	STEP_FREE_TOKEN,
	/* Others do these. */
	STEP_USER_CHANGE,	/* the user affinity */
	STEP_CPU_COMES,
	STEP_CPU_GOES,

	STEP_CALLS
};

/* What is passed as GroupCount and GroupAffinities. */
enum step_count {
	COUNT_AS_IT_IS,
	COUNT_ZERO,
	COUNT_TOO_MANY,
	COUNT_OF_NULL,
};

/*
 * @from: the slot whose saved Previous is passed; -1: @with
 * @save: the slot that Previous is saved in; -1: none
 * @token: which token; HISTORY_TOKENS and up: one that is none of the thread's
 * @cpu: where the wanted CPU is looked for, and up from there
 */
struct step {
	enum step_call call;
	int from;
	int save;
	struct model_affinity with;
	unsigned int token;
	enum step_count count;
	unsigned int parts;
	struct model_affinity part[MODEL_PARTS];
	unsigned int cpu;
};

struct history {
	struct model_machine machine;
	unsigned int count;
	struct step step[HISTORY_STEPS];
};

/* A generator of numbers that is the same everywhere: xorshift64*. */
struct random {
	u64 state;
};

void random_seed(struct random *random, u64 seed);
u64 random_bits(struct random *random);
unsigned int random_below(struct random *random, unsigned int limit);

/* One machine becomes another; what lies beyond its CPUs is not copied. */
void machine_copy(struct model_machine *to, const struct model_machine *from);
void machine_random(struct model_machine *machine, struct random *random);
/* @calls: how often each is to come; 0: never */
void history_random(struct history *history, struct random *random,
		    const unsigned char *calls);
void history_shorten(struct history *history, struct history *scratch,
		     bool machine_too, bool (*differs)(const struct history *history));
void history_print(const struct history *history,
		   void (*line)(const char *text));

#endif /* NTA_HISTORY_H */
