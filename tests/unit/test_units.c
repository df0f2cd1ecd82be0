// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes, durations and counts, in both directions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND UINT64_C(1000000000)
#define UNTOUCHED UINT64_C(0x5a5a5a5a)

typedef int (*parse_function)(const char *, uint64_t *, struct error *);

struct good {
	const char *text;
	uint64_t value;
};

struct bad {
	const char *text;
	int status;
	const char *says;
};

static void check_good(parse_function parse, const struct good *cases,
		       size_t count)
{
	struct error error;
	uint64_t value;
	size_t i;

	for (i = 0; i < count; i++) {
		error.message[0] = '\0';
		value = UNTOUCHED;
		if (parse(cases[i].text, &value, &error))
			fail_msg("'%s': %s", cases[i].text, error.message);
		if (value != cases[i].value)
			fail_msg("'%s' gave %ju, not %ju", cases[i].text,
				 (uintmax_t)value, (uintmax_t)cases[i].value);
	}
}

static void check_bad(parse_function parse, const struct bad *cases,
		      size_t count)
{
	struct error error;
	uint64_t value;
	size_t i;

	for (i = 0; i < count; i++) {
		error.message[0] = '\0';
		value = UNTOUCHED;
		if (parse(cases[i].text, &value, &error) != cases[i].status)
			fail_msg("'%s': status is not %d (%s)", cases[i].text,
				 cases[i].status, error.message);
		if (value != UNTOUCHED)
			fail_msg("'%s': result touched", cases[i].text);
		if (!strstr(error.message, cases[i].says) ||
		    !strstr(error.message, cases[i].text) ||
		    strchr(error.message, '\n'))
			fail_msg("'%s': message is \"%s\"", cases[i].text,
				 error.message);
		assert_int_equal(parse(cases[i].text, &value, NULL),
				 cases[i].status);
	}
}

static void test_parse_size(void **state)
{
	static const struct good good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "17B", 17 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "64KiB", 65536 },
		{ "64kib", 65536 },
		{ "64KB", 64000 },
		{ "1.5MiB", 1572864 },
		{ "1.5 MiB", 1572864 },
		{ "4M", 4194304 },
		{ "2MB", 2000000 },
		{ "3G", UINT64_C(3221225472) },
		{ "3GB", UINT64_C(3000000000) },
		{ "2T", UINT64_C(2199023255552) },
		{ "2TB", UINT64_C(2000000000000) },
		{ "1.1KiB", 1126 },
		{ "0.000001K", 0 },
		{ "0.99999999999999999999K", 1023 },
		{ "1.0", 1 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215.99999T", UINT64_C(18446744073698556499) },
	};
	static const struct bad bad[] = {
		{ "", -EINVAL, "not a size" },
		{ "K", -EINVAL, "not a size" },
		{ " 5", -EINVAL, "not a size" },
		{ "+5", -EINVAL, "not a size" },
		{ ".5K", -EINVAL, "not a size" },
		{ "many", -EINVAL, "64K" },
		{ "-5K", -EINVAL, "negative" },
		{ "64Q", -EINVAL, "unknown unit 'Q'" },
		{ "64Ki", -EINVAL, "unknown unit 'Ki'" },
		{ "0x10", -EINVAL, "unknown unit 'x10'" },
		{ "1..5K", -EINVAL, "unknown unit" },
		{ "1.K", -EINVAL, "unknown unit" },
		{ "1.5.5K", -EINVAL, "unknown unit" },
		{ "5K ", -EINVAL, "unknown unit" },
		{ "5 ", -EINVAL, "unknown unit" },
		{ "5  K", -EINVAL, "unknown unit" },
		{ "10s", -EINVAL, "use B, K, M, G, T" },
		{ "1.5", -EINVAL, "not a whole number" },
		{ "18446744073709551616", -ERANGE, "too large" },
		{ "99999999999999999999999999", -ERANGE, "too large" },
		{ "16777216T", -ERANGE, "too large" },
		{ "184467440737095516160T", -ERANGE, "too large" },
	};

	(void)state;
	check_good(units_parse_size, good, COUNT(good));
	check_bad(units_parse_size, bad, COUNT(bad));
}

