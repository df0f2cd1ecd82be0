/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A comparison of two reports as text or JSON. */
#ifndef LEAKTRACE_REPORT_DIFF_FORMAT_H
#define LEAKTRACE_REPORT_DIFF_FORMAT_H

#include <stdio.h>

#include "model/diff.h"
#include "report/format.h"

/*
 * Each writes the first `top` stacks of a comparison and returns 0 or -errno
 * of the write. docs/leaktrace.8, "Comparing", explains both.
 */
int diff_write_text(FILE *stream, const struct diff *diff, unsigned top,
		    const struct report_style *style);
int diff_write_json(FILE *stream, const struct diff *diff, unsigned top);

#endif
