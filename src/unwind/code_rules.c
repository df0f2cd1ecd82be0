// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules worked out from code: see code_rules.h. */
#include "unwind/code_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/unwind_abi.h"
#include "unwind/code_paths.h"
#include "util/cleanup.h"

static void mark_starts(struct code_paths *paths,
			const call_target_vector *targets)
{
	uint64_t address = paths->address;
	size_t low = 0, high = targets->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (targets->items[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < targets->count &&
	       targets->items[low] - address < paths->size;
	     low++)
		paths->at[targets->items[low] - address] |= CODE_START;
}

static void follow_starts(struct code_paths *paths)
{
	uint32_t offset;

	for (offset = 0; offset < paths->size && !paths->failed; offset++)
		if ((paths->at[offset] & CODE_START) &&
		    !code_paths_state(paths, offset))
			code_paths_follow(paths, offset, CODE_AT_CALL, false);
}

/*
 * Code that nothing leads to. Aligned as a function it may be one that is
 * only called through pointers. Else it may be an alternative of the last
 * computed jump before it, whose state is `last`; such code can be aligned,
 * too, hence the two rounds.
 */
static void follow_orphan(struct code_paths *paths, uint32_t offset,
			  uint32_t last, bool behind_a_call, bool functions)
{
	bool may_be_called =
		!(paths->at[offset] & CODE_TARGET) &&
		(!behind_a_call || code_paths_behind_call(paths, offset) ==
					   CODE_BEHIND_CALL_FUNCTION);

	if (functions) {
		if (may_be_called &&
		    !((paths->address + offset) % CODE_FUNCTION_ALIGNMENT) &&
		    code_paths_follow(paths, offset, CODE_AT_CALL, true))
			paths->at[offset] |= CODE_START;
	} else if ((last == CODE_NO_STATE ||
		    !code_paths_follow(paths, offset, last, false)) &&
		   may_be_called) {
		code_paths_follow(paths, offset, CODE_AT_CALL, true);
	}
}

/* The state of a computed jump; without a frame it is rather a tail call. */
static uint32_t alternatives_state(const struct code_paths *paths,
				   uint32_t offset)
{
	uint32_t state = (paths->at[offset] & CODE_STATE_MASK) - 1;

	return paths->states.items[state].depth == stack_state_at_call.depth
		       ? CODE_NO_STATE
		       : state;
}

/* Whatever begins behind the end of something else and is not known yet. */
static void follow_orphans(struct code_paths *paths, bool functions)
{
	uint32_t offset = 0, last = CODE_NO_STATE;
	enum stack_flow before = STACK_FLOW_STOP;
	struct stack_instruction instruction;

	while (offset < paths->size && !paths->failed) {
		instruction = code_paths_instruction(paths, offset);
		if (before >= STACK_FLOW_CALL && !instruction.is_padding &&
		    !code_paths_state(paths, offset))
			follow_orphan(paths, offset, last,
				      before == STACK_FLOW_CALL, functions);
		if (paths->at[offset] & CODE_START)
			last = CODE_NO_STATE;
		if (code_paths_state(paths, offset) &&
		    instruction.flow == STACK_FLOW_AWAY)
			last = alternatives_state(paths, offset);
		if (!instruction.is_padding)
			before = instruction.flow;
		else if (before == STACK_FLOW_CALL)
			before = STACK_FLOW_STOP;
		offset += (uint32_t)instruction.length;
	}
}

/* Padding keeps the rule before it: nothing runs there. */
static void give_rows(const struct code_paths *paths, cfi_row_sink *sink,
		      void *context)
{
	struct stack_instruction instruction;
	uint64_t last = UNWIND_NO_CFI, rule;
	const struct stack_state *known;
	uint32_t offset;

	for (offset = 0; offset < paths->size; offset += instruction.length) {
		instruction = code_paths_instruction(paths, offset);
		known = code_paths_state(paths, offset);
		rule = known ? stack_state_rule(known) : UNWIND_NO_CFI;
		if (rule == last || (!known && instruction.is_padding))
			continue;
		sink(context, paths->address + offset, rule);
		last = rule;
	}
}

bool code_rules_is_padding(const struct elf_span *code)
{
	struct stack_state ignored = stack_state_at_call;
	struct stack_instruction next;
	uint64_t offset;

	for (offset = 0; offset < code->size; offset += next.length)
		if (!stack_state_step(&ignored, code->bytes + offset,
				      code->size - offset, &next) ||
		    !next.is_padding)
			return false;
	return true;
}

/*
 * Everything, twice: only when all jumps are known can be told which paths
 * behind calls to put off.
 */
static void follow_all(struct code_paths *paths, uint64_t entry_point,
		       const call_target_vector *targets)
{
	unsigned round;
	uint32_t i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < paths->size; i++)
			paths->at[i] &= CODE_TARGET;
		mark_starts(paths, targets);
		if (entry_point && entry_point - paths->address < paths->size)
			code_paths_follow(
				paths, (uint32_t)(entry_point - paths->address),
				CODE_AT_START, false);
		follow_starts(paths);
		code_paths_follow_doubtful(paths);
		follow_orphans(paths, true);
		code_paths_follow_doubtful(paths);
	}
	follow_orphans(paths, false);
	code_paths_follow_doubtful(paths);
}

