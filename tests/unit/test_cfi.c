// SPDX-License-Identifier: GPL-2.0-or-later
/* Call frame information into rows: hand-made entries, sound and malformed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <zlib.h>

#include <cmocka.h>
#include <dwarf.h>

#include "elf_image.h"
#include "unwind/row_table.h"

#define CFA(type, offset) \
	((uint64_t)(type) | (uint64_t)(uint32_t)(offset) << 32)
#define PAIR(type, first, second)                               \
	((uint64_t)(type) | (uint64_t)(uint16_t)(first) << 32 | \
	 (uint64_t)(uint16_t)(second) << 48)
/* Saved so many bytes below the origin. */
#define SAVED_FP(below) ((uint64_t)((below) / 8 + 1) << 8)
#define SAVED_BASE(below) ((uint64_t)((below) / 8 + 1) << 20)
#define ENTRY_RULE CFA(UNWIND_STACK, 8)

#define STEP(count) (DW_CFA_advance_loc | (count))
#define AT(number) (DW_CFA_offset | (number))
#define BYTES(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

/* One image is enough: tests run one after the other. */
static struct elf_image image;

/* Initial instructions of every compiler's CIE: CFA = rsp + 8, RA below. */
static const uint8_t initial[] = { DW_CFA_def_cfa, 7, 8, AT(16), 1 };

static void put_common(struct byte_builder *out, const char *augmentation,
		       uint8_t encoding)
{
	struct byte_builder body = { 0 };

	put_number(&body, 0, 4); /* CIE */
	put_number(&body, 1, 1); /* version */
	put(&body, augmentation, strlen(augmentation) + 1);
	put_number(&body, 1, 1);    /* code alignment */
	put_number(&body, 0x78, 1); /* data alignment -8 */
	put_number(&body, 16, 1);   /* return address column */
	put_number(&body, 1, 1);    /* augmentation size */
	put_number(&body, encoding, 1);
	put(&body, initial, sizeof(initial));
	put_number(out, body.size, 4);
	put(out, body.bytes, body.size);
}

static size_t encoded_size(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case 2:
	case 10:
		return 2;
	case 3:
	case 11:
		return 4;
	}
	return 8;
}

/* An FDE of the CIE at offset 0; section = address of out's first byte. */
static void put_function(struct byte_builder *out, uint64_t section,
			 uint8_t encoding, uint64_t start, uint64_t size,
			 const uint8_t *program, size_t program_size)
{
	size_t width = encoded_size(encoding);
	uint64_t place = section + out->size + 8;

	put_number(out, 4 + 2 * width + 1 + program_size, 4);
	put_number(out, out->size, 4); /* back to offset 0 */
	put_number(out, encoding & 0x70 ? start - place : start, width);
	put_number(out, size, width);
	put_number(out, 0, 1); /* augmentation size */
	put(out, program, program_size);
}

static uint64_t next_address(void)
{
	return IMAGE_ADDRESS + image.next;
}

static int compile(struct rule_dictionary *dictionary, struct row_table *table)
{
	struct error error = { "" };
	int status;

	assert_int_equal(rule_dictionary_init(dictionary, NULL), 0);
	status = row_table_compile(image.bytes, IMAGE_SIZE, dictionary, table,
				   &error);
	if (status) {
		rule_dictionary_free(dictionary);
		assert_true(error.message[0]);
	}
	return status;
}

struct expectation {
	uint64_t offset; /* from IMAGE_TEXT */
	uint64_t rule;
};

static void expect_rules(const char *name, const struct expectation *expected,
			 size_t count)
{
	struct rule_dictionary dictionary;
	struct row_table table;
	size_t i;

	assert_int_equal(compile(&dictionary, &table), 0);
	for (i = 0; i < count; i++) {
		uint16_t id = row_table_rule_id(
			&table, IMAGE_TEXT + expected[i].offset);

		if (dictionary.rules[id] != expected[i].rule)
			fail_msg("%s +%#lx: rule %016lx, expected %016lx", name,
				 expected[i].offset, dictionary.rules[id],
				 expected[i].rule);
	}
	row_table_free(&table);
	rule_dictionary_free(&dictionary);
}

