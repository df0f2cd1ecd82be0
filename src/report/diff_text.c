// SPDX-License-Identifier: GPL-2.0-or-later
/* A comparison of two reports for people. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "report/diff_format.h"
#include "report/formats.h"
#include "report/frame_line.h"
#include "report/line.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/units.h"

enum {
	NOTE_INDENT = 2,
	DETAIL_INDENT = 6,
};

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static enum look change_look(int64_t change)
{
	if (!change)
		return LOOK_PLAIN;
	return change > 0 ? LOOK_GROWN : LOOK_SHRUNK;
}

static void write_side(struct line_writer *writer, const char *name,
		       const struct report *report)
{
	time_t seconds = report->snapshot->wall_ns / (int64_t)NS_PER_SECOND;
	char text[40];
	struct tm local;

	if (!localtime_r(&seconds, &local) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local))
		strcpy(text, "unknown time");
	line_begin(writer, 0, NOTE_INDENT);
	line_put(writer, LOOK_STRONG, "%s", name);
	line_words(writer, LOOK_STRONG, report->target);
	if (report->pid)
		line_put(writer, LOOK_STRONG, "(PID %" PRIu32 ")", report->pid);
	line_put(writer, LOOK_PLAIN, "at %s,", text);
	line_put(writer, LOOK_PLAIN, "after %s%s",
		 units_duration(report->elapsed_ns).text,
		 report->at_least ? ";" : "");
	if (report->at_least)
		line_words(writer, LOOK_WARNING,
			   "something was lost: more in truth");
	line_end(writer);
}

/* Bytes and blocks, before and after, and the change of the bytes. */
static void put_amounts(struct line_writer *writer, uint64_t bytes_before,
			uint64_t bytes_after, uint64_t blocks_before,
			uint64_t blocks_after)
{
	line_put(writer, LOOK_PLAIN, "%s", units_size(bytes_before).text);
	line_put(writer, LOOK_PLAIN, "-> %s", units_size(bytes_after).text);
	line_put(writer, LOOK_PLAIN, "in %s", units_count(blocks_before).text);
	line_put(writer, LOOK_PLAIN, "-> %s block%s",
		 units_count(blocks_after).text, plural(blocks_after));
}

static void write_totals(struct line_writer *writer, const struct diff *diff)
{
	for (size_t i = 0; i < SPACE_COUNT; i++) {
		const struct diff_total *total = &diff->totals[i];
		int64_t change =
			diff_change(total->bytes_before, total->bytes_after);

		if (!total->blocks_before && !total->blocks_after)
			continue;
		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_STRONG, "%s", space_name(total->space));
		line_put(writer, change_look(change),
			 "%s:", units_size_change(change).text);
		put_amounts(writer, total->bytes_before, total->bytes_after,
			    total->blocks_before, total->blocks_after);
		line_end(writer);
	}
}

static void write_counts(struct line_writer *writer, const struct diff *diff)
{
	uint64_t all = 0;

	for (size_t i = 0; i < DIFF_COUNT; i++)
		all += diff->counts[i];
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_put(writer, LOOK_PLAIN, "%s call stack%s:", units_count(all).text,
		 plural(all));
	for (size_t i = 0; i < DIFF_COUNT; i++)
		line_put(writer, LOOK_PLAIN, "%s %s%s",
			 units_count(diff->counts[i]).text,
			 diff_kind_name((enum diff_kind)i),
			 i + 1 < DIFF_COUNT ? "," : "");
	line_end(writer);
}

static void put_verdict(struct line_writer *writer,
			const struct diff_stack *stack)
{
	enum verdict before = stack->before.verdict;
	enum verdict after = stack->after.verdict;

	if (before == after && after == VERDICT_NONE)
		return;
	line_glue(writer, LOOK_PLAIN, ",");
	if (before == after || !stack->before.blocks)
		line_put(writer, LOOK_PLAIN, "%s", verdict_name(after));
	else if (!stack->after.blocks)
		line_put(writer, LOOK_PLAIN, "was %s", verdict_name(before));
	else
		line_put(writer, LOOK_PLAIN, "%s -> %s", verdict_name(before),
			 verdict_name(after));
}

static void write_stack(struct line_writer *writer,
			const struct diff_stack *stack, size_t rank)
{
	int64_t change = diff_change(stack->before.bytes, stack->after.bytes);

	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_put(writer, LOOK_STRONG, "%zu. %s", rank,
		 diff_kind_name(stack->kind));
	line_put(writer, change_look(change),
		 "%s:", units_size_change(change).text);
	put_amounts(writer, stack->before.bytes, stack->after.bytes,
		    stack->before.blocks, stack->after.blocks);
	if (stack->space != SPACE_HEAP)
		line_put(writer, LOOK_PLAIN, "of %s", space_name(stack->space));
	put_verdict(writer, stack);
	line_end(writer);
	frame_lines_write(writer, stack->frames);
	if (stack->flaw != FLAW_NONE) {
		line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
		line_put(writer, LOOK_FAINT, "(incomplete: %s)",
			 stack_flaw_text(stack->flaw));
		line_end(writer);
	}
}

/* What --suppressions kept out of one side, when it was taken or now. */
static void write_suppressed(struct line_writer *writer, const char *name,
			     const struct report *report)
{
	for (size_t i = 0; i < report->suppressed.count; i++) {
		const struct suppressed *one = &report->suppressed.items[i];

		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "suppressed %s %s in %s block%s",
			 name, units_size(one->bytes).text,
			 units_count(one->blocks).text,
			 one->blocks == 1 ? "" : "s");
		line_put(writer, LOOK_PLAIN, "from %s stack%s by",
			 units_count(one->stacks).text,
			 one->stacks == 1 ? "" : "s");
		line_words(writer, LOOK_PLAIN, one->pattern);
		line_end(writer);
	}
}

static void write_diff(struct line_writer *writer, const struct diff *diff,
		       unsigned top)
{
	uint64_t more = 0;

	write_side(writer, "before:", diff->before);
	write_side(writer, "after: ", diff->after);
	write_totals(writer, diff);
	write_counts(writer, diff);
	write_suppressed(writer, "before:", diff->before);
	write_suppressed(writer, "after:", diff->after);
	for (size_t i = 0; i < diff->stacks.count && i < top; i++)
		write_stack(writer, &diff->stacks.items[i], i + 1);
	if (diff->stacks.count > top) {
		more = diff->stacks.count - top;
		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "... and %s more that changed",
			 units_count(more).text);
		line_end(writer);
	}
}

int diff_write_text(FILE *stream, const struct diff *diff, unsigned top,
		    const struct report_style *style)
{
	struct line_writer writer = { .style = style };
	auto_free char *bytes = NULL;
	size_t size = 0;

	writer.stream = open_memstream(&bytes, &size);
	if (!writer.stream)
		return -ENOMEM;
	write_diff(&writer, diff, top);
	if (fclose(writer.stream) || writer.status)
		return -ENOMEM;
	return report_emit(stream, bytes, size);
}
