/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs in small that leak or do not, each in a thread of its own. A stack
 * belongs to the scenario whose function is on it; the label is the truth.
 */
#ifndef LEAKTRACE_TESTS_SCENARIO_H
#define LEAKTRACE_TESTS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

struct pace {
	unsigned random;
	double rate; /* all rates are multiplied by it */
};

struct scenario {
	const char *name; /* of its function */
	bool leaks;
	bool held_out; /* not looked at when thresholds were chosen */
	void (*run)(struct pace *pace);
};

#define SCENARIO __attribute__((noinline, noipa))

extern const struct scenario leaks[], decoys[]; /* end with name NULL */

/* Seconds since the program began. */
double now(void);

/* Waits for the next of so many events a second, at random intervals. */
void pace_next(struct pace *pace, double per_second);
void pause_for(double seconds);

/* Uniform in [0, 1); exponential with that mean. */
double chance(struct pace *pace);
double waiting(struct pace *pace, double mean);

/* Blocks that end at a time of their own, earliest first. */
struct ending {
	double at;
	void *block;
};

struct endings {
	struct ending items[4096];
	size_t count;
};

void ends_add(struct endings *endings, double at, void *block);
/* Frees those whose time has come. */
void ends_free(struct endings *endings);

#endif
