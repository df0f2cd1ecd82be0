// SPDX-License-Identifier: GPL-2.0-or-later
/* /tmp/perf-PID.map: names with blanks, code memory used again, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/perf_map.h"

static const char sample[] = "7f0000001000 40 LazyCompile:~add /srv/app.js:3\n"
			     "7F0000001080 20 py::run:/srv/main.py\n"
			     "0x7f0000002000 0x10 with_prefix\n"
			     "7f0000003000 100 old\n"
			     "7f0000003000 100 newer\n"
			     "7f0000003040 20 newest\r\n"
			     "7f0000004000 10 first_half\n"
			     "7f0000003ff0 18 before\n"
			     "fffffffffffffff0 10 wraps\n"
			     "ffffffffffffffe0 10 top\n"
			     "\n"
			     "nothing here\n"
			     "7f0000005000\n"
			     "7f0000005000 10\n"
			     "7f0000005000 10 \n"
			     "7f0000005000 0 empty\n"
			     "10000000000000000 10 too_wide\n"
			     "-1 10 negative\n"
			     "7f0000005000 10 half a li";

static const struct {
	uint64_t address;
	const char *name; /* NULL: none there */
	uint64_t start;
} expected[] = {
	{ 0x7f0000000fff, NULL, 0 },
	{ 0x7f0000001000, "LazyCompile:~add /srv/app.js:3", 0x7f0000001000 },
	{ 0x7f000000103f, "LazyCompile:~add /srv/app.js:3", 0x7f0000001000 },
	{ 0x7f0000001040, NULL, 0 },
	{ 0x7f0000001080, "py::run:/srv/main.py", 0x7f0000001080 },
	{ 0x7f000000200f, "with_prefix", 0x7f0000002000 },
	{ 0x7f000000303f, "newer", 0x7f0000003000 },
	{ 0x7f0000003040, "newest", 0x7f0000003040 },
	{ 0x7f0000003060, "newer", 0x7f0000003000 },
	{ 0x7f0000004007, "before", 0x7f0000003ff0 },
	{ 0x7f0000004008, "first_half", 0x7f0000004000 },
	{ 0xffffffffffffffe1, "top", 0xffffffffffffffe0 },
	{ 0xfffffffffffffff1, NULL, 0 },
	{ 0x7f0000005000, NULL, 0 },
	{ 0, NULL, 0 },
};

static void test_sample(void **state)
{
	struct perf_map map;

	(void)state;
	assert_int_equal(perf_map_parse(sample, sizeof(sample) - 1, &map), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct perf_function *function =
			perf_map_find(&map, expected[i].address);

		if (!expected[i].name) {
			assert_null(function);
			continue;
		}
		assert_non_null(function);
		assert_string_equal(function->name, expected[i].name);
		assert_int_equal(function->start, expected[i].start);
	}
	perf_map_free(&map);
}

/* A compiler that puts a new function at the same place 10,000 times. */
static void test_used_again(void **state)
{
	char *text = malloc(10000 * 32), *end = text;
	struct perf_map map;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < 10000; i++)
		end += sprintf(end, "1000 %x version%u\n", 1 + i % 64, i);
	assert_int_equal(perf_map_parse(text, (size_t)(end - text), &map), 0);
	assert_string_equal(perf_map_find(&map, 0x1000)->name, "version9999");
	assert_string_equal(perf_map_find(&map, 0x103f)->name, "version9983");
	assert_null(perf_map_find(&map, 0x1040));
	perf_map_free(&map);
	free(text);
}

static void test_every_prefix(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(sample); size++) {
		char *copy = malloc(size + !size);
		struct perf_map map;

		assert_non_null(copy);
		memcpy(copy, sample, size);
		assert_int_equal(perf_map_parse(copy, size, &map), 0);
		free(copy);
		perf_map_free(&map);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
