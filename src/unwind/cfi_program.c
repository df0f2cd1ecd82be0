// SPDX-License-Identifier: GPL-2.0-or-later
/* Call frame instructions, executed into rows: see cfi.h. */
#include <dwarf.h>

#include "bpf/unwind_abi.h"
#include "unwind/byte_reader.h"
#include "unwind/cfi.h"

/* Compilers nest remember/restore once; assembly hardly more. */
#define REMEMBERED_STATES 16
#define NO_RULE UINT64_MAX

struct run {
	const struct cfi_entries *entries;
	const struct cfi_common *common;
	struct byte_reader reader;
	struct cfi_state state;
	struct cfi_state remembered[REMEMBERED_STATES];
	unsigned depth;
	uint64_t location, end;
	uint64_t last_rule;
	bool changed; /* since the last row */
	bool failed;
	cfi_row_sink *sink; /* NULL while a CIE runs */
	void *context;
};

/* The operands of an instruction, by their encoding. */
enum operand {
	NOTHING,
	ULEB,
	SLEB,
	ULEB_FACTORED, /* times the data alignment */
	SLEB_FACTORED,
	ULEB_NEGATED, /* times the data alignment, negated */
	BLOCK,	      /* ULEB length, then an expression */
	DELTA1,	      /* an advance, times the code alignment */
	DELTA2,
	DELTA4,
	DELTA8,
	POINTER,
};

static const struct {
	uint8_t known;
	uint8_t operands[2];
} instructions[0x40] = {
	[DW_CFA_nop] = { 1, { NOTHING, NOTHING } },
	[DW_CFA_set_loc] = { 1, { POINTER } },
	[DW_CFA_advance_loc1] = { 1, { DELTA1 } },
	[DW_CFA_advance_loc2] = { 1, { DELTA2 } },
	[DW_CFA_advance_loc4] = { 1, { DELTA4 } },
	[DW_CFA_MIPS_advance_loc8] = { 1, { DELTA8 } },
	[DW_CFA_offset_extended] = { 1, { ULEB, ULEB_FACTORED } },
	[DW_CFA_restore_extended] = { 1, { ULEB } },
	[DW_CFA_undefined] = { 1, { ULEB } },
	[DW_CFA_same_value] = { 1, { ULEB } },
	[DW_CFA_register] = { 1, { ULEB, ULEB } },
	[DW_CFA_remember_state] = { 1, { NOTHING } },
	[DW_CFA_restore_state] = { 1, { NOTHING } },
	[DW_CFA_def_cfa] = { 1, { ULEB, ULEB } },
	[DW_CFA_def_cfa_register] = { 1, { ULEB } },
	[DW_CFA_def_cfa_offset] = { 1, { ULEB } },
	[DW_CFA_def_cfa_expression] = { 1, { BLOCK } },
	[DW_CFA_expression] = { 1, { ULEB, BLOCK } },
	[DW_CFA_offset_extended_sf] = { 1, { ULEB, SLEB_FACTORED } },
	[DW_CFA_def_cfa_sf] = { 1, { ULEB, SLEB_FACTORED } },
	[DW_CFA_def_cfa_offset_sf] = { 1, { SLEB_FACTORED } },
	[DW_CFA_val_offset] = { 1, { ULEB, ULEB_FACTORED } },
	[DW_CFA_val_offset_sf] = { 1, { ULEB, SLEB_FACTORED } },
	[DW_CFA_val_expression] = { 1, { ULEB, BLOCK } },
	/* arm64: whether the return address is signed from here on. */
	[DW_CFA_AARCH64_negate_ra_state] = { 1, { NOTHING } },
	[DW_CFA_GNU_args_size] = { 1, { ULEB } },
	[DW_CFA_GNU_negative_offset_extended] = { 1, { ULEB, ULEB_NEGATED } },
};

/* A decoded operand: a number, or the bytes of an expression. */
struct value {
	uint64_t number;
	const uint8_t *block;
};

static struct value read_operand(struct run *run, uint8_t operand)
{
	struct byte_reader *reader = &run->reader;
	uint64_t code = run->common->code_alignment;
	uint64_t data = (uint64_t)run->common->data_alignment;
	struct value value = { 0 };

