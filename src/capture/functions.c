// SPDX-License-Identifier: GPL-2.0-or-later
/* The allocator functions that leaktrace knows: see functions.h. */
#include "capture/functions.h"

#define NOTICE(known)                                         \
	{                                                     \
		.name = (known), .shape = ABI_SHAPE_LIBRARIES \
	}
#define RELEASE(known, ...)                                           \
	{                                                             \
		.name = (known), .shape = ABI_SHAPE_FREE, __VA_ARGS__ \
	}
/* Goes on to another function that releases, or not. */
#define DELETE(known, ...)                                              \
	{                                                               \
		.name = (known), .shape = ABI_SHAPE_DELETE, __VA_ARGS__ \
	}
#define CALL(known, kind)                                                   \
	{                                                                   \
		.name = (known), .shape = ABI_SHAPE_##kind, .returns = true \
	}
#define ALLOCATE(known, kind, ...)                                           \
	{                                                                    \
		.name = (known), .shape = ABI_SHAPE_##kind, .returns = true, \
		.allocates = true, __VA_ARGS__                               \
	}
#define ARGUMENTS(...) .arguments = { __VA_ARGS__ }
#define OF(known) .family = FAMILY_##known
#define CXX .cxx = true
#define THROWS .throws = true

const struct allocator_function allocator_functions[] = {
	NOTICE("_dl_debug_state"),
	RELEASE("free"),
	RELEASE("cfree"),
	DELETE("free_sized"),
	DELETE("free_aligned_sized"),
	DELETE("vfree", OF(MIMALLOC)),
	DELETE("dallocx", OF(JEMALLOC)),
	DELETE("sdallocx", OF(JEMALLOC)),
	DELETE("_ZdlPv", CXX),
	DELETE("_ZdaPv", CXX),
	DELETE("_ZdlPvm", CXX),
	DELETE("_ZdaPvm", CXX),
	DELETE("_ZdlPvRKSt9nothrow_t", CXX),
	DELETE("_ZdaPvRKSt9nothrow_t", CXX),
	DELETE("_ZdlPvSt11align_val_t", CXX),
	DELETE("_ZdaPvSt11align_val_t", CXX),
	DELETE("_ZdlPvmSt11align_val_t", CXX),
	DELETE("_ZdaPvmSt11align_val_t", CXX),
	DELETE("_ZdlPvSt11align_val_tRKSt9nothrow_t", CXX),
	DELETE("_ZdaPvSt11align_val_tRKSt9nothrow_t", CXX),
	DELETE("tc_delete", OF(TCMALLOC)),
	DELETE("tc_deletearray", OF(TCMALLOC)),
	DELETE("tc_delete_sized", OF(TCMALLOC)),
	DELETE("tc_deletearray_sized", OF(TCMALLOC)),
	DELETE("tc_delete_nothrow", OF(TCMALLOC)),
	DELETE("tc_deletearray_nothrow", OF(TCMALLOC)),
	DELETE("tc_delete_aligned", OF(TCMALLOC)),
	DELETE("tc_deletearray_aligned", OF(TCMALLOC)),
	DELETE("tc_delete_aligned_nothrow", OF(TCMALLOC)),
	DELETE("tc_deletearray_aligned_nothrow", OF(TCMALLOC)),
	DELETE("tc_delete_sized_aligned", OF(TCMALLOC)),
	DELETE("tc_deletearray_sized_aligned", OF(TCMALLOC)),
	DELETE("mi_free_size", OF(MIMALLOC)),
	DELETE("mi_free_size_aligned", OF(MIMALLOC)),
	DELETE("mi_free_aligned", OF(MIMALLOC)),
	DELETE("rte_free", OF(DPDK)),
	DELETE("rpfree", OF(RPMALLOC)),
	DELETE("sn_rust_dealloc", OF(SNMALLOC)),
	CALL("munmap", MUNMAP),
	CALL("mremap", MREMAP),
	CALL("brk", BREAK),
	CALL("sbrk", BREAK),
	CALL("pthread_create", THREAD_CREATE),
	ALLOCATE("realloc", REALLOC),
	ALLOCATE("reallocf", REALLOC),
	ALLOCATE("reallocarray", REALLOCARRAY),
	ALLOCATE("rallocx", REALLOC, OF(JEMALLOC)),
	ALLOCATE("mi_rezalloc", REALLOC, OF(MIMALLOC)),
	ALLOCATE("mi_recalloc", REALLOCARRAY, OF(MIMALLOC)),
	ALLOCATE("mi_reallocn", REALLOCARRAY, OF(MIMALLOC)),
	ALLOCATE("mi_new_realloc", REALLOC, THROWS, OF(MIMALLOC)),
	ALLOCATE("mi_new_reallocn", REALLOCARRAY, THROWS, OF(MIMALLOC)),
	ALLOCATE("mi_realloc_aligned", REALLOC, OF(MIMALLOC)),
	ALLOCATE("mi_rezalloc_aligned", REALLOC, OF(MIMALLOC)),
	ALLOCATE("mi_heap_realloc", REALLOC, ARGUMENTS(2, 3), OF(MIMALLOC)),
	ALLOCATE("mi_heap_rezalloc", REALLOC, ARGUMENTS(2, 3), OF(MIMALLOC)),
	ALLOCATE("mi_heap_reallocf", REALLOC, ARGUMENTS(2, 3), OF(MIMALLOC)),
	ALLOCATE("mi_heap_reallocn", REALLOCARRAY, ARGUMENTS(2, 3, 4),
		 OF(MIMALLOC)),
	ALLOCATE("rte_realloc", REALLOC, OF(DPDK)),
	ALLOCATE("rte_realloc_socket", REALLOC, OF(DPDK)),
	ALLOCATE("rprealloc", REALLOC, OF(RPMALLOC)),
	ALLOCATE("rpaligned_realloc", REALLOC, ARGUMENTS(1, 3), OF(RPMALLOC)),
	ALLOCATE("sn_rust_realloc", REALLOC, ARGUMENTS(1, 4), OF(SNMALLOC)),
	ALLOCATE("malloc", MALLOC),
	ALLOCATE("calloc", CALLOC),
	ALLOCATE("posix_memalign", POSIX_MEMALIGN),
	ALLOCATE("memalign", MEMALIGN),
	ALLOCATE("aligned_alloc", MEMALIGN),
	ALLOCATE("valloc", MALLOC),
	ALLOCATE("pvalloc", MALLOC),
	ALLOCATE("mallocx", NEW, OF(JEMALLOC)),
	ALLOCATE("_Znwm", NEW, THROWS, CXX),
	ALLOCATE("_Znam", NEW, THROWS, CXX),
	ALLOCATE("_ZnwmRKSt9nothrow_t", NEW, CXX),
	ALLOCATE("_ZnamRKSt9nothrow_t", NEW, CXX),
	ALLOCATE("_ZnwmSt11align_val_t", NEW, THROWS, CXX),
	ALLOCATE("_ZnamSt11align_val_t", NEW, THROWS, CXX),
	ALLOCATE("_ZnwmSt11align_val_tRKSt9nothrow_t", NEW, CXX),
	ALLOCATE("_ZnamSt11align_val_tRKSt9nothrow_t", NEW, CXX),
	ALLOCATE("_Znwm12__hot_cold_t", NEW, THROWS, CXX, OF(TCMALLOC)),
	ALLOCATE("_Znam12__hot_cold_t", NEW, THROWS, CXX, OF(TCMALLOC)),
	ALLOCATE("tc_new", NEW, THROWS, OF(TCMALLOC)),
	ALLOCATE("tc_newarray", NEW, THROWS, OF(TCMALLOC)),
	ALLOCATE("tc_new_nothrow", NEW, OF(TCMALLOC)),
	ALLOCATE("tc_newarray_nothrow", NEW, OF(TCMALLOC)),
	ALLOCATE("tc_new_aligned", NEW, THROWS, OF(TCMALLOC)),
	ALLOCATE("tc_newarray_aligned", NEW, THROWS, OF(TCMALLOC)),
	ALLOCATE("tc_new_aligned_nothrow", NEW, OF(TCMALLOC)),
	ALLOCATE("tc_newarray_aligned_nothrow", NEW, OF(TCMALLOC)),
	ALLOCATE("tc_malloc_skip_new_handler", NEW, OF(TCMALLOC)),
	ALLOCATE("mi_malloc_small", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_zalloc", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_zalloc_small", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_mallocn", CALLOC, OF(MIMALLOC)),
	ALLOCATE("mi_malloc_aligned", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_malloc_aligned_at", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_zalloc_aligned", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_calloc_aligned", CALLOC, OF(MIMALLOC)),
	ALLOCATE("mi_new", NEW, THROWS, OF(MIMALLOC)),
	ALLOCATE("mi_new_n", CALLOC, THROWS, OF(MIMALLOC)),
	ALLOCATE("mi_new_nothrow", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_new_aligned", NEW, THROWS, OF(MIMALLOC)),
	ALLOCATE("mi_new_aligned_nothrow", NEW, OF(MIMALLOC)),
	ALLOCATE("mi_heap_malloc", NEW, ARGUMENTS(2), OF(MIMALLOC)),
	ALLOCATE("mi_heap_malloc_small", NEW, ARGUMENTS(2), OF(MIMALLOC)),
	ALLOCATE("mi_heap_zalloc", NEW, ARGUMENTS(2), OF(MIMALLOC)),
	ALLOCATE("mi_heap_malloc_aligned", NEW, ARGUMENTS(2), OF(MIMALLOC)),
	ALLOCATE("mi_heap_zalloc_aligned", NEW, ARGUMENTS(2), OF(MIMALLOC)),
	ALLOCATE("mi_heap_mallocn", CALLOC, ARGUMENTS(2, 3), OF(MIMALLOC)),
	ALLOCATE("mi_heap_calloc", CALLOC, ARGUMENTS(2, 3), OF(MIMALLOC)),
	ALLOCATE("mi_heap_alloc_new", NEW, THROWS, ARGUMENTS(2), OF(MIMALLOC)),
	ALLOCATE("rte_malloc", NEW, ARGUMENTS(2), OF(DPDK)),
	ALLOCATE("rte_zmalloc", NEW, ARGUMENTS(2), OF(DPDK)),
	ALLOCATE("rte_calloc", CALLOC, ARGUMENTS(2, 3), OF(DPDK)),
	ALLOCATE("rte_malloc_socket", NEW, ARGUMENTS(2), OF(DPDK)),
	ALLOCATE("rte_zmalloc_socket", NEW, ARGUMENTS(2), OF(DPDK)),
	ALLOCATE("rte_calloc_socket", CALLOC, ARGUMENTS(2, 3), OF(DPDK)),
	ALLOCATE("rpmalloc", NEW, OF(RPMALLOC)),
	ALLOCATE("rpzalloc", NEW, OF(RPMALLOC)),
	ALLOCATE("rpcalloc", CALLOC, OF(RPMALLOC)),
	ALLOCATE("rpaligned_alloc", MEMALIGN, OF(RPMALLOC)),
	ALLOCATE("rpaligned_calloc", CALLOC, ARGUMENTS(2, 3), OF(RPMALLOC)),
	ALLOCATE("rpmemalign", MEMALIGN, OF(RPMALLOC)),
	ALLOCATE("rpposix_memalign", POSIX_MEMALIGN, OF(RPMALLOC)),
	ALLOCATE("sn_rust_alloc", MEMALIGN, OF(SNMALLOC)),
	ALLOCATE("sn_rust_alloc_zeroed", MEMALIGN, OF(SNMALLOC)),
	CALL("mmap", MMAP),
	CALL("mmap64", MMAP),
};

const size_t allocator_function_count =
	sizeof(allocator_functions) / sizeof(allocator_functions[0]);

/*
 * rte_ and rp are none: what stands behind them is called differently, and is
 * in the table by its whole name.
 */
const struct allocator_prefix allocator_prefixes[] = {
	{ "je_", FAMILY_JEMALLOC }, { "_rjem_", FAMILY_JEMALLOC },
	{ "tc_", FAMILY_TCMALLOC }, { "mi_", FAMILY_MIMALLOC },
	{ "sn_", FAMILY_SNMALLOC }, { "__libc_", FAMILY_NONE },
};

const size_t allocator_prefix_count =
	sizeof(allocator_prefixes) / sizeof(allocator_prefixes[0]);

const struct allocator_marker allocator_markers[] = {
	{ "mallctl", FAMILY_JEMALLOC },
	{ "je_mallctl", FAMILY_JEMALLOC },
	{ "_rjem_mallctl", FAMILY_JEMALLOC },
	{ "tc_version", FAMILY_TCMALLOC },
	{ "TCMallocInternalMalloc", FAMILY_TCMALLOC },
	{ "mi_version", FAMILY_MIMALLOC },
	{ "gnu_get_libc_version", FAMILY_GLIBC },
	{ "__malloc_fork_lock_parent", FAMILY_GLIBC }, /* linked statically */
	{ "__dls3", FAMILY_MUSL },
	{ "__libc_malloc_impl", FAMILY_MUSL },
	{ "__simple_malloc", FAMILY_MUSL },
	{ "__malloc_donate", FAMILY_MUSL },
};

const size_t allocator_marker_count =
	sizeof(allocator_markers) / sizeof(allocator_markers[0]);

const char *allocator_family_name(enum allocator_family family)
{
	static const char *const names[FAMILIES] = {
		[FAMILY_GLIBC] = "glibc",	[FAMILY_MUSL] = "musl",
		[FAMILY_JEMALLOC] = "jemalloc", [FAMILY_TCMALLOC] = "tcmalloc",
		[FAMILY_MIMALLOC] = "mimalloc", [FAMILY_SNMALLOC] = "snmalloc",
		[FAMILY_DPDK] = "DPDK",		[FAMILY_RPMALLOC] = "rpmalloc",
	};

	return names[family];
}

bool allocator_function_takes_prefix(const struct allocator_function *function)
{
	if (function->cxx)
		return false;
	return function->family == FAMILY_NONE
		       ? function->allocates ||
				 function->shape == ABI_SHAPE_FREE ||
				 function->shape == ABI_SHAPE_DELETE
		       : function->family == FAMILY_JEMALLOC;
}

const struct allocator_function allocator_throwing = {
	.name = "operator new",
	.shape = ABI_SHAPE_THROWING,
	.allocates = true,
};

unsigned int allocator_arguments(enum abi_shape shape)
{
	enum { FIRST = 1, SECOND = 2, THIRD = 4, FOURTH = 8 };
	static const uint8_t arguments[ABI_SHAPES] = {
		[ABI_SHAPE_MALLOC] = FIRST,
		[ABI_SHAPE_NEW] = FIRST,
		[ABI_SHAPE_THROWING] = FIRST,
		[ABI_SHAPE_CALLOC] = FIRST | SECOND,
		[ABI_SHAPE_MEMALIGN] = SECOND,
		[ABI_SHAPE_POSIX_MEMALIGN] = FIRST | THIRD,
		[ABI_SHAPE_REALLOC] = FIRST | SECOND,
		[ABI_SHAPE_REALLOCARRAY] = FIRST | SECOND | THIRD,
		[ABI_SHAPE_CALLOC_OUT] = FIRST | SECOND | THIRD,
		[ABI_SHAPE_FREE] = FIRST,
		[ABI_SHAPE_DELETE] = FIRST,
		[ABI_SHAPE_RELEASE] = FIRST,
		[ABI_SHAPE_MMAP] = SECOND,
		[ABI_SHAPE_MUNMAP] = FIRST | SECOND,
		[ABI_SHAPE_MREMAP] = FIRST | SECOND | THIRD | FOURTH,
	};

	return arguments[shape];
}

unsigned int allocator_argument(const struct allocator_function *function,
				unsigned int index)
{
	uint8_t given = function->arguments[index];

	if (given == ARGUMENT_AS_SHAPED)
		return index;
	return given == ARGUMENT_NONE ? ARGUMENT_NONE : given - 1U;
}

unsigned int
allocator_function_arguments(const struct allocator_function *function)
{
	unsigned int read = allocator_arguments(function->shape);
	unsigned int own = 0;

	for (unsigned int i = 0; i < ABI_COOKIE_ARGUMENTS; i++) {
		unsigned int argument = allocator_argument(function, i);

		if (read >> i & 1 && argument != ARGUMENT_NONE)
			own |= 1U << argument;
	}
	return own;
}

bool allocator_function_is_shaped(const struct allocator_function *function)
{
	unsigned int read = allocator_arguments(function->shape);

	for (unsigned int i = 0; i < ABI_COOKIE_ARGUMENTS; i++)
		if (read >> i & 1 && allocator_argument(function, i) != i)
			return false;
	return true;
}