static void test_parse_duration(void **state)
{
	static const struct good good[] = {
		{ "0", 0 },
		{ "5", 5 * SECOND },
		{ "0.25", SECOND / 4 },
		{ "7ns", 7 },
		{ "7us", 7000 },
		{ "500ms", SECOND / 2 },
		{ "10s", 10 * SECOND },
		{ "1.5s", 3 * SECOND / 2 },
		{ "2m", 120 * SECOND },
		{ "2min", 120 * SECOND },
		{ "2 min", 120 * SECOND },
		{ "1h", 3600 * SECOND },
		{ "1d", 86400 * SECOND },
		{ "0.1ms", 100000 },
		{ "9223372036s", UINT64_C(9223372036) * SECOND },
	};
	static const struct bad bad[] = {
		{ "", -EINVAL, "not a time" },
		{ "soon", -EINVAL, "500ms, 10s or 2m" },
		{ "-1s", -EINVAL, "negative" },
		{ "10x", -EINVAL, "unknown unit 'x'" },
		{ "10S", -EINVAL, "unknown unit 'S'" },
		{ "2M", -EINVAL, "use ns, us, ms, s, m, h, d" },
		{ "1h30m", -EINVAL, "unknown unit 'h30m'" },
		{ "1.5ns", -EINVAL, "not a whole number" },
		{ "9223372037", -ERANGE, "too large" },
		{ "106752d", -ERANGE, "too large" },
	};

	(void)state;
	check_good(units_parse_duration, good, COUNT(good));
	check_bad(units_parse_duration, bad, COUNT(bad));
}

static void test_parse_count(void **state)
{
	static const struct good good[] = {
		{ "0", 0 },	   { "500", 500 },    { "16K", 16384 },
		{ "4M", 4194304 }, { "4m", 4194304 }, { "1G", 1 << 30 },
		{ "0.5K", 512 },
	};
	static const struct bad bad[] = {
		{ "few", -EINVAL, "16K" },
		{ "-1", -EINVAL, "negative" },
		{ "4MiB", -EINVAL, "unknown unit 'MiB'" },
		{ "4T", -EINVAL, "use K, M, G" },
		{ "2.5", -EINVAL, "not a whole number" },
		{ "17179869184G", -ERANGE, "too large" },
	};

	(void)state;
	check_good(units_parse_count, good, COUNT(good));
	check_bad(units_parse_count, bad, COUNT(bad));
}

static void test_format_size(void **state)
{
	static const struct good cases[] = {
		{ "0 B", 0 },
		{ "1 B", 1 },
		{ "1023 B", 1023 },
		{ "1.0 KiB", 1024 },
		{ "1.5 KiB", 1536 },
		{ "1023.9 KiB", 1048524 },
		{ "1.0 MiB", 1048525 },
		{ "1.0 MiB", 1048575 },
		{ "123.4 MiB", 129394278 },
		{ "4.0 GiB", UINT64_C(4294967296) },
		{ "1.0 TiB", UINT64_C(1099511627776) },
		{ "1.0 PiB", UINT64_C(1125899906842624) },
		{ "16.0 EiB", UINT64_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(units_size(cases[i].value).text,
				    cases[i].text);
	assert_string_equal(units_size_change(0).text, "unchanged");
	assert_string_equal(units_size_change(1536).text, "+1.5 KiB");
	assert_string_equal(units_size_change(-12).text, "-12 B");
	assert_string_equal(units_size_change(INT64_MIN).text, "-8.0 EiB");
	assert_string_equal(units_size_change(INT64_MAX).text, "+8.0 EiB");
}

static void test_format_count(void **state)
{
	static const struct good cases[] = {
		{ "0", 0 },
		{ "999", 999 },
		{ "1,000", 1000 },
		{ "4,812", 4812 },
		{ "100,000", 100000 },
		{ "1,234,567", 1234567 },
		{ "18,446,744,073,709,551,615", UINT64_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(units_count(cases[i].value).text,
				    cases[i].text);
	assert_string_equal(units_count_change(0).text, "unchanged");
	assert_string_equal(units_count_change(4812).text, "+4,812");
	assert_string_equal(units_count_change(INT64_MIN).text,
			    "-9,223,372,036,854,775,808");
}

static void test_format_duration(void **state)
{
	static const struct good cases[] = {
		{ "0 ns", 0 },
		{ "999 ns", 999 },
		{ "1 us", 1000 },
		{ "1.5 us", 1500 },
		{ "99.9 us", 99949 },
		{ "100 us", 99950 },
		{ "517 us", 517499 },
		{ "518 us", 517500 },
		{ "999 us", 999499 },
		{ "1 ms", 999500 },
		{ "999 ms", 999499999 },
		{ "1 s", 999500000 },
		{ "500 ms", SECOND / 2 },
		{ "1 s", SECOND },
		{ "12.3 s", UINT64_C(12340000000) },
		{ "59.9 s", UINT64_C(59949999999) },
		{ "1 min", UINT64_C(59950000000) },
		{ "1 min", 60 * SECOND },
		{ "3 min 20 s", 200 * SECOND },
		{ "59 min 59 s", 3599 * SECOND },
		{ "1 h", 3600 * SECOND },
		{ "2 h 5 min", (2 * 3600 + 5 * 60) * SECOND },
		{ "1 d", 86399 * SECOND },
		{ "3 d 4 h", (3 * 24 + 4) * 3600 * SECOND },
		{ "213504 d", UINT64_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(units_duration(cases[i].value).text,
				    cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_count),
		cmocka_unit_test(test_format_size),
		cmocka_unit_test(test_format_count),
		cmocka_unit_test(test_format_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