/* Programs of a function of 64 bytes at IMAGE_TEXT. */
static const struct {
	const char *name;
	uint8_t program[64];
	size_t size;
	struct expectation expected[6];
} programs[] = {
	{ "frame pointer",
	  BYTES(STEP(1), DW_CFA_def_cfa_offset, 16, AT(6), 2, STEP(3),
		DW_CFA_def_cfa_register, 6, STEP(20), DW_CFA_def_cfa, 7, 8),
	  { { 0, ENTRY_RULE },
	    { 1, CFA(UNWIND_STACK, 16) | SAVED_FP(16) },
	    { 3, CFA(UNWIND_STACK, 16) | SAVED_FP(16) },
	    { 4, CFA(UNWIND_FRAME, 16) | SAVED_FP(16) },
	    { 24, CFA(UNWIND_STACK, 8) | SAVED_FP(16) },
	    { 64, UNWIND_NO_CFI } } },
	{ "remember and restore",
	  BYTES(STEP(2), DW_CFA_def_cfa_offset, 32, AT(3), 4,
		DW_CFA_remember_state, STEP(4), DW_CFA_def_cfa_offset, 8,
		DW_CFA_restore | 3, STEP(1), DW_CFA_restore_state),
	  { { 0, ENTRY_RULE },
	    { 2, CFA(UNWIND_STACK, 32) | SAVED_BASE(32) },
	    { 6, ENTRY_RULE },
	    { 7, CFA(UNWIND_STACK, 32) | SAVED_BASE(32) },
	    { 63, CFA(UNWIND_STACK, 32) | SAVED_BASE(32) },
	    { 64, UNWIND_NO_CFI } } },
	{ "wide advances and extended forms",
	  BYTES(DW_CFA_advance_loc1, 3, DW_CFA_def_cfa_offset, 0x80, 0x20,
		DW_CFA_advance_loc2, 4, 0, DW_CFA_offset_extended, 3, 3,
		DW_CFA_advance_loc4, 5, 0, 0, 0, DW_CFA_offset_extended_sf, 6,
		2, DW_CFA_GNU_args_size, 9, DW_CFA_restore_extended, 3,
		DW_CFA_MIPS_advance_loc8, 6, 0, 0, 0, 0, 0, 0, 0,
		DW_CFA_def_cfa_sf, 3, 0x7e),
	  { { 2, ENTRY_RULE },
	    { 3, CFA(UNWIND_STACK, 4096) },
	    { 7, CFA(UNWIND_STACK, 4096) | SAVED_BASE(24) },
	    { 12, CFA(UNWIND_STACK, 4096) | SAVED_FP(16) },
	    { 18, CFA(UNWIND_BASE, 16) | SAVED_FP(16) } } },
	{ "realigned stack: all by the frame pointer",
	  BYTES(DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref,
		DW_CFA_expression, 6, 2, DW_OP_breg6, 0, DW_CFA_expression, 3,
		2, DW_OP_breg6, 0x68),
	  { { 0, PAIR(UNWIND_FRAME_DEREF, -8, 0) | UNWIND_SAVES_FROM_REGISTER |
			 SAVED_FP(0) | SAVED_BASE(24) } } },
	{ "stack pointer kept on the stack",
	  BYTES(DW_CFA_def_cfa_expression, 6, DW_OP_breg7, 0xa8, 0x01,
		DW_OP_deref, DW_OP_plus_uconst, 8, AT(6), 2),
	  { { 0, PAIR(UNWIND_STACK_DEREF, 168, 8) | SAVED_FP(16) } } },
	{ "sums by literal and by constant",
	  BYTES(DW_CFA_def_cfa_expression, 3, DW_OP_breg7, 8, DW_OP_nop,
		STEP(1), DW_CFA_def_cfa_expression, 4, DW_OP_lit16, DW_OP_breg6,
		0, DW_OP_plus, STEP(1), DW_CFA_def_cfa_expression, 6,
		DW_OP_bregx, 3, 0, DW_OP_const1s, 0xf8, DW_OP_minus),
	  { { 0, UNWIND_UNSUPPORTED },
	    { 1, CFA(UNWIND_FRAME, 16) },
	    { 2, CFA(UNWIND_BASE, 8) } } },
	{ "linkage table",
	  BYTES(DW_CFA_def_cfa_offset, 16, STEP(6), DW_CFA_def_cfa_offset, 24,
		STEP(10), DW_CFA_def_cfa_expression, 11, DW_OP_breg7, 8,
		DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit3, DW_OP_shl, DW_OP_plus),
	  { { 0, CFA(UNWIND_STACK, 16) },
	    { 6, CFA(UNWIND_STACK, 24) },
	    { 16, PAIR(UNWIND_PLT, 8, 11) },
	    { 63, PAIR(UNWIND_PLT, 8, 11) } } },
	{ "outermost frame",
	  BYTES(DW_CFA_undefined, 16),
	  { { 0, UNWIND_END }, { 63, UNWIND_END } } },
	{ "saved by expression below an ordinary CFA",
	  BYTES(DW_CFA_def_cfa, 6, 16, DW_CFA_expression, 3, 2, DW_OP_breg6,
		0x70),
	  { { 0, CFA(UNWIND_FRAME, 16) | SAVED_BASE(32) } } },
	{ "rules that do not fit",
	  BYTES(DW_CFA_def_cfa_register, 10, STEP(1), DW_CFA_def_cfa, 7, 8,
		DW_CFA_register, 6, 12, STEP(1), DW_CFA_same_value, 6,
		DW_CFA_val_offset, 7, 1, STEP(1), DW_CFA_val_offset, 7, 0,
		STEP(1), AT(16), 2, STEP(1), AT(16), 1,
		DW_CFA_offset_extended_sf, 3, 0x80, 0x40, STEP(1),
		DW_CFA_GNU_negative_offset_extended, 3, 1),
	  { { 0, UNWIND_UNSUPPORTED },
	    { 1, UNWIND_UNSUPPORTED },
	    { 2, UNWIND_UNSUPPORTED },
	    { 3, ENTRY_RULE },
	    { 4, UNWIND_UNSUPPORTED },
	    { 5, UNWIND_UNSUPPORTED } } },
	{ "advance past the end",
	  BYTES(STEP(63), DW_CFA_def_cfa_offset, 16, STEP(63),
		DW_CFA_def_cfa_offset, 24),
	  { { 0, ENTRY_RULE },
	    { 63, CFA(UNWIND_STACK, 16) },
	    { 64, UNWIND_NO_CFI },
	    { 126, UNWIND_NO_CFI } } },
	/* Malformed from byte 4 on: what came before stands. */
	{ "unknown instruction",
	  BYTES(STEP(4), 0x3f, STEP(4)),
	  { { 3, ENTRY_RULE },
	    { 4, UNWIND_UNSUPPORTED },
	    { 63, UNWIND_UNSUPPORTED },
	    { 64, UNWIND_NO_CFI } } },
	{ "cut operand",
	  BYTES(STEP(4), DW_CFA_def_cfa_offset, 0x80),
	  { { 3, ENTRY_RULE }, { 4, UNWIND_UNSUPPORTED } } },
	{ "cut block",
	  BYTES(STEP(4), DW_CFA_expression, 6, 0x7f, DW_OP_lit0),
	  { { 3, ENTRY_RULE }, { 4, UNWIND_UNSUPPORTED } } },
	{ "restore without remember",
	  BYTES(STEP(4), DW_CFA_restore_state),
	  { { 3, ENTRY_RULE }, { 4, UNWIND_UNSUPPORTED } } },
	{ "offset without register",
	  BYTES(STEP(4), DW_CFA_def_cfa_expression, 1, DW_OP_lit0, STEP(1),
		DW_CFA_def_cfa_offset, 8),
	  { { 3, ENTRY_RULE },
	    { 4, UNWIND_UNSUPPORTED },
	    { 63, UNWIND_UNSUPPORTED } } },
	{ "location set backwards",
	  BYTES(STEP(4), DW_CFA_set_loc, 0, 0, 0xfc, 0xff),
	  { { 3, ENTRY_RULE }, { 4, UNWIND_UNSUPPORTED } } },
	{ "remembered without end",
	  BYTES(STEP(4), 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10,
		10, 10, 10),
	  { { 3, ENTRY_RULE }, { 4, UNWIND_UNSUPPORTED } } },
	{ "expression too deep",
	  BYTES(DW_CFA_def_cfa_expression, 6, DW_OP_lit1, DW_OP_lit1,
		DW_OP_lit1, DW_OP_lit1, DW_OP_breg7, 8),
	  { { 0, UNWIND_UNSUPPORTED } } },
	{ "signed return addresses, which are not this machine's",
	  BYTES(DW_CFA_AARCH64_negate_ra_state),
	  { { 0, UNWIND_UNSUPPORTED } } },
	{ "expression cut",
	  BYTES(DW_CFA_def_cfa_expression, 1, DW_OP_breg7),
	  { { 0, UNWIND_UNSUPPORTED } } },
};

