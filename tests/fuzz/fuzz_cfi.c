// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the ELF reader and the CFI compiler, each input as a file and as a
 * mapped image, and checks what a walker relies on: every page has a first
 * row at its first byte, rows ascend, rule ids exist.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "unwind/row_table.h"

static void check_table(const struct row_table *table,
			const struct rule_dictionary *dictionary)
{
	uint32_t page, row;

	for (page = 0; page < table->page_count; page++) {
		row = table->page_rows[page];
		if (row >= table->page_rows[page + 1] || table->rows[row] >> 16)
			abort();
		for (; row < table->page_rows[page + 1]; row++) {
			if (row > table->page_rows[page] &&
			    table->rows[row] >> 16 <= table->rows[row - 1] >>
				    16)
				abort();
			if ((table->rows[row] & 0xffff) >= dictionary->count)
				abort();
		}
	}
	if (table->page_count &&
	    table->page_rows[table->page_count] != table->row_count)
		abort();
}

typedef int compiler(const void *bytes, size_t size,
		     struct rule_dictionary *dictionary,
		     struct row_table *table, struct error *error);

static void try_compiler(compiler *compile, const uint8_t *data, size_t size)
{
	/* Kept from input to input: filling 768 KiB would be most of a run. */
	static struct rule_dictionary dictionary;
	struct row_table table;
	struct error error;

	if (dictionary.count > 1000)
		rule_dictionary_free(&dictionary);
	if (!dictionary.rules && rule_dictionary_init(&dictionary, NULL))
		return;
	if (!compile(data, size, &dictionary, &table, &error)) {
		check_table(&table, &dictionary);
		row_table_free(&table);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_compiler(row_table_compile, data, size);
	try_compiler(row_table_compile_vdso, data, size);
	return 0;
}
