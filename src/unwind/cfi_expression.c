// SPDX-License-Identifier: GPL-2.0-or-later
/* DWARF expressions of call frame information: see cfi_expression.h. */
#include "unwind/cfi_expression.h"

#include <dwarf.h>
#include <stdbool.h>

#include "unwind/byte_reader.h"

#define STACK_DEPTH 4
#define PC_NUMBER 16 /* x86-64: the return address column */

/* A value on the expression's stack; a constant has is_constant and offset. */
struct term {
	bool is_constant;
	struct cfi_place place;
};

struct evaluation {
	struct byte_reader reader;
	struct term stack[STACK_DEPTH];
	unsigned depth;
	bool failed;
};

static void push(struct evaluation *evaluation, struct term term)
{
	if (evaluation->depth == STACK_DEPTH) {
		evaluation->failed = true;
		return;
	}
	evaluation->stack[evaluation->depth++] = term;
}

static struct term pop(struct evaluation *evaluation)
{
	if (!evaluation->depth) {
		evaluation->failed = true;
		return (struct term){ .is_constant = true };
	}
	return evaluation->stack[--evaluation->depth];
}

static void push_constant(struct evaluation *evaluation, int64_t value)
{
	push(evaluation, (struct term){
				 .is_constant = true,
				 .place.offset = value,
			 });
}

static void push_register(struct evaluation *evaluation, uint64_t number,
			  int64_t offset)
{
	if (number > UINT32_MAX) {
		evaluation->failed = true;
		return;
	}
	push(evaluation, (struct term){
				 .place = { CFI_PLACE_REGISTER,
					    (uint32_t)number, offset, 0 },
			 });
}

/* Adds to the number that the term ends with. Wraps, as the machine would. */
static void add_number(struct term *term, uint64_t number)
{
	int64_t *target = &term->place.offset;

	if (!term->is_constant && term->place.kind == CFI_PLACE_DEREF)
		target = &term->place.second;
	*target = (int64_t)((uint64_t)*target + number);
}

static void do_sum(struct evaluation *evaluation, bool minus)
{
	struct term second = pop(evaluation);
	struct term first = pop(evaluation);
	uint64_t number;

	if (!second.is_constant) {
		struct term swapped = first;

		if (minus || !first.is_constant) {
			evaluation->failed = true;
			return;
		}
		first = second;
		second = swapped;
	}
	number = (uint64_t)second.place.offset;
	add_number(&first, minus ? -number : number);
	push(evaluation, first);
}

static void do_deref(struct evaluation *evaluation)
{
	struct term term = pop(evaluation);

	if (term.is_constant || term.place.kind != CFI_PLACE_REGISTER) {
		evaluation->failed = true;
		return;
	}
	term.place.kind = CFI_PLACE_DEREF;
	push(evaluation, term);
}

static void do_constant(struct evaluation *evaluation, uint8_t operation)
{
	struct byte_reader *reader = &evaluation->reader;
	size_t size = 1U << ((operation - DW_OP_const1u) / 2);
	bool is_signed = (operation - DW_OP_const1u) & 1;

	push_constant(evaluation,
		      is_signed ? byte_reader_signed(reader, size)
				: (int64_t)byte_reader_number(reader, size));
}

static void do_operation(struct evaluation *evaluation, uint8_t operation)
{
	struct byte_reader *reader = &evaluation->reader;
	struct term term;

	if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31) {
		push_constant(evaluation, operation - DW_OP_lit0);
		return;
	}
	if (operation >= DW_OP_breg0 && operation <= DW_OP_breg31) {
		push_register(evaluation, operation - DW_OP_breg0,
			      byte_reader_sleb(reader));
		return;
	}
	if (operation >= DW_OP_const1u && operation <= DW_OP_const8s) {
		do_constant(evaluation, operation);
		return;
	}
	switch (operation) {
	case DW_OP_bregx: {
		uint64_t number = byte_reader_uleb(reader);

		push_register(evaluation, number, byte_reader_sleb(reader));
		return;
	}
	case DW_OP_constu:
		push_constant(evaluation, (int64_t)byte_reader_uleb(reader));
		return;
	case DW_OP_consts:
		push_constant(evaluation, byte_reader_sleb(reader));
		return;
	case DW_OP_plus_uconst:
		term = pop(evaluation);
		add_number(&term, byte_reader_uleb(reader));
		push(evaluation, term);
		return;
	case DW_OP_plus:
	case DW_OP_minus:
		do_sum(evaluation, operation == DW_OP_minus);
		return;
	case DW_OP_deref:
		do_deref(evaluation);
		return;
	}
	evaluation->failed = true;
}

static bool next_is(struct byte_reader *reader, uint8_t operation)
{
	return byte_reader_u8(reader) == operation;
}

/* A small literal; UINT8_MAX if the next operation is another. */
static uint8_t literal(struct byte_reader *reader)
{
	uint8_t operation = byte_reader_u8(reader);

	if (operation < DW_OP_lit0 || operation > DW_OP_lit31)
		return UINT8_MAX;
	return operation - DW_OP_lit0;
}

/*
 * sp + offset + ((pc & 15) >= second) << 3: what bfd's linkers write for
 * .plt (elf64-x86-64, "eh_frame_plt" tables).
 */
static bool reduce_plt(const uint8_t *bytes, size_t size,
		       struct cfi_place *place)
{
	struct byte_reader reader = byte_reader_over(bytes, size);
	uint8_t base = byte_reader_u8(&reader);
	int64_t offset = byte_reader_sleb(&reader);
	uint8_t threshold;

	if (base < DW_OP_breg0 || base > DW_OP_breg31 ||
	    !next_is(&reader, DW_OP_breg0 + PC_NUMBER) ||
	    byte_reader_sleb(&reader) != 0 || literal(&reader) != 15 ||
	    !next_is(&reader, DW_OP_and))
		return false;
	threshold = literal(&reader);
	if (threshold > 15 || !next_is(&reader, DW_OP_ge) ||
	    literal(&reader) != 3 || !next_is(&reader, DW_OP_shl) ||
	    !next_is(&reader, DW_OP_plus) || byte_reader_left(&reader) ||
	    reader.failed)
		return false;
	*place = (struct cfi_place){ CFI_PLACE_PLT, base - DW_OP_breg0, offset,
				     threshold };
	return true;
}

struct cfi_place cfi_expression_reduce(const uint8_t *bytes, size_t size)
{
	struct evaluation evaluation = {
		.reader = byte_reader_over(bytes, size),
	};
	struct cfi_place unknown = { 0 };
	struct cfi_place plt;

	if (reduce_plt(bytes, size, &plt))
		return plt;
	while (byte_reader_left(&evaluation.reader) && !evaluation.failed)
		do_operation(&evaluation, byte_reader_u8(&evaluation.reader));
	if (evaluation.failed || evaluation.reader.failed ||
	    evaluation.depth != 1 || evaluation.stack[0].is_constant)
		return unknown;
	return evaluation.stack[0].place;
}
