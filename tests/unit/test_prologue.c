// SPDX-License-Identifier: GPL-2.0-or-later
/* Each rule of probe-site selection by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/prologue.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { ENTRY = 0x1000 };

/* One walk over code given in hexadecimal. */
struct walk_case {
	const char *code;
	enum prologue_machine machine;
	unsigned int arguments;
	bool returns, nops, shadow_stack, unscanned;
	unsigned int target; /* offset that a branch reaches, 0 = none */
	const char *sentence;
};

/* A copy of exactly its size, so that ASan sees any read past it. */
static uint8_t *parse_hex(const char *hex, size_t *size)
{
	uint8_t *code;
	size_t i;

	*size = strlen(hex) / 2;
	code = malloc(*size ? *size : 1);
	assert_non_null(code);
	for (i = 0; i < *size; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &code[i]), 1);
	return code;
}

static void check_walk(const struct walk_case *walk)
{
	struct prologue_function function = { .address = ENTRY };
	struct prologue_query query = {
		.machine = walk->machine,
		.function = walk->unscanned ? NULL : &function,
		.arguments = walk->arguments,
		.returns = walk->returns,
		.nops = walk->nops,
		.shadow_stack = walk->shadow_stack,
	};
	struct prologue_site site;
	uint8_t *code = parse_hex(walk->code, &query.size);
	char sentence[128];

	if (walk->target)
		prologue_mark_target(&function, ENTRY + walk->target);
	query.code = code;
	site = prologue_find_site(&query);
	free(code);
	prologue_explain(&site, sentence, sizeof(sentence));
	assert_string_equal(sentence, walk->sentence);
}

static const struct walk_case x86_cases[] = {
	{ "55", .sentence = "entry: push is emulated" },
	{ "4155", .sentence = "entry: push is emulated" },
	/* REX other than 41 is stepped: 48 55, 40 55. */
	{ "4855c3", .sentence = "entry: ret at +2" },
	{ "4055c3", .sentence = "entry: ret at +2" },
	{ "6655", .sentence = "entry: unknown instruction at +0" },
	{ "488974240875fe", .sentence = "+5: jne is emulated" },
	{ "85c00f8400000000", .sentence = "+2: je is emulated" },
	{ "85c03e7400", .sentence = "entry: unknown instruction at +2" },
	{ "85c0e900000000", .sentence = "+2: jmp is emulated" },
	{ "85c0eb00", .sentence = "+2: jmp is emulated" },
	{ "85c0e800000000", .sentence = "+2: call is emulated" },
	{ "85c0e800000000", .shadow_stack = true,
	  .sentence = "entry: call at +2" },
	{ "85c0ffe0", .sentence = "entry: indirect jmp at +2" },
	{ "85c0ffd0", .sentence = "entry: indirect call at +2" },
	{ "85c0f3c3", .sentence = "entry: ret at +2" },
	{ "f30f1efa90", .sentence = "+4: nop is emulated" },
	{ "f39055", .sentence = "+2: push is emulated" },
	{ "410f1efa55", .sentence = "entry: unknown instruction at +0" },
	{ "0f1f44000055", .sentence = "+5: push is emulated" },
	{ "0f1f44000055", .nops = true, .sentence = "entry: nop is emulated" },
	{ "669055", .nops = true, .sentence = "entry: nop is emulated" },
	{ "0f1f84000000000055", .nops = true,
	  .sentence = "entry: nop is emulated" },
	{ "660f1f84000000000055", .nops = true,
	  .sentence = "+9: push is emulated" },
	{ "480f1f0055", .nops = true, .sentence = "+4: push is emulated" },
	/* cs nopw: a prefix that uprobes refuse. */
	{ "662e0f1f84000000000055", .nops = true,
	  .sentence = "+10: push is emulated" },
	/* A store may lie in the red zone. */
	{ "48897c24f80f1f44000055", .nops = true,
	  .sentence = "+10: push is emulated" },
	{ "90", .sentence = "entry: nop is emulated" },
	{ "4190", .sentence = "entry: unknown instruction at +0" },
	{ "4883ec1874fe", .sentence = "+4: je is emulated" },
	{ "4883ec1874fe", .returns = true,
	  .sentence = "entry: rsp moves at +0" },
	{ "4883e4f055", .sentence = "entry: rsp moves at +0" },
	{ "488d6424f055", .sentence = "+5: push is emulated" },
	{ "488d642cf055", .sentence = "entry: rsp moves at +0" },
	{ "4889ec55", .sentence = "entry: rsp moves at +0" },
	{ "6a0155", .sentence = "+2: push is emulated" },
	{ "6a0155", .returns = true, .sentence = "entry: rsp moves at +0" },
	{ "31ff55", .arguments = 1,
	  .sentence = "entry: argument 1 (rdi) is lost at +0" },
	{ "31ff55", .arguments = 2, .sentence = "+2: push is emulated" },
	/* mov %edi,%eax keeps but half of it. */
	{ "89f831ff55", .arguments = 1,
	  .sentence = "entry: argument 1 (rdi) is lost at +2" },
	/* mov $1,%dh writes rdx, mov $1,%sil does not. */
	{ "b60155", .arguments = 4,
	  .sentence = "entry: argument 3 (rdx) is lost at +0" },
	{ "40b60155", .arguments = 4, .sentence = "+3: push is emulated" },
	{ "40b60155", .arguments = 2,
	  .sentence = "entry: argument 2 (rsi) is lost at +0" },
	/* mul, div and cqo write rdx unsaid. */
	{ "48f7e655", .arguments = 4,
	  .sentence = "entry: argument 3 (rdx) is lost at +0" },
	{ "489955", .arguments = 4,
	  .sentence = "entry: argument 3 (rdx) is lost at +0" },
	{ "488707", .sentence = "entry: unknown instruction at +0" },
	{ "f04829c7", .sentence = "entry: unknown instruction at +0" },
	{ "c5f877", .sentence = "entry: unknown instruction at +0" },
	{ "0f05", .sentence = "entry: unknown instruction at +0" },
	{ "85c055", .target = 2, .sentence = "entry: a branch lands at +2" },
	{ "85c055", .target = 3, .sentence = "+2: push is emulated" },
	{ "85c055", .unscanned = true,
	  .sentence = "entry: branches not searched at +0" },
	{ "55", .unscanned = true, .sentence = "entry: push is emulated" },
	/* movabs takes eight bytes. */
	{ "48b8f8f8f8f855f8f8f855", .sentence = "+10: push is emulated" },
	{ "85c0", .sentence = "entry: the function ends at +2" },
	{ "85c041", .sentence = "entry: unknown instruction at +2" },
	{ "", .sentence = "entry: the function ends at +0" },
};

