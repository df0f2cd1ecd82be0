// SPDX-License-Identifier: GPL-2.0-or-later
/* The live view's table: a line a call stack, between headings and keys. */
#include <inttypes.h>
#include <ncursesw/curses.h>
#include <string.h>
#include <time.h>

#include "report/evidence.h"
#include "util/clock.h"
#include "util/units.h"
#include "view/sparkline.h"
#include "view/view_state.h"

/* Lines above the table (the last is its heading) and below it. */
#define LINES_ABOVE 4
#define LINES_BELOW 1

enum column {
	COLUMN_BYTES,
	COLUMN_BLOCKS,
	COLUMN_CHANGE,
	COLUMN_AGE,
	COLUMN_VERDICT,
	COLUMN_HISTORY,
	COLUMN_FUNCTION,
	COLUMN_COUNT,
};

/* Of 80 columns the function gets what the others leave. */
static const struct {
	const char *heading;
	int width;
	bool right; /* aligned there */
	int order;  /* the enum stack_order by it, -1 = none */
} columns[COLUMN_COUNT] = {
	[COLUMN_BYTES] = { "BYTES", 10, true, STACK_ORDER_BYTES },
	[COLUMN_BLOCKS] = { "BLOCKS", 9, true, STACK_ORDER_BLOCKS },
	[COLUMN_CHANGE] = { "CHANGE", 10, true, STACK_ORDER_CHANGE },
	[COLUMN_AGE] = { "OLDEST", 9, true, STACK_ORDER_AGE },
	[COLUMN_VERDICT] = { "VERDICT", 9, false, STACK_ORDER_REPORT },
	[COLUMN_HISTORY] = { "HISTORY", 8, false, -1 },
	[COLUMN_FUNCTION] = { "FUNCTION", 0, false, -1 },
};

/* What a wide terminal adds to the history. */
#define HISTORY_WIDE 24
#define WIDE_COLUMNS 120

int table_page_lines(void)
{
	int lines = LINES - LINES_ABOVE - LINES_BELOW;

	return lines > 1 ? lines : 1;
}

static int width_of(enum column column)
{
	if (column == COLUMN_FUNCTION)
		return COLS;
	if (column == COLUMN_HISTORY && COLS >= WIDE_COLUMNS)
		return columns[column].width + HISTORY_WIDE;
	return columns[column].width;
}

static int cell_put(const struct view *view, int line, int at,
		    enum column column, enum view_look look, const char *text)
{
	int width = width_of(column);
	int length = (int)strlen(text);
	int indent = columns[column].right && length < width ? width - length
							     : 0;

	view_put(view, line, at + indent, width - indent, look, text);
	return at + width + 1;
}

static void headings_draw(const struct view *view, int line)
{
	int at = 0;

	for (int i = 0; i < COLUMN_COUNT; i++) {
		char text[32];
		bool chosen = columns[i].order == (int)view->list.order;

		snprintf(text, sizeof(text), "%s%s", columns[i].heading,
			 chosen ? "<" : "");
		at = cell_put(view, line, at, (enum column)i,
			      chosen ? VIEW_STRONG : VIEW_FAINT, text);
	}
}

/* "log_request  [demo-server]" */
static void function_text(const struct report_stack *stack, char *text,
			  size_t size)
{
	const struct frame *frame = NULL;

	for (size_t i = 0; i < stack->frames.count && !frame; i++)
		if (stack->frames.items[i].function)
			frame = &stack->frames.items[i];
	if (frame)
		snprintf(text, size, "%s%s%s%s", frame->function,
			 frame->module ? "  [" : "",
			 frame->module ? frame->module : "",
			 frame->module ? "]" : "");
	else if (stack->frames.count && stack->frames.items[0].module)
		snprintf(text, size, "%s+0x%" PRIx64,
			 stack->frames.items[0].module,
			 stack->frames.items[0].address);
	else
		snprintf(text, size, "?");
}

static enum view_look verdict_look(enum verdict verdict)
{
	if (verdict == VERDICT_LEAKING)
		return VIEW_LEAKING;
	return verdict == VERDICT_GROWING ? VIEW_GROWING : VIEW_PLAIN;
}

/* Too long a duration loses its second unit: "3 min", not "3 min 20 s". */
static struct unit_text age_text(uint64_t age_ns)
{
	struct unit_text text = units_duration(age_ns);
	char *space;

	if (strlen(text.text) > (size_t)columns[COLUMN_AGE].width) {
		space = strchr(text.text, ' ');
		space = space ? strchr(space + 1, ' ') : NULL;
		if (space)
			*space = '\0';
	}
	return text;
}

