// SPDX-License-Identifier: GPL-2.0-or-later
/* How the text report marks estimates: see estimate.h. */
#include "report/estimate.h"

#include <stdio.h>

#include "report/cost_line.h"

const char *estimate_caution(const struct report *report, bool estimate)
{
	if (report->at_least)
		return estimate ? "at least about " : "at least ";
	return estimate ? "about " : "";
}

static struct unit_text error_text(bool estimate, double error, uint64_t value)
{
	struct unit_text text = { "" };
	double percent = value ? 100 * error / (double)value : 0;

	if (estimate && value)
		snprintf(text.text, sizeof(text.text), " +-%.*f%%",
			 percent < 0.95 ? 1 : 0, percent);
	return text;
}

struct unit_text estimate_bytes_error(const struct stack_figures *figures)
{
	return error_text(figures->estimate, figures->bytes_error,
			  figures->bytes);
}

struct unit_text estimate_blocks_error(const struct stack_figures *figures)
{
	return error_text(figures->estimate, figures->blocks_error,
			  figures->blocks);
}

struct unit_text estimate_total_bytes_error(const struct space_total *total)
{
	return error_text(total->estimate, total->bytes_error, total->bytes);
}

struct unit_text estimate_total_blocks_error(const struct space_total *total)
{
	return error_text(total->estimate, total->blocks_error, total->blocks);
}

void estimate_write_note(struct line_writer *writer,
			 const struct snapshot *snapshot)
{
	char budget[16];

	if (!snapshot->sampled)
		return;
	line_begin(writer, 2, 6);
	if (snapshot->sample_bytes) {
		line_put(writer, LOOK_PLAIN, "sampled: one block for every %s",
			 units_size(snapshot->sample_bytes).text);
		line_put(writer, LOOK_PLAIN, "allocated");
	} else {
		line_put(writer, LOOK_PLAIN, "every block is recorded now,");
		line_put(writer, LOOK_PLAIN, "a sample was before");
	}
	if (snapshot->cost.budget_percent > 0) {
		cost_percent_text(snapshot->cost.budget_percent, budget,
				  sizeof(budget));
		line_glue(writer, LOOK_PLAIN, ",");
		line_put(writer, LOOK_PLAIN, "to stay under %s of a core",
			 budget);
	}
	line_glue(writer, LOOK_PLAIN, ";");
	line_put(writer, LOOK_PLAIN, "+- is the standard error");
	line_end(writer);
}

void estimate_write_growth(struct line_writer *writer,
			   const struct snapshot *snapshot)
{
	int64_t grown = (int64_t)(snapshot->resident_bytes -
				  snapshot->resident_at_start);

	if (!snapshot->fault_period)
		return;
	line_begin(writer, 2, 6);
	line_put(writer, LOOK_PLAIN, "resident memory of the process: %s,",
		 units_size(snapshot->resident_bytes).text);
	line_put(writer, LOOK_PLAIN, "%s since tracing began",
		 units_size_change(grown).text);
	line_end(writer);
	line_begin(writer, 2, 6);
	line_put(writer, LOOK_PLAIN, "sampled: one page fault in %s;",
		 units_count(snapshot->fault_period).text);
	line_put(writer, LOOK_PLAIN, "+- is the standard error");
	line_end(writer);
}
