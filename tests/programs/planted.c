// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plants on command, for tests that need a state of their own. Each line on
 * standard input is one command, and a truth follows each:
 *
 *	alloc SITE COUNT SIZE	COUNT blocks of SIZE bytes at site SITE
 *	free SITE COUNT		frees the oldest COUNT blocks of SITE
 *	resize SITE COUNT SIZE	reallocs the newest COUNT blocks of SITE,
 *				which then belong to site resized
 *	churn COUNT		COUNT pairs of malloc and free; the note
 *				picoseconds_per_pair says how long each took
 *	pace RATE MILLISECONDS	as many pairs a second, for so long
 *
 * Sites: apple, banana, cherry. The arguments of the program are commands to
 * carry out before it says that it is ready; the end of input ends it. With
 * PLANT_EARLY=1 in the environment seven blocks of 70 bytes are planted at
 * site early, before main.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "truth.h"

#define BLOCKS_MAX 2200000

struct block {
	void *address;
	size_t size;
};

/* A queue: first is the oldest block that is still there. */
struct pile {
	struct truth_site *site;
	void *(*allocate)(size_t size);
	struct block *blocks;
	size_t first, end;
};

#define PLANTER(function)                                      \
	TRUTH_SITE(function, TRUTH_HEAP);                      \
	static struct block function##_blocks[BLOCKS_MAX];     \
	static TRUTH_CALLER void *function(size_t size)        \
	{                                                      \
		void *block = malloc(size);                    \
                                                               \
		truth_require(block != NULL, "out of memory"); \
		truth_allocated(&function##_site, size);       \
		return block;                                  \
	}

PLANTER(apple)
PLANTER(banana)
PLANTER(cherry)
TRUTH_SITE(resized, TRUTH_HEAP);
TRUTH_SITE(early, TRUTH_HEAP);

__attribute__((constructor)) static TRUTH_CALLER void early(void)
{
	unsigned i;

	for (i = 0; getenv("PLANT_EARLY") && i < 7; i++) {
		truth_require(malloc(TRUTH_OPAQUE(70ul)) != NULL, "no memory");
		truth_allocated(&early_site, 70);
	}
}

static TRUTH_CALLER void *resized(struct truth_site *site, struct block *block,
				  size_t size)
{
	void *moved = realloc(block->address, size);

	truth_require(moved != NULL, "out of memory");
	truth_freed(site, block->size);
	truth_allocated(&resized_site, size);
	return moved;
}

static struct pile piles[] = {
	{ &apple_site, apple, apple_blocks, 0, 0 },
	{ &banana_site, banana, banana_blocks, 0, 0 },
	{ &cherry_site, cherry, cherry_blocks, 0, 0 },
};

static void plant(struct pile *pile, size_t count, size_t size)
{
	struct block *block;
	size_t i;

	truth_require(count <= BLOCKS_MAX - pile->end, "pile full");
	for (i = 0; i < count; i++) {
		block = &pile->blocks[pile->end++];
		block->address = pile->allocate(size);
		block->size = size;
	}
}

static void release(struct pile *pile, size_t count)
{
	struct block *block;
	size_t i;

	truth_require(count <= pile->end - pile->first, "pile empty");
	for (i = 0; i < count; i++) {
		block = &pile->blocks[pile->first++];
		truth_freed(pile->site, block->size);
		free(block->address);
	}
}

/* The block leaves its pile: it stays allocated to the end. */
static void resize(struct pile *pile, size_t count, size_t size)
{
	static void *volatile kept;
	size_t i;

	truth_require(count <= pile->end - pile->first, "pile empty");
	for (i = 0; i < count; i++)
		kept = resized(pile->site, &pile->blocks[--pile->end], size);
	(void)kept;
}

static void churn(size_t count)
{
	struct timespec start, end;
	size_t i;
	long long ns;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < count; i++)
		free(TRUTH_OPAQUE(malloc(64)));
	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = (end.tv_sec - start.tv_sec) * 1000000000ll + end.tv_nsec -
	     start.tv_nsec;
	truth_note("picoseconds_per_pair", ns * 1000 / (long long)count);
}

/* A tick a millisecond; what comes late is made up for. */
static void pace(size_t rate, size_t milliseconds)
{
	struct timespec next;
	size_t tick, i;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (tick = 0; tick < milliseconds; tick++) {
		for (i = 0; i < rate / 1000; i++)
			free(TRUTH_OPAQUE(malloc(64)));
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

static void execute(const char *command)
{
	char verb[16], site[16];
	size_t count, size, i;
	int words;

	if (sscanf(command, "pace %zu %zu", &count, &size) == 2) {
		pace(count, size);
		return;
	}

	if (sscanf(command, "churn %zu", &count) == 1) {
		churn(count);
		return;
	}
	words = sscanf(command, "%15s %15s %zu %zu", verb, site, &count, &size);
	truth_require(words >= 3, "unknown command");
	for (i = 0; i < sizeof(piles) / sizeof(piles[0]); i++)
		if (strcmp(piles[i].site->name, site) == 0)
			break;
	truth_require(i < sizeof(piles) / sizeof(piles[0]), "unknown site");
	if (strcmp(verb, "alloc") == 0 && words == 4)
		plant(&piles[i], count, size);
	else if (strcmp(verb, "free") == 0)
		release(&piles[i], count);
	else if (strcmp(verb, "resize") == 0 && words == 4)
		resize(&piles[i], count, size);
	else
		truth_require(false, "unknown command");
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		execute(argv[i]);
	truth_ready();
	while (truth_line()[0] != '\0') {
		execute(truth_line());
		truth_report();
	}
	return 0;
}
