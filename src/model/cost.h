/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaktrace itself costs: plain figures, of one period. */
#ifndef LEAKTRACE_MODEL_COST_H
#define LEAKTRACE_MODEL_COST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * CPU time that tracing took in a period. The programs and the traps are paid
 * by whoever hits the probes, the rest is leaktrace's own.
 */
struct own_cost {
	uint64_t period_ns; /* 0 = not measured; all else is 0 then */
	uint64_t hits;	    /* of probes */
	double bpf_ns;	    /* in BPF programs: hits times a measured mean */
	bool bpf_known;	    /* else bpf_ns is 0: no hit was measured yet */
	double traps_ns;    /* to get there and back: hits times a measured
			       cost, 0 for tracepoints */
	bool traps_known;   /* else traps_ns is 0 and not part of the sum */
	double own_ns;	    /* leaktrace's threads, user and system */

	double budget_percent; /* --max-overhead, 0 = none */
	bool over_budget;      /* although it samples as far as that helps */
};

/* All of it in percent of one core; 0 if not measured. */
double own_cost_percent(const struct own_cost *cost);

/* Programs and traps, ns a hit; 0 without hits. */
double own_cost_per_hit(const struct own_cost *cost);

double own_cost_hits_per_second(const struct own_cost *cost);

#endif
