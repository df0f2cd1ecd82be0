// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Folded stacks, the input of flame graph programs: a line a call stack, its
 * frames from the outermost to the innermost with ';' between them, a space
 * and the outstanding bytes. Equal lines are added up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/formats.h"
#include "report/frame_name.h"
#include "util/cleanup.h"
#include "util/utf8.h"

struct folded_line {
	char *stack; /* owned */
	uint64_t bytes;
};

typedef VECTOR(struct folded_line) folded_lines;

static void lines_free(folded_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i].stack);
	vector_free(lines);
}

/* The separator must not come from a name: ':' stands in for it. */
static int put_name(FILE *stream, const char *before, char *name)
{
	if (!name)
		return -ENOMEM;
	for (char *at = name; (at = strchr(at, ';'));)
		*at = ':';
	fprintf(stream, "%s%s", before, name);
	free(name);
	return 0;
}

/* What stands for the outermost frame: the process, and the kind of memory. */
static int put_roots(FILE *stream, const struct report *report,
		     const struct stack_figures *figures)
{
	if (put_name(stream, "",
		     utf8_escape(report->target ? report->target : "?")))
		return -ENOMEM;
	if (figures->process && figures->process != report->pid)
		fprintf(stream, "-%" PRIu32, figures->process);
	if (figures->space != SPACE_HEAP)
		fprintf(stream, ";[%s]", space_name(figures->space));
	if (figures->flaw != FLAW_NONE)
		fputs(";[incomplete]", stream);
	return 0;
}

static int line_make(const struct report *report,
		     const struct report_stack *stack, char **line)
{
	size_t size = 0;
	FILE *stream = open_memstream(line, &size);
	int result;

	if (!stream)
		return -ENOMEM;
	result = put_roots(stream, report, stack->figures);
	for (size_t i = stack->frames.count; !result && i; i--)
		result = put_name(stream, ";",
				  frame_name(&stack->frames.items[i - 1]));
	if (fclose(stream))
		result = -ENOMEM;
	if (result) {
		free(*line);
		*line = NULL;
	}
	return result;
}

static int lines_make(const struct report *report, folded_lines *lines)
{
	size_t count = report_stack_count(report);

	for (size_t i = 0; i < count; i++) {
		const struct report_stack *stack = report_stack_at(report, i);
		struct folded_line *line;

		if (!stack->figures->bytes)
			continue;
		line = vector_push(lines);
		if (!line || line_make(report, stack, &line->stack))
			return -ENOMEM;
		line->bytes = stack->figures->bytes;
	}
	return 0;
}

static int by_stack(const void *left, const void *right)
{
	const struct folded_line *a = left, *b = right;

	return strcmp(a->stack, b->stack);
}

static void lines_write(FILE *stream, const folded_lines *lines)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < lines->count; i++) {
		bytes += lines->items[i].bytes;
		if (i + 1 < lines->count &&
		    !by_stack(&lines->items[i], &lines->items[i + 1]))
			continue;
		fprintf(stream, "%s %" PRIu64 "\n", lines->items[i].stack,
			bytes);
		bytes = 0;
	}
}

static int folded_write(FILE *stream, const struct report *report,
			const struct report_style *style)
{
	cleanup(lines_free) folded_lines lines = { 0 };
	auto_free char *bytes = NULL;
	size_t size = 0;
	FILE *memory;

	(void)style;
	if (lines_make(report, &lines))
		return -ENOMEM;
	if (lines.count)
		qsort(lines.items, lines.count, sizeof(*lines.items), by_stack);
	memory = open_memstream(&bytes, &size);
	if (!memory)
		return -ENOMEM;
	lines_write(memory, &lines);
	if (fclose(memory))
		return -ENOMEM;
	return report_emit(stream, bytes, size);
}

const struct report_format report_format_folded = {
	.name = "folded",
	.whole = true,
	.all_stacks = true,
	.no_losses = true,
	.write = folded_write,
};
