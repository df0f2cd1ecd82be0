// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every form of C++'s operator new and delete: 300 blocks of several sizes
 * from each, of which every third stays. An allocation that must fail throws
 * in between, and is caught; deleting nothing is nothing.
 */
#include <new>

extern "C" {
#include "truth.h"
}

#define BLOCKS 300
#define ALIGNMENT std::align_val_t(64)

#define PLANTER(function, allocate, release)                           \
	TRUTH_SITE(function, TRUTH_HEAP);                              \
	extern "C" TRUTH_CALLER void *function(size_t size)            \
	{                                                              \
		void *block = allocate;                                \
                                                                       \
		truth_require(block != nullptr, "out of memory");      \
		truth_allocated(&function##_site, size);               \
		return block;                                          \
	}                                                              \
	extern "C" TRUTH_CALLER void function##_end(void *block,       \
						    size_t size)       \
	{                                                              \
		if (block)                                             \
			truth_freed(&function##_site, size);           \
		release;                                               \
	}

PLANTER(from_new, operator new(size), operator delete(block))
PLANTER(from_new_array, operator new[](size), operator delete[](block))
PLANTER(from_new_sized, operator new(size), operator delete(block, size))
PLANTER(from_new_array_sized, operator new[](size),
	operator delete[](block, size))
PLANTER(from_nothrow, operator new(size, std::nothrow),
	operator delete(block, std::nothrow))
PLANTER(from_nothrow_array, operator new[](size, std::nothrow),
	operator delete[](block, std::nothrow))
PLANTER(from_aligned, operator new(size, ALIGNMENT),
	operator delete(block, ALIGNMENT))
PLANTER(from_aligned_array, operator new[](size, ALIGNMENT),
	operator delete[](block, ALIGNMENT))
PLANTER(from_aligned_sized, operator new(size, ALIGNMENT),
	operator delete(block, size, ALIGNMENT))
PLANTER(from_aligned_nothrow, operator new(size, ALIGNMENT, std::nothrow),
	operator delete(block, ALIGNMENT, std::nothrow))

#define LISTED(function, unit) \
	{ function, function##_end, unit }

static const struct {
	void *(*plant)(size_t size);
	void (*end)(void *block, size_t size);
	size_t unit;
} planters[] = {
	LISTED(from_new, 24),
	LISTED(from_new_array, 40),
	LISTED(from_new_sized, 33),
	LISTED(from_new_array_sized, 56),
	LISTED(from_nothrow, 300),
	LISTED(from_nothrow_array, 1000),
	LISTED(from_aligned, 64),
	LISTED(from_aligned_array, 128),
	LISTED(from_aligned_sized, 192),
	LISTED(from_aligned_nothrow, 4992),
};

/* Of more than there can be: thrown and caught, if the allocator throws. */
static void fail(bool throws)
{
	int caught = 0;

	for (int i = 0; throws && i < 3; i++) {
		try {
			operator delete(
				operator new(TRUTH_OPAQUE((size_t)1 << 60)));
		} catch (const std::bad_alloc &) {
			caught++;
		}
	}
	truth_note("caught", caught);
}

int main(int argc, char **)
{
	static void *blocks[BLOCKS];

	/* The C++ library allocates for its first exception. */
	fail(argc < 2);
	truth_ready();
	for (const auto &planter : planters) {
		for (size_t i = 0; i < BLOCKS; i++)
			blocks[i] = planter.plant(planter.unit * (1 + i % 7));
		planter.end(nullptr, 0);
		for (size_t i = 0; i < BLOCKS; i++)
			if (i % 3)
				planter.end(blocks[i],
					    planter.unit * (1 + i % 7));
	}
	truth_note("unmatched_frees", 0);
	fail(argc < 2);
	truth_report();
	return 0;
}
