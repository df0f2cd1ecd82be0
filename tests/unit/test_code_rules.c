// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules worked out from undescribed code: what compilers make, and what not. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/unwind_abi.h"
#include "unwind/code_rules.h"
#include "unwind/stack_state.h"

#define ADDRESS 0x401000
#define STACK(cfa) \
	(UNWIND_STACK | UNWIND_GUESSED | (uint64_t)(cfa) << UNWIND_CFA_SHIFT)
#define FRAME(cfa) \
	(UNWIND_FRAME | UNWIND_GUESSED | (uint64_t)(cfa) << UNWIND_CFA_SHIFT)
#define SAVED_FP(below) ((uint64_t)((below) / 8 + 1) << UNWIND_FRAME_SAVE_SHIFT)
#define SAVED_BASE(below) \
	((uint64_t)((below) / 8 + 1) << UNWIND_BASE_SAVE_SHIFT)
#define BYTES(...)                        \
	(const uint8_t[]){ __VA_ARGS__ }, \
		sizeof((const uint8_t[]){ __VA_ARGS__ })

struct place {
	uint32_t offset; /* 0 = no more, but in the first */
	uint64_t rule;
};

static const struct function {
	const char *name;
	const uint8_t *code;
	size_t size;
	struct place places[6];
} functions[] = {
	{ "saves, two ways out, one a tail call",
	  BYTES(0x41, 0x54,		/* push %r12 */
		0x55,			/* push %rbp */
		0x48, 0x89, 0xfd,	/* mov %rdi,%rbp */
		0x48, 0x83, 0xec, 0x08, /* sub $8,%rsp */
		0xff, 0xd0,		/* call *%rax */
		0x48, 0x85, 0xc0,	/* test %rax,%rax */
		0x74, 0x09,		/* je 1f */
		0x48, 0x83, 0xc4, 0x08, /* add $8,%rsp */
		0x5d,			/* pop %rbp */
		0x41, 0x5c,		/* pop %r12 */
		0xff, 0xe0,		/* jmp *%rax */
		0x48, 0x83, 0xc4, 0x08, /* 1: add $8,%rsp */
		0x31, 0xc0,		/* xor %eax,%eax */
		0x5d,			/* pop %rbp */
		0x41, 0x5c,		/* pop %r12 */
		0xc3),			/* ret */
	  { { 0, STACK(8) },
	    { 11, STACK(32) | SAVED_FP(24) },
	    { 24, STACK(8) },
	    { 26, STACK(32) | SAVED_FP(24) },
	    { 35, STACK(8) } } },
	{ "frame pointer, stack pointer lost and found",
	  BYTES(0x55,			/* push %rbp */
		0x48, 0x89, 0xe5,	/* mov %rsp,%rbp */
		0x53,			/* push %rbx */
		0x48, 0x29, 0xc4,	/* sub %rax,%rsp */
		0x48, 0x83, 0xe4, 0xf0, /* and $-16,%rsp */
		0xff, 0xd2,		/* call *%rdx */
		0x48, 0x8d, 0x65, 0xf8, /* lea -8(%rbp),%rsp */
		0x5b,			/* pop %rbx */
		0x5d,			/* pop %rbp */
		0xc3),			/* ret */
	  { { 0, STACK(8) },
	    { 13, FRAME(16) | SAVED_FP(16) | SAVED_BASE(24) },
	    { 18, STACK(24) | SAVED_FP(16) | SAVED_BASE(24) },
	    { 20, STACK(8) } } },
	{ "leave",
	  BYTES(0x55,			/* push %rbp */
		0x48, 0x89, 0xe5,	/* mov %rsp,%rbp */
		0x48, 0x83, 0xec, 0x40, /* sub $64,%rsp */
		0xc9,			/* leave */
		0xc3),			/* ret */
	  { { 0, STACK(8) },
	    { 8, STACK(80) | SAVED_FP(16) },
	    { 9, STACK(8) } } },
	{ "saves by mov",
	  BYTES(0x48, 0x89, 0x5c, 0x24, 0xf0, /* mov %rbx,-16(%rsp) */
		0x48, 0x89, 0x6c, 0x24, 0xf8, /* mov %rbp,-8(%rsp) */
		0x48, 0x83, 0xec, 0x18,	      /* sub $24,%rsp */
		0x48, 0x89, 0xfb,	      /* mov %rdi,%rbx */
		0xff, 0xd7,		      /* call *%rdi */
		0x48, 0x8b, 0x5c, 0x24, 0x08, /* mov 8(%rsp),%rbx */
		0x48, 0x8b, 0x6c, 0x24, 0x10, /* mov 16(%rsp),%rbp */
		0x48, 0x83, 0xc4, 0x18,	      /* add $24,%rsp */
		0xc3),			      /* ret */
	  { { 0, STACK(8) },
	    { 18, STACK(32) | SAVED_FP(16) | SAVED_BASE(24) },
	    { 33, STACK(8) } } },
	{ "a call that does not return, a function behind it",
	  BYTES(0x53,			      /* push %rbx */
		0x85, 0xff,		      /* test %edi,%edi */
		0x74, 0x02,		      /* je 1f */
		0x5b,			      /* pop %rbx */
		0xc3,			      /* ret */
		0xff, 0xd7,		      /* 1: call *%rdi */
		0x0f, 0x1f, 0x80, 0, 0, 0, 0, /* nopl */
		0x48, 0x83, 0xec, 0x18,	      /* sub $24,%rsp */
		0xff, 0xd6,		      /* call *%rsi */
		0x48, 0x83, 0xc4, 0x18,	      /* add $24,%rsp */
		0xc3),			      /* ret */
	  { { 0, STACK(8) },
	    { 8, STACK(16) | SAVED_BASE(16) },
	    { 16, STACK(8) },
	    { 21, STACK(32) },
	    { 26, STACK(8) } } },
	{ "alternatives behind a computed jump",
	  BYTES(0x53,		  /* push %rbx */
		0x48, 0x89, 0xfb, /* mov %rdi,%rbx */
		0x83, 0xff, 0x03, /* cmp $3,%edi */
		0x77, 0x0b,	  /* ja 9f */
		0xff, 0xe0,	  /* jmp *%rax */
		0xff, 0xd3,	  /* call *%rbx */
		0xeb, 0x05,	  /* jmp 9f */
		0x48, 0x89, 0xdf, /* mov %rbx,%rdi */
		0xff, 0xd7,	  /* call *%rdi */
		0x5b,		  /* 9: pop %rbx */
		0xc3),		  /* ret */
	  { { 0, STACK(8) },
	    { 12, STACK(16) | SAVED_BASE(16) },
	    { 19, STACK(16) | SAVED_BASE(16) },
	    { 21, STACK(8) } } },
	{ "high bytes of registers: not rsp, not rbp",
	  BYTES(0x48, 0x83, 0xec, 0x08, /* sub $8,%rsp */
		0xb4, 0x01,		/* mov $1,%ah */
		0xb5, 0x02,		/* mov $2,%ch */
		0xb7, 0x03,		/* mov $3,%bh */
		0x00, 0xc4,		/* add %al,%ah */
		0xff, 0xd7,		/* call *%rdi */
		0x48, 0x83, 0xc4, 0x08, /* add $8,%rsp */
		0xc3),			/* ret */
	  { { 0, STACK(8) }, { 13, STACK(16) }, { 18, STACK(8) } } },
	{ "arguments on the stack",
	  BYTES(0x48, 0x83, 0xec, 0x08, /* sub $8,%rsp */
		0x6a, 0x01,		/* push $1 */
		0xff, 0x77, 0x08,	/* push 8(%rdi) */
		0xff, 0xd0,		/* call *%rax */
		0x48, 0x83, 0xc4, 0x10, /* add $16,%rsp */
		0x48, 0x83, 0xc4, 0x08, /* add $8,%rsp */
		0xc3),			/* ret */
	  { { 0, STACK(8) },
	    { 10, STACK(32) },
	    { 15, STACK(16) },
	    { 19, STACK(8) } } },
	{ "returns at the wrong depth",
	  BYTES(0x48, 0x83, 0xec, 0x18, /* sub $24,%rsp */
		0xff, 0xd7,		/* call *%rdi */
		0x48, 0x83, 0xc4, 0x10, /* add $16,%rsp */
		0xc3),			/* ret */
	  { { 0, UNWIND_NO_CFI }, { 5, UNWIND_NO_CFI } } },
	{ "calls where the stack is not aligned",
	  BYTES(0x48, 0x83, 0xec, 0x10, /* sub $16,%rsp */
		0xff, 0xd7,		/* call *%rdi */
		0x48, 0x83, 0xc4, 0x10, /* add $16,%rsp */
		0xc3),			/* ret */
	  { { 0, UNWIND_NO_CFI }, { 5, UNWIND_NO_CFI } } },
	{ "pops what it has not pushed",
	  BYTES(0x58,	    /* pop %rax */
		0x59,	    /* pop %rcx */
		0xff, 0xd7, /* call *%rdi */
		0x51,	    /* push %rcx */
		0x50,	    /* push %rax */
		0xc3),	    /* ret */
	  { { 0, UNWIND_NO_CFI }, { 3, UNWIND_NO_CFI } } },
	{ "two ways that meet with different frames",
	  BYTES(0x85, 0xff,		/* test %edi,%edi */
		0x74, 0x04,		/* je 1f */
		0x48, 0x83, 0xec, 0x18, /* sub $24,%rsp */
		0xff, 0xd7,		/* 1: call *%rdi */
		0x48, 0x83, 0xc4, 0x18, /* add $24,%rsp */
		0xc3),			/* ret */
	  { { 0, UNWIND_NO_CFI }, { 9, UNWIND_NO_CFI } } },
	{ "no code",
	  BYTES(0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x60),
	  { { 0, UNWIND_NO_CFI }, { 5, UNWIND_NO_CFI } } },
};

