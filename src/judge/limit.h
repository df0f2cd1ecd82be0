/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the leaks of a report will have taken what is left of the memory. */
#ifndef LEAKTRACE_JUDGE_LIMIT_H
#define LEAKTRACE_JUDGE_LIMIT_H

#include "model/report.h"

/* Fills limit_reached_ns by the report's limit and leaking_bytes_per_second. */
void limit_reach(struct report *report);

#endif
