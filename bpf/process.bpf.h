/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that are traced. Of one it is known at load time that it is
 * alone: its record is a variable. Several stand in a map.
 */
#ifndef LEAKTRACE_BPF_PROCESS_H
#define LEAKTRACE_BPF_PROCESS_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/calls.bpf.h"

#define SIGSTOP 19

/*
 * The one process that is traced, unless config.many; filled before any probe
 * is set.
 */
struct abi_process traced = {};

/* By PID in the first namespace. User space only adds and deletes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_PROCESSES_MAX);
	__type(key, u32);
	__type(value, struct abi_process);
} processes SEC(".maps");

/*
 * The processes that are stopped by us, and their PIDs in leaktrace's own
 * namespace: continued by user space, or by the guardian if that is no more.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ABI_PROCESSES_MAX);
	__type(key, u32);
	__type(value, u32);
} held_processes SEC(".maps");

/* Images are numbered from 1: 0 stands for no owner. */
__u64 last_image = 0;

/* leaktrace's own PID namespace and its depth, found by list_processes(). */
__u64 own_namespace = 0;
__u32 own_level = 0;

static __always_inline u32 current_pid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline u64 image_new(void)
{
	if (ATOMICS_EXCHANGE)
		return __sync_fetch_and_add(&last_image, 1) + 1;
	/* Any number that nobody else has: user space counts from 1. */
	return 1ULL << 63 | bpf_ktime_get_ns() << 12 >> 1 |
	       bpf_get_smp_processor_id();
}

/*
 * The record of the process that runs a probe, or NULL. Probes on functions
 * need not look who runs them when there is one: the kernel confines them to
 * the process (and to its memory, which a vfork child shares for a while).
 */
static __always_inline struct abi_process *probed_process(void)
{
	u32 pid;

	if (!config.many)
		return &traced;
	pid = current_pid();
	return bpf_map_lookup_elem(&processes, &pid);
}

/* The same for what anybody may run. */
static __always_inline struct abi_process *traced_process(u32 pid)
{
	if (config.many)
		return bpf_map_lookup_elem(&processes, &pid);
	return pid == traced.pid ? &traced : NULL;
}

/* struct upid at a depth of a process's namespaces. */
static __always_inline u64 number_at_level(struct pid *pid, u32 level,
					   u32 *number)
{
	u64 place = (u64)pid + bpf_core_field_offset(pid->numbers) +
		    (u64)level * bpf_core_type_size(struct upid);
	struct upid *entry = (struct upid *)place;

	*number = BPF_CORE_READ(entry, nr);
	return (u64)BPF_CORE_READ(entry, ns);
}

/* The PID of a process as leaktrace sees it, 0 = it does not. */
static __always_inline u32 local_pid_of(struct task_struct *task)
{
	struct pid *pid;
	u32 number;

	if (!own_level)
		return BPF_CORE_READ(task, tgid);
	pid = BPF_CORE_READ(task, group_leader, thread_pid);
	if (BPF_CORE_READ(pid, level) < own_level ||
	    number_at_level(pid, own_level, &number) != own_namespace)
		return 0;
	return number;
}

#endif
