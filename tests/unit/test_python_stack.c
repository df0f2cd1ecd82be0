// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Python's frames among the native ones, and their names out of memory that
 * may hold anything: code objects are made up in this process's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/unwind_abi.h"
#include "capture/python_stack.h"

#define INTERPRETER 7 /* object of the resolver */

struct text {
	uint64_t header[2];
	uint64_t length, hash;
	uint32_t state;
	char ascii[64]; /* at 36 */
};

struct bytes {
	uint64_t header[2];
	uint64_t size, hash;
	uint8_t bytes[8];
};

struct code {
	const void *name, *file, *lines;
	int32_t first_line;
	uint8_t code[64]; /* at 28 */
};

enum { ASCII = 1 << 6, COMPACT = 1 << 5, WIDE = 4 << 2, NARROW = 1 << 2 };

static const struct python_runtime runtime = {
	.found = true,
	.layout = {
		.file_name = offsetof(struct code, file),
		.qualified_name = offsetof(struct code, name),
		.line_table = offsetof(struct code, lines),
		.first_line = offsetof(struct code, first_line),
		.code = offsetof(struct code, code),
		.text_ascii = offsetof(struct text, ascii),
		.text_other = offsetof(struct text, ascii),
	},
	.object = INTERPRETER,
	.eval_start = 0x1000,
	.eval_end = 0x2000,
	.name = "python3.11",
};

static struct text name_text = { .length = 3,
				 .state = ASCII | COMPACT | NARROW,
				 .ascii = "run" };
static struct text file_text = { .length = 4,
				 .state = ASCII | COMPACT | NARROW,
				 .ascii = "a.py" };
/* one code unit on line + 1, three on line + 2 */
static struct bytes line_bytes = { .size = 6,
				   .bytes = { 0xd8, 0, 0, 0xda, 0, 0 } };

static struct resolver *resolver;
static frame_vector frames;

static int setup(void **state)
{
	(void)state;
	return resolver_new(&resolver, NULL);
}

static int teardown(void **state)
{
	(void)state;
	vector_free(&frames);
	resolver_free(resolver);
	return 0;
}

static struct code code_of(const struct text *name)
{
	struct code code = { name, &file_text, &line_bytes, 10, { 0 } };

	return code;
}

/* The frame of an instruction so many bytes into the code. */
static const struct frame *named(const struct code *code, uint64_t offset)
{
	struct location location;

	frames.count = 0;
	python_frame_name(&runtime, getpid(), (uintptr_t)code,
			  (uintptr_t)code + offsetof(struct code, code) +
				  offset,
			  resolver, &location);
	assert_int_equal(location.object, OBJECT_NAMED);
	assert_int_equal(resolver_frames(resolver, &location, &frames), 0);
	assert_int_equal(frames.count, 1);
	return &frames.items[0];
}

static void test_names(void **state)
{
	struct code code = code_of(&name_text);
	const struct frame *frame = named(&code, 0);

	(void)state;
	assert_string_equal(frame->function, "run");
	assert_string_equal(frame->file, "a.py");
	assert_string_equal(frame->module, "python3.11");
	assert_int_equal(frame->line, 11);
	assert_int_equal(named(&code, 2)->line, 12);
	assert_int_equal(named(&code, 8)->line, 0);
	/* Called, at no instruction yet. */
	assert_int_equal(named(&code, (uint64_t)-2)->line, 10);
}

static void test_characters(void **state)
{
	static const uint32_t wide[] = { 'f', 0xe9, 0x20ac, 0x1f600 };
	struct text text = { .length = 4, .state = COMPACT | WIDE };
	struct code code = code_of(&text);

	(void)state;
	memcpy(text.ascii, wide, sizeof(wide));
	assert_string_equal(named(&code, 0)->function,
			    "f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	text.state = NARROW; /* not compact: not its layout */
	assert_true(named(&code, 0)->function[0] == '(');
	text.state = COMPACT | 3 << 2; /* three bytes a character */
	assert_true(named(&code, 0)->function[0] == '(');
	text.state = COMPACT | NARROW;
	text.length = 0;
	assert_true(named(&code, 0)->function[0] == '(');
}

static void test_damage(void **state)
{
	struct text text = { .length = UINT64_MAX,
			     .state = ASCII | COMPACT | NARROW,
			     .ascii = "long" };
	struct bytes lines = { .size = UINT64_MAX };
	struct code code = code_of(&text);

	(void)state;
	/* Longer than anybody reads: cut at the NUL, if it can be read. */
	named(&code, 0);
	code.name = (const void *)8;
	assert_true(named(&code, 0)->function[0] == '(');
	code.name = &name_text;
	code.file = (const void *)-8;
	assert_null(named(&code, 0)->file);
	code.lines = &lines;
	assert_int_equal(named(&code, 0)->line, 0);
	code.lines = NULL;
	assert_int_equal(named(&code, 0)->line, 0);
	code.first_line = -4;
	assert_int_equal(named(&code, 0)->line, 0);
	named((const struct code *)64, 0);
	assert_true(frames.items[0].function[0] == '(');
}

enum { N, E, P }; /* native, the interpreter's function, Python */

/* The kinds of frames that a stack is merged to. */
static void expect_merged(const int *kinds, size_t native, const int *entered,
			  size_t python, const int *expected, size_t count)
{
	static struct code code;
	struct location stack[32];
	size_t total = native + 2 * python;

	code = code_of(&name_text);
	for (size_t i = 0; i < native; i++)
		stack[i] = (struct location){
			.object = INTERPRETER,
			.address = kinds[i] == E ? 0x1800 : 0x3000 + i,
		};
	for (size_t i = 0; i < python; i++) {
		uint64_t address = (uintptr_t)&code;

		stack[native + 2 * i] = (struct location){
			.address = PYTHON_WORD(address) |
				   (entered[i] ? PYTHON_ENTERED : 0),
		};
		stack[native + 2 * i + 1] = (struct location){
			.address = PYTHON_WORD(address +
					       offsetof(struct code, code)),
		};
	}
	assert_int_equal(python_stack_native(stack, total), native);
	assert_int_equal(python_stack_merge(&runtime, getpid(), resolver, stack,
					    native, &total),
			 0);
	assert_int_equal(total, count);
	for (size_t i = 0; i < count; i++) {
		bool python_frame = stack[i].object == OBJECT_NAMED;
		bool interpreter = !python_frame && stack[i].address == 0x1800;

		assert_int_equal(python_frame  ? P
				 : interpreter ? E
					       : N,
				 expected[i]);
	}
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MERGED(kinds, entered, expected)                                      \
	expect_merged(kinds, COUNT(kinds), entered, COUNT(entered), expected, \
		      COUNT(expected))

static void test_merge(void **state)
{
	(void)state;
	MERGED(((const int[]){ N, E, N }), ((const int[]){ 0, 1 }),
	       ((const int[]){ N, P, P, N }));
	MERGED(((const int[]){ N, E, N, E, N }), ((const int[]){ 1, 0, 1 }),
	       ((const int[]){ N, P, N, P, P, N }));
	/* Cut short before the interpreter, and between two of it. */
	MERGED(((const int[]){ N }), ((const int[]){ 0, 1 }),
	       ((const int[]){ N, P, P }));
	MERGED(((const int[]){ N, E, N }), ((const int[]){ 1, 1 }),
	       ((const int[]){ N, P, N, P }));
	/* More of the interpreter than Python's frames were recorded. */
	MERGED(((const int[]){ E, N, E }), ((const int[]){ 0 }),
	       ((const int[]){ P, N, E }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_characters, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