static void row_draw(const struct view *view, int line,
		     const struct stack_row *row, bool selected)
{
	const struct report_stack *stack = row->stack;
	int64_t change = stack_row_change(&view->list, row);
	enum verdict verdict = stack->judgement.verdict;
	enum view_look look = selected ? VIEW_SELECTED : VIEW_PLAIN;
	struct sparkline history =
		sparkline_draw(row->history, row->history_count,
			       (size_t)width_of(COLUMN_HISTORY), view->ascii);
	char function[512];
	int at = 0;

	if (selected)
		for (int i = 0; i < COLS; i++)
			view_put(view, line, i, 1, look, " ");
	at = cell_put(view, line, at, COLUMN_BYTES, look,
		      units_size(stack->figures->bytes).text);
	at = cell_put(view, line, at, COLUMN_BLOCKS, look,
		      units_count(stack->figures->blocks).text);
	at = cell_put(view, line, at, COLUMN_CHANGE,
		      selected	   ? look
		      : change > 0 ? VIEW_STRONG
				   : look,
		      change ? units_size_change(change).text : "-");
	at = cell_put(view, line, at, COLUMN_AGE, look,
		      stack->oldest_age_ns ? age_text(stack->oldest_age_ns).text
					   : "-");
	at = cell_put(view, line, at, COLUMN_VERDICT,
		      selected ? look : verdict_look(verdict),
		      verdict == VERDICT_NONE ? "-" : verdict_name(verdict));
	at = cell_put(view, line, at, COLUMN_HISTORY, look, history.text);
	function_text(stack, function, sizeof(function));
	cell_put(view, line, at, COLUMN_FUNCTION, look, function);
}

/* "redis-server (PID 41)  after 12 s" and the losses, if there are any. */
static void target_draw(const struct view *view)
{
	const struct report *report = view->report;
	char text[256];
	int at;

	at = view_put(view, 0, 0, COLS, VIEW_STRONG, "leaktrace ");
	if (report->pid)
		snprintf(text, sizeof(text), " %s (PID %" PRIu32 ") after %s",
			 report->target, report->pid,
			 units_duration(report->elapsed_ns).text);
	else
		snprintf(text, sizeof(text), " %s after %s", report->target,
			 units_duration(report->elapsed_ns).text);
	at = view_put(view, 0, at, COLS, VIEW_PLAIN, text);
	if (report->snapshot->cost.period_ns) {
		snprintf(text, sizeof(text), "  cost %.1f%%",
			 own_cost_percent(&report->snapshot->cost));
		at = view_put(view, 0, at, COLS, VIEW_PLAIN, text);
	}
	if (report->snapshot->losses.count) {
		snprintf(text, sizeof(text), "  %zu kind%s of loss: l",
			 report->snapshot->losses.count,
			 report->snapshot->losses.count == 1 ? "" : "s");
		view_put(view, 0, at, COLS,
			 report->at_least ? VIEW_LEAKING : VIEW_PLAIN, text);
	}
}

static void totals_draw(const struct view *view)
{
	const struct report *report = view->report;
	int at = 0;

	for (size_t i = 0; i < report->totals.count; i++) {
		const struct space_total *total = &report->totals.items[i];
		char text[256];

		snprintf(text, sizeof(text),
			 "%s%s: %s%s%s in %s blocks, %s stacks", i ? ";  " : "",
			 space_name(total->space),
			 report->at_least ? "at least " : "",
			 total->estimate ? "about " : "",
			 units_size(total->bytes).text,
			 units_count(total->blocks).text,
			 units_count(total->stacks).text);
		at = view_put(view, 1, at, COLS, VIEW_PLAIN, text);
	}
	if (!report->totals.count)
		view_put(view, 1, 0, COLS, VIEW_PLAIN, "nothing outstanding");
}

static void keys_draw(const struct view *view)
{
	int line = LINES - 1;
	char text[256];

	if (view->typing)
		snprintf(text, sizeof(text), "/%s_", view->list.filter);
	else if (view->message[0])
		snprintf(text, sizeof(text), "%s", view->message);
	else
		snprintf(text, sizeof(text),
			 "q quit  enter stack  < > order: %s  / filter  b "
			 "baseline  s save  h help",
			 stack_order_name(view->list.order));
	view_put(view, line, 0, COLS, VIEW_FAINT, text);
	if (view->typing || view->message[0])
		return;
	text[0] = '\0';
	if (view->list.filter[0])
		snprintf(text, sizeof(text), " filter: %s ", view->list.filter);
	if (view->list.has_baseline) {
		time_t wall = view->list.baseline_ns / (int64_t)NS_PER_SECOND;
		size_t used = strlen(text);
		struct tm local;

		if (localtime_r(&wall, &local))
			strftime(text + used, sizeof(text) - used,
				 " change since %H:%M:%S ", &local);
	}
	if (text[0])
		view_put(view, line, COLS - (int)strlen(text), COLS,
			 VIEW_HEADING, text);
}

void table_page_draw(const struct view *view)
{
	int lines = table_page_lines();

	target_draw(view);
	totals_draw(view);
	view_put(view, 2, 0, COLS,
		 view->report->leaking_stacks ? VIEW_LEAKING : VIEW_PLAIN,
		 evidence_summary(view->report).text);
	headings_draw(view, LINES_ABOVE - 1);
	for (int i = 0; i < lines; i++) {
		size_t place = view->first + (size_t)i;

		if (place >= view->list.shown.count)
			break;
		row_draw(view, LINES_ABOVE + i,
			 &view->list.rows.items[view->list.shown.items[place]],
			 place == view->selected);
	}
	if (!view->list.shown.count)
		view_put(view, LINES_ABOVE, 0, COLS, VIEW_PLAIN,
			 view->list.filter[0]
				 ? "no call stack matches the filter"
				 : "no call stack holds memory");
	keys_draw(view);
}
