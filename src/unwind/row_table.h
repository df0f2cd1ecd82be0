/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An object's unwind table in the form that the walker searches: rows by page
 * of text (bpf/unwind_abi.h). Compiled from the file's call frame
 * information: .eh_frame, and .debug_frame for the code that it alone covers.
 */
#ifndef LEAKTRACE_UNWIND_ROW_TABLE_H
#define LEAKTRACE_UNWIND_ROW_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "unwind/rule_dictionary.h"
#include "util/error.h"

struct row_table {
	uint32_t *rows; /* UNWIND_ROW: by page, ascending in each */
	size_t row_count;
	uint32_t *page_rows; /* index of each page's first row; one more
				 entry at the end, equal to row_count */
	uint32_t page_count; /* 0 = no unwind tables at all */
	uint64_t first_page; /* ELF virtual address >> UNWIND_PAGE_SHIFT */
	uint64_t functions;  /* FDEs that rows were made from */
	uint64_t malformed;  /* entries passed over */
};

/*
 * Compiles the file image bytes[size]. Code between functions, and code that
 * no table covers, has the rules that code_rules.h finds, else UNWIND_NO_CFI;
 * linkage tables that the linker left undescribed get the rules that their
 * form implies, and an outermost function's or signal restorer's rule holds
 * from the byte before it on, where the return address that leads to it is
 * looked up. Functions outside the executable segments are passed over. An
 * object without call frame information whose code is too large to be searched (ELF_SEARCHED_CODE)
 * gives a table without pages, which is no error.
 * Returns 0, or with *table untouched: -ENOEXEC (not a 64-bit ELF program or
 * library of a known machine), -EINVAL (damaged), -EFBIG (text spread over
 * more than 8 GiB), -ENOMEM. Release with row_table_free().
 */
int row_table_compile(const void *bytes, size_t size,
		      struct rule_dictionary *dictionary,
		      struct row_table *table, struct error *error);

/* The same for the vDSO as it is mapped: bytes[0] is its ELF header. */
int row_table_compile_vdso(const void *bytes, size_t size,
			   struct rule_dictionary *dictionary,
			   struct row_table *table, struct error *error);

void row_table_free(struct row_table *table);

/*
 * The id of the rule at an ELF virtual address: what the walker's search
 * finds. UNWIND_NO_CFI outside the table.
 */
uint16_t row_table_rule_id(const struct row_table *table, uint64_t address);

#endif
