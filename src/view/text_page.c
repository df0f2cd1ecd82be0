// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The live view's pages of text, which can be scrolled: one call stack with
 * its history, what was lost, the keys.
 */
#include <inttypes.h>
#include <ncursesw/curses.h>
#include <stdlib.h>
#include <string.h>

#include "report/evidence.h"
#include "report/frame_line.h"
#include "util/cleanup.h"
#include "util/units.h"
#include "view/sparkline.h"
#include "view/view_state.h"

static const char help_text[] =
	"up, down, page up, page down, home, end   choose a call stack\n"
	"enter    its frames and its history; enter, escape or q goes back\n"
	"< >      order: as leaktrace ranks them, bytes, blocks, change, age\n"
	"/        show only stacks with this in a function, file or module;\n"
	"         enter keeps it, escape shows all again\n"
	"b B      changes are since now; since the last report again\n"
	"r        a report now\n"
	"s        save a snapshot (leaktrace report FILE reads it)\n"
	"l        what the figures lack\n"
	"q        end leaktrace\n"
	"\n"
	"HISTORY has a bar for each report, the newest at the right; its foot\n"
	"is 0. Each stack has a scale of its own.\n";

static void frames_write(FILE *stream, const frame_vector *frames)
{
	const struct report_style style = { .width = (unsigned)COLS };
	struct line_writer writer = { .stream = stream, .style = &style };

	for (size_t i = 0; i < frames->count; i++)
		frame_line_write(&writer, &frames->items[i]);
}

static void stack_write(FILE *stream, const struct view *view,
			const struct stack_row *row)
{
	const struct report_stack *stack = row->stack;
	const struct stack_figures *figures = stack->figures;
	size_t width = (size_t)COLS - 2;
	struct sparkline line;

	if (width > STACK_HISTORY)
		width = STACK_HISTORY;
	line = sparkline_draw(row->history, row->history_count, width,
			      view->ascii);
	fprintf(stream, "%s in %s blocks, %s%s\n",
		units_size(figures->bytes).text,
		units_count(figures->blocks).text,
		units_size_change(stack_row_change(&view->list, row)).text,
		view->list.has_baseline ? " since the baseline"
					: " since the last report");
	fprintf(stream, "allocated %s in %s blocks since tracing began\n",
		units_size(figures->allocated_bytes).text,
		units_count(figures->allocations).text);
	if (stack->oldest_age_ns)
		fprintf(stream, "oldest block %s\n",
			units_duration(stack->oldest_age_ns).text);
	if (stack->judgement.verdict != VERDICT_NONE)
		fprintf(stream, "%s: %s\n",
			verdict_name(stack->judgement.verdict),
			evidence_phrase(stack).text);
	fprintf(stream, "\n  %s\n\n", line.text);
	frames_write(stream, &stack->frames);
	if (figures->flaw != FLAW_NONE)
		fprintf(stream, "  (incomplete: %s)\n",
			stack_flaw_text(figures->flaw));
}

static void losses_write(FILE *stream, const struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;

	for (size_t i = 0; i < snapshot->losses.count; i++) {
		const struct loss *loss = &snapshot->losses.items[i];

		fprintf(stream, "%s: %s%s%s\n", loss->text,
			units_count(loss->count).text, loss->remedy ? "; " : "",
			loss->remedy ? loss->remedy : "");
	}
	if (!snapshot->losses.count)
		fputs("nothing was lost\n", stream);
	if (snapshot->stacks_incomplete)
		fprintf(stream, "%s call stacks incomplete\n",
			units_count(snapshot->stacks_incomplete).text);
	if (snapshot->unmatched_frees)
		fprintf(stream,
			"%s blocks from before tracing began were freed\n",
			units_count(snapshot->unmatched_frees).text);
}

/* The page's text, to be freed; NULL = out of memory. */
static char *page_text(const struct view *view)
{
	const struct stack_row *row = view_selected(view);
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	if (view->page == PAGE_HELP)
		fputs(help_text, stream);
	else if (view->page == PAGE_LOSSES)
		losses_write(stream, view->report);
	else if (row)
		stack_write(stream, view, row);
	else
		fputs("this call stack holds nothing any more\n", stream);
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}

void text_page_draw(struct view *view)
{
	auto_free char *text = page_text(view);
	char *rest = text, *line;
	int room = LINES - 1, count = 0;

	if (!text)
		return;
	for (const char *at = text; *at; at++)
		count += *at == '\n';
	if (view->scroll > count - room)
		view->scroll = count > room ? count - room : 0;
	for (int i = 0; (line = strsep(&rest, "\n")) && i < view->scroll + room;
	     i++)
		if (i >= view->scroll)
			view_put(view, i - view->scroll, 0, COLS, VIEW_PLAIN,
				 line);
	view_put(view, LINES - 1, 0, COLS, VIEW_FAINT,
		 count > room ? "escape back  up, down scroll" : "escape back");
}
