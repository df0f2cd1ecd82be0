/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where code is: an object (executable, library, the kernel) and an address
 * within it, which stay valid when the process that ran it is gone.
 */
#ifndef LEAKTRACE_MODEL_LOCATION_H
#define LEAKTRACE_MODEL_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/vector.h"

enum {
	OBJECT_NONE = 0,   /* no object known: address is the process's own */
	OBJECT_KERNEL = 1, /* address is a kernel address */
	OBJECT_NAMED = 2,  /* address is the number of a frame that was named
			      when it was seen, see resolver_name_frame() */
	OBJECT_FIRST = 3,  /* first of the resolver's objects */
};

struct location {
	uint32_t object;  /* OBJECT_* or an id given by resolver_object() */
	bool exact;	  /* address is the instruction itself, not a return
			    address: innermost frames and frames below a signal,
			    and functions that are returned to at their first */
	bool guessed;	  /* found without unwind tables, or beyond such */
	uint64_t address; /* OBJECT_NONE, OBJECT_KERNEL: absolute;
			     else the ELF virtual address in the object */
};

/* One line of a call stack with its names. Strings belong to the resolver. */
struct frame {
	const char *function; /* demangled; NULL = unknown */
	uint64_t offset;      /* of the address from the function's start */
	const char *file;     /* source file, NULL = unknown */
	unsigned line;	      /* 0 = unknown */
	const char *module;   /* base name of the object or the kernel module;
				 "vmlinux" for the kernel; NULL = unknown */
	const char *path;     /* full path of the object, NULL = none */
	const char *build_id; /* lower-case hex, NULL = none */
	uint64_t address;     /* as in struct location */
	bool inlined;	      /* inlined into the next frame */
	bool guessed;
	bool exact; /* as in struct location */
};

typedef VECTOR(struct frame) frame_vector;

#endif