static void test_programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct byte_builder frame = { 0 };
		size_t count = 0;

		image_begin(&image);
		put_common(&frame, "zR", 0x1b);
		put_function(&frame, next_address(), 0x1b, IMAGE_TEXT, 64,
			     programs[i].program, programs[i].size);
		image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
		image_finish(&image);
		while (count < 6 &&
		       (!count || programs[i].expected[count].rule ||
			programs[i].expected[count].offset))
			count++;
		expect_rules(programs[i].name, programs[i].expected, count);
	}
}

static void test_encodings(void **state)
{
	/* absolute, pc-relative, signed and unsigned, 2 to 8 bytes */
	static const uint8_t encodings[] = { 0x00, 0x03, 0x04, 0x0b,
					     0x0c, 0x1b, 0x1c, 0x10 };
	static const uint8_t none = DW_CFA_nop;
	static const struct expectation expected[] = {
		{ 0, ENTRY_RULE },
		{ 63, ENTRY_RULE },
		{ 64, UNWIND_NO_CFI },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(encodings); i++) {
		struct byte_builder frame = { 0 };

		image_begin(&image);
		put_common(&frame, "zR", encodings[i]);
		put_function(&frame, next_address(), encodings[i], IMAGE_TEXT,
			     64, &none, 1);
		image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
		image_finish(&image);
		expect_rules("encoding", expected, 3);
	}
}

