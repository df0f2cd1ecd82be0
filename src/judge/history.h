/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each stack had outstanding over the time of tracing, in a bounded
 * number of periods: when they are used up, each two become one, and periods
 * are twice as long from then on. Of a period the lowest and the highest
 * figure are kept, so that no sawtooth hides between two looks.
 */
#ifndef LEAKTRACE_JUDGE_HISTORY_H
#define LEAKTRACE_JUDGE_HISTORY_H

#include "model/snapshot.h"
#include "model/verdict.h"

#define HISTORY_PERIODS 64		       /* even */
#define HISTORY_FIRST_PERIOD_NS 1000000000u    /* the shortest */
#define HISTORY_LONGEST_PAUSE_NS 5000000000ull /* between two looks */

struct stack_history {
	uint64_t id;
	enum space space;
	unsigned first;	       /* period in which the stack was first seen */
	unsigned looked;       /* number of the last look that saw it */
	struct round_mark now; /* outstanding, at the last look */
	struct stack_rounds *rounds; /* owned; NULL = no round ended yet */
	struct history_marks periods[HISTORY_PERIODS]; /* from first on */
};

struct history {
	uint64_t start_ns, period_ns; /* CLOCK_MONOTONIC; period_ns 0 = empty */
	unsigned count;		      /* periods so far, the last unfinished */
	unsigned looks;
	VECTOR(struct stack_history *) stacks; /* by space and id, owned */
};

void history_free(struct history *history);

/*
 * Notes what a snapshot says of each stack, by what was allocated and freed;
 * one with totals_only will do. Stacks that it lacks are forgotten. -ENOMEM.
 */
int history_look(struct history *history, const struct snapshot *snapshot);

/*
 * Ends a round: what each stack had outstanding at the last look is what the
 * round left behind. -ENOMEM.
 */
int history_end_round(struct history *history, struct rounds *rounds,
		      uint64_t now_ns);

/* How long to wait for the next look. */
uint64_t history_pause_ns(const struct history *history);

/* The history of a stack, or NULL. */
const struct stack_history *history_find(const struct history *history,
					 enum space space, uint64_t id);

#endif
