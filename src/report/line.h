/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines for people: pieces with one space between them, broken onto indented
 * lines where a terminal is too narrow, coloured where the style allows it.
 */
#ifndef LEAKTRACE_REPORT_LINE_H
#define LEAKTRACE_REPORT_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "report/format.h"

enum look {
	LOOK_PLAIN,
	LOOK_STRONG,
	LOOK_FAINT,
	LOOK_GROWN,
	LOOK_SHRUNK,
	LOOK_WARNING,
	LOOK_COUNT,
};

struct line_writer {
	FILE *stream;
	const struct report_style *style;
	unsigned indent; /* of the lines that the current one is broken into */
	unsigned column; /* where the next character goes */
	bool empty;	 /* no piece on this line yet */
	enum look look;	 /* that the terminal is set to */
	int status;	 /* 0, or -errno of the first failure */
};

/*
 * Columns to keep within, one less than the terminal has, for line_glue();
 * UINT_MAX where nothing is to be cut.
 */
unsigned line_width(const struct line_writer *writer);

/* Begins a line at a column, its continuations at another. */
void line_begin(struct line_writer *writer, unsigned column, unsigned indent);

/* Adds a piece that is not broken itself (printf form, safe UTF-8). */
void line_put(struct line_writer *writer, enum look look, const char *format,
	      ...) __attribute__((format(printf, 3, 4)));

/* Adds punctuation to the piece before it, never on a line of its own. */
void line_glue(struct line_writer *writer, enum look look, const char *text);

/* Adds text from anywhere: made safe, broken at its spaces. */
void line_words(struct line_writer *writer, enum look look, const char *text);

void line_end(struct line_writer *writer);

#endif
