/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the supported kernels, in one place: no other file
 * looks at LINUX_VERSION_CODE. Each entry names the upstream commit's subject
 * and the release that brought the change.
 */
#ifndef NTA_COMPAT_H
#define NTA_COMPAT_H

#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/lockdep.h>
#include <linux/mmu_context.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "ntaffinity needs Linux 6.1 or newer: choose another kernel with KVER= or KDIR="
#endif

#ifndef CONFIG_64BIT
#error "ntaffinity needs a 64-bit kernel: KAFFINITY holds 64 processors"
#endif

#ifndef CONFIG_TRACEPOINTS
#error "ntaffinity needs CONFIG_TRACEPOINTS: one of them tells when a thread ends"
#endif

/*
 * EXPORT_SYMBOL_IF_KUNIT() lets the suites call internal functions, on kernels
 * that have KUnit and nowhere else.
 *
 * 6.2: 9c988fae6f6a "kunit: add macro to allow conditionally exposing static
 *	symbols to tests"
 * 6.13: cdd30ebb1b9f "module: Convert symbol namespace to string literal"
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#include <kunit/visibility.h>
#elif IS_ENABLED(CONFIG_KUNIT)
#define EXPORT_SYMBOL_IF_KUNIT(symbol) \
	EXPORT_SYMBOL_NS(symbol, EXPORTED_FOR_KUNIT_TESTING)
#else
#define EXPORT_SYMBOL_IF_KUNIT(symbol)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define NTA_IMPORT_FOR_KUNIT() MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING")
#else
#define NTA_IMPORT_FOR_KUNIT() MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING)
#endif

/*
 * The count that migrate_disable() keeps. A uniprocessor kernel has nowhere to
 * migrate to, and not always a count.
 */
static inline unsigned int nta_migration_depth(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return task->migration_disabled;
#else
	return 0;
#endif
}

static inline bool nta_migration_disabled(const struct task_struct *task)
{
	return nta_migration_depth(task);
}

/*
 * Whether on PREEMPT_RT disabling bottom halves takes a lock of the processor, so
 * that one thread at a time has them disabled there.
 *
 * 6.18: "softirq: Allow to drop the softirq-BKL lock on PREEMPT_RT"
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0) || \
	defined(CONFIG_PREEMPT_RT_NEEDS_BH_LOCK)
#define NTA_BH_HAS_LOCK 1
#else
#define NTA_BH_HAS_LOCK 0
#endif

/*
 * Since 6.2 the kernel keeps the mask that user mode asked for, and cuts every
 * later mask with it. It is replaced under pi_lock and the old one is freed
 * afterwards: all of this needs pi_lock.
 *
 * 6.2: 8f9ea86fdf99 "sched: Always preserve the user requested cpumask"
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && defined(CONFIG_SMP)
#define NTA_KERNEL_KEEPS_USER_MASK 1

static inline const struct cpumask *nta_kept_user_mask(const struct task_struct *task)
{
	lockdep_assert_held(&task->pi_lock);
	return task->user_cpus_ptr;
}

/* Whether there is one, right now: that needs no lock. */
static inline bool nta_has_kept_user_mask(const struct task_struct *task)
{
	return READ_ONCE(task->user_cpus_ptr);
}
#else
#define NTA_KERNEL_KEEPS_USER_MASK 0

static inline const struct cpumask *nta_kept_user_mask(const struct task_struct *task)
{
	return NULL;
}

static inline bool nta_has_kept_user_mask(const struct task_struct *task)
{
	return false;
}
#endif

/* A fingerprint of that mask: 0 if there is none, and never 0 if there is. */
static inline u32 nta_user_print(const struct task_struct *task)
{
	const struct cpumask *mask = nta_kept_user_mask(task);
	unsigned int i;
	u64 print = 0;

	if (!mask)
		return 0;
	/* Every call asks for it, several times: jhash() would cost ten times that. */
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		print = (print ^ cpumask_bits(mask)[i]) * GOLDEN_RATIO_64;
		/* The upper bits, or they would only ever reach themselves. */
		print ^= print >> 32;
	}
	return (u32)print ?: 1;
}

/*
 * ftrace that shows a function's arguments.
 *
 * 6.2: 94d095ffa0e1 "ftrace: abstract DYNAMIC_FTRACE_WITH_ARGS accesses"
 */
