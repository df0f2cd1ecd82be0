// SPDX-License-Identifier: GPL-2.0-or-later
/* What tracing costs: see cost.h. */
#include "capture/cost.h"

/* ns a run, without what the kernel's measuring adds; negative = not known. */
static double run_mean(const struct cost_reading *from,
		       const struct cost_reading *to,
		       const struct trap_costs *traps)
{
	uint64_t runs = to->runs - from->runs;
	uint64_t ns = to->run_ns - from->run_ns;
	double mean;

	if (runs < COST_RUNS_MIN) {
		runs = to->runs;
		ns = to->run_ns;
	}
	if (!runs)
		return -1;
	mean = (double)ns / (double)runs - (traps ? traps->empty : 0);
	return mean > 0 ? mean : 0;
}

static uint64_t hits_between(const struct cost_reading *from,
			     const struct cost_reading *to, bool counted)
{
	uint64_t slices = to->slices_ns - from->slices_ns;

	if (counted)
		return to->hits.entries - from->hits.entries +
		       to->hits.returns - from->hits.returns;
	if (!slices)
		return 0;
	return (uint64_t)((double)(to->runs - from->runs) *
			  (double)(to->taken_ns - from->taken_ns) /
			  (double)slices);
}

static double traps_between(const struct cost_reading *from,
			    const struct cost_reading *to,
			    const struct trap_costs *traps)
{
	double stepped = (double)(to->hits.stepped - from->hits.stepped);
	double entries = (double)(to->hits.entries - from->hits.entries);
	double returns = (double)(to->hits.returns - from->hits.returns);

	return (entries - stepped) * traps->entry + stepped * traps->stepped +
	       returns * traps->return_;
}

struct own_cost cost_between(const struct cost_reading *from,
			     const struct cost_reading *to,
			     const struct cost_rates *rates)
{
	double mean = run_mean(from, to, rates->traps);
	struct own_cost cost = {
		.period_ns = to->taken_ns - from->taken_ns,
		.hits = hits_between(from, to, rates->counted),
		.own_ns = (double)(to->own_ns - from->own_ns),
	};

	cost.bpf_known = mean >= 0 || !cost.hits;
	if (mean >= 0)
		cost.bpf_ns = (double)cost.hits * mean;
	cost.traps_known = rates->traps || !rates->counted;
	if (rates->traps && rates->counted)
		cost.traps_ns = traps_between(from, to, rates->traps);
	return cost;
}

double cost_of_recording(const struct cost_reading *from,
			 const struct cost_reading *to,
			 const struct cost_rates *rates)
{
	uint64_t timed = to->hits.timed - from->hits.timed;
	uint64_t ns = to->hits.timed_ns - from->hits.timed_ns;
	double each;

	if (!timed) {
		timed = to->hits.timed;
		ns = to->hits.timed_ns;
	}
	each = timed ? (double)ns / (double)timed : 0;
	if (rates->traps && rates->skips_returns)
		each += rates->traps->return_;
	return each;
}
