// SPDX-License-Identifier: GPL-2.0-or-later
/* What leaktrace itself costs, for people: see cost_line.h. */
#include "report/cost_line.h"

#include <math.h>

#include "util/units.h"

/* Columns where lines begin and go on. */
enum { INDENT = 2, CONTINUED = 6 };

void cost_percent_text(double percent, char *text, size_t size)
{
	if (percent >= 100)
		snprintf(text, size, "%.0f%%", percent);
	else
		snprintf(text, size, "%.3g%%", percent < 0.0005 ? 0 : percent);
}

static struct unit_text percent_text(double percent)
{
	struct unit_text text;

	cost_percent_text(percent, text.text, sizeof(text.text));
	return text;
}

static void write_over(struct line_writer *writer, const struct own_cost *cost)
{
	line_begin(writer, INDENT, CONTINUED);
	line_put(writer, LOOK_WARNING, "over the budget of %s of a core:",
		 percent_text(cost->budget_percent).text);
	line_words(writer, LOOK_WARNING,
		   "the probes cost more, however few blocks are sampled");
	line_end(writer);
}

static void write_cost(struct line_writer *writer, const struct own_cost *cost)
{
	double own = 100 * cost->own_ns / (double)cost->period_ns;
	bool whole = cost->bpf_known && cost->traps_known;

	line_begin(writer, INDENT, CONTINUED);
	line_put(writer, LOOK_FAINT,
		 "cost: %s%s of a core:", whole ? "" : "at least ",
		 percent_text(own_cost_percent(cost)).text);
	line_put(writer, LOOK_FAINT, "%s probe hits a second",
		 units_count((uint64_t)own_cost_hits_per_second(cost)).text);
	if (cost->hits)
		line_put(writer, LOOK_FAINT, "at %s ns each",
			 units_count((uint64_t)own_cost_per_hit(cost)).text);
	if (!cost->bpf_known)
		line_put(writer, LOOK_FAINT, "without their programs");
	if (!cost->traps_known)
		line_put(writer, LOOK_FAINT, "without their traps");
	line_glue(writer, LOOK_FAINT, ",");
	line_put(writer, LOOK_FAINT, "leaktrace itself %s",
		 percent_text(own).text);
	line_end(writer);
}

void cost_line_write(struct line_writer *writer,
		     const struct snapshot *snapshot)
{
	const struct own_cost *cost = &snapshot->cost;

	if (!cost->period_ns)
		return;
	if (cost->over_budget)
		write_over(writer, cost);
	if (cost->over_budget || writer->style->verbose)
		write_cost(writer, cost);
}
