// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths through code: see code_paths.h. */
#include "unwind/code_paths.h"

#include <errno.h>
#include <stdlib.h>

/* The CFA, and the stack pointer where a call is made: psABI 3.2.2. */
#define CALL_ALIGNMENT 16

/*
 * Steps for each byte of code: once along right paths, some more along wrong
 * ones that are taken back.
 */
#define STEPS_PER_BYTE 8

void code_paths_free(struct code_paths *paths)
{
	free(paths->at);
	vector_free(&paths->states);
	vector_free(&paths->pending);
	vector_free(&paths->doubtful);
	vector_free(&paths->visited);
}

static bool same_saved(struct stack_saved a, struct stack_saved b)
{
	return a.slot == b.slot && a.changed == b.changed;
}

static bool same_state(const struct stack_state *a, const struct stack_state *b)
{
	return a->depth == b->depth && a->frame_depth == b->frame_depth &&
	       a->outermost == b->outermost && same_saved(a->frame, b->frame) &&
	       same_saved(a->base, b->base);
}

/* The index of a state; that of `like` again if it is the same. */
static uint32_t state_index(struct code_paths *paths,
			    const struct stack_state *state, uint32_t like)
{
	struct stack_state *added;

	if (like < paths->states.count &&
	    same_state(&paths->states.items[like], state))
		return like;
	if (paths->states.count == CODE_STATE_MASK) {
		paths->steps_left = 0; /* no honest code has so many */
		return CODE_AT_CALL;
	}
	added = vector_push(&paths->states);
	if (!added) {
		paths->failed = true;
		return CODE_AT_CALL;
	}
	*added = *state;
	return (uint32_t)paths->states.count - 1;
}

int code_paths_open(struct code_paths *paths, const struct elf_span *code)
{
	*paths = (struct code_paths){
		.bytes = code->bytes,
		.address = code->address,
		.size = (uint32_t)code->size,
		.steps_left = code->size * STEPS_PER_BYTE,
	};
	paths->at = calloc(code->size, sizeof(*paths->at));
	if (!paths->at ||
	    state_index(paths, &stack_state_at_call, CODE_NO_STATE) !=
		    CODE_AT_CALL ||
	    state_index(paths, &stack_state_at_start, CODE_NO_STATE) !=
		    CODE_AT_START) {
		code_paths_free(paths);
		return -ENOMEM;
	}
	return 0;
}

/* Paths that meet have the same frame, however they came there. */
static void expect_same(struct code_paths *paths,
			const struct stack_state *here,
			const struct stack_state *known)
{
	if (here->outermost != known->outermost ||
	    (here->depth && known->depth && here->depth != known->depth))
		paths->contradicts = true;
	else if (here->depth && known->depth)
		paths->confirmed = true;
}

/* Where functions return or call another in their place. */
static void expect_no_frame(struct code_paths *paths,
			    const struct stack_state *here)
{
	if (here->outermost || !here->depth)
		return;
	if (here->depth == stack_state_at_call.depth)
		paths->confirmed = true;
	else
		paths->contradicts = true;
}

/* Has the path go on at an offset later, unless that is known already. */
static void go_to(struct code_paths *paths, int64_t offset, uint32_t state)
{
	const struct stack_state *here = &paths->states.items[state];
	struct code_branch *branch;
	uint32_t known;

	if (offset < 0 || offset >= paths->size)
		return;
	paths->at[offset] |= CODE_TARGET;
	if (paths->at[offset] & CODE_START) {
		expect_no_frame(paths, here);
		return;
	}
	known = paths->at[offset] & CODE_STATE_MASK;
	if (known) {
		expect_same(paths, here, &paths->states.items[known - 1]);
		return;
	}
	branch = vector_push(&paths->pending);
	if (!branch)
		paths->failed = true;
	else
		*branch = (struct code_branch){ (uint32_t)offset, state };
}

static bool visit(struct code_paths *paths, uint32_t offset, uint32_t state,
		  const struct stack_instruction *instruction)
{
	uint32_t *visited = vector_push(&paths->visited);

	if (!visited) {
		paths->failed = true;
		return false;
	}
	*visited = offset;
	paths->at[offset] |= (uint32_t)instruction->flow << CODE_FLOW_SHIFT |
			     (uint32_t)instruction->length
				     << CODE_LENGTH_SHIFT |
			     (state + 1);
	return true;
}

enum code_behind_call code_paths_behind_call(const struct code_paths *paths,
					     uint32_t offset)
{
	struct stack_state state = stack_state_at_call;
	struct stack_instruction next = { 0 };
	bool aligned;
	uint32_t at;

	for (at = offset; at < paths->size; at += (uint32_t)next.length)
		if (!stack_state_step(&state, paths->bytes + at,
				      paths->size - at, &next) ||
		    !next.is_padding)
			break;
	aligned = (paths->address + at) % CODE_FUNCTION_ALIGNMENT == 0;
	if (at == paths->size || (aligned && at > offset) || state.frame.slot ||
	    state.base.slot)
		return CODE_BEHIND_CALL_FUNCTION;
	return aligned || paths->at[at] & CODE_TARGET ? CODE_BEHIND_CALL_EITHER
						      : CODE_BEHIND_CALL_NEXT;
}

