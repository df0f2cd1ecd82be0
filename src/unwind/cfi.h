/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call frame information: entries (CIE, FDE) and the rows that their programs
 * describe, as packed rules (bpf/unwind_abi.h). Pure: bytes in, structs out.
 * Specification: DWARF 5, section 6.4; Linux Standard Base Core 5.0, section
 * 10.6.1 (.eh_frame: augmentations z, R, P, L, S).
 */
#ifndef LEAKTRACE_UNWIND_CFI_H
#define LEAKTRACE_UNWIND_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/cfi_expression.h"
#include "unwind/elf_sections.h"
#include "unwind/pointer_encoding.h"
#include "util/vector.h"

/* The registers whose rules matter: what the walker carries along. */
enum cfi_register {
	CFI_FRAME,  /* frame pointer */
	CFI_BASE,   /* the other register that CFAs are given by */
	CFI_STACK,  /* stack pointer */
	CFI_RETURN, /* return address column */
	CFI_REGISTERS,
};

/* A machine's DWARF register numbers and the layout of its signal frame. */
struct cfi_machine {
	uint16_t elf_machine; /* EM_* */
	uint16_t number[CFI_REGISTERS];
	/*
	 * Calls leave the return address in a register, which is CFI_BASE and
	 * CFI_RETURN at once. Otherwise it is at return_offset from the CFA in
	 * every ordinary frame.
	 */
	bool has_link;
	int64_t return_offset;
	/* In a signal frame: each register's place, from the stack pointer. */
	int64_t signal_offset[CFI_REGISTERS];
	/* Undescribed linkage tables: those that jump first, and others. */
	uint64_t lazy_plt_rule, plt_rule;
};

/* NULL for machines whose rules are not known. */
const struct cfi_machine *cfi_machine_find(uint16_t elf_machine);

/* How a caller's register is found: DWARF 5, section 6.4.1. */
enum cfi_save_kind {
	CFI_SAME, /* same value, also: nothing said */
	CFI_UNDEFINED,
	CFI_AT_CFA,    /* in memory, at CFA + place.offset */
	CFI_CFA_VALUE, /* is CFA + place.offset */
	CFI_AT_PLACE,  /* in memory, at place */
	CFI_OTHER,     /* a rule that no packed rule can hold */
};

struct cfi_save {
	enum cfi_save_kind kind;
	struct cfi_place place;
};

struct cfi_state {
	struct cfi_place cfa;
	struct cfi_save saves[CFI_REGISTERS];
};

/* A common information entry. */
struct cfi_common {
	uint64_t offset; /* of the entry in its section */
	uint64_t code_alignment;
	int64_t data_alignment;
	uint8_t pointer_encoding;
	bool has_augmentation_size; /* 'z': so FDEs have one too */
	bool is_signal_frame;	    /* 'S' */
	bool usable;		    /* else its functions are unsupported */
	struct cfi_state state;	    /* after the initial instructions */
};

/* A frame description entry. Addresses are ELF virtual, end exclusive. */
struct cfi_function {
	uint64_t start, end;
	const uint8_t *program; /* in the section's bytes */
	uint32_t program_size;
	uint32_t common; /* index */
};

struct cfi_entries {
	const struct cfi_machine *machine;
	struct pointer_bases bases;
	VECTOR(struct cfi_common) commons;     /* by ascending offset */
	VECTOR(struct cfi_function) functions; /* in file order */
	uint64_t malformed;		       /* entries passed over */
};

/*
 * Reads all entries of a section, .eh_frame or .debug_frame (their encodings
 * differ). An entry that is malformed is counted and passed over; one whose
 * length cannot be right ends the section. *span must outlive *entries.
 * Returns 0 or -ENOMEM; release with cfi_entries_free().
 */
int cfi_entries_read(const struct elf_span *span, bool is_eh_frame,
		     bool ends_at_zero, const struct cfi_machine *machine,
		     struct cfi_entries *entries);
void cfi_entries_free(struct cfi_entries *entries);

/* Takes the rows of a function: rule applies from address on. */
typedef void cfi_row_sink(void *context, uint64_t address, uint64_t rule);

/*
 * Runs a function's program and gives its rows, by ascending address from
 * start on, never two alike in succession. Where the program is malformed the
 * rest of the function is UNWIND_UNSUPPORTED.
 */
void cfi_function_rows(const struct cfi_entries *entries,
		       const struct cfi_function *function, cfi_row_sink *sink,
		       void *context);

/*
 * Runs a CIE's initial instructions (bytes[size]) into common->state and sets
 * common->usable. For cfi_entries_read().
 */
void cfi_common_run(const struct cfi_entries *entries,
		    struct cfi_common *common, const uint8_t *bytes,
		    size_t size);

/* The packed rule for a state; UNWIND_UNSUPPORTED if none can hold it. */
uint64_t cfi_rule_pack(const struct cfi_machine *machine,
		       const struct cfi_state *state, bool is_signal_frame);

#endif
