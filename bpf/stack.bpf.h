/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack store: call stack -> stack id. A stack is known by a 64-bit hash
 * of its frames and owner; of several processes, only of its frames, if they
 * are the same place in all processes: then these share it. The frames themselves go to user space once, when
 * the stack is new. Nothing is dropped by hash collision, as it is in
 * BPF_MAP_TYPE_STACK_TRACE (kernel/bpf/stackmap.c: one slot a bucket).
 */
#ifndef LEAKTRACE_BPF_STACK_H
#define LEAKTRACE_BPF_STACK_H

#include "bpf/account.bpf.h"
#include "bpf/unwind_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u32);
} stack_ids SEC(".maps");

/* The last id given out; ids are never reused. */
__u32 last_stack = ABI_STACK_LOST;

/*
 * The ids to come, in order, which user space puts there. Only with
 * !ATOMICS_EXCHANGE: otherwise a counter that tells its value does.
 */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__uint(key_size, 0);
	__uint(value_size, sizeof(u32));
} stack_numbers SEC(".maps");

/*
 * Room to build an event in. A program can be preempted by another on the
 * same CPU (uprobes on a preemptible kernel; an interrupt in kernel mode), so
 * each CPU has several and a program claims one while it uses it.
 */
#define SCRATCH_SLOTS 4

struct scratch {
	u32 claims; /* 1 = in use */
	u32 number;
	struct abi_event_stack event;
#ifdef SCRATCH_WORDS		  /* for kernel_memo.bpf.h */
	u64 words[SCRATCH_WORDS]; /* of the stack itself */
	u64 context;		  /* address of the tracepoint's arguments */
	u32 near_words, far_is_read;
	u32 place, last_place;
	u32 guard, guards;
	u32 from_end, unused;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_at(u32 number)
{
	return bpf_map_lookup_elem(&scratches, &number);
}

static __always_inline struct scratch *scratch_claim(void)
{
	for (u32 slot = 0; slot < SCRATCH_SLOTS; slot++) {
		struct scratch *scratch = scratch_at(slot);

		if (scratch && atomic_claim(&scratch->claims)) {
			scratch->number = slot;
			return scratch;
		}
	}
	return NULL;
}

static __always_inline void scratch_release(struct scratch *scratch)
{
	atomic_unclaim(&scratch->claims);
}

static __always_inline u64 hash_mix(u64 hash, u64 word)
{
	/* The multiply-and-fold step of a 64-bit multiplicative hash. */
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 29);
}

static __always_inline u64 stack_hash(const struct abi_event_stack *event)
{
	u64 hash = 0x2545f4914f6cdd1dULL;
	u32 frame_count = event->frame_count;
	u64 absolute = 0, module;

	for (u32 i = 0; i < ABI_FRAMES_MAX; i++) {
		if (i >= frame_count)
			break;
		hash = hash_mix(hash, event->frames[i]);
		/*
		 * Of no module, or Python's (the last): bit 63. Without a
		 * branch, for the verifier's sake.
		 */
		module = UNWIND_FRAME_MODULE(event->frames[i]);
		absolute |= (module - 1) | (module + 1) << 49;
	}
	if (!config.many || config.frame_pointers || absolute >> 63)
		hash = hash_mix(hash, event->owner);
	return hash_mix(hash, ((u64)event->flaw << 32) | frame_count);
}

/* An id that nobody else has, ABI_STACK_LOST if there is none left. */
static __always_inline u32 stack_number(void)
{
	u32 id = ABI_STACK_LOST;

	if (ATOMICS_EXCHANGE)
		return __sync_fetch_and_add(&last_stack, 1) + 1;
	/* First, so that readers never meet an id that is greater. */
	__sync_fetch_and_add(&last_stack, 1);
	bpf_map_pop_elem(&stack_numbers, &id);
	return id;
}

/*
 * The id of the stack in event (owner, flaw, frame_count and frames filled
 * in), sending it to user space if it is new. ABI_STACK_LOST, counted, when
 * it cannot be stored: the next block from there tries again.
 */
static __always_inline u32 stack_store(struct abi_event_stack *event)
{
	u64 hash = stack_hash(event);
	u32 *known = bpf_map_lookup_elem(&stack_ids, &hash);
	u32 length, id;

	if (known)
		return *known;
	/* Peeked at first, so that a full store does not wear out the ids. */
	if (last_stack + 1 >= config.max_stacks)
		goto lost;
	id = stack_number();
	if (id == ABI_STACK_LOST || id >= config.max_stacks)
		goto lost;
	if (bpf_map_update_elem(&stack_ids, &hash, &id, BPF_NOEXIST)) {
		/* Another CPU was first; the id we drew stays empty. */
		known = bpf_map_lookup_elem(&stack_ids, &hash);
		if (known)
			return *known;
		goto lost;
	}
	event->type = ABI_EVENT_STACK;
	event->stack = id;
	length = event->frame_count;
	if (length > ABI_FRAMES_MAX)
		length = ABI_FRAMES_MAX;
	length = __builtin_offsetof(struct abi_event_stack, frames) +
		 length * sizeof(event->frames[0]);
	if (bpf_ringbuf_output(&events, event, length, 0)) {
		bpf_map_delete_elem(&stack_ids, &hash);
		goto lost;
	}
	return id;
lost:
	count(ABI_STACKS_NOT_STORED, 1);
	return ABI_STACK_LOST;
}

/*
 * The id of the current call stack as the kernel's own walker sees it: by
 * frame pointers with BPF_F_USER_STACK, by the kernel's unwinder without.
 */
static __always_inline u32 stack_capture(void *context, u64 owner, u64 flags)
{
	struct scratch *scratch = scratch_claim();
	struct abi_event_stack *event;
	long size;
	u32 id;

	if (!scratch) {
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	event = &scratch->event;
	event->owner = owner;
	event->flaw = ABI_FLAW_NONE;
	size = bpf_get_stack(context, event->frames, sizeof(event->frames),
			     flags);
	event->frame_count = size > 0 ? (u32)size / sizeof(event->frames[0])
				      : 0;
	if (size <= 0)
		event->flaw = ABI_FLAW_UNREADABLE;
	id = stack_store(event);
	scratch_release(scratch);
	return id;
}

#endif
