// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions are looked for, and what is said of the objects found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/allocator_version.h"
#include "capture/found_allocators.h"
#include "capture/function_names.h"
#include "capture/prologue.h"

static const struct function_name *find(const struct function_names *names,
					const char *text)
{
	for (size_t i = 0; i < names->texts.count; i++)
		if (!strcmp(names->texts.items[i], text))
			return &names->names.items[i];
	return NULL;
}

static void test_names(void **state)
{
	struct function_names names = { 0 };
	const struct function_name *name;

	(void)state;
	assert_int_equal(function_names_fill(&names, "shop_", NULL), 0);
	assert_int_equal(names.texts.count, names.names.count);
	for (size_t i = 0; i < names.texts.count; i++)
		assert_ptr_equal(find(&names, names.texts.items[i]),
				 &names.names.items[i]);
	name = find(&names, "free");
	assert_non_null(name);
	assert_false(name->local);
	assert_true(name->plain);
	name = find(&names, "je_free");
	assert_non_null(name);
	assert_true(name->local);
	assert_false(name->plain);
	assert_int_equal(name->family, FAMILY_JEMALLOC);
	assert_int_equal(name->known->shape, ABI_SHAPE_FREE);
	name = find(&names, "_rjem_sdallocx");
	assert_non_null(name);
	assert_int_equal(name->known->shape, ABI_SHAPE_DELETE);
	assert_non_null(find(&names, "shop_mmap"));
	assert_non_null(find(&names, "tc_free_sized"));
	assert_null(find(&names, "je_mmap"));
	assert_null(find(&names, "shop__Znwm"));
	name = find(&names, "_Znwm");
	assert_non_null(name);
	assert_false(name->local);
	assert_true(name->known->throws);
	assert_false(find(&names, "_ZnwmRKSt9nothrow_t")->known->throws);
	function_names_free(&names);
}

static void test_arguments(void **state)
{
	static const struct allocator_function heap = {
		.shape = ABI_SHAPE_CALLOC,
		.arguments = { 2, 3 },
	};
	static const struct allocator_function sizeless = {
		.shape = ABI_SHAPE_MALLOC,
		.arguments = { ARGUMENT_NONE },
	};

	(void)state;
	assert_int_equal(allocator_function_arguments(&heap), 2 | 4);
	assert_int_equal(allocator_argument(&heap, 1), 2);
	assert_false(allocator_function_is_shaped(&heap));
	assert_int_equal(allocator_function_arguments(&sizeless), 0);
	assert_false(allocator_function_is_shaped(&sizeless));
	for (size_t i = 0; i < allocator_function_count; i++)
		assert_int_equal(
			allocator_function_arguments(&allocator_functions[i]) >>
				PROLOGUE_ARGUMENTS,
			0);
}

#define FIND(family, data) \
	allocator_version_find(FAMILY_##family, data, sizeof(data) - 1).text

static void test_version_in_data(void **state)
{
	(void)state;
	assert_string_equal(FIND(GLIBC, "x GNU C Library (Debian GLIBC "
					"2.36-9) stable release version "
					"2.36.\nCopyright"),
			    "2.36");
	assert_string_equal(FIND(JEMALLOC, "1.2.3\0name\0"
					   "5.3.0-0-g54eaed1d8b56b1aa\0"),
			    "5.3.0");
	assert_string_equal(FIND(JEMALLOC, "5.3.0-0-g54eaed1d8b56"), "");
	assert_string_equal(FIND(JEMALLOC, "5.3.0-0-gxxxxxxxxxxx\0"), "");
	assert_string_equal(FIND(TCMALLOC, "gperftools 2.10"), "2.10");
	assert_string_equal(FIND(TCMALLOC, "gperftools "), "");
	assert_string_equal(FIND(TCMALLOC, "gperftools ....."), "");
	assert_string_equal(FIND(TCMALLOC,
				 "gperftools 2.11111111111111111111111111111"),
			    "");
	assert_string_equal(FIND(MUSL, "musl libc (x86_64)\nVersion %s\0"
				       "1.2.3\0"),
			    "1.2.3");
	assert_string_equal(FIND(MUSL, "something\0001.2.3\0"), "");
	assert_string_equal(FIND(SNMALLOC, "gperftools 2.10"), "");
	assert_string_equal(FIND(GLIBC, ""), "");
}

#if defined(__x86_64__)
#define CODE(...)                                                           \
	allocator_version_of_code((const uint8_t[]){ __VA_ARGS__ },         \
				  sizeof((const uint8_t[]){ __VA_ARGS__ })) \
		.text

static void test_version_in_code(void **state)
{
	(void)state;
	assert_string_equal(CODE(0xb8, 0xd1, 0, 0, 0, 0xc3), "2.0.9");
	assert_string_equal(CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 0x2d, 0x01, 0, 0,
				 0xc3),
			    "3.0.1");
	/* 30205 */
	assert_string_equal(CODE(0xb8, 0xfd, 0x75, 0, 0, 0xc3), "3.2.5");
	assert_string_equal(CODE(0xb8, 0xd1, 0, 0, 0), "");
	assert_string_equal(CODE(0x31, 0xc0, 0xc3, 0, 0, 0, 0), "");
	assert_string_equal(CODE(0xb8, 0xff, 0xff, 0xff, 0xff, 0xc3), "");
	assert_string_equal(CODE(0xf3, 0x0f, 0x1e, 0xfa), "");
}
#endif

static struct found_allocator *found(found_allocators *list, const char *object,
				     enum allocator_family family,
				     uint64_t address)
{
	struct found_allocator *added = vector_push(list);

	assert_non_null(added);
	added->object = strdup(object);
	added->family = family;
	added->functions = 12;
	added->interposes = true;
	added->address = address;
	return added;
}

static void test_describe(void **state)
{
	found_allocators list = { 0 };
	char text[128];

	(void)state;
	found_allocators_describe(&list, text, sizeof(text));
	assert_string_equal(text, "");
	strcpy(found(&list, "libc.so.6", FAMILY_GLIBC, 0x7000)->version.text,
	       "2.36");
	found_allocators_describe(&list, text, sizeof(text));
	assert_string_equal(text, "glibc 2.36 in libc.so.6 (12 functions)");

	/* Loaded later: behind libc. */
	found(&list, "libmimalloc.so.2", FAMILY_MIMALLOC, 0x6000);
	found_allocators_describe(&list, text, sizeof(text));
	assert_string_equal(text,
			    "glibc 2.36 in libc.so.6 (12 functions), "
			    "mimalloc in libmimalloc.so.2 (12 functions)");

	/* Not by that name: in nobody's place. */
	found(&list, "redis", FAMILY_JEMALLOC, 0x8000)->interposes = false;
	found_allocators_describe(&list, text, 62);
	assert_string_equal(text, "glibc 2.36 in libc.so.6 (12 functions), "
				  "mimalloc in libmimall");

	/* The program comes before all. */
	found(&list, "program", FAMILY_NONE, 0x1000)->program = true;
	found_allocators_describe(&list, text, sizeof(text));
	assert_string_equal(text,
			    "mimalloc in libmimalloc.so.2 (12 functions), "
			    "jemalloc in redis (12 functions), "
			    "program (12 functions), libc.so.6 (mmap only)");
	found_allocators_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_version_in_data),
#if defined(__x86_64__)
		cmocka_unit_test(test_version_in_code),
#endif
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
