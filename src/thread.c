// SPDX-License-Identifier: GPL-2.0-only
/*
 * The saved state of a thread: a hash keyed by task_struct.
 *
 * An entry is made by a thread's first valid Set and stays until the thread is
 * gone, active or not: a Set and Revert pair around every register
 * access then allocates once. A thread that never called a DDI has no entry,
 * except one that was created by an active thread and has to be put right.
 *
 * Life. The hash holds one reference on an entry; whoever installs on behalf of
 * another thread holds one more for as long as the install takes. An entry
 * holds no reference on its task. Instead the scheduler's sched_process_free
 * tracepoint ends it: that fires once a task, just before the last reference
 * that the kernel itself holds is dropped. So while an entry is in the hash the
 * task_struct is there, and once the task_struct can be reused for a new thread
 * no lookup finds the old one's entry (U8). A reference on the task may be
 * taken under the bucket's lock and nowhere else.
 *
 * Who may touch what:
 *   bucket lists	writers hold the bucket's lock, readers rcu_read_lock().
 *			The lock is raw and irqsave: the end of a thread comes
 *			from an RCU callback, in softirq.
 *   task		constant
 *   state, generation	written by the thread itself under task->pi_lock, and in
 *			the same way by its end, or by unload when no thread can
 *			call any more. The thread reads them at any time,
 *			installers under that lock: a thread at DISPATCH_LEVEL
 *			changes them without owning the entry, so who installs
 *			says what for, and finds out if it is not that any more
 *			(I5). Others may look without the lock and see a mixture.
 *   caller		as state, without the lock; also replaced by
 *			compare-and-exchange when the module that it lies in goes
 *   put_backs, window, work, kicked, NTA_THREAD_GIVEN_UP, NTA_THREAD_DISPLACED
 *			the owner of the entry. While NTA_THREAD_KICKED is set
 *			the work and the node "kicked", in one place, belong to
 *			who set it: first the node, then, made anew, the work,
 *			which the kernel does not touch again once it runs. The
 *			two flags the thread itself may clear without owning,
 *			when it gets a new state at DISPATCH_LEVEL; so they are
 *			set under task->pi_lock, if the state is still the one
 *			that was looked at.
 *   NTA_THREAD_BOUND	the thread itself, when it becomes active
 *   user mask, installed mask, user_print, installer, requester, asked_print,
 *   changes, NTA_THREAD_CHANGED and its like, NTA_THREAD_SECOND, NTA_THREAD_LENT,
 *   NTA_THREAD_IN_FORCE, NTA_THREAD_USER_LOST, NTA_THREAD_FALLBACK,
 *   NTA_THREAD_USER_DUE, NTA_THREAD_PENDING, NTA_THREAD_NARROWED
 *			task->pi_lock, which the scheduler holds as well when it
 *			changes cpus_mask: so they are always what belongs to
 *			the cpus_mask that is seen under it. See user_affinity.c.
 *			NTA_THREAD_PENDING and NTA_THREAD_USER_DUE who owns the
 *			entry may set again without it, for the next one to try.
 *			The installed mask is the owner's as long as he installs.
 *   lost		compare-and-exchange from NULL, by the owner and by the
 *			thread itself; what it points to is as the user mask
 *   tokens		see token.c
 *   requests		atomic, by who requests an affinity, for as long as he does
 *   NTA_THREAD_OWNED, NTA_THREAD_KICKED
 *			atomic bit operations, by anyone
 *   NTA_THREAD_APC	the thread itself
 *   raised		the thread itself; only on PREEMPT_RT, see irql_rt.c
 *   NTA_THREAD_MOVES	the thread itself; a worker clears it, under task->pi_lock,
 *			under which the thread sets it when a move is left
 *   NTA_THREAD_LATE	the owner of the entry; read by the thread
 *   NTA_THREAD_TAKEN	set by unload under the bucket's lock, never cleared
 *
 * Lock order: owning an entry (may sleep), a bucket's lock, task->pi_lock. Probes
 * run with pi_lock and run queue locks held: they take no lock of ours.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/task.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "report.h"
#include "reserve.h"
#include "thread.h"
#include "token.h"

struct bucket {
	struct hlist_head head;
	raw_spinlock_t lock;
};

static struct kmem_cache *entries;
static struct bucket *buckets;
static unsigned int bucket_bits;
static atomic_long_t threads_known = ATOMIC_LONG_INIT(0);
static struct tracepoint *process_free;

atomic_t nta_marks = ATOMIC_INIT(0);
EXPORT_SYMBOL_IF_KUNIT(nta_marks);

static struct bucket *bucket_of(const struct task_struct *task)
{
	return &buckets[hash_ptr(task, bucket_bits)];
}

static struct nta_thread *find_in(const struct bucket *bucket,
				  const struct task_struct *task)
{
	struct nta_thread *thread;

	hlist_for_each_entry_rcu(thread, &bucket->head, node,
				 lockdep_is_held(&bucket->lock)) {
		if (thread->task == task)
			return thread;
	}
	return NULL;
}

/**
 * nta_thread_find_rcu() - a thread's entry, of any thread
 * @task: the thread
 *
 * Context: any; an RCU reader, for as long as the entry is used.
 * Return: the entry; NULL if the thread has none.
 */
