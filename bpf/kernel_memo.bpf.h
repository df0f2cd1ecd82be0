/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel call stacks that were walked before. The kernel's walk is most of
 * what an allocation costs, and the same code allocates again and again: so
 * the places of the stack where a walk found its return addresses are kept,
 * and where the same words stand there again, the stack is the same.
 *
 * What makes this exact: the kernel's functions have frames of fixed size, so
 * from one return address a fixed distance leads to the next. Old copies of
 * return addresses stand on the stack, too; hence a distance is learnt only
 * where the next address is on the stack once. Where a distance varies (the
 * random offset at the entry of system calls) the function has but one caller,
 * which is found by its distance from the stack's end.
 *
 * Stacks that go on from one stack to another (interrupts) are walked.
 */
#ifndef LEAKTRACE_BPF_KERNEL_MEMO_H
#define LEAKTRACE_BPF_KERNEL_MEMO_H

#include "bpf/stack.bpf.h"

#define KERNEL_MEMO_BITS 12
#define KERNEL_MEMO_WAYS 4

/* Return addresses that are compared at most. */
#define KERNEL_MEMO_WORDS 40
#define KERNEL_MEMO_GUARDS 4

/* The last words of a stack are found from its end. */
#define KERNEL_MEMO_FAR 32
#define KERNEL_MEMO_NEAR (SCRATCH_WORDS - KERNEL_MEMO_FAR)

/* Of threads' stacks, which are aligned to their size (THREAD_SIZE). */
#define KERNEL_STACK_SIZE 16384

/* Whether return addresses are on the stack as they are. */
#if defined(__TARGET_ARCH_x86)
#define KERNEL_MEMO_USED 1
#else
#define KERNEL_MEMO_USED 0 /* arm64 may sign them */
#endif

struct kernel_memo {
	u32 sequence; /* odd while it is being written; 0 = empty */
	u32 claims;   /* 1 = it is being written */
	u64 owner;
	u64 site;
	u32 stack;
	u32 generation; /* of the module's code that decided about it */
	u32 near_words; /* to be read */
	u32 count;
	u32 all_words; /* to the end of the stack; 0 = this varies */
	u32 unused;
	u16 places[KERNEL_MEMO_WORDS];	/* in scratch.words */
	u16 guards[KERNEL_MEMO_GUARDS]; /* must not be code; 0 = unused */
	u64 words[KERNEL_MEMO_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1U << KERNEL_MEMO_BITS);
	__type(key, u32);
	__type(value, struct kernel_memo);
} kernel_memos SEC(".maps");

/* Grows when stacks that were wanted, or were not, may be that no more. */
volatile __u32 kernel_memo_generation = 0;

/*
 * By return address, how many words above it the next one is: the address's
 * low half above the distance, so that both are written at once. Some functions
 * align their frames to 16 bytes (slub's, for the exchange of two words): their
 * distances are one of two that follow each other.
 */
#define FRAME_SIZES 8192
#define FRAME_SIZE_VARIES 0xffff
#define FRAME_SIZE_OR_NEXT 0x8000 /* a flag */
__u64 frame_sizes[FRAME_SIZES] = {};

static __always_inline volatile u64 *frame_size_at(u64 address)
{
	u64 hash = address * 0x9e3779b97f4a7c15ULL;

	return &frame_sizes[(hash >> 40) & (FRAME_SIZES - 1)];
}

/* 0 = unknown */
static __always_inline u32 frame_size(u64 address)
{
	u64 known = *frame_size_at(address);

	return known >> 32 == (u32)address ? (u32)known : 0;
}

static __always_inline void frame_size_set(u64 address, u32 size)
{
	*frame_size_at(address) = address << 32 | size;
}

static __always_inline bool is_code(u64 word)
{
	return word >> 32 == 0xffffffff; /* the kernel's text and modules' */
}

static __always_inline struct kernel_memo *kernel_memo_at(u32 index)
{
	index &= (1U << KERNEL_MEMO_BITS) - 1;
	return bpf_map_lookup_elem(&kernel_memos, &index);
}

static __always_inline u32 kernel_memo_index(u64 owner, u64 site)
{
	return hash_mix(owner, site) >> 20;
}

/* Words from the tracepoint's arguments to the end of the stack. */
static __always_inline u32 stack_words(const struct scratch *scratch)
{
	return (KERNEL_STACK_SIZE -
		(scratch->context & (KERNEL_STACK_SIZE - 1))) /
	       8;
}

/* Reads the stack from the tracepoint's arguments on; 0 = it is there. */
static __always_inline long words_read_near(struct scratch *scratch, u32 count)
{
	if (scratch->near_words >= count)
		return 0;
	scratch->near_words = 0;
	if (count > KERNEL_MEMO_NEAR || count > stack_words(scratch) ||
	    bpf_probe_read_kernel(scratch->words, count * 8,
				  (void *)scratch->context))
		return -1;
	scratch->near_words = count;
	return 0;
}

