// SPDX-License-Identifier: GPL-2.0-or-later
/* What tracing costs, computed from what was counted. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "capture/cost.h"
#include "report/cost_line.h"

static const struct trap_costs traps = {
	.entry = 700,
	.stepped = 9000,
	.return_ = 400,
	.empty = 50,
};

static const struct cost_reading from = {
	.taken_ns = 1000000000,
	.own_ns = 500000000,
	.hits = { .entries = 1000, .returns = 500 },
	.slices_ns = 10000000,
	.runs = 1000,
	.run_ns = 1000000,
};

/* A second in which 20,000 blocks were allocated and freed. */
static const struct cost_reading to = {
	.taken_ns = 2000000000,
	.own_ns = 510000000,
	.hits = { .entries = 41000,
		  .frees = 20000,
		  .stepped = 100,
		  .returns = 20500,
		  .recorded = 20000,
		  .timed = 1250,
		  .timed_ns = 1250 * 300 },
	.slices_ns = 50000000,
	.runs = 3400,
	.run_ns = 1000000 + 2400 * 250,
};

static void assert_near(double found, double expected)
{
	if (fabs(found - expected) > 1e-6 * fabs(expected))
		fail_msg("%.9g, expected %.9g", found, expected);
}

static void test_all_known(void **state)
{
	const struct cost_rates rates = { .traps = &traps, .counted = true };
	struct own_cost cost = cost_between(&from, &to, &rates);

	(void)state;
	assert_int_equal(cost.period_ns, 1000000000);
	assert_int_equal(cost.hits, 60000);
	assert_true(cost.bpf_known && cost.traps_known);
	assert_near(cost.bpf_ns, 60000 * (250 - 50));
	assert_near(cost.traps_ns, 39900 * 700.0 + 100 * 9000.0 + 20000 * 400);
	assert_near(cost.own_ns, 10000000);
	assert_near(own_cost_percent(&cost), 1.2 + 3.683 + 1);
	assert_near(own_cost_per_hit(&cost), (12e6 + 36.83e6) / 60000);
	assert_near(own_cost_hits_per_second(&cost), 60000);
}

static void test_recording(void **state)
{
	struct cost_rates rates = { .traps = &traps, .counted = true };

	(void)state;
	assert_near(cost_of_recording(&from, &to, &rates), 300);
	rates.skips_returns = true;
	assert_near(cost_of_recording(&from, &to, &rates), 700);
	/* None timed in the period: as all were. */
	assert_near(cost_of_recording(&to, &to, &rates), 700);
	rates.traps = NULL;
	assert_near(cost_of_recording(&to, &to, &rates), 300);
	assert_near(cost_of_recording(&from, &from, &rates), 0);
}

/* Few runs in the period: the mean of all stands in. */
static void test_few_runs(void **state)
{
	const struct cost_rates rates = { .traps = &traps, .counted = true };
	struct cost_reading late = to, none = from;
	struct own_cost cost;

	(void)state;
	late.hits.entries += 100;
	late.runs += 3;
	late.run_ns += 1000000;
	cost = cost_between(&to, &late, &rates);
	assert_near(cost.bpf_ns, 100 * (2600000.0 / 3403 - 50));
	none.runs = none.run_ns = 0;
	late = none;
	late.hits.entries += 100;
	cost = cost_between(&none, &late, &rates);
	assert_false(cost.bpf_known);
	assert_true(cost.bpf_ns == 0);
	/* Without hits there is nothing that one could not know. */
	assert_true(cost_between(&none, &none, &rates).bpf_known);
}

/* The kernel's tracepoints: no traps, and hits only in the slices. */
static void test_not_counted(void **state)
{
	const struct cost_rates rates = { 0 };
	struct own_cost cost = cost_between(&from, &to, &rates);

	(void)state;
	assert_int_equal(cost.hits, 2400 * 25);
	assert_true(cost.traps_known && cost.traps_ns == 0);
	assert_near(cost.bpf_ns, 2400 * 25 * 250.0);
}

static void test_unknown_traps(void **state)
{
	const struct cost_rates rates = { .counted = true };
	struct own_cost cost = cost_between(&from, &to, &rates);

	(void)state;
	assert_false(cost.traps_known);
	assert_true(cost.traps_ns == 0);
	assert_near(cost.bpf_ns, 60000 * 250.0);
}

static void test_percent_text(void **state)
{
	static const struct {
		double percent;
		const char *text;
	} cases[] = {
		{ 0, "0%" },	    { 0.00001, "0%" },	 { 0.25, "0.25%" },
		{ 5, "5%" },	    { 14.234, "14.2%" }, { 99.96, "100%" },
		{ 187.34, "187%" }, { 12345, "12345%" },
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cost_percent_text(cases[i].percent, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_known),
		cmocka_unit_test(test_recording),
		cmocka_unit_test(test_few_runs),
		cmocka_unit_test(test_not_counted),
		cmocka_unit_test(test_unknown_traps),
		cmocka_unit_test(test_percent_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