/* Pointers that no file on disk can resolve, and formats that do not exist. */
static void test_refused_encodings(void **state)
{
	static const uint8_t encodings[] = {
		0x9b, 0x2b, 0x4b, 0x05, 0x0f, 0xff
	};
	static const uint8_t none = DW_CFA_nop;
	struct rule_dictionary dictionary;
	struct row_table table;

	(void)state;
	for (size_t i = 0; i < sizeof(encodings); i++) {
		struct byte_builder frame = { 0 };

		image_begin(&image);
		put_common(&frame, "zR", encodings[i]);
		put_function(&frame, next_address(), encodings[i], IMAGE_TEXT,
			     64, &none, 1);
		image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
		image_finish(&image);
		assert_int_equal(compile(&dictionary, &table), 0);
		assert_int_equal(table.functions, 0);
		assert_int_equal(table.malformed, 1);
		assert_int_equal(row_table_rule_id(&table, IMAGE_TEXT),
				 UNWIND_NO_CFI);
		row_table_free(&table);
		rule_dictionary_free(&dictionary);
	}
}

static void test_signal_frame(void **state)
{
	static const uint8_t program[] = {
		DW_CFA_def_cfa_expression,
		4,
		DW_OP_breg7,
		0xa0,
		1,
		DW_OP_deref,
		DW_CFA_expression,
		6,
		3,
		DW_OP_breg7,
		0xf8,
		0,
		DW_CFA_expression,
		3,
		3,
		DW_OP_breg7,
		0x80,
		1,
		DW_CFA_expression,
		7,
		3,
		DW_OP_breg7,
		0xa0,
		1,
		DW_CFA_expression,
		16,
		3,
		DW_OP_breg7,
		0xa8,
		1,
	};
	struct byte_builder frame = { 0 };
	struct expectation expected = { 0, UNWIND_SIGNAL };

	(void)state;
	image_begin(&image);
	put_common(&frame, "zRS", 0x1b);
	put_function(&frame, next_address(), 0x1b, IMAGE_TEXT, 64, program,
		     sizeof(program));
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	expect_rules("signal frame", &expected, 1);
	/* Any other form is not one that the walker could follow. */
	frame.bytes[frame.size - 2] ^= 8;
	expected.rule = UNWIND_UNSUPPORTED;
	image_begin(&image);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	expect_rules("strange signal frame", &expected, 1);
}

