/* SPDX-License-Identifier: GPL-2.0-only */
/* What an operator sees under /sys/kernel/debug/ntaffinity. */
#ifndef NTA_DEBUGFS_H
#define NTA_DEBUGFS_H

struct seq_file;

int nta_threads_show(struct seq_file *file, void *unused);
void nta_debugfs_start(void);
void nta_debugfs_stop(void);

#endif /* NTA_DEBUGFS_H */