struct nta_thread *nta_thread_find_rcu(const struct task_struct *task)
{
	return find_in(bucket_of(task), task);
}

/**
 * nta_thread_find() - a thread's entry
 * @task: current, or a task whose end the caller can rule out
 *
 * Context: any.
 * Return: the entry, which stays at least as long as the task does; NULL if
 * the thread has none.
 */
struct nta_thread *nta_thread_find(const struct task_struct *task)
{
	struct nta_thread *thread;

	/* Cheaper than rcu_read_lock() where readers may be preempted. */
	rcu_read_lock_sched_notrace();
	thread = find_in(bucket_of(task), task);
	rcu_read_unlock_sched_notrace();
	return thread;
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_find);

/* --- memory --- */

DEFINE_WAIT_OVERRIDE_MAP(nta_alloc_map, LD_WAIT_CONFIG);

static void *make_reserved(void)
{
	return kmem_cache_zalloc(entries, GFP_KERNEL);
}

static void dispose_reserved(void *thread)
{
	kmem_cache_free(entries, thread);
}

/* Enough for who creates children as fast as he can. */
static struct nta_reserve entry_reserve = {
	.make = make_reserved,
	.dispose = dispose_reserved,
	.wanted = 256,
};

static void give_back(struct nta_thread *thread)
{
	memset(thread, 0, sizeof(*thread));
	nta_reserve_give(&entry_reserve, thread);
}

static void *make_mask(void)
{
	return kzalloc(cpumask_size(), GFP_KERNEL);
}

static void dispose_mask(void *mask)
{
	kfree(mask);
}

/* For nta_make_lost(). */
struct nta_reserve nta_mask_reserve = {
	.make = make_mask,
	.dispose = dispose_mask,
	.wanted = 64,
};

/* --- life --- */

/**
 * nta_thread_make() - give a thread its entry
 * @task: current, or a child of it that does not run yet; it has none
 * @gfp: GFP_NOIO for current: a storage driver may call from the path that
 *	reclaim writes through; 0: from the reserve
 *
 * Even so reclaim can run a driver's shrinker, which may make a call of its own
 * in this very thread: whoever inserts first wins.
 *
 * Context: any that @gfp allows.
 * Return: the entry, not active; NULL if there is no memory.
 */
struct nta_thread *nta_thread_make(struct task_struct *task, gfp_t gfp)
{
	struct bucket *bucket = bucket_of(task);
	struct nta_thread *thread, *other;
	unsigned long flags;

	nta_begin_alloc(gfp);
	thread = gfp ? kmem_cache_zalloc(entries, gfp) :
		       nta_reserve_take(&entry_reserve);
	nta_end_alloc(gfp);
	if (!thread)
		return NULL;

	thread->task = task;
	refcount_set(&thread->refs, 1);

	raw_spin_lock_irqsave(&bucket->lock, flags);
	other = find_in(bucket, task);
	if (!other)
		hlist_add_head_rcu(&thread->node, &bucket->head);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	if (other) {
		if (gfp)
			kmem_cache_free(entries, thread);
		else
			give_back(thread);
		return other;
	}
	atomic_long_inc(&threads_known);
	return thread;
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_make);

/**
 * nta_thread_get() - take a reference on an entry
 * @thread: an entry found under rcu_read_lock() or a bucket's lock
 *
 * Context: any.
 * Return: false if it is going away.
 */
bool nta_thread_get(struct nta_thread *thread)
{
	return refcount_inc_not_zero(&thread->refs);
}

