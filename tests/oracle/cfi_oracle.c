// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the unwind tables of every ELF program and library below some
 * directories with what libdw makes of the same file: at every row, in the
 * middle of it and at its last byte.
 *
 *	cfi_oracle DIRECTORY|FILE...
 *
 * A place is comparable where libdw describes it by a rule that a packed rule
 * can hold; there the two must be equal. Where libdw's rule cannot be held,
 * the table must say "unsupported", and where libdw has none, "no CFI".
 * Exits 1 on any mismatch, or if nothing was compared.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "bpf/unwind_abi.h"
#include "unwind/row_table.h"
#include "util/cleanup.h"

/* DWARF register numbers; with a link, BASE is where the return address is. */
struct machine {
	int frame, base, stack, address;
	bool has_link;
};

static const struct machine x86_64 = { 6, 3, 7, 16, false };
static const struct machine arm64 = { 29, 30, 31, 30, true };

#define SHOWN_MISMATCHES 40

/* Why a place cannot be compared. */
enum reason {
	COMPARABLE,
	CFA_REGISTER,
	CFA_EXPRESSION,
	SAVED_ELSEWHERE,
	RETURN_ELSEWHERE,
	TOO_LARGE,
	SIGNAL_FORM,
	UNDESCRIBED_PLT,
	BEFORE_OUTERMOST,
	KNOWN_CODE,
	WORKED_OUT,
	LIBDW_REFUSES,
	REASONS,
};

static const char *const reason_text[REASONS] = {
	[COMPARABLE] = "compared",
	[CFA_REGISTER] = "CFA by a register that is not carried along",
	[CFA_EXPRESSION] = "CFA by another expression",
	[SAVED_ELSEWHERE] = "register saved in another way",
	[RETURN_ELSEWHERE] = "return address not below the CFA",
	[TOO_LARGE] = "figures too large for a packed rule",
	[SIGNAL_FORM] = "signal frame of another form",
	[UNDESCRIBED_PLT] = "linkage table that only we describe",
	[BEFORE_OUTERMOST] = "byte before an outermost function",
	[KNOWN_CODE] = "undescribed code known by its bytes or entry point",
	[WORKED_OUT] = "undescribed code, rule worked out from it",
	[LIBDW_REFUSES] = "libdw refuses the entry",
};

static struct {
	struct rule_dictionary dictionary;
	uint64_t files, without_tables, rows, pages, places, mismatches;
	uint64_t by_reason[REASONS];
	double compile_seconds;
} total;

/* reg + offset, or *(reg + offset) + second; CFA as reg is -1. */
struct place {
	bool known, deref, is_plt;
	int reg;
	int64_t offset, second;
};

struct oracle {
	const struct machine *machine;
	Dwarf_CFI *eh_frame, *debug_frame;
};

static bool reduce_plt(const Dwarf_Op *ops, size_t count, struct place *place)
{
	static const uint8_t form[] = {
		DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and,  0,
		DW_OP_ge,    DW_OP_lit3,   DW_OP_shl,	DW_OP_plus,
	};
	size_t i;

	if (count != sizeof(form))
		return false;
	for (i = 0; i < count; i++)
		if (i != 4 && ops[i].atom != form[i])
			return false;
	*place = (struct place){ true,
				 false,
				 true,
				 x86_64.stack,
				 (int64_t)ops[0].number,
				 ops[4].atom - DW_OP_lit0 };
	return true;
}

