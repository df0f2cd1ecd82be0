/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that were named when they were seen, because later their names would
 * be gone: code that a just-in-time compiler may put somewhere else, functions
 * of an interpreter. Each is kept once and known by its number.
 */
#ifndef LEAKTRACE_RESOLVE_NAMED_FRAMES_H
#define LEAKTRACE_RESOLVE_NAMED_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "model/location.h"

/* A program that makes ever new code must not fill our memory. */
#define NAMED_FRAMES_MAX (1u << 20)
#define NAMED_FRAMES_BYTES_MAX (64u << 20)

struct named_frame {
	struct frame frame;
	char *strings; /* owned: all of the frame's */
};

/* All zero = empty. */
struct named_frames {
	VECTOR(struct named_frame) frames;
	uint32_t *slots; /* index into frames + 1; 0 = free slot */
	size_t slot_count;
	size_t bytes; /* of all strings */
};

/*
 * Keeps a copy of the frame, its strings too, unless the same is there
 * already. Returns 0, -ENOSPC when there are too many, or -ENOMEM.
 */
int named_frames_add(struct named_frames *named, const struct frame *frame,
		     uint32_t *number);

/* NULL for a number that was never given. */
const struct frame *named_frames_get(const struct named_frames *named,
				     uint64_t number);

void named_frames_free(struct named_frames *named);

#endif
