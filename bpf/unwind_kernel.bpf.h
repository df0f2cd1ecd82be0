/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the stack walker (unwind.bpf.h) needs of the kernel: its maps, user
 * memory, and the return addresses that return probes have replaced. The
 * walker's host build brings its own versions of these functions instead.
 */
#ifndef LEAKTRACE_BPF_UNWIND_KERNEL_H
#define LEAKTRACE_BPF_UNWIND_KERNEL_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/machine.h"
#include "bpf/unwind_walk.h"

/* MAX_URETPROBE_DEPTH of include/linux/uprobes.h */
#define RETURN_INSTANCES 64

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

/* kernel/events/uprobes.c; the fields that every version since 4.12 has. */
struct return_instance {
	unsigned long stack; /* the stack pointer at its entry */
	unsigned long orig_ret_vaddr;
	struct return_instance *next; /* outwards */
};

struct uprobe_task {
	struct return_instance *return_instances;
};

struct task_struct___unwind {
	struct uprobe_task *utask;
};

#pragma clang attribute pop

struct unwind_chunk {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(u32));
	__uint(value_size, UNWIND_CHUNK_BYTES);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UNWIND_CHUNKS);
	__uint(key_size, sizeof(u32));
	__array(values, struct unwind_chunk);
} unwind_chunks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UNWIND_RULES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, u64);
} unwind_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UNWIND_MODULES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct unwind_module);
} unwind_modules SEC(".maps");

/* By process slot: UNWIND_PROCESS words. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, UNWIND_PROCESSES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, u64);
} unwind_processes SEC(".maps");

/* PID (thread group id in the initial namespace) -> process slot. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNWIND_PROCESSES);
	__type(key, u32);
	__type(value, u32);
} unwind_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << UNWIND_CACHE_BITS);
	__type(key, u32);
	__type(value, struct unwind_cached);
} unwind_cache SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, UNWIND_WALKS);
	__type(key, u32);
	__type(value, struct unwind_walk);
} unwind_walks SEC(".maps");

static __always_inline struct unwind_walk *unwind_walk_at(u32 number)
{
	return bpf_map_lookup_elem(&unwind_walks, &number);
}

static __always_inline void *unwind_chunk_at(u32 number)
{
	void *chunk = bpf_map_lookup_elem(&unwind_chunks, &number);
	u32 only = 0;

	return chunk ? bpf_map_lookup_elem(chunk, &only) : NULL;
}

static __always_inline u64 *unwind_rule_at(u32 id)
{
	return bpf_map_lookup_elem(&unwind_rules, &id);
}

static __always_inline struct unwind_module *unwind_module_at(u32 id)
{
	return bpf_map_lookup_elem(&unwind_modules, &id);
}

static __always_inline struct unwind_cached *unwind_cached_at(u32 index)
{
	return bpf_map_lookup_elem(&unwind_cache, &index);
}

/* The mapping table of a process: an UNWIND_PROCESS word, 0 = none. */
static __always_inline u64 unwind_process_of(u32 pid)
{
	u32 *slot = bpf_map_lookup_elem(&unwind_slots, &pid);
	u64 *process;

	if (!slot)
		return 0;
	process = bpf_map_lookup_elem(&unwind_processes, slot);
	return process ? *(volatile u64 *)process : 0;
}

static __always_inline long unwind_read_memory(void *into, u32 size,
					       u64 address)
{
	u64 bounded = size;

	/* For the verifier, which else loses the bound (5.10, 6.1). */
	if (!__builtin_constant_p(size)) {
		barrier_var(bounded);
		if (bounded > UNWIND_MEMORY_PAGE)
			return -1;
	}
	return bpf_probe_read_user(into, bounded, (const void *)address);
}

/*
 * The return address that a return probe took from the stack at `place`
 * (prepare_uretprobe() in kernel/events/uprobes.c), or 0. An odd place is one
 * somewhere in the frame of the function that is to return.
 */
static __always_inline u64 unwind_probed_return(u64 place)
{
	struct task_struct___unwind *task = (void *)bpf_get_current_task();
	struct return_instance *instance =
		BPF_CORE_READ(task, utask, return_instances);

	for (u32 i = 0; i < RETURN_INSTANCES && instance; i++) {
		u64 stack = BPF_CORE_READ(instance, stack);

		if (stack == place || ((place & 1) && stack > place))
			return BPF_CORE_READ(instance, orig_ret_vaddr);
		instance = BPF_CORE_READ(instance, next);
	}
	return 0;
}

#endif
