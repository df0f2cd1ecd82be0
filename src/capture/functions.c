// SPDX-License-Identifier: GPL-2.0-or-later
/* The allocator functions that leaktrace knows: see functions.h. */
#include "capture/functions.h"

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