static __always_inline long words_read_far(struct scratch *scratch)
{
	if (scratch->far_is_read)
		return 0;
	scratch->far_is_read = 1;
	return bpf_probe_read_kernel(
		scratch->words + KERNEL_MEMO_NEAR, KERNEL_MEMO_FAR * 8,
		(void *)((scratch->context | (KERNEL_STACK_SIZE - 1)) + 1 -
			 KERNEL_MEMO_FAR * 8));
}

/* The stack id that the memo has if it fits, else ABI_STACK_LOST. */
static __always_inline u32 kernel_memo_match(struct scratch *scratch, u32 index,
					     u64 owner, u64 site)
{
	struct kernel_memo *memo = kernel_memo_at(index);
	u32 sequence, stack, count;

	if (!memo)
		return ABI_STACK_LOST;
	sequence = *(volatile u32 *)&memo->sequence;
	if (!sequence || (sequence & 1) || memo->site != site ||
	    memo->owner != owner || memo->generation != kernel_memo_generation)
		return ABI_STACK_LOST;
	/* Else what was the last frame might not be that here. */
	if (memo->all_words && memo->all_words != stack_words(scratch))
		return ABI_STACK_LOST;
	if (words_read_near(scratch, memo->near_words) ||
	    words_read_far(scratch))
		return ABI_STACK_LOST;
	count = memo->count;
	for (u32 i = 0; i < KERNEL_MEMO_WORDS; i++) {
		if (i >= count)
			break;
		if (scratch->words[memo->places[i] & (SCRATCH_WORDS - 1)] !=
		    memo->words[i])
			return ABI_STACK_LOST;
	}
	for (u32 i = 0; i < KERNEL_MEMO_GUARDS; i++) {
		if (!memo->guards[i])
			break;
		if (is_code(scratch->words[memo->guards[i] &
					   (SCRATCH_WORDS - 1)]))
			return ABI_STACK_LOST;
	}
	stack = memo->stack;
	/* Written anew meanwhile: what was compared may be of two stacks. */
	if (*(volatile u32 *)&memo->sequence != sequence)
		return ABI_STACK_LOST;
	return stack;
}

/* Global functions, so that the verifier looks at each once. */
__noinline __u32 kernel_memo_find(__u32 number, __u64 owner, __u64 site)
{
	struct scratch *scratch = scratch_at(number);
	u32 index;

	if (!scratch)
		return ABI_STACK_LOST;
	index = kernel_memo_index(owner, site);
	scratch->near_words = 0;
	scratch->far_is_read = 0;
	for (u32 way = 0; way < KERNEL_MEMO_WAYS; way++) {
		u32 stack =
			kernel_memo_match(scratch, index + way, owner, site);

		if (stack != ABI_STACK_LOST)
			return stack;
	}
	return ABI_STACK_LOST;
}

/* Where word is among the first words of the stack; 0 = more than once, not. */
__noinline __u32 word_place(__u32 number, __u64 word, __u32 words)
{
	struct scratch *scratch = scratch_at(number);

	if (!scratch)
		return 0;
	/* In memory: in a register the verifier would follow each value. */
	*(volatile u32 *)&scratch->place = 0;
	for (u32 place = 0; place < SCRATCH_WORDS; place++) {
		if (place >= words)
			break;
		if (scratch->words[place] != word)
			continue;
		if (*(volatile u32 *)&scratch->place)
			return 0;
		*(volatile u32 *)&scratch->place = place;
	}
	return *(volatile u32 *)&scratch->place;
}

static __always_inline u64 word_at(struct scratch *scratch, u32 place)
{
	return place < stack_words(scratch) && place < SCRATCH_WORDS
		       ? scratch->words[place & (SCRATCH_WORDS - 1)]
		       : 0;
}

static __always_inline u32 frame_place_known(struct scratch *scratch, u64 below,
					     u64 address, u32 place, u32 size)
{
	u32 next = place + (size & ~FRAME_SIZE_OR_NEXT);
	u64 here = word_at(scratch, next), behind = word_at(scratch, next + 1);

	if (!(size & FRAME_SIZE_OR_NEXT)) {
		if (here == address)
			return next;
		if (behind == address)
			size |= FRAME_SIZE_OR_NEXT;
		else if (word_at(scratch, next - 1) == address)
			size = (size - 1) | FRAME_SIZE_OR_NEXT;
		else
			size = FRAME_SIZE_VARIES;
		frame_size_set(below, size);
		return 0;
	}
	/*
	 * Were it the upper one, the function would have pushed a register on
	 * the lower: so what is found there is no old copy.
	 */
	if (here == address)
		return next;
	if (behind == address && !is_code(here)) {
		scratch->guard = next;
		return next + 1;
	}
	if (behind != address)
		frame_size_set(below, FRAME_SIZE_VARIES);
	return 0;
}

