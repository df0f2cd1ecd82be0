/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks that were walked before: a program allocates again and again from
 * the same stack, and a walk from the same registers that finds the same words
 * where the last one read them takes the same way. So the words are compared
 * instead, exactly, at a fifth of the cost.
 *
 * Only complete stacks without guesses are remembered: what others lack may
 * be there the next time.
 */
#ifndef LEAKTRACE_BPF_STACK_MEMO_H
#define LEAKTRACE_BPF_STACK_MEMO_H

#include "bpf/stack.bpf.h"
#include "bpf/unwind_kernel.bpf.h"
#include "bpf/unwind.bpf.h"

#define STACK_MEMOS_BITS 12
#define STACK_MEMO_WAYS 2

/* Python's part of a stack: deeper ones are walked each time. */
#define STACK_MEMO_PYTHON 64

struct stack_memo {
	u32 sequence; /* odd while it is being written */
	u32 stack;
	u64 process; /* the mapping table: its generation changes with it */
	u64 owner;
	u64 ip, sp, frame, base;
	u32 extent; /* bytes above sp that the words lie in */
	u32 claims; /* 1 = it is being written */
	u32 python_count;
	u32 unused;
	struct unwind_memo words;
	u64 python[STACK_MEMO_PYTHON];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << STACK_MEMOS_BITS);
	__type(key, u32);
	__type(value, struct stack_memo);
} stack_memos SEC(".maps");

static __always_inline struct stack_memo *stack_memo_at(u32 index)
{
	index &= (1U << STACK_MEMOS_BITS) - 1;
	return bpf_map_lookup_elem(&stack_memos, &index);
}

/* Where to look for a walk that began at ip and sp. */
static __always_inline u32 stack_memo_index(const struct unwind_walk *walk,
					    u64 ip, u64 sp)
{
	u64 key = ip ^ (sp << 20);

	/* The interpreter is in one place whichever line it is at. */
	if (walk->python_count)
		key ^= walk->python[1] << 12;
	return (key * UNWIND_SPREAD) >> (64 - STACK_MEMOS_BITS);
}

/*
 * The stack id that memo `index` has for the walk, if it fits it word for
 * word; else ABI_STACK_LOST.
 */
__noinline __u32 stack_memo_match(__u32 index, __u32 number)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	struct stack_memo *memo = stack_memo_at(index);
	u32 sequence, extent, stack, words;

	if (!walk || !memo)
		return ABI_STACK_LOST;
	sequence = *(volatile u32 *)&memo->sequence;
	if ((sequence & 1) || memo->ip != walk->ip || memo->sp != walk->sp ||
	    memo->process != walk->process ||
	    memo->owner != walk->event.owner ||
	    ((memo->words.uses & UNWIND_USES_FRAME) &&
	     memo->frame != walk->frame) ||
	    ((memo->words.uses & UNWIND_USES_BASE) && memo->base != walk->base))
		return ABI_STACK_LOST;
	if (memo->python_count != walk->python_count)
		return ABI_STACK_LOST;
	for (u32 i = 0; i < STACK_MEMO_PYTHON; i++) {
		if (i >= walk->python_count)
			break;
		if (memo->python[i] != walk->python[i])
			return ABI_STACK_LOST;
	}
	extent = memo->extent;
	if (extent < 8 || extent > UNWIND_MEMORY_PAGE)
		return ABI_STACK_LOST;
	if (walk->window_size < extent) {
		walk->window_size = 0;
		if (unwind_read_memory(walk->window, extent, walk->sp))
			return ABI_STACK_LOST;
		walk->window_start = walk->sp;
		walk->window_size = extent;
	}
	words = memo->words.count;
	for (u32 i = 0; i < UNWIND_MEMO_WORDS; i++) {
		if (i >= words)
			break;
		if (walk->window[memo->words.places[i] &
				 (UNWIND_MEMORY_PAGE / 8 - 1)] !=
		    memo->words.words[i])
			return ABI_STACK_LOST;
	}
	stack = memo->stack;
	/* Written anew meanwhile: what was compared may be of two stacks. */
	if (*(volatile u32 *)&memo->sequence != sequence)
		return ABI_STACK_LOST;
	return stack;
}

static __always_inline u32 stack_memo_find(u32 number, u64 ip, u64 sp)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	u32 index;

	if (!walk)
		return ABI_STACK_LOST;
	index = stack_memo_index(walk, ip, sp);
	for (u32 way = 0; way < STACK_MEMO_WAYS; way++) {
		u32 stack = stack_memo_match(index + way, number);

		if (stack != ABI_STACK_LOST)
			return stack;
	}
	return ABI_STACK_LOST;
}

/*
 * Remembers a finished walk that began at these registers. The ways take
 * turns: the sequence number of the first says whose it is.
 */
__noinline int stack_memo_keep(__u32 number, __u32 stack, __u64 ip, __u64 frame,
			       __u64 base)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	struct stack_memo *memo;
	u32 index, sequence, extent = 8;

	if (!walk || walk->memo.count > UNWIND_MEMO_WORDS || walk->event.flaw ||
	    walk->guessed || walk->python_count > STACK_MEMO_PYTHON)
		return 0;
	index = stack_memo_index(walk, ip, walk->first_sp);
	memo = stack_memo_at(index);
	if (!memo)
		return 0;
	if (memo->sequence && bpf_get_prandom_u32() % STACK_MEMO_WAYS) {
		memo = stack_memo_at(index + 1);
		if (!memo)
			return 0;
	}
	if (!atomic_claim(&memo->claims))
		return 0; /* somebody else is writing it */
	sequence = *(volatile u32 *)&memo->sequence;
	atomic_publish(&memo->sequence, sequence + 1);
	memo->stack = stack;
	memo->process = walk->process;
	memo->owner = walk->event.owner;
	memo->ip = ip;
	memo->sp = walk->first_sp;
	memo->frame = frame;
	memo->base = base;
	for (u32 i = 0; i < UNWIND_MEMO_WORDS; i++) {
		u32 place, end;

		if (i >= walk->memo.count)
			break;
		place = walk->memo.places[i];
		end = (place + 1) * 8;
		if (end > extent)
			extent = end;
		memo->words.places[i] = (u16)place;
		memo->words.words[i] = walk->memo.words[i];
	}
	for (u32 i = 0; i < STACK_MEMO_PYTHON; i++) {
		if (i >= walk->python_count)
			break;
		memo->python[i] = walk->python[i];
	}
	memo->python_count = walk->python_count;
	memo->words.count = walk->memo.count;
	memo->words.uses = walk->memo.uses;
	memo->extent = extent;
	atomic_publish(&memo->sequence, sequence + 2);
	atomic_unclaim(&memo->claims);
	return 0;
}

#endif
