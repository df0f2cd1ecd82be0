// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sampling by bytes: the integer arithmetic that BPF and user space share
 * against the formulas in floating point, and whole samplings against the
 * truth.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bpf/sampling.h"
#include "capture/sampling.h"

static struct abi_sampling tables;

static int fill(void **state)
{
	(void)state;
	sampling_fill(&tables);
	return 0;
}

/* xorshift64*: the upper half is good. */
static uint32_t random_bits(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 2685821657736338717ull) >> 32);
}

static uint64_t draw(uint64_t interval)
{
	uint32_t bits = random_bits();
	uint32_t zeros = bits ? (uint32_t)__builtin_clz(bits) : 32;

	return sampling_draw(&tables, interval, zeros, random_bits());
}

static double probability(uint64_t size, uint64_t interval)
{
	return -expm1(-(double)(size ? size : 1) / (double)interval);
}

static void assert_near(double found, double expected, double relative,
			double absolute)
{
	if (fabs(found - expected) > fabs(expected) * relative + absolute)
		fail_msg("%.9g, expected %.9g", found, expected);
}

static void check_weight(uint64_t base, uint32_t level, uint64_t size)
{
	uint64_t interval = base << (level - 1);
	double p = probability(size, interval);
	struct sampling_weight weight;

	if (size >= interval * ABI_SAMPLING_CERTAIN)
		p = 1;
	sampling_weigh(&tables, base, size, level, &weight);
	assert_near((double)weight.blocks / ABI_BLOCKS_UNIT, 1 / p, 2e-5,
		    1.0 / ABI_BLOCKS_UNIT);
	assert_near((double)weight.bytes / ABI_BYTES_UNIT, (double)size / p,
		    2e-5, 1.0 / ABI_BYTES_UNIT);
	assert_near((double)weight.blocks_variance / ABI_VARIANCE_UNIT,
		    (1 - p) / p / p, 0.01, 0.01);
	assert_near(
		(double)weight.bytes_variance * (double)base / ABI_BYTES_UNIT,
		(double)size * (double)size * (1 - p) / p / p, 0.01,
		0.1 * (double)interval + 1e-6 * (double)size * (double)size);
}

static void test_weights(void **state)
{
	static const uint64_t bases[] = { ABI_SAMPLE_BYTES_MIN, 1000, 4096,
					  512 << 10, ABI_SAMPLE_BYTES_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		for (uint32_t level = 1; level <= 4; level++) {
			if (bases[i] << (level - 1) > ABI_SAMPLE_BYTES_MAX)
				break;
			check_weight(bases[i], level, 0);
			for (uint64_t size = 1; size < 1ull << 47;
			     size += size / 7 + 1)
				check_weight(bases[i], level, size);
		}
}

/* What is not sampled counts for itself, to the unit. */
static void test_exact(void **state)
{
	struct sampling_weight weight;

	(void)state;
	for (uint64_t size = 0; size < 1ull << 47; size += size / 3 + 1) {
		sampling_weigh(&tables, 4096, size, 0, &weight);
		assert_int_equal(weight.blocks, ABI_BLOCKS_UNIT);
		assert_int_equal(weight.bytes, size * ABI_BYTES_UNIT);
		assert_int_equal(weight.blocks_variance, 0);
		assert_int_equal(weight.bytes_variance, 0);
		assert_int_equal(sampling_blocks(weight.blocks), 1);
		assert_int_equal(sampling_bytes(weight.bytes), size);
	}
}

/* P(draw <= size) is the probability, within 5 standard deviations. */
static void test_draws(void **state)
{
	enum { DRAWS = 1 << 20, SIZES = 12 };
	const uint64_t interval = 4096;
	uint64_t within[SIZES] = { 0 };
	double mean = 0;

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		uint64_t bytes = draw(interval);

		assert_true(bytes > 0);
		mean += (double)bytes / DRAWS;
		for (int j = 0; j < SIZES; j++)
			within[j] += bytes <= 8u << j;
	}
	for (int j = 0; j < SIZES; j++) {
		double p = probability(8u << j, interval);

		assert_near((double)within[j] / DRAWS, p, 0,
			    5 * sqrt(p * (1 - p) / DRAWS));
	}
	/* Rounded up: half a byte more. */
	assert_near(mean, (double)interval + 0.5, 0,
		    5 * (double)interval / sqrt(DRAWS));
}

/* The extremes of both random numbers, at the largest interval. */
static void test_draw_bounds(void **state)
{
	const uint64_t interval = ABI_SAMPLE_BYTES_MAX;

	(void)state;
	assert_int_equal(sampling_draw(&tables, interval, 0, 0), 1);
	assert_near((double)sampling_draw(&tables, interval, 32, UINT32_MAX),
		    33 * M_LN2 * (double)interval, 1e-6, 0);
}

struct sums {
	uint64_t blocks, bytes, blocks_variance, bytes_variance;
};

static void sums_add(struct sums *sums, uint64_t base, uint64_t size,
		     unsigned level, uint64_t sign)
{
	struct sampling_weight weight;

	sampling_weigh(&tables, base, size, level, &weight);
	sums->blocks += sign * weight.blocks;
	sums->bytes += sign * weight.bytes;
	sums->blocks_variance += sign * weight.blocks_variance;
	sums->bytes_variance += sign * weight.bytes_variance;
}

/* As bpf/sample.bpf.h has it. */
static bool sampled(uint64_t *countdown, uint64_t interval, uint64_t size)
{
	if (size >= interval * ABI_SAMPLING_CERTAIN)
		return true;
	if (*countdown > size) {
		*countdown -= size;
		return false;
	}
	*countdown = draw(interval);
	return true;
}

