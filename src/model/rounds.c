// SPDX-License-Identifier: GPL-2.0-or-later
/* Rounds: see rounds.h. */
#include "model/rounds.h"

#include <string.h>

void rounds_end(struct rounds *rounds, uint64_t now_ns)
{
	rounds->ended++;
	if (rounds->kept == ROUNDS_KEPT)
		memmove(rounds->bounds_ns, rounds->bounds_ns + 1,
			ROUNDS_KEPT * sizeof(rounds->bounds_ns[0]));
	else
		rounds->kept++;
	rounds->bounds_ns[rounds->kept] = now_ns;
}

int rounds_index(const struct rounds *rounds, uint64_t at_ns)
{
	unsigned low = 0, high = rounds->kept + 1;

	/* How many of the bounds the moment is not before. */
	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (at_ns < rounds->bounds_ns[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return (int)low - 1;
}

unsigned rounds_comparable(const struct rounds *rounds)
{
	if (rounds->ended <= ROUNDS_WARM_UP)
		return 0;
	if (rounds->ended - ROUNDS_WARM_UP < rounds->kept)
		return rounds->ended - ROUNDS_WARM_UP;
	return rounds->kept - 1;
}

struct round_mark rounds_mark_before(const struct rounds *rounds,
				     const struct stack_rounds *stack,
				     unsigned over)
{
	if (over < rounds->kept)
		return stack->ends[rounds->kept - 1 - over];
	return stack->base;
}
