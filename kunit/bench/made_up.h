/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For files that are compiled a second time, for machines that are made up. It
 * comes before all else: the kernel's cpumasks are as long as such a machine's then.
 */
#ifndef NTA_BENCH_MADE_UP_H
#define NTA_BENCH_MADE_UP_H

/* Where it is a variable at all. */
#if IS_ENABLED(CONFIG_SMP) && !IS_ENABLED(CONFIG_FORCE_NR_CPUS)
#define nr_cpu_ids nta_machine_cpus
#endif

#include "compat.h"

/* The module itself exports them. */
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)
#undef EXPORT_SYMBOL_IF_KUNIT
#define EXPORT_SYMBOL_IF_KUNIT(symbol)

#endif /* NTA_BENCH_MADE_UP_H */
