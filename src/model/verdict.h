/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is thought of one call stack's outstanding blocks, and why. Judge
 * makes it from the stack's history; report/ shows it.
 */
#ifndef LEAKTRACE_MODEL_VERDICT_H
#define LEAKTRACE_MODEL_VERDICT_H

#include <stdbool.h>
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

/* Why a stack that grows is not called a leak. */
enum verdict_doubt {
	DOUBT_NONE,	/* leaking, or no growth */
	DOUBT_TOO_SOON, /* not yet long enough seen */
	DOUBT_FEW,	/* too few blocks, or born together: one that grows */
	DOUBT_FREED,	/* blocks of any age are freed in the end */
	DOUBT_CEASING,	/* fewer and fewer new ones stay */
	DOUBT_UNSEEN,	/* frees of its blocks may not be seen here */
	DOUBT_COUNT,
};

/* "none", "too_soon", "few", "freed", "ceasing", "unseen" */
const char *verdict_doubt_name(enum verdict_doubt doubt);

/* For people: "not yet long enough seen". */
const char *verdict_doubt_text(enum verdict_doubt doubt);

/* Figures of one period of a stack's history. */
struct history_marks {
	float bytes_low, bytes_high; /* outstanding in one period */
	float blocks_low, blocks_high;
};

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
	enum verdict_doubt doubt;

	/* With --round: */
	unsigned rounds;	   /* that count for it; 0 = judged by time */
	unsigned rounds_surviving; /* of these, with blocks still alive */
	bool rounds_even;	   /* as many of each of these */
	uint64_t round_blocks, round_bytes; /* of all these, still alive */
	double bytes_per_round; /* growth of the total, < 0 = shrinks */
};

#endif
