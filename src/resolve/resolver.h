/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses to names. The resolver keeps every object that was ever mapped
 * open by file descriptor, so that names can be found after the target has
 * ended or the file was deleted; symbols and DWARF are read only when a
 * location in the object is first asked for. All strings it hands out live
 * until resolver_free().
 */
#ifndef LEAKTRACE_RESOLVE_RESOLVER_H
#define LEAKTRACE_RESOLVE_RESOLVER_H

#include <stdint.h>
#include <sys/types.h>

#include "model/location.h"
#include "util/error.h"

struct progress;
struct resolver;

int resolver_new(struct resolver **resolver, struct error *error);
void resolver_free(struct resolver *resolver);

/* Where what takes long is told, for all who have a resolver; NULL = nowhere. */
void resolver_set_progress(struct resolver *resolver,
			   struct progress *progress);
struct progress *resolver_progress(const struct resolver *resolver);

/*
 * The id of the object that path names in the target, read through fd (any
 * fd open for reading on the file; duplicated, the caller keeps its own).
 * The same device, inode and modification time give the same id again. An
 * object that is not ELF or is damaged still gets an id: its frames then show
 * module+offset only.
 * Returns 0 or -errno (-ENOMEM, -EMFILE, -EBADF).
 */
int resolver_object(struct resolver *resolver, int fd, const char *path,
		    uint32_t *object, struct error *error);

/*
 * The same for an image in memory (the vDSO): bytes are copied.
 */
int resolver_memory_object(struct resolver *resolver, const void *bytes,
			   size_t size, const char *name, uint32_t *object,
			   struct error *error);

/*
 * Turns an offset in the object's file, as /proc/PID/maps gives them, into
 * the ELF virtual address that struct location wants: by the PT_LOAD that
 * holds it. Returns 0 or -ENOENT.
 */
int resolver_file_offset_to_address(struct resolver *resolver, uint32_t object,
				    uint64_t file_offset, uint64_t *address);

/*
 * Makes a location of a frame whose names are known now and will not be known
 * later; path and build ID are not kept. Returns 0, -ENOSPC when there are too
 * many of them, or -ENOMEM; location is untouched then.
 */
int resolver_name_frame(struct resolver *resolver, const struct frame *frame,
			struct location *location);

/*
 * Appends the frames of one location, innermost (inlined) first: always at
 * least one, with whatever is known. Locations that are not exact are looked
 * up at address - 1, the call site. Returns 0 or -ENOMEM.
 */
int resolver_frames(struct resolver *resolver, const struct location *location,
		    frame_vector *frames);

/*
 * For kernel addresses: makes sure that the symbols of the code around address
 * are read while they are there, as a module may be gone when they are asked
 * for. resolver_kernel_changed() says that modules have come or are going.
 */
void resolver_kernel_prepare(struct resolver *resolver, uint64_t address);
void resolver_kernel_changed(struct resolver *resolver);

/*
 * A kernel module (its name: of size bytes at most) was loaded with code from
 * start to end. Of one that is gone before its symbols were read, this is all
 * that is known: frames with the module, without a function.
 */
void resolver_kernel_loaded(struct resolver *resolver, const char *name,
			    size_t size, uint64_t start, uint64_t end);

/*
 * The addresses that hold the functions of a module that is loaded; false if
 * it is not, or the addresses are hidden.
 */
bool resolver_kernel_module_range(struct resolver *resolver, const char *name,
				  uint64_t *start, uint64_t *end);

/* Whether the kernel module user was ever seen to use functions of used. */
bool resolver_kernel_module_uses(const struct resolver *resolver,
				 const char *user, const char *used);

/*
 * Counts for the losses in a report: locations asked for and those without a
 * function name; kernel_addresses_hidden when /proc/kallsyms shows zeros
 * (kptr_restrict).
 */
struct resolver_statistics {
	uint64_t looked_up, without_function;
	bool kernel_addresses_hidden;
};
void resolver_statistics(const struct resolver *resolver,
			 struct resolver_statistics *statistics);

#endif
