// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/topology.c beside a model of the rules G1, Q2, Q3, Q5 and E5: processors come
 * and go, and now and then somebody asks. A processor is seen by the first look at a
 * time when it is active, by a query or by the worker, and has the next index from
 * then on.
 *
 * The kernel is played here: in its order the callback runs before a processor that
 * comes is active, and after one that goes is not any more.
 */
#include "hotplug.h"

/* Itself, for its variables have to be as after a load again and again. */
#include "topology.c"

struct cpumask *cpu_possible_mask, *cpu_active_mask;

/* --- the kernel --- */

static struct {
	int (*comes)(unsigned int cpu);
	int (*goes)(unsigned int cpu);
	unsigned int readers;
	struct work_struct *work;
	unsigned int allocations;
	unsigned int fails;
	bool nmi;
	bool moving;
	bool hotplug_fails;
} kernel;

/* The number kernel.fails of the allocations fails. */
void *kvcalloc(size_t n, size_t size, int gfp)
{
	if (kernel.fails && !--kernel.fails)
		return NULL;
	kernel.allocations++;
	return calloc(n, size);
}

void kvfree(void *memory)
{
	if (memory)
		kernel.allocations--;
	free(memory);
}

void schedule_work(struct work_struct *work)
{
	work->pending = true;
	kernel.work = work;
}

void cancel_work_sync(struct work_struct *work)
{
	work->pending = false;
	kernel.work = NULL;
}

void cpus_read_lock(void)
{
	kernel.readers++;
}

void cpus_read_unlock(void)
{
	kernel.readers--;
}

int cpuhp_setup_state_nocalls_cpuslocked(int state, const char *name,
					 int (*comes)(unsigned int cpu),
					 int (*goes)(unsigned int cpu))
{
	assert(kernel.readers == 1 && name);
	if (kernel.hotplug_fails)
		return -ENOSPC;
	kernel.comes = comes;
	kernel.goes = goes;
	return state;
}

void cpuhp_remove_state_nocalls(int state)
{
	assert(state == CPUHP_AP_ONLINE_DYN);
	kernel.comes = NULL;
	kernel.goes = NULL;
}

bool in_nmi(void)
{
	return kernel.nmi;
}

/* --- the model --- */

static struct {
	struct model_machine machine;
	unsigned int count;
	unsigned int cpu_of[MODEL_CPUS];
} model;

/* Somebody looks. */
static void look(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < model.machine.cpus; cpu++) {
		if (!model.machine.active[cpu] || model.machine.seen[cpu])
			continue;
		model.machine.seen[cpu] = true;
		model.cpu_of[model.count++] = cpu;
	}
}

static unsigned int model_seen_groups(void)
{
	unsigned int cpu, groups = 0;

	for (cpu = 0; cpu < model.machine.cpus; cpu++) {
		if (model.machine.seen[cpu])
			groups = cpu / model.machine.group_size + 1;
	}
	return groups;
}

static u32 model_index(unsigned int cpu)
{
	unsigned int index;

	for (index = 0; index < model.count; index++) {
		if (model.cpu_of[index] == cpu)
			return index;
	}
	return NTA_NO_INDEX;
}

static u64 mask_of(const bool *cpus, unsigned int group)
{
	unsigned int number;
	u64 mask = 0;

	for (number = 0; number < model.machine.group_size; number++) {
		if (model_has(&model.machine, cpus, group, number))
			mask |= 1ULL << number;
	}
	return mask;
}

/* --- beside each other --- */

static const char *difference;

static void expect(bool is_so, const char *text)
{
	if (!is_so && !difference)
		difference = text;
}

static void check_name(const union nta_processor *processor, unsigned int cpu)
{
	unsigned int size = model.machine.group_size;

	expect(processor->group == cpu / size && processor->number == cpu % size &&
	       !processor->reserved, "Q4: group and number of a processor");
	expect(processor->index == model_index(cpu), "Q2: index of a processor");
}

