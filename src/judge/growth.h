/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How what a stack has outstanding moved: the trend of its low-water marks,
 * which neither a sawtooth nor churn moves. Pure.
 */
#ifndef LEAKTRACE_JUDGE_GROWTH_H
#define LEAKTRACE_JUDGE_GROWTH_H

#include <stdbool.h>

#include "judge/history.h"

struct growth {
	bool known;		 /* enough periods to tell */
	bool grows;		 /* now: through the second half of the time */
	bool has_grown;		 /* VERDICT_PLATEAU_RATIO above the beginning */
	double bytes_per_second; /* Theil-Sen, of the second half */
	uint64_t observed_ns;
};

#define GROWTH_MARKS 16 /* for growth_slope(), at most */

/*
 * The median slope between all pairs of marks, from one to the next (Theil
 * 1950, Sen 1968), 0 for less than two; *tau is Kendall's over the same pairs.
 */
double growth_slope(const float *marks, unsigned count, double *tau);

/* Of all pairs of marks, so many more must rise than fall (Kendall's tau). */
#define GROWTH_RISING 0.5

void growth_measure(const struct history *history,
		    const struct stack_history *stack, double plateau_ratio,
		    struct growth *growth);

#endif
