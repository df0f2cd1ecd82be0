// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions by address: see function_order.h. */
#include "unwind/function_order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "util/cleanup.h"

#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)

static bool is_sorted(const function_vector *functions, uint64_t *highest)
{
	bool sorted = true;
	size_t i;

	*highest = 0;
	for (i = 0; i < functions->count; i++) {
		if (functions->items[i].start > *highest)
			*highest = functions->items[i].start;
		else if (functions->items[i].start < *highest)
			sorted = false;
	}
	return sorted;
}

/* One stable pass by the digit at shift, from one array to the other. */
static void distribute(const struct function_key *from, struct function_key *to,
		       size_t count, unsigned shift)
{
	size_t places[DIGITS] = { 0 };
	size_t i, next = 0;

	for (i = 0; i < count; i++)
		places[(from[i].start >> shift) % DIGITS]++;
	for (i = 0; i < DIGITS; i++) {
		size_t here = places[i];

		places[i] = next;
		next += here;
	}
	for (i = 0; i < count; i++)
		to[places[(from[i].start >> shift) % DIGITS]++] = from[i];
}

int function_order_sort(function_vector *functions)
{
	auto_free struct function_key *other = NULL;
	uint64_t highest;
	unsigned shift;

	if (is_sorted(functions, &highest))
		return 0;
	other = calloc(functions->count, sizeof(*other));
	if (!other)
		return -ENOMEM;
	for (shift = 0; shift < 64 && highest >> shift; shift += DIGIT_BITS) {
		struct function_key *from = functions->items;

		distribute(from, other, functions->count, shift);
		functions->items = other;
		other = from;
	}
	functions->capacity = functions->count;
	return 0;
}
