// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that are too long for a line keep what tells most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/short_name.h"

static const struct {
	const char *name, *without_arguments, *shortest;
} names[] = {
	{ "shop::Cart<std::string>::add(std::string const&)",
	  "shop::Cart<std::string>::add", "shop::Cart<>::add" },
	{ "std::vector<std::pair<int, long>, std::allocator<int> >::at() const",
	  "std::vector<std::pair<int, long>, std::allocator<int> >::at",
	  "std::vector<>::at" },
	{ "operator new(unsigned long)", "operator new", "operator new" },
	{ "A<int>::operator()(char*)", "A<int>::operator()",
	  "A<>::operator()" },
	{ "std::ostream& operator<< <char>(std::ostream&, char)",
	  "std::ostream& operator<< <char>", "std::ostream& operator<< <>" },
	{ "Pool<Node>::operator->()", "Pool<Node>::operator->",
	  "Pool<>::operator->" },
	{ "bool operator< <Key, Value>(Key, Value)",
	  "bool operator< <Key, Value>", "bool operator< <>" },
	{ "(anonymous namespace)::grow(int)", "(anonymous namespace)::grow",
	  "(anonymous namespace)::grow" },
	{ "run()::{lambda(int)#1}::operator()(int) const",
	  "run()::{lambda(int)#1}::operator()",
	  "run()::{lambda(int)#1}::operator()" },
	{ "std::function<void (int)>::function(std::function<void (int)>&&)",
	  "std::function<void (int)>::function", "std::function<>::function" },
	{ "<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend",
	  "<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend",
	  "<>::extend" },
	{ "malloc", "malloc", "malloc" },
	/* What no demangler writes */
	{ "f<(", "f<(", "f<(" },
	{ "f<a)>(", "f<a)>(", "f<>(" },
	{ "((((", "((((", "((((" },
	{ "(int)", "(int)", "(int)" },
	{ "operator", "operator", "operator" },
	{ "", "", "" },
};

static void assert_fits(const char *name, size_t columns, const char *expected)
{
	/* On the heap, so that a byte too many is seen. */
	char *copy = strdup(name);

	assert_non_null(copy);
	short_name_fit(copy, columns);
	assert_string_equal(copy, expected);
	free(copy);
}

static void test_only_as_short_as_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t whole = strlen(names[i].name);

		assert_fits(names[i].name, whole, names[i].name);
		if (!whole)
			continue;
		if (strcmp(names[i].name, names[i].without_arguments))
			assert_fits(names[i].name, whole - 1,
				    names[i].without_arguments);
		assert_fits(names[i].name, 0, names[i].shortest);
	}
}

static void test_columns_not_bytes(void **state)
{
	(void)state;
	assert_fits("n\xc3\xa4m\xc3\xa9<int>(int)", 14,
		    "n\xc3\xa4m\xc3\xa9<int>(int)");
	assert_fits("n\xc3\xa4m\xc3\xa9<int>(int)", 13,
		    "n\xc3\xa4m\xc3\xa9<int>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_as_short_as_needed),
		cmocka_unit_test(test_columns_not_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
