/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chunks that hold unwind tables in the kernel (bpf/unwind_abi.h): maps of
 * one 1 MiB element, made when they are needed, written through mmap(2).
 */
#ifndef LEAKTRACE_UNWIND_TABLE_CHUNKS_H
#define LEAKTRACE_UNWIND_TABLE_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind_abi.h"
#include "util/error.h"

struct table_chunks {
	int outer_fd; /* the caller's array of maps */
	uint8_t *memory[UNWIND_CHUNKS];
	uint32_t used[UNWIND_CHUNKS]; /* bytes */
	uint32_t count;
};

/* Where something is: bytes from the chunk's start. */
struct table_place {
	uint32_t chunk, offset;
};

void table_chunks_init(struct table_chunks *chunks, int outer_fd);
void table_chunks_free(struct table_chunks *chunks);

/*
 * Takes size bytes (at most UNWIND_CHUNK_BYTES), zero, aligned to alignment
 * (a power of two), in the newest chunk or a new one. They are never given
 * back: what they held may still be read.
 * Returns 0, -ENOSPC when all chunks are full, or -errno of making a map.
 */
int table_chunks_take(struct table_chunks *chunks, size_t size,
		      size_t alignment, struct table_place *place,
		      struct error *error);

void *table_chunks_at(struct table_chunks *chunks, struct table_place place);

#endif
