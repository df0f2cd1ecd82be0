/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack walk in progress. It lives in a map, several for each CPU, since
 * programs cannot keep it on their stack; u32, u64 and s64 come from the
 * includer.
 */
#ifndef LEAKTRACE_BPF_UNWIND_WALK_H
#define LEAKTRACE_BPF_UNWIND_WALK_H

#include "bpf/python_abi.h"
#include "bpf/unwind_abi.h"

/* Walks at once on one CPU: a preempted program keeps its own. */
#define UNWIND_WALKS 4

/* Stack memory is read in windows, never across a page of memory. */
#define UNWIND_MEMORY_PAGE 4096U
#define UNWIND_FIRST_WINDOW 1024U

/*
 * The words of the stack that a walk depended on: another walk from the same
 * registers that finds the same words at the same places takes the same way
 * (stack_memo.bpf.h). Place = words above the walk's first sp.
 */
#define UNWIND_MEMO_WORDS 128
#define UNWIND_MEMO_NONE (UNWIND_MEMO_WORDS + 1) /* too many, or too far off */
#define UNWIND_USES_FRAME 1U /* the first frame pointer counted */
#define UNWIND_USES_BASE 2U

struct unwind_memo {
	u32 count; /* of places and words, or UNWIND_MEMO_NONE */
	u32 uses;  /* UNWIND_USES_* */
	u16 places[UNWIND_MEMO_WORDS];
	u64 words[UNWIND_MEMO_WORDS];
};

struct unwind_walk {
	u32 claims;	/* 1 = in use */
	u32 exact;	/* ip is the next instruction, no return address */
	u32 at_entry;	/* ip is a function's first instruction */
	u32 guessed;	/* a rule without unwind tables led here */
	u32 unproved;	/* ip must follow a call, else the walk ends */
	u32 link_known; /* MACHINE_HAS_LINK: base is the frame's own x30 */
	u32 sp_lost;	/* the same: a frame was left without its size */
	u32 unused;
	u64 process; /* UNWIND_PROCESS word */
	u64 salt;    /* tells this process's pcs from others' in the cache */
	u64 ip, sp, frame, base; /* of the frame to come */
	u64 first_sp;
	u64 frame_place; /* where frame was read from the stack, 0 = not */
	u64 base_place;
	u64 return_place; /* where ip was read from the stack, 0 = nowhere */
	u64 found_rule;	  /* what the search for ip found */
	u64 found_frame;  /* without marks */
	u64 window_start; /* window[0]'s address */
	u32 window_size;  /* bytes, a multiple of 8 */
	u32 window_limit; /* for the next window */
	u64 window[UNWIND_MEMORY_PAGE / 8];
	struct unwind_memo memo;
	u32 python_count; /* of words, two a frame */
	u32 python_cut;	  /* there were more */
	u64 python_next;  /* frame to go on with */
	u64 python[2 * PYTHON_FRAMES_MAX];
	u64 python_frame[PYTHON_FRAME_WORDS]; /* read last */
	struct abi_event_stack event;	      /* the result: flaw, frames */
};

#endif
