/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One module's tables in the kernel: its rows and page index in chunks, and
 * what turns a mapping of its file into a load bias.
 */
#ifndef LEAKTRACE_UNWIND_MODULE_TABLES_H
#define LEAKTRACE_UNWIND_MODULE_TABLES_H

#include "unwind/elf_sections.h"
#include "unwind/row_table.h"
#include "unwind/table_chunks.h"

/* An executable segment: where it is in the file and in the object. */
struct module_segment {
	uint64_t offset, size; /* in the file */
	uint64_t address;      /* ELF virtual */
};

struct module_segments {
	struct module_segment items[ELF_CODE_SEGMENTS];
	size_t count;
};

/* The executable segments of an image, for module_bias(). */
void module_segments_read(const void *bytes, size_t size, bool mapped,
			  struct module_segments *segments);

/*
 * The load bias of a mapping that starts at start with the file's offset: of
 * the segment that the offset belongs to. Where none does (no ELF file), ELF
 * virtual addresses are file offsets.
 */
uint64_t module_bias(const struct module_segments *segments, uint64_t start,
		     uint64_t file_offset);

/*
 * Writes a table into chunks and describes it in *module. Returns 0 or
 * -errno of table_chunks_take(); *module is written last and at once usable.
 */
int module_tables_write(struct table_chunks *chunks,
			const struct row_table *table,
			struct unwind_module *module, struct error *error);

#endif
