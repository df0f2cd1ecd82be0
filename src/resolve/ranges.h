/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address ranges that may nest and overlap, made disjoint once so that a
 * binary search answers which of them owns an address.
 */
#ifndef LEAKTRACE_RESOLVE_RANGES_H
#define LEAKTRACE_RESOLVE_RANGES_H

#include <stdint.h>

#include "util/vector.h"

struct range {
	uint64_t start, end; /* [start, end); end <= start: empty */
	uint32_t priority;
	uint32_t item; /* the caller's index */
};

typedef VECTOR(struct range) range_vector;

/*
 * Sorts the ranges and cuts them where they overlap. Each address then
 * belongs to the range with the higher priority, of these to the one that
 * starts later (the innermost), of these to the shorter, of these to the
 * lower item. Empty ranges vanish. At most 2 * count ranges remain.
 * Returns 0 or -ENOMEM, the order undefined then.
 */
int ranges_flatten(range_vector *ranges);

/* The range that holds address, NULL = none. After ranges_flatten() only. */
const struct range *ranges_find(const range_vector *ranges, uint64_t address);

#endif
