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
 * The id of the current call stack; name is what its owner's tag stands for,
 * NULL if there is none. STACK_NOT_WANTED if it is not to be recorded.
 */
static __always_inline u32 kernel_stack(void *context, u64 owner,
					const char *name)
{
	struct scratch *scratch = scratch_claim();
	struct abi_event_stack *event;
	u32 known = last_stack, id;
	long size;

	if (!scratch) {
		if (config.by_module)
			return STACK_NOT_WANTED;
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	event = &scratch->event;
	event->owner = owner;
	event->flaw = ABI_FLAW_NONE;
	size = bpf_get_stack(context, event->frames, sizeof(event->frames), 0);
	event->frame_count = size > 0 ? (u32)size / sizeof(event->frames[0])
				      : 0;
	if (size <= 0)
		event->flaw = ABI_FLAW_UNREADABLE;
	if (config.by_module && !module_is_on(event))
		id = STACK_NOT_WANTED;
	else
		id = stack_store(event);
	scratch_release(scratch);
	/* Ids only grow: this stack is new, so its tag may be, too. */
	if (name && id > known && id != STACK_NOT_WANTED)
		label_send(owner, name);
	return id;
}

#endif
