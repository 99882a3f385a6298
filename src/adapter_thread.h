/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel threads that a miniport starts for an adapter of its own.
 */
#ifndef NTA_ADAPTER_THREAD_H
#define NTA_ADAPTER_THREAD_H

#include <linux/types.h>

#include "storport.h"

bool nta_adapter_thread_is_current(const void *adapter, const void *context);
int nta_adapter_thread_start(void *adapter, PSTOR_THREAD_START_ROUTINE start,
			     void *start_context, STOR_THREAD_PRIORITY priority,
			     PVOID *context, unsigned long caller);
void nta_adapter_thread_end(const void *adapter, const void *context,
			    unsigned long caller);
int nta_adapter_thread_set_priority(const void *adapter, const void *context,
				    STOR_THREAD_PRIORITY priority,
				    unsigned long caller);
unsigned int nta_adapter_threads(const void *adapter);

int nta_adapter_threads_start(void);
void nta_adapter_threads_stop(void);

#endif /* NTA_ADAPTER_THREAD_H */
