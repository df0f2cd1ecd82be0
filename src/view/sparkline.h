/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of figures as a row of small bars. Pure. */
#ifndef LEAKTRACE_VIEW_SPARKLINE_H
#define LEAKTRACE_VIEW_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPARKLINE_COLUMNS_MAX 120

/* Three bytes of UTF-8 a column, and a NUL. */
struct sparkline {
	char text[3 * SPARKLINE_COLUMNS_MAX + 1];
};

/*
 * The last `columns` of the values, oldest first, at the right; spaces stand
 * where there are fewer. 0 is the bars' foot and the largest value drawn their
 * top: a stack that has stopped growing shows bars of one height. ascii: for
 * terminals without UTF-8.
 */
struct sparkline sparkline_draw(const uint64_t *values, size_t count,
				size_t columns, bool ascii);

#endif
