// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of sampling by bytes, and its figures: see sampling.h. */
#include "capture/sampling.h"

#include <math.h>

static uint32_t rounded(double value)
{
	return (uint32_t)(value + 0.5);
}

void sampling_fill(struct abi_sampling *tables)
{
	for (int step = 0; step <= ABI_SAMPLING_STEPS; step++) {
		double part = (double)step / ABI_SAMPLING_STEPS;
		double intervals = part * ABI_SAMPLING_CERTAIN;

		tables->exponential[step] = rounded(-log1p(-part / 2) * 0x1p32);
		/* The limit at 0 is 1. */
		tables->factor[step] =
			rounded((step ? intervals / -expm1(-intervals) : 1) *
				ABI_FACTOR_UNIT);
	}
}

unsigned sampling_highest_level(uint64_t base)
{
	unsigned level = 1;

	while (base << level <= ABI_SAMPLE_BYTES_MAX &&
	       1u << level <= ABI_SAMPLE_BYTES_TIMES)
		level++;
	return level;
}

uint64_t sampling_blocks(uint64_t scaled)
{
	return (scaled + ABI_BLOCKS_UNIT / 2) / ABI_BLOCKS_UNIT;
}

uint64_t sampling_bytes(uint64_t scaled)
{
	return (scaled + ABI_BYTES_UNIT / 2) / ABI_BYTES_UNIT;
}

/*
 * A block freed while its allocation is being booked can leave a sum below
 * zero for a moment.
 */
static double variance(uint64_t sum)
{
	return (int64_t)sum > 0 ? (double)sum : 0;
}

void sampling_errors(struct stack_figures *figures, uint64_t blocks_variance,
		     uint64_t bytes_variance, uint64_t base)
{
	figures->estimate = true;
	figures->blocks_error =
		sqrt(variance(blocks_variance) / ABI_VARIANCE_UNIT);
	figures->bytes_error =
		sqrt(variance(bytes_variance) * (double)base / ABI_BYTES_UNIT);
}

void sampling_add(struct sampling_weight *sum,
		  const struct sampling_weight *weight)
{
	sum->blocks += weight->blocks;
	sum->bytes += weight->bytes;
	sum->blocks_variance += weight->blocks_variance;
	sum->bytes_variance += weight->bytes_variance;
}