/*
 * 400 samplings of 4,000 blocks: the mean estimate is the truth within 4 of
 * its standard errors, and the intervals of 95% hold it 92 to 98 times in 100.
 */
static void test_estimates(void **state)
{
	enum { ROUNDS = 400, BLOCKS = 4000, INTERVAL = 2048 };
	static const uint64_t sizes[] = { 16, 24, 100, 700, 3000, 20000 };
	double sum = 0, squares = 0, truth = 0, estimate;
	uint64_t countdown = draw(INTERVAL);
	unsigned held_bytes = 0, held_blocks = 0;

	(void)state;
	for (int i = 0; i < BLOCKS; i++)
		truth += (double)sizes[i % 6];
	for (int round = 0; round < ROUNDS; round++) {
		struct stack_figures figures = { 0 };
		struct sums sums = { 0 };

		for (int i = 0; i < BLOCKS; i++)
			if (sampled(&countdown, INTERVAL, sizes[i % 6]))
				sums_add(&sums, INTERVAL, sizes[i % 6], 1, 1);
		sampling_errors(&figures, sums.blocks_variance,
				sums.bytes_variance, INTERVAL);
		assert_true(figures.estimate);
		estimate = (double)sampling_bytes(sums.bytes);
		sum += estimate;
		squares += (estimate - truth) * (estimate - truth);
		held_bytes += fabs(estimate - truth) <=
			      1.96 * figures.bytes_error;
		held_blocks += fabs((double)sampling_blocks(sums.blocks) -
				    BLOCKS) <= 1.96 * figures.blocks_error;
	}
	assert_near(sum / ROUNDS, truth, 0, 4 * sqrt(squares) / ROUNDS);
	assert_in_range(held_bytes, 0.92 * ROUNDS, 0.98 * ROUNDS);
	assert_in_range(held_blocks, 0.92 * ROUNDS, 0.98 * ROUNDS);
}

/*
 * The level changes all the time, as with --max-overhead: the estimates are as
 * good, and a thread's countdown begins anew with each level.
 */
static void test_changing_levels(void **state)
{
	enum { ROUNDS = 400, BLOCKS = 4000, BASE = 1024, PHASE = 250 };
	static const unsigned levels[] = { 0, 1, 3, 2, 1, 0, 3, 1 };
	static const uint64_t sizes[] = { 80, 100, 300, 700, 3000, 20000 };
	double sum = 0, squares = 0, truth = 0, estimate;
	unsigned held_bytes = 0, held_blocks = 0;

	(void)state;
	for (int i = 0; i < BLOCKS; i++)
		truth += (double)sizes[i % 6];
	for (int round = 0; round < ROUNDS; round++) {
		struct stack_figures figures = { 0 };
		struct sums sums = { 0 };
		uint64_t countdown = 0;

		for (int i = 0; i < BLOCKS; i++) {
			unsigned level = levels[i / PHASE % 8];
			uint64_t interval = BASE << (level ? level - 1 : 0);

			if (level && i % PHASE == 0)
				countdown = draw(interval);
			if (!level ||
			    sampled(&countdown, interval, sizes[i % 6]))
				sums_add(&sums, BASE, sizes[i % 6], level, 1);
		}
		sampling_errors(&figures, sums.blocks_variance,
				sums.bytes_variance, BASE);
		estimate = (double)sampling_bytes(sums.bytes);
		sum += estimate;
		squares += (estimate - truth) * (estimate - truth);
		held_bytes += fabs(estimate - truth) <=
			      1.96 * figures.bytes_error;
		held_blocks += fabs((double)sampling_blocks(sums.blocks) -
				    BLOCKS) <= 1.96 * figures.blocks_error;
	}
	assert_near(sum / ROUNDS, truth, 0, 4 * sqrt(squares) / ROUNDS);
	assert_in_range(held_bytes, 0.92 * ROUNDS, 0.98 * ROUNDS);
	assert_in_range(held_blocks, 0.92 * ROUNDS, 0.98 * ROUNDS);
}

/* As far as the sums of variances are good for. */
static void test_highest_level(void **state)
{
	(void)state;
	assert_int_equal(sampling_highest_level(1024), 13);
	assert_int_equal(sampling_highest_level(64), 13);
	assert_int_equal(sampling_highest_level(512 << 10), 6);
	assert_int_equal(sampling_highest_level(ABI_SAMPLE_BYTES_MAX), 1);
	assert_int_equal(sampling_highest_level(5000), 12);
}

/* Everything freed: not a unit is left. */
static void test_back_to_zero(void **state)
{
	struct sums sums = { 0 };
	unsigned level = 0;

	(void)state;
	for (uint64_t size = 0; size < 1 << 20; size += 1 + size / 9)
		sums_add(&sums, 4096, size, level++ % 14, 1);
	assert_true(sums.bytes && sums.bytes_variance && sums.blocks_variance);
	level = 0;
	for (uint64_t size = 0; size < 1 << 20; size += 1 + size / 9)
		sums_add(&sums, 4096, size, level++ % 14, (uint64_t)-1);
	assert_true(!sums.blocks && !sums.bytes && !sums.blocks_variance &&
		    !sums.bytes_variance);
}

/* Below zero for a moment: no error, not an enormous one. */
static void test_errors_of_a_race(void **state)
{
	struct stack_figures figures = { 0 };

	(void)state;
	sampling_errors(&figures, (uint64_t)-5, (uint64_t)-5, 4096);
	assert_true(figures.blocks_error == 0 && figures.bytes_error == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_draw_bounds),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_changing_levels),
		cmocka_unit_test(test_highest_level),
		cmocka_unit_test(test_back_to_zero),
		cmocka_unit_test(test_errors_of_a_race),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
