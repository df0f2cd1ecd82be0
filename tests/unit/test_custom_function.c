// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that the user names: what is understood, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/custom_function.h"

static struct custom_function parse(unsigned int kind, const char *text)
{
	struct custom_function function;
	struct error error = { "" };

	if (custom_function_parse(kind, text, &function, &error))
		fail_msg("%s: %s", text, error.message);
	assert_ptr_equal(function.text, text);
	assert_int_equal(function.known.family, FAMILY_CUSTOM);
	assert_true(function.known.returns);
	assert_int_equal(function.known.allocates, !(kind & CUSTOM_FREE));
	return function;
}

/* text must be of this shape, with these arguments, 0 = whatever. */
static void check(const char *text, enum abi_shape shape, uint8_t first,
		  uint8_t second, uint8_t third)
{
	struct custom_function function = parse(CUSTOM_ALLOC, text);

	assert_int_equal(function.known.shape, shape);
	assert_int_equal(function.known.arguments[0], first);
	assert_int_equal(function.known.arguments[1], second);
	assert_int_equal(function.known.arguments[2], third);
}

static void test_shapes(void **state)
{
	(void)state;
	check("palloc", ABI_SHAPE_MALLOC, 1, 0, 0);
	check("palloc:ret", ABI_SHAPE_MALLOC, 1, 0, 0);
	check("palloc:size=2", ABI_SHAPE_MALLOC, 2, 0, 0);
	check("palloc:size=none:ret", ABI_SHAPE_MALLOC, ARGUMENT_NONE, 0, 0);
	check("palloc:size=6*3", ABI_SHAPE_CALLOC, 6, 3, 0);
	check("create:size=2:out=1", ABI_SHAPE_POSIX_MEMALIGN, 1, ARGUMENT_NONE,
	      2);
	check("create:out=2", ABI_SHAPE_POSIX_MEMALIGN, 2, ARGUMENT_NONE, 1);
	check("create:out=1:size=none", ABI_SHAPE_POSIX_MEMALIGN, 1,
	      ARGUMENT_NONE, ARGUMENT_NONE);
	check("create:size=2*3:out=1", ABI_SHAPE_CALLOC_OUT, 1, 2, 3);
	check("repalloc:size=2:ptr=1", ABI_SHAPE_REALLOC, 1, 2, 0);
	check("repalloc:ptr=2:size=3*4", ABI_SHAPE_REALLOCARRAY, 2, 3, 4);
	assert_int_equal(parse(CUSTOM_FREE, "pfree").known.shape,
			 ABI_SHAPE_RELEASE);
	assert_int_equal(parse(CUSTOM_FREE, "pfree").known.arguments[0], 1);
	assert_int_equal(parse(CUSTOM_FREE, "pfree:ptr=3").known.arguments[0],
			 3);
	assert_true(parse(CUSTOM_ALLOC, "palloc:size=none").sizeless);
	assert_false(parse(CUSTOM_ALLOC, "palloc").sizeless);
}

static void test_places(void **state)
{
	struct custom_function function;

	(void)state;
	function = parse(CUSTOM_ALLOC, "libx.so.1!_ZN4pool3getEm:size=2");
	assert_string_equal(function.object, "libx.so.1");
	assert_string_equal(function.name, "_ZN4pool3getEm");
	assert_false(function.at);
	function = parse(CUSTOM_FREE, "pfree");
	assert_string_equal(function.object, "");
	assert_string_equal(function.name, "pfree");
	function = parse(CUSTOM_ALLOC | CUSTOM_AT, "libx++.so+0x41b30:size=2");
	assert_true(function.at);
	assert_string_equal(function.object, "libx++.so");
	assert_int_equal(function.address, 0x41b30);
	assert_string_equal(function.name, "libx++.so+0x41b30");
	function = parse(CUSTOM_FREE | CUSTOM_AT, "+401136");
	assert_string_equal(function.object, "");
	assert_int_equal(function.address, 0x401136);
}

