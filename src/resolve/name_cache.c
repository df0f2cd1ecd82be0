// SPDX-License-Identifier: GPL-2.0-or-later
/* Symbol names made readable, each once: see name_cache.h. */
#include "resolve/name_cache.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/demangle.h"

#define SIZE_FIRST 64

/* The slot of a symbol, or the free one where it belongs. */
static struct name_entry *name_slot(struct name_entry *entries, size_t size,
				    const char *symbol)
{
	uint64_t hash = (uint64_t)(uintptr_t)symbol * 0x9e3779b97f4a7c15;
	size_t at = (hash >> 32) & (size - 1);

	while (entries[at].symbol && entries[at].symbol != symbol)
		at = (at + 1) & (size - 1);
	return &entries[at];
}

static int name_cache_grow(struct name_cache *cache)
{
	size_t size = cache->size ? 2 * cache->size : SIZE_FIRST;
	struct name_entry *entries;

	if (cache->used < cache->size / 2)
		return 0;
	entries = calloc(size, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < cache->size; i++)
		if (cache->entries[i].symbol)
			*name_slot(entries, size, cache->entries[i].symbol) =
				cache->entries[i];
	free(cache->entries);
	cache->entries = entries;
	cache->size = size;
	return 0;
}

static char *make_readable(const char *symbol)
{
	const char *version = strchr(symbol, '@');
	char *bare, *readable;

	if (!version || version == symbol)
		return demangle(symbol);
	bare = strndup(symbol, (size_t)(version - symbol));
	readable = bare ? demangle(bare) : NULL;
	if (!readable)
		return bare;
	free(bare);
	return readable;
}

const char *name_cache_get(struct name_cache *cache, const char *symbol)
{
	struct name_entry *entry;

	if (symbol[0] != '_' && !strchr(symbol, '@'))
		return symbol;
	if (name_cache_grow(cache))
		return symbol;
	entry = name_slot(cache->entries, cache->size, symbol);
	if (!entry->symbol) {
		entry->symbol = symbol;
		entry->readable = make_readable(symbol);
		cache->used++;
	}
	return entry->readable ? entry->readable : symbol;
}

void name_cache_free(struct name_cache *cache)
{
	for (size_t i = 0; i < cache->size; i++)
		free(cache->entries[i].readable);
	free(cache->entries);
	*cache = (struct name_cache){ 0 };
}
