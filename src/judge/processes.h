/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of a report, compared with those of the last one and ranked. */
#ifndef LEAKTRACE_JUDGE_PROCESSES_H
#define LEAKTRACE_JUDGE_PROCESSES_H

#include "model/report.h"

/* A process's figures in the last report. */
struct past_process {
	uint64_t id;
	uint64_t bytes, blocks;
};

typedef VECTOR(struct past_process) past_process_vector; /* sorted by id */

/*
 * Fills report->processes from its snapshot, the largest first, with what
 * changed since past, and makes past what this report has. 0 or -ENOMEM.
 */
int processes_rank(struct report *report, past_process_vector *past);

#endif
