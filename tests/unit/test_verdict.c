// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts on lives that are made up: each kind, its evidence, its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "life.h"
#include "report/evidence.h"

static void check(const struct life *life, double now, enum verdict expected)
{
	struct judgement judgement = life_judge(life, now);

	if (judgement.verdict != expected)
		fail_msg("after %g s: %s (%s), not %s", now,
			 verdict_name(judgement.verdict),
			 verdict_doubt_name(judgement.doubt),
			 verdict_name(expected));
}

static void check_doubt(const struct life *life, double now,
			enum verdict_doubt expected)
{
	struct judgement judgement = life_judge(life, now);

	if (judgement.verdict != VERDICT_GROWING || judgement.doubt != expected)
		fail_msg("after %g s: %s (%s), not growing (%s)", now,
			 verdict_name(judgement.verdict),
			 verdict_doubt_name(judgement.doubt),
			 verdict_doubt_name(expected));
}

/* Births at a mean rate, from one time to another, that live for so long. */
static void births(struct life *life, double from, double to, double rate,
		   double lives)
{
	for (double at = from + life_wait(life, 1 / rate); at < to;
	     at += life_wait(life, 1 / rate))
		life_add(life, at, lives, 100);
}

static void never_freed(void **state)
{
	struct life life = { 0 };
	struct judgement judgement;

	(void)state;
	births(&life, 0, 200, 10, LIFE_NEVER);
	check_doubt(&life, 30, DOUBT_TOO_SOON);
	check(&life, 60, VERDICT_LEAKING);
	judgement = life_judge(&life, 180);
	assert_int_equal(judgement.verdict, VERDICT_LEAKING);
	assert_int_equal(judgement.freed_p99_ns, 0);
	assert_int_equal(judgement.generations, 64);
	assert_in_range(judgement.generations_alive, 63, 64);
	/* 10 blocks of 100 bytes a second, for all of the time. */
	assert_in_range((int)judgement.bytes_per_second, 850, 1150);
	assert_in_range(judgement.growing_ns / 1000000000, 175, 180);
	/* Most are older than 60 s, of those that are born evenly. */
	assert_int_equal(judgement.survivor_age_ns / 1000000000, 60);
	assert_in_range(judgement.survivors, 1100, 1300);
	life_free(&life);
}

/* One in ten thousand stays, among blocks that are freed after 20 ms. */
static void slow_leak_under_churn(void **state)
{
	struct life life = { 0 };
	struct judgement judgement;

	(void)state;
	births(&life, 0, 60, 2000, 0.02);
	for (size_t i = 0; i < life.blocks.count; i += 10000)
		life.blocks.items[i].dies = LIFE_NEVER;
	judgement = life_judge(&life, 60);
	assert_int_equal(judgement.verdict, VERDICT_LEAKING);
	/* 20 ms lie between 2^24 and 2^25 ns. */
	assert_in_range(judgement.freed_p99_ns, 1 << 24, 1 << 25);
	/* A fifth of a block of 100 bytes a second. */
	assert_in_range((int)judgement.bytes_per_second, 15, 30);
	/* The same without those that stay. */
	for (size_t i = 0; i < life.blocks.count; i += 10000)
		life.blocks.items[i].dies = life.blocks.items[i].born + 0.02;
	check(&life, 60, VERDICT_STEADY);
	life_free(&life);
}

static void cache_that_fills(void **state)
{
	struct life life = { 0 };

	(void)state;
	births(&life, 0, 25, 20, LIFE_NEVER);
	check_doubt(&life, 20, DOUBT_TOO_SOON);
	check(&life, 60, VERDICT_PLATEAUED);
	check(&life, 180, VERDICT_PLATEAUED);
	life_free(&life);
}

/* Of 400 things that are looked up at random, each stays once it was met. */
static void memoisation(void **state)
{
	bool known[400] = { false };
	struct life life = { 0 };

	(void)state;
	for (double at = 0; at < 180; at += 1 / 30.0) {
		unsigned key = (unsigned)(life_chance(&life) * 400);

		if (!known[key])
			life_add(&life, at, LIFE_NEVER, 64);
		known[key] = true;
	}
	assert_int_not_equal(life_judge(&life, 60).verdict, VERDICT_LEAKING);
	check(&life, 180, VERDICT_PLATEAUED);
	life_free(&life);
}

static void lru_cache(void **state)
{
	struct life life = { 0 };

	(void)state;
	births(&life, 0, 180, 30, 8);
	check(&life, 60, VERDICT_PLATEAUED);
	assert_int_not_equal(life_judge(&life, 180).verdict, VERDICT_LEAKING);
	assert_int_not_equal(life_judge(&life, 180).verdict, VERDICT_GROWING);
	life_free(&life);
}

/* All that was allocated is freed every 18 s. */
static void sawtooth(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (double at = 0; at < 180; at += 0.05)
		life_add(&life, at, 18 - fmod(at, 18), 1000);
	for (double now = 20; now < 180; now += 3.7)
		assert_int_not_equal(life_judge(&life, now).verdict,
				     VERDICT_LEAKING);
	life_free(&life);
}

static void start_up(void **state)
{
	struct life life = { 0 };

	(void)state;
	births(&life, 0.1, 1.5, 1000, LIFE_NEVER);
	check(&life, 30, VERDICT_START_UP);
	check(&life, 180, VERDICT_START_UP);
	/* Then the same stack leaks a block a second. */
	births(&life, 2, 180, 1, LIFE_NEVER);
	check(&life, 60, VERDICT_LEAKING);
	life_free(&life);
}

