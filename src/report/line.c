// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines for people: see line.h. */
#include "report/line.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/utf8.h"

#define NARROWEST 40 /* less is taken for a terminal that lies */

/* ECMA-48 SGR parameters; the terminal's own palette. */
static const char *const look_codes[LOOK_COUNT] = {
	[LOOK_STRONG] = "1",  [LOOK_FAINT] = "2",    [LOOK_GROWN] = "31",
	[LOOK_SHRUNK] = "32", [LOOK_WARNING] = "33",
};

unsigned line_width(const struct line_writer *writer)
{
	if (!writer->style->width)
		return UINT_MAX;
	if (writer->style->width < NARROWEST)
		return NARROWEST - 1;
	return writer->style->width - 1;
}

static void set_look(struct line_writer *writer, enum look look)
{
	if (!writer->style->colour || writer->look == look)
		return;
	if (writer->look != LOOK_PLAIN)
		fputs("\033[0m", writer->stream);
	if (look != LOOK_PLAIN)
		fprintf(writer->stream, "\033[%sm", look_codes[look]);
	writer->look = look;
}

void line_begin(struct line_writer *writer, unsigned column, unsigned indent)
{
	fprintf(writer->stream, "%*s", (int)column, "");
	writer->column = column;
	writer->indent = indent;
	writer->empty = true;
}

void line_end(struct line_writer *writer)
{
	set_look(writer, LOOK_PLAIN);
	fputc('\n', writer->stream);
}

void line_glue(struct line_writer *writer, enum look look, const char *text)
{
	unsigned left = line_width(writer) - writer->column;
	size_t columns = utf8_columns(text);

	set_look(writer, look);
	fputs(text, writer->stream);
	/* Text may be wider than the line: what follows goes below it then. */
	writer->column += columns < left ? (unsigned)columns : left;
}

static void put_piece(struct line_writer *writer, enum look look,
		      const char *text)
{
	if (!writer->empty) {
		if (utf8_columns(text) + 1 >
		    line_width(writer) - writer->column) {
			line_end(writer);
			line_begin(writer, writer->indent, writer->indent);
		} else {
			if (writer->look != look)
				set_look(writer, LOOK_PLAIN);
			line_glue(writer, writer->look, " ");
		}
	}
	line_glue(writer, look, text);
	writer->empty = false;
}

void line_put(struct line_writer *writer, enum look look, const char *format,
	      ...)
{
	auto_free char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		writer->status = -ENOMEM;
		return;
	}
	put_piece(writer, look, text);
}

void line_words(struct line_writer *writer, enum look look, const char *text)
{
	auto_free char *safe = utf8_escape(text);
	char *rest = safe, *word;

	if (!safe) {
		writer->status = -ENOMEM;
		return;
	}
	while ((word = strsep(&rest, " ")))
		if (*word)
			put_piece(writer, look, word);
}
