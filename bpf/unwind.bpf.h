/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack walker: from registers to frames by the tables that unwind_abi.h
 * describes.
 *
 *	number = unwind_begin(process, start, ip, sp, frame, base);
 *	unwind_run(number);
 *	... use unwind_walk_at(number)->event ...
 *	unwind_end(number);
 *
 * Includes nothing of the kernel's: it also compiles for the host, where the
 * unit tests run it. The includer provides the types, the functions of
 * unwind_kernel.bpf.h, and __always_inline and __noinline.
 *
 * Verifiers before 6.1 cannot follow the walk as one loop, so its steps are
 * global functions, verified one by one; those of 5.10 take only scalars as
 * arguments, hence numbers of walks instead of pointers to them.
 */
#ifndef LEAKTRACE_BPF_UNWIND_H
#define LEAKTRACE_BPF_UNWIND_H

#include "bpf/machine.h"
#include "bpf/unwind_lookup.bpf.h"
#include "bpf/unwind_walk.h"

/*
 * Frames a step: more cost the verifier more, fewer the walk. Steps are enough
 * for all frames, and for return probes in between.
 */
#define UNWIND_FRAMES_PER_STEP 4
#define UNWIND_STEPS ((ABI_FRAMES_MAX + 1 + 64) / UNWIND_FRAMES_PER_STEP)

#define UNWIND_NO_WALK UNWIND_WALKS

int unwind_step(u32 number);

/*
 * Reads the window that begins at address: as far as the page of memory goes,
 * because what follows it may not be there.
 */
static __noinline int unwind_read_window(struct unwind_walk *walk, u64 address)
{
	u32 size = UNWIND_MEMORY_PAGE - (address & (UNWIND_MEMORY_PAGE - 1));

	if (size > walk->window_limit)
		size = walk->window_limit;
	size &= ~7U;
	if (size < 8) /* a word that lies across two pages */
		size = 8;
	if (size > UNWIND_MEMORY_PAGE)
		return 1;
	walk->window_size = 0;
	if (unwind_read_memory(walk->window, size, address))
		return 1;
	walk->window_start = address;
	walk->window_size = size;
	walk->window_limit = UNWIND_MEMORY_PAGE;
	return 0;
}

/* One word of the stack. Returns 0, or 1 if it cannot be read. */
static __always_inline int unwind_read(struct unwind_walk *walk, u64 address,
				       u64 *word)
{
	u64 offset = address - walk->window_start;

	if (offset >= walk->window_size || (offset & 7)) {
		if (unwind_read_window(walk, address))
			return 1;
		offset = 0;
	}
	*word = walk->window[(offset / 8) & (UNWIND_MEMORY_PAGE / 8 - 1)];
	return 0;
}

static __always_inline int unwind_stop(struct unwind_walk *walk, u32 flaw)
{
	/* The first thing that went wrong is the one to tell. */
	if (!walk->event.flaw)
		walk->event.flaw = flaw;
	return 1;
}

/* Notes a word that the walk depends on; place 0 is a first register. */
static __always_inline void unwind_depend(struct unwind_walk *walk, u64 place,
					  u64 word, u32 use)
{
	u32 count = walk->memo.count;
	u64 offset = (place - walk->first_sp) / 8;

	if (!place) {
		walk->memo.uses |= use;
		return;
	}
	if (count >= UNWIND_MEMO_WORDS || offset >= UNWIND_MEMORY_PAGE / 8) {
		walk->memo.count = UNWIND_MEMO_NONE;
		return;
	}
	walk->memo.places[count] = (u16)offset;
	walk->memo.words[count] = word;
	walk->memo.count = count + 1;
}

/* Notes that code without unwind tables was left by other means. */
static __always_inline void unwind_doubt(struct unwind_walk *walk)
{
	if (!walk->event.flaw)
		walk->event.flaw = ABI_FLAW_NO_CFI;
	walk->unproved = 1;
}

/* Whether an address is one that a call returns to. */
static __always_inline int unwind_follows_call(u64 address)
{
	u64 code = 0;

	if (unwind_read_memory(&code, sizeof(code), address - sizeof(code)))
		return 0;
	return MACHINE_ENDS_IN_CALL(code);
}

/*
 * Code without rules: the caller by the frame pointer, if it is one. Any
 * stack will do, since such code (coroutines, JITs) may switch stacks.
 */
