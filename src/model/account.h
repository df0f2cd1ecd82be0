/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole account of a process's memory: its resident set in parts that add
 * up to it, so that growth that is no leak has a name as well.
 */
#ifndef LEAKTRACE_MODEL_ACCOUNT_H
#define LEAKTRACE_MODEL_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

enum account_part {
	ACCOUNT_TRACKED,   /* outstanding blocks of the allocator */
	ACCOUNT_BEFORE,	   /* anonymous memory from before tracing */
	ACCOUNT_ALLOCATOR, /* what its allocator has beyond these two */
	ACCOUNT_MAPPING,   /* anonymous memory that the program mapped itself */
	ACCOUNT_STACK,	   /* stacks of threads */
	ACCOUNT_SHARED,	   /* shared memory */
	ACCOUNT_FILE,	   /* pages of files */
	ACCOUNT_OTHER,	   /* its static data, what is mapped by no function */
	ACCOUNT_PARTS,
};

/* A stable key such as "tracked", and a phrase such as "tracked blocks". */
const char *account_part_name(enum account_part part);
const char *account_part_text(enum account_part part);

struct account {
	uint64_t taken_ns;	       /* CLOCK_MONOTONIC; 0 = there is none */
	uint64_t rss_bytes;	       /* the resident set */
	uint64_t swap_bytes;	       /* not in it */
	uint64_t parts[ACCOUNT_PARTS]; /* bytes; they add up to rss_bytes */
	/* So much of the tracked part may be the allocator's instead. */
	uint64_t doubt_bytes;
	uint64_t areas; /* of the address space; 0 = they were not looked at */
};

struct process_account {
	uint64_t id; /* as in struct process_figures */
	uint32_t pid;
	char name[16];
	struct account now;
	/* Of a process that ran before it was traced: as it was then. */
	struct account start;
	uint64_t start_heap_bytes; /* size of the heap, as far as it is known
				      by its name or form */
	uint64_t start_heap_rss_bytes;
};

struct account_change {
	int64_t rss_bytes;
	int64_t parts[ACCOUNT_PARTS];
};

#endif
