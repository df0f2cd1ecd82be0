/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocator functions that leaktrace knows, and how each is called: a
 * table, so that a new one is a line. Man pages: malloc(3),
 * posix_memalign(3), mmap(2), mremap(2), pthread_create(3).
 */
#ifndef LEAKTRACE_CAPTURE_FUNCTIONS_H
#define LEAKTRACE_CAPTURE_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/abi.h"

struct allocator_function {
	const char *name;
	enum abi_shape shape;
	bool returns;	/* needs a probe on its return */
	bool allocates; /* its presence makes an object an allocator */
};

extern const struct allocator_function allocator_functions[];
extern const size_t allocator_function_count;

/*
 * The arguments that enter() in bpf/allocate.bpf.h reads of a shape's calls:
 * bit n for argument n, counted from 0. A probe may stand wherever these are
 * known.
 */
unsigned int allocator_arguments(enum abi_shape shape);

#endif
