// SPDX-License-Identifier: GPL-2.0-or-later
/* Rounds: their bounds, what stacks had at their ends, verdicts from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "judge/round_verdict.h"
#include "life.h"

#define ROUND_SECONDS 2.0

/* The verdict when so many rounds have ended, each of ROUND_SECONDS. */
static struct judgement judge_rounds(const struct life *life, unsigned rounds,
				     bool may_be_freed)
{
	struct snapshot snapshot = { .rounds.wanted = true };
	struct history history = { 0 };
	struct judgement judgement = { 0 };
	struct birth_counts births;
	struct stack_figures *figures = vector_push(&snapshot.stacks);
	const struct stack_history *found;

	assert_non_null(figures);
	for (unsigned i = 1; i <= rounds; i++) {
		double now = i * ROUND_SECONDS;

		life_figures(life, now, &snapshot, &births, figures);
		snapshot.stacks.count = figures->allocations != 0;
		assert_int_equal(history_look(&history, &snapshot), 0);
		assert_int_equal(history_end_round(&history, &snapshot.rounds,
						   life_ns(now)),
				 0);
	}
	life_figures(life, rounds * ROUND_SECONDS + 0.01, &snapshot, &births,
		     figures);
	snapshot.stacks.count = figures->allocations != 0;
	figures->may_be_freed = may_be_freed;
	assert_int_equal(history_look(&history, &snapshot), 0);
	found = history_find(&history, SPACE_HEAP, 7);
	if (snapshot.stacks.count) {
		verdict_judge(&snapshot, figures, &history, found, &judgement);
		round_verdict_judge(&snapshot, figures, found, &judgement);
	}
	vector_free(&snapshot.stacks);
	history_free(&history);
	return judgement;
}

static void check(const struct life *life, unsigned rounds,
		  enum verdict expected)
{
	struct judgement judgement = judge_rounds(life, rounds, false);

	if (judgement.verdict != expected)
		fail_msg("after %u rounds: %s (%s), not %s", rounds,
			 verdict_name(judgement.verdict),
			 verdict_doubt_name(judgement.doubt),
			 verdict_name(expected));
}

static void never_leaks(const struct life *life, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		struct judgement judgement = judge_rounds(life, i, false);

		if (judgement.verdict == VERDICT_LEAKING)
			fail_msg("leaks after %u rounds", i);
	}
}

static void check_doubt(const struct life *life, unsigned rounds,
			enum verdict_doubt expected)
{
	struct judgement judgement = judge_rounds(life, rounds, false);

	if (judgement.verdict != VERDICT_GROWING || judgement.doubt != expected)
		fail_msg("after %u rounds: %s (%s), not growing (%s)", rounds,
			 verdict_name(judgement.verdict),
			 verdict_doubt_name(judgement.doubt),
			 verdict_doubt_name(expected));
}

/* Some blocks early in each of the rounds from first to last. */
static void each_round(struct life *life, unsigned first, unsigned last,
		       unsigned blocks, double lives)
{
	for (unsigned i = first; i <= last; i++)
		for (unsigned j = 0; j < blocks; j++)
			life_add(life,
				 (i - 1) * ROUND_SECONDS + 0.1 + 0.001 * j,
				 lives, 64);
}

static void bounds(void **state)
{
	struct rounds rounds = { 0 };

	(void)state;
	assert_int_equal(rounds_comparable(&rounds), 0);
	for (unsigned i = 1; i <= 50; i++) {
		rounds_end(&rounds, 100 * i);
		assert_int_equal(rounds.ended, i);
		/* In the one that ended, at its end and before. */
		assert_int_equal(rounds_index(&rounds, 100 * i - 1),
				 rounds.kept - 1);
		assert_int_equal(rounds_index(&rounds, 100 * i), rounds.kept);
		assert_int_equal(rounds_number(&rounds, rounds.kept - 1), i);
		if (i <= ROUNDS_KEPT)
			assert_int_equal(rounds_index(&rounds, 0), 0);
	}
	assert_int_equal(rounds.kept, ROUNDS_KEPT);
	assert_int_equal(rounds_number(&rounds, 0), 50 - ROUNDS_KEPT + 1);
	assert_int_equal(rounds_index(&rounds, 100 * (50 - ROUNDS_KEPT) - 1),
			 -1);
	assert_int_equal(rounds_index(&rounds, 100 * (50 - ROUNDS_KEPT)), 0);
	assert_int_equal(rounds_comparable(&rounds), ROUNDS_KEPT - 1);
}

