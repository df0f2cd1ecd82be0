/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings of each process as the walker sees them: sorted arrays in
 * chunks, one word by slot that says where, and a slot for each PID. A new
 * array never overwrites one that a walk may still read: what was replaced
 * rests for a while before its place is used again.
 */
#ifndef LEAKTRACE_UNWIND_PROCESS_TABLES_H
#define LEAKTRACE_UNWIND_PROCESS_TABLES_H

#include "unwind/table_chunks.h"
#include "util/vector.h"

/* An array's place; sizes are powers of two so that places can serve again. */
struct process_place {
	struct table_place place;
	uint32_t size_class;  /* room for 1 << size_class mappings */
	uint64_t replaced_ns; /* CLOCK_MONOTONIC */
};

struct process_entry {
	uint32_t pid; /* 0 = free slot */
	struct process_place place;
	uint64_t freed_ns;
};

struct process_tables {
	struct table_chunks *chunks; /* the caller's */
	int slots_fd;
	uint64_t *words; /* mapped: UNWIND_PROCESSES */
	VECTOR(struct process_entry) slots;
	VECTOR(struct process_place) resting;
	uint64_t generation;
	uint32_t count; /* processes */
};

int process_tables_init(struct process_tables *tables,
			struct table_chunks *chunks, int processes_fd,
			int slots_fd, struct error *error);
void process_tables_free(struct process_tables *tables);

/* As unwind_tables_set_process(); sorts entries in place. */
int process_tables_set(struct process_tables *tables, uint32_t pid,
		       struct unwind_mapping *entries, size_t count,
		       struct error *error);
void process_tables_forget(struct process_tables *tables, uint32_t pid);

#endif
