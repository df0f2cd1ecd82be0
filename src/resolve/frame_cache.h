/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of addresses looked up before, so that the next report costs
 * nothing.
 */
#ifndef LEAKTRACE_RESOLVE_FRAME_CACHE_H
#define LEAKTRACE_RESOLVE_FRAME_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/location.h"

struct frame_entry {
	uint64_t address;
	size_t first;	/* in frames */
	uint32_t count; /* 0 = free slot */
	bool exact;
};

/* All zero = empty. */
struct frame_cache {
	frame_vector frames;
	struct frame_entry *entries;
	size_t size, used; /* size: 0 or a power of two */
};

/* The entry of an address, as in struct location; NULL = not cached. */
const struct frame_entry *frame_cache_find(const struct frame_cache *cache,
					   uint64_t address, bool exact);

/*
 * Keeps a copy of count >= 1 frames (their strings stay where they are) for
 * an address not cached yet; NULL = out of memory.
 */
const struct frame_entry *frame_cache_add(struct frame_cache *cache,
					  uint64_t address, bool exact,
					  const struct frame *frames,
					  size_t count);

void frame_cache_free(struct frame_cache *cache);

#endif