/* Rows as they are given; they ascend and differ. */
struct rows {
	uint64_t addresses[64], rules[64];
	size_t count;
};

static void take_row(void *context, uint64_t address, uint64_t rule)
{
	struct rows *rows = context;

	assert_true(rows->count < 64);
	if (rows->count) {
		assert_true(address > rows->addresses[rows->count - 1]);
		assert_int_not_equal(rule, rows->rules[rows->count - 1]);
	}
	rows->addresses[rows->count] = address;
	rows->rules[rows->count++] = rule;
}

static uint64_t rule_at(const struct rows *rows, uint64_t address)
{
	uint64_t rule = UNWIND_NO_CFI;
	size_t i;

	for (i = 0; i < rows->count && rows->addresses[i] <= address; i++)
		rule = rows->rules[i];
	return rule;
}

/* Analyses a copy on the heap: reads beyond its end are seen. */
static void analyse(struct rows *rows, const uint8_t *code, size_t size,
		    uint64_t entry_point, const call_target_vector *targets)
{
	uint8_t *copy = malloc(size);
	struct elf_span span = { copy, size, ADDRESS };

	assert_non_null(copy);
	memcpy(copy, code, size);
	rows->count = 0;
	assert_int_equal(code_rules_give(&span, entry_point, targets, take_row,
					 rows),
			 0);
	free(copy);
}