/* One query, so that none can lean on another. */
static void ask(struct random *random)
{
	unsigned int groups = model_groups(&model.machine);
	unsigned int group = random_below(random, groups + 2);
	unsigned int cpu = random_below(random, model.machine.cpus);
	unsigned int index = random_below(random, model.machine.cpus + 2);
	unsigned int query = random_below(random, 6);
	unsigned long taken = the_lock->taken;

	/* Who interrupts the lock's holder must not wait for it. */
	kernel.nmi = !random_below(random, 8);
	the_lock->held = kernel.nmi;
	/* Whoever names no group, or an index that is known, need not look. */
	if (!kernel.nmi && (query != 1 || group < groups) &&
	    (query != 4 || index >= model.count))
		look();
	switch (query) {
	case 0:
		expect(nta_seen_count() == model.count, "Q3: count");
		break;
	case 1:
		expect(nta_seen_mask(group) == mask_of(model.machine.seen, group),
		       "Q3: mask");
		break;
	case 2:
		expect(nta_seen_groups() == model_seen_groups(), "Q5: groups");
		break;
	case 3:
		expect(nta_index_of_cpu(cpu) == model_index(cpu), "Q2: index");
		if (model.machine.possible[cpu])
			check_name(&nta_this_processor[cpu], cpu);
		break;
	case 4:
		expect((nta_is_known_index(index) || index < nta_seen_count()) ==
		       (index < model.count), "Q2: which indexes there are");
		if (index < model.count)
			check_name(&nta_indexes.processors[index],
				   model.cpu_of[index]);
		break;
	default:
		nta_topology_refresh();
	}
	if (kernel.nmi)
		expect(the_lock->taken == taken, "a lock in an NMI");
	expect(the_lock->held == kernel.nmi, "the lock is held");
	the_lock->held = false;
	kernel.nmi = false;

	if (random_below(random, 4))
		return;
	nta_topology_refresh();
	look();
	/* If no processor is on its way a flag is all that is read. */
	taken = the_lock->taken;
	nta_topology_refresh();
	expect(the_lock->taken == taken + kernel.moving, "Q2: a lock for nothing");
	if (group < groups) {
		expect(nta_group_seen(&nta_topology, group) ==
		       mask_of(model.machine.seen, group), "Q3: seen");
		expect(nta_group_active(&nta_topology, group) ==
		       mask_of(model.machine.active, group), "Q3: active");
		expect(nta_group_possible(&nta_topology, group) ==
		       mask_of(model.machine.possible, group), "Q5: possible");
	}
}

static void run_work(void)
{
	struct work_struct *work = kernel.work;

	if (!work || !work->pending)
		return;
	work->pending = false;
	work->function(work);
	expect(!kernel.readers, "the hotplug lock is held");
	look();
}

/* After one that nobody has seen: if no other is on its way there is nothing to do. */
static void look_for_nothing(struct random *random)
{
	unsigned long taken = the_lock->taken;
	unsigned int cpu;

	for (cpu = 0; cpu < model.machine.cpus; cpu++) {
		if (model.machine.active[cpu] && !model.machine.seen[cpu])
			return;
	}
	if (random_below(random, 2))
		return;
	nta_topology_refresh();
	expect(the_lock->taken == taken, "Q2: a lock for what is gone");
}

static void comes(unsigned int cpu, struct random *random)
{
	expect(!kernel.comes(cpu), "the callback fails");
	kernel.moving = !model.machine.seen[cpu];
	expect(kernel.work && kernel.work->pending, "Q2: nobody will look");
	if (!random_below(random, 2))
		ask(random);
	kernel.moving = false;
	if (!random_below(random, 8)) {
		/* It has failed on its way. */
		expect(!kernel.goes(cpu), "the callback fails");
		look_for_nothing(random);
		return;
	}
	model.machine.active[cpu] = true;
	cpumask_set_cpu(cpu, cpu_active_mask);
}

static void goes(unsigned int cpu, struct random *random)
{
	model.machine.active[cpu] = false;
	cpumask_clear_cpu(cpu, cpu_active_mask);
	kernel.moving = !model.machine.seen[cpu];
	if (!random_below(random, 2))
		ask(random);
	kernel.moving = false;
	expect(!kernel.goes(cpu), "the callback fails");
	look_for_nothing(random);
}

