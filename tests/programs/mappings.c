// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings that the program makes itself, cut, covered, grown and moved in
 * every way. What is left of a mapping belongs to the call that made it, one
 * block for each piece; what an mremap returns belongs to the mremap. Sizes
 * count in whole pages, as the kernel gives them out.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

#define ROUNDS 20
#define PAGE 4096

#define MAPPER(function)                                                     \
	TRUTH_SITE(function, TRUTH_MAPPING);                                 \
	static TRUTH_CALLER char *function(void *where, size_t size,         \
					   int flags, int file)              \
	{                                                                    \
		char *map = mmap(where, size, PROT_READ | PROT_WRITE, flags, \
				 file, 0);                                   \
                                                                             \
		truth_require(map != MAP_FAILED, "mmap failed");             \
		truth_allocated(&function##_site,                            \
				(size + PAGE - 1) & ~(size_t)(PAGE - 1));    \
		return map;                                                  \
	}

#define REMAPPER(function)                                             \
	TRUTH_SITE(function, TRUTH_MAPPING);                           \
	static TRUTH_CALLER char *function(char *old, size_t old_size, \
					   size_t size, int flags,     \
					   void *where)                \
	{                                                              \
		char *map = mremap(old, old_size, size, flags, where); \
                                                                       \
		truth_require(map != MAP_FAILED, "mremap failed");     \
		truth_allocated(&function##_site, size);               \
		return map;                                            \
	}

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)

MAPPER(cut_at_front)
MAPPER(cut_in_middle)
MAPPER(cut_at_back)
MAPPER(cut_away)
MAPPER(neighbour_low)
MAPPER(neighbour_high)
MAPPER(reserved)
MAPPER(covered)
MAPPER(covering)
MAPPER(odd_kept)
MAPPER(odd_unmapped)
MAPPER(of_file)
MAPPER(to_grow)
MAPPER(to_shrink)
MAPPER(to_move_in_part)
MAPPER(to_leave_in_place)
MAPPER(to_duplicate)
REMAPPER(grown)
REMAPPER(shrunk)
REMAPPER(moved_part)
REMAPPER(left_behind)
REMAPPER(duplicated)
REMAPPER(grown_from_before)

/* Unmaps pages of one mapping; pieces says how many pieces more there are. */
static void cut(struct truth_site *site, char *map, size_t page, size_t pages,
		int pieces)
{
	truth_require(munmap(map + page * PAGE, pages * PAGE) == 0,
		      "munmap failed");
	truth_changed(site, pieces, -(long long)(pages * PAGE));
}

static void cuts(void)
{
	char *map = cut_at_front(NULL, 8 * PAGE, PRIVATE, -1);

	cut(&cut_at_front_site, map, 0, 3, 0);
	/* Nothing is there any more, which munmap does not mind. */
	truth_require(munmap(map, 3 * PAGE) == 0, "munmap failed");

	map = cut_in_middle(NULL, 8 * PAGE, PRIVATE, -1);
	cut(&cut_in_middle_site, map, 3, 2, 1);

	map = cut_at_back(NULL, 8 * PAGE, PRIVATE, -1);
	cut(&cut_at_back_site, map, 6, 2, 0);

	map = cut_away(NULL, 8 * PAGE, PRIVATE, -1);
	cut(&cut_away_site, map, 2, 4, 1);
	cut(&cut_away_site, map, 0, 2, -1);
	cut(&cut_away_site, map, 6, 2, -1);
}

/* One munmap over the end of one mapping and the start of the next. */
static void cut_neighbours(void)
{
	char *map = reserved(NULL, 8 * PAGE, PRIVATE, -1);

	neighbour_low(map, 4 * PAGE, PRIVATE | MAP_FIXED, -1);
	truth_changed(&reserved_site, 0, -4 * PAGE);
	neighbour_high(map + 4 * PAGE, 4 * PAGE, PRIVATE | MAP_FIXED, -1);
	truth_changed(&reserved_site, -1, -4 * PAGE);
	truth_require(munmap(map + 2 * PAGE, 3 * PAGE) == 0, "munmap failed");
	truth_changed(&neighbour_low_site, 0, -2 * PAGE);
	truth_changed(&neighbour_high_site, 0, -1 * PAGE);
}

static void cover(void)
{
	char *map = covered(NULL, 8 * PAGE, PRIVATE, -1);

	covering(map + 3 * PAGE, 2 * PAGE, PRIVATE | MAP_FIXED, -1);
	truth_changed(&covered_site, 1, -2 * PAGE);
}

static void odd_sizes(void)
{
	char *map;

	odd_kept(NULL, 5000, PRIVATE, -1);
	map = odd_unmapped(NULL, 5000, PRIVATE, -1);
	truth_require(munmap(map, 5000) == 0, "munmap failed");
	truth_changed(&odd_unmapped_site, -1, -2 * PAGE);
}

static void map_file(void)
{
	int file = memfd_create("mapped", MFD_CLOEXEC);

	truth_require(file >= 0 && ftruncate(file, 3 * PAGE) == 0, "no file");
	of_file(NULL, 3 * PAGE, MAP_SHARED, file);
	close(file);
}

static void remap(void)
{
	char *map = to_grow(NULL, 4 * PAGE, PRIVATE, -1), *target;

	grown(map, 4 * PAGE, 16 * PAGE, MREMAP_MAYMOVE, NULL);
	truth_changed(&to_grow_site, -1, -4 * PAGE);

	map = to_shrink(NULL, 8 * PAGE, PRIVATE, -1);
	shrunk(map, 8 * PAGE, 3 * PAGE, 0, NULL);
	truth_changed(&to_shrink_site, -1, -8 * PAGE);

	map = to_move_in_part(NULL, 8 * PAGE, PRIVATE, -1);
	target = reserved(NULL, 4 * PAGE, PRIVATE, -1);
	moved_part(map + 3 * PAGE, 2 * PAGE, 2 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED, target);
	truth_changed(&to_move_in_part_site, 1, -2 * PAGE);
	truth_changed(&reserved_site, 0, -2 * PAGE);
}

/* The old mapping stays where it was, and a new one comes to it. */
static void remap_beside(void)
{
	char *map = to_leave_in_place(NULL, 4 * PAGE, PRIVATE, -1);

	left_behind(map, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		    NULL);
	map = to_duplicate(NULL, 4 * PAGE, SHARED, -1);
	duplicated(map, 0, 4 * PAGE, MREMAP_MAYMOVE, NULL);
}

int main(void)
{
	char *before = mmap(NULL, 8 * PAGE, PROT_READ, PRIVATE, -1, 0);
	unsigned i;

	truth_require(before != MAP_FAILED, "mmap failed");
	truth_ready();
	for (i = 0; i < ROUNDS; i++) {
		cuts();
		cut_neighbours();
		cover();
		odd_sizes();
		map_file();
		remap();
		remap_beside();
	}
	/* Made before tracing began: known from here on, as far as it goes. */
	truth_require(munmap(before, 2 * PAGE) == 0, "munmap failed");
	grown_from_before(before + 2 * PAGE, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE,
			  NULL);
	truth_report();
	return 0;
}
