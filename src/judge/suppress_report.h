/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes call stacks that rules suppress out of a report from a file. */
#ifndef LEAKTRACE_JUDGE_SUPPRESS_REPORT_H
#define LEAKTRACE_JUDGE_SUPPRESS_REPORT_H

#include "judge/suppressions.h"
#include "model/report.h"
#include "util/error.h"

/*
 * Takes the stacks that a rule matches out of a report whose stacks are all in
 * its top and rest, with their frames: out of its totals, its answer and what
 * belongs to modules as well, and adds what that was to report->suppressed.
 * Its patterns are the rules' own. What each process holds is not known by
 * stack and stays, and so does the growth over rounds, which is taken away if
 * something was suppressed. 0 or -ENOMEM with a message.
 */
int suppress_report(const struct suppressions *rules, struct report *report,
		    struct error *error);

#endif
