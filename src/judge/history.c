// SPDX-License-Identifier: GPL-2.0-or-later
/* What each stack had outstanding over time: see history.h. */
#include "judge/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * An id is a call stack's. The same one can allocate blocks and make mappings;
 * which other space it belongs to, the kernel's may learn as time goes by.
 */
static int key_compare(enum space space, uint64_t id,
		       const struct stack_history *stack)
{
	bool is_mapping = space == SPACE_MAPPING;

	if (is_mapping != (stack->space == SPACE_MAPPING))
		return is_mapping ? 1 : -1;
	return id < stack->id ? -1 : id > stack->id;
}

static int stack_compare(const void *left, const void *right)
{
	const struct stack_history *a = *(struct stack_history *const *)left;

	return key_compare(a->space, a->id,
			   *(struct stack_history *const *)right);
}

/* Among the first `count` stacks, which are sorted. */
static struct stack_history *stack_find(const struct history *history,
					size_t count, enum space space,
					uint64_t id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct stack_history *stack = history->stacks.items[middle];
		int order = key_compare(space, id, stack);

		if (!order)
			return stack;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct stack_history *history_find(const struct history *history,
					 enum space space, uint64_t id)
{
	return stack_find(history, history->stacks.count, space, id);
}

static void stack_free(struct stack_history *stack)
{
	free(stack->rounds);
	free(stack);
}

void history_free(struct history *history)
{
	for (size_t i = 0; i < history->stacks.count; i++)
		stack_free(history->stacks.items[i]);
	vector_free(&history->stacks);
	*history = (struct history){ 0 };
}

static void marks_join(struct history_marks *marks,
		       const struct history_marks *more)
{
	if (more->bytes_low < marks->bytes_low)
		marks->bytes_low = more->bytes_low;
	if (more->bytes_high > marks->bytes_high)
		marks->bytes_high = more->bytes_high;
	if (more->blocks_low < marks->blocks_low)
		marks->blocks_low = more->blocks_low;
	if (more->blocks_high > marks->blocks_high)
		marks->blocks_high = more->blocks_high;
}

/* Makes one period of each two. */
static void periods_halve(struct history *history)
{
	for (size_t i = 0; i < history->stacks.count; i++) {
		struct stack_history *stack = history->stacks.items[i];

		for (unsigned to = stack->first / 2; to < HISTORY_PERIODS / 2;
		     to++) {
			unsigned from = 2 * to;

			if (from < stack->first)
				from++;
			stack->periods[to] = stack->periods[from];
			if (from == 2 * to)
				marks_join(&stack->periods[to],
					   &stack->periods[from + 1]);
		}
		stack->first /= 2;
	}
	history->period_ns *= 2;
}

/*
 * The period of a moment. Periods in which nobody looked have what was seen
 * last.
 */
static unsigned period_of(struct history *history, uint64_t now_ns)
{
	uint64_t period;

	if (!history->period_ns)
		history->period_ns = HISTORY_FIRST_PERIOD_NS;
	for (;;) {
		period = now_ns > history->start_ns
				 ? (now_ns - history->start_ns) /
					   history->period_ns
				 : 0;
		while (history->count <= period &&
		       history->count < HISTORY_PERIODS) {
			unsigned new = history->count++;

			for (size_t i = 0; new &&i < history->stacks.count; i++)
				history->stacks.items[i]->periods[new] =
					history->stacks.items[i]
						->periods[new - 1];
		}
		if (period < HISTORY_PERIODS)
			return (unsigned)period;
		periods_halve(history);
		history->count = HISTORY_PERIODS / 2;
	}
}

static void figures_note(struct stack_history *stack, unsigned period,
			 const struct stack_figures *figures, bool fresh)
{
	uint64_t bytes =
		figures->allocated_bytes > figures->freed_bytes
			? figures->allocated_bytes - figures->freed_bytes
			: 0;
	uint64_t blocks = figures->allocations > figures->frees
				  ? figures->allocations - figures->frees
				  : 0;
	struct history_marks marks = {
		.bytes_low = (float)bytes,
		.bytes_high = (float)bytes,
		.blocks_low = (float)blocks,
		.blocks_high = (float)blocks,
	};

	stack->now = (struct round_mark){ .blocks = blocks, .bytes = bytes };
	if (fresh)
		stack->periods[period] = marks;
	else
		marks_join(&stack->periods[period], &marks);
}

static int stack_add(struct history *history,
		     const struct stack_figures *figures, unsigned period)
{
	struct stack_history *stack = calloc(1, sizeof(*stack));
	struct stack_history **place = NULL;

	if (stack)
		place = vector_push(&history->stacks);
	if (!place) {
		free(stack);
		return -ENOMEM;
	}
	*place = stack;
	stack->id = figures->id;
	stack->space = figures->space;
	stack->first = period;
	stack->looked = history->looks;
	figures_note(stack, period, figures, true);
	return 0;
}

/* Forgets the stacks that the last look did not see. */
static void stacks_forget(struct history *history)
{
	size_t kept = 0;

	for (size_t i = 0; i < history->stacks.count; i++) {
		struct stack_history *stack = history->stacks.items[i];

		if (stack->looked == history->looks)
			history->stacks.items[kept++] = stack;
		else
			stack_free(stack);
	}
	history->stacks.count = kept;
}

int history_look(struct history *history, const struct snapshot *snapshot)
{
	size_t known = history->stacks.count;
	unsigned count = history->count, period;
	bool fresh, added;

	history->start_ns = snapshot->started_ns;
	history->looks++;
	period = period_of(history, snapshot->taken_ns);
	/* The first look of a period: what it has is only carried over. */
	fresh = history->count != count;
	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		const struct stack_figures *figures =
			&snapshot->stacks.items[i];
		struct stack_history *stack =
			stack_find(history, known, figures->space, figures->id);

		if (!stack) {
			if (stack_add(history, figures, period))
				return -ENOMEM;
			continue;
		}
		stack->looked = history->looks;
		figures_note(stack, period, figures, fresh);
	}
	added = history->stacks.count > known;
	stacks_forget(history);
	if (added)
		qsort(history->stacks.items, history->stacks.count,
		      sizeof(history->stacks.items[0]), stack_compare);
	return 0;
}

int history_end_round(struct history *history, struct rounds *rounds,
		      uint64_t now_ns)
{
	bool full = rounds->kept == ROUNDS_KEPT;

	for (size_t i = 0; i < history->stacks.count; i++) {
		struct stack_history *stack = history->stacks.items[i];

		/* Before it was seen it had nothing outstanding. */
		if (!stack->rounds)
			stack->rounds = calloc(1, sizeof(*stack->rounds));
		if (!stack->rounds)
			return -ENOMEM;
		if (full)
			memmove(stack->rounds->ends, stack->rounds->ends + 1,
				(ROUNDS_KEPT - 1) * sizeof(struct round_mark));
		stack->rounds->ends[full ? ROUNDS_KEPT - 1 : rounds->kept] =
			stack->now;
		if (rounds->ended + 1 == ROUNDS_WARM_UP)
			stack->rounds->base = stack->now;
	}
	rounds_end(rounds, now_ns);
	return 0;
}

uint64_t history_pause_ns(const struct history *history)
{
	if (history->period_ns < HISTORY_FIRST_PERIOD_NS)
		return HISTORY_FIRST_PERIOD_NS;
	return history->period_ns < HISTORY_LONGEST_PAUSE_NS
		       ? history->period_ns
		       : HISTORY_LONGEST_PAUSE_NS;
}
