/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events within events: an interrupt that allocates while a program looks at
 * an allocation of what it interrupted. Since 6.1 (commit 05b24ff9b2cf) the
 * kernel skips a program that runs already on the CPU. So each tracepoint that
 * interrupts hit has a second program, called behind the first for each event,
 * which does the work when the first was skipped: that is when the first has
 * begun on this CPU and not ended. (A third event within the second is lost,
 * and counted by the kernel.) Kernels that skip nothing are told by a first
 * that begins within itself.
 */
#ifndef LEAKTRACE_BPF_NESTED_H
#define LEAKTRACE_BPF_NESTED_H

#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

enum nested_event {
	NESTED_KMALLOC,
	NESTED_KFREE,
	NESTED_KMEM_CACHE_ALLOC,
	NESTED_KMEM_CACHE_FREE,
	NESTED_MM_PAGE_ALLOC,
	NESTED_MM_PAGE_FREE,
	NESTED_EVENTS,
};

/* Interrupts leave the counts as they were: no atomics needed. */
struct nested_state {
	u32 running[NESTED_EVENTS]; /* first programs that have begun */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct nested_state);
} nested_states SEC(".maps");

/* Events that the kernel counts as missed, though a second program had them. */
__u64 nested_handled = 0;

/* This kernel skips no program. */
__u32 nested_never_skipped = 0;

static __always_inline u32 *nested_running(enum nested_event event)
{
	u32 only = 0;
	struct nested_state *state = bpf_map_lookup_elem(&nested_states, &only);

	return state ? &state->running[event] : NULL;
}

static __always_inline u32 *nested_begin(enum nested_event event)
{
	u32 *running = nested_running(event);

	if (!running)
		return NULL;
	if (*(volatile u32 *)running)
		nested_never_skipped = 1;
	*(volatile u32 *)running += 1;
	return running;
}

static __always_inline void nested_end(u32 *running)
{
	if (running)
		*(volatile u32 *)running -= 1;
}

static __always_inline bool nested_is_skipped(enum nested_event event)
{
	u32 *running = nested_running(event);

	if (!running || !*(volatile u32 *)running ||
	    *(volatile u32 *)&nested_never_skipped)
		return false;
	__sync_fetch_and_add(&nested_handled, 1);
	return true;
}

/* The two programs of a tracepoint. */
#define NESTED_PROGRAMS(tracepoint, event, handle)                       \
	SEC("raw_tp/" #tracepoint)                                       \
	int tracepoint(struct bpf_raw_tracepoint_args *context)          \
	{                                                                \
		u32 *running = nested_begin(event);                      \
                                                                         \
		handle(context);                                         \
		nested_end(running);                                     \
		return 0;                                                \
	}                                                                \
	SEC("raw_tp/" #tracepoint)                                       \
	int tracepoint##_nested(struct bpf_raw_tracepoint_args *context) \
	{                                                                \
		if (nested_is_skipped(event))                            \
			handle(context);                                 \
		return 0;                                                \
	}

#endif