	switch (operand) {
	case ULEB:
		value.number = byte_reader_uleb(reader);
		break;
	case SLEB:
		value.number = (uint64_t)byte_reader_sleb(reader);
		break;
	case ULEB_FACTORED:
		value.number = byte_reader_uleb(reader) * data;
		break;
	case SLEB_FACTORED:
		value.number = (uint64_t)byte_reader_sleb(reader) * data;
		break;
	case ULEB_NEGATED:
		value.number = -(byte_reader_uleb(reader) * data);
		break;
	case BLOCK:
		value.number = byte_reader_uleb(reader);
		value.block = byte_reader_take(reader, value.number);
		break;
	case DELTA1:
	case DELTA2:
	case DELTA4:
	case DELTA8:
		value.number =
			byte_reader_number(reader, 1U << (operand - DELTA1)) *
			code;
		break;
	case POINTER:
		value.number = pointer_read(reader,
					    run->common->pointer_encoding,
					    &run->entries->bases);
		break;
	}
	return value;
}

/* The slot of a DWARF register number, or NULL if it does not matter. */
static struct cfi_save *save_of(struct run *run, uint64_t number)
{
	const struct cfi_machine *machine = run->entries->machine;
	unsigned i;

	for (i = 0; i < CFI_REGISTERS; i++)
		if (machine->number[i] == number)
			return &run->state.saves[i];
	return NULL;
}

static void set_save(struct run *run, uint64_t number, enum cfi_save_kind kind,
		     struct cfi_place place)
{
	struct cfi_save *save = save_of(run, number);

	if (!save)
		return;
	*save = (struct cfi_save){ kind, place };
	run->changed = true;
}

/* Back to what the CIE's initial instructions say. */
static void restore_save(struct run *run, uint64_t number)
{
	struct cfi_save *save = save_of(run, number);

	if (!run->sink)
		run->failed = true; /* meaningless in a CIE */
	if (!save)
		return;
	*save = run->common->state.saves[save - run->state.saves];
	run->changed = true;
}

/* Gives the row that holds from the current location on, if it is new. */
static void give_row(struct run *run)
{
	uint64_t rule;

	if (!run->changed)
		return;
	run->changed = false;
	rule = cfi_rule_pack(run->entries->machine, &run->state,
			     run->common->is_signal_frame);
	if (rule == run->last_rule)
		return;
	run->last_rule = rule;
	run->sink(run->context, run->location, rule);
}

static void advance_to(struct run *run, uint64_t location)
{
	if (!run->sink || location < run->location) {
		run->failed = true;
		return;
	}
	if (location == run->location)
		return;
	give_row(run);
	/* Rows behind the function's end are nobody's: stop there. */
	if (location >= run->end)
		run->reader.next = run->reader.end;
	run->location = location;
}

static void advance_by(struct run *run, uint64_t delta)
{
	uint64_t location;

	if (__builtin_add_overflow(run->location, delta, &location))
		run->failed = true;
	else
		advance_to(run, location);
}

static void remember(struct run *run)
{
	if (run->depth == REMEMBERED_STATES)
		run->failed = true;
	else
		run->remembered[run->depth++] = run->state;
}

static void recall(struct run *run)
{
	if (!run->depth)
		run->failed = true;
	else
		run->state = run->remembered[--run->depth];
}

static void set_cfa(struct run *run, uint64_t number, uint64_t offset)
{
	if (number > UINT32_MAX) {
		run->failed = true;
		return;
	}
	run->state.cfa = (struct cfi_place){ CFI_PLACE_REGISTER,
					     (uint32_t)number, (int64_t)offset,
					     0 };
}

/* DWARF 5, 6.4.2.2: these two need a CFA that is register and offset. */
static void change_cfa(struct run *run, uint8_t instruction, uint64_t number)
{
	struct cfi_place *cfa = &run->state.cfa;

	if (cfa->kind != CFI_PLACE_REGISTER)
		run->failed = true;
	else if (instruction == DW_CFA_def_cfa_register)
		set_cfa(run, number, (uint64_t)cfa->offset);
	else
		cfa->offset = (int64_t)number;
}

static bool do_cfa(struct run *run, uint8_t instruction, struct value first,
		   struct value second)
{
	switch (instruction) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
		set_cfa(run, first.number, second.number);
		return true;
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
		change_cfa(run, instruction, first.number);
		return true;
	case DW_CFA_def_cfa_expression:
		run->state.cfa =
			cfi_expression_reduce(first.block, first.number);
		return true;
	case DW_CFA_remember_state:
		remember(run);
		return true;
	case DW_CFA_restore_state:
		recall(run);
		return true;
	case DW_CFA_set_loc:
		advance_to(run, first.number);
		return true;
	case DW_CFA_advance_loc1:
	case DW_CFA_advance_loc2:
	case DW_CFA_advance_loc4:
	case DW_CFA_MIPS_advance_loc8:
		advance_by(run, first.number);
		return true;
	}
	return false;
}

