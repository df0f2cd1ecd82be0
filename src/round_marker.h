/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ends the rounds of a session: a signal, a timer or a command. */
#ifndef LEAKTRACE_ROUND_MARKER_H
#define LEAKTRACE_ROUND_MARKER_H

#include <stdbool.h>

#include "driven_command.h"
#include "round_option.h"
#include "util/error.h"

/* A run of the command that fails is no round; the next comes this later. */
#define ROUND_RETRY_NS UINT64_C(1000000000)

/* So many in a row end tracing: nothing is tested then. */
#define ROUND_FAILURES 10

struct round_marker {
	const struct round_option *option;
	struct driven_command command;
	int timer_fd;	   /* of the period, or until the next try */
	unsigned failures; /* of the command, in a row */
	unsigned round;	   /* that goes on, from 1 */
};

/* Begins the first round. 0 or -errno; close it in any case. */
int round_marker_open(struct round_marker *marker,
		      const struct round_option *option, struct error *error);

/* To be polled; -1 = nothing is waited for but the signal. */
int round_marker_fd(const struct round_marker *marker);

/*
 * Sets *ended if a round has ended; signalled: SIGUSR2 came. 0, or -errno:
 * the command fails again and again.
 */
int round_marker_check(struct round_marker *marker, bool signalled, bool *ended,
		       struct error *error);

/* Begins the next round. 0 or -errno. */
int round_marker_next(struct round_marker *marker, struct error *error);

void round_marker_close(struct round_marker *marker);

#endif