static void x86_rules(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(x86_cases); i++)
		check_walk(&x86_cases[i]);
}

static const struct walk_case arm64_cases[] = {
	{ "000000b4", .sentence = "entry: cbz is emulated" },
	{ "00000036", .sentence = "entry: tbz is emulated" },
	{ "00000094", .sentence = "entry: bl is emulated" },
	{ "00000094", .returns = true, .sentence = "entry: x30 is used at +0" },
	{ "00000094", .shadow_stack = true, .sentence = "entry: bl at +0" },
	{ "c0035fd6", .returns = true, .sentence = "entry: ret is emulated" },
	/* bti c; paciasp; b */
	{ "5f2403d500000014", .returns = true,
	  .sentence = "+4: b is emulated" },
	{ "3f2303d500000014", .returns = true,
	  .sentence = "entry: x30 is used at +0" },
	{ "3f2303d500000014", .sentence = "+4: b is emulated" },
	/* nop; b */
	{ "1f2003d500000014", .sentence = "+4: b is emulated" },
	{ "1f2003d500000014", .nops = true,
	  .sentence = "entry: nop is emulated" },
	/* stp x29, x30, [sp, #-64]!; str x30, [x0]; b */
	{ "fd7bbca91e0000f900000014", .sentence = "+8: b is emulated" },
	{ "fd7bbca900000014", .returns = true,
	  .sentence = "entry: x30 is used at +0" },
	{ "1e0000f900000014", .returns = true,
	  .sentence = "entry: x30 is used at +0" },
	/* sub sp, sp, #16; mov sp, x1 */
	{ "ff4300d100000014", .returns = true,
	  .sentence = "entry: sp moves at +0" },
	{ "3f00009100000014", .sentence = "entry: sp moves at +0" },
	/* and sp, x1, #~15 */
	{ "3fec7c9200000014", .sentence = "entry: sp moves at +0" },
	/* ldr x2, [x0], #8 writes both; ldr x1, [x0] one. */
	{ "028440f800000014", .arguments = 1,
	  .sentence = "entry: argument 1 (x0) is lost at +0" },
	{ "010040f900000014", .arguments = 1, .sentence = "+4: b is emulated" },
	{ "010040f900000014", .arguments = 2,
	  .sentence = "entry: argument 2 (x1) is lost at +0" },
	/* mov w1, w0 keeps half; mov x1, x0 all. */
	{ "e103002a000080d200000014", .arguments = 1,
	  .sentence = "entry: argument 1 (x0) is lost at +4" },
	{ "e10300aa000080d200000014", .arguments = 1,
	  .sentence = "+8: b is emulated" },
	/* ldxr, svc, an unallocated word, a word cut off */
	{ "007c5fc8", .sentence = "entry: unknown instruction at +0" },
	{ "010000d4", .sentence = "entry: unknown instruction at +0" },
	{ "00000000", .sentence = "entry: unknown instruction at +0" },
	{ "000000", .sentence = "entry: unknown instruction at +0" },
};