#if defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) || defined(CONFIG_X86))
#define NTA_HAVE_FTRACE 1

static __always_inline unsigned long nta_hooked_argument(struct ftrace_regs *regs,
							 unsigned int which)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return ftrace_regs_get_argument(regs, which);
#else
	return regs_get_kernel_argument(&regs->regs, which);
#endif
}

static __always_inline struct task_struct *nta_hooked_task(struct ftrace_regs *regs)
{
	return (struct task_struct *)nta_hooked_argument(regs, 0);
}

/* The second argument of set_cpus_allowed_ptr(). */
static __always_inline const struct cpumask *nta_hooked_mask(struct ftrace_regs *regs)
{
	return (const struct cpumask *)nta_hooked_argument(regs, 1);
}
#else
#define NTA_HAVE_FTRACE 0
#endif

/*
 * Whether an address lies in our own functions.
 *
 * 6.4: ac3b43283923 "module: replace module_layout with module_memory"
 */
static __always_inline bool nta_is_own_text(unsigned long address)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	const struct module_memory *text = &THIS_MODULE->mem[MOD_TEXT];

	return address - (unsigned long)text->base < text->size;
#else
	const struct module_layout *core = &THIS_MODULE->core_layout;

	return address - (unsigned long)core->base < core->text_size;
#endif
}

/*
 * Return probes whose handlers can read the arguments of the function probed.
 */
#if defined(CONFIG_KRETPROBES) && defined(CONFIG_HAVE_FUNCTION_ARG_ACCESS_API)
#define NTA_HAVE_PROBES 1

static inline struct task_struct *nta_probed_task(struct pt_regs *regs)
{
	return (struct task_struct *)regs_get_kernel_argument(regs, 0);
}

/* The second argument of set_cpus_allowed_ptr(). */
static inline const struct cpumask *nta_probed_mask(struct pt_regs *regs)
{
	return (const struct cpumask *)regs_get_kernel_argument(regs, 1);
}

/*
 * The second argument of __sched_setaffinity(); NULL where that is not the mask,
 * which is then kept by the kernel.
 *
 * 6.2: 713a2e21a513 "sched: Introduce affinity_context"
 */
static inline const struct cpumask *nta_probed_user_mask(struct pt_regs *regs)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return nta_probed_mask(regs);
#else
	return NULL;
#endif
}
#else
#define NTA_HAVE_PROBES 0
#endif

/*
 * What the tracepoint task_newtask passes as the flags of the clone.
 *
 * 6.18: edd3cb05c00a "copy_process: pass clone_flags as u64 across calltree"
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define NTA_CLONE_FLAGS u64
#else
#define NTA_CLONE_FLAGS unsigned long
#endif

/*
 * That a workqueue is one with a worker pool for each CPU has to be said on newer
 * kernels.
 *
 * 6.17: 930c2ea566af "workqueue: Add new WQ_PERCPU flag"
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define NTA_WQ_PERCPU WQ_PERCPU
#else
#define NTA_WQ_PERCPU 0
#endif

/*
 * Whether the tracepoint sys_exit says that its probes may fault, which a thread at
 * DISPATCH_LEVEL may not: with CONFIG_DEBUG_ATOMIC_SLEEP that is a report.
 *
 * 6.13: a363d27cdbc2 "tracing: Allow system call tracepoints to handle page faults"
 */
#define NTA_SYS_EXIT_MAY_FAULT (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0))

/*
 * What the tracepoint sched_process_exit passes.
 *
 * 6.16: "exit: move and extend sched_process_exit() tracepoint"
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define NTA_PROCESS_EXIT_ARGS struct task_struct *task, bool group_dead
#else
#define NTA_PROCESS_EXIT_ARGS struct task_struct *task
#endif

/*
 * Where the scheduler lets a thread run whose CPUs are all gone, in no cpuset.
 *
 * 6.14: 9432bbd969c6 "sched,arm64: Handle CPU isolation on last resort fallback rq
 *	selection"
 */
#ifdef task_cpu_fallback_mask
#define nta_fallback_mask(task) task_cpu_fallback_mask(task)
#else
#define nta_fallback_mask(task) task_cpu_possible_mask(task)
#endif

#endif /* NTA_COMPAT_H */
