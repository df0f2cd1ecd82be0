/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paths through a run of code, followed instruction by instruction with
 * the frame that each has (stack_state.h). A path is right if it agrees with
 * itself and the others: paths that meet have the same frame, functions return
 * at the depth at which they were called, calls are made where the stack is
 * aligned. Internal to code_rules.c.
 */
#ifndef LEAKTRACE_UNWIND_CODE_PATHS_H
#define LEAKTRACE_UNWIND_CODE_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/elf_sections.h"
#include "unwind/stack_state.h"
#include "util/vector.h"

/* Compilers begin functions that are worth it at such addresses. */
#define CODE_FUNCTION_ALIGNMENT 16

/*
 * What is known of each byte of code: marks, and of the instructions that
 * were visited the flow, the length and a state's index.
 */
#define CODE_START (1U << 31)  /* a function begins here */
#define CODE_TARGET (1U << 30) /* jumped to */
#define CODE_FLOW_SHIFT 27
#define CODE_FLOW_MASK 7U
#define CODE_LENGTH_SHIFT 23
#define CODE_LENGTH_MASK 15U
/* Index + 1; 0 = not visited. */
#define CODE_STATE_MASK ((1U << CODE_LENGTH_SHIFT) - 1)

/* Indexes of the states that every analysis begins with. */
enum { CODE_AT_CALL, CODE_AT_START, CODE_NO_STATE = UINT32_MAX };

struct code_branch {
	uint32_t offset, state;
};

struct code_paths {
	const uint8_t *bytes;
	uint64_t address;
	uint32_t size;
	uint32_t *at; /* by byte */
	VECTOR(struct stack_state) states;
	VECTOR(struct code_branch) pending;  /* of the current attempt */
	VECTOR(struct code_branch) doubtful; /* put off */
	VECTOR(uint32_t) visited;	     /* by the current attempt */
	uint64_t steps_left;
	bool contradicts; /* the current attempt, itself or what is known */
	bool confirmed;	  /* by a return, or by what is known */
	bool failed;	  /* out of memory */
};

/* Returns 0 or -ENOMEM. code's bytes must outlive *paths. */
int code_paths_open(struct code_paths *paths, const struct elf_span *code);
void code_paths_free(struct code_paths *paths);

/*
 * Follows the code from an offset on in every direction, beginning with a
 * state. What leads to a contradiction, or to no confirmation where one is
 * asked for, is forgotten again. Returns whether it is kept.
 */
bool code_paths_follow(struct code_paths *paths, uint32_t offset,
		       uint32_t state, bool confirm);

/* Follows what was put off, and what is put off meanwhile. */
void code_paths_follow_doubtful(struct code_paths *paths);

/* What stands at an offset that a call was the last to lead to. */
enum code_behind_call {
	CODE_BEHIND_CALL_NEXT,	   /* what follows the call */
	CODE_BEHIND_CALL_EITHER,   /* that, or what is called or jumped to */
	CODE_BEHIND_CALL_FUNCTION, /* rather a function than what follows */
};

/*
 * A call need not return; then something else stands behind it. That is
 * jumped to from somewhere, or looks like a function's beginning: behind
 * padding, or saving registers, or at least aligned like one.
 */
enum code_behind_call code_paths_behind_call(const struct code_paths *paths,
					     uint32_t offset);

/*
 * The instruction at an offset, known or not. One that cannot be decoded, or
 * that runs into a known one, is the end of something that is no code.
 */
struct stack_instruction code_paths_instruction(const struct code_paths *paths,
						uint32_t offset);

/* The state at an offset, NULL if it was not visited. */
static inline const struct stack_state *
code_paths_state(const struct code_paths *paths, uint32_t offset)
{
	uint32_t known = paths->at[offset] & CODE_STATE_MASK;

	return known ? &paths->states.items[known - 1] : NULL;
}

#endif