/* A buffer that realloc moves: one block, ever larger, ever new. */
static void growing_buffer(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (int i = 0; i < 60; i++)
		life_add(&life, i, i == 59 ? LIFE_NEVER : 1,
			 4096 * (uint64_t)(i + 1));
	check(&life, 30, VERDICT_GROWING);
	assert_int_not_equal(life_judge(&life, 60).verdict, VERDICT_LEAKING);
	life_free(&life);
}

/* First in, first out, and the queue gets longer: a wait of half the time. */
static void backlog(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (double at = 0; at < 180; at += 0.05)
		life_add(&life, at, at, 500);
	check_doubt(&life, 60, DOUBT_FREED);
	check_doubt(&life, 180, DOUBT_FREED);
	life_free(&life);
}

/* Lives of random length, long ones among them, but all end. */
static void connections(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (double at = 0; at < 180; at += 0.02)
		life_add(&life, at, life_wait(&life, 4), 300);
	for (double now = 20; now < 180; now += 7.3)
		assert_int_not_equal(life_judge(&life, now).verdict,
				     VERDICT_LEAKING);
	/* One in ten is never closed. */
	for (size_t i = 0; i < life.blocks.count; i += 10)
		life.blocks.items[i].dies = LIFE_NEVER;
	check(&life, 60, VERDICT_LEAKING);
	check(&life, 180, VERDICT_LEAKING);
	life_free(&life);
}

/* Leaks in batches, with long pauses. */
static void bursts(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (double at = 3; at < 180; at += 7)
		for (int i = 0; i < 20; i++)
			life_add(&life, at, LIFE_NEVER, 10);
	for (double now = 60; now < 180; now += 3.1)
		check(&life, now, VERDICT_LEAKING);
	life_free(&life);
}

/* After eight hours of churn, a leak for the last half an hour. */
static void late_leak_of_a_long_run(void **state)
{
	const double end = 8 * 3600;
	struct life life = { 0 };

	(void)state;
	births(&life, 0, end, 2, 1);
	births(&life, 0, 30, 10, LIFE_NEVER);
	assert_int_not_equal(life_judge(&life, end).verdict, VERDICT_LEAKING);
	births(&life, end - 1700, end, 0.1, LIFE_NEVER);
	check(&life, end, VERDICT_LEAKING);
	life_free(&life);
}

/* Significance goes by what was seen, figures by what that stands for. */
static void sampled(void **state)
{
	struct life life = { .sampled = true };
	struct judgement judgement;

	(void)state;
	for (int i = 0; i < 4; i++)
		life_add(&life, 1 + 15 * i, LIFE_NEVER, 100);
	check_doubt(&life, 60, DOUBT_FEW);
	births(&life, 0, 60, 1, LIFE_NEVER);
	judgement = life_judge(&life, 60);
	assert_int_equal(judgement.verdict, VERDICT_LEAKING);
	assert_in_range((int)judgement.bytes_per_second, 700, 1400);
	assert_in_range(judgement.survivors, 280, 500);
	life_free(&life);
}

/* Two seconds are too few for a rate, and none is said. */
static void no_rate_yet(void **state)
{
	struct life life = { 0 };
	struct report_stack stack = { 0 };

	(void)state;
	births(&life, 0, 2, 100, LIFE_NEVER);
	stack.judgement = life_judge(&life, 2);
	assert_int_equal(stack.judgement.verdict, VERDICT_GROWING);
	assert_string_equal(evidence_phrase(&stack).text,
			    verdict_doubt_text(stack.judgement.doubt));
	births(&life, 2, 20, 100, LIFE_NEVER);
	stack.judgement = life_judge(&life, 20);
	assert_non_null(strstr(evidence_phrase(&stack).text, "/min for "));
	life_free(&life);
}

/* Nothing outstanding, nothing counted, no history: no verdict, no crash. */
static void nothing_known(void **state)
{
	const struct history history = { 0 };
	struct judgement judgement = { .verdict = VERDICT_LEAKING };
	struct stack_figures figures = { .blocks = 1, .bytes = 1 };
	struct birth_counts counts = { 0 };
	struct snapshot snapshot = { .taken_ns = 5, .started_ns = 5 };

	(void)state;
	verdict_judge(&snapshot, &figures, &history, NULL, &judgement);
	assert_int_equal(judgement.verdict, VERDICT_NONE);
	figures.births = &counts;
	snapshot_set_generations(&snapshot, 5);
	verdict_judge(&snapshot, &figures, &history, NULL, &judgement);
	assert_int_equal(judgement.verdict, VERDICT_STEADY);
	snapshot_count_birth(&snapshot, &counts, 0, 1);
	snapshot_count_birth(&snapshot, &counts, UINT64_MAX, 1);
	verdict_judge(&snapshot, &figures, &history, NULL, &judgement);
	assert_int_not_equal(judgement.verdict, VERDICT_LEAKING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_freed),
		cmocka_unit_test(slow_leak_under_churn),
		cmocka_unit_test(cache_that_fills),
		cmocka_unit_test(memoisation),
		cmocka_unit_test(lru_cache),
		cmocka_unit_test(sawtooth),
		cmocka_unit_test(start_up),
		cmocka_unit_test(growing_buffer),
		cmocka_unit_test(backlog),
		cmocka_unit_test(connections),
		cmocka_unit_test(bursts),
		cmocka_unit_test(late_leak_of_a_long_run),
		cmocka_unit_test(sampled),
		cmocka_unit_test(no_rate_yet),
		cmocka_unit_test(nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
