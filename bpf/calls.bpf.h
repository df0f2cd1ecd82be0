/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocator calls in flight: a small stack a thread, between the entry and
 * the return of each call.
 *
 * A call is identified by its stack pointer at entry, which is where x86-64
 * has its return address; a return probe sees the stack pointer just above it.
 * So a return finds its own entry. Calls that never returned (longjmp) are
 * recognised when the stack has been unwound past them, or when the return
 * address that the kernel put there for its probe has been written over.
 *
 * arm64 has the return address in a register, and nobody knows where a call
 * in flight has saved it. Only an entry at its very stack pointer tells: the
 * probe's return address is in the register if the call itself jumped there,
 * as for reallocarray to realloc.
 *
 * A signal handler may run in the middle of an allocator call and allocate on
 * its own account. It is told from a nested call (malloc -> mmap) by a barrier
 * that the signal's delivery puts on the thread's stack of calls.
 */
#ifndef LEAKTRACE_BPF_CALLS_H
#define LEAKTRACE_BPF_CALLS_H

#include <bpf/bpf_core_read.h>

#include "bpf/account.bpf.h"
#include "bpf/machine.h"

/* Nested: program -> signal -> handler -> signal -> handler, and some spare. */
#define CALLS_MAX 8 /* a power of two */

enum call_kind {
	CALL_ALLOCATE,	   /* returns the block */
	CALL_NEW,	   /* the same, or throws */
	CALL_ALLOCATE_OUT, /* returns 0 and stores the block at `pointer` */
	CALL_REALLOCATE,
	CALL_MMAP,
	CALL_MUNMAP,
	CALL_MREMAP,
	CALL_BREAK,
	CALL_RELEASE, /* gives a block back: what it does for it is its own */
	CALL_THREAD,  /* creates a thread: its mappings are not the program's */
	CALL_SIGNAL,  /* not a call: a handler was entered here */
};

struct call {
	u64 sp;
	u64 word; /* at sp while it is in flight; 0 = the trampoline */
	u32 kind;
	u32 has_aside;
	u64 pointer;  /* realloc's block, munmap's address, the old break ... */
	u64 size;     /* bytes asked for */
	u64 old_size; /* mremap */
	u64 flags;    /* mremap */
	u64 entered_ns; /* munmap, mremap, brk */
	u64 stack_low;	/* CALL_SIGNAL on an alternate stack: its bounds */
	u64 stack_high;
	u32 level;   /* of sampling, see struct abi_block */
	u32 skipped; /* not sampled: followed for what is in it only */
	struct abi_block aside; /* realloc: the record while it is in flight */
};

struct thread_calls {
	u32 thread; /* whose they are; 0 = nobody's */
	u32 depth;
	u64 countdown; /* bytes to the next sample, drawn for level */
	u32 level;
	u32 claims;   /* of a place in thread_slots: 1 = a thread's */
	u64 released; /* the last block that was given to ABI_SHAPE_DELETE */
	struct call calls[CALLS_MAX];
};

/*
 * By thread id: the array has the first thread that comes to a place, until
 * it ends; the hash map has those who find it taken.
 */
#define THREAD_SLOTS 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, THREAD_SLOTS);
	__type(key, u32);
	__type(value, struct thread_calls);
} thread_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct thread_calls);
} more_threads SEC(".maps");

/* All zero: what a thread starts with. */
static const struct thread_calls no_calls = {};

static __always_inline struct thread_calls *thread_slot(u32 thread)
{
	u32 index = thread & (THREAD_SLOTS - 1);

	return bpf_map_lookup_elem(&thread_slots, &index);
}

static __always_inline struct thread_calls *calls_of_thread(void)
{
	u32 thread = (u32)bpf_get_current_pid_tgid();
	struct thread_calls *slot = thread_slot(thread);

	if (slot && slot->thread == thread)
		return slot;
	return bpf_map_lookup_elem(&more_threads, &thread);
}

static __always_inline struct thread_calls *calls_of_thread_or_new(void)
{
	u32 thread = (u32)bpf_get_current_pid_tgid();
	struct thread_calls *slot = thread_slot(thread);
	struct thread_calls *calls;

	if (!slot)
		return NULL;
	if (slot->thread == thread)
		return slot;
	calls = bpf_map_lookup_elem(&more_threads, &thread);
	if (calls)
		return calls;
	if (!slot->thread && atomic_claim(&slot->claims)) {
		slot->depth = 0;
		slot->released = 0;
		slot->thread = thread;
		return slot;
	}
	bpf_map_update_elem(&more_threads, &thread, &no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&more_threads, &thread);
}

