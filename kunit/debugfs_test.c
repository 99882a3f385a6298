// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves rule O2 for what the file threads says of a thread for which something is
 * still to be done. Such moments are short: here they are held. The rest of the file,
 * and of debugfs, is tried from user space in scripts/guest/twins/shown.c.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "debugfs.h"
#include "helpers.h"
#include "stretch.h"
#include "wdm.h"

#define FIELDS 7

/*
 * A thread, and what is known of it beside the file.
 * @a, @b: system affinities
 * @user: what user mode wants
 * @listing: what was last read
 */
struct shown {
	struct nta_worker *worker;
	struct nta_affinity a;
	struct nta_affinity b;
	struct cpumask *user;
	PAFFINITY_TOKEN token;
	NTSTATUS status;
	struct {
		char *text;
		const char *field[FIELDS];
	} listing;
};

enum field {
	PID, COMM, SYSTEM, INSTALLED, USER, PENDING, CALLER,
};

#define TEXT_SIZE (64 * 1024)

static struct shown *make_shown(struct kunit *test)
{
	struct shown *shown = kunit_kzalloc(test, sizeof(*shown), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, shown);
	shown->listing.text = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, shown->listing.text);
	shown->a = nta_pick(test, 1);
	shown->b = nta_pick(test, 2);
	shown->user = nta_mask(test);
	shown->worker = nta_worker_make(test);
	nta_read_mask(shown->worker->task, shown->user);
	return shown;
}

/* Reads the file as seq_file does; whether the thread has a line, and one only. */
static bool is_listed(struct kunit *test, struct shown *shown)
{
	struct seq_file file = { .buf = shown->listing.text, .size = TEXT_SIZE };
	char *rest = file.buf, *line, pid[16];
	unsigned int i, lines = 0;

	for (i = 0; i < FIELDS; i++)
		shown->listing.field[i] = "";
	KUNIT_EXPECT_EQ(test, nta_threads_show(&file, NULL), 0);
	KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&file));
	file.buf[min(file.count, (size_t)TEXT_SIZE - 1)] = '\0';

	snprintf(pid, sizeof(pid), "%d", shown->worker->task->pid);
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, pid, strlen(pid)) || line[strlen(pid)] != ' ')
			continue;
		lines++;
		for (i = 0; i < FIELDS - 1; i++)
			shown->listing.field[i] = strsep(&line, " ") ?: "";
		shown->listing.field[CALLER] = line ?: "";
	}
	KUNIT_EXPECT_LE(test, lines, 1U);
	return lines;
}

static void check_field(struct kunit *test, const struct shown *shown,
			enum field field, const char *expected)
{
	static const char * const names[] = {
		"pid", "comm", "system", "installed", "user", "pending", "caller",
	};

	KUNIT_EXPECT_STREQ_MSG(test, shown->listing.field[field], expected, "%s",
			       names[field]);
}

static void check_cpus(struct kunit *test, const struct shown *shown,
		       enum field field, const struct cpumask *mask)
{
	char *expected = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, expected);
	snprintf(expected, PAGE_SIZE, "%*pbl", cpumask_pr_args(mask));
	check_field(test, shown, field, expected);
}

/* @system: NULL if the thread is not active; @now: what the kernel has. */
static void check_line(struct kunit *test, struct shown *shown,
		       const struct nta_affinity *system,
		       const struct cpumask *now, const char *pending)
{
	char text[32] = "-";

	if (!is_listed(test, shown)) {
		KUNIT_FAIL(test, "no line, and not one with %s", pending);
		return;
	}
	if (system)
		snprintf(text, sizeof(text), "%u:%#llx", system->group,
			 system->mask);
	check_field(test, shown, COMM, shown->worker->task->comm);
	check_field(test, shown, SYSTEM, text);
	check_cpus(test, shown, INSTALLED, now);
	check_cpus(test, shown, USER, shown->user);
	check_field(test, shown, PENDING, pending);
	KUNIT_EXPECT_NOT_NULL_MSG(test,
				  strstr(shown->listing.field[CALLER],
					 "[ntaffinity_kunit]"),
				  "caller %s", shown->listing.field[CALLER]);
}

/* A mask is seen a little before who installs it has noted that. */
static void wait_for_installer(struct kunit *test, struct shown *shown)
{
	struct nta_thread *thread = nta_thread_find(shown->worker->task);

	KUNIT_ASSERT_NOT_NULL(test, thread);
	nta_thread_own(thread);
	nta_thread_disown(thread);
}

static void wait_until_moved(struct kunit *test, struct shown *shown,
			     const struct cpumask *mask)
{
	struct cpumask *seen = nta_mask(test);

	nta_wait_for_mask(shown->worker->task, mask, seen);
	nta_check_mask(test, "moved", seen, mask);
	wait_for_installer(test, shown);
}

/* The worker has not come so far. */
static void move_that_nobody_has_begun_is_listed(struct kunit *test)
{
	struct shown *shown = make_shown(test);
	struct nta_thread *thread;

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	KUNIT_EXPECT_FALSE(test, is_listed(test, shown));
	nta_worker_do(test, shown->worker, nta_do_set, &shown->a);
	check_line(test, shown, &shown->a, nta_mask_of(test, &shown->a), "-");
	nta_worker_do(test, shown->worker, nta_do_revert, NULL);
	KUNIT_EXPECT_FALSE(test, is_listed(test, shown));

	thread = nta_thread_find(shown->worker->task);
	KUNIT_ASSERT_NOT_NULL(test, thread);
	nta_thread_own(thread);
	nta_worker_do(test, shown->worker, nta_do_set_atomically, &shown->a);
	check_line(test, shown, &shown->a, shown->user, "move");
	nta_thread_disown(thread);
	wait_until_moved(test, shown, nta_mask_of(test, &shown->a));
	check_line(test, shown, &shown->a, nta_mask_of(test, &shown->a), "-");

	nta_thread_own(thread);
	nta_worker_do(test, shown->worker, nta_do_revert_atomically, NULL);
	check_line(test, shown, NULL, nta_mask_of(test, &shown->a), "revert");
	nta_thread_disown(thread);
	wait_until_moved(test, shown, shown->user);
	KUNIT_EXPECT_FALSE(test, is_listed(test, shown));
}

