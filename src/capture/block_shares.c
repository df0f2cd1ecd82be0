// SPDX-License-Identifier: GPL-2.0-or-later
/* Who shares a call stack: see block_shares.h. */
#include "capture/block_shares.h"

#include <errno.h>
#include <stdlib.h>

#define SMALLEST_SIZE 1024

void block_shares_free(struct block_shares *shares)
{
	free(shares->places);
	*shares = (struct block_shares){ 0 };
}

/* The place that has the share, or the free one where it belongs. */
static struct block_share *place_find(const struct block_shares *shares,
				      uint32_t stack, uint32_t process)
{
	uint64_t key = (uint64_t)stack << 32 | process;
	size_t index = (size_t)(key * 0x9e3779b97f4a7c15ULL >> 20);

	for (;; index++) {
		struct block_share *place =
			&shares->places[index & (shares->size - 1)];

		if (!place->process ||
		    (place->stack == stack && place->process == process))
			return place;
	}
}

static int shares_grow(struct block_shares *shares)
{
	struct block_shares grown = {
		.size = shares->size ? 2 * shares->size : SMALLEST_SIZE,
		.count = shares->count,
	};

	grown.places = calloc(grown.size, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	for (size_t i = 0; i < shares->size; i++) {
		const struct block_share *share = &shares->places[i];

		if (share->process)
			*place_find(&grown, share->stack, share->process) =
				*share;
	}
	free(shares->places);
	*shares = grown;
	return 0;
}

int block_shares_add(struct block_shares *shares, uint32_t stack,
		     uint32_t process)
{
	struct block_share *place;

	if (2 * shares->count >= shares->size && shares_grow(shares))
		return -ENOMEM;
	place = place_find(shares, stack, process + 1);
	if (place->process)
		return 0;
	*place = (struct block_share){ .stack = stack, .process = process + 1 };
	shares->count++;
	return 1;
}
