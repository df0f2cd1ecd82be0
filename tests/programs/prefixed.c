// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An allocator of the program's own under names with a prefix: shop_malloc,
 * shop_calloc, shop_realloc and shop_free give out pieces of a static arena
 * and know nothing of the libc's. leaktrace finds them with -S shop_.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

#define ARENA_SIZE (1 << 20)
#define BLOCKS 100

void *shop_malloc(size_t size);
void *shop_calloc(size_t count, size_t size);
void *shop_realloc(void *block, size_t size);
void shop_free(void *block);

static _Alignas(16) char arena[ARENA_SIZE];
static size_t used;

TRUTH_SITE(shopper_malloc, TRUTH_HEAP);
TRUTH_SITE(shopper_calloc, TRUTH_HEAP);
TRUTH_SITE(shopper_realloc, TRUTH_HEAP);

TRUTH_CALLER void *shop_malloc(size_t size)
{
	char *block = arena + used;

	size = (size + 15) & ~(size_t)15;
	if (size > ARENA_SIZE - used)
		return NULL;
	used += size;
	return block;
}

TRUTH_CALLER void *shop_calloc(size_t count, size_t size)
{
	void *block;

	if (size && count > SIZE_MAX / size)
		return NULL;
	block = shop_malloc(count * size);
	return block ? memset(block, 0, count * size) : NULL;
}

TRUTH_CALLER void *shop_realloc(void *block, size_t size)
{
	void *moved = shop_malloc(size);

	if (moved && block)
		memmove(moved, block, size);
	return moved;
}

TRUTH_CALLER void shop_free(void *block)
{
	__asm__ volatile("" : : "r"(block));
}

static TRUTH_CALLER void *shopper_malloc(size_t size)
{
	void *block = shop_malloc(size);

	truth_require(block != NULL, "arena used up");
	truth_allocated(&shopper_malloc_site, size);
	return block;
}

static TRUTH_CALLER void *shopper_calloc(size_t size)
{
	void *block = shop_calloc(1, size);

	truth_require(block != NULL, "arena used up");
	truth_allocated(&shopper_calloc_site, size);
	truth_require(!shop_calloc(TRUTH_OPAQUE(SIZE_MAX / 2), 4), "overflow");
	return block;
}

static TRUTH_CALLER void *shopper_realloc(void *block, size_t old, size_t size)
{
	void *moved = shop_realloc(block, size);

	truth_require(moved != NULL, "arena used up");
	truth_freed(&shopper_malloc_site, old);
	truth_allocated(&shopper_realloc_site, size);
	return moved;
}

int main(void)
{
	void *block;
	size_t i;

	truth_ready();
	for (i = 1; i <= BLOCKS; i++) {
		block = shopper_malloc(i);
		if (i % 2)
			shopper_realloc(block, i, 2 * i);
		block = shopper_calloc(3 * i);
		if (i % 3)
			continue;
		truth_freed(&shopper_calloc_site, 3 * i);
		shop_free(block);
	}
	truth_report();
	return 0;
}
