/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's own frames of a thread that runs Python. They are read
 * before the native stack is walked: which stack it is depends on them as well.
 */
#ifndef LEAKTRACE_BPF_PYTHON_H
#define LEAKTRACE_BPF_PYTHON_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/python_abi.h"
#include "bpf/unwind_kernel.bpf.h"

#define PYTHON_FRAMES_PER_STEP 8
#define PYTHON_STEPS (PYTHON_FRAMES_MAX / PYTHON_FRAMES_PER_STEP)
#define PYTHON_ADDRESS(word) ((word)&0x0000fffffffffff8ULL)

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct thread_struct___python {
	unsigned long fsbase;
};
#else
struct thread_struct___python {
	struct {
		unsigned long tp_value;
	} uw;
};
#endif

struct task_struct___python {
	struct thread_struct___python thread;
};

#pragma clang attribute pop

/* By PID in the first namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct abi_python);
} python_processes SEC(".maps");

/* While there is none, nobody looks. */
__u32 python_processes_known = 0;

/* pthread_self(3) of the thread that runs. */
static __always_inline u64 python_thread(void)
{
	struct task_struct___python *task = (void *)bpf_get_current_task();

#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread.fsbase);
#else
	/* glibc: struct pthread ends where the thread pointer points. */
	return BPF_CORE_READ(task, thread.uw.tp_value);
#endif
}

static __always_inline u64 python_read(u64 address)
{
	u64 word = 0;

	if (unwind_read_memory(&word, sizeof(word), address))
		return 0;
	return word;
}

static __always_inline u64 python_word(const struct unwind_walk *walk,
				       u32 offset)
{
	return walk->python_frame[(offset / 8) & (PYTHON_FRAME_WORDS - 1)];
}

/* One frame. Returns the one that it was called from, 0 at the end. */
static __always_inline u64 python_one(struct unwind_walk *walk,
				      const struct abi_python *python,
				      u64 frame)
{
	u32 size = python->frame_words * 8, count = walk->python_count;
	u64 mark;

	if (!frame || size > sizeof(walk->python_frame) ||
	    unwind_read_memory(walk->python_frame, size, frame))
		return 0;
	mark = python_word(walk, python->entry) >> (8 * (python->entry & 7)) &
	       0xff;
	if (python->entry_kind == PYTHON_ENTRY_BY_OWNER &&
	    mark == PYTHON_OWNED_BY_C) {
		/* What was called from there, C called into. */
		count -= 2;
		if (count < 2 * PYTHON_FRAMES_MAX)
			walk->python[count] |= PYTHON_ENTERED;
		return python_word(walk, python->previous);
	}
	if (count >= 2 * PYTHON_FRAMES_MAX) {
		walk->python_cut = 1;
		return 0;
	}
	walk->python[count] =
		PYTHON_WORD(PYTHON_ADDRESS(python_word(walk, python->code)));
	if (python->entry_kind == PYTHON_ENTRY_MARKED && mark)
		walk->python[count] |= PYTHON_ENTERED;
	count++;
	if (count < 2 * PYTHON_FRAMES_MAX)
		walk->python[count] =
			PYTHON_WORD(python_word(walk, python->instruction) &
				    0x0000ffffffffffffULL);
	walk->python_count = count + 1;
	return python_word(walk, python->previous);
}

/* The next frames, from the one that the walk has come to. 1 at the end. */
__noinline int python_step(u32 number, u32 pid)
{
	struct abi_python *python =
		bpf_map_lookup_elem(&python_processes, &pid);
	struct unwind_walk *walk = unwind_walk_at(number);
	u64 frame;

	if (!python || !walk)
		return 1;
	frame = walk->python_next;
	for (u32 i = 0; i < PYTHON_FRAMES_PER_STEP && frame; i++)
		frame = python_one(walk, python, frame);
	walk->python_next = frame;
	return !frame;
}

/*
 * The state of the thread that runs: as a rule it is the one that runs Python.
 * A thread can let others do so while it calls into C, as ctypes does.
 */
__noinline __u64 python_state(u32 pid)
{
	struct abi_python *python =
		bpf_map_lookup_elem(&python_processes, &pid);
	u64 state, thread = python_thread();

	if (!python || !thread)
		return 0;
	state = python_read(python->state);
	if (state && python->state_holder)
		state = python_read(state + python->state_holder);
	if (state && python_read(state + python->thread) == thread)
		return state;
	state = python_read(python->interpreter);
	if (state)
		state = python_read(state + python->threads);
	for (u32 i = 0; i < PYTHON_THREADS_MAX && state; i++) {
		if (python_read(state + python->thread) == thread)
			return state;
		state = python_read(state + python->next_thread);
	}
	return 0;
}

/* The innermost frame of the thread that runs, or 0. */
__noinline __u64 python_begin(u32 pid)
{
	struct abi_python *python =
		bpf_map_lookup_elem(&python_processes, &pid);
	u64 state = python_state(pid);

	if (!python || !state)
		return 0;
	if (python->frame_holder)
		state = python_read(state + python->frame_holder);
	return state ? python_read(state + python->frame) : 0;
}

__noinline int python_frames_read(u32 number, u32 pid)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	u64 frame;

	if (!walk)
		return 0;
	frame = python_begin(pid);
	if (!frame)
		return 0;
	walk->python_next = frame;
	for (u32 i = 0; i < PYTHON_STEPS + 1; i++)
		if (python_step(number, pid))
			break;
	return 0;
}

/* Leaves the frames of the thread that runs in the walk. */
static __always_inline void python_walk(u32 number, u32 pid)
{
	if (python_processes_known)
		python_frames_read(number, pid);
}

/* Puts them behind the native frames of a finished walk. */
__noinline int python_append(u32 number)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	u32 native, count;

	if (!walk)
		return 0;
	native = walk->event.frame_count;
	count = walk->python_count;
	for (u32 i = 0; i < PYTHON_FRAMES_MAX; i++) {
		u64 at = native + 2 * i;

		if (2 * i >= count)
			break;
		/* The verifier is to see the comparison. */
		asm volatile("" : "+r"(at));
		if (at >= ABI_FRAMES_MAX - 1) {
			walk->python_cut = 1;
			break;
		}
		walk->event.frames[at] = walk->python[2 * i];
		walk->event.frames[at + 1] = walk->python[2 * i + 1];
		walk->event.frame_count = at + 2;
	}
	if (walk->python_cut && !walk->event.flaw)
		walk->event.flaw = ABI_FLAW_TOO_DEEP;
	return 0;
}

#endif