/*
 * Whether a frame at sp is inside (called by) the call or handler. A handler's
 * frames lie below the interrupted stack pointer by a signal frame; functions
 * called by the interrupted allocator itself after the handler returned lie
 * closer: nothing tells us of sigreturn.
 */
static __always_inline bool call_encloses(const struct call *call, u64 sp)
{
	if (call->kind == CALL_SIGNAL) {
		if (call->stack_high)
			return sp >= call->stack_low && sp < call->stack_high;
		return sp + MACHINE_SIGNAL_FRAME_MIN < call->sp;
	}
	return sp <= call->sp;
}

/* The mask is for the verifier: hidden from clang, which would drop it. */
static __always_inline struct call *call_at(struct thread_calls *calls,
					    u32 index)
{
	barrier_var(index);
	index &= CALLS_MAX - 1;
	return &calls->calls[index];
}

/* The innermost call, NULL when none is in flight. */
static __always_inline struct call *calls_top(struct thread_calls *calls)
{
	u32 depth = calls->depth;

	if (depth == 0)
		return NULL;
	return call_at(calls, depth - 1);
}

/* Drops the innermost call, whose return will never be seen. */
static __always_inline void call_abandon(struct thread_calls *calls,
					 struct call *call)
{
	if (call->kind != CALL_SIGNAL && call->kind != CALL_NEW)
		count(ABI_CALLS_ABANDONED, 1);
	if (call->has_aside)
		account_freed(&call->aside);
	calls->depth--;
}

/* Where return probes have functions return to: mm->uprobes_state. */
static __always_inline u64 trampoline_address(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
}

/*
 * Whether the call's return address is still the one that the probe put, as
 * far as an entry at sp with the return address `link` shows.
 */
static __always_inline bool call_will_return(const struct call *call,
					     u64 trampoline, u64 sp, u64 link)
{
	u64 word;

	if (MACHINE_HAS_LINK)
		return sp != call->sp ||
		       MACHINE_CODE_ADDRESS(link) ==
			       MACHINE_CODE_ADDRESS(trampoline);
	return !bpf_probe_read_user(&word, sizeof(word), (void *)call->sp) &&
	       word == (call->word ? call->word : trampoline);
}

/*
 * Drops the calls that an entry at sp shows to be over. It happens seldom, and
 * is kept out of line for the verifier's sake; returns a number for kernels
 * that want one from such a function (before 6.8).
 */
__noinline int calls_drop_stale(__u64 sp, __u64 link)
{
	struct thread_calls *calls = calls_of_thread();
	u64 trampoline = trampoline_address();
	struct call *call, *under;

	/* Where it is of no use clang passes nothing, which is refused. */
	barrier_var(link);
	if (!calls)
		return 0;
	for (int i = 0; i < CALLS_MAX; i++) {
		call = calls_top(calls);
		if (!call)
			return 0;
		/* A handler that jumped out took the call under it along. */
		under = call->kind == CALL_SIGNAL && calls->depth > 1
				? call_at(calls, calls->depth - 2)
				: call;
		if (call_encloses(call, sp) &&
		    call_will_return(under, trampoline, sp, link))
			return 0;
		call_abandon(calls, call);
	}
	return 0;
}

/* The innermost call in flight as an entry at sp shows, or NULL. */
static __always_inline struct call *calls_settle(struct thread_calls *calls,
						 u64 sp, u64 link)
{
	if (calls->depth)
		calls_drop_stale(sp, link);
	return calls_top(calls);
}

/*
 * Whether a call of kind is made by another allocator call on
 * the program's behalf, and so is not counted: the outermost one owns the
 * block.
 */
static __always_inline bool call_is_nested(const struct call *outer,
					   enum call_kind kind)
{
	bool maps = kind == CALL_MMAP || kind == CALL_MUNMAP ||
		    kind == CALL_MREMAP || kind == CALL_BREAK;

