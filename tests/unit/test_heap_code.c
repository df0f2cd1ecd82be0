// SPDX-License-Identifier: GPL-2.0-or-later
/* Telling an allocator's own calls from the program's, by the call stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/heap_code.h"

enum { PROGRAM = 2, LIBC = 3, JEMALLOC = 4 };

static struct heap_code code;
static struct attachment attachment;

static void function(enum abi_shape shape, uint64_t address, uint64_t size)
{
	struct probed_function *added = vector_push(&attachment.functions);

	assert_non_null(added);
	added->shape = shape;
	added->address = address;
	added->size = size;
}

static int fill(void **state)
{
	(void)state;
	function(ABI_SHAPE_MALLOC, 0x1000, 0x100);
	function(ABI_SHAPE_FREE, 0x1200, 0x80);
	function(ABI_SHAPE_MMAP, 0x2000, 0x40);
	function(ABI_SHAPE_CALLOC, 0x3000, 0);
	if (heap_code_add(&code, &attachment, 0, LIBC, false))
		return -1;
	function(ABI_SHAPE_MALLOC, 0x1000, 0x100);
	if (heap_code_add(&code, &attachment, 4, JEMALLOC, false))
		return -1;
	function(ABI_SHAPE_MALLOC, 0x500, 0x100);
	return heap_code_add(&code, &attachment, 5, PROGRAM, true);
}

static int empty(void **state)
{
	(void)state;
	vector_free(&attachment.functions);
	heap_code_free(&code);
	return 0;
}

static bool called(const struct location *locations, size_t count)
{
	return heap_code_called(&code, locations, count);
}

static void test_called(void **state)
{
	const struct location program = { .object = PROGRAM,
					  .address = 0x1010 };
	struct location stack[3] = { { .object = LIBC, .address = 0x9000 },
				     { .object = LIBC, .address = 0x1001 },
				     program };

	(void)state;
	assert_true(called(stack, 3));
	assert_false(called(stack, 1));
	assert_false(called(&program, 1)); /* another object */
	/* A return address: of the call before it. */
	stack[1].address = 0x1000;
	assert_false(called(stack, 3));
	stack[1].address = 0x1100;
	assert_true(called(stack, 3));
	stack[1].address = 0x1101;
	assert_false(called(stack, 3));
	stack[1].address = 0x1240; /* free, too */
	assert_true(called(stack, 3));
	stack[1].address = 0x2010; /* mmap is nobody's allocator */
	assert_false(called(stack, 3));
	stack[1].address = 0x3001; /* of unknown size */
	assert_false(called(stack, 3));
	assert_false(called(stack, 0));
}

/* malloc was interrupted: what the handler does is the handler's. */
static void test_signal(void **state)
{
	const struct location stack[] = {
		{ .object = PROGRAM, .address = 0x4000 },
		{ .object = LIBC, .address = 0x1020, .exact = true },
	};
	const struct location innermost = { .object = LIBC,
					    .address = 0x1000,
					    .exact = true };

	(void)state;
	assert_false(called(stack, 2));
	assert_true(called(&innermost, 1));
}

/* What defines mmap or is the program does more than allocate. */
static void test_library(void **state)
{
	struct location location = { .object = JEMALLOC, .address = 0x9000 };

	(void)state;
	assert_true(heap_code_is_library(&code, &location, 1));
	assert_false(heap_code_is_library(&code, &location, 0));
	location.object = LIBC;
	assert_false(heap_code_is_library(&code, &location, 1));
	location.object = PROGRAM;
	assert_false(heap_code_is_library(&code, &location, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_called),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, fill, empty);
}
