/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output formats: one struct of operations each. A format sees plain structs
 * only, writes to the stream it is given and flushes at the end of a report.
 */
#ifndef LEAKTRACE_REPORT_FORMAT_H
#define LEAKTRACE_REPORT_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "model/report.h"

struct report_style {
	bool colour;	/* terminal, and NO_COLOR unset */
	unsigned width; /* columns to keep within; 0 = do not cut (pipe) */
	bool verbose;	/* -v */
	bool continues; /* a report of this session stands before it */
};

struct report_format {
	const char *name; /* as in --output NAME */
	bool whole;	  /* one document: of the last report only */
	bool all_stacks;  /* wants report->rest */
	bool binary;	  /* not for a terminal */
	bool no_losses;	  /* has no place for losses: say them elsewhere */
	/*
	 * Writes one report. Returns 0 or -errno of the write (-EPIPE when the
	 * reader went away).
	 */
	int (*write)(FILE *stream, const struct report *report,
		     const struct report_style *style);
};

/* The format called name, or NULL; the index-th, or NULL behind the last. */
const struct report_format *report_format_find(const char *name);
const struct report_format *report_format_at(size_t index);

/* "text, json": for messages. */
const char *report_format_names(void);

#endif
