/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What affinity.c, topology.c and topology.h need of the kernel, for user space. It
 * comes before all else (-include), and the kernel's headers that they name are
 * empty files.
 *
 * A cpumask has no more words than this machine needs, and is allocated so: who
 * looks or writes beyond them is caught by AddressSanitizer.
 */
#ifndef NTA_SHIM_H
#define NTA_SHIM_H

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It has nothing else that is of use here. */
#define NTA_COMPAT_H

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define BITS_PER_LONG 64
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK_ULL(high, low) ((~0ULL << (low)) & (~0ULL >> (63 - (high))))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define fallthrough __attribute__((fallthrough))
#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define likely(condition) (condition)
#define unlikely(condition) (condition)
/* data_race: there is one thread. */
#define data_race(expression) (expression)

#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define smp_load_acquire(pointer) (*(pointer))
#define smp_store_release(pointer, value) (*(pointer) = (value))
#define smp_rmb() ((void)0)
#define smp_wmb() ((void)0)

#define EXPORT_SYMBOL_IF_KUNIT(symbol)

#define __printf(a, b) __attribute__((__format__(printf, a, b)))

static inline int vscnprintf(char *buffer, size_t size, const char *format,
			     va_list args)
{
	int length = vsnprintf(buffer, size, format, args);

	return length < (int)size ? length : size ? (int)size - 1 : 0;
}

/* --- cpumasks --- */

struct cpumask {
	unsigned long bits[8192 / BITS_PER_LONG];
};

typedef struct cpumask *cpumask_var_t;

extern unsigned int nr_cpu_ids;

#define cpumask_bits(mask) ((mask)->bits)

static inline unsigned int cpumask_words(void)
{
	return DIV_ROUND_UP(nr_cpu_ids, BITS_PER_LONG);
}

static inline struct cpumask *new_cpumask(void)
{
	return calloc(cpumask_words(), sizeof(long));
}

static inline bool cpumask_test_cpu(unsigned int cpu, const struct cpumask *mask)
{
	return mask->bits[cpu / BITS_PER_LONG] >> (cpu % BITS_PER_LONG) & 1;
}

static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *mask)
{
	mask->bits[cpu / BITS_PER_LONG] |= 1UL << (cpu % BITS_PER_LONG);
}

static inline void cpumask_clear_cpu(unsigned int cpu, struct cpumask *mask)
{
	mask->bits[cpu / BITS_PER_LONG] &= ~(1UL << (cpu % BITS_PER_LONG));
}

static inline void cpumask_clear(struct cpumask *mask)
{
	memset(mask->bits, 0, cpumask_words() * sizeof(long));
}

static inline unsigned int cpumask_first(const struct cpumask *mask)
{
	unsigned int cpu = 0;

	while (cpu < nr_cpu_ids && !cpumask_test_cpu(cpu, mask))
		cpu++;
	return cpu;
}

static inline unsigned int cpumask_last(const struct cpumask *mask)
{
	unsigned int cpu = nr_cpu_ids;

	while (cpu > 0 && !cpumask_test_cpu(cpu - 1, mask))
		cpu--;
	return cpu ? cpu - 1 : nr_cpu_ids;
}

static inline bool cpumask_empty(const struct cpumask *mask)
{
	return cpumask_first(mask) >= nr_cpu_ids;
}

static inline void cpumask_copy(struct cpumask *to, const struct cpumask *from)
{
	memcpy(to->bits, from->bits, cpumask_words() * sizeof(long));
}

#define for_each_cpu(cpu, mask)						\
	for ((cpu) = 0; (cpu) < nr_cpu_ids; (cpu)++)			\
		if (cpumask_test_cpu(cpu, mask))

/* --- what topology.c needs; hotplug.c plays the kernel --- */

#define MAX_CPUS 8192
#define DECLARE_PER_CPU(type, name) extern type name[MAX_CPUS]
#define DEFINE_PER_CPU(type, name) type name[MAX_CPUS]
#define per_cpu(name, cpu) ((name)[cpu])

extern struct cpumask *cpu_possible_mask, *cpu_active_mask;

#define for_each_possible_cpu(cpu) for_each_cpu(cpu, cpu_possible_mask)

bool in_nmi(void);

#define GFP_KERNEL 0

extern struct cpumask *cpu_possible_mask, *cpu_active_mask;

static inline unsigned int ilog2(unsigned int n)
{
	return 31 - __builtin_clz(n);
}

void *kvcalloc(size_t n, size_t size, int gfp);
void kvfree(void *memory);

static inline bool zalloc_cpumask_var(cpumask_var_t *mask, int gfp)
{
	*mask = kvcalloc(cpumask_words(), sizeof(long), gfp);
	return *mask;
}

static inline void free_cpumask_var(cpumask_var_t mask)
{
	kvfree(mask);
}

struct lock {
	bool held;
	unsigned long taken;
};

extern struct lock *the_lock;

#define DEFINE_RAW_SPINLOCK(name) \
	struct lock name; struct lock *the_lock = &name
#define raw_spin_lock_irqsave(lock, flags) \
	((flags) = 0, assert(!(lock)->held), (lock)->held = true, (lock)->taken++)
#define raw_spin_unlock_irqrestore(lock, flags) \
	((void)(flags), assert((lock)->held), (lock)->held = false)
#define lockdep_assert_held(lock) assert((lock)->held)

struct work_struct {
	void (*function)(struct work_struct *work);
	bool pending;
};

#define DECLARE_WORK(name, work_function) \
	struct work_struct name = { .function = (work_function) }
void schedule_work(struct work_struct *work);
void cancel_work_sync(struct work_struct *work);

#define CPUHP_AP_ONLINE_DYN 100
void cpus_read_lock(void);
void cpus_read_unlock(void);
int cpuhp_setup_state_nocalls_cpuslocked(int state, const char *name,
					 int (*comes)(unsigned int cpu),
					 int (*goes)(unsigned int cpu));
void cpuhp_remove_state_nocalls(int state);

#endif /* NTA_SHIM_H */
