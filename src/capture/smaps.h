/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of each area of an address space is resident: /proc/PID/smaps,
 * proc_pid_smaps(5), written by show_smap() in fs/proc/task_mmu.c; and
 * /proc/PID/status, which has the sums at no cost.
 */
#ifndef LEAKTRACE_CAPTURE_SMAPS_H
#define LEAKTRACE_CAPTURE_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vector.h"

enum area_kind {
	AREA_ANONYMOUS, /* also memory that the program gave a name */
	AREA_HEAP,	/* [heap], or what glibc calls malloc's */
	AREA_STACK,	/* [stack], or what glibc calls a thread's */
	AREA_SHARED,	/* shared memory */
	AREA_FILE,
	AREA_SPECIAL, /* the kernel's: [vdso] and so on */
};

struct memory_area {
	uint64_t start, end;	       /* [start, end) */
	uint64_t rss, anonymous, swap; /* bytes; anonymous is a part of rss */
	enum area_kind kind;
	bool accessible; /* writable or executable, not a guard */
};

typedef VECTOR(struct memory_area) memory_area_vector; /* sorted, disjoint */

/* More are not looked at: -E2BIG. */
#define SMAPS_AREAS_MAX 100000

/*
 * Appends the areas in whole lines of an smaps file: the text may come in
 * pieces. -EINVAL for what does not have its form; -EAGAIN for areas out of
 * order, as they come when the process changes them meanwhile; -E2BIG; -ENOMEM.
 */
int smaps_parse(memory_area_vector *areas, const char *text, size_t size);

/* Replaces areas by those of a process. 0, or -ESRCH and as above. */
int smaps_read(memory_area_vector *areas, int pid);

struct memory_sums {
	uint64_t anonymous, file, shared, swap; /* bytes */
};

/* Reads the text of a status file. False if one of the sums is not in it. */
bool memory_sums_parse(const char *text, struct memory_sums *sums);

/* 0 or -ESRCH: the process has ended. */
int memory_sums_read(int pid, struct memory_sums *sums);

#endif