static void arm64_rules(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(arm64_cases); i++) {
		struct walk_case walk = arm64_cases[i];

		walk.machine = PROLOGUE_ARM64;
		check_walk(&walk);
	}
}

/* Where arguments are at the site, and how far the stack has moved. */
static void placement(void **state)
{
	/* mov %rdi,%rcx; mov %rcx,%r9; xor %edi,%edi; xor %ecx,%ecx;
	 * sub $0x18,%rsp; pop %rax; push */
	static const uint8_t code[] = {
		0x48, 0x89, 0xf9, 0x49, 0x89, 0xc9, 0x31, 0xff,
		0x31, 0xc9, 0x48, 0x83, 0xec, 0x18, 0x58, 0x55,
	};
	struct prologue_function function = { .address = ENTRY };
	struct prologue_query query = {
		.code = code,
		.size = sizeof(code),
		.function = &function,
		.arguments = 3,
	};
	struct prologue_site site = prologue_find_site(&query);

	(void)state;
	assert_int_equal(site.cost, PROLOGUE_EMULATED);
	assert_int_equal(site.offset, 15);
	assert_int_equal(site.stack, -16);
	assert_int_equal(site.registers[0], 9);
	assert_int_equal(site.registers[1], 6);
	assert_int_equal(site.registers[2], PROLOGUE_NO_REGISTER);

	/* Back at the entry everything is at home. */
	query.arguments = 1 | 1 << 3;
	site = prologue_find_site(&query);
	assert_int_equal(site.reason, PROLOGUE_ARGUMENT);
	assert_int_equal(site.lost, 3);
	assert_int_equal(site.offset, 0);
	assert_int_equal(site.stack, 0);
	assert_int_equal(site.registers[0], 7);
	assert_int_equal(site.registers[3], 1);
}

static void no_site_beyond_reach(void **state)
{
	uint8_t code[PROLOGUE_BYTES + 1];
	struct prologue_function function = { .address = ENTRY };
	struct prologue_query query = {
		.code = code,
		.size = sizeof(code),
		.function = &function,
	};

	(void)state;
	memset(code, 0xf8, sizeof(code)); /* clc */
	code[PROLOGUE_BYTES] = 0x55;
	assert_int_equal(prologue_find_site(&query).reason, PROLOGUE_END);
	code[PROLOGUE_BYTES - 1] = 0x55;
	assert_int_equal(prologue_find_site(&query).offset, PROLOGUE_BYTES - 1);
}

static bool is_marked(const struct prologue_function *function,
		      unsigned int offset)
{
	return function->targets[offset / 64] >> offset % 64 & 1;
}

static void marks_its_reach(void **state)
{
	struct prologue_function function = { .address = ENTRY };

	(void)state;
	prologue_mark_target(&function, ENTRY);
	prologue_mark_target(&function, ENTRY - 1);
	prologue_mark_target(&function, ENTRY + PROLOGUE_BYTES);
	assert_int_equal(function.targets[0] | function.targets[1], 0);
	prologue_mark_target(&function, ENTRY + 1);
	prologue_mark_target(&function, ENTRY + PROLOGUE_BYTES - 1);
	assert_true(is_marked(&function, 1));
	assert_true(is_marked(&function, PROLOGUE_BYTES - 1));
}

enum { TEXT = 0x400000, TEXT_SIZE = 1024, NEAR = 512, FAR = 520 };

static void put_relative(uint8_t *text, size_t at, const char *opcode,
			 size_t target)
{
	int32_t displacement;
	size_t length = strlen(opcode) / 2, i;

	for (i = 0; i < length; i++)
		sscanf(opcode + 2 * i, "%2hhx", &text[at + i]);
	displacement = target - (at + length + 4);
	memcpy(text + at + length, &displacement, 4);
}

