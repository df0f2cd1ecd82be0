// SPDX-License-Identifier: GPL-2.0-or-later
/* What a resident set consists of: see memory_parts.h. */
#include "capture/memory_parts.h"

#include <errno.h>

/* glibc's further arenas begin at a multiple of this (HEAP_MAX_SIZE). */
#define ARENA_ALIGNMENT (UINT64_C(64) << 20)

/* What lies below a thread's stack to catch its overflow is not larger. */
#define GUARD_MAX (UINT64_C(1) << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

size_t memory_areas_find(const memory_area_vector *areas, uint64_t address)
{
	size_t low = 0, high = areas->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (areas->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < areas->count && areas->items[low].start <= address
		       ? low
		       : areas->count;
}

static uint64_t overlap(const struct memory_area *area, uint64_t start,
			uint64_t end)
{
	uint64_t from = area->start > start ? area->start : start;
	uint64_t to = least(area->end, end);

	return from < to ? to - from : 0;
}

/* Adjacent, below. */
static const struct memory_area *below(const memory_area_vector *areas,
				       size_t index)
{
	const struct memory_area *area = &areas->items[index];

	return index && area[-1].end == area->start ? &area[-1] : NULL;
}

/* A heap of glibc's: what it has not yet used of it is inaccessible. */
static bool is_arena(const memory_area_vector *areas, size_t index)
{
	const struct memory_area *area = &areas->items[index];
	const struct memory_area *rest = index + 1 < areas->count ? area + 1
								  : NULL;

	if (area->kind != AREA_ANONYMOUS || !area->accessible ||
	    area->start % ARENA_ALIGNMENT)
		return false;
	if (area->end == area->start + ARENA_ALIGNMENT)
		return true;
	return rest && rest->start == area->end && !rest->accessible &&
	       rest->end == area->start + ARENA_ALIGNMENT;
}

static bool is_heap(const memory_area_vector *areas, size_t index)
{
	return areas->items[index].kind == AREA_HEAP || is_arena(areas, index);
}

static bool is_thread_stack(const memory_area_vector *areas, size_t index)
{
	const struct memory_area *guard = below(areas, index);

	return areas->items[index].kind == AREA_ANONYMOUS && guard &&
	       guard->kind == AREA_ANONYMOUS && !guard->accessible &&
	       !guard->rss && guard->end - guard->start <= GUARD_MAX;
}

/* Static data that has no bytes in the file lies behind what has. */
static bool is_static_data(const memory_area_vector *areas, size_t index)
{
	const struct memory_area *data = below(areas, index);

	return data && data->kind == AREA_FILE;
}

/* How much of `anonymous`, resident in an area, the program mapped itself. */
static uint64_t mapped_part(const struct memory_view *view,
			    const struct memory_area *area, uint64_t anonymous)
{
	const struct ledger *ledger = view->ledger;
	uint64_t covered = 0, resident = 0, bytes;
	bool known = true;

	for (size_t i = ledger_find(ledger, area->start);
	     i < ledger->ranges.count; i++) {
		const struct mapping_range *range = &ledger->ranges.items[i];
		uint64_t from = range->start > area->start ? range->start
							   : area->start;

		if (range->start >= area->end)
			break;
		covered += overlap(area, range->start, range->end);
		if (overlap(area, range->start, range->end) ==
		    area->end - area->start)
			return anonymous;
		if (!known || !anonymous)
			continue;
		known = !view->resident(view->context, from,
					least(range->end, area->end), &bytes);
		if (known)
			resident += bytes;
	}
	if (covered == area->end - area->start)
		return anonymous;
	if (!known) /* as if evenly resident */
		resident = (uint64_t)((double)anonymous * (double)covered /
				      (double)(area->end - area->start));
	return least(resident, anonymous);
}

/* What was there before tracing, in an area; blocks are in it, or were. */
static uint64_t early_part(const struct memory_view *view,
			   const struct memory_area *area, bool blocks,
			   bool *early, bool *allocators)
{
	uint64_t bytes = 0;
	size_t low = 0, high = view->early->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (view->early->items[middle].end <= area->start)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < view->early->count &&
	       view->early->items[low].start < area->end;
	     low++) {
		struct early_memory *memory = &view->early->items[low];

		*early = true;
		memory->allocators |= blocks;
		*allocators |= memory->allocators;
		bytes += least(memory->bytes,
			       overlap(area, memory->start, memory->end));
	}
	return bytes;
}

