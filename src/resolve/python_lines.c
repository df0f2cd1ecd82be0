// SPDX-License-Identifier: GPL-2.0-or-later
/* The location table of a CPython code object: see python_lines.h. */
#include "resolve/python_lines.h"

#include <stdbool.h>

/* The kinds of entries, in bits 3 to 6 of the first byte. */
enum {
	KIND_ONE_LINE_0 = 10, /* same line, columns in two bytes */
	KIND_ONE_LINE_2 = 12, /* two lines further */
	KIND_NO_COLUMNS = 13,
	KIND_LONG = 14,
	KIND_NONE = 15,
};

struct table_reader {
	const uint8_t *at, *end;
	bool failed;
};

static unsigned read_byte(struct table_reader *reader)
{
	if (reader->at == reader->end) {
		reader->failed = true;
		return 0;
	}
	return *reader->at++;
}

/* Six bits a byte, the lowest first; bit 6 says that more follow. */
static uint32_t read_number(struct table_reader *reader)
{
	uint32_t value = 0;
	unsigned shift = 0, byte;

	do {
		byte = read_byte(reader);
		if (shift > 30) {
			reader->failed = true;
			return 0;
		}
		value |= (uint32_t)(byte & 0x3f) << shift;
		shift += 6;
	} while (byte & 0x40);
	return value;
}

static int64_t read_signed(struct table_reader *reader)
{
	uint32_t value = read_number(reader);

	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

/* Reads what follows an entry's first byte; returns how lines change. */
static int64_t read_entry(struct table_reader *reader, unsigned kind)
{
	int64_t change = 0;

	switch (kind) {
	case KIND_NONE:
		break;
	case KIND_LONG:
		change = read_signed(reader);
		read_number(reader); /* last line */
		read_number(reader); /* columns */
		read_number(reader);
		break;
	case KIND_NO_COLUMNS:
		change = read_signed(reader);
		break;
	default:
		if (kind >= KIND_ONE_LINE_0) {
			change = kind - KIND_ONE_LINE_0;
			read_byte(reader);
		}
		read_byte(reader);
	}
	return change;
}

unsigned python_line_find(const uint8_t *table, size_t size,
			  unsigned first_line, uint64_t unit)
{
	struct table_reader reader = { table, table + size, false };
	int64_t line = first_line;
	uint64_t start = 0;

	while (reader.at < reader.end) {
		unsigned first = read_byte(&reader);
		unsigned kind = first >> 3 & 15;
		uint64_t end = start + (first & 7) + 1;

		if (!(first & 0x80))
			return 0;
		line += read_entry(&reader, kind);
		if (reader.failed || line < 0 || line > INT32_MAX)
			return 0;
		if (unit < end)
			return kind == KIND_NONE ? 0 : (unsigned)line;
		start = end;
	}
	return 0;
}