/* Two functions so close that one target lies within both. */
static void x86_branches(void **state)
{
	struct prologue_function functions[2] = { { .address = TEXT + NEAR },
						  { .address = TEXT + FAR } };
	uint8_t *text = malloc(TEXT_SIZE);

	(void)state;
	assert_non_null(text);
	memset(text, 0x90, TEXT_SIZE);
	put_relative(text, 3, "e8", NEAR + 5);
	put_relative(text, 40, "e9", NEAR + 12);
	put_relative(text, TEXT_SIZE - 6, "0f84", NEAR + 30);
	/* Not branches: mov with such an immediate, setcc. */
	put_relative(text, 60, "b8", NEAR + 33);
	put_relative(text, 70, "0f94", NEAR + 34);
	/* Short ones from both sides, and one out of reach. */
	text[NEAR - 20] = 0x75;
	text[NEAR - 19] = 18 + 3;
	text[NEAR + 100] = 0xeb;
	text[NEAR + 101] = -102 + 4;
	text[NEAR + 110] = 0xe3;
	text[NEAR + 111] = -112;
	prologue_scan_branches(PROLOGUE_X86_64, text, TEXT_SIZE, TEXT,
			       functions, 2);
	free(text);
	assert_int_equal(functions[0].targets[0],
			 1ULL << 3 | 1ULL << 4 | 1ULL << 5 | 1ULL << 12 |
				 1ULL << 30);
	assert_int_equal(functions[0].targets[1], 0);
	assert_int_equal(functions[1].targets[0], 1ULL << 4 | 1ULL << 22);
}

/* Bytes inside an instruction are no branch; behind an unknown one may be. */
static void x86_hidden_branches(void **state)
{
	struct prologue_function function = { .address = TEXT + NEAR };
	uint8_t text[TEXT_SIZE];

	(void)state;
	memset(text, 0x90, sizeof(text));
	/* mov $0x137514eb,%eax */
	memcpy(text + NEAR - 20, "\xb8\xeb\x14\x75\x13", 5);
	prologue_scan_branches(PROLOGUE_X86_64, text, sizeof(text), TEXT,
			       &function, 1);
	assert_int_equal(function.targets[0], 0);
	/* EVEX hides where the next instruction starts. */
	memcpy(text + NEAR - 30, "\x62\xb8\xeb\x1d\x75\x1c", 6);
	prologue_scan_branches(PROLOGUE_X86_64, text, sizeof(text), TEXT,
			       &function, 1);
	assert_int_equal(function.targets[0], 1ULL << 3 | 1ULL << 4);
	/* The entry starts one whatever stands before it: jmp here. */
	memcpy(text + NEAR - 2, "\xb8\x00\xeb\x05", 4);
	prologue_scan_branches(PROLOGUE_X86_64, text, sizeof(text), TEXT,
			       &function, 1);
	assert_int_equal(function.targets[0],
			 1ULL << 3 | 1ULL << 4 | 1ULL << 7);
}

static void arm64_branches(void **state)
{
	static const struct {
		size_t at;
		uint32_t word; /* with displacement 0 */
		unsigned int shift, bits;
		size_t target;
	} branches[] = {
		{ 0, 0x14000000, 0, 26, NEAR + 4 },
		{ 8, 0x94000000, 0, 26, NEAR + 8 },
		{ TEXT_SIZE - 4, 0x54000001, 5, 19, NEAR + 12 },
		{ 400, 0xb4000003, 5, 19, NEAR + 16 },
		{ 800, 0x37080005, 5, 14, NEAR + 20 },
		{ 804, 0x10000003, 5, 19, NEAR + 24 }, /* adr */
	};
	struct prologue_function function = { .address = TEXT + NEAR };
	uint32_t text[TEXT_SIZE / 4];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(text); i++)
		text[i] = 0xd503201f;
	for (i = 0; i < COUNT(branches); i++) {
		int32_t words = ((int32_t)branches[i].target -
				 (int32_t)branches[i].at) /
				4;

		text[branches[i].at / 4] =
			branches[i].word |
			((uint32_t)words & ((1U << branches[i].bits) - 1))
				<< branches[i].shift;
	}
	prologue_scan_branches(PROLOGUE_ARM64, (const uint8_t *)text,
			       sizeof(text), TEXT, &function, 1);
	assert_int_equal(function.targets[0], 1ULL << 4 | 1ULL << 8 |
						      1ULL << 12 | 1ULL << 16 |
						      1ULL << 20);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(prologue_register_name(PROLOGUE_X86_64, 7), "rdi");
	assert_string_equal(prologue_register_name(PROLOGUE_X86_64, 15), "r15");
	assert_string_equal(prologue_register_name(PROLOGUE_X86_64, 16), "?");
	assert_string_equal(prologue_register_name(PROLOGUE_ARM64, 30), "x30");
	assert_string_equal(prologue_register_name(PROLOGUE_ARM64,
						   PROLOGUE_NO_REGISTER),
			    "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_rules),
		cmocka_unit_test(arm64_rules),
		cmocka_unit_test(placement),
		cmocka_unit_test(no_site_beyond_reach),
		cmocka_unit_test(marks_its_reach),
		cmocka_unit_test(x86_branches),
		cmocka_unit_test(x86_hidden_branches),
		cmocka_unit_test(arm64_branches),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
