// SPDX-License-Identifier: GPL-2.0-or-later
/* The history of stacks: periods that join, marks, stacks that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/growth.h"
#include "judge/history.h"

#define SECOND UINT64_C(1000000000)
#define START (UINT64_C(77) * SECOND)

static void put(struct snapshot *snapshot, uint64_t id, uint64_t bytes)
{
	struct stack_figures *figures = vector_push(&snapshot->stacks);

	assert_non_null(figures);
	figures->id = id;
	/* History goes by these two, whatever --older leaves of bytes. */
	figures->allocated_bytes = bytes + 10;
	figures->freed_bytes = 10;
	figures->allocations = bytes;
	figures->bytes = 1;
}

static void look(struct history *history, struct snapshot *snapshot,
		 double seconds)
{
	snapshot->started_ns = START;
	snapshot->taken_ns = START + (uint64_t)(seconds * 1e9);
	assert_int_equal(history_look(history, snapshot), 0);
	snapshot->stacks.count = 0;
}

static void periods_join(void **state)
{
	struct history history = { 0 };
	struct snapshot snapshot = { 0 };
	const struct stack_history *stack;

	(void)state;
	assert_int_equal(history_pause_ns(&history), SECOND);
	/* Up by one each half second; from 5.25 s on a second stack. */
	for (int i = 0; i < 127; i++) {
		put(&snapshot, 1, (uint64_t)i);
		if (i > 10)
			put(&snapshot, 0, 1000);
		look(&history, &snapshot, i * 0.5 + 0.25);
	}
	assert_int_equal(history.count, 64);
	assert_int_equal(history.period_ns, SECOND);
	stack = history_find(&history, SPACE_HEAP, 1);
	assert_non_null(stack);
	assert_int_equal(stack->first, 0);
	assert_int_equal(stack->periods[10].bytes_low, 20);
	assert_int_equal(stack->periods[10].bytes_high, 21);
	assert_int_equal(history_find(&history, SPACE_HEAP, 0)->first, 5);
	/* The next second does not fit. */
	put(&snapshot, 1, 500);
	put(&snapshot, 0, 999);
	look(&history, &snapshot, 64.25);
	assert_int_equal(history.count, 33);
	assert_int_equal(history.period_ns, 2 * SECOND);
	assert_int_equal(history_pause_ns(&history), 2 * SECOND);
	stack = history_find(&history, SPACE_HEAP, 1);
	assert_int_equal(stack->periods[5].bytes_low, 20);
	assert_int_equal(stack->periods[5].bytes_high, 23);
	assert_int_equal(stack->periods[31].bytes_low, 124);
	assert_int_equal(stack->periods[32].bytes_low, 500);
	stack = history_find(&history, SPACE_HEAP, 0);
	assert_int_equal(stack->first, 2);
	assert_int_equal(stack->periods[2].bytes_low, 1000);
	assert_int_equal(stack->periods[32].bytes_high, 999);
	free(snapshot.stacks.items);
	history_free(&history);
}

/* Nobody looked for long: what was seen last stands for that time. */
static void a_long_pause(void **state)
{
	struct history history = { 0 };
	struct snapshot snapshot = { 0 };
	const struct stack_history *stack;

	(void)state;
	put(&snapshot, 1, 5);
	look(&history, &snapshot, 0.5);
	put(&snapshot, 1, 9);
	look(&history, &snapshot, 1000);
	assert_int_equal(history.period_ns, 16 * SECOND);
	assert_int_equal(history.count, 63);
	stack = history_find(&history, SPACE_HEAP, 1);
	assert_int_equal(stack->periods[0].bytes_high, 5);
	assert_int_equal(stack->periods[61].bytes_high, 5);
	assert_int_equal(stack->periods[62].bytes_low, 9);
	assert_int_equal(history_pause_ns(&history), 5 * SECOND);
	free(snapshot.stacks.items);
	history_free(&history);
}

static void stacks_come_and_go(void **state)
{
	struct history history = { 0 };
	struct snapshot snapshot = { 0 };

	(void)state;
	put(&snapshot, 3, 30);
	put(&snapshot, 1, 10);
	put(&snapshot, 2, 20);
	snapshot.stacks.items[1].space = SPACE_MAPPING;
	look(&history, &snapshot, 1);
	assert_int_equal(
		history_find(&history, SPACE_HEAP, 3)->periods[1].bytes_low,
		30);
	assert_null(history_find(&history, SPACE_HEAP, 1));
	assert_int_equal(
		history_find(&history, SPACE_MAPPING, 1)->periods[1].bytes_low,
		10);
	/* exec: one is gone, another is new. */
	put(&snapshot, 4, 40);
	put(&snapshot, 2, 21);
	look(&history, &snapshot, 2);
	assert_null(history_find(&history, SPACE_HEAP, 3));
	assert_int_equal(
		history_find(&history, SPACE_HEAP, 2)->periods[1].bytes_low,
		20);
	assert_int_equal(
		history_find(&history, SPACE_HEAP, 2)->periods[2].bytes_low,
		21);
	assert_int_equal(history_find(&history, SPACE_HEAP, 4)->first, 2);
	free(snapshot.stacks.items);
	history_free(&history);
}

/* bytes at each second: base + rise a second + wave of a period of 6 s. */
static struct growth growth_of(double base, double rise, double wave, int until)
{
	struct history history = { 0 };
	struct snapshot snapshot = { 0 };
	struct growth growth;

	for (int i = 0; i < until; i++) {
		put(&snapshot, 1,
		    (uint64_t)(base + rise * i + wave * (i % 6) / 5));
		look(&history, &snapshot, i + 0.5);
	}
	growth_measure(&history, history_find(&history, SPACE_HEAP, 1), 1.5,
		       &growth);
	free(snapshot.stacks.items);
	history_free(&history);
	return growth;
}

static void growth_is_the_trend_of_low_marks(void **state)
{
	struct growth growth;

	(void)state;
	assert_false(growth_of(0, 100, 0, 3).known);
	growth = growth_of(1000, 100, 0, 40);
	assert_true(growth.known && growth.grows && growth.has_grown);
	assert_int_equal((int)(growth.bytes_per_second + 0.5), 100);
	/* A sawtooth has no trend; on a slope it does not hide it. */
	growth = growth_of(1000, 0, 100000, 60);
	assert_true(growth.known && !growth.grows);
	growth = growth_of(1000, 1000, 5000, 60);
	assert_true(growth.grows);
	assert_in_range((int)growth.bytes_per_second, 800, 1200);
	growth = growth_of(100000, -100, 0, 60);
	assert_true(!growth.grows && growth.bytes_per_second < 0);
	growth = growth_of(100000, 0, 0, 60);
	assert_true(!growth.grows && !growth.has_grown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(periods_join),
		cmocka_unit_test(a_long_pause),
		cmocka_unit_test(stacks_come_and_go),
		cmocka_unit_test(growth_is_the_trend_of_low_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
