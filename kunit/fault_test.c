// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proves S16 for each call that allocates: its first allocation fails, then its
 * second one, and so on until it makes no more. Each time the call either does all
 * that it should or is refused: its outputs are those of a failed call, nothing of the
 * thread has changed, and with memory it works.
 *
 * What StorPortCreateSystemThread() allocates is in storport_test.c.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "helpers.h"
#include "ntifs.h"
#include "storport.h"

/* More than any of them makes: each has a few. */
#define MOST_ALLOCATIONS 64

static int adapter;

/*
 * One call on a thread of its own.
 * @succeeded, @outputs_are_right: what the call has made of it
 */
struct attempt {
	const struct ddi *ddi;
	GROUP_AFFINITY affinity;
	PAFFINITY_TOKEN token;
	bool possible;
	unsigned int number;

	bool failed;
	bool succeeded;
	bool outputs_are_right;
	long refused;
	struct nta_look before;
	struct nta_look after;

	bool succeeded_later;
	struct nta_look later;
	struct nta_look end;
};

/*
 * @call: sets succeeded and outputs_are_right
 * @undo: afterwards, and before the next call, if it succeeded
 * @level: to call it at
 * @bh_off: to call it with bottom halves disabled by native means
 * @activates: the thread is active after it
 * @needs_observed: with rules=documented it does nothing
 */
struct ddi {
	const char *name;
	void (*call)(struct attempt *attempt);
	KIRQL level;
	bool bh_off;
	bool activates;
	bool needs_observed;
	bool has_token;
};

static bool is_zero(const void *output, size_t size)
{
	return !memchr_inv(output, 0, size);
}

static void judge(struct attempt *attempt, bool succeeded, bool outputs_are_right)
{
	attempt->succeeded = succeeded;
	attempt->outputs_are_right = outputs_are_right;
}

static bool is_active(void)
{
	struct nta_thread_snapshot entry;

	nta_thread_snapshot(current, &entry);
	return entry.state.active;
}

static void group_set(struct attempt *attempt)
{
	GROUP_AFFINITY previous;

	memset(&previous, NTA_POISON, sizeof(previous));
	KeSetSystemGroupAffinityThread(&attempt->affinity, &previous);
	judge(attempt, is_active(), is_zero(&previous, sizeof(previous)));
}

static void set_ex(struct attempt *attempt)
{
	KAFFINITY mask = nta_whole_group(nta_topology.legacy_group).mask;
	KAFFINITY returned = KeSetSystemAffinityThreadEx(mask);

	judge(attempt, is_active(), !returned);
}

static void stor_set(struct attempt *attempt)
{
	STOR_GROUP_AFFINITY previous, affinity = {
		.Mask = attempt->affinity.Mask,
		.Group = attempt->affinity.Group,
	};
	ULONG status;

	memset(&previous, NTA_POISON, sizeof(previous));
	status = StorPortSetSystemGroupAffinityThread(&adapter, NULL, &affinity,
						      &previous);
	judge(attempt, !status,
	      is_zero(&previous, sizeof(previous)) &&
	      status == (is_active() ? STOR_STATUS_SUCCESS :
				       STOR_STATUS_UNSUCCESSFUL));
}

/* V2 */
static void group_revert(struct attempt *attempt)
{
	KeRevertToUserGroupAffinityThread(&attempt->affinity);
	judge(attempt, is_active(), true);
}

static void allocate_token(struct attempt *attempt)
{
	PAFFINITY_TOKEN token = (PAFFINITY_TOKEN)(uintptr_t)NTA_POISON;
	NTSTATUS status = PsAllocateAffinityToken(&token);

	judge(attempt, !status,
	      status ? status == STATUS_INSUFFICIENT_RESOURCES && !token :
		       token && token != (PAFFINITY_TOKEN)(uintptr_t)NTA_POISON);
	if (!status)
		PsFreeAffinityToken(token);
}

static void several_set(struct attempt *attempt)
{
	NTSTATUS status =
		PsSetSystemMultipleGroupAffinityThread(&attempt->affinity, 1,
						       attempt->token);

	judge(attempt, !status,
	      status == (is_active() ? STATUS_SUCCESS :
				       STATUS_INSUFFICIENT_RESOURCES));
}

/* I1: at APC_LEVEL the thread has an entry, or nothing could lower it again. */
static void raise_to_apc(struct attempt *attempt)
{
	KIRQL old = NTA_POISON;

	KeRaiseIrql(APC_LEVEL, &old);
	judge(attempt, KeGetCurrentIrql() == APC_LEVEL, old == PASSIVE_LEVEL);
	if (attempt->succeeded)
		KeLowerIrql(PASSIVE_LEVEL);
}

static void call_at_level(struct attempt *attempt, unsigned int number)
{
	KIRQL level = attempt->ddi->level, old;

	if (attempt->ddi->bh_off)
		local_bh_disable();
	if (level)
		KeRaiseIrql(level, &old);
	nta_fail_allocation(number);
	attempt->ddi->call(attempt);
	if (number)
		attempt->failed = !nta_failure_is_left();
	nta_fail_allocation(0);
	if (level)
		KeLowerIrql(old);
	if (attempt->ddi->bh_off)
		local_bh_enable();
}