static void do_save(struct run *run, uint8_t instruction, struct value first,
		    struct value second)
{
	struct cfi_place place = { .offset = (int64_t)second.number };
	uint64_t number = first.number;

	switch (instruction) {
	case DW_CFA_offset_extended:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_GNU_negative_offset_extended:
		set_save(run, number, CFI_AT_CFA, place);
		break;
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
		set_save(run, number, CFI_CFA_VALUE, place);
		break;
	case DW_CFA_restore_extended:
		restore_save(run, number);
		break;
	case DW_CFA_undefined:
		set_save(run, number, CFI_UNDEFINED, place);
		break;
	case DW_CFA_same_value:
		set_save(run, number, CFI_SAME, place);
		break;
	case DW_CFA_register:
	case DW_CFA_val_expression:
		set_save(run, number, CFI_OTHER, place);
		break;
	case DW_CFA_expression:
		set_save(run, number, CFI_AT_PLACE,
			 cfi_expression_reduce(second.block, second.number));
		break;
	}
}

/* The instructions with an operand in their first byte. */
static void do_primary(struct run *run, uint8_t byte)
{
	uint8_t low = byte & 0x3f;
	struct value value;

	switch (byte & 0xc0) {
	case DW_CFA_advance_loc:
		advance_by(run, low * run->common->code_alignment);
		return;
	case DW_CFA_offset:
		value = read_operand(run, ULEB_FACTORED);
		set_save(run, low, CFI_AT_CFA,
			 (struct cfi_place){ .offset = (int64_t)value.number });
		return;
	case DW_CFA_restore:
		restore_save(run, low);
		return;
	}
}

static void do_instruction(struct run *run, uint8_t byte)
{
	struct value first = { 0 }, second = { 0 };

	if (byte & 0xc0) {
		do_primary(run, byte);
		return;
	}
	if (!instructions[byte].known ||
	    (byte == DW_CFA_AARCH64_negate_ra_state &&
	     !run->entries->machine->has_link)) {
		run->failed = true;
		return;
	}
	if (instructions[byte].operands[0])
		first = read_operand(run, instructions[byte].operands[0]);
	if (instructions[byte].operands[1])
		second = read_operand(run, instructions[byte].operands[1]);
	if (run->reader.failed)
		return;
	if (do_cfa(run, byte, first, second))
		run->changed = true;
	else
		do_save(run, byte, first, second);
}

/* False where the instructions are malformed. */
static bool run_instructions(struct run *run)
{
	while (byte_reader_left(&run->reader) && !run->failed &&
	       !run->reader.failed)
		do_instruction(run, byte_reader_u8(&run->reader));
	return !run->failed && !run->reader.failed;
}

void cfi_common_run(const struct cfi_entries *entries,
		    struct cfi_common *common, const uint8_t *bytes,
		    size_t size)
{
	struct run run;

	run.entries = entries;
	run.common = common;
	run.reader = byte_reader_over(bytes, size);
	run.state = (struct cfi_state){ 0 };
	run.depth = 0;
	run.location = run.end = 0;
	run.failed = false;
	run.sink = NULL;
	common->usable = run_instructions(&run);
	common->state = run.state;
}

void cfi_function_rows(const struct cfi_entries *entries,
		       const struct cfi_function *function, cfi_row_sink *sink,
		       void *context)
{
	struct run run; /* large, and most of it is used rarely */

	run.entries = entries;
	run.common = &entries->commons.items[function->common];
	run.reader =
		byte_reader_over(function->program, function->program_size);
	run.state = run.common->state;
	run.depth = 0;
	run.location = function->start;
	run.end = function->end;
	run.last_rule = NO_RULE;
	run.changed = true;
	run.failed = false;
	run.sink = sink;
	run.context = context;
	if (run.common->usable && run_instructions(&run)) {
		if (run.location < run.end)
			give_row(&run);
	} else if (run.location < run.end &&
		   run.last_rule != UNWIND_UNSUPPORTED) {
		sink(context, run.location, UNWIND_UNSUPPORTED);
	}
}
