// SPDX-License-Identifier: GPL-2.0-or-later
/* Suppression rules: which lines are rules, what a pattern matches. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/suppressions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_matches(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "foo", "foo", true },
		{ "foo", "a foo b", true },
		{ "foo", "fo", false },
		{ "^foo", "foobar", true },
		{ "^foo", "a foo", false },
		{ "foo$", "a foo", true },
		{ "foo$", "foo foo", true },
		{ "foo$", "foobar", false },
		{ "^foo$", "foo", true },
		{ "^foo$", "foofoo", false },
		{ "f*o", "fxxxo", true },
		{ "f*o", "oxxf", false },
		{ "^f*o$", "fo", true },
		{ "^f*o$", "f", false },
		{ "^f*o$", "foxox", false },
		{ "^f*x*o$", "faxbo", true },
		{ "^f*x*o$", "fabo", false },
		{ "^aa*a$", "aa", false },
		{ "^aa*a$", "aaa", true },
		{ "a**b", "ab", true },
		{ "foo*$", "xfooy", true },
		{ "*foo", "xfooy", true },
		{ "libx.so", "/lib/libx.so.1", true },
		{ "^*foo$", "barfoo", true },
		{ "a$b", "a$b", true },
		{ "foo", "", false },
		{ "foo", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (suppression_matches(cases[i].pattern, cases[i].text) !=
		    cases[i].matches)
			fail_msg("\"%s\" on \"%s\"", cases[i].pattern,
				 cases[i].text ? cases[i].text : "NULL");
}

static int parse(struct suppressions *suppressions, const char *text,
		 struct error *error)
{
	return suppressions_parse(suppressions, text, strlen(text), "rules",
				  error);
}

static void test_parse(void **state)
{
	static const char text[] = "# comment\n\n  leak:one two \r\nleak:^b*$\n"
				   "\t# indented\nleak:last";
	struct suppressions suppressions = { 0 };
	struct error error = { "" };

	(void)state;
	assert_int_equal(parse(&suppressions, text, &error), 0);
	assert_int_equal(suppressions.patterns.count, 3);
	assert_string_equal(suppressions.patterns.items[0], "one two");
	assert_string_equal(suppressions.patterns.items[1], "^b*$");
	assert_string_equal(suppressions.patterns.items[2], "last");
	suppressions_free(&suppressions);
}

static void test_bad_lines(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "foo", "rules:1: not a rule" },
		{ "leak:a\n\nrace:b\n", "rules:3: not a rule" },
		{ "leak:a\nleak:\n", "rules:2: the pattern is empty" },
		{ "leak:*", "rules:1: the pattern is empty" },
		{ "leak:^$", "rules:1: the pattern is empty" },
		{ "leak", "rules:1: not a rule" },
	};
	struct suppressions suppressions = { 0 };
	struct error error;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(&suppressions, cases[i].text, &error),
				 -EINVAL);
		assert_int_equal(suppressions.patterns.count, 0);
		if (!strstr(error.message, cases[i].why))
			fail_msg("\"%s\": no \"%s\"", error.message,
				 cases[i].why);
	}
	assert_int_equal(suppressions_parse(&suppressions, "leak:a\0b", 8,
					    "rules", &error),
			 -EINVAL);
	assert_int_equal(suppressions_load(&suppressions, "/nonexistent",
					   &error),
			 -ENOENT);
}

/* Function, file and object, of any frame. */
static void test_find(void **state)
{
	struct frame items[] = {
		{ .function = "malloc_wrapper",
		  .file = "/src/memory.c",
		  .module = "server",
		  .path = "/usr/bin/server" },
		{ .function = "parse",
		  .module = "libxml2.so.2",
		  .path = "/lib/libxml2.so.2" },
		{ .address = 16 },
	};
	const frame_vector frames = { items, COUNT(items), COUNT(items) };
	static const struct {
		const char *rules;
		size_t found;
	} cases[] = {
		{ "leak:parse", 0 },
		{ "leak:nothing\nleak:memory.c", 1 },
		{ "leak:libxml2\nleak:parse", 0 },
		{ "leak:^server$\nleak:^/usr/bin/server$", 1 },
		{ "leak:none", SUPPRESSION_NONE },
		{ "", SUPPRESSION_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct suppressions suppressions = { 0 };

		assert_int_equal(parse(&suppressions, cases[i].rules, NULL), 0);
		assert_int_equal(suppressions_find(&suppressions, &frames),
				 cases[i].found);
		suppressions_free(&suppressions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