static void leak(void **state)
{
	struct life life = { 0 };
	struct judgement judgement;

	(void)state;
	each_round(&life, 1, 100, 3, LIFE_NEVER);
	for (unsigned i = 6; i < ROUNDS_FOR_VERDICT; i++)
		check_doubt(&life, i, DOUBT_TOO_SOON);
	for (unsigned i = ROUNDS_FOR_VERDICT; i <= 100; i++)
		check(&life, i, VERDICT_LEAKING);
	judgement = judge_rounds(&life, 12, false);
	assert_int_equal(judgement.rounds, 8);
	assert_int_equal(judgement.rounds_surviving, 8);
	assert_true(judgement.rounds_even);
	assert_int_equal(judgement.round_blocks, 24);
	assert_int_equal(judgement.round_bytes, 24 * 64);
	assert_int_equal((int)judgement.bytes_per_round, 192);
	/* Where frees may pass unseen, that is no evidence. */
	judgement = judge_rounds(&life, 20, true);
	assert_int_equal(judgement.verdict, VERDICT_GROWING);
	assert_int_equal(judgement.doubt, DOUBT_UNSEEN);
	life_free(&life);
}

/* The stack's own frees show what is normal: fewer rounds will do. */
static void leak_under_churn(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 40, 20, 0.01);
	never_leaks(&life, 1, 40);
	each_round(&life, 1, 40, 1, LIFE_NEVER);
	assert_int_not_equal(judge_rounds(&life, 7, false).verdict,
			     VERDICT_LEAKING);
	for (unsigned i = 8; i <= 40; i++)
		check(&life, i, VERDICT_LEAKING);
	life_free(&life);
}

/* In one round of three. */
static void leak_now_and_then(void **state)
{
	struct life life = { 0 };
	struct judgement judgement;

	(void)state;
	each_round(&life, 1, 60, 10, 0.01);
	for (unsigned i = 3; i <= 60; i += 3)
		each_round(&life, i, i, 2, LIFE_NEVER);
	for (unsigned i = 24; i <= 60; i++)
		check(&life, i, VERDICT_LEAKING);
	judgement = judge_rounds(&life, 30, false);
	assert_int_equal(judgement.rounds, 26);
	assert_int_equal(judgement.rounds_surviving, 9);
	life_free(&life);
}

/* Three rounds left blocks, which is few, however many these are. */
static void few_rounds(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 40, 10, 0.01);
	for (unsigned i = 5; i <= 15; i += 5)
		each_round(&life, i, i, 20, LIFE_NEVER);
	never_leaks(&life, 1, 40);
	check_doubt(&life, 18, DOUBT_FEW);
	life_free(&life);
}

/* What sessions hold for some rounds, ever more of them at a time. */
static void ever_more_sessions(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (unsigned i = 1; i <= 40; i++)
		each_round(&life, i, i, i, 3.5 * ROUND_SECONDS);
	never_leaks(&life, 8, 40);
	check(&life, 30, VERDICT_GROWING);
	life_free(&life);
}

static void late_leak(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 80, 10, 0.01);
	each_round(&life, 40, 80, 1, LIFE_NEVER);
	never_leaks(&life, 1, 42);
	check(&life, 60, VERDICT_LEAKING);
	check(&life, 80, VERDICT_LEAKING);
	life_free(&life);
}

static void cache_that_fills(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 9, 5, LIFE_NEVER);
	never_leaks(&life, 1, 80);
	check(&life, 20, VERDICT_PLATEAUED);
	life_free(&life);
}

/* Too slowly to be told while it does, but no longer than that. */
static void cache_that_fills_slowly(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 20, 5, LIFE_NEVER);
	check(&life, 15, VERDICT_LEAKING);
	never_leaks(&life, 23, 80);
	check(&life, 40, VERDICT_PLATEAUED);
	life_free(&life);
}