static void reduce(const Dwarf_Op *ops, size_t count, struct place *place)
{
	int64_t *number = &place->offset;
	size_t i;

	*place = (struct place){ 0 };
	/* libdw shows the CFA that such an expression finds on its stack. */
	if (count > 1 && ops[0].atom == DW_OP_call_frame_cfa &&
	    ops[1].atom >= DW_OP_breg0 && ops[1].atom <= DW_OP_breg31) {
		ops++;
		count--;
	}
	if (!count || reduce_plt(ops, count, place))
		return;
	if (ops[0].atom == DW_OP_call_frame_cfa) {
		place->reg = -1;
	} else if (ops[0].atom == DW_OP_bregx) {
		place->reg = (int)ops[0].number;
		place->offset = (int64_t)ops[0].number2;
	} else if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		place->reg = ops[0].atom - DW_OP_breg0;
		place->offset = (int64_t)ops[0].number;
	} else {
		return;
	}
	for (i = 1; i < count; i++) {
		const Dwarf_Op *op = &ops[i];

		if (op->atom == DW_OP_deref && !place->deref) {
			place->deref = true;
			number = &place->second;
		} else if (op->atom == DW_OP_plus_uconst) {
			*number += (int64_t)op->number;
		} else if (i + 1 < count && op[1].atom == DW_OP_plus &&
			   op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
			*number += op->atom - DW_OP_lit0;
			i++;
		} else if (i + 1 < count && op[1].atom == DW_OP_plus &&
			   op->atom >= DW_OP_const1u &&
			   op->atom <= DW_OP_consts) {
			*number += (int64_t)op->number;
			i++;
		} else {
			return;
		}
	}
	place->known = true;
}

/* What libdw says of one register. */
struct saved {
	enum { SAME, UNDEFINED, AT, ELSEWHERE } how;
	struct place at;
};

static bool get_saved(Dwarf_Frame *frame, int reg, bool is_stack,
		      struct saved *saved)
{
	Dwarf_Op memory[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, reg, memory, &ops, &count))
		return false;
	saved->how = AT;
	if (!count)
		saved->how = ops ? UNDEFINED : SAME;
	else if (ops[count - 1].atom == DW_OP_stack_value)
		saved->how = ELSEWHERE;
	else
		reduce(ops, count, &saved->at);
	/* "sp is the CFA" is what sp always is here. */
	if (saved->how == ELSEWHERE && is_stack && count == 2 &&
	    ops[0].atom == DW_OP_call_frame_cfa)
		saved->how = SAME;
	return true;
}

static enum reason add_save(const struct saved *saved, const struct place *cfa,
			    unsigned shift, uint64_t *rule, int *origin)
{
	int64_t offset = saved->at.offset;

	if (saved->how == SAME || saved->how == UNDEFINED)
		return COMPARABLE;
	if (saved->how != AT || !saved->at.known || saved->at.deref)
		return SAVED_ELSEWHERE;
	if (saved->at.reg != -1) {
		if (saved->at.reg != cfa->reg || cfa->is_plt)
			return SAVED_ELSEWHERE;
		if (!cfa->deref)
			offset -= cfa->offset;
	}
	if (*origin == (saved->at.reg == -1 || !cfa->deref))
		return SAVED_ELSEWHERE; /* the two count differently */
	*origin = !(saved->at.reg == -1 || !cfa->deref);
	if (offset > 0 || offset & 7 || offset < -32752)
		return TOO_LARGE;
	*rule |= (uint64_t)(1 - offset / 8) << shift;
	if (*origin)
		*rule |= UNWIND_SAVES_FROM_REGISTER;
	return COMPARABLE;
}

static enum reason add_cfa(const struct machine *machine,
			   const struct place *cfa, uint64_t *rule)
{
	bool wide = !cfa->deref && !cfa->is_plt;

	if (!cfa->known)
		return CFA_EXPRESSION;
	if (cfa->is_plt)
		*rule = UNWIND_PLT;
	else if (cfa->reg == machine->stack)
		*rule = cfa->deref ? UNWIND_STACK_DEREF : UNWIND_STACK;
	else if (cfa->reg == machine->frame)
		*rule = cfa->deref ? UNWIND_FRAME_DEREF : UNWIND_FRAME;
	else if (cfa->reg == machine->base && !cfa->deref)
		*rule = UNWIND_BASE;
	else
		return CFA_REGISTER;
	if (cfa->offset !=
		    (wide ? (int32_t)cfa->offset : (int16_t)cfa->offset) ||
	    cfa->second != (int16_t)cfa->second)
		return TOO_LARGE;
	*rule |= wide ? (uint64_t)(uint32_t)cfa->offset << 32
		      : (uint64_t)(uint16_t)cfa->offset << 32 |
				 (uint64_t)(uint16_t)cfa->second << 48;
	return COMPARABLE;
}