/* Out of order, with a gap, an overlap, a page boundary and a stray one. */
static void test_layout(void **state)
{
	static const uint8_t none = DW_CFA_nop;
	static const uint8_t pushed[] = { DW_CFA_def_cfa_offset, 16 };
	static const uint8_t late[] = { DW_CFA_advance_loc4,   0, 0, 1, 0,
					DW_CFA_def_cfa_offset, 32 };
	static const struct expectation expected[] = {
		{ 0, UNWIND_NO_CFI },
		{ 0x10, ENTRY_RULE },
		{ 0x1f, ENTRY_RULE },
		{ 0x20, UNWIND_NO_CFI },
		{ 0x30, CFA(UNWIND_STACK, 16) },
		{ 0x3f, CFA(UNWIND_STACK, 16) },
		{ 0x40, ENTRY_RULE }, /* overlap: the earlier one stands */
		{ 0x50, UNWIND_NO_CFI },
		{ 0x8000, ENTRY_RULE },
		{ 0xefff, ENTRY_RULE }, /* last byte of the first page */
		{ 0xf000, ENTRY_RULE }, /* first of the next */
		{ 0x17fff, ENTRY_RULE },
		{ 0x18000, CFA(UNWIND_STACK, 32) },
		{ 0x1f000, CFA(UNWIND_STACK, 32) },
		{ 0x28000, UNWIND_NO_CFI },
		{ 0x80000, UNWIND_NO_CFI }, /* behind the image */
	};
	struct byte_builder frame = { 0 };
	struct rule_dictionary dictionary;
	struct row_table table;
	uint64_t at;

	(void)state;
	image_begin(&image);
	at = next_address();
	put_common(&frame, "zR", 0x1b);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x8000, 0x20000, late,
		     sizeof(late));
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x30, 0x10, pushed,
		     sizeof(pushed));
	put_number(&frame, 0, 4); /* a terminator before the end */
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x38, 0x18, &none, 1);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x10, 0x10, &none, 1);
	put_function(&frame, at, 0x1b, IMAGE_ADDRESS - 0x100, 0x80, &none, 1);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x60, 0, &none, 1);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	expect_rules("layout", expected,
		     sizeof(expected) / sizeof(expected[0]));
	assert_int_equal(compile(&dictionary, &table), 0);
	assert_int_equal(table.functions, 4);
	assert_int_equal(table.first_page, 1);
	assert_int_equal(table.page_count, 4);
	for (uint32_t page = 0; page < table.page_count; page++)
		assert_int_equal(table.rows[table.page_rows[page]] >> 16, 0);
	assert_int_equal(table.page_rows[4], table.row_count);
	row_table_free(&table);
	rule_dictionary_free(&dictionary);
}

/* A return to an outermost function's first byte is looked up before it. */
static void test_before_outermost(void **state)
{
	static const uint8_t outermost[] = { DW_CFA_undefined, 16 };
	static const uint8_t none = DW_CFA_nop;
	static const struct expectation expected[] = {
		{ 0x0e, UNWIND_NO_CFI },
		{ 0x0f, UNWIND_END | UNWIND_AT_FIRST_BYTE },
		{ 0x10, UNWIND_END },
		{ 0x20, UNWIND_NO_CFI },
		{ 0x2f, UNWIND_NO_CFI }, /* ordinary functions own nothing */
		{ 0x30, ENTRY_RULE },
		{ 0x3f, ENTRY_RULE }, /* and what they own stays theirs */
		{ 0x40, UNWIND_END },
	};
	struct byte_builder frame = { 0 };
	uint64_t at;

	(void)state;
	image_begin(&image);
	at = next_address();
	put_common(&frame, "zR", 0x1b);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x10, 0x10, outermost, 2);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x30, 0x10, &none, 1);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x40, 0x10, outermost, 2);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	expect_rules("before an outermost function", expected,
		     sizeof(expected) / sizeof(expected[0]));
}

/* Undescribed code that its bytes tell, among other undescribed code. */
static void test_known_code(void **state)
{
	static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0,
					    0,	  0,	0x0f, 0x05 };
	static const uint8_t context[] = { 0x48, 0x89, 0xdc, 0x48, 0x8b,
					   0x3c, 0x24, 0x48, 0x85, 0xff };
	static const uint8_t none = DW_CFA_nop;
	static const struct expectation expected[] = {
		{ 0x10, ENTRY_RULE }, /* described: bytes do not matter */
		{ 0x2e, UNWIND_NO_CFI },
		{ 0x2f, UNWIND_SIGNAL | UNWIND_AT_FIRST_BYTE },
		{ 0x30, UNWIND_SIGNAL },
		{ 0x38, UNWIND_SIGNAL },
		{ 0x39, UNWIND_NO_CFI },
		{ 0x3e, UNWIND_NO_CFI },
		{ 0x3f, UNWIND_END | UNWIND_AT_FIRST_BYTE },
		{ 0x49, UNWIND_END },
		{ 0x4a, UNWIND_NO_CFI },
		{ 0x60, UNWIND_NO_CFI },
		{ 0x9f, UNWIND_SIGNAL | UNWIND_AT_FIRST_BYTE },
		{ 0xa8, UNWIND_SIGNAL },
		{ 0xa9, UNWIND_END },
		{ 0xb2, UNWIND_END }, /* side by side */
		{ 0xb3, UNWIND_NO_CFI },
		/* A described one: the byte before it is what matters. */
		{ 0x7e, UNWIND_NO_CFI },
		{ 0x7f, UNWIND_END | UNWIND_AT_FIRST_BYTE },
		{ 0x80, ENTRY_RULE },
	};
	struct byte_builder frame = { 0 };
	uint8_t *text;
	uint64_t at;

	(void)state;
	image_begin(&image);
	text = image.bytes + (IMAGE_TEXT - IMAGE_ADDRESS);
	memcpy(text + 0x12, restorer, sizeof(restorer));
	memcpy(text + 0x30, restorer, sizeof(restorer));
	memcpy(text + 0x40, context, sizeof(context));
	memcpy(text + 0x60, restorer, sizeof(restorer) - 1);
	memcpy(text + 0x80, context, sizeof(context));
	memcpy(text + 0xa0, restorer, sizeof(restorer));
	memcpy(text + 0xa9, context, sizeof(context));
	at = next_address();
	put_common(&frame, "zR", 0x1b);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x10, 0x10, &none, 1);
	put_function(&frame, at, 0x1b, IMAGE_TEXT + 0x80, 0x10, &none, 1);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	expect_rules("known code", expected,
		     sizeof(expected) / sizeof(expected[0]));
}

