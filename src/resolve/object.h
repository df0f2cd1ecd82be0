/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object file, read through a file descriptor or from memory: build ID
 * and loaded segments at once, symbols and DWARF (its own or a separate debug
 * file's) when first asked for.
 *
 * A file up to 64 MiB is read, not mapped, so that a target that truncates it
 * cannot kill leaktrace by SIGBUS; above that copying its DWARF would cost
 * more memory than the risk is worth.
 */
#ifndef LEAKTRACE_RESOLVE_OBJECT_H
#define LEAKTRACE_RESOLVE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/location.h"

struct object;

/*
 * Makes an object of a file. The object takes fd, on success only. What is
 * not a regular file, not ELF, or damaged makes an object without symbols.
 * Returns 0 or -ENOMEM.
 */
int object_new(int fd, const char *path, struct object **object);

/* The same for an image in memory, copied. */
int object_new_memory(const void *bytes, size_t size, const char *name,
		      struct object **object);

void object_free(struct object *object);

/* True if the object was made by object_new_memory() of the same bytes. */
bool object_is_memory(const struct object *object, const void *bytes,
		      size_t size, const char *name);

/*
 * A file offset as /proc/PID/maps gives them to an ELF address. Where
 * segments share a page of the file, executable ones go first: the offset is
 * expected to be of code. Returns 0 or -ENOENT.
 */
int object_file_offset_to_address(const struct object *object,
				  uint64_t file_offset, uint64_t *address);

/*
 * Appends the frames of an ELF address, innermost first, at least one; not
 * exact: the call before the address is meant. Inlined frames have offset 0.
 * Returns 0 or -ENOMEM, frames untouched then.
 */
int object_frames(struct object *object, uint64_t address, bool exact,
		  frame_vector *frames);

#endif
