// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report for people. docs/leaktrace.8, "The report", explains it line by
 * line; change both together.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "report/account_line.h"
#include "report/cost_line.h"
#include "report/estimate.h"
#include "report/formats.h"
#include "report/frame_line.h"
#include "report/incomplete_line.h"
#include "report/kernel_text.h"
#include "report/line.h"
#include "report/process_table.h"
#include "report/round_text.h"
#include "report/verdict_line.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/units.h"

/* Columns where lines begin. */
enum {
	NOTE_INDENT = 2,
	DETAIL_INDENT = 6,
};

static enum look change_look(int64_t change)
{
	if (!change)
		return LOOK_PLAIN;
	return change > 0 ? LOOK_GROWN : LOOK_SHRUNK;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* What a space's memory is counted in. */
static const char *unit_of(enum space space)
{
	return space == SPACE_RESIDENT ? "page" : "block";
}

/* Widths that align the figures of several lines. */
struct columns {
	int rank, bytes, bytes_error, blocks, blocks_error, change, age;
	bool plural;	     /* one of the lines says "blocks" */
	uint64_t most_bytes; /* the largest of them */
	bool several_spaces;
};

static void widen(int *width, struct unit_text text)
{
	int length = (int)strlen(text.text);

	if (*width < length)
		*width = length;
}

static void widen_amount(struct columns *columns, uint64_t bytes,
			 uint64_t blocks)
{
	widen(&columns->bytes, units_size(bytes));
	widen(&columns->blocks, units_count(blocks));
	columns->plural |= blocks != 1;
	if (columns->most_bytes < bytes)
		columns->most_bytes = bytes;
}

/* Something is outstanding or was at the last report. */
static bool is_active(const struct space_total *total)
{
	return total->bytes || total->blocks || total->bytes_change ||
	       total->blocks_change;
}

/* How many spaces are active, and the last of them. */
static size_t count_active(const struct report *report,
			   const struct space_total **last)
{
	size_t active = 0, i;

	for (i = 0; i < report->totals.count; i++) {
		if (!is_active(&report->totals.items[i]))
			continue;
		*last = &report->totals.items[i];
		active++;
	}
	return active;
}

/* A timer's jitter is of no interest: 999.1 ms are 1 s. */
static struct unit_text interval_text(uint64_t nanoseconds)
{
	const uint64_t step = NS_PER_SECOND / 100;

