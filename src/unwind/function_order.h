/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of an object by address: a radix sort, for large objects. */
#ifndef LEAKTRACE_UNWIND_FUNCTION_ORDER_H
#define LEAKTRACE_UNWIND_FUNCTION_ORDER_H

#include <stdint.h>

#include "util/vector.h"

/* Which function: an index in the entries of one of several sections. */
struct function_key {
	uint64_t start;
	uint32_t index;
	uint32_t source;
};

typedef VECTOR(struct function_key) function_vector;

/*
 * Sorts by ascending start; functions with equal starts keep their order.
 * Returns 0 or -ENOMEM.
 */
int function_order_sort(function_vector *functions);

#endif
