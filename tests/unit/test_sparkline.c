// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of figures as bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/utf8.h"
#include "view/sparkline.h"

static void check(const char *expected, size_t columns, bool ascii,
		  const uint64_t *values, size_t count)
{
	assert_string_equal(sparkline_draw(values, count, columns, ascii).text,
			    expected);
}

#define CHECK(expected, columns, ascii, ...)                               \
	check(expected, columns, ascii, (const uint64_t[]){ __VA_ARGS__ }, \
	      sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void test_bars(void **state)
{
	(void)state;
	CHECK("▁▂▃▄▅▆▇█", 8, false, 1, 100, 200, 300, 400, 500, 600, 700);
	CHECK(" .:+#", 5, true, 0, 1, 40, 60, 100);
	CHECK("   ▁█", 5, false, 1, 1000);
	/* The last ones, on their own scale. */
	CHECK("██", 2, false, 1000000, 7, 7);
	CHECK("     ", 5, false, 0, 0);
}

static void test_bounds(void **state)
{
	uint64_t values[2 * SPARKLINE_COLUMNS_MAX];
	struct sparkline line;

	(void)state;
	CHECK("▅█", 2, false, UINT64_MAX / 2, UINT64_MAX);
	for (size_t i = 0; i < 2 * SPARKLINE_COLUMNS_MAX; i++)
		values[i] = UINT64_MAX;
	line = sparkline_draw(values, 2 * SPARKLINE_COLUMNS_MAX, SIZE_MAX,
			      false);
	assert_int_equal(utf8_columns(line.text), SPARKLINE_COLUMNS_MAX);
	check("", 0, false, values, 3);
	check("   ", 3, false, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