	if (nanoseconds > 10 * step)
		nanoseconds = (nanoseconds + step / 2) / step * step;
	return units_duration(nanoseconds);
}

static void put_wall_time(struct line_writer *writer, int64_t wall_ns)
{
	time_t seconds = wall_ns / (int64_t)NS_PER_SECOND;
	struct tm local;
	char text[16];

	if (!localtime_r(&seconds, &local) ||
	    !strftime(text, sizeof(text), "%H:%M:%S", &local))
		strcpy(text, "--:--:--");
	line_put(writer, LOOK_STRONG, "%s", text);
}

static void put_amount(struct line_writer *writer, const struct report *report,
		       const struct space_total *total)
{
	bool labelled = total->space != SPACE_HEAP;

	line_put(writer, LOOK_STRONG, "%s%s%s%s%s",
		 estimate_caution(report, total->estimate),
		 units_size(total->bytes).text,
		 estimate_total_bytes_error(total).text, labelled ? " of " : "",
		 !labelled			  ? ""
		 : total->space == SPACE_RESIDENT ? "resident memory"
						  : space_name(total->space));
	line_put(writer, LOOK_STRONG, "in %s %s%s%s",
		 units_count(total->blocks).text, unit_of(total->space),
		 plural(total->blocks),
		 estimate_total_blocks_error(total).text);
}

static void put_change(struct line_writer *writer, const struct report *report,
		       int64_t change)
{
	line_put(writer, change_look(change), "%s in %s",
		 units_size_change(change).text,
		 interval_text(report->since_last_ns).text);
}

/* How much was lost; what it was, has lines of its own below. */
static void put_losses(struct line_writer *writer,
		       const struct snapshot *snapshot)
{
	uint64_t losses = 0;

	for (size_t i = 0; i < snapshot->losses.count; i++)
		if (strcmp(snapshot->losses.items[i].name, LOSS_OF_NAMES) != 0)
			losses += snapshot->losses.items[i].count;
	if (!losses)
		return;
	line_glue(writer, LOOK_STRONG, ",");
	line_put(writer, LOOK_WARNING, "%s loss%s", units_count(losses).text,
		 losses == 1 ? "" : "es");
}

/*
 * The first line. Spaces are not added up: where several are in use, each
 * gets a line of its own below.
 */
static void write_header(struct line_writer *writer,
			 const struct report *report)
{
	const struct space_total *only = NULL;
	size_t active = count_active(report, &only), i;
	bool outstanding = false, changes;

	for (i = 0; i < report->totals.count; i++)
		outstanding |= report->totals.items[i].bytes ||
			       report->totals.items[i].blocks;
	changes = report->since_last_ns && active == 1;
	line_begin(writer, 0, NOTE_INDENT);
	put_wall_time(writer, report->snapshot->wall_ns);
	line_put(writer, LOOK_STRONG,
		 "after %s%s:", interval_text(report->elapsed_ns).text,
		 round_text_count(report).text);
	if (!outstanding)
		line_put(writer, LOOK_STRONG, "nothing outstanding%s",
			 report->at_least ? " among what was recorded" : "");
	else if (active == 1)
		put_amount(writer, report, only);
	else
		line_put(writer, LOOK_STRONG, "memory outstanding");
	if (report->older_than_ns)
		line_put(writer, LOOK_STRONG, "older than %s",
			 units_duration(report->older_than_ns).text);
	if (outstanding)
		line_put(writer, LOOK_STRONG, "from %s stack%s",
			 units_count(report->stacks_matching).text,
			 plural(report->stacks_matching));
	if (changes) {
		line_glue(writer, LOOK_STRONG, ",");
		put_change(writer, report, only->bytes_change);
	}
	if (active == 1)
		round_text_put_change(writer, report, only);
	put_losses(writer, report->snapshot);
	if (active > 1)
		line_glue(writer, LOOK_STRONG, ":");
	line_end(writer);
}

static void write_totals(struct line_writer *writer,
			 const struct report *report)
{
	const struct space_total *total;
	struct columns columns = { 0 };
	size_t i;

	if (count_active(report, &total) < 2)
		return;
	for (i = 0; i < report->totals.count; i++)
		widen_amount(&columns, report->totals.items[i].bytes,
			     report->totals.items[i].blocks);
	for (i = 0; i < report->totals.count; i++) {
		total = &report->totals.items[i];
		if (!is_active(total))
			continue;
		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_STRONG, "%-7s %s%*s%s in %*s block%s%s",
			 space_name(total->space),
			 estimate_caution(report, total->estimate),
			 columns.bytes, units_size(total->bytes).text,
			 estimate_total_bytes_error(total).text, columns.blocks,
			 units_count(total->blocks).text, plural(total->blocks),
			 estimate_total_blocks_error(total).text);
		line_put(writer, LOOK_STRONG, "from %s stack%s",
			 units_count(total->stacks).text,
			 plural(total->stacks));
		if (report->since_last_ns) {
			line_glue(writer, LOOK_STRONG, ",");
			put_change(writer, report, total->bytes_change);
		}
		round_text_put_change(writer, report, total);
		line_end(writer);
	}
}

static void write_losses(struct line_writer *writer,
			 const struct snapshot *snapshot)
{
	const struct loss *loss;
	size_t i;

	for (i = 0; i < snapshot->losses.count; i++) {
		loss = &snapshot->losses.items[i];
		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_words(writer, LOOK_WARNING, loss->text);
		line_put(writer, LOOK_WARNING, "(%s%s%s)%s",
			 units_count(loss->count).text, loss->bytes ? ", " : "",
			 loss->bytes ? units_size(loss->bytes).text : "",
			 loss->remedy ? ":" : "");
		if (loss->remedy)
			line_words(writer, LOOK_WARNING, loss->remedy);
		line_end(writer);
	}
}

