// SPDX-License-Identifier: GPL-2.0-or-later
/* One frame of a call stack as one line of text: see frame_line.h. */
#include "report/frame_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "report/short_name.h"
#include "util/cleanup.h"
#include "util/units.h"
#include "util/utf8.h"

#define FRAME_INDENT 6
#define ELLIPSIS "..."

/* Columns that stay of each; with a mark and a line they fit into 80. */
#define SHORTEST_NAME 20
#define SHORTEST_FILE 12
#define SHORTEST_MODULE 14

/* Of a deeper stack, so many frames are shown, the last ones outermost. */
enum {
	FRAMES_SHOWN = 30,
	OUTER_FRAMES_SHOWN = 4,
};

/* The texts of a line. Names come from the target: made safe at once. */
struct parts {
	const char *mark; /* "? " or "" */
	char *name;	  /* function, or the object it lies in; owned */
	char suffix[24];  /* "+0x1c", " (inlined)" or "" */
	char *file;	  /* owned, NULL = unknown */
	char line[16];	  /* ":41" or "" */
	char *module;	  /* owned, NULL = none or already the name */
	char *build_id;	  /* owned, NULL = not shown */
};

static void parts_free(struct parts *parts)
{
	free(parts->name);
	free(parts->file);
	free(parts->module);
	free(parts->build_id);
}

/* Makes a safe copy of a name that may be NULL. */
static int copy_name(char **copy, const char *name)
{
	if (!name)
		return 0;
	*copy = utf8_escape(name);
	return *copy ? 0 : -ENOMEM;
}

static int parts_make(struct parts *parts, const struct frame *frame,
		      bool verbose)
{
	const char *object = frame->module ? frame->module : "";

	parts->mark = frame->guessed ? "? " : "";
	if (!frame->function)
		snprintf(parts->suffix, sizeof(parts->suffix), "%s0x%" PRIx64,
			 *object ? "+" : "", frame->address);
	else if (frame->inlined)
		strcpy(parts->suffix, " (inlined)");
	else if (!frame->file)
		snprintf(parts->suffix, sizeof(parts->suffix), "+0x%" PRIx64,
			 frame->offset);
	if (frame->file && frame->line)
		snprintf(parts->line, sizeof(parts->line), ":%u", frame->line);
	if (copy_name(&parts->name, frame->function ? frame->function : object))
		return -ENOMEM;
	if (copy_name(&parts->file, frame->file))
		return -ENOMEM;
	if (frame->function && copy_name(&parts->module, frame->module))
		return -ENOMEM;
	if ((!frame->function || verbose) &&
	    copy_name(&parts->build_id, frame->build_id))
		return -ENOMEM;
	return 0;
}

static size_t parts_columns(const struct parts *parts)
{
	size_t columns = strlen(parts->mark) + utf8_columns(parts->name) +
			 strlen(parts->suffix);

	if (parts->file)
		columns += strlen("  ") + utf8_columns(parts->file) +
			   strlen(parts->line);
	if (parts->module)
		columns += strlen("  []") + utf8_columns(parts->module);
	return columns;
}

/* Cuts the end of a text, to columns in all, in place. */
static void cut_end(char *text, size_t columns)
{
	if (utf8_columns(text) <= columns)
		return;
	strcpy(text + utf8_prefix(text, columns - strlen(ELLIPSIS)), ELLIPSIS);
}

/* Cuts the beginning of a text, to columns in all, in place. */
static void cut_start(char *text, size_t columns)
{
	size_t has = utf8_columns(text);
	const char *kept;

	if (has <= columns)
		return;
	kept = text + utf8_prefix(text, has - columns + strlen(ELLIPSIS));
	memmove(text + strlen(ELLIPSIS), kept, strlen(kept) + 1);
	memcpy(text, ELLIPSIS, strlen(ELLIPSIS));
}

static void drop_directories(char *file)
{
	const char *base = strrchr(file, '/');

	if (base && base[1])
		memmove(file, base + 1, strlen(base + 1) + 1);
}

/* Cuts one of the texts as far as the width asks and its shortest allows. */
static void shorten(struct parts *parts, char *text, size_t width,
		    size_t shortest, void (*cut)(char *, size_t))
{
	size_t columns = parts_columns(parts), has, excess;

	if (!text || columns <= width)
		return;
	has = utf8_columns(text);
	excess = columns - width;
	if (has > shortest)
		cut(text, has - shortest < excess ? shortest : has - excess);
}

static void parts_fit(struct parts *parts, size_t width)
{
	if (parts->file && parts_columns(parts) > width)
		drop_directories(parts->file);
	shorten(parts, parts->name, width, 0, short_name_fit);
	/* The end tells a class's functions from each other. */
	shorten(parts, parts->name, width, SHORTEST_NAME,
		strstr(parts->name, "::") ? cut_start : cut_end);
	shorten(parts, parts->file, width, SHORTEST_FILE, cut_start);
	shorten(parts, parts->module, width, SHORTEST_MODULE, cut_end);
}

void frame_line_write(struct line_writer *writer, const struct frame *frame)
{
	cleanup(parts_free) struct parts parts = { 0 };

	if (parts_make(&parts, frame, writer->style->verbose)) {
		writer->status = -ENOMEM;
		return;
	}
	parts_fit(&parts, line_width(writer) - FRAME_INDENT);
	line_begin(writer, FRAME_INDENT, FRAME_INDENT + 2);
	line_put(writer, LOOK_PLAIN, "%s%s%s", parts.mark, parts.name,
		 parts.suffix);
	if (parts.file)
		line_put(writer, LOOK_PLAIN, " %s%s", parts.file, parts.line);
	if (parts.module)
		line_put(writer, LOOK_FAINT, " [%s]", parts.module);
	if (parts.build_id)
		line_put(writer, LOOK_FAINT, " (build ID %s)", parts.build_id);
	line_end(writer);
}

void frame_lines_write(struct line_writer *writer, const frame_vector *frames)
{
	size_t left_out = 0, i;

	if (frames->count > FRAMES_SHOWN && !writer->style->verbose)
		left_out = frames->count - FRAMES_SHOWN;
	for (i = 0; i < frames->count; i++) {
		if (left_out && i == FRAMES_SHOWN - OUTER_FRAMES_SHOWN) {
			line_begin(writer, FRAME_INDENT, FRAME_INDENT + 2);
			line_put(writer, LOOK_FAINT,
				 "... %s more frames (-v shows them)",
				 units_count(left_out).text);
			line_end(writer);
			i += left_out;
		}
		frame_line_write(writer, &frames->items[i]);
	}
}
