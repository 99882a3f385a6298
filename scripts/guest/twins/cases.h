/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cases, file by file, for the table in main.c; and what a file of cases has
 * for others.
 */
#ifndef CASES_H
#define CASES_H

#include "twins.h"

/* user_changes.c */

/* One that user mode makes; test_u3() is a case for each of them. */
struct change {
	const char *name;
	__u64 mask;
	int error;
};

extern const struct change changes[];
extern const unsigned int change_count;

void test_u2_every_user_mask(void);
void test_u2_no_user_mask(void);
void test_u3(const struct change *change, enum by by);
void test_u3_refused_changes_nothing(void);
void test_u3_same_mask_again(void);
void test_u3_revert_right_after_change(void);
void change_meets_calls(int rounds);
void test_u3_change_meets_calls(void);
void test_u3_threads(void);

/* cpuset_changes.c */

void test_u4_moved(void);
void test_u4_moved_and_back(void);
void test_u4_narrowed(void);
void test_u4_widened(void);
void test_u4_nested(void);
void test_u4_user_mask_inside(void);
void test_u4_outcome_equal(void);
void test_u4_change_meets_calls(void);
void test_u4_threads(void);
void test_u10_outside_cpuset(void);

/* put_back.c */

void test_u5_counted(void);
void test_u5_own_calls_are_not_foreign(void);
void test_u5_running(void);
void test_u5_changed_in_wait(void);
__u64 fight(int times);
void test_u5_fight(void);
void test_u5_set_after_fight(void);
void test_u5_delay(void);

/* hotplug_changes.c */

void test_u6_part_offline(void);
void test_u6_narrowed_part_offline(void);
void test_u6_all_offline(void);
void test_u6_whole_group_offline(void);
void test_u6_still_active(void);
void test_u6_revert_while_displaced(void);
void test_u6_user_change_while_displaced(void);
void test_u6_user_mask_offline_too(void);
void test_r11_user_cpu_offline(void);
void test_u6_in_cpuset(void);
void test_u6_in_cpuset_user_mask(void);
void test_u6_suspend(void);

/* lifetime.c */

void test_u8_exit(void);
void test_u8_nothing_inherited(void);
void test_u8_killed_in_wait(void);
void test_u9_fork(void);
void test_u9_fork_twice(void);
void test_u9_vfork(void);
void test_u9_thread(void);
void test_u9_user_mode_first(void);
void test_u9_in_cpuset(void);
void test_u9_into_cpuset(void);
void test_u9_displaced(void);
void test_u9_given_up(void);
void test_u9_io_uring(void);
void test_u11_exec(void);
void test_u11_ptrace(void);
void test_u11_changes(void);

/* shown.c */

void test_u10_shown(void);
void test_o1_trace_events(void);
void test_o2_groups(void);
void test_o2_threads(void);
void test_o2_displaced(void);
void test_o5_compat(void);
void stop_tracing(void);

/* unload.c */

void test_u12_u13_unload(void);
void test_u12_unload_displaced(void);
void test_u12_unload_displaced_in_cpuset(void);
void test_u12_unload_in_traffic(void);

/* random.c */

extern int histories;

void test_random(void);

#endif
