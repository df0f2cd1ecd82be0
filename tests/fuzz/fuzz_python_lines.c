// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzes the parser of CPython's location tables, read from the target. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "resolve/python_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line is found or not, the same for a table with more behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (uint64_t unit = 0; unit < 64; unit++) {
		unsigned line = python_line_find(data, size, 1000, unit);

		if (line > INT32_MAX)
			abort();
		if (size > 1 && python_line_find(data, size / 2, 1000, unit) &&
		    python_line_find(data, size / 2, 1000, unit) != line)
			abort();
	}
	return 0;
}
