// SPDX-License-Identifier: GPL-2.0-or-later
/* Linkage names of C++, Rust and D; names made to explode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/demangle.h"
#include "resolve/name_cache.h"

static const struct {
	const char *symbol, *readable; /* NULL: not mangled */
} names[] = {
	{ "_Znwm", "operator new(unsigned long)" },
	{ "_ZN3foo3barEv", "foo::bar()" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
	  "std::vector<int, std::allocator<int> >::push_back(int const&)" },
	{ "_Z4workv.part.0", "work() [clone .part.0]" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
	  "core::fmt::Formatter::pad" },
	{ "_RNvC7mycrate3foo", "mycrate::foo" },
	{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
	{ "_D3std5stdio5writeFZv", "std.stdio.write()" },
	{ "_Dmain", "D main" },
	{ "main", NULL },
	{ "_start", NULL },
	{ "_D", NULL },
	{ "_Donotmangle", NULL },
	{ "_Z", NULL },
	{ "_Zzzz", NULL },
	{ "_R", NULL },
	{ "_", NULL },
	{ "", NULL },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *readable = demangle(names[i].symbol);

		if (names[i].readable) {
			assert_non_null(readable);
			assert_string_equal(readable, names[i].readable);
		} else {
			assert_null(readable);
		}
		free(readable);
	}
}

/* f(a<int, int>, a<S0, S0>, a<S1, S1> ...): each doubles the last. */
static void test_doubling(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char symbol[600] = "_Z1f1aIiiE", *end = symbol + strlen(symbol);
	char *readable;

	(void)state;
	readable = demangle(symbol);
	assert_non_null(readable);
	assert_string_equal(readable, "f(a<int, int>)");
	free(readable);
	for (size_t i = 0; i < 34; i++)
		end += sprintf(end, "S_IS%c_S%c_E", digits[i], digits[i]);
	assert_null(demangle(symbol));
}

static void test_long(void **state)
{
	char symbol[6000];
	char *readable;

	(void)state;
	/* as deep as a name can nest: a pointer to a pointer to ... */
	memset(symbol, 'P', sizeof(symbol));
	memcpy(symbol, "_Z1f", 4);
	symbol[4095] = 'i';
	symbol[4096] = '\0';
	readable = demangle(symbol);
	if (readable)
		assert_int_equal(strlen(readable), strlen("f(int)") + 4091);
	free(readable);
	memset(symbol, 'P', sizeof(symbol));
	memcpy(symbol, "_Z1f", 4);
	symbol[5000] = 'i';
	symbol[5001] = '\0';
	assert_null(demangle(symbol));
	/* longer than libiberty's own limit of 1,024, as templates can be */
	strcpy(symbol, "_Z1f");
	for (size_t i = 0; i < 400; i++)
		strcat(symbol, "PPPi");
	readable = demangle(symbol);
	assert_non_null(readable);
	free(readable);
}

static void test_name_cache(void **state)
{
	const char *plain = "malloc", *cpp = "_Znwm",
		   *versioned = "pthread_create@@GLIBC_2.34";
	struct name_cache cache = { 0 };
	char symbols[1000][16];
	const char *first;

	(void)state;
	assert_ptr_equal(name_cache_get(&cache, plain), plain);
	first = name_cache_get(&cache, cpp);
	assert_string_equal(first, "operator new(unsigned long)");
	assert_string_equal(name_cache_get(&cache, versioned),
			    "pthread_create");
	for (size_t i = 0; i < 1000; i++) {
		snprintf(symbols[i], sizeof(symbols[i]), "_Z4f%03zuv", i);
		assert_non_null(name_cache_get(&cache, symbols[i]));
	}
	assert_ptr_equal(name_cache_get(&cache, cpp), first);
	assert_string_equal(name_cache_get(&cache, symbols[678]), "f678()");
	name_cache_free(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_doubling),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_name_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