static void make_attempt(void *data)
{
	struct attempt *attempt = data;
	long refused;

	attempt->possible = nta_allocations_can_fail();
	if (!attempt->possible)
		return;
	if (attempt->ddi->has_token)
		PsAllocateAffinityToken(&attempt->token);

	nta_look_at_me(&attempt->before);
	refused = nta_refused_count(NTA_NO_MEMORY);
	call_at_level(attempt, attempt->number);
	attempt->refused = nta_refused_count(NTA_NO_MEMORY) - refused;
	nta_look_at_me(&attempt->after);
	if (attempt->succeeded || !attempt->outputs_are_right)
		goto end;

	call_at_level(attempt, 0);
	attempt->succeeded_later = attempt->succeeded && attempt->outputs_are_right;
	attempt->succeeded = false;
	attempt->outputs_are_right = true;
	nta_look_at_me(&attempt->later);
end:
	KeRevertToUserAffinityThread();
	nta_look_at_me(&attempt->end);
	if (attempt->ddi->has_token)
		PsFreeAffinityToken(attempt->token);
}

static const struct ddi ddis[] = {
	{ "KeSetSystemGroupAffinityThread", group_set, .activates = true },
	{ "KeSetSystemGroupAffinityThread at DISPATCH_LEVEL", group_set,
	  .level = DISPATCH_LEVEL, .activates = true },
	{ "KeSetSystemGroupAffinityThread in local_bh_disable()", group_set,
	  .bh_off = true, .activates = true },
	{ "KeSetSystemAffinityThreadEx", set_ex, .activates = true },
	{ "StorPortSetSystemGroupAffinityThread", stor_set, .activates = true },
	{ "V2 KeRevertToUserGroupAffinityThread", group_revert, .activates = true,
	  .needs_observed = true },
	{ "PsAllocateAffinityToken", allocate_token },
	{ "PsAllocateAffinityToken at DISPATCH_LEVEL", allocate_token,
	  .level = DISPATCH_LEVEL },
	{ "PsSetSystemMultipleGroupAffinityThread", several_set, .activates = true,
	  .has_token = true },
	{ "PsSetSystemMultipleGroupAffinityThread at DISPATCH_LEVEL", several_set,
	  .level = DISPATCH_LEVEL, .activates = true, .has_token = true },
	{ "KeRaiseIrql to APC_LEVEL", raise_to_apc },
};

static void describe_ddi(const struct ddi *ddi, char *name)
{
	strscpy(name, ddi->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ddi, ddis, describe_ddi);

static void check_attempt(struct kunit *test, const struct attempt *attempt)
{
	const struct nta_look *after = &attempt->after;
	unsigned int number = attempt->number;

	KUNIT_EXPECT_TRUE_MSG(test, attempt->outputs_are_right, "allocation %u: outputs",
			      number);
	if (attempt->succeeded) {
		KUNIT_EXPECT_EQ_MSG(test, after->entry.state.active,
				    attempt->ddi->activates, "allocation %u", number);
	} else {
		KUNIT_EXPECT_TRUE_MSG(test, attempt->failed,
				      "refused, but nothing has failed");
		KUNIT_EXPECT_FALSE_MSG(test, after->entry.state.active,
				       "allocation %u: active", number);
		KUNIT_EXPECT_EQ_MSG(test, attempt->refused,
				    attempt->ddi->activates ? 1L : 0L,
				    "allocation %u: counted", number);
		nta_check_mask(test, "after it was refused", &after->mask,
			       &attempt->before.mask);
		KUNIT_EXPECT_TRUE_MSG(test, attempt->succeeded_later,
				      "allocation %u: nor does it work with memory",
				      number);
		KUNIT_EXPECT_EQ_MSG(test, attempt->later.entry.state.active,
				    attempt->ddi->activates, "with memory");
		/* Where it was not refused a worker may own it, to move the thread. */
		KUNIT_EXPECT_FALSE_MSG(test, after->entry.owned, "still owned");
	}
	KUNIT_EXPECT_FALSE_MSG(test, attempt->end.entry.state.active, "at the end");
	nta_check_mask(test, "at the end", &attempt->end.mask, &attempt->before.mask);
}

/* S16 */
static void each_allocation_may_fail(struct kunit *test)
{
	const struct ddi *ddi = test->param_value;
	struct nta_affinity a = nta_pick(test, 1);
	struct attempt *attempt;
	unsigned int number, refused = 0;
	bool failed = true;

	if (ddi->needs_observed && nta_rules != NTA_RULES_OBSERVED)
		kunit_skip(test, "needs rules=observed");

	for (number = 1; failed && number < MOST_ALLOCATIONS; number++) {
		long known = nta_threads_known();
		struct nta_worker *worker;

		attempt = kunit_kzalloc(test, sizeof(*attempt), GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attempt);
		attempt->ddi = ddi;
		attempt->number = number;
		attempt->affinity.Mask = a.mask;
		attempt->affinity.Group = a.group;

		worker = nta_worker_make(test);
		/* Who has asked for a mask may need room for it later (U6). */
		nta_user_sets(test, worker->task, cpu_active_mask);
		nta_worker_do(test, worker, make_attempt, attempt);
		if (!attempt->possible)
			kunit_skip(test, NTA_NEEDS_FAILSLAB);
		check_attempt(test, attempt);
		failed = attempt->failed;
		refused += attempt->succeeded_later;

		/* Nothing is left of what the thread had. */
		nta_worker_stop(worker);
		KUNIT_EXPECT_TRUE(test, nta_wait_forgotten(worker->task));
		KUNIT_EXPECT_LE(test, nta_threads_known(), known);
	}
	KUNIT_EXPECT_FALSE_MSG(test, failed, "there is no end of allocations");
	/* Of what can be refused, something was. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && ddi->level && ddi->activates)
		KUNIT_EXPECT_EQ_MSG(test, refused, 1U,
				    "the raise has made the entry, not the mask for later");
	else
		KUNIT_EXPECT_GE(test, refused, 1U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(each_allocation_may_fail, ddi_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "nta_fault",
	.test_cases = cases,
};

kunit_test_suite(suite);
