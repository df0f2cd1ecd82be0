// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds blocks for reports to count: hold STACKS. Reads numbers of blocks from
 * standard input, a line each; allocates as many more, in turn from each of
 * STACKS (at most 128) distinct call stacks, and answers with the number held.
 * "ready PID" comes first; the end of input is the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LEVELS 7 /* of calls, each to the left or to the right */

#ifdef __clang__
#define noinline __attribute__((noinline))
#else
#define noinline __attribute__((noinline, noipa))
#endif

static void right(unsigned path, unsigned levels);

static noinline void leaf(unsigned path)
{
	void *block = malloc(16 + path % 8 * 16);

	if (!block) {
		fputs("hold: out of memory\n", stderr);
		exit(1);
	}
	__asm__ volatile("" : : "r"(block) : "memory");
}

static noinline void left(unsigned path, unsigned levels)
{
	if (!levels)
		leaf(path);
	else if (path >> (levels - 1) & 1)
		right(path, levels - 1);
	else
		left(path, levels - 1);
	__asm__ volatile("" : : : "memory"); /* no tail call */
}

static noinline void right(unsigned path, unsigned levels)
{
	left(path, levels);
	__asm__ volatile("" : : : "memory");
}

int main(int argc, char **argv)
{
	int stacks = argc == 2 ? atoi(argv[1]) : 0;
	long long held = 0;
	char line[32];

	if (stacks < 1 || stacks > 1 << LEVELS) {
		fputs("usage: hold STACKS (1 to 128)\n", stderr);
		return 2;
	}
	dprintf(STDOUT_FILENO, "ready %d\n", getpid());
	for (;;) {
		ssize_t length = read(STDIN_FILENO, line, sizeof(line) - 1);

		if (length <= 0)
			return 0;
		line[length] = '\0';
		for (long long i = atoll(line); i; i--)
			left((unsigned)(held++ % stacks), LEVELS);
		dprintf(STDOUT_FILENO, "%lld\n", held);
	}
}
