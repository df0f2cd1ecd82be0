// SPDX-License-Identifier: GPL-2.0-or-later
/* arm64: call frame information into rules, and walks by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dwarf.h>

#define __TARGET_ARCH_arm64

#include "elf_image.h"
#include "unwind/row_table.h"
#include "unwind_host.h"

#define STEP(count) (DW_CFA_advance_loc | (count))
#define AT(number) (DW_CFA_offset | (number))
#define BYTES(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })
#define ENTRY_RULE ((uint64_t)UNWIND_STACK)
#define SAVED_LINK SAVED_BASE

static struct elf_image image;

/* What gcc's CIE says: CFA = sp. */
static void put_common(struct byte_builder *out, const char *augmentation)
{
	static const uint8_t initial[] = { DW_CFA_def_cfa, 31, 0 };
	struct byte_builder body = { 0 };

	put_number(&body, 0, 4); /* CIE */
	put_number(&body, 1, 1); /* version */
	put(&body, augmentation, strlen(augmentation) + 1);
	put_number(&body, 4, 1);    /* code alignment */
	put_number(&body, 0x78, 1); /* data alignment -8 */
	put_number(&body, 30, 1);   /* return address column */
	put_number(&body, 1, 1);    /* augmentation size */
	put_number(&body, 0x1b, 1); /* pc-relative, 4 bytes */
	put(&body, initial, sizeof(initial));
	put_number(out, body.size, 4);
	put(out, body.bytes, body.size);
}

/* A function of 64 bytes at IMAGE_TEXT. */
static void put_function(struct byte_builder *out, uint64_t section,
			 const uint8_t *program, size_t size)
{
	uint64_t place = section + out->size + 8;

	put_number(out, 4 + 8 + 1 + size, 4);
	put_number(out, out->size, 4); /* back to offset 0 */
	put_number(out, IMAGE_TEXT - place, 4);
	put_number(out, 64, 4);
	put_number(out, 0, 1); /* augmentation size */
	put(out, program, size);
}

static const struct {
	const char *name;
	const char *augmentation;
	uint8_t program[64];
	size_t size;
	struct {
		uint64_t offset, rule;
	} expected[5];
} programs[] = {
	{ "a leaf", "zR", BYTES(DW_CFA_nop), { { 0, ENTRY_RULE } } },
	{ "frame record at the bottom, as gcc has it",
	  "zR",
	  BYTES(STEP(1), DW_CFA_def_cfa_offset, 32, AT(29), 4, AT(30), 3,
		STEP(5), DW_CFA_restore | 30, DW_CFA_restore | 29,
		DW_CFA_def_cfa_offset, 0),
	  { { 0, ENTRY_RULE },
	    { 4, CFA(UNWIND_STACK, 32) | SAVED_FP(32) | SAVED_LINK(24) },
	    { 23, CFA(UNWIND_STACK, 32) | SAVED_FP(32) | SAVED_LINK(24) },
	    { 24, ENTRY_RULE } } },
	{ "CFA by the frame pointer, as clang has it",
	  "zR",
	  BYTES(STEP(2), DW_CFA_def_cfa, 29, 16, AT(30), 1, AT(29), 2),
	  { { 8, CFA(UNWIND_FRAME, 16) | SAVED_FP(16) | SAVED_LINK(8) } } },
	{ "signed return address, by the other key",
	  "zRB",
	  BYTES(STEP(1), DW_CFA_AARCH64_negate_ra_state, STEP(1),
		DW_CFA_def_cfa_offset, 16, AT(30), 2),
	  { { 4, ENTRY_RULE },
	    { 8, CFA(UNWIND_STACK, 16) | SAVED_LINK(16) } } },
	{ "outermost",
	  "zR",
	  BYTES(DW_CFA_undefined, 30),
	  { { 0, UNWIND_END } } },
	{ "return address in another register",
	  "zR",
	  BYTES(DW_CFA_register, 30, 17),
	  { { 0, UNWIND_UNSUPPORTED } } },
	{ "CFA by another register",
	  "zR",
	  BYTES(DW_CFA_def_cfa, 19, 0),
	  { { 0, UNWIND_UNSUPPORTED } } },
};

static void expect_rule(const struct rule_dictionary *dictionary,
			const struct row_table *rows, const char *name,
			uint64_t offset, uint64_t rule)
{
	uint16_t id = row_table_rule_id(rows, IMAGE_TEXT + offset);

	if (dictionary->rules[id] != rule)
		fail_msg("%s +%#lx: rule %016lx, expected %016lx", name, offset,
			 dictionary->rules[id], rule);
}

