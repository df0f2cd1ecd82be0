/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPython's side of the kernel boundary: where its frames are in a process's
 * memory, and how they come back. See src/capture/python_runtime.h.
 */
#ifndef LEAKTRACE_BPF_PYTHON_ABI_H
#define LEAKTRACE_BPF_PYTHON_ABI_H

#include <linux/types.h>

/* Python frames of a call stack that are recorded at most. */
#define PYTHON_FRAMES_MAX 64

/* Threads of an interpreter that are searched for the one that runs. */
#define PYTHON_THREADS_MAX 32

/* Words of a frame that are read: the places below lie in these. */
#define PYTHON_FRAME_WORDS 16

/* What tells an interpreter's frame that C called into. */
enum python_entry {
	PYTHON_ENTRY_MARKED,   /* a byte of the frame itself (3.11) */
	PYTHON_ENTRY_BY_OWNER, /* a frame without code follows it (3.12) */
};

#define PYTHON_OWNED_BY_C 3 /* the owner of such a frame */

/* All offsets are in bytes; 0 = that step is not needed. */
struct abi_python {
	__u64 state;	    /* address of a pointer: to the state of the thread
			      that runs Python, or to what has that */
	__u32 state_holder; /* the pointer's target has the pointer here */
	__u32 threads;	    /* in an interpreter: its first thread's state */
	__u64 interpreter;  /* address of a pointer to the first interpreter */
	__u32 next_thread;  /* in the state */
	__u32 thread;	    /* in the state: pthread_self(3) */
	__u32 frame_holder; /* in the state: pointer to what has the frame */
	__u32 frame;	    /* there: pointer to the innermost frame */
	__u32 code, instruction, previous, entry; /* in a frame */
	__u32 frame_words;			  /* to be read of a frame */
	__u32 entry_kind;			  /* enum python_entry */
};

/*
 * A frame comes as two words behind the native frames, both with this in the
 * place of the module: its code object, marked exact if C called into it, and
 * the address of its instruction.
 */
#define PYTHON_MODULE 0x3fffULL
#define PYTHON_WORD(address) ((PYTHON_MODULE << 48) | (address))
#define PYTHON_ENTERED (1ULL << 62) /* UNWIND_FRAME_EXACT */

#endif
