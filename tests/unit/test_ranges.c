// SPDX-License-Identifier: GPL-2.0-or-later
/* Overlapping address ranges: nesting, priority, and against brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "resolve/ranges.h"

#define NONE UINT32_MAX

static void add(range_vector *ranges, uint64_t start, uint64_t end,
		uint32_t priority, uint32_t item)
{
	struct range *range = vector_push(ranges);

	assert_non_null(range);
	*range = (struct range){ start, end, priority, item };
}

static uint32_t owner(const range_vector *ranges, uint64_t address)
{
	const struct range *range = ranges_find(ranges, address);

	return range ? range->item : NONE;
}

static void test_empty(void **state)
{
	range_vector ranges = { 0 };

	(void)state;
	assert_int_equal(ranges_flatten(&ranges), 0);
	assert_null(ranges_find(&ranges, 5));
	add(&ranges, 5, 5, 0, 0);
	add(&ranges, 9, 5, 0, 1);
	assert_int_equal(ranges_flatten(&ranges), 0);
	assert_int_equal(ranges.count, 0);
	vector_free(&ranges);
}

static void test_nested(void **state)
{
	range_vector ranges = { 0 };

	(void)state;
	add(&ranges, 10, 100, 0, 0);
	add(&ranges, 20, 30, 0, 1);
	add(&ranges, 22, 24, 0, 2);
	add(&ranges, 95, 110, 0, 3);
	add(&ranges, 200, UINT64_MAX, 0, 4);
	assert_int_equal(ranges_flatten(&ranges), 0);
	assert_int_equal(owner(&ranges, 9), NONE);
	assert_int_equal(owner(&ranges, 10), 0);
	assert_int_equal(owner(&ranges, 20), 1);
	assert_int_equal(owner(&ranges, 23), 2);
	assert_int_equal(owner(&ranges, 24), 1);
	assert_int_equal(owner(&ranges, 30), 0);
	assert_int_equal(owner(&ranges, 95), 3);
	assert_int_equal(owner(&ranges, 109), 3);
	assert_int_equal(owner(&ranges, 110), NONE);
	assert_int_equal(owner(&ranges, UINT64_MAX - 1), 4);
	assert_int_equal(owner(&ranges, UINT64_MAX), NONE);
	vector_free(&ranges);
}

static void test_priority(void **state)
{
	range_vector ranges = { 0 };

	(void)state;
	add(&ranges, 10, 20, 1, 0);
	add(&ranges, 12, 40, 0, 1);
	add(&ranges, 30, 40, 0, 3);
	add(&ranges, 30, 40, 0, 2);
	add(&ranges, 30, 35, 0, 4);
	assert_int_equal(ranges_flatten(&ranges), 0);
	assert_int_equal(owner(&ranges, 15), 0);
	assert_int_equal(owner(&ranges, 20), 1);
	assert_int_equal(owner(&ranges, 34), 4);
	assert_int_equal(owner(&ranges, 35), 2);
	vector_free(&ranges);
}

/* The rule of ranges.h, spelled out slowly. */
static uint32_t slow_owner(const struct range *ranges, size_t count,
			   uint64_t address)
{
	const struct range *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct range *at = &ranges[i];

		if (address < at->start || address >= at->end)
			continue;
		if (!best || at->priority > best->priority ||
		    (at->priority == best->priority &&
		     (at->start > best->start ||
		      (at->start == best->start &&
		       (at->end < best->end ||
			(at->end == best->end && at->item < best->item))))))
			best = at;
	}
	return best ? best->item : NONE;
}

static void test_against_brute_force(void **state)
{
	(void)state;
	srand(1);
	for (unsigned round = 0; round < 300; round++) {
		size_t count = 1 + (size_t)rand() % 40;
		range_vector ranges = { 0 };
		struct range copy[40];

		for (size_t i = 0; i < count; i++) {
			uint64_t start = (uint64_t)rand() % 64;

			add(&ranges, start, start + (uint64_t)rand() % 24,
			    (uint32_t)rand() % 3, (uint32_t)i);
			copy[i] = ranges.items[i];
		}
		assert_int_equal(ranges_flatten(&ranges), 0);
		assert_true(ranges.count <= 2 * count);
		for (uint64_t address = 0; address < 100; address++)
			assert_int_equal(owner(&ranges, address),
					 slow_owner(copy, count, address));
		vector_free(&ranges);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_against_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
