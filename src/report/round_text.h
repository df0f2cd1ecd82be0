/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounds in the report for people. */
#ifndef LEAKTRACE_REPORT_ROUND_TEXT_H
#define LEAKTRACE_REPORT_ROUND_TEXT_H

#include "model/report.h"
#include "report/line.h"
#include "util/units.h"

/* " and 12 rounds"; "" without --round. */
struct unit_text round_text_count(const struct report *report);

/* Puts ", +192 B a round over 8 rounds"; nothing before it can be told. */
void round_text_put_change(struct line_writer *writer,
			   const struct report *report,
			   const struct space_total *total);

#endif
