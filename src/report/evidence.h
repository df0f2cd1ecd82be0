/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts in words: one phrase for a stack, one for all of them. */
#ifndef LEAKTRACE_REPORT_EVIDENCE_H
#define LEAKTRACE_REPORT_EVIDENCE_H

#include "model/report.h"
#include "util/units.h"

struct evidence_text {
	char text[256];
};

/* "+1.8 MiB/min", "-3.2 KiB/h": per hour where it is slow. */
struct unit_text evidence_rate(double bytes_per_second);

/*
 * Why a stack has its verdict, without the verdict: "4,812 blocks older than
 * 60 s; none was ever freed; +1.8 MiB/min for 6 min"; "" if it has none.
 */
struct evidence_text evidence_phrase(const struct report_stack *stack);

/*
 * The answer: "2 stacks leak, together 2.1 MiB/min; at this rate the 512 MiB
 * limit is reached in 3 h 50 min"; "" if nothing was judged.
 */
struct evidence_text evidence_summary(const struct report *report);

#endif