static void test_functions(void **state)
{
	const call_target_vector none = { 0 };
	struct rows rows;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const struct function *function = &functions[i];

		analyse(&rows, function->code, function->size, 0, &none);
		for (j = 0; !j || function->places[j].offset; j++) {
			const struct place *place = &function->places[j];
			uint64_t rule = rule_at(&rows, ADDRESS + place->offset);

			if (rule != place->rule)
				fail_msg("%s +%u: rule %016lx, expected %016lx",
					 function->name, place->offset,
					 (unsigned long)rule,
					 (unsigned long)place->rule);
		}
	}
}

/* Every beginning of every function: cut off anywhere, nothing is read. */
static void test_cut_off(void **state)
{
	const call_target_vector none = { 0 };
	struct rows rows;
	size_t i, size;

	(void)state;
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		for (size = 1; size < functions[i].size; size++)
			analyse(&rows, functions[i].code, size, 0, &none);
}

/* As musl begins: nobody called it, and what it calls is another function. */
static void test_entry_point(void **state)
{
	static const uint8_t code[] = {
		0x48, 0x31, 0xed,	   /* xor %rbp,%rbp */
		0x48, 0x89, 0xe7,	   /* mov %rsp,%rdi */
		0x48, 0x83, 0xe4, 0xf0,	   /* and $-16,%rsp */
		0xe8, 1,    0,	  0,	0, /* call 1f */
		0xf4,			   /* hlt */
		0x53,			   /* 1: push %rbx */
		0xff, 0xd7,		   /* call *%rdi */
		0x5b,			   /* pop %rbx */
		0xc3,			   /* ret */
	};
	struct elf_sections sections = {
		.code = { { code, sizeof(code), ADDRESS } },
		.code_count = 1,
	};
	call_target_vector targets = { 0 };
	struct rows rows;

	(void)state;
	assert_int_equal(code_rules_call_targets(&sections, &targets), 0);
	assert_int_equal(targets.count, 1);
	assert_int_equal(targets.items[0], ADDRESS + 16);
	analyse(&rows, code, sizeof(code), ADDRESS, &targets);
	assert_int_equal(rule_at(&rows, ADDRESS), UNWIND_END);
	assert_int_equal(rule_at(&rows, ADDRESS + 14), UNWIND_END);
	assert_int_equal(rule_at(&rows, ADDRESS + 18),
			 STACK(16) | SAVED_BASE(16));
	assert_int_equal(rule_at(&rows, ADDRESS + 20), STACK(8));
	vector_free(&targets);
}