static void free_thread(struct rcu_head *rcu)
{
	struct nta_thread *thread = container_of(rcu, struct nta_thread, rcu);

	kfree(thread->lost);
	kmem_cache_free(entries, thread);
}

/**
 * nta_thread_put() - drop a reference on an entry
 * @thread: the entry
 *
 * Context: any.
 */
void nta_thread_put(struct nta_thread *thread)
{
	if (refcount_dec_and_test(&thread->refs))
		call_rcu(&thread->rcu, free_thread);
}

/**
 * nta_thread_end() - forget a thread that is gone
 * @task: the thread; it need not have an entry
 *
 * Context: any. Comes from the scheduler's tracepoint, in softirq or, on newer
 * kernels, preemptible.
 */
void nta_thread_end(struct task_struct *task)
{
	struct bucket *bucket = bucket_of(task);
	struct nta_thread *thread;
	unsigned long flags;

	/* Nearly every thread that ends never called us: take no lock for it. */
	if (hlist_empty(&bucket->head))
		return;

	raw_spin_lock_irqsave(&bucket->lock, flags);
	thread = find_in(bucket, task);
	if (thread)
		hlist_del_rcu(&thread->node);
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	if (!thread)
		return;

	atomic_long_dec(&threads_known);
	nta_thread_unmark(thread, NTA_THREAD_APC);
	nta_thread_unmark(thread, NTA_THREAD_MOVES);
	/* The thread is gone: only an unload that took it writes its state. */
	if (!test_bit(NTA_THREAD_TAKEN, &thread->flags) && thread->state.active) {
		nta_report_leak(task, &thread->state.system,
				READ_ONCE(thread->caller));
		/* A worker may be on its way, and there is nothing left to do. */
		raw_spin_lock_irqsave(&task->pi_lock, flags);
		thread->state = (struct nta_state){};
		raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	}
	nta_tokens_pop(thread, NULL);
	nta_thread_put(thread);
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_end);

/**
 * nta_thread_read() - what can be known of a thread from outside
 * @thread: its entry
 * @snapshot: receives it
 *
 * Context: any. Exact for current; else it may be a mixture, but where the thread's
 * pi_lock is held, of what is written under that.
 */
void nta_thread_read(const struct nta_thread *thread,
		     struct nta_thread_snapshot *snapshot)
{
	const struct task_struct *installer = READ_ONCE(thread->installer);
	unsigned long flags = READ_ONCE(thread->flags);

	*snapshot = (struct nta_thread_snapshot){
		/* data_race: see above. */
		.state = data_race(thread->state),
		.caller = READ_ONCE(thread->caller),
		.generation = READ_ONCE(thread->generation),
		.known = true,
		.owned = flags & BIT(NTA_THREAD_OWNED),
		.busy = installer && installer != thread->task,
		.bound = flags & BIT(NTA_THREAD_BOUND),
		.displaced = flags & BIT(NTA_THREAD_DISPLACED),
		.given_up = flags & BIT(NTA_THREAD_GIVEN_UP),
		.in_force = flags & BIT(NTA_THREAD_IN_FORCE),
	};
	snapshot->pending = flags & BIT(NTA_THREAD_PENDING) ||
			    (!snapshot->state.active &&
			     flags & BIT(NTA_THREAD_USER_DUE));
}

/**
 * nta_thread_snapshot() - the same of a thread that need not have an entry
 * @task: a task that does not end meanwhile
 * @snapshot: receives it
 *
 * Context: any.
 */
void nta_thread_snapshot(const struct task_struct *task,
			 struct nta_thread_snapshot *snapshot)
{
	const struct nta_thread *thread;

	memset(snapshot, 0, sizeof(*snapshot));

	rcu_read_lock();
	thread = find_in(bucket_of(task), task);
	if (thread)
		nta_thread_read(thread, snapshot);
	rcu_read_unlock();
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_snapshot);

/**
 * nta_thread_mark() - have raising and lowering look at a thread
 * @thread: current's entry
 * @mark: why
 *
 * Context: any.
 */
void nta_thread_mark(struct nta_thread *thread, enum nta_thread_flag mark)
{
	if (!test_and_set_bit(mark, &thread->flags))
		atomic_inc(&nta_marks);
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_mark);

/* How many wait for an entry, whichever it is. */
static atomic_t waiting = ATOMIC_INIT(0);

