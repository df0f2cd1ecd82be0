// SPDX-License-Identifier: GPL-2.0-or-later
/* A row of figures as a row of small bars: see sparkline.h. */
#include "view/sparkline.h"

#include <string.h>

#define HEIGHTS 8

static const char *const bars[][1 + HEIGHTS] = {
	{ " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586",
	  "\u2587", "\u2588" },
	{ " ", ".", ".", ":", ":", "+", "+", "#", "#" },
};

/* 0 for nothing, else 1 to HEIGHTS: what is there at all can be seen. */
static unsigned height_of(uint64_t value, uint64_t largest)
{
	if (!value)
		return 0;
	/* Not value * HEIGHTS: that may overflow. */
	return 1 + (unsigned)((double)value / (double)largest * (HEIGHTS - 1) +
			      0.5);
}

struct sparkline sparkline_draw(const uint64_t *values, size_t count,
				size_t columns, bool ascii)
{
	struct sparkline line = { "" };
	char *end = line.text;
	uint64_t largest = 0;
	size_t i;

	if (columns > SPARKLINE_COLUMNS_MAX)
		columns = SPARKLINE_COLUMNS_MAX;
	if (count > columns) {
		values += count - columns;
		count = columns;
	}
	for (i = 0; i < count; i++)
		if (values[i] > largest)
			largest = values[i];
	for (i = count; i < columns; i++)
		end = stpcpy(end, " ");
	for (i = 0; i < count; i++)
		end = stpcpy(end, bars[ascii][height_of(values[i], largest)]);
	return line;
}
