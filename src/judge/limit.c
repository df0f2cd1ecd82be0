// SPDX-License-Identifier: GPL-2.0-or-later
/* When the memory is used up: see limit.h. */
#include "judge/limit.h"

void limit_reach(struct report *report)
{
	const struct memory_limit *limit = &report->limit;
	double seconds;

	report->limit_reached_ns = 0;
	if (limit->kind == LIMIT_NONE || report->leaking_bytes_per_second <= 0)
		return;
	seconds = limit->used_bytes < limit->limit_bytes
			  ? (double)(limit->limit_bytes - limit->used_bytes) /
				    report->leaking_bytes_per_second
			  : 0;
	/* Beyond a century nobody asks. */
	if (seconds < 100 * 365.25 * 86400)
		report->limit_reached_ns = (uint64_t)(seconds * 1e9) + 1;
}
