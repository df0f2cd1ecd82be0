/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the calls of allocator functions mean, by the shape of their arguments:
 * enter() at the entry, leave() at the return, whichever way the probes are
 * attached.
 *
 * Call stacks are taken on the return side: there the function's frame is
 * gone, so its caller is never lost, whether it set up a frame or not.
 */
#ifndef LEAKTRACE_BPF_ALLOCATE_H
#define LEAKTRACE_BPF_ALLOCATE_H

#include "bpf/account.bpf.h"
#include "bpf/calls.bpf.h"
#include "bpf/lifecycle.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/sample.bpf.h"
#include "bpf/user_stack.bpf.h"

#define MREMAP_DONTUNMAP 4

/*
 * A call as it was at its entry. Of the arguments only those are known that
 * src/capture/functions.c lists for the shape.
 */
struct entry {
	u64 sp;
	u64 link; /* the return address, 0 where it is at sp */
	u64 arguments[4];
};

/*
 * Whether a block that is given back unknown was allocated before tracing
 * began, rather than inside the call in flight, or is given back twice:
 * operator delete hands it on to free.
 */
static __always_inline bool free_is_unmatched(const struct thread_calls *calls,
					      const struct call *outer,
					      u64 pointer)
{
	if (outer && outer->kind != CALL_SIGNAL && outer->kind != CALL_THREAD)
		return false;
	return !calls || calls->released != pointer;
}

/*
 * Forgets a block at once, before its address can be handed out again. The
 * one that realloc frees is realloc's: its return decides what became of it.
 */
static __always_inline void enter_free(u64 image, const struct entry *entry,
				       u32 shape)
{
	u64 pointer = entry->arguments[0];
	struct thread_calls *calls;
	struct call *outer = NULL;

	if (!pointer)
		return;
	calls = shape == ABI_SHAPE_FREE ? calls_of_thread()
					: calls_of_thread_or_new();
	if (calls && calls->depth) {
		outer = calls_settle(calls, entry->sp, entry->link);
		if (outer && outer->kind == CALL_REALLOCATE &&
		    outer->pointer == pointer)
			return;
	}
	if (!account_release(pointer, image) &&
	    free_is_unmatched(calls, outer, pointer))
		count_unmatched_free();
	if (calls && shape == ABI_SHAPE_DELETE)
		calls->released = pointer;
}

/*
 * The old record leaves the live map now: another thread may be handed the
 * address before this call returns.
 */
static __always_inline void enter_reallocate(u64 image, struct call *call,
					     u64 pointer)
{
	call->pointer = pointer;
	if (pointer)
		call->has_aside =
			account_set_aside(pointer, image, &call->aside);
}

static __always_inline enum call_kind kind_of_shape(u32 shape)
{
	switch (shape) {
	case ABI_SHAPE_NEW:
		return CALL_NEW;
	case ABI_SHAPE_POSIX_MEMALIGN:
	case ABI_SHAPE_CALLOC_OUT:
		return CALL_ALLOCATE_OUT;
	case ABI_SHAPE_REALLOC:
	case ABI_SHAPE_REALLOCARRAY:
		return CALL_REALLOCATE;
	case ABI_SHAPE_MMAP:
		return CALL_MMAP;
	case ABI_SHAPE_MUNMAP:
		return CALL_MUNMAP;
	case ABI_SHAPE_MREMAP:
		return CALL_MREMAP;
	case ABI_SHAPE_BREAK:
		return CALL_BREAK;
	case ABI_SHAPE_THREAD_CREATE:
		return CALL_THREAD;
	}
	return CALL_ALLOCATE;
}

/* The bytes that a call asks for. */
static __always_inline u64 call_size(u32 shape, const u64 *arguments)
{
	u64 size;

	switch (shape) {
	case ABI_SHAPE_MALLOC:
	case ABI_SHAPE_NEW:
		return arguments[0];
	case ABI_SHAPE_CALLOC:
		/* A product that overflows is not allocated: never used. */
		return arguments[0] * arguments[1];
	case ABI_SHAPE_POSIX_MEMALIGN:
	case ABI_SHAPE_MREMAP:
		return arguments[2];
	case ABI_SHAPE_CALLOC_OUT:
		return arguments[1] * arguments[2];
	case ABI_SHAPE_REALLOCARRAY:
		/* An overflow fails; it must not look like size 0: a free. */
		size = arguments[1] * arguments[2];
		return !size && arguments[1] && arguments[2] ? ~0ULL : size;
	}
	return arguments[1];
}

/* Where the data segment of the current process ends: brk(2). */
static __always_inline u64 program_break(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, mm, brk);
}

/*
 * The entry of a function. Returns whether its return matters: a session
 * probe can then do without the trap there.
 */
