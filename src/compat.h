/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the supported kernels, in one place: no other file
 * looks at LINUX_VERSION_CODE. Each entry names the upstream commit's subject
 * and the release that brought the change.
 */
#ifndef NTA_COMPAT_H
#define NTA_COMPAT_H

#include <linux/export.h>
#include <linux/module.h>
#include <linux/sched.h>
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
static inline bool nta_migration_disabled(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return task->migration_disabled;
#else
	return false;
#endif
}

#endif /* NTA_COMPAT_H */
