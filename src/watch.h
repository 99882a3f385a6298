/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sees what others do to threads that are active.
 */
#ifndef NTA_WATCH_H
#define NTA_WATCH_H

#include <linux/types.h>

struct seq_file;

void nta_watch_held(void);
bool nta_watch_sees_changes(void);
void nta_watch_show(struct seq_file *file);

int nta_watch_start(void);
void nta_watch_stop(void);

#endif /* NTA_WATCH_H */
