// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules by address into rows by page: see row_builder.h. */
#include "unwind/row_builder.h"

#include <errno.h>

#include "util/cleanup.h"

int row_builder_init(struct row_builder *builder,
		     struct rule_dictionary *dictionary, uint64_t start,
		     uint64_t end)
{
	uint64_t first = start >> UNWIND_PAGE_SHIFT;
	uint64_t last = (end - 1) >> UNWIND_PAGE_SHIFT;

	*builder = (struct row_builder){
		.dictionary = dictionary,
		.first_page = first,
		.page_count = (uint32_t)(last - first + 1),
		.last_rule = UNWIND_NO_CFI,
		.last_id = UNWIND_NO_CFI,
	};
	builder->page_rows = calloc((size_t)builder->page_count + 1,
				    sizeof(*builder->page_rows));
	return builder->page_rows ? 0 : -ENOMEM;
}

static void push_row(struct row_builder *builder, uint64_t address, uint16_t id)
{
	if (builder->rows.count == builder->rows.capacity &&
	    vector_reserve(&builder->rows, 1)) {
		builder->failed = true;
		return;
	}
	builder->rows.items[builder->rows.count++] = UNWIND_ROW(address, id);
}

/* Begins every page up to the index, each with the rule that still holds. */
static void begin_pages(struct row_builder *builder, uint32_t count)
{
	while (builder->pages < count && !builder->failed) {
		builder->page_rows[builder->pages++] =
			(uint32_t)builder->rows.count;
		push_row(builder, 0, builder->last_id);
	}
}

void row_builder_add(struct row_builder *builder, uint64_t address,
		     uint64_t rule)
{
	uint64_t page = (address >> UNWIND_PAGE_SHIFT) - builder->first_page;
	uint32_t *last;

	if (builder->failed || page >= builder->page_count)
		return;
	begin_pages(builder, (uint32_t)page + 1);
	if (builder->failed || rule == builder->last_rule)
		return;
	builder->last_rule = rule;
	builder->last_id = rule_dictionary_id(builder->dictionary, rule);
	last = &builder->rows.items[builder->rows.count - 1];
	if (*last >> 16 == (address & 0xffff))
		*last = UNWIND_ROW(address, builder->last_id);
	else
		push_row(builder, address, builder->last_id);
}

int row_builder_finish(struct row_builder *builder, struct row_table *table)
{
	begin_pages(builder, builder->page_count);
	if (builder->failed)
		return -ENOMEM;
	builder->page_rows[builder->page_count] = (uint32_t)builder->rows.count;
	table->row_count = builder->rows.count;
	table->rows = take(builder->rows.items);
	table->page_count = builder->page_count;
	table->first_page = builder->first_page;
	table->page_rows = take(builder->page_rows);
	return 0;
}

void row_builder_free(struct row_builder *builder)
{
	vector_free(&builder->rows);
	free(builder->page_rows);
	builder->page_rows = NULL;
}