/* Leaves a path to be followed when more is known. */
static bool put_off(struct code_paths *paths, const struct code_branch *place)
{
	struct code_branch *doubtful = vector_push(&paths->doubtful);

	if (!doubtful)
		paths->failed = true;
	else
		*doubtful = *place;
	return false;
}

/* One instruction of a path. Returns whether the next one follows it. */
static bool follow_one(struct code_paths *paths, struct code_branch *place)
{
	struct stack_state state = paths->states.items[place->state];
	struct stack_instruction instruction;
	uint32_t offset = place->offset;

	if (!paths->steps_left || paths->failed || paths->contradicts ||
	    !stack_state_step(&state, paths->bytes + offset,
			      paths->size - offset, &instruction) ||
	    !visit(paths, offset, place->state, &instruction))
		return false;
	paths->steps_left--;
	if (state.depth == STACK_DEPTH_WRONG)
		paths->contradicts = true;
	place->state = state_index(paths, &state, place->state);
	place->offset += (uint32_t)instruction.length;
	switch (instruction.flow) {
	case STACK_FLOW_BRANCH:
		go_to(paths, offset + instruction.target, place->state);
		break;
	case STACK_FLOW_JUMP:
		go_to(paths, offset + instruction.target, place->state);
		return false;
	case STACK_FLOW_RETURN:
		expect_no_frame(paths, &state);
		return false;
	case STACK_FLOW_AWAY:
	case STACK_FLOW_STOP:
		return false;
	case STACK_FLOW_CALL:
		if (state.depth % CALL_ALIGNMENT)
			paths->contradicts = true;
		else if (state.depth)
			paths->confirmed = true;
		if (code_paths_behind_call(paths, place->offset) !=
		    CODE_BEHIND_CALL_NEXT)
			return put_off(paths, place);
		break;
	case STACK_FLOW_ON:
		break;
	}
	/* On into a function: what called last does not return. */
	return place->offset < paths->size && !paths->contradicts &&
	       !(paths->at[place->offset] & CODE_START);
}

/* One path, up to where it ends or meets what is known. */
static void follow_path(struct code_paths *paths, struct code_branch place)
{
	uint32_t known;

	do {
		known = paths->at[place.offset] & CODE_STATE_MASK;
		if (known) {
			expect_same(paths, &paths->states.items[place.state],
				    &paths->states.items[known - 1]);
			return;
		}
	} while (follow_one(paths, &place));
}

bool code_paths_follow(struct code_paths *paths, uint32_t offset,
		       uint32_t state, bool confirm)
{
	size_t i, doubtful = paths->doubtful.count;

	paths->contradicts = false;
	paths->confirmed = !confirm;
	paths->visited.count = 0;
	paths->pending.count = 0;
	follow_path(paths, (struct code_branch){ offset, state });
	while (paths->pending.count && !paths->contradicts && !paths->failed)
		follow_path(paths,
			    paths->pending.items[--paths->pending.count]);
	if (!paths->contradicts && paths->confirmed)
		return true;
	paths->doubtful.count = doubtful;
	for (i = 0; i < paths->visited.count; i++)
		paths->at[paths->visited.items[i]] &= CODE_START | CODE_TARGET;
	return false;
}

void code_paths_follow_doubtful(struct code_paths *paths)
{
	struct code_branch place;

	while (paths->doubtful.count && !paths->failed) {
		place = paths->doubtful.items[--paths->doubtful.count];
		if (place.offset < paths->size &&
		    !(paths->at[place.offset] & (CODE_STATE_MASK | CODE_START)))
			code_paths_follow(
				paths, place.offset, place.state,
				(paths->at[place.offset] & CODE_TARGET) ||
					code_paths_behind_call(paths,
							       place.offset) ==
						CODE_BEHIND_CALL_FUNCTION);
	}
}

struct stack_instruction code_paths_instruction(const struct code_paths *paths,
						uint32_t offset)
{
	struct stack_state ignored = stack_state_at_call;
	struct stack_instruction instruction;
	uint32_t i, known = paths->at[offset];

	if (code_paths_state(paths, offset))
		return (struct stack_instruction){
			known >> CODE_LENGTH_SHIFT & CODE_LENGTH_MASK,
			(enum stack_flow)(known >> CODE_FLOW_SHIFT &
					  CODE_FLOW_MASK),
			0, false
		};
	if (!stack_state_step(&ignored, paths->bytes + offset,
			      paths->size - offset, &instruction))
		return (struct stack_instruction){ 1, STACK_FLOW_STOP, 0,
						   false };
	for (i = 1; i < instruction.length; i++)
		if (code_paths_state(paths, offset + i))
			return (struct stack_instruction){ i, STACK_FLOW_STOP,
							   0, false };
	return instruction;
}