static void compile(struct rule_dictionary *dictionary, struct row_table *rows)
{
	struct error error = { "" };

	assert_int_equal(rule_dictionary_init(dictionary, NULL), 0);
	assert_int_equal(row_table_compile(image.bytes, IMAGE_SIZE, dictionary,
					   rows, &error),
			 0);
}

static void test_programs(void **state)
{
	struct rule_dictionary dictionary;
	struct row_table rows;

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct byte_builder frame = { 0 };
		size_t j = 0;

		image_begin(&image);
		image.header.e_machine = EM_AARCH64;
		put_common(&frame, programs[i].augmentation);
		put_function(&frame, IMAGE_ADDRESS + image.next,
			     programs[i].program, programs[i].size);
		image_add(&image, ".eh_frame", frame.bytes, frame.size, 0);
		image_finish(&image);
		compile(&dictionary, &rows);
		do {
			expect_rule(&dictionary, &rows, programs[i].name,
				    programs[i].expected[j].offset,
				    programs[i].expected[j].rule);
		} while (++j < 5 && programs[i].expected[j].rule);
		row_table_free(&rows);
		rule_dictionary_free(&dictionary);
	}
}

/* The vDSO's signal restorer has no call frame information. */
static void test_signal_restorer(void **state)
{
	static const uint8_t restorer[] = {
		0x1f, 0x20, 0x03, 0xd5, 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4
	};
	struct rule_dictionary dictionary;
	struct row_table rows;

	(void)state;
	image_begin(&image);
	image.header.e_machine = EM_AARCH64;
	image_finish(&image);
	memcpy(image.bytes + (IMAGE_TEXT - IMAGE_ADDRESS) + 60, restorer,
	       sizeof(restorer));
	compile(&dictionary, &rows);
	expect_rule(&dictionary, &rows, "nop", 60, UNWIND_NO_CFI);
	/* It is returned to at its first byte: looked up one before. */
	expect_rule(&dictionary, &rows, "before", 63,
		    UNWIND_SIGNAL | UNWIND_AT_FIRST_BYTE);
	expect_rule(&dictionary, &rows, "restorer", 64, UNWIND_SIGNAL);
	expect_rule(&dictionary, &rows, "behind", 72, UNWIND_NO_CFI);
	row_table_free(&rows);
	rule_dictionary_free(&dictionary);
}

/* As pointer authentication leaves it: a code above 48 bits. */
#define SIGNED(address) ((address) | 0x5aULL << 48)

#define STACK (STACK_ADDRESS + 0x1000)
#define FRAME_RULE(size) \
	(CFA(UNWIND_STACK, size) | SAVED_FP(size) | SAVED_LINK((size)-8))

/* A leaf has its return address in x30, its callers have saved it. */
static void test_leaf(void **state)
{
	static const uint64_t rules[] = { ENTRY_RULE, FRAME_RULE(32),
					  CFA(UNWIND_FRAME, 16) | SAVED_FP(16) |
						  SAVED_LINK(8),
					  UNWIND_END };
	uint64_t frame = STACK + 0x100;

	(void)state;
	add_functions(rules, 4);
	put_word(STACK, frame);
	put_word(STACK + 8, SIGNED(in(2)));
	put_word(frame, 77);
	put_word(frame + 8, in(3));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, 1, SIGNED(in(1))),
	       ABI_FLAW_NONE, EXACT(in(0)), frame_of(in(1)), frame_of(in(2)),
	       frame_of(in(3)));
	assert_int_equal(host.walks[0].frame, 77);
	/* It depended on x30 and on three words, as they are. */
	assert_int_equal(host.walks[0].memo.uses, UNWIND_USES_BASE);
	assert_int_equal(host.walks[0].memo.words[0], SIGNED(in(2)));
	/* The same from the first instruction, and from a return on. */
	EXPECT(walk_from(UNWIND_AT_ENTRY, CODE, STACK, 1, in(1)), ABI_FLAW_NONE,
	       EXACT(CODE), frame_of(in(1)), frame_of(in(2)), frame_of(in(3)));
	EXPECT(walk_from(UNWIND_AT_RETURN, in(1), STACK, 1, 0), ABI_FLAW_NONE,
	       frame_of(in(1)), frame_of(in(2)), frame_of(in(3)));
}