/* .debug_frame, version 4, 64-bit, as assemblers and Go write it. */
static void build_debug_frame(struct byte_builder *frame)
{
	static const uint8_t program[] = { STEP(8), DW_CFA_def_cfa_offset, 48 };

	put_number(frame, 0xffffffff, 4);
	put_number(frame, 8 + 1 + 1 + 2 + 3 + sizeof(initial), 8);
	put_number(frame, ~0ULL, 8);
	put_number(frame, 4, 1);
	put_number(frame, 0, 1); /* no augmentation */
	put_number(frame, 8, 1); /* address size */
	put_number(frame, 0, 1); /* segment selector size */
	put_number(frame, 1, 1);
	put_number(frame, 0x78, 1);
	put_number(frame, 16, 1);
	put(frame, initial, sizeof(initial));
	put_number(frame, 0xffffffff, 4);
	put_number(frame, 8 + 16 + sizeof(program), 8);
	put_number(frame, 0, 8); /* the CIE's offset */
	put_number(frame, IMAGE_TEXT, 8);
	put_number(frame, 64, 8);
	put(frame, program, sizeof(program));
}

static const struct expectation debug_expected[] = {
	{ 0, ENTRY_RULE },
	{ 8, CFA(UNWIND_STACK, 48) },
	{ 64, UNWIND_NO_CFI },
};

