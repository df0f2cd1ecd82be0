/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pointers as .eh_frame and .eh_frame_hdr encode them.
 * Specification: Linux Standard Base Core 5.0, section 10.5 (DWARF exception
 * header encoding).
 */
#ifndef LEAKTRACE_UNWIND_POINTER_ENCODING_H
#define LEAKTRACE_UNWIND_POINTER_ENCODING_H

#include "unwind/byte_reader.h"

enum {
	POINTER_ABSOLUTE = 0x00, /* also: of the machine's address size */
	POINTER_ULEB = 0x01,
	POINTER_U16 = 0x02,
	POINTER_U32 = 0x03,
	POINTER_U64 = 0x04,
	POINTER_SLEB = 0x09,
	POINTER_S16 = 0x0a,
	POINTER_S32 = 0x0b,
	POINTER_S64 = 0x0c,
	POINTER_FORMAT = 0x0f,
	POINTER_FROM_PLACE = 0x10,
	POINTER_FROM_DATA = 0x30,
	POINTER_BASE = 0x70,
	POINTER_INDIRECT = 0x80,
	POINTER_OMITTED = 0xff,
};

/* What encoded pointers are relative to. */
struct pointer_bases {
	const uint8_t *bytes; /* start of the section's bytes */
	uint64_t address;     /* ELF virtual address of that start */
	uint64_t data;	      /* of .eh_frame_hdr, for POINTER_FROM_DATA */
};

/* The number itself, without its base. An unknown format fails. */
static inline uint64_t pointer_read_value(struct byte_reader *reader,
					  uint8_t encoding)
{
	switch (encoding & POINTER_FORMAT) {
	case POINTER_ABSOLUTE:
	case POINTER_U64:
	case POINTER_S64:
		return byte_reader_u64(reader);
	case POINTER_ULEB:
		return byte_reader_uleb(reader);
	case POINTER_U16:
		return byte_reader_u16(reader);
	case POINTER_U32:
		return byte_reader_u32(reader);
	case POINTER_SLEB:
		return (uint64_t)byte_reader_sleb(reader);
	case POINTER_S16:
		return (uint64_t)byte_reader_signed(reader, 2);
	case POINTER_S32:
		return (uint64_t)byte_reader_signed(reader, 4);
	}
	reader->failed = true;
	return 0;
}

/*
 * The address that the pointer at the cursor stands for. Bases that files on
 * disk cannot have (text, function, aligned) and indirection fail the reader.
 */
static inline uint64_t pointer_read(struct byte_reader *reader,
				    uint8_t encoding,
				    const struct pointer_bases *bases)
{
	uint64_t place =
		bases->address + (uint64_t)(reader->next - bases->bytes);
	uint64_t value = pointer_read_value(reader, encoding);

	if (encoding & POINTER_INDIRECT)
		reader->failed = true;
	switch (encoding & POINTER_BASE) {
	case 0:
		return value;
	case POINTER_FROM_PLACE:
		return value + place;
	case POINTER_FROM_DATA:
		return value + bases->data;
	}
	reader->failed = true;
	return 0;
}

#endif
