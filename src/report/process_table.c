// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of processes: see process_table.h. */
#include "report/process_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/units.h"

/* Columns where lines begin. */
enum {
	TABLE_INDENT = 2,
	TABLE_WRAP = 6,
};

/* Further processes are only counted, unless -v asks for all. */
#define PROCESSES_SHOWN 20

struct widths {
	int pid, name, bytes, blocks;
};

static void widen(int *width, int length)
{
	if (*width < length)
		*width = length;
}

static struct widths measure(const struct report *report, size_t count)
{
	struct widths widths = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct process_figures *figures =
			report->processes.items[i].figures;

		widen(&widths.pid, snprintf(NULL, 0, "%" PRIu32, figures->pid));
		widen(&widths.name, (int)strlen(figures->name));
		widen(&widths.bytes,
		      (int)strlen(units_size(figures->bytes).text));
		widen(&widths.blocks,
		      (int)strlen(units_count(figures->blocks).text));
	}
	return widths;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void write_process(struct line_writer *writer,
			  const struct report *report,
			  const struct report_process *process,
			  const struct widths *widths)
{
	const struct process_figures *figures = process->figures;
	enum look look = LOOK_PLAIN;

	if (process->bytes_change)
		look = process->bytes_change > 0 ? LOOK_GROWN : LOOK_SHRUNK;
	line_begin(writer, TABLE_INDENT, TABLE_WRAP);
	line_put(writer, LOOK_PLAIN, "%*" PRIu32, widths->pid, figures->pid);
	line_words(writer, LOOK_PLAIN, figures->name);
	line_put(writer, LOOK_PLAIN, "%*s%*s in %*s block%s",
		 widths->name - (int)strlen(figures->name), "", widths->bytes,
		 units_size(figures->bytes).text, widths->blocks,
		 units_count(figures->blocks).text, plural(figures->blocks));
	if (figures->ended) {
		line_put(writer, LOOK_PLAIN, "when it ended");
	} else if (report->since_last_ns) {
		line_glue(writer, LOOK_PLAIN, ",");
		line_put(writer, look, "%s",
			 units_size_change(process->bytes_change).text);
	}
	if (figures->untraced_ns) {
		line_glue(writer, LOOK_PLAIN, ",");
		line_put(writer, LOOK_FAINT, "traced %s late",
			 units_duration(figures->untraced_ns).text);
	}
	line_end(writer);
}

static void write_ended(struct line_writer *writer,
			const struct snapshot *snapshot)
{
	if (!snapshot->processes_ended)
		return;
	line_begin(writer, TABLE_INDENT, TABLE_WRAP);
	line_put(writer, LOOK_PLAIN, "%s process%s ended before, with",
		 units_count(snapshot->processes_ended).text,
		 snapshot->processes_ended == 1 ? "" : "es");
	line_put(writer, LOOK_PLAIN, "%s in %s block%s",
		 units_size(snapshot->ended_bytes).text,
		 units_count(snapshot->ended_blocks).text,
		 plural(snapshot->ended_blocks));
	line_end(writer);
}

static bool is_several(const struct report *report)
{
	return report->processes.count > 1 ||
	       report->snapshot->processes_ended ||
	       (report->processes.count && !report->pid);
}

void process_table_write(struct line_writer *writer,
			 const struct report *report)
{
	size_t shown = report->processes.count;
	struct widths widths;

	if (!is_several(report))
		return;
	if (shown > PROCESSES_SHOWN && !writer->style->verbose)
		shown = PROCESSES_SHOWN;
	widths = measure(report, shown);
	for (size_t i = 0; i < shown; i++)
		write_process(writer, report, &report->processes.items[i],
			      &widths);
	if (shown < report->processes.count) {
		line_begin(writer, TABLE_INDENT, TABLE_WRAP);
		line_put(writer, LOOK_PLAIN,
			 "... and %s more processes (-v shows them)",
			 units_count(report->processes.count - shown).text);
		line_end(writer);
	}
	write_ended(writer, report->snapshot);
}

void process_put(struct line_writer *writer, const struct report *report,
		 const struct stack_figures *figures)
{
	const char *name = NULL;

	if (figures->process_count > 1) {
		line_put(writer, LOOK_PLAIN, " %" PRIu32 " processes",
			 figures->process_count);
		return;
	}
	if (!figures->process ||
	    (!is_several(report) && figures->process == report->pid))
		return;
	line_put(writer, LOOK_PLAIN, " PID %" PRIu32, figures->process);
	for (size_t i = 0; i < report->processes.count && !name; i++)
		if (report->processes.items[i].figures->pid == figures->process)
			name = report->processes.items[i].figures->name;
	if (name)
		line_words(writer, LOOK_PLAIN, name);
}
