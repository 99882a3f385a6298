/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this program share, file by file. main.c says what each of
 * them is for; comments on a function are where it is defined.
 */
#ifndef TWINS_H
#define TWINS_H

#include <linux/types.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "cpus.h"
#include "files.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define DDI "/sys/kernel/debug/from_the_shell/"
#define DEBUG "/sys/kernel/debug/ntaffinity/"
#define CPUS "/sys/devices/system/cpu/"

/* How long a put-back may take, and anything else, where a processor may be stopped. */
#define PUT_BACK_MS 10000
#define PATIENCE_MS 20000

/* Masks of CPUs are __u64, as KAFFINITY is. */

#ifndef __printf
#define __printf(format_at, arguments_at) \
	__attribute__((format(printf, format_at, arguments_at)))
#endif
#ifndef __noreturn
#define __noreturn __attribute__((noreturn))
#endif

/* --- history.c: how a case ends, its clock and its random numbers --------- */

enum { PASSED, FAILED, SKIPPED };

extern jmp_buf case_end;
extern char skip_reason[128];
extern __u64 seed, random_state;

void __printf(1, 2) event(const char *format, ...);
void forget_history(void);
void __printf(1, 2) __noreturn fail(const char *format, ...);
void __printf(1, 2) __noreturn skip(const char *format, ...);
__u64 now_us(void);
unsigned int below(unsigned int n);

/*
 * Whether @condition becomes true in @ms milliseconds. It is looked at so often that a
 * pause of the whole machine is not taken for time in which it could have.
 */
#define within(ms, condition)						\
({									\
	int ms_ = (ms), looks_ = ms_ / 10;				\
	__u64 deadline_ = now_us() + ms_ * 1000ULL;			\
	bool true_;							\
									\
	for (;;) {							\
		true_ = (condition);					\
		if (true_ || (--looks_ < 0 && now_us() >= deadline_))	\
			break;						\
		usleep(200);						\
	}								\
	true_;								\
})

/* --- affinity.c: the machine, its files and its log; masks ---------------- */

extern __u64 all;		/* the CPUs of this machine */
extern bool narrows;		/* it cuts masks with the user's: Linux 6.2 */
extern bool probes;		/* changes are seen by probes, not by a scan */

const char *find_line(const char *text, const char *name);
long read_counter(const char *name);
__u64 online(void);
void clear_log(void);
int logged(const char *one, const char *two);
void show_log(void);
__u64 get_affinity(pid_t pid);
int set_affinity(pid_t pid, __u64 mask);
int current_cpu(void);
__u64 allowed_in_proc(pid_t pid);
void look_at_kernel(void);

/* --- agent.c: an agent, from inside --------------------------------------- */

enum op {
	OP_PING,
	OP_CALL,		/* write .text to the driver */
	OP_SET_SELF,		/* sched_setaffinity() on itself */
	OP_SET_BY_THREAD,	/* a second thread does it */
	OP_FORK,		/* a child; it sets .mask itself if that is not 0 */
	OP_FORK_TWICE,		/* a grandchild, as daemon(3) makes one */
	OP_FORK_INTO,		/* a child, created into the cgroup .text */
	OP_VFORK,		/* a child that executes a program */
	OP_THREAD,		/* a thread */
	OP_THREAD_ENDS,		/* a thread that writes .text to the driver and ends */
	OP_URING,		/* a worker of io_uring */
	OP_CHANGES,		/* of scheduling class, credentials and namespace */
	OP_PAIRS,		/* .mask times Set and Revert, on each CPU in turn */
	OP_EXEC,
	OP_SPIN,		/* from now on it runs instead of sleeping */
	OP_EXIT,
};

struct request {
	enum op op;
	__u64 mask;
	pid_t thread;
	char text[48];
};

struct reply {
	int error;
	__u64 affinity;
	int cpu;
	pid_t thread;
	pid_t child;
};

extern __thread int agent_from, agent_to;

void *wait_forever(void *to);
void run_agent(void);

/* --- pair.c: held and twin ------------------------------------------------ */

struct agent {
	const char *name;
	pid_t pid;
	int to, from;
	__u64 user;	/* what sched_setaffinity() last gave it; 0 if nothing has */
};

enum by { BY_ITSELF, BY_THREAD, BY_OTHER, BY_TASKSET, BY_COUNT };

extern struct agent held, twin;
extern pid_t agents[];
extern const char * const by_names[];

void start_agent(struct agent *agent);
void start_pair_of_threads(void);
bool end_agents(void);
void start_pair(void);
void tell(struct agent *agent, enum op op, __u64 mask, const char *text);
struct reply wait_for(struct agent *agent);
struct reply ask(struct agent *agent, enum op op, __u64 mask, const char *text);
void begin_wait(void);
int change_affinity(struct agent *agent, __u64 mask, enum by by);
int user_sets(__u64 mask, enum by by);
__u64 installed(__u64 system);
__u64 to_cpus(unsigned int group, __u64 mask);
__u64 driver_sets(__u64 system);
struct reply driver_reverts(__u64 system);
void check_held(__u64 system);
void check_equal(void);
void revert_and_check(void);
void set_and_check(__u64 system);
void check_counter(const char *name, long want);
void check_counter_above(const char *name, long old);

/* --- modules.c: commands, and the modules --------------------------------- */

int run(const char *const argv[]);
int remove_module(const char *name);
bool load_modules(void);
void reload_modules(void);

/* --- cpuset.c: cpusets, of both versions ---------------------------------- */

extern const char *cgroups;
extern const char * const cpuset_names[];

bool mount_v2(void);
bool mount_v1(void);
void unmount_v1(void);
void need_cpusets(void);
void need_cpusets_v2(void);
void cpuset_takes(const char *name, __u64 mask);
void make_cpuset(const char *name, __u64 mask);
void move_both(const char *name);
bool remove_cpusets(void);

/* --- hotplug.c: processors off and on ------------------------------------- */

void switch_cpu(int cpu, bool on);
bool all_online(void);
void need_hotplug(void);
void wake_both(void);
void check_displaced(long before);

/* --- shown.c: what debugfs shows of held ---------------------------------- */

bool is_at_rest(void);

#endif
