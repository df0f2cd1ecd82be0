/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose allocations are recorded in kernel mode, and their call stacks: which
 * tasks, and which module must be on the stack.
 */
#ifndef LEAKTRACE_BPF_KERNEL_STACK_H
#define LEAKTRACE_BPF_KERNEL_STACK_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define SCRATCH_WORDS 512

#include "bpf/kernel_memo.bpf.h"
#include "bpf/stack.bpf.h"

/* Not stored, and not to be recorded: an id that is never given out. */
#define STACK_NOT_WANTED (~0U)

/* Code of config.module_name; written when it is loaded and when it goes. */
struct abi_module_range module_ranges[ABI_MODULE_RANGES] = {};

static __always_inline bool task_is_wanted(void)
{
	u32 pid = (u32)(bpf_get_current_pid_tgid() >> 32);
	char comm[ABI_COMM_MAX];

	if (pid == config.own_pid || (config.pid && pid != config.pid))
		return false;
	if (!config.by_comm)
		return true;
	if (bpf_get_current_comm(comm, sizeof(comm)))
		return false;
	for (u32 i = 0; i < ABI_COMM_MAX; i++) {
		if (comm[i] != config.comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

static __always_inline bool in_module(u64 address)
{
	for (u32 i = 0; i < ABI_MODULE_RANGES; i++)
		if (address >= module_ranges[i].start &&
		    address < module_ranges[i].end)
			return true;
	return false;
}

/* Not inlined: a loop that the verifier need look at only once. */
static __noinline bool module_is_on(const struct abi_event_stack *event)
{
	u32 count = event->frame_count;

	if (!module_ranges[0].start && !module_ranges[1].start)
		return false;
	for (u32 i = 0; i < ABI_FRAMES_MAX; i++) {
		if (i >= count)
			break;
		/* A return address may be the first byte behind a function. */
		if (in_module(event->frames[i] - 1))
			return true;
	}
	return false;
}

static __always_inline u64 owner_tagged(enum abi_space space, const void *of)
{
	return ((u64)of << ABI_TAG_SHIFT) | space;
}

static __always_inline void label_send(u64 owner, const char *name)
{
	struct abi_event_label event = {
		.type = ABI_EVENT_LABEL,
		.owner = owner,
	};

	if (bpf_probe_read_kernel_str(event.text, sizeof(event.text), name) < 0)
		return;
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0))
		count(ABI_LABELS_LOST, 1);
}

/*
 * Innermost frames of a tracepoint's stack: the program, and bpf_trace_runN(),
 * which calls it from one of two places as statistics are on or off.
 */
#define TRACER_FRAMES 2

/* As the kernel's own unwinder sees it, without the innermost frames. */
static __always_inline u32 stack_walk(void *context, struct scratch *scratch,
				      u64 owner, u64 skip)
{
	struct abi_event_stack *event = &scratch->event;
	long size;

	event->owner = owner;
	event->flaw = ABI_FLAW_NONE;
	size = bpf_get_stack(context, event->frames, sizeof(event->frames),
			     skip);
	event->frame_count = size > 0 ? (u32)size / sizeof(event->frames[0])
				      : 0;
	if (size <= 0)
		event->flaw = ABI_FLAW_UNREADABLE;
	if (config.by_module && !module_is_on(event))
		return STACK_NOT_WANTED;
	return stack_store(event);
}

/* A walk that failed, for what else runs on the CPU, tells nothing. */
static __always_inline void memo_check(const struct abi_event_stack *event,
				       u32 memo, u32 id)
{
	if (event->flaw || id == ABI_STACK_LOST)
		return;
	count(ABI_MEMOS_CHECKED, 1);
	if (id != memo)
		count(ABI_MEMOS_WRONG, 1);
}

/*
 * The id of the current call stack; name is what its owner's tag stands for,
 * NULL if there is none. site: what tells the context's stacks apart, say the
 * allocator's caller; 0 if the context is no tracepoint's. STACK_NOT_WANTED if
 * it is not to be recorded.
 */
static __always_inline u32 kernel_stack(void *context, u64 owner,
					const char *name, u64 site)
{
	struct scratch *scratch = scratch_claim();
	u32 known = last_stack, memo = ABI_STACK_LOST, id;

	if (!scratch) {
		if (config.by_module)
			return STACK_NOT_WANTED;
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	if (KERNEL_MEMO_USED && site) {
		/* In memory, a pointer becomes a number to the verifier. */
		*(volatile u64 *)&scratch->context = (u64)context;
		memo = kernel_memo_find(scratch->number, owner, site);
		if (memo != ABI_STACK_LOST && !config.check_memos) {
			scratch_release(scratch);
			return memo;
		}
	}
	id = stack_walk(context, scratch, owner, site ? TRACER_FRAMES : 0);
	if (memo != ABI_STACK_LOST) {
		memo_check(&scratch->event, memo, id);
	} else if (KERNEL_MEMO_USED && site && id != ABI_STACK_LOST) {
		kernel_memo_keep(scratch->number, id, owner, site);
	}
	scratch_release(scratch);
	/* Ids only grow: this stack is new, so its tag may be, too. */
	if (name && id > known && id != STACK_NOT_WANTED)
		label_send(owner, name);
	return id;
}

#endif
