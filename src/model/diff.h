/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changed between two reports, which may be of two runs on two machines.
 * Judge makes it, report/ prints it. Owns its vector; frames and strings are
 * those of the two reports, which must outlive it.
 */
#ifndef LEAKTRACE_MODEL_DIFF_H
#define LEAKTRACE_MODEL_DIFF_H

#include "model/report.h"

enum diff_kind {
	DIFF_NEW,   /* nothing outstanding before */
	DIFF_GROWN, /* in bytes */
	DIFF_SHRUNK,
	DIFF_GONE, /* nothing outstanding now */
	DIFF_SAME, /* as many bytes as before */
	DIFF_COUNT,
};

/* "new", "grown", "shrunk", "gone", "same" */
const char *diff_kind_name(enum diff_kind kind);

struct diff_figures {
	uint64_t bytes, blocks; /* outstanding */
	uint64_t stacks;	/* that were taken for the same one */
	enum verdict verdict;	/* of the largest of them */
};

struct diff_stack {
	enum diff_kind kind;
	enum space space;
	struct diff_figures before, after;
	const frame_vector *frames; /* of the report that has it */
	enum stack_flaw flaw;
};

struct diff_total {
	enum space space;
	uint64_t bytes_before, bytes_after;
	uint64_t blocks_before, blocks_after;
};

struct diff {
	const struct report *before, *after;
	struct diff_total totals[SPACE_COUNT]; /* by space */
	uint64_t counts[DIFF_COUNT];	       /* stacks of each kind */
	/* Those that changed, the largest change in bytes first. */
	VECTOR(struct diff_stack) stacks;
};

/* The change as signed bytes or blocks. */
static inline int64_t diff_change(uint64_t before, uint64_t after)
{
	return (int64_t)(after - before);
}

void diff_free(struct diff *diff);

#endif
