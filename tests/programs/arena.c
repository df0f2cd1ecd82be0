// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Allocators of the program's own, of every kind that --alloc can describe.
 * Blocks have a header before them and come out of chunks from malloc, which
 * are not the program's: outermost calls own what is allocated. The functions
 * are static but for pool_take(), as a program's own mostly are.
 *
 *	pool_take(pool, size) / pool_give(pool, block)
 *	pool_array(pool, count, size)
 *	pool_resize(pool, block, size)
 *	pool_make(&block, pool, size), 0 if it succeeds
 *	pool_open() / pool_close(pool): no size is asked for
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

#define BLOCKS 90
#define CHUNK 65536
#define HEADER 32

struct pool {
	char *chunk;
	size_t used;
	size_t blocks;
};

TRUTH_SITE(taker, TRUTH_HEAP);
TRUTH_SITE(array_taker, TRUTH_HEAP);
TRUTH_SITE(resizer, TRUTH_HEAP);
TRUTH_SITE(maker, TRUTH_HEAP);
TRUTH_SITE(opener, TRUTH_HEAP);
TRUTH_SITE(plain, TRUTH_HEAP);

void *pool_take(struct pool *pool, size_t size);

TRUTH_CALLER void *pool_take(struct pool *pool, size_t size)
{
	char *block;

	size = (size + HEADER + 15) & ~(size_t)15;
	if (size > CHUNK)
		return NULL;
	if (!pool->chunk || size > CHUNK - pool->used) {
		pool->chunk = malloc(CHUNK);
		truth_require(pool->chunk != NULL, "out of memory");
		pool->used = 0;
	}
	block = pool->chunk + pool->used;
	pool->used += size;
	pool->blocks++;
	return block + HEADER;
}

/* What is freed in here was allocated in pool_take(): nobody's loss. */
static TRUTH_CALLER void pool_give(struct pool *pool, void *block)
{
	__asm__ volatile("" : : "r"(block));
	if (--pool->blocks == 0) {
		free(pool->chunk);
		pool->chunk = NULL;
	}
}

static TRUTH_CALLER void *pool_array(struct pool *pool, size_t count,
				     size_t size)
{
	if (size && count > CHUNK / size)
		return NULL;
	return pool_take(pool, count * size);
}

static TRUTH_CALLER void *pool_resize(struct pool *pool, void *block,
				      size_t size)
{
	void *moved = pool_take(pool, size);

	if (moved && block) {
		memcpy(moved, block, 1);
		pool_give(pool, block);
	}
	return moved;
}

static TRUTH_CALLER int pool_make(void **block, struct pool *pool, size_t size)
{
	void *made = pool_take(pool, size);

	if (!made)
		return -1;
	*block = made;
	return 0;
}

static TRUTH_CALLER struct pool *pool_open(void)
{
	return calloc(1, sizeof(struct pool));
}

static TRUTH_CALLER void pool_close(struct pool *pool)
{
	free(pool->chunk);
	free(pool);
}

static TRUTH_CALLER void *taker(struct pool *pool, size_t size)
{
	void *block = pool_take(pool, size);

	truth_require(block != NULL, "pool used up");
	truth_allocated(&taker_site, size);
	truth_require(!pool_take(pool, 2 * CHUNK), "more than a chunk");
	return block;
}

static TRUTH_CALLER void *array_taker(struct pool *pool, size_t count)
{
	void *block = pool_array(pool, count, 12);

	truth_require(block != NULL, "pool used up");
	truth_allocated(&array_taker_site, 12 * count);
	return block;
}

static TRUTH_CALLER void *resizer(struct pool *pool, void *block, size_t old,
				  size_t size)
{
	void *moved = pool_resize(pool, block, size);

	truth_require(moved != NULL, "pool used up");
	if (block)
		truth_freed(&taker_site, old);
	truth_allocated(&resizer_site, size);
	truth_require(!pool_resize(pool, moved, 2 * CHUNK), "it must fail");
	return moved;
}

static TRUTH_CALLER void *maker(struct pool *pool, size_t size)
{
	void *block = NULL;

	truth_require(!pool_make(&block, pool, size), "pool used up");
	truth_allocated(&maker_site, size);
	truth_require(pool_make(&block, pool, 2 * CHUNK) != 0, "it must fail");
	return block;
}

static TRUTH_CALLER struct pool *opener(void)
{
	struct pool *pool = pool_open();

	truth_require(pool != NULL, "out of memory");
	truth_allocated(&opener_site, 0);
	return pool;
}

static TRUTH_CALLER void plain(size_t size)
{
	truth_require(TRUTH_OPAQUE(malloc(size)) != NULL, "out of memory");
	truth_allocated(&plain_site, size);
}

static void use(struct pool *pool)
{
	/* The chunk comes and goes with its only block. */
	pool_give(pool, taker(pool, 100));
	truth_freed(&taker_site, 100);
	for (size_t i = 1; i <= BLOCKS; i++) {
		void *block = taker(pool, 10 * i);

		if (i % 3 == 1) {
			resizer(pool, block, 10 * i, 7 * i);
		} else if (i % 3 == 2) {
			truth_freed(&taker_site, 10 * i);
			pool_give(pool, block);
		}
		array_taker(pool, i);
		resizer(pool, NULL, 0, 5 * i);
		block = maker(pool, 3 * i);
		if (i % 2) {
			truth_freed(&maker_site, 3 * i);
			pool_give(pool, block);
		}
		plain(i);
	}
}

int main(void)
{
	struct pool *pools[2];

	truth_ready();
	for (size_t i = 0; i < 2; i++)
		pools[i] = opener();
	use(pools[0]);
	truth_freed(&opener_site, 0);
	pool_close(pools[1]);
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
