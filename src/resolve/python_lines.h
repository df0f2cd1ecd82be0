/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The location table of a CPython code object (co_linetable, since 3.11), as
 * Objects/locations.md of CPython describes it.
 */
#ifndef LEAKTRACE_RESOLVE_PYTHON_LINES_H
#define LEAKTRACE_RESOLVE_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The line of the code unit (of 2 bytes) `unit`, counted from the start of the
 * code; 0 when the table does not tell, or is damaged before it would.
 */
unsigned python_line_find(const uint8_t *table, size_t size,
			  unsigned first_line, uint64_t unit);

#endif
