// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The same at a site for each function that allocates: COUNT blocks of SIZE
 * bytes (the arguments), so that each block's chance to be sampled is the
 * same. Functions that call or jump to one another in some C libraries must
 * not give it a second chance. Each line on standard input but the last has
 * everything freed or, if it was, planted anew.
 */
#include <malloc.h>
#include <stdlib.h>

#include "truth.h"

#define BLOCKS_MAX 40000

static size_t count, size;

#define PLANTER(function, call)                                \
	TRUTH_SITE(function, TRUTH_HEAP);                      \
	static void *function##_blocks[BLOCKS_MAX];            \
	static TRUTH_CALLER void *function(void)               \
	{                                                      \
		void *block = (call);                          \
                                                               \
		truth_require(block != NULL, "out of memory"); \
		truth_allocated(&function##_site, size);       \
		return block;                                  \
	}

PLANTER(by_malloc, malloc(size))
PLANTER(by_calloc, calloc(1, size))
PLANTER(by_realloc, realloc(NULL, size))
PLANTER(by_reallocarray, reallocarray(NULL, 1, size))
PLANTER(by_memalign, memalign(32, size))
PLANTER(by_aligned_alloc, aligned_alloc(32, size))
PLANTER(by_posix_memalign, ({
		void *aligned = NULL;

		posix_memalign(&aligned, 32, size) ? NULL : aligned;
	}))

static const struct {
	struct truth_site *site;
	void *(*allocate)(void);
	void **blocks;
} sites[] = {
	{ &by_malloc_site, by_malloc, by_malloc_blocks },
	{ &by_calloc_site, by_calloc, by_calloc_blocks },
	{ &by_realloc_site, by_realloc, by_realloc_blocks },
	{ &by_reallocarray_site, by_reallocarray, by_reallocarray_blocks },
	{ &by_memalign_site, by_memalign, by_memalign_blocks },
	{ &by_aligned_alloc_site, by_aligned_alloc, by_aligned_alloc_blocks },
	{ &by_posix_memalign_site, by_posix_memalign,
	  by_posix_memalign_blocks },
};

#define SITES (sizeof(sites) / sizeof(sites[0]))

int main(int argc, char **argv)
{
	size_t i, j;

	truth_require(argc == 3, "usage: sampled COUNT SIZE");
	count = strtoul(argv[1], NULL, 0);
	size = strtoul(argv[2], NULL, 0);
	truth_require(count <= BLOCKS_MAX, "too many blocks");
	truth_ready();
	do {
		for (i = 0; i < SITES; i++)
			for (j = 0; j < count; j++)
				sites[i].blocks[j] = sites[i].allocate();
		if (!truth_report())
			break;
		for (i = 0; i < SITES; i++)
			for (j = 0; j < count; j++) {
				truth_freed(sites[i].site, size);
				free(sites[i].blocks[j]);
			}
	} while (truth_report());
	return 0;
}