static void write_notes(struct line_writer *writer, const struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;

	estimate_write_note(writer, snapshot);
	estimate_write_growth(writer, snapshot);
	cost_line_write(writer, snapshot);
	write_losses(writer, snapshot);
	for (size_t i = 0; i < report->suppressed.count; i++) {
		const struct suppressed *one = &report->suppressed.items[i];

		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "suppressed: %s in %s block%s",
			 units_size(one->bytes).text,
			 units_count(one->blocks).text, plural(one->blocks));
		line_put(writer, LOOK_PLAIN, "from %s stack%s by",
			 units_count(one->stacks).text, plural(one->stacks));
		line_words(writer, LOOK_PLAIN, one->pattern);
		line_end(writer);
	}
	if (snapshot->unmatched_frees) {
		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "%s block%s from before tracing",
			 units_count(snapshot->unmatched_frees).text,
			 plural(snapshot->unmatched_frees));
		line_put(writer, LOOK_PLAIN, "began %s freed",
			 snapshot->unmatched_frees == 1 ? "was" : "were");
		line_end(writer);
	}
	incomplete_line_write(writer, snapshot);
}

static struct columns measure(const struct report *report)
{
	const struct report_stack *stack;
	struct columns columns = { 0 };
	size_t i;

	columns.rank = snprintf(NULL, 0, "%zu.", report->top.count);
	for (i = 0; i < report->top.count; i++) {
		stack = &report->top.items[i];
		widen_amount(&columns, stack->figures->bytes,
			     stack->figures->blocks);
		widen(&columns.bytes_error,
		      estimate_bytes_error(stack->figures));
		widen(&columns.blocks_error,
		      estimate_blocks_error(stack->figures));
		widen(&columns.change, units_size_change(stack->bytes_change));
		widen(&columns.age, units_duration(stack->oldest_age_ns));
		columns.several_spaces |= stack->figures->space !=
					  report->top.items[0].figures->space;
	}
	return columns;
}

static void write_figures(struct line_writer *writer,
			  const struct report *report,
			  const struct report_stack *stack, size_t rank,
			  const struct columns *columns)
{
	const struct stack_figures *figures = stack->figures;
	enum look look = figures->bytes == columns->most_bytes ? LOOK_STRONG
							       : LOOK_PLAIN;
	struct unit_text blocks_error = estimate_blocks_error(figures);
	int padding = columns->blocks_error - (int)strlen(blocks_error.text) +
		      (figures->blocks == 1 && columns->plural);
	char number[24];

	snprintf(number, sizeof(number), "%zu.", rank);
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_put(writer, look, "%*s %*s%-*s in %*s %s%s%s,%*s", columns->rank,
		 number, columns->bytes, units_size(figures->bytes).text,
		 columns->bytes_error, estimate_bytes_error(figures).text,
		 columns->blocks, units_count(figures->blocks).text,
		 unit_of(figures->space), plural(figures->blocks),
		 blocks_error.text, padding, "");
	if (report->since_last_ns)
		line_put(writer, change_look(stack->bytes_change), "%*s,",
			 columns->change,
			 units_size_change(stack->bytes_change).text);
	line_put(writer, LOOK_PLAIN, "oldest %*s", columns->age,
		 stack->oldest_age_ns
			 ? units_duration(stack->oldest_age_ns).text
			 : "-");
	if (columns->several_spaces)
		line_put(writer, LOOK_PLAIN, " %s", space_name(figures->space));
	kernel_text_put_origin(writer, figures);
	process_put(writer, report, figures);
	line_end(writer);
}

