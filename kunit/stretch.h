/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holding an installer up in the middle. One at a time.
 */
#ifndef NTA_KUNIT_STRETCH_H
#define NTA_KUNIT_STRETCH_H

#include <linux/types.h>

#include "placement.h"

struct kunit;
struct task_struct;

/* The stages of each install, for tests with parameters. */
extern const enum nta_stage nta_stages[2];
void nta_describe_stage(const enum nta_stage *stage, char *name);

/* Hold up whoever else next comes to @stage of an install for @task. */
void nta_stretch_next(struct task_struct *task, enum nta_stage stage);
/* Wait until one is held up; false if none comes. */
bool nta_stretch_wait(void);
/* Let him go on, and hold up who comes to @stage for that thread after him. */
void nta_stretch_on(enum nta_stage stage);
/* Let him go on. */
void nta_stretch_end(void);
/* The same, for a suite in which a test may end in the middle. */
void nta_stretch_exit(struct kunit *test);

#endif /* NTA_KUNIT_STRETCH_H */
