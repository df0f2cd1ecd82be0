/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds a struct row_table from rules by ascending address: splits them into
 * pages, carries the rule over each page's start, joins equal neighbours.
 */
#ifndef LEAKTRACE_UNWIND_ROW_BUILDER_H
#define LEAKTRACE_UNWIND_ROW_BUILDER_H

#include <stdbool.h>

#include "unwind/row_table.h"
#include "util/vector.h"

struct row_builder {
	struct rule_dictionary *dictionary;
	VECTOR(uint32_t) rows;
	uint32_t *page_rows;
	uint32_t page_count; /* of the whole table */
	uint32_t pages;	     /* begun so far */
	uint64_t first_page;
	uint64_t last_rule; /* packed, with its id beside it */
	uint16_t last_id;
	bool failed; /* out of memory */
};

/*
 * Starts a table for the ELF virtual addresses [start, end), start < end.
 * Returns 0 or -ENOMEM.
 */
int row_builder_init(struct row_builder *builder,
		     struct rule_dictionary *dictionary, uint64_t start,
		     uint64_t end);

/*
 * The packed rule holds from address on. Addresses are within the table and
 * do not descend; of two at the same address the later one counts. Failure is
 * told by row_builder_finish().
 */
void row_builder_add(struct row_builder *builder, uint64_t address,
		     uint64_t rule);

/* Moves the result into rows, pages and their counts; 0 or -ENOMEM. */
int row_builder_finish(struct row_builder *builder, struct row_table *table);
void row_builder_free(struct row_builder *builder);

#endif
