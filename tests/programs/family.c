// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Allocators that Debian has no library of, by their names and arguments: one
 * of them in each build, by -DFAMILY_name. What is behind the names is an
 * arena of the program's own that knows nothing of the libc's.
 *
 *	SNMALLOC  sn_malloc(3)-like and what Rust's snmalloc-rs calls
 *	DPDK      rte_malloc.h
 *	RPMALLOC  rpmalloc.h
 *	RJEM      jemalloc as in Rust's tikv-jemallocator, names of local binding
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

#define ARENA_SIZE (8 << 20)
#define BLOCKS 300

static _Alignas(4096) char arena[ARENA_SIZE];
static size_t used;

/* Not one of the functions that are probed. */
static void *take(size_t size, size_t alignment)
{
	char *block;

	used = (used + alignment - 1) & ~(alignment - 1);
	if (size > ARENA_SIZE - used)
		return NULL;
	block = arena + used;
	used += size + 16;
	return block;
}

static void *take_again(void *block, size_t size)
{
	void *moved = take(size, 16);

	if (moved && block)
		memmove(moved, block, size);
	return moved;
}

#define SITE(function) TRUTH_SITE(function, TRUTH_HEAP)

/* A way to allocate and the one to free it: function is the site's name. */
#define WAY(function, allocate, release)                                  \
	SITE(function);                                                   \
	static TRUTH_CALLER void *function(size_t size)                   \
	{                                                                 \
		void *block = (allocate);                                 \
                                                                          \
		truth_require(block != NULL, "arena used up");            \
		truth_allocated(&function##_site, size);                  \
		return block;                                             \
	}                                                                 \
	static TRUTH_CALLER void function##_end(void *block, size_t size) \
	{                                                                 \
		if (block)                                                \
			truth_freed(&function##_site, size);              \
		release;                                                  \
	}

#define DEFINE __attribute__((noinline, noipa))

#if defined(FAMILY_SNMALLOC)
DEFINE void *sn_malloc(size_t size)
{
	return take(size, 16);
}

DEFINE void *sn_calloc(size_t count, size_t size)
{
	return take(count * size, 16);
}

DEFINE void *sn_realloc(void *block, size_t size)
{
	return take_again(block, size);
}

DEFINE void sn_free(void *block)
{
	(void)TRUTH_OPAQUE(block);
}

DEFINE void *sn_rust_alloc(size_t alignment, size_t size)
{
	return take(size, alignment);
}

DEFINE void *sn_rust_alloc_zeroed(size_t alignment, size_t size)
{
	return take(size, alignment);
}

DEFINE void *sn_rust_realloc(void *block, size_t alignment, size_t old_size,
			     size_t size)
{
	(void)alignment;
	(void)old_size;
	return take_again(block, size);
}

DEFINE void sn_rust_dealloc(void *block, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	(void)TRUTH_OPAQUE(block);
}

WAY(by_malloc, sn_malloc(size), sn_free(block))
WAY(by_calloc, sn_calloc(size, 1), sn_free(block))
WAY(by_realloc, sn_realloc(sn_malloc(1), size), sn_free(block))
WAY(by_rust, sn_rust_alloc(64, size), sn_rust_dealloc(block, 64, size))
WAY(by_rust_zeroed, sn_rust_alloc_zeroed(64, size),
    sn_rust_dealloc(block, 64, size))
WAY(by_rust_realloc, sn_rust_realloc(sn_rust_alloc(8, 24), 8, 24, size),
    sn_rust_dealloc(block, 8, size))
#define WAYS                                                   \
	W(by_malloc), W(by_calloc), W(by_realloc), W(by_rust), \
		W(by_rust_zeroed), W(by_rust_realloc)

#elif defined(FAMILY_DPDK)
DEFINE void *rte_malloc(const char *type, size_t size, unsigned align)
{
	(void)type;
	return take(size, align ? align : 16);
}

DEFINE void *rte_zmalloc(const char *type, size_t size, unsigned align)
{
	(void)type;
	return take(size, align ? align : 16);
}

DEFINE void *rte_calloc(const char *type, size_t count, size_t size,
			unsigned align)
{
	(void)type;
	return take(count * size, align ? align : 16);
}

DEFINE void *rte_realloc(void *block, size_t size, unsigned align)
{
	(void)align;
	return take_again(block, size);
}

/* Calls within calls are one. */
DEFINE void *rte_malloc_socket(const char *type, size_t size, unsigned align,
			       int socket)
{
	(void)socket;
	return TRUTH_OPAQUE(rte_malloc(type, size, align));
}

DEFINE void rte_free(void *block)
{
	(void)TRUTH_OPAQUE(block);
}

WAY(by_malloc, rte_malloc("a", size, 0), rte_free(block))
WAY(by_zmalloc, rte_zmalloc("a", size, 64), rte_free(block))
WAY(by_calloc, rte_calloc("a", 1, size, 0), rte_free(block))
WAY(by_realloc, rte_realloc(rte_malloc("a", 1, 0), size, 0), rte_free(block))
WAY(by_socket, rte_malloc_socket(NULL, size, 0, -1), rte_free(block))
#define WAYS \
	W(by_malloc), W(by_zmalloc), W(by_calloc), W(by_realloc), W(by_socket)

#elif defined(FAMILY_RPMALLOC)
DEFINE void *rpmalloc(size_t size)
{
	return take(size, 16);
}

DEFINE void *rpcalloc(size_t count, size_t size)
{
	return take(count * size, 16);
}

DEFINE void *rprealloc(void *block, size_t size)
{
	return take_again(block, size);
}

DEFINE void *rpaligned_alloc(size_t alignment, size_t size)
{
	return take(size, alignment);
}

DEFINE void *rpaligned_realloc(void *block, size_t alignment, size_t size,
			       size_t old_size, unsigned flags)
{
	(void)alignment;
	(void)old_size;
	(void)flags;
	return take_again(block, size);
}

DEFINE int rpposix_memalign(void **block, size_t alignment, size_t size)
{
	*block = take(size, alignment);
	return *block ? 0 : ENOMEM;
}

DEFINE void rpfree(void *block)
{
	(void)TRUTH_OPAQUE(block);
}

WAY(by_malloc, rpmalloc(size), rpfree(block))
WAY(by_calloc, rpcalloc(1, size), rpfree(block))
WAY(by_realloc, rprealloc(rpmalloc(1), size), rpfree(block))
WAY(by_aligned, rpaligned_alloc(128, size), rpfree(block))
WAY(by_aligned_realloc, rpaligned_realloc(rpmalloc(1), 64, size, 1, 0),
    rpfree(block))
WAY(by_memalign, ({
	    void *aligned = NULL;

	    rpposix_memalign(&aligned, 256, size) ? NULL : aligned;
    }),
    rpfree(block))
#define WAYS                                                      \
	W(by_malloc), W(by_calloc), W(by_realloc), W(by_aligned), \
		W(by_aligned_realloc), W(by_memalign)

#elif defined(FAMILY_RJEM)
DEFINE static void *_rjem_malloc(size_t size)
{
	return take(size, 16);
}

DEFINE static void *_rjem_mallocx(size_t size, int flags)
{
	(void)flags;
	return take(size, 16);
}

DEFINE static void *_rjem_rallocx(void *block, size_t size, int flags)
{
	(void)flags;
	return take_again(block, size);
}

DEFINE static void _rjem_sdallocx(void *block, size_t size, int flags)
{
	(void)size;
	(void)flags;
	(void)TRUTH_OPAQUE(block);
}

DEFINE static void _rjem_free(void *block)
{
	(void)TRUTH_OPAQUE(block);
}

WAY(by_malloc, _rjem_malloc(size), _rjem_free(block))
WAY(by_mallocx, _rjem_mallocx(size, 0), _rjem_sdallocx(block, size, 0))
WAY(by_rallocx, _rjem_rallocx(_rjem_malloc(1), size, 0),
    _rjem_sdallocx(block, size, 0))
#define WAYS W(by_malloc), W(by_mallocx), W(by_rallocx)
#endif

#define W(function)                       \
	{                                 \
		function, function##_end, \
	}

static const struct {
	void *(*plant)(size_t size);
	void (*end)(void *block, size_t size);
} ways[] = { WAYS };

int main(void)
{
	void *blocks[BLOCKS];

	truth_ready();
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		for (size_t i = 0; i < BLOCKS; i++)
			blocks[i] = ways[way].plant(8 + i * (way + 1));
		ways[way].end(NULL, 0);
		for (size_t i = 0; i < BLOCKS; i++)
			if (i % 4)
				ways[way].end(blocks[i], 8 + i * (way + 1));
	}
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
