/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text report says of the kernel beyond stacks and totals. */
#ifndef LEAKTRACE_REPORT_KERNEL_TEXT_H
#define LEAKTRACE_REPORT_KERNEL_TEXT_H

#include "model/report.h"
#include "report/line.h"

/* The pages set apart by their use, the gaps, and the table of modules. */
void kernel_text_write_summary(struct line_writer *writer,
			       const struct report *report);

/* Adds to a stack's line whose it is: slab cache or device, and module. */
void kernel_text_put_origin(struct line_writer *writer,
			    const struct stack_figures *figures);

/* A line below a stack that may include what is freed already. */
void kernel_text_write_mark(struct line_writer *writer,
			    const struct stack_figures *figures);

#endif
