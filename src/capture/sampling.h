/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of sampling by bytes (bpf/sampling.h), and figures read back
 * from the totals that are kept with it.
 */
#ifndef LEAKTRACE_CAPTURE_SAMPLING_H
#define LEAKTRACE_CAPTURE_SAMPLING_H

#include "bpf/abi.h"
#include "bpf/sampling.h"
#include "model/snapshot.h"

void sampling_fill(struct abi_sampling *tables);

/* The highest level whose interval is allowed, with level 1's interval. */
unsigned sampling_highest_level(uint64_t base);

/* Adds what further blocks stand for to a sum. */
void sampling_add(struct sampling_weight *sum,
		  const struct sampling_weight *weight);

/* Blocks and bytes of totals kept as estimates, rounded to nearest. */
uint64_t sampling_blocks(uint64_t scaled);
uint64_t sampling_bytes(uint64_t scaled);

/*
 * Sets the standard errors of what is outstanding, from the sums of variances
 * as in struct abi_stack_totals. base: level 1's interval.
 */
void sampling_errors(struct stack_figures *figures, uint64_t blocks_variance,
		     uint64_t bytes_variance, uint64_t base);

#endif
