/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events under events/ntaffinity/. Each costs a patched-out jump while it
 * is off.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ntaffinity

#if !defined(NTA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NTA_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "affinity.h"

#define nta_show_reason(reason)						\
	__print_symbolic(reason,					\
			 { NTA_NULL_POINTER, "null_pointer" },		\
			 { NTA_BAD_GROUP, "bad_group" },		\
			 { NTA_STRAY_BITS, "stray_bits" },		\
			 { NTA_ZERO_MASK, "zero_mask" },		\
			 { NTA_NOT_ACTIVE, "not_active" },		\
			 { NTA_OFFLINE, "offline" },			\
			 { NTA_BAD_COUNT, "bad_count" },		\
			 { NTA_SAME_GROUP, "same_group" },		\
			 { NTA_BAD_TOKEN, "bad_token" },		\
			 { NTA_BAD_CONTEXT, "bad_context" },		\
			 { NTA_BAD_LEVEL, "bad_level" },		\
			 { NTA_NO_MEMORY, "no_memory" },		\
			 { NTA_BOUND_KTHREAD, "bound_kthread" },	\
			 { NTA_DEADLINE, "deadline" },			\
			 { NTA_KERNEL_REFUSED, "kernel_refused" })

/* A Set or a Revert that was not refused: the state from now on. */
TRACE_EVENT(nta_changed,
	TP_PROTO(const struct nta_state *state, unsigned long caller),
	TP_ARGS(state, caller),
	TP_STRUCT__entry(
		__field(u64, mask)
		__field(unsigned long, caller)
		__field(u16, group)
		__field(bool, active)
	),
	TP_fast_assign(
		__entry->mask = state->system.mask;
		__entry->caller = caller;
		__entry->group = state->system.group;
		__entry->active = state->active;
	),
	TP_printk("active=%d group=%u mask=%#llx caller=%pS",
		  __entry->active, __entry->group, __entry->mask,
		  (void *)__entry->caller)
);

/* A request that was refused, and why. */
TRACE_EVENT(nta_refused,
	TP_PROTO(const struct nta_affinity *asked, int reason,
		 unsigned long caller),
	TP_ARGS(asked, reason, caller),
	TP_STRUCT__entry(
		__field(u64, mask)
		__field(unsigned long, caller)
		__field(int, reason)
		__field(u16, group)
	),
	TP_fast_assign(
		__entry->mask = asked->mask;
		__entry->caller = caller;
		__entry->reason = reason;
		__entry->group = asked->group;
	),
	TP_printk("group=%u mask=%#llx reason=%s caller=%pS",
		  __entry->group, __entry->mask,
		  nta_show_reason(__entry->reason), (void *)__entry->caller)
);

/* A thread that ended while a system affinity was in force. */
TRACE_EVENT(nta_leak,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system, unsigned long caller),
	TP_ARGS(task, system, caller),
	TP_STRUCT__entry(
		__array(char, comm, TASK_COMM_LEN)
		__field(u64, mask)
		__field(unsigned long, caller)
		__field(pid_t, pid)
		__field(u16, group)
	),
	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->mask = system->mask;
		__entry->caller = caller;
		__entry->pid = task->pid;
		__entry->group = system->group;
	),
	TP_printk("comm=%s pid=%d group=%u mask=%#llx caller=%pS",
		  __entry->comm, __entry->pid, __entry->group, __entry->mask,
		  (void *)__entry->caller)
);

/* Something happened to a thread with this system affinity. */
DECLARE_EVENT_CLASS(nta_system,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system),
	TP_ARGS(task, system),
	TP_STRUCT__entry(
		__array(char, comm, TASK_COMM_LEN)
		__field(u64, mask)
		__field(pid_t, pid)
		__field(u16, group)
	),
	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->mask = system->mask;
		__entry->pid = task->pid;
		__entry->group = system->group;
	),
	TP_printk("comm=%s pid=%d group=%u mask=%#llx",
		  __entry->comm, __entry->pid, __entry->group, __entry->mask)
);

/* Others changed its affinity. */
DEFINE_EVENT(nta_system, nta_foreign_change,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system),
	TP_ARGS(task, system)
);

/* Its system affinity was installed again. */
DEFINE_EVENT(nta_system, nta_put_back,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system),
	TP_ARGS(task, system)
);

/* Its system affinity is not installed again before its next Set. */
DEFINE_EVENT(nta_system, nta_given_up,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system),
	TP_ARGS(task, system)
);

/* No processor of its system affinity is active. */
DEFINE_EVENT(nta_system, nta_displaced,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system),
	TP_ARGS(task, system)
);

/* It does not move yet: its call may not sleep. Mask 0: to its user affinity. */
DEFINE_EVENT(nta_system, nta_deferred,
	TP_PROTO(const struct task_struct *task,
		 const struct nta_affinity *system),
	TP_ARGS(task, system)
);

#endif /* NTA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
