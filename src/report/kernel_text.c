// SPDX-License-Identifier: GPL-2.0-or-later
/* What the text report says of the kernel: see kernel_text.h. */
#include "report/kernel_text.h"

#include <inttypes.h>
#include <string.h>

#include "util/units.h"

enum { NOTE_INDENT = 2, DETAIL_INDENT = 6 };

/* A longer table says how many modules are not in it. */
#define MODULES_SHOWN 20

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void write_apart(struct line_writer *writer, const struct report *report)
{
	const char *separator = "";
	bool any = false;

	for (int use = 0; use < PAGE_USE_COUNT; use++)
		any |= report->apart[use].blocks != 0;
	if (!any)
		return;
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_words(writer, LOOK_PLAIN, "set apart:");
	for (int use = 0; use < PAGE_USE_COUNT; use++) {
		if (!report->apart[use].blocks)
			continue;
		line_glue(writer, LOOK_PLAIN, separator);
		separator = ",";
		line_put(writer, LOOK_PLAIN, "%s %s",
			 units_size(report->apart[use].bytes).text,
			 page_use_text((enum page_use)use));
	}
	line_end(writer);
}

static void write_gaps(struct line_writer *writer,
		       const struct snapshot *snapshot)
{
	if (!snapshot->gaps.count)
		return;
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_words(writer, LOOK_WARNING, "not seen on this kernel:");
	for (size_t i = 0; i < snapshot->gaps.count; i++) {
		line_words(writer, LOOK_WARNING, snapshot->gaps.items[i].text);
		if (i + 1 < snapshot->gaps.count)
			line_glue(writer, LOOK_WARNING, ",");
	}
	line_end(writer);
}

/* Widths that align the rows of the table. */
struct widths {
	int name, bytes, blocks;
};

static void widen(int *width, size_t length)
{
	if (*width < (int)length)
		*width = (int)length;
}

static bool is_shown(const struct module_total *total)
{
	return total->blocks || total->bytes_change || total->blocks_change;
}

static void put_spaces(struct line_writer *writer,
		       const struct module_total *total)
{
	const char *separator = ":";

	for (int space = 0; space < SPACE_COUNT; space++) {
		if (!total->spaces[space].blocks)
			continue;
		line_glue(writer, LOOK_PLAIN, separator);
		separator = ",";
		line_put(writer, LOOK_PLAIN, "%s %s (%s)",
			 space_name((enum space)space),
			 units_size(total->spaces[space].bytes).text,
			 units_count(total->spaces[space].blocks).text);
	}
}

static void write_module(struct line_writer *writer,
			 const struct report *report,
			 const struct module_total *total,
			 const struct widths *widths)
{
	line_begin(writer, NOTE_INDENT + 2, DETAIL_INDENT + 2);
	line_put(writer, LOOK_STRONG, "%-*s %*s in %*s block%s", widths->name,
		 total->name, widths->bytes, units_size(total->bytes).text,
		 widths->blocks, units_count(total->blocks).text,
		 plural(total->blocks));
	if (report->since_last_ns) {
		line_glue(writer, LOOK_PLAIN, ",");
		line_put(writer,
			 total->bytes_change > 0   ? LOOK_GROWN
			 : total->bytes_change < 0 ? LOOK_SHRUNK
						   : LOOK_PLAIN,
			 "%s", units_size_change(total->bytes_change).text);
	}
	put_spaces(writer, total);
	line_end(writer);
}

static void write_modules(struct line_writer *writer,
			  const struct report *report)
{
	struct widths widths = { 0 };
	size_t shown = 0, active = 0;

	for (size_t i = 0; i < report->modules.count; i++) {
		const struct module_total *total = &report->modules.items[i];

		if (!is_shown(total))
			continue;
		active++;
		widen(&widths.name, strlen(total->name));
		widen(&widths.bytes, strlen(units_size(total->bytes).text));
		widen(&widths.blocks, strlen(units_count(total->blocks).text));
	}
	if (!active)
		return;
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_words(writer, LOOK_PLAIN, "by module:");
	line_end(writer);
	for (size_t i = 0; i < report->modules.count && shown < MODULES_SHOWN;
	     i++) {
		if (!is_shown(&report->modules.items[i]))
			continue;
		write_module(writer, report, &report->modules.items[i],
			     &widths);
		shown++;
	}
	if (active == shown)
		return;
	line_begin(writer, NOTE_INDENT + 2, DETAIL_INDENT);
	line_put(writer, LOOK_PLAIN, "... and %s more",
		 units_count(active - shown).text);
	line_end(writer);
}

/* What a module that was unloaded, or a cycle, left behind. */
static void write_residue(struct line_writer *writer,
			  const struct report *report)
{
	uint64_t bytes = 0, blocks = 0;
	int64_t bytes_change = 0, blocks_change = 0;

	if (report->reason != REPORT_UNLOADED && report->reason != REPORT_CYCLE)
		return;
	for (size_t i = 0; i < report->modules.count; i++) {
		const struct module_total *total = &report->modules.items[i];

		bytes += total->bytes;
		blocks += total->blocks;
		bytes_change += total->bytes_change;
		blocks_change += total->blocks_change;
	}
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	if (report->reason == REPORT_UNLOADED)
		line_put(writer, LOOK_STRONG,
			 "module %s is unloaded; it left %s in %s block%s",
			 report->module, units_size(bytes).text,
			 units_count(blocks).text, plural(blocks));
	else
		line_put(writer, LOOK_STRONG,
			 "cycle %u of %u left %s in %" PRIi64 " block%s",
			 report->cycle, report->cycles,
			 units_size_change(bytes_change).text, blocks_change,
			 plural((uint64_t)blocks_change));
	line_end(writer);
}

void kernel_text_write_summary(struct line_writer *writer,
			       const struct report *report)
{
	if (!report->kernel)
		return;
	write_residue(writer, report);
	write_apart(writer, report);
	write_gaps(writer, report->snapshot);
	write_modules(writer, report);
}

void kernel_text_put_origin(struct line_writer *writer,
			    const struct stack_figures *figures)
{
	if (figures->space == SPACE_APART)
		line_put(writer, LOOK_PLAIN, "(%s)",
			 page_use_text(figures->page_use));
	if (figures->label)
		line_words(writer, LOOK_PLAIN, figures->label);
	if (figures->module)
		line_put(writer, LOOK_FAINT, " [%s]", figures->module);
}

void kernel_text_write_mark(struct line_writer *writer,
			    const struct stack_figures *figures)
{
	if (!figures->may_be_freed)
		return;
	line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
	if (figures->unseen_frees)
		line_put(writer, LOOK_WARNING,
			 "(may be freed already: %s such frees were not seen)",
			 units_count(figures->unseen_frees).text);
	else
		line_put(writer, LOOK_WARNING,
			 "(may be freed already by means not seen here)");
	line_end(writer);
}
