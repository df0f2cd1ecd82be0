// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocating function of the libc: 300 blocks of several sizes from
 * each, of which every third stays. Blocks of 0 bytes are blocks too, and
 * free(NULL) is nothing.
 */
#include <malloc.h>
#include <stdlib.h>

#include "truth.h"

#define BLOCKS 300
#define PAGE 4096u /* pvalloc rounds up to pages: only whole ones here */

#define PLANTER(function, call)                                \
	TRUTH_SITE(function, TRUTH_HEAP);                      \
	static TRUTH_CALLER void *function(size_t size)        \
	{                                                      \
		void *block = call;                            \
                                                               \
		truth_require(block != NULL, "out of memory"); \
		truth_allocated(&function##_site, size);       \
		return block;                                  \
	}

PLANTER(from_malloc, malloc(size))
PLANTER(from_malloc_zero, malloc(TRUTH_OPAQUE(size)))
PLANTER(from_calloc, calloc(size / 8, 8))
PLANTER(from_realloc, realloc(NULL, size))
PLANTER(from_reallocarray, reallocarray(NULL, size / 8, 8))
PLANTER(from_memalign, memalign(256, size))
PLANTER(from_aligned_alloc, aligned_alloc(64, size))
PLANTER(from_valloc, valloc(size))
#ifdef __GLIBC__ /* musl has none */
PLANTER(from_pvalloc, pvalloc(size))
#endif
TRUTH_SITE(from_posix_memalign, TRUTH_HEAP);

static TRUTH_CALLER void *from_posix_memalign(size_t size)
{
	void *block = NULL;

	truth_require(posix_memalign(&block, 128, size) == 0, "out of memory");
	truth_allocated(&from_posix_memalign_site, size);
	return block;
}

static const struct {
	void *(*plant)(size_t size);
	struct truth_site *site;
	size_t unit;
} planters[] = {
	{ from_malloc, &from_malloc_site, 24 },
	{ from_malloc_zero, &from_malloc_zero_site, 0 },
	{ from_calloc, &from_calloc_site, 40 },
	{ from_realloc, &from_realloc_site, 33 },
	{ from_reallocarray, &from_reallocarray_site, 56 },
	{ from_memalign, &from_memalign_site, 300 },
	{ from_aligned_alloc, &from_aligned_alloc_site, 64 },
	{ from_valloc, &from_valloc_site, 1000 },
#ifdef __GLIBC__
	{ from_pvalloc, &from_pvalloc_site, PAGE },
#endif
	{ from_posix_memalign, &from_posix_memalign_site, 77 },
};

int main(void)
{
	static void *blocks[BLOCKS];
	size_t p, i, size;

	truth_ready();
	for (p = 0; p < sizeof(planters) / sizeof(planters[0]); p++) {
		for (i = 0; i < BLOCKS; i++)
			blocks[i] = planters[p].plant(planters[p].unit *
						      (1 + i % 7));
		for (i = 0; i < BLOCKS; i++) {
			size = planters[p].unit * (1 + i % 7);
			free(NULL);
			if (i % 3 == 0)
				continue;
			truth_freed(planters[p].site, size);
			free(blocks[i]);
		}
	}
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