static __always_inline int unwind_by_frame_pointer(struct unwind_walk *walk)
{
	u64 frame = walk->frame;
	u64 caller;

	unwind_doubt(walk);
	if (!frame || (frame & 7) || unwind_read(walk, frame, &caller) ||
	    unwind_read(walk, frame + 8, &walk->ip))
		return 1;
	walk->ip = MACHINE_CODE_ADDRESS(walk->ip);
	walk->return_place = frame + 8;
	if (MACHINE_HAS_LINK) {
		walk->return_place |= 1; /* where it ends is not known */
		walk->link_known = 0;
		walk->sp_lost = 1;
	}
	walk->frame = caller;
	walk->sp = frame + 16;
	return 0;
}

/* The interrupted registers are in the kernel's signal frame; pc is exact. */
static __always_inline int unwind_signal_frame(struct unwind_walk *walk)
{
	u64 context = walk->sp;

	walk->memo.count = UNWIND_MEMO_NONE;
	if (MACHINE_HAS_LINK && walk->sp_lost)
		return unwind_stop(walk, ABI_FLAW_NO_CFI);
	if (unwind_read(walk, context + MACHINE_SIGNAL_FRAME, &walk->frame) ||
	    unwind_read(walk, context + MACHINE_SIGNAL_BASE, &walk->base) ||
	    unwind_read(walk, context + MACHINE_SIGNAL_STACK, &walk->sp) ||
	    unwind_read(walk, context + MACHINE_SIGNAL_IP, &walk->ip))
		return unwind_stop(walk, ABI_FLAW_UNREADABLE);
	if (MACHINE_HAS_LINK)
		walk->link_known = 1;
	walk->return_place = 0;
	walk->exact = 1;
	return 0;
}

/* The register or the word that a rule's CFA starts from. */
static __always_inline u64 unwind_origin(const struct unwind_walk *walk,
					 u64 rule)
{
	switch (UNWIND_RULE_TYPE(rule)) {
	case UNWIND_FRAME:
	case UNWIND_FRAME_DEREF:
		return walk->frame;
	case UNWIND_BASE:
		return walk->base;
	}
	return walk->sp;
}

/* The CFA; 1 if memory that it depends on cannot be read. */
static __always_inline int unwind_cfa(struct unwind_walk *walk, u64 rule,
				      u64 origin, u64 *cfa)
{
	s64 first = (s64)(rule << 16) >> UNWIND_SECOND_SHIFT;
	s64 second = (s64)rule >> UNWIND_SECOND_SHIFT;

	switch (UNWIND_RULE_TYPE(rule)) {
	case UNWIND_STACK_DEREF:
	case UNWIND_FRAME_DEREF:
		if (unwind_read(walk, origin + first, cfa))
			return 1;
		*cfa += second;
		return 0;
	case UNWIND_PLT:
		/* Entries are aligned, so pc and file agree on these bits. */
		*cfa = origin + first;
		if ((walk->ip & 15) >= (u64)second)
			*cfa += 8;
		return 0;
	}
	*cfa = origin + ((s64)rule >> UNWIND_CFA_SHIFT);
	return 0;
}

/* A saved register's place, if the rule says that it was saved. */
static __always_inline int unwind_restore(struct unwind_walk *walk, u64 slot,
					  u64 origin, u64 *value, u64 *place)
{
	slot &= UNWIND_SAVE_MASK;
	if (!slot)
		return 0;
	*place = origin - (slot - 1) * 8;
	return unwind_read(walk, *place, value);
}

/* What the walk's way depends on where it follows this rule. */
static __always_inline void unwind_depend_on_rule(struct unwind_walk *walk,
						  u64 rule)
{
	switch (UNWIND_RULE_TYPE(rule)) {
	case UNWIND_FRAME:
		unwind_depend(walk, walk->frame_place, walk->frame,
			      UNWIND_USES_FRAME);
		break;
	case UNWIND_BASE:
		unwind_depend(walk, walk->base_place, walk->base,
			      UNWIND_USES_BASE);
		break;
	case UNWIND_STACK_DEREF:
	case UNWIND_FRAME_DEREF:
		walk->memo.count = UNWIND_MEMO_NONE;
		break;
	}
}

/*
 * With a link register, a frame left by its frame pointer does not tell where
 * it ended: the frame pointer may be anywhere in it. So the next one's place
 * comes from its own frame pointer, if that is where it was saved, as compilers
 * have it. Returns 1 if it was not.
 */
static __always_inline int unwind_find_sp(struct unwind_walk *walk, u64 rule)
{
	u64 slot = rule >> UNWIND_FRAME_SAVE_SHIFT & UNWIND_SAVE_MASK;

	if (UNWIND_RULE_TYPE(rule) != UNWIND_STACK)
		return 0;
	if (!slot)
		return 1;
	walk->sp = walk->frame + (slot - 1) * 8 -
		   (u64)((s64)rule >> UNWIND_CFA_SHIFT);
	return 0;
}