int code_rules_give(const struct elf_span *code, uint64_t entry_point,
		    const call_target_vector *targets, cfi_row_sink *sink,
		    void *context)
{
	cleanup(code_paths_free) struct code_paths paths = { 0 };

	if (code->size > CODE_RULES_LIMIT || !code->size)
		return 0;
	if (code_paths_open(&paths, code))
		return -ENOMEM;
	follow_all(&paths, entry_point, targets);
	if (paths.failed)
		return -ENOMEM;
	give_rows(&paths, sink, context);
	return 0;
}

static int by_value(const void *first, const void *second)
{
	uint64_t a = *(const uint64_t *)first, b = *(const uint64_t *)second;

	return a < b ? -1 : a > b;
}

/*
 * Whether a function can begin there: aligned, or behind what ends another,
 * be it padding, ret, jmp, call or ud2.
 */
static bool can_begin(const struct elf_span *code, uint64_t address)
{
	uint64_t offset = address - code->address;
	const uint8_t *bytes;

	if (offset > code->size)
		return true; /* in another segment */
	bytes = code->bytes + offset;
	return !(address % CODE_FUNCTION_ALIGNMENT) || offset < 5 ||
	       bytes[-1] == 0x90 || bytes[-1] == 0xcc || bytes[-1] == 0xc3 ||
	       bytes[-1] == 0xf4 || bytes[-2] == 0xeb || bytes[-5] == 0xe9 ||
	       bytes[-5] == 0xe8 || (bytes[-2] == 0x0f && bytes[-1] == 0x0b) ||
	       (bytes[-1] == 0 && (bytes[-3] == 0x1f || bytes[-4] == 0x1f));
}

/* Those of one segment: wherever e8 stands, an offset follows. */
static int segment_targets(const struct elf_span *code, uint64_t end,
			   call_target_vector *targets)
{
	const uint8_t *next = code->bytes, *last = code->bytes + code->size;
	uint64_t target, *added;
	int32_t distance;

	while ((size_t)(last - next) > sizeof(distance)) {
		next = memchr(next, 0xe8,
			      (size_t)(last - next) - sizeof(distance));
		if (!next)
			break;
		memcpy(&distance, ++next, sizeof(distance));
		target = code->address + (uint64_t)(next - code->bytes) +
			 sizeof(distance) + (uint64_t)(int64_t)distance;
		if (target >= end || !can_begin(code, target))
			continue;
		added = vector_push(targets);
		if (!added)
			return -ENOMEM;
		*added = target;
	}
	return 0;
}

int code_rules_call_targets(const struct elf_sections *sections,
			    call_target_vector *targets)
{
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < sections->code_count; i++)
		if (sections->code[i].address + sections->code[i].size > end)
			end = sections->code[i].address +
			      sections->code[i].size;
	for (i = 0; i < sections->code_count; i++)
		if (sections->code[i].size <= ELF_SEARCHED_CODE &&
		    segment_targets(&sections->code[i], end, targets))
			return -ENOMEM;
	if (targets->count)
		qsort(targets->items, targets->count, sizeof(*targets->items),
		      by_value);
	return 0;
}
