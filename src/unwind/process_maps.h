/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory mappings of a process: /proc/PID/maps, proc_pid_maps(5),
 * written by show_map_vma() in fs/proc/task_mmu.c.
 */
#ifndef LEAKTRACE_UNWIND_PROCESS_MAPS_H
#define LEAKTRACE_UNWIND_PROCESS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vector.h"

struct process_mapping {
	uint64_t start, end; /* [start, end), addresses in the process */
	uint64_t offset;     /* in the file, bytes */
	uint32_t device_major, device_minor;
	uint64_t inode; /* 0 = no file */
	bool executable, writable, shared;
	char *path; /* as written, escapes undone; NULL = none */
};

struct process_maps {
	VECTOR(struct process_mapping) mappings; /* sorted by start */
};

/*
 * Parses the line [line, end), "start-end rwxp offset major:minor inode path".
 * The path is to be freed. 0, -EINVAL, -ENOMEM; mapping is untouched then.
 */
int process_mapping_parse(struct process_mapping *mapping, const char *line,
			  const char *end);

/*
 * Parses the text of a maps file. Lines that do not have its form are an
 * error, -EINVAL; mappings out of order too. maps is untouched on failure.
 */
int process_maps_parse(struct process_maps *maps, const char *text, size_t size,
		       struct error *error);

/*
 * Reads /proc/PID/maps. -ESRCH when the process is gone (an empty file is one
 * of a zombie or a kernel thread: -ESRCH too), -EACCES, -ENOMEM, -EINVAL.
 */
int process_maps_read(struct process_maps *maps, int pid, struct error *error);

void process_maps_free(struct process_maps *maps);

/* The mapping that holds address, or NULL. */
const struct process_mapping *process_maps_find(const struct process_maps *maps,
						uint64_t address);

/* Whether both are of the same file (device and inode, inode not 0). */
bool process_mapping_same_file(const struct process_mapping *a,
			       const struct process_mapping *b);

/*
 * Opens the file behind a mapping through /proc/PID/map_files, which reaches
 * deleted files and other mount namespaces; through /proc/PID/root where that
 * is refused. Returns a descriptor or -errno.
 */
int process_mapping_open(const struct process_mapping *mapping, int pid);

#endif
