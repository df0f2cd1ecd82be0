/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of an ELF file that unwinding needs: call frame information,
 * executable segments, procedure linkage tables. Pure: bytes in, spans into
 * the same bytes out.
 * Specification: System V gABI chapters 4 and 5; Linux Standard Base Core
 * 5.0, section 10.6 (.eh_frame, .eh_frame_hdr).
 */
#ifndef LEAKTRACE_UNWIND_ELF_SECTIONS_H
#define LEAKTRACE_UNWIND_ELF_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Bytes with the ELF virtual address of the first; size 0 = not there. */
struct elf_span {
	const uint8_t *bytes; /* NULL for segments without file contents */
	uint64_t size;
	uint64_t address;
};

/* A part of the file. */
struct elf_range {
	uint64_t offset, size;
};

#define ELF_CODE_SEGMENTS 32
#define ELF_PLTS 4
#define ELF_RANGES (ELF_CODE_SEGMENTS + 16)

/*
 * Executable segments up to this size count as read, for known_code.h: what
 * is searched for is in C libraries and static programs, and reading 100 MB
 * of text would take longer than all the rest.
 */
#define ELF_SEARCHED_CODE (8U << 20)

struct elf_sections {
	uint16_t machine;     /* EM_* */
	uint64_t entry_point; /* ELF virtual address, 0 = none */
	struct elf_span eh_frame;
	bool eh_frame_ends_at_zero; /* its true size is not known */
	struct elf_span debug_frame;
	uint8_t *debug_frame_owned; /* decompressed copy, NULL if in place */
	struct elf_span code[ELF_CODE_SEGMENTS]; /* executable PT_LOADs */
	size_t code_count;
	struct elf_span plts[ELF_PLTS];
	bool plt_is_lazy[ELF_PLTS]; /* .plt: entries push a word and jump */
	size_t plt_count;
	/* What was read of the file: nothing else need be in memory. */
	struct elf_range ranges[ELF_RANGES];
	size_t range_count;
};

/*
 * Reads the file image bytes[size], which must stay for as long as *sections
 * is used. A damaged section table is passed over: what the program headers
 * say is enough. More executable segments than ELF_CODE_SEGMENTS: the rest is
 * code without tables.
 * Of the bytes only sections->ranges matter: where those of an image that is
 * elsewhere zero are not all filled yet, reading it tells the next ones.
 * Returns 0, or with *sections untouched -ENOEXEC (not ELF, not 64-bit
 * little-endian, not an executable or shared object) or -EINVAL (no usable
 * program headers). Release with elf_sections_free().
 */
int elf_sections_read(const void *bytes, size_t size,
		      struct elf_sections *sections, struct error *error);

/*
 * The same for an image as it is mapped, where a segment's bytes are found by
 * address and not by file offset, and section headers are not mapped: the
 * vDSO (vdso(7)), bytes[0] being its ELF header.
 */
int elf_sections_read_mapped(const void *bytes, size_t size,
			     struct elf_sections *sections,
			     struct error *error);

void elf_sections_free(struct elf_sections *sections);

#endif
