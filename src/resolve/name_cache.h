/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbol names made readable, each once: demangled and without the version
 * suffix that .symtab carries ("pthread_create@@GLIBC_2.34").
 */
#ifndef LEAKTRACE_RESOLVE_NAME_CACHE_H
#define LEAKTRACE_RESOLVE_NAME_CACHE_H

#include <stddef.h>

struct name_entry {
	const char *symbol; /* key: the pointer itself; NULL = free slot */
	char *readable;	    /* NULL = the symbol is readable as it is */
};

/* All zero = empty. */
struct name_cache {
	struct name_entry *entries;
	size_t size, used; /* size: 0 or a power of two */
};

/*
 * The readable name. symbol must stay where it is as long as the cache (a
 * string table does); the result lives as long as both. Out of memory gives
 * the symbol itself.
 */
const char *name_cache_get(struct name_cache *cache, const char *symbol);

void name_cache_free(struct name_cache *cache);

#endif
