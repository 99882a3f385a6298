/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds drivers that forget to revert, at once.
 */
#ifndef NTA_VERIFY_H
#define NTA_VERIFY_H

#include <linux/types.h>

bool nta_verify_sees_work(void);

void nta_verify_start(void);
void nta_verify_stop(void);

#endif /* NTA_VERIFY_H */
