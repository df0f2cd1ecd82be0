/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the stack walker's maps (bpf/unwind_abi.h): modules, one for each
 * file however many processes map it, and each process's mappings.
 *
 *	unwind_tables_new(&tables, &maps, error);
 *	unwind_tables_add_file(tables, fd, &module, error);
 *	unwind_tables_set_process(tables, pid, mappings, count, error);
 *	...
 *	unwind_tables_free(tables);
 *
 * Modules stay for the session, so that frames keep their meaning.
 */
#ifndef LEAKTRACE_UNWIND_UNWIND_TABLES_H
#define LEAKTRACE_UNWIND_UNWIND_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct unwind_tables;

/*
 * The maps of unwind_kernel.bpf.h. Descriptors stay the caller's and must
 * stay open as long as the tables live.
 */
struct unwind_maps {
	int chunks; /* array of maps */
	int rules;
	int modules;
	int processes; /* by slot */
	int slots;     /* hash: PID -> slot */
};

/* Returns 0, -ENOMEM, or -errno of mapping the maps. */
int unwind_tables_new(struct unwind_tables **result,
		      const struct unwind_maps *maps, struct error *error);
void unwind_tables_free(struct unwind_tables *tables);

/*
 * The module of an open file; the same device, inode, size and modification
 * time give the same module again. A file without usable unwind tables (not
 * ELF, damaged, another machine's) is a module too, whose frames are known
 * but not how to leave them; *error then says why and the result is 0.
 * Returns 0, or with *module UNWIND_MODULE_NONE: -ENOSPC (the maps are full),
 * -ENOMEM, or -errno of fstat.
 */
int unwind_tables_add_file(struct unwind_tables *tables, int fd,
			   uint32_t *module, struct error *error);

/*
 * The same for an image in memory, the vDSO: bytes[0] is its ELF header. The
 * same bytes give the same module.
 */
int unwind_tables_add_image(struct unwind_tables *tables, const void *bytes,
			    size_t size, uint32_t *module, struct error *error);

/* An executable mapping, [start, end) in the process. */
struct unwind_tables_mapping {
	uint64_t start, end;
	uint64_t file_offset; /* of start; without a module unused */
	uint32_t module;      /* UNWIND_MODULE_NONE = memory of no file */
};

/*
 * Replaces the process's mappings; they are sorted here, and must not
 * overlap. Walks that have begun finish with the old ones.
 * Returns 0, or with the old ones in place: -EINVAL (overlap, empty), -E2BIG
 * (over 32,768 mappings), -ENOSPC (too many processes, full), -ENOMEM.
 */
int unwind_tables_set_process(struct unwind_tables *tables, uint32_t pid,
			      const struct unwind_tables_mapping *mappings,
			      size_t count, struct error *error);

/* The process has ended. Unknown ones are ignored. */
void unwind_tables_forget_process(struct unwind_tables *tables, uint32_t pid);

struct unwind_tables_statistics {
	uint32_t modules, processes, rules;
	uint64_t rows;
	uint64_t bytes;		     /* of chunks */
	uint64_t rules_without_room; /* rows that became "unsupported" */
};

void unwind_tables_statistics(const struct unwind_tables *tables,
			      struct unwind_tables_statistics *statistics);

#endif
