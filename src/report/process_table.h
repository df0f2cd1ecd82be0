/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of processes in the text report, when several are traced. */
#ifndef LEAKTRACE_REPORT_PROCESS_TABLE_H
#define LEAKTRACE_REPORT_PROCESS_TABLE_H

#include "model/report.h"
#include "report/line.h"

/* Writes nothing for a report of one process that is the report's own. */
void process_table_write(struct line_writer *writer,
			 const struct report *report);

/* Whose a stack is: "PID 12 worker", "3 processes"; nothing if it is plain. */
void process_put(struct line_writer *writer, const struct report *report,
		 const struct stack_figures *figures);

#endif
