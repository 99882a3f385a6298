// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds an installer up in the middle, so that a race with him is met every time
 * and not by luck (I5).
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "helpers.h"
#include "placement.h"
#include "stretch.h"

const enum nta_stage nta_stages[] = { NTA_STAGE_LOOKED, NTA_STAGE_BEGUN };

void nta_describe_stage(const enum nta_stage *stage, char *name)
{
	strscpy(name, *stage == NTA_STAGE_LOOKED ? "looked" : "begun",
		KUNIT_PARAM_DESC_SIZE);
}

static struct task_struct *held_up_for, *held_up;
static enum nta_stage held_up_at;
static DECLARE_COMPLETION(begins);
static DECLARE_COMPLETION(ends);

static void hold_up(struct task_struct *task, enum nta_stage stage)
{
	if (stage != READ_ONCE(held_up_at) ||
	    cmpxchg(&held_up_for, task, NULL) != task)
		return;
	complete(&begins);
	wait_for_completion_timeout(&ends, NTA_WORK_TIMEOUT);
}

void nta_stretch_next(struct task_struct *task, enum nta_stage stage)
{
	reinit_completion(&begins);
	reinit_completion(&ends);
	WRITE_ONCE(held_up_at, stage);
	held_up = task;
	WRITE_ONCE(held_up_for, task);
	nta_stretch_installs(hold_up);
}

bool nta_stretch_wait(void)
{
	return wait_for_completion_timeout(&begins, NTA_WORK_TIMEOUT);
}

void nta_stretch_on(enum nta_stage stage)
{
	reinit_completion(&begins);
	WRITE_ONCE(held_up_at, stage);
	WRITE_ONCE(held_up_for, held_up);
	complete(&ends);
}

void nta_stretch_end(void)
{
	nta_stretch_installs(NULL);
	WRITE_ONCE(held_up_for, NULL);
	complete(&ends);
}

void nta_stretch_exit(struct kunit *test)
{
	nta_stretch_end();
}
