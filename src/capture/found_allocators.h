/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was found in a process, for people: "jemalloc 5.3.0 in
 * libjemalloc.so.2 (31 functions), libc.so.6 (mmap only)".
 */
#ifndef LEAKTRACE_CAPTURE_FOUND_ALLOCATORS_H
#define LEAKTRACE_CAPTURE_FOUND_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/allocator_version.h"
#include "util/vector.h"

/* An object in which functions that allocate are probed. */
struct found_allocator {
	char *object; /* name of its file, on the heap */
	enum allocator_family family;
	struct allocator_version version;
	unsigned functions;
	bool interposes;  /* defines malloc for all objects behind it */
	bool program;	  /* it is the program itself */
	uint64_t address; /* where it is mapped */
};

typedef VECTOR(struct found_allocator) found_allocators;

void found_allocators_free(found_allocators *found);

/*
 * Writes the objects into text, cut to size, in the order of finding. Of a C
 * library whose malloc is another object's it says so.
 */
void found_allocators_describe(const found_allocators *found, char *text,
			       size_t size);

#endif
