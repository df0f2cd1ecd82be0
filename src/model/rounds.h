/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds: cycles of the same work, one after the other (--round). Of the last
 * ones it is known when they ended, and of each stack what was outstanding
 * then. Round 1 begins with tracing.
 */
#ifndef LEAKTRACE_MODEL_ROUNDS_H
#define LEAKTRACE_MODEL_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#define ROUNDS_KEPT 32

/*
 * The first rounds are warm-up: what is made once is made then. It is here as
 * the marks of stacks begin behind it.
 */
#define ROUNDS_WARM_UP 2

struct rounds {
	bool wanted;	/* --round */
	unsigned ended; /* so far; they are numbered from 1 */
	unsigned kept;	/* the last so many of these */
	/* CLOCK_MONOTONIC; the i-th kept lasted from [i] to [i + 1]. */
	uint64_t bounds_ns[ROUNDS_KEPT + 1];
};

/* What a stack had outstanding at some moment. */
struct round_mark {
	uint64_t blocks, bytes;
};

/* Of one stack. */
struct stack_rounds {
	struct round_mark base;		     /* when the warm-up ended */
	struct round_mark ends[ROUNDS_KEPT]; /* of the rounds kept */
};

/* Ends a round now; the oldest one kept may go for it. */
void rounds_end(struct rounds *rounds, uint64_t now_ns);

/*
 * Which of the rounds kept a moment was in: -1 = in none of them but before,
 * rounds->kept = in the one that is not over.
 */
int rounds_index(const struct rounds *rounds, uint64_t at_ns);

/* The number of a round that is kept. */
static inline unsigned rounds_number(const struct rounds *rounds,
				     unsigned index)
{
	return rounds->ended - rounds->kept + 1 + index;
}

/*
 * Over how many of the last rounds growth can be told: between the end of the
 * warm-up, or of the oldest round kept, and that of the last one.
 */
unsigned rounds_comparable(const struct rounds *rounds);

/* What a stack had outstanding when the round before the last `over` ended. */
struct round_mark rounds_mark_before(const struct rounds *rounds,
				     const struct stack_rounds *stack,
				     unsigned over);

#endif