/*
 * The return address: the word below the CFA, or what the link register has
 * when its save was read.
 */
static __always_inline int unwind_return(struct unwind_walk *walk, u64 rule,
					 u64 cfa)
{
	u64 saved = rule >> UNWIND_BASE_SAVE_SHIFT & UNWIND_SAVE_MASK;

	if (!MACHINE_HAS_LINK) {
		if (unwind_read(walk, cfa - 8, &walk->ip))
			return 1;
		walk->return_place = cfa - 8;
		unwind_depend(walk, cfa - 8, walk->ip, 0);
		return 0;
	}
	walk->ip = MACHINE_CODE_ADDRESS(walk->base);
	/* Return probes are known by the stack pointer at the entry. */
	walk->return_place = cfa;
	unwind_depend(walk, saved ? walk->base_place : 0, walk->base,
		      UNWIND_USES_BASE);
	walk->link_known = 0;
	walk->sp_lost = 0;
	return 0;
}

static __always_inline int unwind_by_rule(struct unwind_walk *walk, u64 rule)
{
	u64 origin, cfa;

	if (MACHINE_HAS_LINK) {
		if (walk->sp_lost && unwind_find_sp(walk, rule))
			return unwind_stop(walk, ABI_FLAW_NO_CFI);
		/* A function that has called did save it. */
		if (!walk->link_known &&
		    !(rule >> UNWIND_BASE_SAVE_SHIFT & UNWIND_SAVE_MASK))
			return unwind_stop(walk, ABI_FLAW_UNSUPPORTED);
	}
	origin = unwind_origin(walk, rule);
	unwind_depend_on_rule(walk, rule);
	if (unwind_cfa(walk, rule, origin, &cfa))
		return unwind_stop(walk, ABI_FLAW_UNREADABLE);
	if (!(rule & UNWIND_SAVES_FROM_REGISTER))
		origin = cfa;
	if (unwind_restore(walk, rule >> UNWIND_FRAME_SAVE_SHIFT, origin,
			   &walk->frame, &walk->frame_place) ||
	    unwind_restore(walk, rule >> UNWIND_BASE_SAVE_SHIFT, origin,
			   &walk->base, &walk->base_place) ||
	    unwind_return(walk, rule, cfa))
		return unwind_stop(walk, ABI_FLAW_UNREADABLE);
	walk->sp = cfa;
	if (rule & UNWIND_GUESSED) {
		unwind_doubt(walk);
		walk->guessed = 1;
	}
	/* The convention for an outermost frame that no rule describes. */
	return walk->ip == 0;
}

/* On to the caller's registers. Returns 1 where the stack ends. */
static __always_inline int unwind_to_caller(struct unwind_walk *walk, u64 rule)
{
	walk->exact = 0;
	switch (UNWIND_RULE_TYPE(rule)) {
	case UNWIND_END:
		return 1;
	case UNWIND_NO_CFI:
		return unwind_by_frame_pointer(walk);
	case UNWIND_SIGNAL:
		return unwind_signal_frame(walk);
	case UNWIND_UNSUPPORTED:
		return unwind_stop(walk, ABI_FLAW_UNSUPPORTED);
	}
	return unwind_by_rule(walk, rule);
}

/*
 * An address that no mapping holds: a return probe's trampoline, whose true
 * return address is known, or an end that is not marked as one, which is no
 * frame. (The trampoline begins the kernel's page for uprobes, and it is the
 * byte before a return address that is looked up.)
 */
static __always_inline int unwind_unmapped(struct unwind_walk *walk)
{
	u64 address = 0;

	if (walk->return_place)
		address = unwind_probed_return(walk->return_place);
	if (address) {
		walk->memo.count = UNWIND_MEMO_NONE;
		walk->ip = address;
		walk->return_place = 0;
		return 0;
	}
	return unwind_stop(walk, ABI_FLAW_NO_MAPPING);
}

/*
 * Whether a guess led to an address that cannot be right: nothing was called
 * there, and it is none of the places that are returned to without a call.
 * Generated code is one of these: HotSpot's interpreter pushes the address to
 * return to and jumps.
 */
static __always_inline int unwind_disproved(struct unwind_walk *walk, u64 rule,
					    u64 frame)
{
	if (!walk->unproved)
		return 0;
	walk->unproved = 0;
	return UNWIND_FRAME_MODULE(frame) != UNWIND_MODULE_NONE &&
	       UNWIND_RULE_TYPE(rule) != UNWIND_END &&
	       UNWIND_RULE_TYPE(rule) != UNWIND_SIGNAL &&
	       !unwind_follows_call(walk->ip);
}

