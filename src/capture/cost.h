/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tracing costs, from what was counted: pure arithmetic. The time in BPF
 * programs is measured in slices (the measuring itself is dear) and taken as
 * the mean of all hits; the traps are hits times what trap_costs.h measured.
 */
#ifndef LEAKTRACE_CAPTURE_COST_H
#define LEAKTRACE_CAPTURE_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "capture/trap_costs.h"
#include "model/cost.h"

/* Fewer runs do not make a mean. */
#define COST_RUNS_MIN 50

/* Everything counts up from the start. */
struct cost_reading {
	uint64_t taken_ns; /* CLOCK_MONOTONIC */
	uint64_t own_ns;   /* CPU time of leaktrace */
	struct abi_hits hits;
	/* In the slices: how long they were, what ran in them. */
	uint64_t slices_ns, runs, run_ns;
};

struct cost_rates {
	const struct trap_costs *traps; /* NULL = not known */
	bool counted; /* hits are; else they are estimated from the slices */
	bool skips_returns; /* a return that is of no interest costs nothing */
};

/*
 * What was spent between two readings. Where no slice in between saw enough
 * runs, the mean of all before stands in.
 */
struct own_cost cost_between(const struct cost_reading *from,
			     const struct cost_reading *to,
			     const struct cost_rates *rates);

/*
 * What a call costs more for being recorded, and would not if it were not
 * sampled: ns, a mean.
 */
double cost_of_recording(const struct cost_reading *from,
			 const struct cost_reading *to,
			 const struct cost_rates *rates);

#endif