static void test_padding(void **state)
{
	static const uint8_t padding[] = { 0x90, 0x66, 0x90, 0x0f,
					   0x1f, 0x00, 0xcc };
	static const uint8_t code[] = { 0x90, 0xc3 };

	(void)state;
	assert_true(code_rules_is_padding(
		&(struct elf_span){ padding, sizeof(padding), ADDRESS }));
	assert_true(code_rules_is_padding(
		&(struct elf_span){ padding, 0, ADDRESS }));
	assert_false(code_rules_is_padding(
		&(struct elf_span){ code, sizeof(code), ADDRESS }));
	/* A nop cut off is none. */
	assert_false(code_rules_is_padding(
		&(struct elf_span){ padding, 5, ADDRESS }));
}

/* What row_builder_add() relies on. */
static void check_row(void *context, uint64_t address, uint64_t rule)
{
	struct place *last = context;

	assert_in_range(address, ADDRESS + last->offset, ADDRESS + 4095);
	assert_int_not_equal(rule, last->rule);
	*last = (struct place){ (uint32_t)(address - ADDRESS) + 1, rule };
}

/* Bytes at random: an end, and rows that ascend. */
static void test_random(void **state)
{
	const call_target_vector none = { 0 };
	struct elf_span span = { NULL, 4096, ADDRESS };
	uint8_t *bytes = malloc(span.size);
	uint64_t random = 1;
	unsigned round, i;

	(void)state;
	assert_non_null(bytes);
	span.bytes = bytes;
	for (round = 0; round < 200; round++) {
		struct place last = { 0, UNWIND_NO_CFI };

		for (i = 0; i < span.size; i++) {
			random = random * 6364136223846793005ULL + 1;
			bytes[i] = (uint8_t)(random >> 56);
		}
		assert_int_equal(code_rules_give(&span, ADDRESS + 7, &none,
						 check_row, &last),
				 0);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_entry_point),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
