// SPDX-License-Identifier: GPL-2.0-or-later
/* What the processes' memory consists of, and what grew: see accounts.h. */
#include "judge/accounts.h"

#include <errno.h>
#include <stdlib.h>

static int by_id(const void *left, const void *right)
{
	const struct first_account *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* What a process is compared with: as it was found, or at the first report. */
static const struct account *base_of(const struct process_account *process,
				     const first_account_vector *first)
{
	const struct first_account wanted = { .id = process->id };
	const struct first_account *found = NULL;

	if (process->start.taken_ns)
		return &process->start;
	if (first->count)
		found = bsearch(&wanted, first->items, first->count,
				sizeof(wanted), by_id);
	return found ? &found->account : &process->now;
}

static struct account_change change_between(const struct account *before,
					    const struct account *after)
{
	struct account_change change = {
		.rss_bytes = (int64_t)(after->rss_bytes - before->rss_bytes),
	};

	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		change.parts[i] = (int64_t)(after->parts[i] - before->parts[i]);
	return change;
}

static void account_add(struct account *sum, const struct account *account)
{
	if (!sum->taken_ns || sum->taken_ns > account->taken_ns)
		sum->taken_ns = account->taken_ns;
	sum->rss_bytes += account->rss_bytes;
	sum->swap_bytes += account->swap_bytes;
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		sum->parts[i] += account->parts[i];
	sum->doubt_bytes += account->doubt_bytes;
	sum->areas += account->areas;
}

static void change_add(struct account_change *sum,
		       const struct account_change *change)
{
	sum->rss_bytes += change->rss_bytes;
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		sum->parts[i] += change->parts[i];
}

static void row_add(struct report_account *sum,
		    const struct report_account *row)
{
	const struct process_account *figures = &row->figures;

	account_add(&sum->figures.now, &figures->now);
	if (figures->start.taken_ns)
		account_add(&sum->figures.start, &figures->start);
	sum->figures.start_heap_bytes += figures->start_heap_bytes;
	sum->figures.start_heap_rss_bytes += figures->start_heap_rss_bytes;
	change_add(&sum->change, &row->change);
}

/* Those of processes that are gone are dropped. */
static int first_keep(const struct snapshot *snapshot,
		      first_account_vector *first)
{
	first_account_vector kept = { 0 };

	if (vector_reserve(&kept, snapshot->accounts.count))
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->accounts.count; i++) {
		const struct process_account *process =
			&snapshot->accounts.items[i];

		kept.items[kept.count++] =
			(struct first_account){ process->id,
						*base_of(process, first) };
	}
	if (kept.count)
		qsort(kept.items, kept.count, sizeof(kept.items[0]), by_id);
	vector_free(first);
	*first = kept;
	return 0;
}

int accounts_judge(struct report *report, first_account_vector *first)
{
	const struct snapshot *snapshot = report->snapshot;
	size_t count = snapshot->accounts.count;
	bool several = count > 1 || snapshot->processes.count;

	if (vector_reserve(&report->accounts, count))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct process_account *process =
			&snapshot->accounts.items[i];
		struct report_account row = {
			.figures = *process,
			.change = change_between(base_of(process, first),
						 &process->now),
		};

		row_add(&report->account, &row);
		if (several)
			report->accounts.items[report->accounts.count++] = row;
	}
	for (size_t i = 0; i < snapshot->stacks.count; i++)
		if (snapshot->stacks.items[i].space == SPACE_HEAP)
			report->account.freed_bytes +=
				snapshot->stacks.items[i].freed_bytes;
	return first_keep(snapshot, first);
}
