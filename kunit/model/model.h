/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules S, R, E, V and M a second time, for tests to compare with.
 *
 * Written from the rules and not from src/: it knows processors one by one, has no
 * words of a cpumask and no shifts of one, and takes its time. It has no more in
 * common with what it is compared with than the numbers that a driver sees.
 * Compiled for user space and for the kernel.
 */
#ifndef NTA_MODEL_H
#define NTA_MODEL_H

#ifdef __KERNEL__
#include <linux/types.h>
#endif

#define MODEL_CPUS	8192
#define MODEL_TOKENS	16
#define MODEL_PARTS	6

/* The group of a Previous that stands for several groups (M4). */
#define MODEL_SEVERAL	0xffff

/*
 * @cpus: one more than the highest possible CPU
 * @observed: the module parameter "rules"
 */
struct model_machine {
	unsigned int group_size;
	unsigned int cpus;
	unsigned int legacy_group;
	bool observed;
	bool possible[MODEL_CPUS];
	bool active[MODEL_CPUS];
	bool seen[MODEL_CPUS];
};

/* A group and processors in it, as a driver passes and receives them. */
struct model_affinity {
	u64 mask;
	unsigned int group;
};

struct model_state {
	bool active;
	struct model_affinity system;
};

/*
 * @number: 0: there is no such token
 * @known: not freed
 * @filled: by a successful Set that nobody has unwound
 * @before: what was in force at that Set
 * @part: the processors
 */
struct model_token {
	u64 number;
	bool known;
	bool filled;
	struct model_state before;
	unsigned int parts;
	struct model_affinity part[MODEL_PARTS];
};

/* @filled: the tokens that this thread has filled, the oldest first. */
struct model_thread {
	struct model_state state;
	unsigned int depth;
	struct model_token *filled[MODEL_TOKENS];
	struct model_token tokens[MODEL_TOKENS];
};

enum model_verdict {
	MODEL_DONE,
	MODEL_NULL,
	MODEL_NO_GROUP,
	MODEL_STRAY,
	MODEL_ZERO,
	MODEL_NEVER_ACTIVE,
	MODEL_OFFLINE,
	MODEL_BAD_COUNT,
	MODEL_TWICE,
	MODEL_BAD_TOKEN,

	MODEL_VERDICTS
};

enum model_move {
	MODEL_STAYS,
	MODEL_TO_SYSTEM,
	MODEL_TO_USER,
};

/* What a call does. @rules: the IDs that say so. */
struct model_answer {
	enum model_verdict verdict;
	enum model_move move;
	struct model_affinity previous;
	const char *rules;
};

unsigned int model_groups(const struct model_machine *machine);
unsigned int model_cpu(const struct model_machine *machine, unsigned int group,
		       unsigned int number);
bool model_has(const struct model_machine *machine, const bool *cpus,
	       unsigned int group, unsigned int number);
/* Whether the thread's system affinity has the CPU. */
bool model_may_use(const struct model_machine *machine,
		   const struct model_thread *thread, unsigned int cpu);

struct model_answer model_set(const struct model_machine *machine,
			      struct model_thread *thread,
			      const struct model_affinity *asked);
struct model_answer model_revert(const struct model_machine *machine,
				 struct model_thread *thread,
				 const struct model_affinity *previous);
/* What the forms without groups return of a Previous (E3, M5). */
u64 model_previous_ex(const struct model_machine *machine,
		      const struct model_thread *thread,
		      const struct model_affinity *previous);

struct model_answer model_set_several(const struct model_machine *machine,
				      struct model_thread *thread,
				      const struct model_affinity *asked,
				      unsigned int count, u64 number);
struct model_answer model_revert_several(struct model_thread *thread, u64 number);
/* False if the model has no room for one more. */
bool model_can_make_token(const struct model_thread *thread);
void model_make_token(struct model_thread *thread, u64 number);
void model_free_token(struct model_thread *thread, u64 number);

#endif /* NTA_MODEL_H */
