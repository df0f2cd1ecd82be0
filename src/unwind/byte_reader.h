/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded cursor over little-endian bytes that are not trusted. Reading
 * past the end yields 0 and sets `failed`, which stays set: callers check it
 * once after a group of reads.
 * Specification: DWARF 5, section 7.6 (LEB128).
 */
#ifndef LEAKTRACE_UNWIND_BYTE_READER_H
#define LEAKTRACE_UNWIND_BYTE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_reader {
	const uint8_t *next;
	const uint8_t *end;
	bool failed;
};

static inline struct byte_reader byte_reader_over(const void *bytes,
						  size_t size)
{
	const uint8_t *start = bytes;

	/* Without bytes there is no pointer to add to. */
	return (struct byte_reader){ start, size ? start + size : start,
				     false };
}

static inline size_t byte_reader_left(const struct byte_reader *reader)
{
	return (size_t)(reader->end - reader->next);
}

/* size bytes in place, or NULL. */
static inline const uint8_t *byte_reader_take(struct byte_reader *reader,
					      uint64_t size)
{
	const uint8_t *taken = reader->next;

	if (size > byte_reader_left(reader)) {
		reader->failed = true;
		reader->next = reader->end;
		return NULL;
	}
	reader->next += size;
	return taken;
}

/* An unsigned number of size (at most 8) bytes. */
static inline uint64_t byte_reader_number(struct byte_reader *reader,
					  size_t size)
{
	const uint8_t *taken = byte_reader_take(reader, size);
	uint64_t number = 0;

	if (taken)
		memcpy(&number, taken, size);
	return number;
}

#define byte_reader_u8(reader) ((uint8_t)byte_reader_number((reader), 1))
#define byte_reader_u16(reader) ((uint16_t)byte_reader_number((reader), 2))
#define byte_reader_u32(reader) ((uint32_t)byte_reader_number((reader), 4))
#define byte_reader_u64(reader) byte_reader_number((reader), 8)

/* A signed number of size 1, 2, 4 or 8 bytes. */
static inline int64_t byte_reader_signed(struct byte_reader *reader,
					 size_t size)
{
	unsigned unused = 64 - 8 * (unsigned)size;

	return (int64_t)(byte_reader_number(reader, size) << unused) >> unused;
}

/* LEB128, bits above the 64th ignored. */
static inline uint64_t byte_reader_uleb(struct byte_reader *reader)
{
	uint64_t number = 0;
	const uint8_t *taken;
	unsigned shift = 0;
	uint8_t byte;

	if (reader->next < reader->end && *reader->next < 0x80)
		return *reader->next++; /* nearly all of them */
	do {
		taken = byte_reader_take(reader, 1);
		if (!taken)
			return 0;
		byte = *taken;
		if (shift < 64)
			number |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return number;
}

static inline int64_t byte_reader_sleb(struct byte_reader *reader)
{
	uint64_t number = 0;
	const uint8_t *taken;
	unsigned shift = 0;
	uint8_t byte;

	do {
		taken = byte_reader_take(reader, 1);
		if (!taken)
			return 0;
		byte = *taken;
		if (shift < 64)
			number |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		number |= ~0ULL << shift;
	return (int64_t)number;
}

#endif
