// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the parsers of smaps and status, whose names a target chooses, and
 * how a resident set is divided: whatever was parsed, the parts add up to it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/memory_parts.h"
#include "capture/smaps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int resident(void *context, uint64_t start, uint64_t end,
		    uint64_t *bytes)
{
	const uint64_t *seed = context;

	*bytes = (end - start) & *seed;
	return *seed & 1 ? -1 : 0;
}

static void check_sum(const struct account *account)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		sum += account->parts[i];
	if (sum != account->rss_bytes)
		abort();
}

/* Blocks, mappings and early memory that depend on the input as well. */
static void check_parts(memory_area_vector *areas, uint64_t seed)
{
	uint64_t *tracked = calloc(areas->count + 1, sizeof(*tracked));
	early_memory_vector early = { 0 };
	struct account account = { 0 };
	struct ledger ledger;
	uint64_t heap, heap_rss;

	ledger_init(&ledger, 4096);
	memory_parts_note_early(areas, &early);
	if (early.count)
		early.count -= seed % early.count;
	for (size_t i = 0; i < areas->count; i++) {
		const struct memory_area *area = &areas->items[i];

		if (memory_areas_find(areas, area->end - 1) != i)
			abort();
		tracked[i] = (seed >> i % 16) & 1 ? area->rss / 2 + seed : 0;
		if ((seed >> (i + 3) % 16) & 1)
			ledger_map(&ledger, area->start + seed % 8192,
				   area->end - area->start, i + 1, 1);
	}
	memory_parts_divide(&(struct memory_view){ .areas = areas,
						   .tracked = tracked,
						   .ledger = &ledger,
						   .early = &early,
						   .has_allocator = seed & 2,
						   .resident = resident,
						   .context = &seed },
			    &account);
	check_sum(&account);
	memory_parts_heap(areas, &heap, &heap_rss);
	ledger_free(&ledger);
	vector_free(&early);
	free(tracked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memory_area_vector areas = { 0 };
	struct memory_sums sums;
	uint64_t seed = 0, last = 0;
	char *text = strndup((const char *)data, size);

	if (memory_sums_parse(text, &sums)) {
		struct account account = { 0 };

		memory_parts_of_sums(&sums, size, &account);
		check_sum(&account);
	}
	free(text);
	if (size >= sizeof(uint16_t)) {
		memcpy(&seed, data, sizeof(uint16_t));
		data += sizeof(uint16_t);
		size -= sizeof(uint16_t);
	}
	if (!smaps_parse(&areas, (const char *)data, size)) {
		for (size_t i = 0; i < areas.count; i++) {
			const struct memory_area *area = &areas.items[i];

			if (area->start < last || area->end <= area->start ||
			    area->rss > area->end - area->start)
				abort();
			last = area->end;
		}
		check_parts(&areas, seed);
	}
	vector_free(&areas);
	return 0;
}
