// SPDX-License-Identifier: GPL-2.0-or-later
/* The mappings that a program made by itself: see ledger.h. */
#include "capture/ledger.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void ledger_init(struct ledger *ledger, uint64_t page_size)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->page_size = page_size;
}

void ledger_free(struct ledger *ledger)
{
	vector_free(&ledger->ranges);
	vector_free(&ledger->totals);
}

void ledger_clear(struct ledger *ledger)
{
	ledger->ranges.count = 0;
	if (ledger->totals.items)
		memset(ledger->totals.items, 0,
		       ledger->totals.count * sizeof(*ledger->totals.items));
}

/* Rounds to the pages touched; false when nothing or too much is left. */
static bool page_range(const struct ledger *ledger, uint64_t address,
		       uint64_t length, uint64_t *start, uint64_t *end)
{
	uint64_t mask = ledger->page_size - 1;

	if (!length || __builtin_add_overflow(address, length, end) ||
	    __builtin_add_overflow(*end, mask, end))
		return false;
	*end &= ~mask;
	*start = address & ~mask;
	return true;
}

size_t ledger_find(const struct ledger *ledger, uint64_t address)
{
	size_t low = 0, high = ledger->ranges.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ledger->ranges.items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int range_insert(struct ledger *ledger, size_t index,
			const struct mapping_range *range)
{
	struct mapping_range *items;

	if (vector_reserve(&ledger->ranges, 1))
		return -ENOMEM;
	items = ledger->ranges.items;
	memmove(items + index + 1, items + index,
		(ledger->ranges.count - index) * sizeof(*items));
	items[index] = *range;
	ledger->ranges.count++;
	return 0;
}

static void range_remove(struct ledger *ledger, size_t index)
{
	struct mapping_range *items = ledger->ranges.items;

	ledger->ranges.count--;
	memmove(items + index, items + index + 1,
		(ledger->ranges.count - index) * sizeof(*items));
}

static struct mapping_totals *totals_of(struct ledger *ledger, uint32_t stack)
{
	while (ledger->totals.count <= stack)
		if (!vector_push(&ledger->totals))
			return NULL;
	return &ledger->totals.items[stack];
}

/* One of a stack's ranges is gone altogether. */
static void totals_book_free(struct mapping_totals *totals,
			     const struct mapping_range *range, uint64_t now_ns)
{
	uint64_t lifetime = now_ns > range->born_ns ? now_ns - range->born_ns
						    : 1;
	int bucket = 63 - __builtin_clzll(lifetime);

	totals->frees++;
	totals->lifetimes[bucket < LIFETIME_BUCKETS ? bucket
						    : LIFETIME_BUCKETS - 1]++;
}

/* Removes [start, end) from what was mapped by entered_ns; it is now now_ns. */
static int ranges_cut(struct ledger *ledger, uint64_t start, uint64_t end,
		      uint64_t entered_ns, uint64_t now_ns)
{
	size_t index = ledger_find(ledger, start);

	while (index < ledger->ranges.count) {
		struct mapping_range *range = &ledger->ranges.items[index];
		struct mapping_totals *totals;
		struct mapping_range tail = *range;

		if (range->start >= end)
			break;
		if (range->born_ns > entered_ns) {
			index++;
			continue;
		}
		totals = totals_of(ledger, range->stack);
		if (!totals)
			return -ENOMEM;
		totals->freed_bytes +=
			(range->end < end ? range->end : end) -
			(range->start > start ? range->start : start);
		if (range->start < start && range->end > end) {
			range->end = start;
			tail.start = end;
			return range_insert(ledger, index + 1, &tail);
		}
		if (range->start < start) {
			range->end = start;
			index++;
		} else if (range->end > end) {
			range->start = end;
			index++;
		} else {
			totals_book_free(totals, range, now_ns);
			range_remove(ledger, index);
		}
	}
	return 0;
}

int ledger_map(struct ledger *ledger, uint64_t address, uint64_t length,
	       uint64_t returned_ns, uint32_t stack)
{
	struct mapping_range range = { .born_ns = returned_ns, .stack = stack };
	struct mapping_totals *totals;
	int result;

	if (!page_range(ledger, address, length, &range.start, &range.end))
		return -EINVAL;
	totals = totals_of(ledger, stack);
	if (!totals)
		return -ENOMEM;
	result = ranges_cut(ledger, range.start, range.end, UINT64_MAX,
			    returned_ns);
	if (result)
		return result;
	result = range_insert(ledger, ledger_find(ledger, range.start), &range);
	if (result)
		return result;
	totals = &ledger->totals.items[stack];
	totals->allocations++;
	totals->allocated_bytes += range.end - range.start;
	return 0;
}

int ledger_unmap(struct ledger *ledger, uint64_t address, uint64_t length,
		 uint64_t entered_ns)
{
	uint64_t start, end;

	if (!page_range(ledger, address, length, &start, &end))
		return -EINVAL;
	return ranges_cut(ledger, start, end, entered_ns, entered_ns);
}