static __always_inline bool enter(u32 shape, const struct entry *entry)
{
	const u64 *arguments = entry->arguments;
	struct abi_process *process = probed_process();
	struct sample sample = { 0 };
	struct call *call;
	u64 image, size;

	if (!process)
		return false;
	image = process->image;
	switch (shape) {
	case ABI_SHAPE_FREE:
	case ABI_SHAPE_DELETE:
	case ABI_SHAPE_RELEASE:
		enter_free(image, entry, shape);
		return shape == ABI_SHAPE_RELEASE &&
		       call_enter(entry->sp, entry->link, CALL_RELEASE);
	case ABI_SHAPE_THROWING:
		count(ABI_THROWING_NOT_RECORDED, 1);
		count(ABI_THROWING_BYTES, arguments[0]);
		return false;
	case ABI_SHAPE_LIBRARIES:
		libraries_changed(process);
		return false;
	}
	size = call_size(shape, arguments);
	/*
	 * No unwinder knows its way from the trampoline that a return probe
	 * puts in the place of the return address: std::bad_alloc would end
	 * the program instead of being caught.
	 */
	if (shape == ABI_SHAPE_NEW && size > config.throwing_size)
		return false;
	if (config.estimate && shape_is_sampled(shape)) {
		sample = sample_choose(size);
		if (sample.skipped && !skipped_is_followed(shape))
			return false;
	}
	call = call_enter(entry->sp, entry->link, kind_of_shape(shape));
	if (!call)
		return false;
	call->size = size;
	if (config.estimate) {
		call->level = sample.level;
		call->skipped = sample.skipped;
	}
	switch (shape) {
	case ABI_SHAPE_POSIX_MEMALIGN:
	case ABI_SHAPE_CALLOC_OUT:
		call->pointer = arguments[0];
		break;
	case ABI_SHAPE_REALLOC:
	case ABI_SHAPE_REALLOCARRAY:
		enter_reallocate(image, call, arguments[0]);
		if (shape == ABI_SHAPE_REALLOC && sample.skipped &&
		    arguments[0] && !call->has_aside &&
		    !config.frame_pointers) {
			call_withdraw();
			return false;
		}
		break;
	case ABI_SHAPE_MREMAP:
		call->old_size = arguments[1];
		call->flags = arguments[3];
		call->pointer = arguments[0];
		call->entered_ns = bpf_ktime_get_ns();
		break;
	case ABI_SHAPE_MUNMAP:
		call->pointer = arguments[0];
		call->entered_ns = bpf_ktime_get_ns();
		break;
	case ABI_SHAPE_BREAK:
		call->pointer = program_break();
		call->entered_ns = bpf_ktime_get_ns();
		break;
	}
	return true;
}

static __always_inline void record(struct pt_regs *registers, u64 image,
				   u64 address, const struct call *call)
{
	if (call->skipped || !size_is_wanted(call->size))
		return;
	account_record(address, image, call->size, user_stack(registers, image),
		       call->level);
}

static __always_inline void return_reallocate(struct pt_regs *registers,
					      u64 image, u64 address,
					      const struct call *call)
{
	if (!address && call->size) {
		if (call->has_aside)
			account_restore(call->pointer, image, &call->aside);
		return;
	}
	if (call->has_aside)
		account_freed(&call->aside);
	else if (call->pointer)
		count_unmatched_free();
	if (address)
		record(registers, image, address, call);
}

static __always_inline void return_mapping(struct pt_regs *registers, u64 image,
					   u64 result, const struct call *call)
{
	struct abi_event_mapping event = {
		.type = ABI_EVENT_MAPPING,
		.owner = image,
		.entered_ns = call->entered_ns,
		.returned_ns = bpf_ktime_get_ns(),
		.address = result,
		.length = call->size,
	};

	if (result == ~0ULL) /* MAP_FAILED, or munmap's -1 as an int */
		return;
	switch (call->kind) {
	case CALL_BREAK:
		event.operation = ABI_BREAK;
		event.address = program_break();
		event.old_address = call->pointer;
		if (event.address == event.old_address)
			return;
		break;
	case CALL_MMAP:
		event.operation = ABI_MAP;
		break;
	case CALL_MUNMAP:
		if ((int)result)
			return;
		event.operation = ABI_UNMAP;
		event.address = call->pointer;
		break;
	default:
		event.operation = ABI_REMAP;
		event.old_address = call->pointer;
		event.old_length = call->old_size;
		event.keeps_old = call->old_size == 0 ||
				  (call->flags & MREMAP_DONTUNMAP);
	}
	if (call->kind != CALL_MUNMAP &&
	    (call->kind != CALL_BREAK || event.address > event.old_address))
		event.stack = user_stack(registers, image);
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0))
		count(ABI_MAPPINGS_LOST, 1);
}

/*
 * What follows from the return of a function that enter() saw. Returns whether
 * its call was followed for its own sake, not for what is in it.
 */
static __always_inline bool leave(struct pt_regs *registers)
{
	struct abi_process *process = probed_process();
	u64 address = PT_REGS_RC(registers);
	struct call *call;
	u64 image;

	/* Or clang computes its place first: forbidden within a context. */
	barrier_var(address);
	if (!process)
		return false;
	image = process->image;
	call = call_return(PT_REGS_SP(registers) - MACHINE_RETURN_POPS);
	if (!call)
		return false;
	switch (call->kind) {
	case CALL_ALLOCATE_OUT:
		if ((int)address)
			break;
		if (bpf_probe_read_user(&address, sizeof(address),
					(void *)call->pointer)) {
			count(ABI_RESULTS_UNREADABLE, 1);
			break;
		}
		/* fall through */
	case CALL_ALLOCATE:
	case CALL_NEW:
		if (address)
			record(registers, image, address, call);
		break;
	case CALL_REALLOCATE:
		return_reallocate(registers, image, address, call);
		break;
	case CALL_MMAP:
	case CALL_MUNMAP:
	case CALL_MREMAP:
	case CALL_BREAK:
		return_mapping(registers, image, address, call);
		break;
	}
	return !call->skipped;
}

#endif
