/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the text report marks figures that are estimates from a sample. */
#ifndef LEAKTRACE_REPORT_ESTIMATE_H
#define LEAKTRACE_REPORT_ESTIMATE_H

#include "model/report.h"
#include "report/line.h"
#include "util/units.h"

/* What stands before figures that are not exact: "at least about ", "". */
const char *estimate_caution(const struct report *report, bool estimate);

/* What follows them: the standard error, " +-3%"; "" for exact ones. */
struct unit_text estimate_bytes_error(const struct stack_figures *figures);
struct unit_text estimate_blocks_error(const struct stack_figures *figures);
struct unit_text estimate_total_bytes_error(const struct space_total *total);
struct unit_text estimate_total_blocks_error(const struct space_total *total);

/* Writes a line that tells the interval, if the snapshot is of a sample. */
void estimate_write_note(struct line_writer *writer,
			 const struct snapshot *snapshot);

/* With --growth: how it was estimated, and the resident set beside it. */
void estimate_write_growth(struct line_writer *writer,
			   const struct snapshot *snapshot);

#endif
