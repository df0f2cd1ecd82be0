/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounds in the report for programs. */
#ifndef LEAKTRACE_REPORT_ROUND_JSON_H
#define LEAKTRACE_REPORT_ROUND_JSON_H

#include <jansson.h>

#include "model/report.h"

/* Of the report: how many ended, and how totals changed over the last. */
json_t *round_json_report(const struct report *report);

/* Of a stack, round by round; the report has its rounds. */
json_t *round_json_stack(const struct report *report,
			 const struct report_stack *stack);

#endif