static void change(struct random *random)
{
	unsigned int cpu = random_below(random, model.machine.cpus);

	while (!model.machine.possible[cpu])
		cpu++;
	/* At a callback nobody has seen what was not active. */
	if (!model.machine.active[cpu])
		comes(cpu, random);
	else if (random_below(random, 2))
		goes(cpu, random);
}

static void run(struct random *random)
{
	unsigned int steps = 1 + random_below(random, 24);

	while (steps-- && !difference) {
		switch (random_below(random, 4)) {
		case 0:
			ask(random);
			break;
		case 1:
			run_work();
			ask(random);
			break;
		default:
			change(random);
			if (random_below(random, 2))
				ask(random);
		}
	}
}

static void count_groups(struct random *random)
{
	unsigned int size = 1U << random_below(random, 7);
	unsigned int cpus = 1 + random_below(random, 70000);
	unsigned int groups = (cpus - 1) / size + 1;

	/* 0xffff means all groups, 0xfffe is left free. */
	if (!random_below(random, 4)) {
		size = 1;
		cpus = 0xfffe - 1 + random_below(random, 3);
		groups = cpus;
	}
	expect(nta_count_groups(cpus, size) == (groups > 0xfffe ? -ERANGE : (int)groups),
	       "G1: number of groups");
}

static struct cpumask *to_mask(const bool *cpus)
{
	struct cpumask *mask = new_cpumask();
	unsigned int cpu;

	for (cpu = 0; cpu < model.machine.cpus; cpu++) {
		if (cpus[cpu])
			cpumask_set_cpu(cpu, mask);
	}
	return mask;
}

bool hotplug_differs(const struct model_machine *machine, struct random *random,
		     const char **text)
{
	bool groupaware = random_below(random, 2);
	unsigned int fails = random_below(random, 8);
	unsigned int legacy_group = 0, cpu;
	int ret, error = 0;

	difference = NULL;
	machine_copy(&model.machine, machine);
	memset(model.machine.seen, 0, sizeof(model.machine.seen));
	model.count = 0;
	nr_cpu_ids = model.machine.cpus;
	cpu_possible_mask = to_mask(model.machine.possible);
	cpu_active_mask = to_mask(model.machine.active);
	kernel.fails = fails;
	kernel.hotplug_fails = !random_below(random, 16);
	if (kernel.hotplug_fails)
		error = -ENOSPC;
	if (fails && fails <= 4)
		error = -ENOMEM;

	nta_indexes.count = 0;
	seen_groups = 0;
	nta_any_fresh = false;
	count_groups(random);
	ret = nta_topology_start(machine->group_size, groupaware);
	expect(!kernel.readers, "the hotplug lock is held");
	expect(ret == error, "start: what it returns");
	if (ret) {
		expect(!kernel.comes, "start: callbacks are left");
		goto stopped;
	}
	expect(kernel.comes && kernel.goes, "start: no callbacks");
	look();
	for (cpu = 0; groupaware && cpu < machine->cpus; cpu++) {
		if (machine->active[cpu])
			legacy_group = cpu / machine->group_size;
	}
	expect(nta_topology.group_count == model_groups(machine), "G1: groups");
	expect(nta_group_size(&nta_topology) == machine->group_size, "G1: size");
	expect(nta_topology.legacy_group == legacy_group, "E5: group");
	/* By no query. */
	expect(nta_group_seen(&nta_topology, legacy_group) ==
	       mask_of(model.machine.seen, legacy_group), "Q3: seen at the load");
	run(random);
	nta_topology_stop();
	expect(!kernel.comes && !kernel.work, "stop: callbacks or work are left");
stopped:
	expect(!kernel.allocations, "memory is left");
	kernel.allocations = 0;
	kernel.readers = 0;
	free(cpu_possible_mask);
	free(cpu_active_mask);
	*text = difference;
	return difference;
}