static bool is_signal_register(const struct saved *saved, int64_t offset)
{
	return saved->how == AT && saved->at.known && !saved->at.deref &&
	       saved->at.reg == x86_64.stack && saved->at.offset == offset;
}

static enum reason frame_rule(const struct machine *machine, Dwarf_Frame *frame,
			      uint64_t *rule)
{
	struct saved address, stack, fp, base;
	struct place cfa;
	enum reason reason;
	Dwarf_Addr start, end;
	Dwarf_Op *ops;
	size_t count;
	bool is_signal;
	int origin = -1;

	if (dwarf_frame_info(frame, &start, &end, &is_signal) < 0 ||
	    !get_saved(frame, machine->address, false, &address) ||
	    !get_saved(frame, machine->stack, true, &stack) ||
	    !get_saved(frame, machine->frame, false, &fp) ||
	    !get_saved(frame, machine->base, false, &base) ||
	    dwarf_frame_cfa(frame, &ops, &count))
		return LIBDW_REFUSES;
	if (address.how == UNDEFINED) {
		*rule = UNWIND_END;
		return COMPARABLE;
	}
	reduce(ops, count, &cfa);
	if (is_signal) {
		*rule = UNWIND_SIGNAL;
		if (cfa.known && cfa.deref && cfa.reg == x86_64.stack &&
		    cfa.offset == 160 && !cfa.second &&
		    is_signal_register(&address, 168) &&
		    is_signal_register(&fp, 120) &&
		    is_signal_register(&base, 128))
			return COMPARABLE;
		return SIGNAL_FORM;
	}
	reason = add_cfa(machine, &cfa, rule);
	if (reason)
		return reason;
	if (stack.how != SAME)
		return SAVED_ELSEWHERE;
	if (!machine->has_link &&
	    (address.how != AT || !address.at.known || address.at.deref ||
	     address.at.reg != -1 || address.at.offset != -8))
		return RETURN_ELSEWHERE;
	reason = add_save(&fp, &cfa, UNWIND_FRAME_SAVE_SHIFT, rule, &origin);
	if (!reason)
		reason = add_save(&base, &cfa, UNWIND_BASE_SAVE_SHIFT, rule,
				  &origin);
	return reason;
}

/* libdw's packed rule at an address. */
static enum reason oracle_rule(const struct oracle *oracle, uint64_t address,
			       uint64_t *rule)
{
	Dwarf_Frame *frame = NULL;
	enum reason reason;

	if (!(oracle->eh_frame &&
	      !dwarf_cfi_addrframe(oracle->eh_frame, address, &frame)) &&
	    !(oracle->debug_frame &&
	      !dwarf_cfi_addrframe(oracle->debug_frame, address, &frame))) {
		*rule = UNWIND_NO_CFI;
		if (!strcmp(dwarf_errmsg(-1), "no matching address range"))
			return COMPARABLE;
		return LIBDW_REFUSES;
	}
	reason = frame_rule(oracle->machine, frame, rule);
	free(frame);
	return reason;
}

static void compare(const char *path, const struct row_table *table,
		    const struct oracle *oracle, uint64_t address)
{
	uint64_t ours =
		total.dictionary.rules[row_table_rule_id(table, address)];
	uint64_t theirs = 0;
	enum reason reason = oracle_rule(oracle, address, &theirs);

	total.places++;
	if (!reason && theirs == UNWIND_NO_CFI &&
	    (ours == (UNWIND_STACK | 8ULL << 32) || ours == UNWIND_STACK ||
	     ours == (UNWIND_PLT | 8ULL << 32 | 11ULL << 48)))
		reason = UNDESCRIBED_PLT;
	if (!reason && theirs == UNWIND_NO_CFI &&
	    (UNWIND_RULE_TYPE(ours) == UNWIND_END ||
	     UNWIND_RULE_TYPE(ours) == UNWIND_SIGNAL)) {
		reason = KNOWN_CODE;
		if (!oracle_rule(oracle, address + 1, &theirs) &&
		    ours == (theirs | UNWIND_AT_FIRST_BYTE))
			reason = BEFORE_OUTERMOST;
	}
	if (!reason && theirs == UNWIND_NO_CFI && (ours & UNWIND_GUESSED))
		reason = WORKED_OUT;
	total.by_reason[reason]++;
	if (reason >= UNDESCRIBED_PLT)
		return;
	if (ours == (reason ? (uint64_t)UNWIND_UNSUPPORTED : theirs))
		return;
	if (total.mismatches++ < SHOWN_MISMATCHES)
		printf("MISMATCH %s %#" PRIx64 ": ours %016" PRIx64
		       " libdw %016" PRIx64 " (%s)\n",
		       path, address, ours, theirs, reason_text[reason]);
}

