// SPDX-License-Identifier: GPL-2.0-or-later
/* Text from targets made safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t code_point;
	} cases[] = {
		{ "A", 1, 'A' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xc3\xa9t\xc3\xa9", 2, 0xe9 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "", 0, 0 },
		{ "\x80", 0, 0 },     /* continuation alone */
		{ "\xc0\xaf", 0, 0 }, /* overlong */
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 0, 0 },
		{ "\xed\xa0\x80", 0, 0 }, /* surrogates */
		{ "\xed\xbf\xbf", 0, 0 },
		{ "\xf4\x90\x80\x80", 0, 0 }, /* above U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", 0, 0 },
		{ "\xff", 0, 0 },
		{ "\xc3", 0, 0 }, /* cut off by the end */
		{ "\xe2\x82", 0, 0 },
		{ "\xf0\x9f\x98", 0, 0 },
		{ "\xe2(\xa1", 0, 0 },
	};
	uint32_t code_point;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		code_point = 0;
		assert_int_equal(utf8_decode(cases[i].text, &code_point),
				 cases[i].length);
		assert_int_equal(code_point, cases[i].code_point);
	}
}

static void check_conversion(char *(*convert)(const char *), const char *text,
			     const char *expected)
{
	char *converted = convert(text);

	assert_non_null(converted);
	assert_string_equal(converted, expected);
	free(converted);
}

static void test_sanitise(void **state)
{
	(void)state;
	check_conversion(utf8_sanitise, "", "");
	check_conversion(utf8_sanitise, "na\xc3\xafve\n", "na\xc3\xafve\n");
	check_conversion(utf8_sanitise, "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd");
	check_conversion(utf8_sanitise, "a\xe2\x82",
			 "a\xef\xbf\xbd\xef\xbf\xbd");
	check_conversion(utf8_sanitise, "\xc3z", "\xef\xbf\xbdz");
}

static void test_escape(void **state)
{
	(void)state;
	check_conversion(utf8_escape, "", "");
	check_conversion(utf8_escape, "std::vector<int>\\x",
			 "std::vector<int>\\x");
	check_conversion(utf8_escape, "na\xc3\xafve", "na\xc3\xafve");
	check_conversion(utf8_escape, "\x1b[31mred\x1b[0m", "\\e[31mred\\e[0m");
	check_conversion(utf8_escape, "a\nb\tc\rd\x01\x7f",
			 "a\\nb\\tc\\rd\\x01\\x7f");
	check_conversion(utf8_escape,
			 "\xc2\x9b"
			 "31m",
			 "\\u009b31m");
	check_conversion(utf8_escape,
			 "\xe2\x80\xae"
			 "cba",
			 "\\u202ecba");
	check_conversion(utf8_escape, "\xf3\xa0\x80\xa0", "\\U0e0020");
	check_conversion(utf8_escape,
			 "\xff"
			 "A\x9b",
			 "\\xffA\\x9b");
}

/* No byte string makes either give anything but clean, valid UTF-8. */
static void test_any_bytes(void **state)
{
	char text[9], *converted;
	uint32_t seed = 1, code_point;
	size_t round, i, at, length;
	int escaping;

	(void)state;
	for (round = 0; round < 200000; round++) {
		for (i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			/* Half of the bytes from 0x80 up, many lead bytes. */
			text[i] = (char)(seed >> 24 | (seed & 0x40 ? 0xc0 : 0));
		}
		text[round % sizeof(text)] = '\0';
		text[sizeof(text) - 1] = '\0';
		for (escaping = 0; escaping < 2; escaping++) {
			converted = escaping ? utf8_escape(text)
					     : utf8_sanitise(text);
			assert_non_null(converted);
			for (at = 0; converted[at]; at += length) {
				length = utf8_decode(converted + at,
						     &code_point);
				assert_int_not_equal(length, 0);
				if (escaping)
					assert_true(code_point >= 0x20 &&
						    code_point != 0x7f &&
						    (code_point < 0x80 ||
						     code_point > 0x9f));
			}
			assert_true(utf8_columns(converted) <= at);
			free(converted);
		}
	}
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(utf8_columns(""), 0);
	assert_int_equal(utf8_columns("abc"), 3);
	assert_int_equal(utf8_columns("na\xc3\xafve"), 5);
	assert_int_equal(utf8_prefix("na\xc3\xafve", 3), 4);
	assert_int_equal(utf8_prefix("na\xc3\xafve", 2), 2);
	assert_int_equal(utf8_prefix("na\xc3\xafve", 99), 6);
	assert_int_equal(utf8_prefix("abc", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_sanitise),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