/**
 * nta_anybody_waits() - whether somebody waits for an entry, whichever it is
 *
 * Context: any.
 * Return: whether that is so.
 */
bool nta_anybody_waits(void)
{
	return atomic_read(&waiting);
}
EXPORT_SYMBOL_IF_KUNIT(nta_anybody_waits);

/**
 * nta_thread_own() - become the one who installs for a thread
 * @thread: its entry
 *
 * Context: process; sleeps while somebody else owns it.
 */
void nta_thread_own(struct nta_thread *thread)
{
	/* No point at which to reschedule: that costs more than all the rest. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep();
	if (nta_thread_try_own(thread))
		return;
	atomic_inc(&waiting);
	smp_mb__after_atomic(); /* pairs with nta_thread_disown() */
	wait_on_bit_lock(&thread->flags, NTA_THREAD_OWNED, TASK_UNINTERRUPTIBLE);
	atomic_dec(&waiting);
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_own);

/**
 * nta_thread_release() - let the next one install, but wake nobody
 * @thread: its entry, owned by the caller
 *
 * Context: any, with no lock of the scheduler held.
 * Return: whether nobody waits for any entry. Else somebody has to own and disown
 * this one soon.
 */
bool nta_thread_release(struct nta_thread *thread)
{
	clear_bit_unlock(NTA_THREAD_OWNED, &thread->flags);
	smp_mb__after_atomic(); /* pairs with nta_thread_own() */
	return likely(!nta_anybody_waits());
}

/**
 * nta_thread_disown() - let the next one install
 * @thread: its entry, owned by the caller
 *
 * Nearly always nobody waits; to look into the kernel's table of those who wait for
 * a bit would cost more than all the rest.
 *
 * Context: process.
 */
void nta_thread_disown(struct nta_thread *thread)
{
	if (!nta_thread_release(thread))
		wake_up_bit(&thread->flags, NTA_THREAD_OWNED);
}
EXPORT_SYMBOL_IF_KUNIT(nta_thread_disown);

/**
 * nta_threads_visit() - look at every entry
 * @visit: called under the bucket's lock; what must own the entry is not for it
 * @data: passed on
 *
 * Context: process; may sleep. @visit may not.
 */
void nta_threads_visit(void (*visit)(struct nta_thread *thread, void *data),
		       void *data)
{
	struct nta_thread *thread;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < 1U << bucket_bits; i++) {
		if (hlist_empty(&buckets[i].head))
			continue;
		raw_spin_lock_irqsave(&buckets[i].lock, flags);
		hlist_for_each_entry(thread, &buckets[i].head, node)
			visit(thread, data);
		raw_spin_unlock_irqrestore(&buckets[i].lock, flags);
		cond_resched();
	}
}

/*
 * Take the first active thread of a bucket that nobody has taken yet. Whoever sets
 * NTA_THREAD_KICKED has the work item; if that is somebody else, @busy says so.
 */
static struct nta_thread *take_active(struct bucket *bucket, bool *busy)
{
	struct nta_thread *thread;
	unsigned long flags;

	raw_spin_lock_irqsave(&bucket->lock, flags);
	hlist_for_each_entry(thread, &bucket->head, node) {
		/* What was taken is written by who took it. */
		if (test_bit(NTA_THREAD_TAKEN, &thread->flags) ||
		    !thread->state.active)
			continue;
		if (test_and_set_bit(NTA_THREAD_KICKED, &thread->flags)) {
			*busy = true;
			continue;
		}
		set_bit(NTA_THREAD_TAKEN, &thread->flags);
		refcount_inc(&thread->refs);
		get_task_struct(thread->task);
		break;
	}
	raw_spin_unlock_irqrestore(&bucket->lock, flags);
	return thread;
}

/**
 * nta_threads_take_active() - visit every active thread once, for unload
 * @visit: gets the work item, a reference on the entry and one on its task, to put
 *	both
 *
 * Context: process; @visit may sleep. No DDI may be called any more.
 * Return: false if there was work on its way for one that is not taken yet.
 */
bool nta_threads_take_active(void (*visit)(struct nta_thread *thread))
{
	struct nta_thread *thread;
	bool busy = false;
	unsigned int i;

	for (i = 0; i < 1U << bucket_bits; i++) {
		while ((thread = take_active(&buckets[i], &busy)))
			visit(thread);
		cond_resched();
	}
	return !busy;
}