/* What has called has saved x30: else the tables are wrong, not endless. */
static void test_unsaved(void **state)
{
	static const uint64_t rules[] = { ENTRY_RULE, FRAME_RULE(16) };

	(void)state;
	add_functions(rules, 2);
	put_word(STACK + 8, in(0));
	EXPECT(walk_from(UNWIND_AT_RETURN, in(1), STACK, 0, in(0)),
	       ABI_FLAW_UNSUPPORTED, frame_of(in(1)), frame_of(in(0)));
}

/* A return probe is known by the stack pointer at the function's entry. */
static void test_return_probe(void **state)
{
	static const uint64_t rules[] = { FRAME_RULE(48), UNWIND_END };

	(void)state;
	add_functions(rules, 2);
	put_word(STACK + 8, TRAMPOLINE);
	host.probed[0].place = STACK + 48;
	host.probed[0].address = in(1);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, 0, 0),
	       ABI_FLAW_NONE, EXACT(in(0)), frame_of(in(1)));
	host.probed[0].place = STACK + 40;
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, 0, 0),
	       ABI_FLAW_NO_MAPPING, EXACT(in(0)));
}

/* The handler's caller is a leaf that was interrupted anywhere. */
static void test_signal(void **state)
{
	static const uint64_t rules[] = { FRAME_RULE(16), UNWIND_SIGNAL,
					  ENTRY_RULE, UNWIND_END };
	uint64_t context = STACK + 16;

	(void)state;
	add_functions(rules, 4);
	put_word(STACK + 8, in(1));
	put_word(context + 128 + 176 + 8 + 29 * 8, 99);
	put_word(context + 128 + 176 + 8 + 30 * 8, in(3));
	put_word(context + 128 + 176 + 8 + 31 * 8, STACK + 0x2000);
	put_word(context + 128 + 176 + 8 + 32 * 8, in(2));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, 0, 0),
	       ABI_FLAW_NONE, EXACT(in(0)), EXACT(in(1)), EXACT(in(2)),
	       frame_of(in(3)));
	assert_int_equal(host.walks[0].frame, 99);
	assert_int_equal(host.walks[0].sp, STACK + 0x2000);
}

/* Code without rules: its frame record may be anywhere in its frame. */
static void test_frame_records(void **state)
{
	static const uint64_t rules[] = { UNWIND_NO_CFI, FRAME_RULE(64),
					  ENTRY_RULE | SAVED_LINK(0),
					  UNWIND_END };
	uint64_t outer = STACK + 0x300;

	(void)state;
	host.call = 0x94000000ULL << 32;
	add_functions(rules, 4);
	put_word(STACK + 0x100, outer);
	put_word(STACK + 0x108, SIGNED(in(1)));
	put_word(outer, 55);
	put_word(outer + 8, in(3));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, STACK + 0x100, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)), frame_of(in(3)));
	assert_int_equal(host.walks[0].frame, 55);
	assert_int_equal(host.walks[0].sp, outer + 64);
	/* A caller that keeps no frame record cannot be left. */
	put_word(STACK + 0x108, in(2));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, STACK + 0x100, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(2)));
	/* No frame record of a function that is to return to a probe. */
	put_word(STACK + 0x108, TRAMPOLINE);
	host.probed[0].place = (STACK + 0x108) | 1;
	host.probed[0].address = in(3);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK, STACK + 0x100, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(3)));
}

/* bl and blr are calls; b, br and ret are none. */
static void test_calls(void **state)
{
	static const uint64_t rules[] = { UNWIND_NO_CFI, ENTRY_RULE };
	static const struct {
		uint32_t instruction;
		bool is_call;
	} cases[] = {
		{ 0x94000001, true },  { 0x97ffffff, true },
		{ 0xd63f0040, true },  { 0x14000001, false },
		{ 0xd61f0040, false }, { 0xd65f03c0, false },
	};

	(void)state;
	add_functions(rules, 2);
	put_word(STACK + 0x100, 0);
	put_word(STACK + 0x108, in(1));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host.call = (uint64_t)cases[i].instruction << 32;
		assert_int_equal(walk_from(UNWIND_AT_INSTRUCTION, in(0), STACK,
					   STACK + 0x100, 0)
					 ->frame_count,
				 1 + cases[i].is_call);
	}
}

#define TEST(function) cmocka_unit_test_setup(function, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_signal_restorer),
		TEST(test_leaf),
		TEST(test_unsaved),
		TEST(test_return_probe),
		TEST(test_signal),
		TEST(test_frame_records),
		TEST(test_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
