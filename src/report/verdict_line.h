/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts in the report for people. */
#ifndef LEAKTRACE_REPORT_VERDICT_LINE_H
#define LEAKTRACE_REPORT_VERDICT_LINE_H

#include "model/report.h"
#include "report/line.h"

/* Writes a stack's verdict with its evidence; nothing if it has none. */
void verdict_line_write(struct line_writer *writer,
			const struct report_stack *stack);

/* Writes the answer: how many leak, how fast, until when. */
void verdict_line_summarise(struct line_writer *writer,
			    const struct report *report);

#endif
