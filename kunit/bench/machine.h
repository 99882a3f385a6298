/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machines that are made up, of any number of processors.
 */
#ifndef NTA_BENCH_MACHINE_H
#define NTA_BENCH_MACHINE_H

#include "topology.h"

struct cpumask;

/* The most processors that one has. */
#define NTA_MACHINE_CPUS 8192

/* Those of the machine that was become last. */
extern unsigned int nta_machine_cpus;

int nta_machines_make(void);
void nta_machines_free(void);
void nta_machine_become(unsigned int cpus);

void nta_machine_to_cpumask(unsigned int group, u64 bits, struct cpumask *mask);
bool nta_machine_is_cpumask(unsigned int group, u64 bits,
			    const struct cpumask *mask);

#endif /* NTA_BENCH_MACHINE_H */
