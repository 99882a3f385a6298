/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs as bits of a number: no test machine that is looked at so has more than 64.
 */
#ifndef CPUS_H
#define CPUS_H

#include <linux/types.h>

#define CPU(n) (1ULL << (n))

__u64 parse_cpus(const char *list);

#endif /* CPUS_H */
