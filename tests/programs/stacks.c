// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One block from each of COUNT distinct call stacks (first argument, at most
 * 16,384): fourteen calls deep, each to the left or to the right, so that
 * every path is a stack of its own.
 */
#include <stdlib.h>

#include "truth.h"

#define LEVELS 14

TRUTH_SITE(leaf, TRUTH_HEAP);

static void left(unsigned path, unsigned levels);
static void right(unsigned path, unsigned levels);

static TRUTH_CALLER void leaf(unsigned path)
{
	size_t size = 16 + path % 1000;

	truth_require(malloc(TRUTH_OPAQUE(size)) != NULL, "out of memory");
	truth_allocated(&leaf_site, size);
}

static TRUTH_CALLER void left(unsigned path, unsigned levels)
{
	if (levels == 0)
		leaf(path);
	else if (path >> (levels - 1) & 1)
		right(path, levels - 1);
	else
		left(path, levels - 1);
	__asm__ volatile("");
}

static TRUTH_CALLER void right(unsigned path, unsigned levels)
{
	if (levels == 0)
		leaf(path);
	else if (path >> (levels - 1) & 1)
		right(path, levels - 1);
	else
		left(path, levels - 1);
	__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 16000;
	unsigned path;

	truth_require(count <= 1u << LEVELS, "more stacks than paths");
	truth_ready();
	for (path = 0; path < count; path++)
		left(path, LEVELS);
	truth_note("stacks", count);
	truth_report();
	return 7;
}
