/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocator functions that leaktrace knows, and how each is called: a
 * table, so that a new one is a line. Man pages: malloc(3),
 * posix_memalign(3), mmap(2), mremap(2), brk(2), pthread_create(3),
 * jemalloc(3). C++:
 * [new.delete] and the Itanium ABI's mangling. Allocators' own headers:
 * gperftools/tcmalloc.h, mimalloc.h, rte_malloc.h, rpmalloc.h.
 */
#ifndef LEAKTRACE_CAPTURE_FUNCTIONS_H
#define LEAKTRACE_CAPTURE_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

/* Whose functions they are. */
enum allocator_family {
	FAMILY_NONE, /* anybody's */
	FAMILY_GLIBC,
	FAMILY_MUSL,
	FAMILY_JEMALLOC,
	FAMILY_TCMALLOC,
	FAMILY_MIMALLOC,
	FAMILY_SNMALLOC,
	FAMILY_DPDK,
	FAMILY_RPMALLOC,
	FAMILY_CUSTOM, /* named by the user */
	FAMILIES,
};

/* "jemalloc"; NULL for FAMILY_NONE and FAMILY_CUSTOM. */
const char *allocator_family_name(enum allocator_family family);

enum {
	ARGUMENT_AS_SHAPED = 0,
	ARGUMENT_NONE = 0xff, /* the function has no such argument: 0 */
};

struct allocator_function {
	const char *name;
	enum abi_shape shape;
	bool returns;	/* needs a probe on its return */
	bool allocates; /* its presence makes an object an allocator */
	bool throws;	/* may end by a C++ exception */
	bool local;	/* also where its symbol is of local binding */
	bool cxx;	/* an operator of C++: not where it only calls malloc */
	/*
	 * Which of the function's own arguments, counted from 1, each of the
	 * shape's is; ARGUMENT_AS_SHAPED = the same one.
	 */
	uint8_t arguments[ABI_COOKIE_ARGUMENTS];
	enum allocator_family family;
};

/*
 * Functions by the names that they have everywhere. In the order of attaching:
 * what gives memory back comes first, so that no block is recorded whose free
 * could be missed. Of functions that share an address the first counts.
 */
extern const struct allocator_function allocator_functions[];
extern const size_t allocator_function_count;

/*
 * What stands for a function that may throw where a probe on its return cannot
 * leave single calls alone: its calls are counted as not recorded.
 */
extern const struct allocator_function allocator_throwing;

/* Those of the above that allocators also have with a prefix. */
bool allocator_function_takes_prefix(const struct allocator_function *function);

struct allocator_prefix {
	const char *text;
	enum allocator_family family;
};

extern const struct allocator_prefix allocator_prefixes[];
extern const size_t allocator_prefix_count;

/* Symbols by which a family is known, probed or not. */
struct allocator_marker {
	const char *name;
	enum allocator_family family;
};

extern const struct allocator_marker allocator_markers[];
extern const size_t allocator_marker_count;

/*
 * std::get_new_handler(), which objects define that have the C++ library's own
 * operator new: that one goes through malloc and need not be probed.
 */
#define ALLOCATOR_CXX_LIBRARY "_ZSt15get_new_handlerv"

/*
 * The arguments that enter() in bpf/allocate.bpf.h reads of a shape's calls:
 * bit n for the shape's argument n, counted from 0.
 */
unsigned int allocator_arguments(enum abi_shape shape);

/*
 * The function's own argument, counted from 0, that is the shape's argument
 * `index`; ARGUMENT_NONE if there is none.
 */
unsigned int allocator_argument(const struct allocator_function *function,
				unsigned int index);

/*
 * The function's own arguments that are read, as bits. A probe may stand
 * wherever these are known.
 */
unsigned int
allocator_function_arguments(const struct allocator_function *function);

/* Whether each argument is where the shape has it. */
bool allocator_function_is_shaped(const struct allocator_function *function);

#endif