/* The worker has taken what was to be done, and is held up. */
static void move_that_is_under_way_is_listed(struct kunit *test)
{
	struct shown *shown = make_shown(test);

	nta_needs_section(test, NTA_IN_PREEMPT_OFF);
	nta_stretch_next(shown->worker->task, NTA_STAGE_BEGUN);
	nta_worker_do(test, shown->worker, nta_do_set_atomically, &shown->a);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	check_line(test, shown, &shown->a, shown->user, "move");
	nta_stretch_end();
	wait_until_moved(test, shown, nta_mask_of(test, &shown->a));
	check_line(test, shown, &shown->a, nta_mask_of(test, &shown->a), "-");

	nta_stretch_next(shown->worker->task, NTA_STAGE_BEGUN);
	nta_worker_do(test, shown->worker, nta_do_revert_atomically, NULL);
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	check_line(test, shown, NULL, nta_mask_of(test, &shown->a), "revert");
	nta_stretch_end();
	wait_until_moved(test, shown, shown->user);
	KUNIT_EXPECT_FALSE(test, is_listed(test, shown));
}

/* Others have changed the affinity, and who is to put it back has only looked. */
static void change_by_others_is_listed(struct kunit *test)
{
	struct shown *shown = make_shown(test);
	struct cpumask *theirs = nta_mask_of(test, &shown->b);

	nta_worker_do(test, shown->worker, nta_do_set, &shown->a);
	nta_stretch_next(shown->worker->task, NTA_STAGE_LOOKED);
	KUNIT_EXPECT_EQ(test, set_cpus_allowed_ptr(shown->worker->task, theirs),
			0);
	cpumask_copy(shown->user, theirs);
	check_line(test, shown, &shown->a, theirs, "changed");
	KUNIT_EXPECT_TRUE(test, nta_stretch_wait());
	nta_stretch_end();
	wait_until_moved(test, shown, nta_mask_of(test, &shown->a));
	check_line(test, shown, &shown->a, nta_mask_of(test, &shown->a), "-");
	nta_worker_do(test, shown->worker, nta_do_revert, NULL);
	KUNIT_EXPECT_FALSE(test, is_listed(test, shown));
}

static void set_both(void *data)
{
	struct shown *shown = data;
	GROUP_AFFINITY both[] = {
		{ .Mask = shown->a.mask, .Group = shown->a.group },
		{ .Mask = shown->b.mask, .Group = shown->b.group },
	};

	shown->status = PsAllocateAffinityToken(&shown->token);
	if (!shown->status)
		shown->status = PsSetSystemMultipleGroupAffinityThread(both, 2,
								       shown->token);
}

static void revert_both(void *data)
{
	struct shown *shown = data;

	PsRevertToUserMultipleGroupAffinityThread(shown->token);
	PsFreeAffinityToken(shown->token);
}

/* M2: no group and mask can name it. */
static void several_groups_are_listed_as_processors(struct kunit *test)
{
	struct shown *shown = make_shown(test);
	struct cpumask *in_both = nta_mask_of(test, &shown->a);

	if (shown->a.group == shown->b.group)
		kunit_skip(test, "needs two groups with an active processor");
	cpumask_or(in_both, in_both, nta_mask_of(test, &shown->b));
	nta_worker_do(test, shown->worker, set_both, shown);
	KUNIT_EXPECT_EQ(test, shown->status, STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, is_listed(test, shown));
	check_cpus(test, shown, SYSTEM, in_both);
	check_cpus(test, shown, INSTALLED, in_both);
	check_cpus(test, shown, USER, shown->user);
	check_field(test, shown, PENDING, "-");
	nta_worker_do(test, shown->worker, revert_both, shown);
	KUNIT_EXPECT_FALSE(test, is_listed(test, shown));
}

/* seq_file comes again with more room. */
static void list_that_does_not_fit_says_so(struct kunit *test)
{
	struct shown *shown = make_shown(test);
	struct seq_file file = { .buf = shown->listing.text, .size = 64 };

	nta_worker_do(test, shown->worker, nta_do_set, &shown->a);
	memset(file.buf, NTA_POISON, 128);
	KUNIT_EXPECT_EQ(test, nta_threads_show(&file, NULL), 0);
	KUNIT_EXPECT_TRUE(test, seq_has_overflowed(&file));
	KUNIT_EXPECT_EQ(test, (u8)file.buf[64], NTA_POISON);
	nta_worker_do(test, shown->worker, nta_do_revert, NULL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(move_that_nobody_has_begun_is_listed),
	KUNIT_CASE(move_that_is_under_way_is_listed),
	KUNIT_CASE(change_by_others_is_listed),
	KUNIT_CASE(several_groups_are_listed_as_processors),
	KUNIT_CASE(list_that_does_not_fit_says_so),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_debugfs",
	.exit = nta_stretch_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