/**
 * nta_threads_known() - how many threads have an entry
 *
 * Context: any.
 * Return: the count.
 */
long nta_threads_known(void)
{
	return atomic_long_read(&threads_known);
}
EXPORT_SYMBOL_IF_KUNIT(nta_threads_known);

static void process_free_probe(void *data, struct task_struct *task)
{
	nta_thread_end(task);
}

struct search {
	const char *name;
	struct tracepoint *found;
};

static void match_tracepoint(struct tracepoint *tracepoint, void *data)
{
	struct search *search = data;

	if (!strcmp(tracepoint->name, search->name))
		search->found = tracepoint;
}

/**
 * nta_find_tracepoint() - one of the kernel's own tracepoints
 * @name: its name
 *
 * Context: process.
 * Return: the tracepoint; NULL if this kernel has none of the name.
 */
struct tracepoint *nta_find_tracepoint(const char *name)
{
	struct search search = { .name = name };

	for_each_kernel_tracepoint(match_tracepoint, &search);
	return search.found;
}

/**
 * nta_start_probe() - put a probe on one of the kernel's own tracepoints
 * @name: the tracepoint's name
 * @probe: the probe; its data is NULL
 *
 * Context: process; may sleep.
 * Return: the tracepoint; NULL if that was not to be had, which is logged.
 */
struct tracepoint *nta_start_probe(const char *name, void *probe)
{
	struct tracepoint *tracepoint = nta_find_tracepoint(name);

	if (tracepoint && !tracepoint_probe_register(tracepoint, probe, NULL))
		return tracepoint;
	pr_warn("no tracepoint %s: what it would show is not seen\n", name);
	return NULL;
}

/* One bucket for each 16 KiB of memory is a thousandth of it. */
static unsigned int choose_bucket_bits(void)
{
	unsigned long wanted = (totalram_pages() << PAGE_SHIFT) / SZ_16K;

	return clamp(ilog2(max(wanted, 1UL)), 8, 16);
}

/**
 * nta_threads_start() - make the table and learn of threads' ends
 *
 * Context: process; may sleep.
 * Return: 0 or -errno.
 */
int nta_threads_start(void)
{
	unsigned int i;
	int ret;

	process_free = nta_find_tracepoint("sched_process_free");
	if (!process_free) {
		pr_err("this kernel has no tracepoint sched_process_free: a thread's end cannot be seen\n");
		return -EOPNOTSUPP;
	}

	entries = kmem_cache_create("ntaffinity_threads",
				    struct_size((struct nta_thread *)NULL, masks,
						NTA_THREAD_MASKS *
						cpumask_size() / sizeof(long)),
				    0, 0, NULL);
	if (!entries)
		return -ENOMEM;

	bucket_bits = choose_bucket_bits();
	buckets = kvcalloc(1U << bucket_bits, sizeof(*buckets), GFP_KERNEL);
	if (!buckets) {
		ret = -ENOMEM;
		goto destroy_entries;
	}
	for (i = 0; i < 1U << bucket_bits; i++)
		raw_spin_lock_init(&buckets[i].lock);
	nta_reserve_start(&entry_reserve);
	nta_reserve_start(&nta_mask_reserve);

	ret = tracepoint_probe_register(process_free, process_free_probe, NULL);
	if (ret)
		goto stop_reserves;
	return 0;

stop_reserves:
	nta_reserve_stop(&nta_mask_reserve);
	nta_reserve_stop(&entry_reserve);
	kvfree(buckets);
destroy_entries:
	kmem_cache_destroy(entries);
	return ret;
}

/**
 * nta_threads_stop() - forget all threads
 *
 * Context: process; may sleep. No thread is active, no DDI may be called.
 */
void nta_threads_stop(void)
{
	struct hlist_node *next;
	struct nta_thread *thread;
	unsigned int i;

	tracepoint_probe_unregister(process_free, process_free_probe, NULL);
	tracepoint_synchronize_unregister();

	for (i = 0; i < 1U << bucket_bits; i++) {
		hlist_for_each_entry_safe(thread, next, &buckets[i].head, node) {
			hlist_del_rcu(&thread->node);
			nta_thread_put(thread);
		}
		cond_resched();
	}
	kvfree(buckets);
	rcu_barrier(); /* free_thread() */
	nta_reserve_stop(&nta_mask_reserve);
	nta_reserve_stop(&entry_reserve);
	kmem_cache_destroy(entries);
}
