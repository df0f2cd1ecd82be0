/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller of --max-overhead: how sparsely to sample, from what tracing
 * cost just now. Level 0 records every block; each level above doubles the
 * interval and so about halves what is spent on recording. The rest, the entry
 * of every function above all, no level can save. Pure: measurements in, level
 * out.
 */
#ifndef LEAKTRACE_CAPTURE_OVERHEAD_H
#define LEAKTRACE_CAPTURE_OVERHEAD_H

#include <stdbool.h>

struct overhead {
	double budget; /* percent of a core */
	unsigned lowest, highest;
	unsigned level; /* in force */
	unsigned quiet; /* periods in a row in which less would do */
	bool over;	/* the budget is not kept, and no level helps */
};

/* What the last period cost at the level in force, percent of a core. */
struct overhead_sample {
	double rest;	      /* what no level can save */
	double recording;     /* what sampling can save */
	double recording_all; /* what that would be at level 0, at most */
	double recording_one; /* the part that one block has */
};

/* Decides on the next period: changes overhead, level and all. */
void overhead_control(struct overhead *overhead,
		      const struct overhead_sample *sample);

#endif
