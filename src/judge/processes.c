// SPDX-License-Identifier: GPL-2.0-or-later
/* The processes of a report: see processes.h. */
#include "judge/processes.h"

#include <errno.h>
#include <stdlib.h>

static int past_compare(const void *left, const void *right)
{
	const struct past_process *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* Orders: those that run first, then by bytes, blocks, PID. */
static int rank_compare(const void *left, const void *right)
{
	const struct report_process *a = left, *b = right;

	if (a->figures->ended != b->figures->ended)
		return a->figures->ended ? 1 : -1;
	if (a->figures->bytes != b->figures->bytes)
		return a->figures->bytes > b->figures->bytes ? -1 : 1;
	if (a->figures->blocks != b->figures->blocks)
		return a->figures->blocks > b->figures->blocks ? -1 : 1;
	return a->figures->pid < b->figures->pid
		       ? -1
		       : a->figures->pid > b->figures->pid;
}

static int past_keep(const struct report *report, past_process_vector *past)
{
	past->count = 0;
	if (vector_reserve(past, report->processes.count))
		return -ENOMEM;
	for (size_t i = 0; i < report->processes.count; i++) {
		const struct process_figures *figures =
			report->processes.items[i].figures;

		past->items[past->count++] = (struct past_process){
			.id = figures->id,
			.bytes = figures->bytes,
			.blocks = figures->blocks,
		};
	}
	if (past->count)
		qsort(past->items, past->count, sizeof(past->items[0]),
		      past_compare);
	return 0;
}

int processes_rank(struct report *report, past_process_vector *past)
{
	const struct snapshot *snapshot = report->snapshot;

	if (vector_reserve(&report->processes, snapshot->processes.count))
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->processes.count; i++) {
		const struct process_figures *figures =
			&snapshot->processes.items[i];
		const struct past_process wanted = { .id = figures->id };
		const struct past_process *before =
			past->count ? bsearch(&wanted, past->items, past->count,
					      sizeof(wanted), past_compare)
				    : NULL;
		struct report_process *process =
			vector_push(&report->processes);

		process->figures = figures;
		process->bytes_change = (int64_t)(figures->bytes -
						  (before ? before->bytes : 0));
		process->blocks_change =
			(int64_t)(figures->blocks -
				  (before ? before->blocks : 0));
	}
	if (report->processes.count)
		qsort(report->processes.items, report->processes.count,
		      sizeof(report->processes.items[0]), rank_compare);
	return past_keep(report, past);
}
