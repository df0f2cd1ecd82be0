/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a report's stacks: what is to be looked at first. */
#ifndef LEAKTRACE_JUDGE_RANK_H
#define LEAKTRACE_JUDGE_RANK_H

#include <stdbool.h>

#include "model/report.h"
#include "options.h"

/*
 * Sorts report->top, which has every stack with blocks outstanding, and keeps
 * the first `top` of them there; the others go before what is in report->rest,
 * or are freed. Returns 0 or -ENOMEM.
 */
int rank_stacks(struct report *report, enum sort_key key, unsigned top,
		bool keep_rest);

#endif
