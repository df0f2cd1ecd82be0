/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which version of an allocator an object holds, by what the allocator has
 * written into its read-only data or compiled into a function.
 */
#ifndef LEAKTRACE_CAPTURE_ALLOCATOR_VERSION_H
#define LEAKTRACE_CAPTURE_ALLOCATOR_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/functions.h"

/* Digits and dots: "5.3.0". "" = not known. */
struct allocator_version {
	char text[24];
};

/* Read-only data beyond this is not searched: bytes an object. */
#define ALLOCATOR_VERSION_DATA_MAX (16U << 20)

/*
 * Finds the version in read-only data, which may be hostile. What is written
 * there: glibc "stable release version 2.36.", musl "1.2.3" beside
 * "musl libc (", jemalloc "5.3.0-0-g<commit>", gperftools "gperftools 2.10".
 * mimalloc, snmalloc and others write nothing.
 */
struct allocator_version allocator_version_find(enum allocator_family family,
						const char *data, size_t size);

/*
 * mimalloc's mi_version() returns a constant: 209 for 2.0.9, from 10000 on two
 * digits each. code: its instructions, for this machine.
 */
struct allocator_version allocator_version_of_code(const uint8_t *code,
						   size_t size);

/*
 * Reads the version from the ELF file behind fd. version_function: the file
 * offset of mi_version(), 0 = there is none.
 */
struct allocator_version allocator_version_read(int fd,
						enum allocator_family family,
						uint64_t version_function);

#endif
