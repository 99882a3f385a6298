// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs as bits of a number.
 */
#include <stdlib.h>

#include "cpus.h"

/* 0-1,3 -> 0xb */
__u64 parse_cpus(const char *list)
{
	__u64 mask = 0;
	char *end;

	while (*list >= '0' && *list <= '9') {
		long first = strtol(list, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (; first <= last && first < 64; first++)
			mask |= CPU(first);
		list = end + (*end == ',');
	}
	return mask;
}
