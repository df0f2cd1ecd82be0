// SPDX-License-Identifier: GPL-2.0-or-later
/* Overlapping address ranges: see ranges.h. */
#include "resolve/ranges.h"

#include <errno.h>
#include <stdbool.h>

#include "util/cleanup.h"

static int compare_starts(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static bool range_wins(const struct range *a, const struct range *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->start != b->start)
		return a->start > b->start;
	if (a->end != b->end)
		return a->end < b->end;
	return a->item < b->item;
}

/* A binary heap of indexes, the winner at its root. */
struct heap {
	const struct range *ranges;
	uint32_t *items;
	size_t count;
};

static void heap_swap(struct heap *heap, size_t a, size_t b)
{
	uint32_t item = heap->items[a];

	heap->items[a] = heap->items[b];
	heap->items[b] = item;
}

static bool heap_wins(const struct heap *heap, size_t a, size_t b)
{
	return range_wins(&heap->ranges[heap->items[a]],
			  &heap->ranges[heap->items[b]]);
}

static void heap_push(struct heap *heap, uint32_t item)
{
	size_t at = heap->count++;

	heap->items[at] = item;
	while (at && heap_wins(heap, at, (at - 1) / 2)) {
		heap_swap(heap, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void heap_pop(struct heap *heap)
{
	size_t at = 0, child;

	heap->items[0] = heap->items[--heap->count];
	while ((child = 2 * at + 1) < heap->count) {
		if (child + 1 < heap->count &&
		    heap_wins(heap, child + 1, child))
			child++;
		if (!heap_wins(heap, child, at))
			break;
		heap_swap(heap, child, at);
		at = child;
	}
}

/* Drops empty ranges, sorts the rest; true if they are disjoint already. */
static bool ranges_sort(range_vector *ranges)
{
	size_t kept = 0;

	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->items[i].start < ranges->items[i].end)
			ranges->items[kept++] = ranges->items[i];
	ranges->count = kept;
	if (!kept)
		return true;
	qsort(ranges->items, kept, sizeof(*ranges->items), compare_starts);
	for (size_t i = 1; i < kept; i++)
		if (ranges->items[i].start < ranges->items[i - 1].end)
			return false;
	return true;
}

/* Gives [start, end) to one range, in one piece with what it had before. */
static int ranges_append(range_vector *flat, const struct range *owner,
			 uint64_t start, uint64_t end)
{
	struct range *last;

	if (flat->count) {
		last = &flat->items[flat->count - 1];
		if (last->end == start && last->item == owner->item &&
		    last->priority == owner->priority) {
			last->end = end;
			return 0;
		}
	}
	last = vector_push(flat);
	if (!last)
		return -ENOMEM;
	*last = *owner;
	last->start = start;
	last->end = end;
	return 0;
}

/* Sweeps over all starts and ends; between two of them one range owns all. */
static int ranges_sweep(const range_vector *ranges, const uint64_t *bounds,
			struct heap *heap, range_vector *flat)
{
	size_t next = 0;

	for (size_t i = 0; i + 1 < 2 * ranges->count; i++) {
		if (bounds[i] == bounds[i + 1])
			continue;
		while (next < ranges->count &&
		       ranges->items[next].start <= bounds[i])
			heap_push(heap, (uint32_t)next++);
		while (heap->count &&
		       ranges->items[heap->items[0]].end <= bounds[i])
			heap_pop(heap);
		if (heap->count &&
		    ranges_append(flat, &ranges->items[heap->items[0]],
				  bounds[i], bounds[i + 1]))
			return -ENOMEM;
	}
	return 0;
}

int ranges_flatten(range_vector *ranges)
{
	auto_free uint64_t *bounds = NULL;
	range_vector flat = { 0 };
	struct heap heap = { 0 };

	if (ranges_sort(ranges))
		return 0;
	if (ranges->count > UINT32_MAX)
		return -ENOMEM;
	/* Starts and ends, and behind them the heap's indexes. */
	bounds = calloc(ranges->count, 2 * sizeof(*bounds) + sizeof(uint32_t));
	if (!bounds)
		return -ENOMEM;
	for (size_t i = 0; i < ranges->count; i++) {
		bounds[2 * i] = ranges->items[i].start;
		bounds[2 * i + 1] = ranges->items[i].end;
	}
	qsort(bounds, 2 * ranges->count, sizeof(*bounds), compare_addresses);
	heap.ranges = ranges->items;
	heap.items = (uint32_t *)(bounds + 2 * ranges->count);
	if (ranges_sweep(ranges, bounds, &heap, &flat)) {
		vector_free(&flat);
		return -ENOMEM;
	}
	vector_free(ranges);
	*ranges = flat;
	return 0;
}

const struct range *ranges_find(const range_vector *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || ranges->items[low - 1].end <= address)
		return NULL;
	return &ranges->items[low - 1];
}
