// SPDX-License-Identifier: GPL-2.0-or-later
/* The order of a report's stacks: see rank.h. */
#include "judge/rank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Orders: what is to be first compares less. Ties go by bytes, then by id. */
static int by_figures(const struct report_stack *a,
		      const struct report_stack *b)
{
	if (a->figures->bytes != b->figures->bytes)
		return a->figures->bytes > b->figures->bytes ? -1 : 1;
	if (a->figures->blocks != b->figures->blocks)
		return a->figures->blocks > b->figures->blocks ? -1 : 1;
	return a->figures->id < b->figures->id
		       ? -1
		       : a->figures->id > b->figures->id;
}

static int by_bytes(const void *left, const void *right)
{
	return by_figures(left, right);
}

static int by_blocks(const void *left, const void *right)
{
	const struct report_stack *a = left, *b = right;

	if (a->figures->blocks != b->figures->blocks)
		return a->figures->blocks > b->figures->blocks ? -1 : 1;
	return by_figures(a, b);
}

static int by_age(const void *left, const void *right)
{
	const struct report_stack *a = left, *b = right;

	if (a->oldest_age_ns != b->oldest_age_ns)
		return a->oldest_age_ns > b->oldest_age_ns ? -1 : 1;
	return by_figures(a, b);
}

static int by_growth(const void *left, const void *right)
{
	const struct report_stack *a = left, *b = right;

	if (a->bytes_change != b->bytes_change)
		return a->bytes_change > b->bytes_change ? -1 : 1;
	return by_figures(a, b);
}

/*
 * By verdict; what grows, by how fast it does. A NaN would have no place, but
 * slopes of finite figures are finite.
 */
static int by_suspicion(const void *left, const void *right)
{
	const struct report_stack *a = left, *b = right;
	const struct judgement *one = &a->judgement, *two = &b->judgement;
	/* Not judged is last. */
	unsigned first = (unsigned)one->verdict - 1;
	unsigned second = (unsigned)two->verdict - 1;

	if (first != second)
		return first < second ? -1 : 1;
	if (one->verdict <= VERDICT_GROWING &&
	    one->bytes_per_second != two->bytes_per_second)
		return one->bytes_per_second > two->bytes_per_second ? -1 : 1;
	return by_figures(a, b);
}

static int (*const orders[])(const void *, const void *) = {
	[SORT_SUSPICION] = by_suspicion, [SORT_BYTES] = by_bytes,
	[SORT_BLOCKS] = by_blocks,	 [SORT_AGE] = by_age,
	[SORT_GROWTH] = by_growth,
};

/* Puts items before what is in the rest. */
static int rest_prepend(struct report *report, const struct report_stack *items,
			size_t count)
{
	if (vector_reserve(&report->rest, count))
		return -ENOMEM;
	memmove(report->rest.items + count, report->rest.items,
		report->rest.count * sizeof(*items));
	memcpy(report->rest.items, items, count * sizeof(*items));
	report->rest.count += count;
	return 0;
}

int rank_stacks(struct report *report, enum sort_key key, unsigned top,
		bool keep_rest)
{
	size_t count = report->top.count;

	if (count)
		qsort(report->top.items, count, sizeof(report->top.items[0]),
		      orders[key]);
	if (count <= top)
		return 0;
	if (keep_rest &&
	    rest_prepend(report, report->top.items + top, count - top))
		return -ENOMEM;
	for (size_t i = top; !keep_rest && i < count; i++)
		vector_free(&report->top.items[i].frames);
	report->top.count = top;
	return 0;
}