static void test_debug_frame(void **state)
{
	struct byte_builder frame = { 0 };

	(void)state;
	build_debug_frame(&frame);
	image_begin(&image);
	image_add(&image, ".debug_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	expect_rules(".debug_frame", debug_expected, 3);
}

static void test_compressed_debug_frame(void **state)
{
	struct byte_builder frame = { 0 };
	uint8_t packed[512];
	uLongf size = sizeof(packed) - sizeof(Elf64_Chdr);
	Elf64_Chdr header = { .ch_type = ELFCOMPRESS_ZLIB };
	static const struct expectation nothing = { 0, UNWIND_NO_CFI };

	(void)state;
	build_debug_frame(&frame);
	header.ch_size = frame.size;
	memcpy(packed, &header, sizeof(header));
	assert_int_equal(compress(packed + sizeof(header), &size, frame.bytes,
				  frame.size),
			 Z_OK);
	image_begin(&image);
	image_add(&image, ".debug_frame", packed, sizeof(header) + size,
		  SHF_COMPRESSED);
	image_finish(&image);
	expect_rules("compressed", debug_expected, 3);
	/* A size that the data do not have, a form that is not known. */
	header.ch_size = 5;
	memcpy(packed, &header, sizeof(header));
	image_begin(&image);
	image_add(&image, ".debug_frame", packed, sizeof(header) + size,
		  SHF_COMPRESSED);
	image_finish(&image);
	expect_rules("wrong size", &nothing, 1);
	header.ch_type = 77;
	memcpy(packed, &header, sizeof(header));
	image_begin(&image);
	image_add(&image, ".debug_frame", packed, sizeof(header) + size,
		  SHF_COMPRESSED);
	image_finish(&image);
	expect_rules("wrong type", &nothing, 1);
}

/* Without section headers the program header leads to .eh_frame. */
static void test_eh_frame_header(void **state)
{
	static const uint8_t none = DW_CFA_nop;
	static const struct expectation expected[] = {
		{ 0, ENTRY_RULE },
		{ 64, UNWIND_NO_CFI },
	};
	struct byte_builder header = { 0 }, frame = { 0 };
	uint64_t header_at, frame_at;

	(void)state;
	image_begin(&image);
	frame_at = next_address();
	put_common(&frame, "zR", 0x1b);
	put_function(&frame, frame_at, 0x1b, IMAGE_TEXT, 64, &none, 1);
	put_number(&frame, 0, 4);
	put_function(&frame, frame_at, 0x1b, IMAGE_TEXT + 64, 64, &none, 1);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	header_at = next_address();
	put_number(&header, 0x3b031b01, 4); /* version 1, pc-relative s32 */
	put_number(&header, frame_at - (header_at + 4), 4);
	image_add(&image, ".eh_frame_hdr", header.bytes, header.size, 0);
	image.segments[1] = (Elf64_Phdr){ .p_type = PT_GNU_EH_FRAME,
					  .p_vaddr = header_at,
					  .p_filesz = header.size };
	image.header.e_phnum = 2;
	image_finish(&image);
	image.header.e_shoff = 0;
	image.header.e_shnum = 0;
	memcpy(image.bytes, &image.header, sizeof(image.header));
	/* The terminator ends it here: the size is not known otherwise. */
	expect_rules("by program header", expected, 2);
}

static void test_undescribed_plt(void **state)
{
	static const uint8_t none = DW_CFA_nop;
	struct byte_builder frame = { 0 };
	struct rule_dictionary dictionary;
	struct row_table table;
	uint8_t entries[32] = { 0 }, other[16];
	uint64_t lazy, direct;

	(void)state;
	image_begin(&image);
	lazy = image_add(&image, ".plt", entries, 32, 0);
	direct = image_add(&image, ".plt.got", entries, 16, 0);
	memset(other, 0xcc, sizeof(other));
	image_add(&image, ".other", other, sizeof(other), 0);
	put_common(&frame, "zR", 0x1b);
	put_function(&frame, next_address(), 0x1b, IMAGE_TEXT, 64, &none, 1);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	assert_int_equal(compile(&dictionary, &table), 0);
	assert_int_equal(dictionary.rules[row_table_rule_id(&table, lazy + 31)],
			 PAIR(UNWIND_PLT, 8, 11));
	assert_int_equal(dictionary.rules[row_table_rule_id(&table, direct)],
			 ENTRY_RULE);
	assert_int_equal(row_table_rule_id(&table, direct + 16), UNWIND_NO_CFI);
	assert_int_equal(row_table_rule_id(&table, lazy - 1), UNWIND_NO_CFI);
	row_table_free(&table);
	rule_dictionary_free(&dictionary);
}

/* A CIE that cannot be used, and entries that cannot be read at all. */
static void test_malformed_entries(void **state)
{
	static const uint8_t none = DW_CFA_nop;
	static const struct {
		size_t offset; /* in the section */
		uint8_t byte;
		uint64_t rule;
	} damages[] = {
		{ 8, 2, UNWIND_NO_CFI }, /* version */
		/* Without 'z' or 'R' the FDE's start is an absolute pointer. */
		{ 9, 'e', UNWIND_NO_CFI },
		{ 10, 'Q', UNWIND_NO_CFI },
		{ 14, 17, UNWIND_UNSUPPORTED }, /* return address column */
		{ 15, 0x7f, UNWIND_NO_CFI },	/* augmentation size */
		{ 17, DW_CFA_restore | 3, UNWIND_UNSUPPORTED },
		{ 17, STEP(1), UNWIND_UNSUPPORTED },
		{ 0, 0xf0, UNWIND_NO_CFI }, /* length of the CIE */
		{ 3, 0x10, UNWIND_NO_CFI }, /* beyond the section */
		{ 4, 1, UNWIND_NO_CFI },    /* no CIE any more */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct byte_builder frame = { 0 };
		struct expectation expected = { 0, damages[i].rule };
		char name[32];

		image_begin(&image);
		put_common(&frame, "zR", 0x1b);
		put_function(&frame, next_address(), 0x1b, IMAGE_TEXT, 64,
			     &none, 1);
		frame.bytes[damages[i].offset] = damages[i].byte;
		image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
		image_finish(&image);
		snprintf(name, sizeof(name), "damage %zu", i);
		expect_rules(name, &expected, 1);
	}
}

static void test_refused_files(void **state)
{
	struct rule_dictionary dictionary;
	struct row_table table;

	(void)state;
	image_begin(&image);
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	image_finish(&image);
	assert_int_equal(compile(&dictionary, &table), -ENOEXEC);
	image_begin(&image);
	image.header.e_machine = EM_S390;
	image_finish(&image);
	assert_int_equal(compile(&dictionary, &table), -ENOEXEC);
	image_begin(&image);
	image.header.e_type = ET_REL;
	image_finish(&image);
	assert_int_equal(compile(&dictionary, &table), -ENOEXEC);
	image_begin(&image);
	image_finish(&image);
	image.header.e_phoff = IMAGE_SIZE - 8;
	memcpy(image.bytes, &image.header, sizeof(image.header));
	assert_int_equal(compile(&dictionary, &table), -EINVAL);
	image_begin(&image);
	image.segments[1] = image.segments[0];
	image.segments[1].p_vaddr = 1ULL << 40;
	image.header.e_phnum = 2;
	image_finish(&image);
	assert_int_equal(compile(&dictionary, &table), -EFBIG);
	memset(&image, 'x', sizeof(image));
	assert_int_equal(compile(&dictionary, &table), -ENOEXEC);
}

/* Every truncation of a sound file either compiles or is refused cleanly. */
static void test_truncated_files(void **state)
{
	static const uint8_t none = DW_CFA_nop;
	struct byte_builder frame = { 0 };
	struct rule_dictionary dictionary;
	struct row_table table = { 0 };
	struct error error;
	size_t size, step;

	(void)state;
	image_begin(&image);
	put_common(&frame, "zR", 0x1b);
	put_function(&frame, next_address(), 0x1b, IMAGE_TEXT, 64, &none, 1);
	image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
	image_finish(&image);
	assert_int_equal(rule_dictionary_init(&dictionary, NULL), 0);
	for (size = 0; size <= IMAGE_SIZE; size += step) {
		/* An exact copy, so that a sanitizer sees its end. */
		uint8_t *copy = malloc(size + !size);
		int status;

		memcpy(copy, image.bytes, size);
		status = row_table_compile(copy, size, &dictionary, &table,
					   &error);
		assert_true(status == 0 || status == -ENOEXEC ||
			    status == -EINVAL);
		if (!status)
			row_table_free(&table);
		free(copy);
		step = size < 0x800 || (size > IMAGE_DATA &&
					size < IMAGE_DATA + 256)
			       ? 1
			       : 4001;
	}
	rule_dictionary_free(&dictionary);
}

static void test_dictionary_full(void **state)
{
	struct rule_dictionary dictionary;
	uint16_t first, id;

	(void)state;
	assert_int_equal(rule_dictionary_init(&dictionary, NULL), 0);
	first = rule_dictionary_id(&dictionary, CFA(UNWIND_STACK, 1));
	assert_true(first > UNWIND_SIGNAL);
	for (int32_t offset = 2; dictionary.count < UNWIND_RULES; offset++) {
		id = rule_dictionary_id(&dictionary, CFA(UNWIND_STACK, offset));
		assert_int_equal(dictionary.rules[id],
				 CFA(UNWIND_STACK, offset));
	}
	assert_int_equal(dictionary.overflows, 0);
	assert_int_equal(rule_dictionary_id(&dictionary, CFA(UNWIND_FRAME, 1)),
			 UNWIND_UNSUPPORTED);
	assert_int_equal(dictionary.overflows, 1);
	assert_int_equal(rule_dictionary_id(&dictionary, CFA(UNWIND_STACK, 1)),
			 first);
	rule_dictionary_free(&dictionary);
}

/* The running kernel's own: every exported function begins like any other. */
static void test_vdso(void **state)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	struct rule_dictionary dictionary;
	struct row_table table;
	struct error error;
	Elf64_Ehdr header;

	(void)state;
	if (!vdso)
		skip();
	memcpy(&header, vdso, sizeof(header));
	assert_int_equal(rule_dictionary_init(&dictionary, NULL), 0);
	assert_int_equal(row_table_compile_vdso(vdso, 4096, &dictionary, &table,
						&error),
			 0);
	assert_true(table.functions > 3);
	assert_int_equal(table.malformed, 0);
	assert_true(table.row_count > table.functions);
	if (header.e_entry)
		assert_int_equal(dictionary.rules[row_table_rule_id(
					 &table, header.e_entry)],
				 ENTRY_RULE);
	row_table_free(&table);
	rule_dictionary_free(&dictionary);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_refused_encodings),
		cmocka_unit_test(test_signal_frame),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_before_outermost),
		cmocka_unit_test(test_known_code),
		cmocka_unit_test(test_debug_frame),
		cmocka_unit_test(test_compressed_debug_frame),
		cmocka_unit_test(test_eh_frame_header),
		cmocka_unit_test(test_undescribed_plt),
		cmocka_unit_test(test_malformed_entries),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_truncated_files),
		cmocka_unit_test(test_dictionary_full),
		cmocka_unit_test(test_vdso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