	if (!outer || outer->kind == CALL_SIGNAL)
		return false;
	if (outer->kind == CALL_THREAD)
		return maps;
	return true;
}

/*
 * Enters a call at sp, with its return address in `link` if the machine has
 * such a register: returns its record, in which the caller fills in what its
 * kind needs, or NULL when the call is not to be followed.
 */
static __always_inline struct call *call_enter(u64 sp, u64 link,
					       enum call_kind kind)
{
	struct thread_calls *calls = calls_of_thread_or_new();
	struct call *outer, *call;
	u32 depth;

	if (!calls) {
		count(ABI_THREADS_NOT_TRACKED, 1);
		return NULL;
	}
	outer = calls_settle(calls, sp, link);
	if (call_is_nested(outer, kind))
		return NULL;
	depth = calls->depth;
	if (depth >= CALLS_MAX) {
		count(ABI_CALLS_TOO_DEEP, 1);
		return NULL;
	}
	call = call_at(calls, depth);
	call->sp = sp;
	call->word = 0;
	call->kind = kind;
	call->has_aside = 0;
	call->pointer = 0;
	call->level = 0;
	call->skipped = 0;
	calls->depth = depth + 1;
	return call;
}

/* Takes back what call_enter() just did. */
static __always_inline void call_withdraw(void)
{
	struct thread_calls *calls = calls_of_thread();

	if (calls && calls->depth)
		calls->depth--;
}

/*
 * The call that returns, entered at sp, taken off
 * the stack of calls; its record stays good until this thread enters another.
 * NULL for returns of calls that were not followed. What lies above it on the
 * stack of calls is over.
 */
static __always_inline struct call *call_return(u64 sp)
{
	struct thread_calls *calls = calls_of_thread();
	struct call *top;

	if (!calls)
		return NULL;
	top = calls_top(calls);
	for (int i = 0; i < CALLS_MAX; i++) {
		if (!top || call_encloses(top, sp))
			break;
		call_abandon(calls, top);
		top = calls_top(calls);
	}
	if (!top || top->kind == CALL_SIGNAL || top->sp != sp)
		return NULL;
	calls->depth--;
	return top;
}

/* The trampoline is at the start of a page of its own. */
#define TRAMPOLINE_SIZE 4096

/*
 * Puts a barrier down where a signal handler is about to run. The trampoline
 * itself can be interrupted: its call has popped the return address, and the
 * trampoline's own pushes may already have taken its place (since 6.11 it
 * saves registers there, arch/x86/kernel/uprobes.c).
 */
static __always_inline void call_interrupt(u64 ip, u64 sp, u64 stack_low,
					   u64 stack_high)
{
	struct thread_calls *calls = calls_of_thread();
	struct call *call = NULL;
	u32 depth;

	if (!calls)
		return;
	/* The handler of the signal before may have just returned. */
	for (int i = 0; i < CALLS_MAX; i++) {
		call = calls_top(calls);
		if (!call)
			return; /* nothing in flight: nothing to protect */
		if (call->kind != CALL_SIGNAL || call_encloses(call, sp))
			break;
		calls->depth--;
	}
	if (!MACHINE_HAS_LINK && call && call->kind != CALL_SIGNAL &&
	    ip - trampoline_address() < TRAMPOLINE_SIZE)
		bpf_probe_read_user(&call->word, sizeof(call->word),
				    (void *)call->sp);
	if (!calls_settle(calls, sp - sizeof(u64), 0))
		return;
	depth = calls->depth;
	if (depth >= CALLS_MAX) {
		count(ABI_CALLS_TOO_DEEP, 1);
		return;
	}
	call = call_at(calls, depth);
	__builtin_memset(call, 0, sizeof(*call));
	call->sp = sp;
	call->kind = CALL_SIGNAL;
	call->stack_low = stack_low;
	call->stack_high = stack_high;
	calls->depth = depth + 1;
}

/* The thread is gone: what it had in flight never returned to the program. */
static __always_inline void calls_end_thread(void)
{
	u32 thread = (u32)bpf_get_current_pid_tgid();
	struct thread_calls *slot = thread_slot(thread);

	if (slot && slot->thread == thread) {
		slot->thread = 0;
		atomic_unclaim(&slot->claims);
	} else {
		bpf_map_delete_elem(&more_threads, &thread);
	}
}

#endif
