// SPDX-License-Identifier: GPL-2.0-or-later
/* The allocator functions that leaktrace knows: see functions.h. */
#include "capture/functions.h"

#include <stdint.h>

/*
 * In the order of attaching: what gives memory back comes first, so that no
 * block is recorded whose free could be missed.
 */
const struct allocator_function allocator_functions[] = {
	{ "_dl_debug_state", ABI_SHAPE_LIBRARIES, false, false },
	{ "free", ABI_SHAPE_FREE, false, false },
	{ "cfree", ABI_SHAPE_FREE, false, false },
	{ "munmap", ABI_SHAPE_MUNMAP, true, false },
	{ "mremap", ABI_SHAPE_MREMAP, true, false },
	{ "pthread_create", ABI_SHAPE_THREAD_CREATE, true, false },
	{ "realloc", ABI_SHAPE_REALLOC, true, true },
	{ "reallocarray", ABI_SHAPE_REALLOCARRAY, true, true },
	{ "malloc", ABI_SHAPE_MALLOC, true, true },
	{ "calloc", ABI_SHAPE_CALLOC, true, true },
	{ "posix_memalign", ABI_SHAPE_POSIX_MEMALIGN, true, true },
	{ "memalign", ABI_SHAPE_MEMALIGN, true, true },
	{ "aligned_alloc", ABI_SHAPE_MEMALIGN, true, true },
	{ "valloc", ABI_SHAPE_MALLOC, true, true },
	{ "pvalloc", ABI_SHAPE_MALLOC, true, true },
	{ "mmap", ABI_SHAPE_MMAP, true, false },
	{ "mmap64", ABI_SHAPE_MMAP, true, false },
};

const size_t allocator_function_count =
	sizeof(allocator_functions) / sizeof(allocator_functions[0]);

unsigned int allocator_arguments(enum abi_shape shape)
{
	enum { FIRST = 1, SECOND = 2, THIRD = 4, FOURTH = 8 };
	static const uint8_t arguments[ABI_SHAPES] = {
		[ABI_SHAPE_MALLOC] = FIRST,
		[ABI_SHAPE_CALLOC] = FIRST | SECOND,
		[ABI_SHAPE_MEMALIGN] = SECOND,
		[ABI_SHAPE_POSIX_MEMALIGN] = FIRST | THIRD,
		[ABI_SHAPE_REALLOC] = FIRST | SECOND,
		[ABI_SHAPE_REALLOCARRAY] = FIRST | SECOND | THIRD,
		[ABI_SHAPE_FREE] = FIRST,
		[ABI_SHAPE_MMAP] = SECOND,
		[ABI_SHAPE_MUNMAP] = FIRST | SECOND,
		[ABI_SHAPE_MREMAP] = FIRST | SECOND | THIRD | FOURTH,
	};

	return arguments[shape];
}