/* One frame: records it, goes on to its caller. Returns 1 at the end. */
static __always_inline int unwind_one(struct unwind_walk *walk, u32 number)
{
	u64 rule, frame;
	u32 count;

	if (unwind_find(walk, number, &rule, &frame)) {
		if (!walk->at_entry)
			return unwind_unmapped(walk);
		/* A function at its entry can be left without tables. */
		walk->event.flaw = ABI_FLAW_NO_MAPPING;
		frame = UNWIND_FRAME_ADDRESS(walk->ip);
		rule = MACHINE_ENTRY_RULE;
	}
	if (unwind_disproved(walk, rule, frame))
		return 1;
	count = walk->event.frame_count;
	if (count >= ABI_FRAMES_MAX)
		return unwind_stop(walk, ABI_FLAW_TOO_DEEP);
	if (walk->exact)
		frame |= UNWIND_FRAME_EXACT;
	else
		frame++; /* back from the call to the return address */
	if ((rule & UNWIND_AT_FIRST_BYTE) ||
	    UNWIND_RULE_TYPE(rule) == UNWIND_SIGNAL)
		frame |= UNWIND_FRAME_EXACT;
	if (walk->guessed)
		frame |= UNWIND_FRAME_GUESSED;
	walk->event.frames[count] = frame;
	walk->event.frame_count = count + 1;
	if (walk->at_entry) {
		walk->at_entry = 0;
		rule = MACHINE_ENTRY_RULE;
	}
	return unwind_to_caller(walk, rule);
}

/* The walk's next frames. Returns 1 at the end. */
__noinline int unwind_step(u32 number)
{
	struct unwind_walk *walk = unwind_walk_at(number);

	if (!walk)
		return 1;
	for (u32 i = 0; i < UNWIND_FRAMES_PER_STEP; i++)
		if (unwind_one(walk, number))
			return 1;
	return 0;
}

/*
 * Claims a walk and sets it to its first frame. process is the mapping table
 * (unwind_process_of()), start says what ip is. Returns the walk's number or
 * UNWIND_NO_WALK when this CPU has none left.
 *
 * Claiming adds and looks: whoever finds 1 after adding its own 1 is alone,
 * the others take their 1 away again. That takes no atomic exchange, which
 * kernels before 5.12 do not have.
 */
static __always_inline u32 unwind_begin(u64 process, u32 start, u64 ip, u64 sp,
					u64 frame, u64 base)
{
	for (u32 number = 0; number < UNWIND_WALKS; number++) {
		struct unwind_walk *walk = unwind_walk_at(number);

		if (!walk)
			break;
		__sync_fetch_and_add(&walk->claims, 1);
		if (*(volatile u32 *)&walk->claims != 1) {
			__sync_fetch_and_add(&walk->claims, -1);
			continue;
		}
		walk->exact = start != UNWIND_AT_RETURN;
		walk->at_entry = start == UNWIND_AT_ENTRY;
		walk->guessed = 0;
		walk->unproved = 0;
		if (MACHINE_HAS_LINK) {
			walk->link_known = start != UNWIND_AT_RETURN;
			walk->sp_lost = 0;
		}
		walk->process = process;
		/* Not the count: place and generation say it all. */
		walk->salt = (process >> 16) * UNWIND_SPREAD;
		walk->ip = ip;
		walk->sp = sp;
		walk->frame = frame;
		walk->base = base;
		walk->first_sp = sp;
		walk->frame_place = 0;
		walk->base_place = 0;
		walk->python_count = 0;
		walk->python_cut = 0;
		walk->memo.count = 0;
		walk->memo.uses = 0;
		walk->return_place = 0;
		walk->window_size = 0;
		walk->window_limit = UNWIND_FIRST_WINDOW;
		walk->event.flaw = ABI_FLAW_NONE;
		walk->event.frame_count = 0;
		return number;
	}
	return UNWIND_NO_WALK;
}

/* Walks to the end; the walk's event then holds flaw and frames. */
static __always_inline void unwind_run(u32 number)
{
	for (u32 i = 0; i < UNWIND_STEPS; i++)
		if (unwind_step(number))
			break;
}

static __always_inline void unwind_end(u32 number)
{
	struct unwind_walk *walk = unwind_walk_at(number);

	if (walk)
		__sync_fetch_and_add(&walk->claims, -1);
}

#endif