/*
 * The place of the return address `frame` of the stack, the one below it being
 * at `place`; 0 if it cannot be told. The innermost one is at a distance of its
 * own from the tracepoint's arguments, at place 0.
 */
__noinline __u32 frame_place(__u32 number, __u32 frame, __u32 place)
{
	struct scratch *scratch = scratch_at(number);
	u32 size, words, next;
	u64 below, address;

	if (!scratch)
		return 0;
	/* At most KERNEL_MEMO_WORDS; masks are for the verifier. */
	address = scratch->event.frames[frame & 63];
	below = frame ? scratch->event.frames[(frame - 1) & 63] : ~address;
	words = stack_words(scratch);
	size = frame_size(below);
	if (size && size != FRAME_SIZE_VARIES)
		return frame_place_known(scratch, below, address, place, size);
	next = word_place(number, address, words);
	if (next <= place)
		return 0;
	if (size) {
		scratch->from_end = 1;
		return next + KERNEL_MEMO_FAR >= words ? next : 0;
	}
	frame_size_set(below, next - place);
	return next;
}

/*
 * Where the word at a place will be when near and far words are read: counted
 * from the end only where the distance to it varies. All others hang together.
 */
static __always_inline u16 memo_place(const struct scratch *scratch,
				      struct kernel_memo *memo, u32 place,
				      u32 words)
{
	if (scratch->from_end)
		return place + SCRATCH_WORDS - words;
	if (memo->near_words <= place)
		memo->near_words = place + 1;
	return place;
}

static __always_inline bool guard_add(struct scratch *scratch,
				      struct kernel_memo *memo, u32 words)
{
	u32 guards = *(volatile u32 *)&scratch->guards;

	if (guards >= KERNEL_MEMO_GUARDS)
		return false;
	memo->guards[guards] = memo_place(scratch, memo, scratch->guard, words);
	*(volatile u32 *)&scratch->guards = guards + 1;
	return true;
}

/* Fills the memo in from scratch->event; false if it is not one to keep. */
static __always_inline bool
kernel_memo_fill(struct scratch *scratch, struct kernel_memo *memo, u32 number)
{
	u32 frames = scratch->event.frame_count, words = stack_words(scratch);

	*(volatile u32 *)&scratch->last_place = 0;
	*(volatile u32 *)&scratch->guards = 0;
	scratch->from_end = 0;
	memo->near_words = 0;
	for (u32 i = 0; i < KERNEL_MEMO_GUARDS; i++)
		memo->guards[i] = 0;
	for (u32 i = 0; i < KERNEL_MEMO_WORDS; i++) {
		u32 place;

		if (i >= frames)
			break;
		scratch->guard = 0;
		place = frame_place(number, i,
				    *(volatile u32 *)&scratch->last_place);
		if (!place)
			return false;
		*(volatile u32 *)&scratch->last_place = place;
		memo->words[i] = scratch->event.frames[i];
		memo->places[i] = memo_place(scratch, memo, place, words);
		if (scratch->guard && !guard_add(scratch, memo, words))
			return false;
	}
	memo->count = frames;
	memo->all_words = scratch->from_end ? 0 : words;
	return true;
}

/* Remembers the stack that is in the scratch's event. */
__noinline int kernel_memo_keep(__u32 number, __u32 stack, __u64 owner,
				__u64 site)
{
	struct scratch *scratch = scratch_at(number);
	u32 index, sequence, words, frames;
	struct kernel_memo *memo = NULL;
	bool filled;

	if (!scratch || scratch->event.flaw)
		return 0;
	index = kernel_memo_index(owner, site);
	frames = scratch->event.frame_count;
	words = stack_words(scratch);
	if (words > SCRATCH_WORDS || words < KERNEL_MEMO_FAR || !frames ||
	    frames > KERNEL_MEMO_WORDS)
		return 0;
	for (u32 way = 0; way < KERNEL_MEMO_WAYS; way++) {
		memo = kernel_memo_at(index + way);
		if (!memo || !memo->sequence)
			break;
	}
	/* None is empty: now and then another one makes room. */
	if (memo && memo->sequence) {
		u32 chance = bpf_get_prandom_u32() % 32;

		if (chance >= KERNEL_MEMO_WAYS)
			return 0;
		memo = kernel_memo_at(index + chance);
	}
	if (!memo ||
	    bpf_probe_read_kernel(scratch->words, words * 8,
				  (void *)scratch->context) ||
	    !atomic_claim(&memo->claims))
		return 0;
	sequence = *(volatile u32 *)&memo->sequence;
	atomic_publish(&memo->sequence, sequence | 1);
	filled = kernel_memo_fill(scratch, memo, number);
	memo->owner = owner;
	memo->site = site;
	memo->stack = stack;
	memo->generation = kernel_memo_generation;
	/* One that is not filled stays odd: never matched, and not empty. */
	if (filled)
		atomic_publish(&memo->sequence, (sequence | 1) + 1);
	atomic_unclaim(&memo->claims);
	return 0;
}

#endif
