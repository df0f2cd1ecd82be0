/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sampling by bytes: a block of s bytes is sampled with the probability
 * p(s) = 1 - exp(-s / interval), independently of all others, and then stands
 * for 1/p blocks and s/p bytes (Horvitz and Thompson, 1952). Integers only, as
 * both the BPF programs and user space compute the very same weights: what is
 * booked when a block is allocated is taken back to the bit when it is freed.
 */
#ifndef LEAKTRACE_BPF_SAMPLING_H
#define LEAKTRACE_BPF_SAMPLING_H

#include "bpf/abi.h"

/* 2^32 ln 2: an exponential variate is halved by each leading zero. */
#define SAMPLING_LN_2 2977044472ULL

/* Between which entries of a table, and how far from the first. */
#define SAMPLING_FACTOR_BITS 16
#define SAMPLING_FRACTION_BITS (32 - ABI_SAMPLING_STEPS_BITS)

/* What one block stands for. */
struct sampling_weight {
	__u64 blocks; /* in units of 1 / ABI_BLOCKS_UNIT */
	__u64 bytes;  /* in units of 1 / ABI_BYTES_UNIT */
	__u64 blocks_variance, bytes_variance; /* as in abi_stack_totals */
};

static inline __u64 sampling_interval(__u64 base, __u32 level)
{
	return base << ((level - 1) & (ABI_SAMPLING_LEVELS - 1));
}

static inline __u64 sampling_between(const volatile __u32 *table, __u32 step,
				     __u64 part, __u32 bits)
{
	__u64 here, next;

	step &= (1U << ABI_SAMPLING_STEPS_BITS) - 1;
	here = table[step];
	next = table[step + 1];
	return here + (((next - here) * part) >> bits);
}

/*
 * Bytes to the next sample: an exponential variate with the mean interval,
 * rounded up, made of two random numbers: how many zeros one begins with (at
 * most 32), and another.
 */
static inline __u64 sampling_draw(const volatile struct abi_sampling *tables,
				  __u64 interval, __u32 zeros, __u32 fraction)
{
	__u64 variate = sampling_between(
		tables->exponential, fraction >> SAMPLING_FRACTION_BITS,
		fraction & ((1U << SAMPLING_FRACTION_BITS) - 1),
		SAMPLING_FRACTION_BITS);

	variate += (__u64)zeros * SAMPLING_LN_2;
	return ((variate * interval) >> 32) + 1;
}

/*
 * 1/p (1/p - 1), scaled: exact where it matters, without overflow where one
 * sample stands for hundreds of blocks.
 */
static inline __u64 sampling_blocks_variance(__u64 blocks)
{
	__u64 whole = blocks / ABI_BLOCKS_UNIT;

	if (whole < 256)
		return (blocks * (blocks - ABI_BLOCKS_UNIT)) >> 24;
	return whole * (whole - 1) * ABI_VARIANCE_UNIT;
}

/* level as in struct abi_block; base: level 1's interval. */
static inline void sampling_weigh(const volatile struct abi_sampling *tables,
				  __u64 base, __u64 size, __u32 level,
				  struct sampling_weight *weight)
{
	__u64 interval = sampling_interval(base, level);
	__u64 asked = size ? size : 1, place, factor, bytes;

	weight->blocks = ABI_BLOCKS_UNIT;
	weight->bytes = size * ABI_BYTES_UNIT;
	weight->blocks_variance = 0;
	weight->bytes_variance = 0;
	if (!level || asked >= interval * ABI_SAMPLING_CERTAIN)
		return;
	place = (asked << (SAMPLING_FACTOR_BITS + ABI_SAMPLING_STEPS_BITS -
			   4)) /
		interval;
	factor = sampling_between(tables->factor,
				  (__u32)(place >> SAMPLING_FACTOR_BITS),
				  place & ((1U << SAMPLING_FACTOR_BITS) - 1),
				  SAMPLING_FACTOR_BITS);
	bytes = interval * factor / (ABI_FACTOR_UNIT / ABI_BYTES_UNIT);
	weight->blocks =
		(interval * factor / (ABI_FACTOR_UNIT / ABI_BLOCKS_UNIT) +
		 asked / 2) /
		asked;
	if (weight->blocks < ABI_BLOCKS_UNIT)
		weight->blocks = ABI_BLOCKS_UNIT;
	weight->blocks_variance = sampling_blocks_variance(weight->blocks);
	if (!size || bytes <= weight->bytes)
		return;
	weight->bytes_variance =
		((bytes - weight->bytes) * (bytes / base)) / ABI_BYTES_UNIT;
	weight->bytes = bytes;
}

#endif
