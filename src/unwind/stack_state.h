/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a function's frame is while it runs, followed instruction by
 * instruction: what call frame information would say, for code that has none.
 * Pure, x86-64 only.
 */
#ifndef LEAKTRACE_UNWIND_STACK_STATE_H
#define LEAKTRACE_UNWIND_STACK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A register that a rule restores: frame pointer, base register (rbx). */
struct stack_saved {
	uint16_t slot; /* as in a packed rule; 0 = not saved */
	bool changed;  /* no longer has the caller's value */
};

#define STACK_DEPTH_WRONG (-1)

struct stack_state {
	int32_t depth;	     /* CFA - stack pointer, bytes; 0 = not known,
				STACK_DEPTH_WRONG = more was popped than pushed */
	int32_t frame_depth; /* CFA - rbp; 0 = rbp is no frame pointer */
	struct stack_saved frame, base;
	bool outermost; /* nobody called this code */
};

/* At a function's first instruction, and at a program's. */
extern const struct stack_state stack_state_at_call;
extern const struct stack_state stack_state_at_start;

/* Where execution goes on after an instruction. */
enum stack_flow {
	STACK_FLOW_ON,	   /* at the next one */
	STACK_FLOW_BRANCH, /* there or at the target */
	STACK_FLOW_CALL,   /* there, if the called function returns */
	STACK_FLOW_JUMP,   /* at the target */
	STACK_FLOW_AWAY,   /* at an address that the program computes */
	STACK_FLOW_RETURN,
	STACK_FLOW_STOP, /* nowhere: ud2, hlt, int3 */
};

struct stack_instruction {
	size_t length;
	enum stack_flow flow;
	int64_t target;	 /* from the instruction's first byte */
	bool is_padding; /* nop, or int3 */
};

/*
 * Takes the instruction that bytes[size] begin with, reading no more, and
 * brings *state behind it. Returns false, *state untouched, if its length is
 * not known. What an instruction of unknown effect does is taken for nothing.
 */
bool stack_state_step(struct stack_state *state, const uint8_t *bytes,
		      size_t size, struct stack_instruction *instruction);

/* The packed rule, UNWIND_GUESSED; UNWIND_NO_CFI if the frame is lost. */
uint64_t stack_state_rule(const struct stack_state *state);

#endif
