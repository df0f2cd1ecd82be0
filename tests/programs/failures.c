// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that fail, each of them many times: none makes a block, and none
 * loses the block or the mapping it was given.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "truth.h"

#define CALLS 50
#define PAGE 4096u
#define TOO_MUCH ((size_t)1 << 46) /* less than PTRDIFF_MAX, never to be had */

#define SURVIVOR(function, size, call)                         \
	TRUTH_SITE(function, TRUTH_HEAP);                      \
	static TRUTH_CALLER void *function(void)               \
	{                                                      \
		void *block = call;                            \
                                                               \
		truth_require(block != NULL, "out of memory"); \
		truth_allocated(&function##_site, size);       \
		return block;                                  \
	}

/* The blocks that the failing calls are given: all of them stay. */
SURVIVOR(before_realloc, 100, malloc(100))
SURVIVOR(before_limited_realloc, 5000, malloc(5000))
SURVIVOR(before_large_realloc, 200000, malloc(200000))
SURVIVOR(before_reallocarray, 48, calloc(6, 8))
TRUTH_SITE(before_munmap, TRUTH_MAPPING);
TRUTH_SITE(before_mremap, TRUTH_MAPPING);
TRUTH_SITE(before_mmap_fixed, TRUTH_MAPPING);

/* These make nothing, ever. */
TRUTH_SITE(failing_malloc, TRUTH_HEAP);
TRUTH_SITE(failing_calloc, TRUTH_HEAP);
TRUTH_SITE(failing_realloc, TRUTH_HEAP);
TRUTH_SITE(failing_reallocarray, TRUTH_HEAP);
TRUTH_SITE(failing_posix_memalign, TRUTH_HEAP);
TRUTH_SITE(failing_aligned, TRUTH_HEAP);
TRUTH_SITE(failing_mmap, TRUTH_MAPPING);
TRUTH_SITE(failing_munmap, TRUTH_MAPPING);
TRUTH_SITE(failing_mremap, TRUTH_MAPPING);

static TRUTH_CALLER void failing_malloc(size_t size)
{
	truth_require(malloc(size) == NULL, "malloc did not fail");
}

static TRUTH_CALLER void failing_calloc(size_t count, size_t size)
{
	truth_require(calloc(count, size) == NULL, "calloc did not fail");
}

static TRUTH_CALLER void failing_realloc(void *block, size_t size)
{
	truth_require(realloc(block, size) == NULL, "realloc did not fail");
}

static TRUTH_CALLER void failing_reallocarray(void *block, size_t count)
{
	truth_require(reallocarray(block, count, 16) == NULL,
		      "reallocarray did not fail");
}

/* The result is left alone: it still holds a pointer that looks like one. */
static TRUTH_CALLER void failing_posix_memalign(void *stale, size_t alignment,
						size_t size, int error)
{
	void *block = stale;

	truth_require(posix_memalign(&block, alignment, size) == error,
		      "posix_memalign did not fail");
}

static TRUTH_CALLER void failing_aligned(size_t size)
{
	truth_require(aligned_alloc(64, size) == NULL, "aligned_alloc gave");
	truth_require(memalign(64, size) == NULL, "memalign gave");
	truth_require(valloc(size) == NULL, "valloc gave");
	truth_require(pvalloc(size) == NULL, "pvalloc gave");
}

static TRUTH_CALLER void failing_mmap(void *where, size_t size, int flags)
{
	truth_require(mmap(where, size, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
			   0) == MAP_FAILED,
		      "mmap did not fail");
}

static TRUTH_CALLER void failing_munmap(void *where, size_t size)
{
	truth_require(munmap(where, size) != 0, "munmap did not fail");
}

static TRUTH_CALLER void failing_mremap(void *where, size_t size,
					size_t new_size, int flags)
{
	truth_require(mremap(where, size, new_size, flags) == MAP_FAILED,
		      "mremap did not fail");
}

#define MAPPER(function)                                              \
	static TRUTH_CALLER char *function(size_t size)               \
	{                                                             \
		char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,  \
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); \
                                                                      \
		truth_require(map != MAP_FAILED, "mmap failed");      \
		truth_allocated(&function##_site, size);              \
		return map;                                           \
	}

MAPPER(before_munmap)
MAPPER(before_mremap)
MAPPER(before_mmap_fixed)

static void fail_heap(void)
{
	failing_malloc(TRUTH_OPAQUE(TOO_MUCH));
	failing_malloc(TRUTH_OPAQUE(SIZE_MAX));
	failing_calloc(TRUTH_OPAQUE(SIZE_MAX / 2), 4);
	failing_calloc(TRUTH_OPAQUE(TOO_MUCH), 1);
	failing_realloc(before_realloc(), TRUTH_OPAQUE(SIZE_MAX));
	failing_realloc(before_large_realloc(), TRUTH_OPAQUE(TOO_MUCH));
	failing_realloc(NULL, TRUTH_OPAQUE(TOO_MUCH));
	failing_reallocarray(before_reallocarray(), TRUTH_OPAQUE(SIZE_MAX / 8));
	failing_reallocarray(before_reallocarray(), TRUTH_OPAQUE(TOO_MUCH));
	failing_posix_memalign(before_realloc(), 3, 100, EINVAL);
	failing_posix_memalign(before_realloc(), 64, TOO_MUCH, ENOMEM);
	failing_aligned(TRUTH_OPAQUE(TOO_MUCH));
}

static void fail_mappings(void)
{
	char *map = before_munmap(2 * PAGE);

	failing_munmap(map + 1, PAGE);
	failing_munmap(map, 0);
	failing_munmap(map, SIZE_MAX & ~(size_t)(PAGE - 1));
	failing_mmap(NULL, 0, 0);
	failing_mmap(NULL, TOO_MUCH * 4, 0);
	failing_mmap(before_mmap_fixed(PAGE), PAGE, MAP_FIXED_NOREPLACE);
	map = before_mremap(3 * PAGE);
	failing_mremap(map, 3 * PAGE, TOO_MUCH * 4, MREMAP_MAYMOVE);
	failing_mremap(map, 3 * PAGE, TOO_MUCH, 0);
	failing_mremap(map + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	failing_mremap(map, 3 * PAGE, 0, MREMAP_MAYMOVE);
}

/* A request that is fair in itself, refused for want of address space. */
static void fail_under_limit(void)
{
	struct rlimit old, low = { 64 << 20, 0 };
	void *block = before_limited_realloc();
	void *large = before_large_realloc();

	truth_require(getrlimit(RLIMIT_AS, &old) == 0, "getrlimit failed");
	low.rlim_max = old.rlim_max;
	truth_require(setrlimit(RLIMIT_AS, &low) == 0, "setrlimit failed");
	failing_realloc(block, TRUTH_OPAQUE((size_t)80 << 20));
	failing_realloc(large, TRUTH_OPAQUE((size_t)80 << 20));
	failing_malloc(TRUTH_OPAQUE((size_t)80 << 20));
	failing_mmap(NULL, (size_t)80 << 20, 0);
	truth_require(setrlimit(RLIMIT_AS, &old) == 0, "setrlimit failed");
}

int main(void)
{
	unsigned i;

	truth_ready();
	for (i = 0; i < CALLS; i++) {
		fail_heap();
		fail_mappings();
		fail_under_limit();
	}
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
