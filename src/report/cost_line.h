/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the text report tells what leaktrace itself costs. */
#ifndef LEAKTRACE_REPORT_COST_LINE_H
#define LEAKTRACE_REPORT_COST_LINE_H

#include "model/snapshot.h"
#include "report/line.h"

/*
 * Writes the cost with -v, and always where it is over its budget, if it was
 * measured.
 */
void cost_line_write(struct line_writer *writer,
		     const struct snapshot *snapshot);

/* "5%", "0.25%", "14.2%": three digits at most, no more than it takes. */
void cost_percent_text(double percent, char *text, size_t size);

#endif
