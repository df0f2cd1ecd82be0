// SPDX-License-Identifier: GPL-2.0-or-later
/* One module's tables in the kernel: see module_tables.h. */
#include "unwind/module_tables.h"

#include <string.h>

#include "util/cleanup.h"

/* Mappings begin at pages of memory, segments anywhere in their first. */
#define MEMORY_PAGE 4096ULL

void module_segments_read(const void *bytes, size_t size, bool mapped,
			  struct module_segments *segments)
{
	cleanup(elf_sections_free) struct elf_sections sections = { 0 };
	int status;
	size_t i;

	segments->count = 0;
	status = mapped ? elf_sections_read_mapped(bytes, size, &sections, NULL)
			: elf_sections_read(bytes, size, &sections, NULL);
	if (status)
		return;
	for (i = 0; i < sections.code_count; i++) {
		const struct elf_span *code = &sections.code[i];

		segments->items[segments->count++] = (struct module_segment){
			.offset = (uint64_t)(code->bytes -
					     (const uint8_t *)bytes),
			.size = code->size,
			.address = code->address,
		};
	}
}

uint64_t module_bias(const struct module_segments *segments, uint64_t start,
		     uint64_t file_offset)
{
	size_t i;

	for (i = 0; i < segments->count; i++) {
		const struct module_segment *segment = &segments->items[i];
		uint64_t first = segment->offset & ~(MEMORY_PAGE - 1);

		if (file_offset >= first &&
		    file_offset < segment->offset + segment->size)
			return start - (segment->address +
					(file_offset - segment->offset));
	}
	return start - file_offset;
}

/* The rows of one page; they must lie in one chunk. */
static int write_page(struct table_chunks *chunks,
		      const struct row_table *table, uint32_t page,
		      uint64_t *entry, struct error *error)
{
	uint32_t first = table->page_rows[page];
	uint32_t count = table->page_rows[page + 1] - first;
	struct table_place place;
	int status = table_chunks_take(chunks, count * sizeof(uint32_t),
				       sizeof(uint32_t), &place, error);

	if (status)
		return status;
	memcpy(table_chunks_at(chunks, place), table->rows + first,
	       count * sizeof(uint32_t));
	*entry = UNWIND_PAGE(place.chunk, place.offset / sizeof(uint32_t),
			     count);
	return 0;
}

int module_tables_write(struct table_chunks *chunks,
			const struct row_table *table,
			struct unwind_module *module, struct error *error)
{
	struct table_place place = { 0 };
	uint64_t *pages;
	uint32_t page;
	int status;

	if (!table->page_count)
		return 0;
	status = table_chunks_take(chunks, table->page_count * sizeof(*pages),
				   sizeof(*pages), &place, error);
	if (status)
		return status;
	pages = table_chunks_at(chunks, place);
	for (page = 0; page < table->page_count; page++) {
		status = write_page(chunks, table, page, &pages[page], error);
		if (status)
			return status;
	}
	module->first_page = table->first_page;
	module->chunk = place.chunk;
	module->first = place.offset / sizeof(*pages);
	/* A module without pages has no tables: the count completes it. */
	__atomic_store_n(&module->page_count, table->page_count,
			 __ATOMIC_RELEASE);
	return 0;
}
