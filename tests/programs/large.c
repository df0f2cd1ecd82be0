// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks so large that the allocator maps each: 128 KiB to 10 MiB. They are
 * heap blocks of the size asked for; the mmap, mremap and munmap beneath are
 * the allocator's own and must not show.
 */
#include <malloc.h>
#include <stdlib.h>

#include "truth.h"

#define BLOCKS 30

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

PLANTER(large_malloc, malloc(size))
PLANTER(large_calloc, calloc(1, size))
PLANTER(large_memalign, memalign(1 << 16, size))
TRUTH_SITE(large_realloc, TRUTH_HEAP);

static TRUTH_CALLER void *large_realloc(struct truth_site *site, void *block,
					size_t size, size_t new_size)
{
	block = realloc(block, new_size);
	truth_require(block != NULL, "out of memory");
	truth_freed(site, size);
	truth_allocated(&large_realloc_site, new_size);
	return block;
}

static const struct {
	void *(*plant)(size_t size);
	struct truth_site *site;
} planters[] = {
	{ large_malloc, &large_malloc_site },
	{ large_calloc, &large_calloc_site },
	{ large_memalign, &large_memalign_site },
};

/* A third stays, a third is freed, a third grows, and half of that goes. */
static void treat(unsigned i, struct truth_site *site, void *block, size_t size)
{
	static void *volatile kept;

	if (i % 3 == 0) {
		kept = block;
	} else if (i % 3 == 1) {
		truth_freed(site, size);
		free(block);
	} else {
		kept = large_realloc(site, block, size, size * 2 + 1);
		if (i % 2)
			return;
		truth_freed(&large_realloc_site, size * 2 + 1);
		free(kept);
	}
}

int main(void)
{
	static void *blocks[BLOCKS];
	static size_t sizes[BLOCKS];
	unsigned p, i;

	/* Otherwise the first free of a mapped block raises the threshold. */
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
	truth_ready();
	for (p = 0; p < sizeof(planters) / sizeof(planters[0]); p++) {
		for (i = 0; i < BLOCKS; i++) {
			sizes[i] = i == 0   ? 128 << 10
				   : i == 1 ? 10 << 20
					    : (128 << 10) + i * 1001;
			blocks[i] = planters[p].plant(sizes[i]);
		}
		for (i = 0; i < BLOCKS; i++)
			treat(i, planters[p].site, blocks[i], sizes[i]);
	}
	truth_report();
	return 0;
}
