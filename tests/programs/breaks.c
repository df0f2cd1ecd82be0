// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that moves its break itself, beside an allocator that does so too.
 * Whole pages count, those that the break passes.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "truth.h"

#define ROUNDS 20
#define PAGE 4096L

TRUTH_SITE(raised, TRUTH_MAPPING);
TRUTH_SITE(raised_in_parts, TRUTH_MAPPING);
TRUTH_SITE(set, TRUTH_MAPPING);
TRUTH_SITE(refused, TRUTH_MAPPING);
TRUTH_SITE(beside, TRUTH_HEAP);

static TRUTH_CALLER char *raised(long pages)
{
	char *start = sbrk(pages * PAGE);

	truth_require(start != (void *)-1, "sbrk failed");
	truth_allocated(&raised_site, (size_t)(pages * PAGE));
	return start;
}

/* 16 times a quarter of a page: four times it passes into a new one. */
static TRUTH_CALLER void raised_in_parts(void)
{
	for (unsigned i = 0; i < 16; i++) {
		truth_require(sbrk(PAGE / 4) != (void *)-1, "sbrk failed");
		if (i % 4 == 0)
			truth_allocated(&raised_in_parts_site, PAGE);
	}
}

static TRUTH_CALLER void set(char *end, long pages)
{
	truth_require(brk(end + pages * PAGE) == 0, "brk failed");
	truth_allocated(&set_site, (size_t)(pages * PAGE));
}

static TRUTH_CALLER void refused(void)
{
	struct rlimit old, low;

	truth_require(getrlimit(RLIMIT_DATA, &old) == 0, "getrlimit failed");
	low = (struct rlimit){ 0, old.rlim_max };
	truth_require(setrlimit(RLIMIT_DATA, &low) == 0, "setrlimit failed");
	truth_require(sbrk(64 * PAGE) == (void *)-1, "sbrk did not fail");
	truth_require(brk((char *)sbrk(0) + 64 * PAGE) != 0,
		      "brk did not fail");
	truth_require(setrlimit(RLIMIT_DATA, &old) == 0, "setrlimit failed");
}

static TRUTH_CALLER void *beside(size_t size)
{
	void *block = malloc(size);

	truth_require(block != NULL, "out of memory");
	truth_allocated(&beside_site, size);
	return block;
}

static void move_break(void)
{
	char *start = raised(8);

	/* Two of the eight are given back, then one more with what follows. */
	truth_require(sbrk(-2 * PAGE) != (void *)-1, "sbrk failed");
	truth_changed(&raised_site, 0, -2 * PAGE);
	set(start + 6 * PAGE, 3);
	truth_require(brk(start + 5 * PAGE) == 0, "brk failed");
	truth_changed(&raised_site, 0, -1 * PAGE);
	truth_changed(&set_site, -1, -3 * PAGE);
	raised_in_parts();
	refused();
}

/* Enough for the allocator to raise the break, and to give some back. */
static void allocate_beside(void)
{
	void *blocks[20];

	for (unsigned i = 0; i < 20; i++)
		blocks[i] = beside(100000);
	for (unsigned i = 1; i < 20; i++) {
		truth_freed(&beside_site, 100000);
		free(blocks[i]);
	}
}

int main(void)
{
	long over = (long)sbrk(0) % PAGE;

	/* So that what is asked for in pages is counted in pages. */
	truth_require(!over || sbrk(PAGE - over) != (void *)-1, "sbrk failed");
	truth_ready();
	for (unsigned i = 0; i < ROUNDS; i++) {
		over = (long)sbrk(0) % PAGE;
		truth_require(over == 0, "the allocator left half a page");
		move_break();
		allocate_beside();
	}
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
