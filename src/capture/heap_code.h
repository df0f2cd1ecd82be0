/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the probed functions of the allocators are, to tell from a call stack
 * what an allocator did for itself: a call that was not sampled is not
 * followed in the kernel, so the mmap or malloc that it makes looks like the
 * program's own until its callers are seen.
 */
#ifndef LEAKTRACE_CAPTURE_HEAP_CODE_H
#define LEAKTRACE_CAPTURE_HEAP_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/attach.h"
#include "model/location.h"

struct heap_range {
	uint32_t object;     /* of the resolver */
	uint64_t start, end; /* ELF virtual addresses */
};

struct heap_code {
	VECTOR(struct heap_range) ranges;
	VECTOR(uint32_t) libraries; /* objects that are allocators only */
};

void heap_code_free(struct heap_code *code);

/*
 * Adds the functions [first, ...) of an attachment, all of one object.
 * program: it is the process's executable. 0 or -ENOMEM.
 */
int heap_code_add(struct heap_code *code, const struct attachment *attachment,
		  size_t first, uint32_t object, bool program);

/*
 * Whether a function of an allocator is among the callers, down to where a
 * signal came in: the handler's calls are its own.
 */
bool heap_code_called(const struct heap_code *code,
		      const struct location *locations, size_t count);

/*
 * Whether the innermost frame is in a library that is nothing but an
 * allocator. Such functions (jemalloc's) jump into others as their last act
 * and leave no frame themselves.
 */
bool heap_code_is_library(const struct heap_code *code,
			  const struct location *locations, size_t count);

#endif
