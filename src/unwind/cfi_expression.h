/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF expressions as call frame information uses them, reduced to the few
 * forms that occur: compilers and hand-written assembly say "a register plus
 * a number" or "the word there, plus a number", and linkers describe PLT
 * entries by one fixed expression.
 * Specification: DWARF 5, sections 2.5 and 6.4.2.
 */
#ifndef LEAKTRACE_UNWIND_CFI_EXPRESSION_H
#define LEAKTRACE_UNWIND_CFI_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

enum cfi_place_kind {
	CFI_PLACE_UNKNOWN,
	CFI_PLACE_REGISTER, /* register + offset */
	CFI_PLACE_DEREF,    /* *(register + offset) + second */
	CFI_PLACE_PLT,	    /* register + offset, and 8 more from byte `second`
			       of a 16-byte entry on */
};

struct cfi_place {
	enum cfi_place_kind kind;
	uint32_t number; /* DWARF register number */
	int64_t offset;
	int64_t second;
};

/* CFI_PLACE_UNKNOWN for everything else, malformed bytes included. */
struct cfi_place cfi_expression_reduce(const uint8_t *bytes, size_t size);

#endif