static void compare_table(const char *path, const struct row_table *table,
			  const struct oracle *oracle)
{
	uint64_t page_end, start, end;
	uint32_t page, row;

	for (page = 0; page < table->page_count; page++) {
		page_end = (table->first_page + page + 1) << UNWIND_PAGE_SHIFT;
		for (row = table->page_rows[page];
		     row < table->page_rows[page + 1]; row++) {
			start = page_end - (1U << UNWIND_PAGE_SHIFT) +
				(table->rows[row] >> 16);
			end = page_end;
			if (row + 1 < table->page_rows[page + 1])
				end = page_end - (1U << UNWIND_PAGE_SHIFT) +
				      (table->rows[row + 1] >> 16);
			compare(path, table, oracle, start);
			compare(path, table, oracle, start + (end - start) / 2);
			compare(path, table, oracle, end - 1);
		}
	}
}

static void compare_with_libdw(const char *path, int fd,
			       const struct row_table *table)
{
	struct oracle oracle = { 0 };
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	Elf64_Ehdr *header;
	Dwarf *dwarf;

	if (!elf)
		return;
	dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	header = elf64_getehdr(elf);
	oracle.machine = header && header->e_machine == EM_AARCH64 ? &arm64
								   : &x86_64;
	oracle.eh_frame = dwarf_getcfi_elf(elf);
	oracle.debug_frame = dwarf ? dwarf_getcfi(dwarf) : NULL;
	compare_table(path, table, &oracle);
	if (oracle.eh_frame)
		dwarf_cfi_end(oracle.eh_frame);
	dwarf_end(dwarf);
	elf_end(elf);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void compare_file(const char *path, size_t size)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct row_table table = { 0 };
	struct error error;
	double started;
	void *bytes;
	int status;

	if (fd < 0 || !size)
		return;
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return;
	started = seconds();
	status = row_table_compile(bytes, size, &total.dictionary, &table,
				   &error);
	total.compile_seconds += seconds() - started;
	if (!status) {
		total.files++;
		total.without_tables += !table.page_count;
		total.rows += table.row_count;
		total.pages += table.page_count;
		compare_with_libdw(path, fd, &table);
		row_table_free(&table);
	} else if (status != -ENOEXEC) {
		printf("%s: %s\n", path, error.message);
	}
	munmap(bytes, size);
}

static int visit(const char *path, const struct stat *status, int type,
		 struct FTW *place)
{
	(void)place;
	if (type == FTW_F && S_ISREG(status->st_mode))
		compare_file(path, (size_t)status->st_size);
	return 0;
}

int main(int argument_count, char **arguments)
{
	unsigned reason;
	int i;

	elf_version(EV_CURRENT);
	if (rule_dictionary_init(&total.dictionary, NULL))
		return 1;
	for (i = 1; i < argument_count; i++)
		nftw(arguments[i], visit, 32, FTW_PHYS);
	printf("%" PRIu64 " files (%" PRIu64 " without tables), %" PRIu64
	       " rows, %" PRIu64 " pages, %u rules, %.2f bytes a row, "
	       "compiled in %.2f s\n",
	       total.files, total.without_tables, total.rows, total.pages,
	       total.dictionary.count,
	       total.rows ? 4 + 8.0 * (double)total.pages / (double)total.rows
			  : 0,
	       total.compile_seconds);
	for (reason = COMPARABLE; reason < REASONS; reason++)
		printf("%12" PRIu64 " %s\n", total.by_reason[reason],
		       reason ? reason_text[reason] : "places compared");
	printf("%12" PRIu64 " mismatches\n", total.mismatches);
	reason = total.mismatches || !total.by_reason[COMPARABLE];
	rule_dictionary_free(&total.dictionary);
	return (int)reason;
}
