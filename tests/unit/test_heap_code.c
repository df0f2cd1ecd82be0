// SPDX-License-Identifier: GPL-2.0-or-later
/* Telling an allocator's own calls from the program's, by the call stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/heap_code.h"

enum { PROGRAM = 2, LIBC = 3, JEMALLOC = 4, MUSL = 5 };

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
	if (heap_code_add(&code, &attachment, 5, PROGRAM, true))
		return -1;
	/* In this order: they are found near each other one by one. */
	function(ABI_SHAPE_MALLOC, 0x1ff40, 0x10); /* far from the others */
	function(ABI_SHAPE_REALLOC, 0x29fe0, 5);
	function(ABI_SHAPE_CALLOC, 0x27720, 0xe0);
	function(ABI_SHAPE_FREE, 0x27810, 5);
	function(ABI_SHAPE_MMAP, 0x2a800, 0x40);
	return heap_code_add(&code, &attachment, 6, MUSL, false);
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

/* Functions that only jump: what they jump to lies between the others. */
static void test_stubs(void **state)
{
	static const struct {
		uint64_t address;
		bool heap;
	} cases[] = {
		{ 0x27720, false }, /* a return address: of what is before */
		{ 0x27721, true },  { 0x29290, true },	{ 0x29fe6, false },
		{ 0x2a810, false }, { 0x20000, false }, { 0x1ff41, true },
	};
	struct location location = { .object = MUSL };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		location.address = cases[i].address;
		assert_int_equal(called(&location, 1), cases[i].heap);
	}
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
		cmocka_unit_test(test_stubs),
		cmocka_unit_test(test_library),
	};

	return cmocka_run_group_tests(tests, fill, empty);
}