/* Divides what an area of the allocator has between its blocks and the rest. */
static void divide_heap(const struct memory_view *view, size_t index,
			uint64_t bytes, uint64_t early, struct account *account)
{
	const struct memory_area *area = &view->areas->items[index];
	uint64_t size = area->end - area->start;
	uint64_t all = least(view->tracked[index], size);
	uint64_t tracked = least(all, bytes), rest = bytes - tracked;
	/* What is not resident may all be blocks. */
	uint64_t certain = all > size - bytes ? all - (size - bytes) : 0;

	if (!view->exact)
		account->doubt_bytes += tracked - least(certain, tracked);
	account->parts[ACCOUNT_TRACKED] += tracked;
	account->parts[ACCOUNT_BEFORE] += least(rest, early);
	account->parts[ACCOUNT_ALLOCATOR] += rest - least(rest, early);
}

static void divide_anonymous(const struct memory_view *view, size_t index,
			     uint64_t bytes, struct account *account)
{
	const memory_area_vector *areas = view->areas;
	const struct memory_area *area = &areas->items[index];
	uint64_t mapped = mapped_part(view, area, bytes), before;
	bool blocks = view->tracked[index] != 0, early = false;
	bool allocators = blocks;

	account->parts[ACCOUNT_MAPPING] += mapped;
	bytes -= mapped;
	if (area->kind == AREA_STACK) {
		account->parts[ACCOUNT_STACK] += bytes;
		return;
	}
	before = early_part(view, area, blocks, &early, &allocators);
	if (is_heap(areas, index) || allocators) {
		divide_heap(view, index, bytes, before, account);
	} else if (is_thread_stack(areas, index)) {
		account->parts[ACCOUNT_STACK] += bytes;
	} else if (area->kind != AREA_ANONYMOUS ||
		   is_static_data(areas, index)) {
		account->parts[ACCOUNT_OTHER] += bytes;
	} else if (early || !view->has_allocator) {
		account->parts[ACCOUNT_BEFORE] += least(bytes, before);
		account->parts[ACCOUNT_OTHER] += bytes - least(bytes, before);
	} else {
		divide_heap(view, index, bytes, 0, account);
	}
}

void memory_parts_divide(const struct memory_view *view,
			 struct account *account)
{
	for (size_t i = 0; i < view->areas->count; i++) {
		const struct memory_area *area = &view->areas->items[i];
		uint64_t anonymous = least(area->anonymous, area->rss);
		enum account_part rest =
			area->kind == AREA_SHARED ? ACCOUNT_SHARED
			: area->kind == AREA_FILE ? ACCOUNT_FILE
						  : ACCOUNT_OTHER;

		account->rss_bytes += area->rss;
		account->swap_bytes += area->swap;
		account->parts[rest] += area->rss - anonymous;
		if (anonymous)
			divide_anonymous(view, i, anonymous, account);
	}
	account->areas = view->areas->count;
}

void memory_parts_of_sums(const struct memory_sums *sums, uint64_t tracked,
			  struct account *account)
{
	account->rss_bytes = sums->anonymous + sums->file + sums->shared;
	account->swap_bytes = sums->swap;
	account->parts[ACCOUNT_FILE] = sums->file;
	account->parts[ACCOUNT_SHARED] = sums->shared;
	account->parts[ACCOUNT_TRACKED] = least(tracked, sums->anonymous);
	account->parts[ACCOUNT_OTHER] =
		sums->anonymous - account->parts[ACCOUNT_TRACKED];
	account->doubt_bytes = account->parts[ACCOUNT_TRACKED];
}

int memory_parts_note_early(const memory_area_vector *areas,
			    early_memory_vector *early)
{
	for (size_t i = 0; i < areas->count; i++) {
		const struct memory_area *area = &areas->items[i];
		struct early_memory *memory;

		if (area->kind != AREA_ANONYMOUS && area->kind != AREA_HEAP)
			continue;
		/* What has nothing resident tells what is not new. */
		if (!area->accessible)
			continue;
		memory = vector_push(early);
		if (!memory)
			return -ENOMEM;
		*memory = (struct early_memory){
			.start = area->start,
			.end = area->end,
			.bytes = least(area->anonymous, area->rss),
		};
	}
	return 0;
}

void memory_parts_heap(const memory_area_vector *areas, uint64_t *bytes,
		       uint64_t *rss_bytes)
{
	*bytes = *rss_bytes = 0;
	for (size_t i = 0; i < areas->count; i++) {
		if (!is_heap(areas, i))
			continue;
		*bytes += areas->items[i].end - areas->items[i].start;
		*rss_bytes += areas->items[i].rss;
	}
}