static void test_objects(void **state)
{
	struct custom_function function =
		parse(CUSTOM_ALLOC, "libsqlite3!sqlite3_malloc");

	(void)state;
	assert_true(custom_function_is_in(&function, "libsqlite3", false));
	assert_true(
		custom_function_is_in(&function, "libsqlite3.so.0.8.6", false));
	assert_false(custom_function_is_in(&function, "libsqlite3x.so", false));
	assert_false(custom_function_is_in(&function, "libsqlite", true));
	function = parse(CUSTOM_ALLOC, "palloc");
	assert_true(custom_function_is_in(&function, "anything", false));
	function = parse(CUSTOM_ALLOC | CUSTOM_AT, "+1000");
	assert_false(custom_function_is_in(&function, "anything", false));
	assert_true(custom_function_is_in(&function, "anything", true));
}

static void refuse(unsigned int kind, const char *text, const char *words)
{
	struct custom_function function = { .address = 42 };
	struct error error = { "" };

	assert_int_equal(custom_function_parse(kind, text, &function, &error),
			 -EINVAL);
	if (!strstr(error.message, words))
		fail_msg("%s: '%s' is not in '%s'", text, words, error.message);
	assert_int_equal(function.address, 42);
}

static void test_refused(void **state)
{
	char longest[CUSTOM_NAME_MAX + 1];

	(void)state;
	refuse(CUSTOM_ALLOC, "", "no name");
	refuse(CUSTOM_ALLOC, ":size=1", "no name");
	refuse(CUSTOM_ALLOC, "libx!", "no name");
	refuse(CUSTOM_ALLOC, "!palloc", "no object");
	refuse(CUSTOM_ALLOC, "palloc:", "'' is not known");
	refuse(CUSTOM_ALLOC, "palloc:size", "'size' is not known");
	refuse(CUSTOM_ALLOC, "palloc:size=", "'' in 'size='");
	refuse(CUSTOM_ALLOC, "palloc:size=0", "'0' in 'size=0'");
	refuse(CUSTOM_ALLOC, "palloc:size=7", "give 1 to 6");
	refuse(CUSTOM_ALLOC, "palloc:size=12", "'12' in 'size=12'");
	refuse(CUSTOM_ALLOC, "palloc:size=1*", "'' in 'size=1*'");
	refuse(CUSTOM_ALLOC, "palloc:size=1*2*3", "'2*3' in");
	refuse(CUSTOM_ALLOC, "palloc:size=2*2", "argument 2 cannot");
	refuse(CUSTOM_ALLOC, "palloc:size=1:size=2", "'size=2': this is given");
	refuse(CUSTOM_ALLOC, "palloc:ret:out=2", "'out=2': this is given");
	refuse(CUSTOM_ALLOC, "palloc:out=1", "argument 1 cannot");
	refuse(CUSTOM_ALLOC, "palloc:ptr=1", "argument 1 cannot");
	refuse(CUSTOM_ALLOC, "palloc:size=2:ptr=1:out=3", "do not go together");
	refuse(CUSTOM_FREE, "pfree:size=1", "give ptr=ARG");
	refuse(CUSTOM_FREE, "pfree:ptr=x", "'x' in 'ptr=x'");
	refuse(CUSTOM_ALLOC | CUSTOM_AT, "libx.so", "no '+'");
	refuse(CUSTOM_ALLOC | CUSTOM_AT, "libx.so+", "'' is not an address");
	refuse(CUSTOM_ALLOC | CUSTOM_AT, "libx.so+main", "'main' is not");
	refuse(CUSTOM_ALLOC | CUSTOM_AT, "libx.so+-1", "'-1' is not");
	refuse(CUSTOM_ALLOC | CUSTOM_AT, "libx.so+12345678123456789",
	       "is not an address");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	refuse(CUSTOM_ALLOC, longest, "too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