static void write_history(struct line_writer *writer,
			  const struct stack_figures *figures)
{
	line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
	line_put(writer, LOOK_FAINT, "allocated %s (%s),",
		 units_count(figures->allocations).text,
		 units_size(figures->allocated_bytes).text);
	line_put(writer, LOOK_FAINT, "freed %s (%s),",
		 units_count(figures->frees).text,
		 units_size(figures->freed_bytes).text);
	line_put(writer, LOOK_FAINT, "stack %016" PRIx64, figures->id);
	line_end(writer);
}

static void write_blocks(struct line_writer *writer,
			 const struct report *report,
			 const struct stack_figures *figures)
{
	uint64_t now = report->snapshot->taken_ns, age;
	const struct block *block;
	size_t i;

	for (i = 0; i < figures->listed.count; i++) {
		block = &figures->listed.items[i];
		age = now > block->born_ns ? now - block->born_ns : 0;
		line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
		line_put(writer, LOOK_PLAIN, "0x%-16" PRIx64 " %13s B,",
			 block->address, units_count(block->size).text);
		line_put(writer, LOOK_PLAIN, "age %s",
			 units_duration(age).text);
		line_end(writer);
	}
	if (figures->listed.count && figures->blocks > figures->listed.count) {
		line_begin(writer, DETAIL_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "... and %s more",
			 units_count(figures->blocks - figures->listed.count)
				 .text);
		line_end(writer);
	}
}

static void write_stack(struct line_writer *writer, const struct report *report,
			size_t index, const struct columns *columns)
{
	const struct report_stack *stack = &report->top.items[index];

	write_figures(writer, report, stack, index + 1, columns);
	verdict_line_write(writer, stack);
	account_write_resident(writer, report, stack->figures);
	if (writer->style->verbose)
		write_history(writer, stack->figures);
	frame_lines_write(writer, &stack->frames);
	if (stack->figures->flaw != FLAW_NONE) {
		line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
		line_put(writer, LOOK_FAINT, "(incomplete: %s)",
			 stack_flaw_text(stack->figures->flaw));
		line_end(writer);
	}
	kernel_text_write_mark(writer, stack->figures);
	write_blocks(writer, report, stack->figures);
}

static void write_end(struct line_writer *writer, const struct report *report)
{
	if (report->reason != REPORT_LAST)
		return;
	line_begin(writer, 0, NOTE_INDENT);
	line_put(writer, LOOK_STRONG, "last report");
	if (report->target) {
		line_put(writer, LOOK_STRONG, "of");
		line_words(writer, LOOK_STRONG, report->target);
		if (report->pid)
			line_put(writer, LOOK_STRONG, "(PID %" PRIu32 ")",
				 report->pid);
	}
	if (report->end) {
		line_glue(writer, LOOK_STRONG, ":");
		line_words(writer, LOOK_STRONG, report->end);
	}
	line_end(writer);
}

static void write_report(struct line_writer *writer,
			 const struct report *report)
{
	struct columns columns = measure(report);
	size_t i, more;

	write_header(writer, report);
	write_totals(writer, report);
	verdict_line_summarise(writer, report);
	account_lines_write(writer, report);
	write_notes(writer, report);
	kernel_text_write_summary(writer, report);
	process_table_write(writer, report);
	for (i = 0; i < report->top.count; i++)
		write_stack(writer, report, i, &columns);
	if (report->stacks_matching > report->top.count) {
		more = report->stacks_matching - report->top.count;
		line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "... and %s more stack%s",
			 units_count(more).text, plural(more));
		line_end(writer);
	}
	write_end(writer, report);
	line_begin(writer, 0, 0);
	line_end(writer);
}

static int text_write(FILE *stream, const struct report *report,
		      const struct report_style *style)
{
	struct line_writer writer = { .style = style };
	auto_free char *bytes = NULL;
	size_t size = 0;
	bool failed;

	writer.stream = open_memstream(&bytes, &size);
	if (!writer.stream)
		return -ENOMEM;
	write_report(&writer, report);
	failed = ferror(writer.stream);
	if (fclose(writer.stream) || failed || writer.status)
		return -ENOMEM;
	return report_emit(stream, bytes, size);
}

const struct report_format report_format_text = {
	.name = "text",
	.write = text_write,
};
