/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole account of a process's memory in words. */
#ifndef LEAKTRACE_REPORT_ACCOUNT_LINE_H
#define LEAKTRACE_REPORT_ACCOUNT_LINE_H

#include "model/report.h"
#include "report/line.h"

struct account_text {
	char text[256];
};

/* The part that grew most, if it is what made the resident set grow. */
bool account_cause(const struct report_account *account,
		   enum account_part *part);

/*
 * What made it grow: "118.0 MiB of it retained by the allocator after frees";
 * "" if it has not grown by 1 MiB.
 */
struct account_text account_growth(const struct report_account *account);

/* "exact", "at_most" or "at_least": how a part's bytes are to be taken. */
const char *account_bound(const struct account *account,
			  enum account_part part);

/* Writes what tells something, with -v all of it. */
void account_lines_write(struct line_writer *writer,
			 const struct report *report);

/* Writes what of a stack's blocks is resident, with --resident. */
void account_write_resident(struct line_writer *writer,
			    const struct report *report,
			    const struct stack_figures *figures);

#endif
