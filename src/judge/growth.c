// SPDX-License-Identifier: GPL-2.0-or-later
/* The trend of low-water marks: see growth.h. */
#include "judge/growth.h"

#include <stdlib.h>

/* The history is looked at in at most so many groups of periods. */
#define GROUPS GROWTH_MARKS
#define GROUPS_LEAST 4

struct groups {
	unsigned count;
	double seconds; /* from one to the next */
	float low[GROUPS], high[GROUPS];
};

static void groups_make(const struct history *history,
			const struct stack_history *stack,
			struct groups *groups)
{
	unsigned periods = history->count - stack->first;
	unsigned each = (periods + GROUPS - 1) / GROUPS;

	groups->count = 0;
	if (!periods)
		return;
	groups->seconds = (double)history->period_ns * each / 1e9;
	/* The first group is the one that may be short. */
	for (unsigned end = periods; end; end = end > each ? end - each : 0) {
		unsigned begin = end > each ? end - each : 0;
		const struct history_marks *marks =
			&stack->periods[stack->first + begin];
		float low = marks->bytes_low, high = marks->bytes_high;

		for (unsigned i = begin + 1; i < end; i++) {
			marks++;
			if (marks->bytes_low < low)
				low = marks->bytes_low;
			if (marks->bytes_high > high)
				high = marks->bytes_high;
		}
		groups->low[groups->count] = low;
		groups->high[groups->count] = high;
		groups->count++;
	}
	/* They were made from the last to the first. */
	for (unsigned i = 0; i < groups->count / 2; i++) {
		unsigned other = groups->count - 1 - i;
		float low = groups->low[i], high = groups->high[i];

		groups->low[i] = groups->low[other];
		groups->high[i] = groups->high[other];
		groups->low[other] = low;
		groups->high[other] = high;
	}
}

static int double_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), double_compare);
	return count % 2 ? values[count / 2]
			 : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double growth_slope(const float *marks, unsigned count, double *tau)
{
	double slopes[GROWTH_MARKS * (GROWTH_MARKS - 1) / 2];
	unsigned pairs = 0;
	int rising = 0;

	*tau = 0;
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = i + 1; j < count; j++) {
			double rise = (double)marks[j] - marks[i];

			rising += (rise > 0) - (rise < 0);
			slopes[pairs++] = rise / (j - i);
		}
	if (!pairs)
		return 0;
	*tau = (double)rising / pairs;
	return median(slopes, pairs);
}

/* How far figures move within one group, as a rule. */
static double unrest(const struct groups *groups, unsigned begin)
{
	double ranges[GROUPS];
	unsigned count = 0;

	for (unsigned i = begin; i < groups->count; i++)
		ranges[count++] = (double)groups->high[i] - groups->low[i];
	return count ? median(ranges, count) : 0;
}

void growth_measure(const struct history *history,
		    const struct stack_history *stack, double plateau_ratio,
		    struct growth *growth)
{
	struct groups groups;
	double tau, rise;
	unsigned half;

	*growth = (struct growth){ 0 };
	if (!stack)
		return;
	groups_make(history, stack, &groups);
	growth->observed_ns =
		(history->count - stack->first) * history->period_ns;
	if (groups.count < GROUPS_LEAST)
		return;
	growth->known = true;
	half = groups.count / 2;
	growth->bytes_per_second =
		growth_slope(groups.low + half, groups.count - half, &tau) /
		groups.seconds;
	rise = (double)groups.low[groups.count - 1] - groups.low[half];
	growth->grows = rise > 0 && tau >= GROWTH_RISING &&
			rise > unrest(&groups, half) / 2;
	growth->has_grown = groups.low[groups.count - 1] >
			    plateau_ratio * groups.low[0];
}
