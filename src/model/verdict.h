/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is thought of one call stack's outstanding blocks, and why. Judge
 * makes it from the stack's history; report/ shows it.
 */
#ifndef LEAKTRACE_MODEL_VERDICT_H
#define LEAKTRACE_MODEL_VERDICT_H

#include <stdint.h>

/* In the order of suspicion, but for the first. */
enum verdict {
	VERDICT_NONE,	   /* not judged */
	VERDICT_LEAKING,   /* grows, and its blocks outlive what is normal */
	VERDICT_GROWING,   /* grows, and is not a leak, or not yet surely */
	VERDICT_PLATEAUED, /* grew and stopped: a cache that filled */
	VERDICT_STEADY,	   /* blocks come and go */
	VERDICT_START_UP,  /* all of one time, none since */
	VERDICT_COUNT,
};

/* "none", "leaking", "growing", "plateaued", "steady", "start-up" */
const char *verdict_name(enum verdict verdict);

/* With --sample, blocks and bytes in here are estimates. */
struct judgement {
	enum verdict verdict;
	uint64_t observed_ns;	  /* since the stack's first allocation seen */
	uint64_t survivors;	  /* blocks outstanding and older than ... */
	uint64_t survivor_age_ns; /* ... what is normal for the stack */
	uint64_t freed_p99_ns;	  /* 99 of 100 of its freed blocks lived less;
				     0 = none was ever freed */
	unsigned generations;	  /* parts of equal length that tracing so far
				     was divided into */
	unsigned generations_alive; /* of these, with births still alive */
	double bytes_per_second;    /* growth: Theil-Sen slope, < 0 = shrinks */
	uint64_t growing_ns; /* for how long it has grown, 0 = it does not */
};

#endif
