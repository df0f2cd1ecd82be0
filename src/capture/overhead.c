// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller of --max-overhead: see overhead.h. */
#include "capture/overhead.h"

#include <math.h>

/* Where to aim at, of the budget: above, then below which it is changed. */
#define AIM 0.85
#define LOWER_BELOW 0.9 /* of the aim */

/* Periods in a row that must allow a lower level before it is taken. */
#define QUIET_PERIODS 4

/*
 * Where the rest is over the budget by itself: recording that costs less than
 * this part of it is not worth making sparser, and half of that is aimed at.
 */
#define NEGLIGIBLE (1.0 / 16)

/*
 * What recording would cost at another level, at most: sparse samples may
 * have missed what there is, by about one block.
 */
static double recording_at(const struct overhead *overhead,
			   const struct overhead_sample *sample, unsigned level)
{
	double cost = ldexp(sample->recording + sample->recording_one,
			    (int)overhead->level - (int)level);

	if (!level || cost > sample->recording_all)
		return sample->recording_all;
	return cost;
}

/* The lowest level from `level` on that keeps recording within a limit. */
static unsigned level_within(const struct overhead *overhead,
			     const struct overhead_sample *sample,
			     unsigned level, double limit)
{
	while (level < overhead->highest &&
	       recording_at(overhead, sample, level) > limit)
		level++;
	return level;
}

void overhead_control(struct overhead *overhead,
		      const struct overhead_sample *sample)
{
	double total = sample->rest + sample->recording;
	double negligible = sample->rest * NEGLIGIBLE;
	double aim = overhead->budget * AIM - sample->rest;
	bool too_dear = total > overhead->budget;
	unsigned level;

	if (aim < negligible / 2)
		aim = negligible / 2;
	if (too_dear && overhead->level < overhead->highest &&
	    sample->recording > negligible) {
		overhead->level = level_within(overhead, sample,
					       overhead->level + 1, aim);
		overhead->quiet = 0;
		overhead->over = false;
		return;
	}
	/* Then no level helps; a lower one may be no dearer. */
	overhead->over = too_dear;
	level = level_within(overhead, sample, overhead->lowest,
			     aim * LOWER_BELOW);
	if (level >= overhead->level) {
		overhead->quiet = 0;
		return;
	}
	if (++overhead->quiet < QUIET_PERIODS)
		return;
	overhead->level = level;
	overhead->quiet = 0;
}
