/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --round WHAT: what ends a round. */
#ifndef LEAKTRACE_ROUND_OPTION_H
#define LEAKTRACE_ROUND_OPTION_H

#include <stdint.h>

#include "util/error.h"

struct round_option {
	enum {
		ROUND_NONE,
		ROUND_SIGNAL,  /* SIGUSR2 */
		ROUND_TIME,    /* every period_ns */
		ROUND_COMMAND, /* each run of the command */
	} kind;
	uint64_t period_ns;
	const char *command; /* the argument itself */
};

/*
 * "SIGUSR2", a time, or a command. 0, or -EINVAL with a message for what looks
 * like one of them and is none.
 */
int round_option_parse(const char *argument, struct round_option *option,
		       struct error *error);

#endif
