// SPDX-License-Identifier: GPL-2.0-or-later
/* What a program's mappings are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/mapping_names.h"

enum { PAGE = 4096 };

static void check_name(const char *path, const char *expected)
{
	size_t length = 42;
	const char *name = mapping_name(path, &length);

	assert_int_equal(length, strlen(expected));
	assert_memory_equal(name, expected, length);
}

static void test_name(void **state)
{
	(void)state;
	check_name("[anon:jit cache]", "jit cache");
	check_name("[anon_shmem:]x]", "]x");
	check_name("[anon:]", "");
	check_name("[anon:", "");
	check_name("[anon:x", "");
	check_name("/memfd:ring (deleted)", "/memfd:ring (deleted)");
	check_name("/", "/");
	check_name("[heap]", "");
	check_name("", "");
	check_name(NULL, "");
}

static void update(struct mapping_names *names, const struct ledger *ledger,
		   const char *text)
{
	struct process_maps maps = { 0 };

	assert_int_equal(process_maps_parse(&maps, text, strlen(text), NULL),
			 0);
	assert_int_equal(mapping_names_update(names, ledger, &maps), 0);
	process_maps_free(&maps);
}

static void test_stacks(void **state)
{
	struct mapping_names names = { 0 };
	struct ledger ledger;
	const char *named;

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, 0x10000, PAGE, 1, 3), 0);
	assert_int_equal(ledger_map(&ledger, 0x20000, PAGE, 1, 3), 0);
	assert_int_equal(ledger_map(&ledger, 0x30000, PAGE, 1, 5), 0);
	assert_int_equal(ledger_map(&ledger, 0x40000, PAGE, 1, 3), 0);
	update(&names, &ledger, "");
	assert_null(mapping_names_find(&names, 3));

	/* Merged with what is before it, the second one. */
	update(&names, &ledger,
	       "0f000-11000 rw-p 00000000 00:00 0 [anon:cache]\n"
	       "20000-21000 rw-p 00000000 00:00 0 \n"
	       "30000-31000 rw-p 00000000 00:00 0 [heap]\n"
	       "40000-41000 rw-p 00000000 00:00 0 [anon:cache]\n");
	named = mapping_names_find(&names, 3);
	assert_string_equal(named, "cache");
	assert_null(mapping_names_find(&names, 5));
	assert_null(mapping_names_find(&names, 4));
	assert_null(mapping_names_find(&names, 600));

	/* The process is gone, or the name: it is remembered. */
	update(&names, &ledger, "30000-31000 r--s 00000000 08:01 7 /a b\n");
	assert_ptr_equal(mapping_names_find(&names, 3), named);
	assert_string_equal(mapping_names_find(&names, 5), "/a b");

	for (int i = 0; i < 2; i++) {
		update(&names, &ledger,
		       "10000-11000 rw-p 00000000 00:00 0 [anon:cache]\n"
		       "20000-21000 rw-p 00000000 00:00 0 [anon:other]\n"
		       "40000-41000 rw-p 00000000 00:00 0 [anon:third]\n");
		assert_string_equal(mapping_names_find(&names, 3),
				    "cache and others");
	}
	assert_int_equal(names.texts.count, 3);
	mapping_names_free(&names);
	ledger_free(&ledger);
}

/* A target that gives ever new names fills no memory of ours. */
static void test_bound(void **state)
{
	struct mapping_names names = { 0 };
	struct ledger ledger;
	char text[96];

	(void)state;
	ledger_init(&ledger, PAGE);
	assert_int_equal(ledger_map(&ledger, 0x10000, PAGE, 1, 1), 0);
	for (int i = 0; i < MAPPING_NAMES_MAX + 10; i++) {
		snprintf(text, sizeof(text),
			 "10000-11000 rw-p 00000000 00:00 0 [anon:n%d]\n", i);
		update(&names, &ledger, text);
		assert_non_null(mapping_names_find(&names, 1));
	}
	assert_int_equal(names.texts.count, MAPPING_NAMES_MAX);
	mapping_names_free(&names);
	ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
