// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger of mappings: splits, replacements, and events out of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/ledger.h"

#define PAGE 4096u
#define ADDRESS(page) (UINT64_C(0x10000000) + (page)*PAGE)

static uint64_t bytes_of(const struct ledger *ledger, uint32_t stack)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ledger->ranges.count; i++)
		if (ledger->ranges.items[i].stack == stack)
			bytes += ledger->ranges.items[i].end -
				 ledger->ranges.items[i].start;
	return bytes;
}

/* Sorted, disjoint, and the totals agree with the ranges. */
static void assert_sound(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->ranges.count; i++) {
		const struct mapping_range *range = &ledger->ranges.items[i];

		assert_true(range->start < range->end);
		if (i)
			assert_true(range[-1].end <= range->start);
	}
	for (uint32_t stack = 0; stack < ledger->totals.count; stack++)
		assert_int_equal(
			ledger->totals.items[stack].allocated_bytes -
				ledger->totals.items[stack].freed_bytes,
			bytes_of(ledger, stack));
}

static void length_is_rounded_to_pages(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, ADDRESS(0), 1, 10, 1), 0);
	assert_int_equal(bytes_of(&ledger, 1), PAGE);
	assert_int_equal(ledger_unmap(&ledger, ADDRESS(0), 1, 20), 0);
	assert_int_equal(ledger.ranges.count, 0);
	assert_int_equal(ledger.totals.items[1].frees, 1);
	assert_sound(&ledger);
	ledger_free(&ledger);
}

static void partial_unmap_cuts_front_middle_and_back(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, ADDRESS(0), 10 * PAGE, 10, 1), 0);
	assert_int_equal(ledger_unmap(&ledger, ADDRESS(0), 2 * PAGE, 20), 0);
	assert_int_equal(ledger.ranges.count, 1);
	assert_int_equal(ledger.ranges.items[0].start, ADDRESS(2));
	assert_int_equal(ledger_unmap(&ledger, ADDRESS(9), 5 * PAGE, 20), 0);
	assert_int_equal(ledger.ranges.items[0].end, ADDRESS(9));
	assert_int_equal(ledger_unmap(&ledger, ADDRESS(4), PAGE, 20), 0);
	assert_int_equal(ledger.ranges.count, 2);
	assert_int_equal(ledger.ranges.items[0].end, ADDRESS(4));
	assert_int_equal(ledger.ranges.items[1].start, ADDRESS(5));
	assert_int_equal(bytes_of(&ledger, 1), 6 * PAGE);
	assert_int_equal(ledger.totals.items[1].frees, 0);
	assert_sound(&ledger);
	ledger_free(&ledger);
}

static void mapping_over_another_replaces_it(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, ADDRESS(0), 4 * PAGE, 10, 1), 0);
	assert_int_equal(ledger_map(&ledger, ADDRESS(4), 4 * PAGE, 10, 2), 0);
	assert_int_equal(ledger_map(&ledger, ADDRESS(2), 4 * PAGE, 30, 3), 0);
	assert_int_equal(bytes_of(&ledger, 1), 2 * PAGE);
	assert_int_equal(bytes_of(&ledger, 2), 2 * PAGE);
	assert_int_equal(bytes_of(&ledger, 3), 4 * PAGE);
	assert_sound(&ledger);
	ledger_free(&ledger);
}

/*
 * Thread A enters munmap, thread B is handed the address and its event comes
 * first: A's must not take what B has.
 */
static void late_unmap_spares_what_was_mapped_since(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, ADDRESS(0), 2 * PAGE, 10, 1), 0);
	assert_int_equal(ledger_map(&ledger, ADDRESS(0), 2 * PAGE, 25, 2), 0);
	assert_int_equal(ledger_unmap(&ledger, ADDRESS(0), 2 * PAGE, 20), 0);
	assert_int_equal(bytes_of(&ledger, 1), 0);
	assert_int_equal(bytes_of(&ledger, 2), 2 * PAGE);
	assert_sound(&ledger);
	ledger_free(&ledger);
}

static void ranges_that_wrap_are_refused(void **state)
{
	struct ledger ledger;

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, UINT64_MAX - 100, 4096, 1, 1),
			 -22);
	assert_int_equal(ledger_map(&ledger, 4096, UINT64_MAX, 1, 1), -22);
	assert_int_equal(ledger_unmap(&ledger, 4096, 0, 1), -22);
	assert_int_equal(ledger.ranges.count, 0);
	ledger_free(&ledger);
}

/* A thousand random calls against a map of pages. */
static void random_calls_agree_with_a_page_map(void **state)
{
	enum { PAGES = 64 };
	uint32_t owner_of[PAGES] = { 0 };
	struct ledger ledger;
	uint32_t seed = 12345;

	(void)state;
	ledger_init(&ledger, PAGE);
	for (uint64_t step = 1; step <= 1000; step++) {
		uint32_t stack, first, length;

		seed = seed * 1664525 + 1013904223;
		first = (seed >> 8) % PAGES;
		length = 1 + (seed >> 16) % (PAGES - first);
		stack = seed >> 28 < 8 ? 1 + (seed >> 20) % 5 : 0;
		if (stack)
			assert_int_equal(ledger_map(&ledger, ADDRESS(first),
						    length * PAGE, step, stack),
					 0);
		else
			assert_int_equal(ledger_unmap(&ledger, ADDRESS(first),
						      length * PAGE, step),
					 0);
		for (uint32_t page = first; page < first + length; page++)
			owner_of[page] = stack;
		assert_sound(&ledger);
		for (uint32_t owner = 1; owner <= 5; owner++) {
			uint64_t pages = 0;

			for (uint32_t page = 0; page < PAGES; page++)
				pages += owner_of[page] == owner;
			assert_int_equal(bytes_of(&ledger, owner),
					 pages * PAGE);
		}
	}
	ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_is_rounded_to_pages),
		cmocka_unit_test(partial_unmap_cuts_front_middle_and_back),
		cmocka_unit_test(mapping_over_another_replaces_it),
		cmocka_unit_test(late_unmap_spares_what_was_mapped_since),
		cmocka_unit_test(ranges_that_wrap_are_refused),
		cmocka_unit_test(random_calls_agree_with_a_page_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
