// SPDX-License-Identifier: GPL-2.0-or-later
/* Rates of what leaktrace itself costs: see cost.h. */
#include "model/cost.h"

double own_cost_percent(const struct own_cost *cost)
{
	if (!cost->period_ns)
		return 0;
	return 100 * (cost->bpf_ns + cost->traps_ns + cost->own_ns) /
	       (double)cost->period_ns;
}

double own_cost_per_hit(const struct own_cost *cost)
{
	if (!cost->hits)
		return 0;
	return (cost->bpf_ns + cost->traps_ns) / (double)cost->hits;
}

double own_cost_hits_per_second(const struct own_cost *cost)
{
	if (!cost->period_ns)
		return 0;
	return 1e9 * (double)cost->hits / (double)cost->period_ns;
}
