// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The controller of --max-overhead, closed into a loop with a program whose
 * cost at each level is known.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "capture/overhead.h"

#define BASE 1024.0 /* interval of level 1 */

struct load {
	double allocations; /* a period */
	double size;	    /* of a block */
	double each;	    /* percent of a core that recording one costs */
	double rest;
};

/* What recording costs at a level: p(size) of all. */
static double recording(const struct load *load, unsigned level)
{
	double all = load->allocations * load->each;

	if (!level)
		return all;
	return all * -expm1(-load->size / ldexp(BASE, (int)level - 1));
}

static void period(struct overhead *overhead, const struct load *load)
{
	const struct overhead_sample sample = {
		.rest = load->rest,
		.recording = recording(load, overhead->level),
		.recording_all = recording(load, 0),
		.recording_one = load->each,
	};

	overhead_control(overhead, &sample);
}

static struct overhead start(double budget)
{
	return (struct overhead){ .budget = budget, .highest = 13 };
}

static double total(const struct overhead *overhead, const struct load *load)
{
	return load->rest + recording(load, overhead->level);
}

static void test_idle_stays_exact(void **state)
{
	const struct load idle = { 10, 64, 0.0005, 0.1 };
	struct overhead overhead = start(1);

	(void)state;
	for (int i = 0; i < 100; i++) {
		period(&overhead, &idle);
		assert_int_equal(overhead.level, 0);
		assert_false(overhead.over);
	}
}

/* Whatever the sizes, a few periods suffice, and then nothing moves. */
static void test_comes_under_the_budget(void **state)
{
	static const double sizes[] = { 8, 64, 500, 5000, 50000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct load busy = { 20000, sizes[i], 0.0005, 4 };
		struct overhead overhead = start(6);
		unsigned settled;

		assert_true(total(&overhead, &busy) > 6);
		for (int n = 0; n < 20; n++)
			period(&overhead, &busy);
		settled = overhead.level;
		assert_true(settled > 0);
		assert_true(total(&overhead, &busy) <= 6);
		for (int n = 0; n < 200; n++) {
			period(&overhead, &busy);
			assert_int_equal(overhead.level, settled);
			assert_false(overhead.over);
		}
		/* Not sparser than it need be: two levels less are too dear. */
		if (settled > 2) {
			overhead.level -= 2;
			assert_true(total(&overhead, &busy) > 6 * 0.6);
		}
	}
}

/* The rest alone is too dear: it says so, and does not sample for nothing. */
static void test_out_of_reach(void **state)
{
	const struct load busy = { 20000, 64, 0.0005, 12 };
	struct overhead overhead = start(5);
	unsigned settled;

	(void)state;
	for (int n = 0; n < 20; n++)
		period(&overhead, &busy);
	settled = overhead.level;
	assert_true(overhead.over);
	assert_true(recording(&busy, settled) < busy.rest / 10);
	assert_true(settled < 6);
	for (int n = 0; n < 100; n++) {
		period(&overhead, &busy);
		assert_true(overhead.over);
		assert_int_equal(overhead.level, settled);
	}
}

/* leaktrace's own work is over the budget: no reason to sample. */
static void test_idle_and_out_of_reach(void **state)
{
	const struct load busy = { 20000, 64, 0.0005, 12 };
	const struct load idle = { 2, 64, 0.0005, 0.4 };
	struct overhead overhead = start(0.3);

	(void)state;
	for (int n = 0; n < 20; n++)
		period(&overhead, &busy);
	assert_true(overhead.level > 0);
	for (int n = 0; n < 20; n++)
		period(&overhead, &idle);
	assert_true(overhead.over);
	assert_int_equal(overhead.level, 0);
}

/* Blocks too large for any interval to pass over. */
static void test_highest(void **state)
{
	const struct load huge = { 20000, 1 << 30, 0.0005, 2 };
	struct overhead overhead = start(5);

	(void)state;
	for (int n = 0; n < 20; n++)
		period(&overhead, &huge);
	assert_int_equal(overhead.level, 13);
	assert_true(overhead.over);
}

static void test_goes_back(void **state)
{
	const struct load busy = { 20000, 64, 0.0005, 4 };
	const struct load less = { 4000, 64, 0.0005, 0.8 };
	struct overhead overhead = start(6);

	(void)state;
	for (int n = 0; n < 20; n++)
		period(&overhead, &busy);
	assert_true(overhead.level > 0);
	period(&overhead, &less); /* not at once */
	assert_true(overhead.level > 0);
	period(&overhead, &busy);
	for (int n = 0; n < 3; n++) {
		period(&overhead, &less);
		assert_true(overhead.level > 0);
	}
	period(&overhead, &less);
	assert_int_equal(overhead.level, 0);
}

/* With --sample the interval given is the smallest. */
static void test_lowest(void **state)
{
	const struct load busy = { 20000, 64, 0.0005, 4 };
	const struct load idle = { 0, 64, 0.0005, 0 };
	struct overhead overhead = start(4.2);

	(void)state;
	overhead.lowest = overhead.level = 1;
	for (int n = 0; n < 20; n++)
		period(&overhead, &busy);
	assert_true(overhead.level > 1);
	for (int n = 0; n < 20; n++)
		period(&overhead, &idle);
	assert_int_equal(overhead.level, 1);
}

/* A sparse sample that saw nothing is no sign that there is nothing. */
static void test_nothing_seen(void **state)
{
	const struct overhead_sample sample = {
		.rest = 4,
		.recording_all = 10,
		.recording_one = 0.0005,
	};
	struct overhead overhead = start(6);

	(void)state;
	overhead.level = 13;
	for (int n = 0; n < 4; n++)
		overhead_control(&overhead, &sample);
	assert_in_range(overhead.level, 1, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_stays_exact),
		cmocka_unit_test(test_comes_under_the_budget),
		cmocka_unit_test(test_out_of_reach),
		cmocka_unit_test(test_idle_and_out_of_reach),
		cmocka_unit_test(test_highest),
		cmocka_unit_test(test_goes_back),
		cmocka_unit_test(test_lowest),
		cmocka_unit_test(test_nothing_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
