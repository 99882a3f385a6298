/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work on behalf of threads.
 */
#ifndef NTA_QUEUE_H
#define NTA_QUEUE_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct nta_thread;

/* For work that may sleep. */
extern struct workqueue_struct *nta_queue;

void nta_queue_set_work(work_func_t func, work_func_t look);
void nta_apply_soon(struct nta_thread *thread);
bool nta_keep_workers_away(struct nta_thread *thread);
void nta_let_workers_come(struct nta_thread *thread);
void nta_look_in_a_second(void);
void nta_look_no_more(void);
bool nta_look_now(void);
void nta_queue_for_unload(struct nta_thread *thread, work_func_t func);
void nta_work_done(struct nta_thread *thread);

void nta_queues_wait(void);
bool nta_queues_are_empty(void);
int nta_queues_start(void);
void nta_queues_stop(void);

#endif /* NTA_QUEUE_H */
