// SPDX-License-Identifier: GPL-2.0-or-later
/* The frames of addresses looked up before: see frame_cache.h. */
#include "resolve/frame_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 64

/* The slot of an address, or the free one where it belongs. */
static struct frame_entry *frame_slot(struct frame_entry *entries, size_t size,
				      uint64_t address, bool exact)
{
	uint64_t hash = address * 0x9e3779b97f4a7c15;
	size_t at = (hash >> 32) & (size - 1);

	while (entries[at].count &&
	       (entries[at].address != address || entries[at].exact != exact))
		at = (at + 1) & (size - 1);
	return &entries[at];
}

static int frame_cache_grow(struct frame_cache *cache)
{
	size_t size = cache->size ? 2 * cache->size : SIZE_FIRST;
	struct frame_entry *entries;

	if (cache->used < cache->size / 2)
		return 0;
	entries = calloc(size, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < cache->size; i++) {
		const struct frame_entry *entry = &cache->entries[i];

		if (entry->count)
			*frame_slot(entries, size, entry->address,
				    entry->exact) = *entry;
	}
	free(cache->entries);
	cache->entries = entries;
	cache->size = size;
	return 0;
}

const struct frame_entry *frame_cache_find(const struct frame_cache *cache,
					   uint64_t address, bool exact)
{
	const struct frame_entry *entry;

	if (!cache->size)
		return NULL;
	entry = frame_slot(cache->entries, cache->size, address, exact);
	return entry->count ? entry : NULL;
}

const struct frame_entry *frame_cache_add(struct frame_cache *cache,
					  uint64_t address, bool exact,
					  const struct frame *frames,
					  size_t count)
{
	struct frame_entry *entry;

	if (frame_cache_grow(cache) || vector_reserve(&cache->frames, count))
		return NULL;
	entry = frame_slot(cache->entries, cache->size, address, exact);
	*entry = (struct frame_entry){
		.address = address,
		.first = cache->frames.count,
		.count = (uint32_t)count,
		.exact = exact,
	};
	memcpy(cache->frames.items + cache->frames.count, frames,
	       count * sizeof(*frames));
	cache->frames.count += count;
	cache->used++;
	return entry;
}

void frame_cache_free(struct frame_cache *cache)
{
	vector_free(&cache->frames);
	free(cache->entries);
	*cache = (struct frame_cache){ 0 };
}