/* More goes of what was there at first than stays of what comes. */
static void total_that_shrinks(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 1, 300, LIFE_NEVER);
	for (unsigned i = 0; i < 60; i++)
		life.blocks.items[i].dies = (3 + i / 2) * ROUND_SECONDS - 0.5;
	each_round(&life, 1, 30, 1, LIFE_NEVER);
	never_leaks(&life, 5, 16);
	life_free(&life);
}

/* Blocks that will be freed, as others of their age were, do not count. */
static void leak_among_sessions(void **state)
{
	struct life life = { 0 };
	struct judgement judgement;

	(void)state;
	each_round(&life, 1, 40, 20, 3.5 * ROUND_SECONDS);
	each_round(&life, 1, 40, 1, LIFE_NEVER);
	judgement = judge_rounds(&life, 30, false);
	assert_int_equal(judgement.verdict, VERDICT_LEAKING);
	assert_true(judgement.rounds_even);
	assert_int_equal(judgement.round_blocks, judgement.rounds);
	life_free(&life);
}

/* Full from the seventh round on: each has replaced another since. */
static void lru_cache(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 80, 4, 7 * ROUND_SECONDS);
	never_leaks(&life, 1, 70);
	check(&life, 20, VERDICT_PLATEAUED);
	life_free(&life);
}

/* All of five rounds is freed in the next. */
static void sawtooth(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (unsigned i = 1; i <= 80; i++)
		each_round(&life, i, i, 3, (5 - (i - 1) % 5) * ROUND_SECONDS);
	never_leaks(&life, 1, 80);
	life_free(&life);
}

static void start_up(void **state)
{
	struct life life = { 0 };

	(void)state;
	each_round(&life, 1, 2, 100, LIFE_NEVER);
	never_leaks(&life, 1, 60);
	for (unsigned i = 5; i <= 60; i++)
		check(&life, i, VERDICT_START_UP);
	life_free(&life);
}

/* First in, first out, and it gets longer. */
static void backlog(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (double at = 0; at < 160; at += 0.25)
		life_add(&life, at, at / 2, 500);
	never_leaks(&life, 8, 70);
	check_doubt(&life, 40, DOUBT_FREED);
	life_free(&life);
}

/* One block, ever larger, ever new. */
static void growing_buffer(void **state)
{
	struct life life = { 0 };

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		life_add(&life, i * ROUND_SECONDS + 0.1, ROUND_SECONDS,
			 4096 * (uint64_t)(i + 1));
	never_leaks(&life, 1, 59);
	check(&life, 30, VERDICT_GROWING);
	life_free(&life);
}

static void sampled(void **state)
{
	struct life life = { .sampled = true };
	struct judgement judgement;

	(void)state;
	each_round(&life, 1, 20, 2, LIFE_NEVER);
	judgement = judge_rounds(&life, 14, false);
	assert_int_equal(judgement.verdict, VERDICT_LEAKING);
	assert_int_equal(judgement.round_blocks, 200);
	assert_int_equal(judgement.round_bytes, 200 * 64);
	life_free(&life);
}

static void no_rounds_yet(void **state)
{
	struct life life = { 0 };

	(void)state;
	assert_int_equal(judge_rounds(&life, 0, false).verdict, VERDICT_NONE);
	each_round(&life, 1, 3, 10, LIFE_NEVER);
	never_leaks(&life, 0, 3);
	life_free(&life);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(leak),
		cmocka_unit_test(leak_under_churn),
		cmocka_unit_test(leak_now_and_then),
		cmocka_unit_test(few_rounds),
		cmocka_unit_test(ever_more_sessions),
		cmocka_unit_test(late_leak),
		cmocka_unit_test(cache_that_fills),
		cmocka_unit_test(cache_that_fills_slowly),
		cmocka_unit_test(total_that_shrinks),
		cmocka_unit_test(leak_among_sessions),
		cmocka_unit_test(lru_cache),
		cmocka_unit_test(sawtooth),
		cmocka_unit_test(start_up),
		cmocka_unit_test(backlog),
		cmocka_unit_test(growing_buffer),
		cmocka_unit_test(sampled),
		cmocka_unit_test(no_rounds_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
