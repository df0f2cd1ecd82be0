// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chains of realloc. A block belongs to the call that gave it its size last:
 * grown, shrunk, of the same size, made by realloc(NULL, n), ended by
 * realloc(p, 0).
 */
#include <stdlib.h>

#include "truth.h"

#define CHAINS 120
#define STEPS 24

struct block {
	void *address;
	size_t size;
	struct truth_site *site;
};

TRUTH_SITE(chain_malloc, TRUTH_HEAP);
TRUTH_SITE(chain_null, TRUTH_HEAP);
TRUTH_SITE(chain_grow, TRUTH_HEAP);
TRUTH_SITE(chain_shrink, TRUTH_HEAP);
TRUTH_SITE(chain_same, TRUTH_HEAP);
TRUTH_SITE(chain_array, TRUTH_HEAP);

static void own(struct block *block, void *address, size_t size,
		struct truth_site *site)
{
	truth_require(address != NULL, "out of memory");
	if (block->address)
		truth_freed(block->site, block->size);
	truth_allocated(site, size);
	*block = (struct block){ address, size, site };
}

static TRUTH_CALLER void chain_malloc(struct block *block, size_t size)
{
	own(block, malloc(size), size, &chain_malloc_site);
}

static TRUTH_CALLER void chain_null(struct block *block, size_t size)
{
	own(block, realloc(NULL, size), size, &chain_null_site);
}

static TRUTH_CALLER void chain_grow(struct block *block, size_t size)
{
	own(block, realloc(block->address, size), size, &chain_grow_site);
}

static TRUTH_CALLER void chain_shrink(struct block *block, size_t size)
{
	own(block, realloc(block->address, size), size, &chain_shrink_site);
}

static TRUTH_CALLER void chain_same(struct block *block, size_t size)
{
	own(block, realloc(block->address, size), size, &chain_same_site);
}

static TRUTH_CALLER void chain_array(struct block *block, size_t size)
{
	own(block, reallocarray(block->address, size, 1), size,
	    &chain_array_site);
}

static TRUTH_CALLER void chain_end(struct block *block)
{
	void *none = realloc(TRUTH_OPAQUE(block->address), TRUTH_OPAQUE(0ul));

	truth_require(none == NULL, "realloc(p, 0) gave a block");
	truth_freed(block->site, block->size);
	block->address = NULL;
}

static void step(struct block *block, unsigned *seed)
{
	switch (truth_random(seed) % 4) {
	case 0:
		chain_grow(block, block->size + 1 + truth_random(seed) % 20000);
		break;
	case 1:
		chain_shrink(block, block->size / 2 + 1);
		break;
	case 2:
		chain_same(block, block->size);
		break;
	case 3:
		chain_array(block, 1 + truth_random(seed) % 300000);
		break;
	}
}

int main(void)
{
	static struct block blocks[CHAINS];
	unsigned i, s, seed = 1;

	truth_ready();
	for (i = 0; i < CHAINS; i++)
		if (i % 2)
			chain_malloc(&blocks[i], 16 + i);
		else
			chain_null(&blocks[i], 16 + i);
	/* All chains at once, so that their blocks lie between each other. */
	for (s = 0; s < STEPS; s++)
		for (i = 0; i < CHAINS; i++)
			if (s < i % STEPS)
				step(&blocks[i], &seed);
	for (i = 0; i < CHAINS; i += 5)
		chain_end(&blocks[i]);
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
