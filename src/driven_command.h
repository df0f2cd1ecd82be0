/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command that drives what is traced, run by a shell again and again
 * (--cycle, --round): its standard output is our standard error.
 */
#ifndef LEAKTRACE_DRIVEN_COMMAND_H
#define LEAKTRACE_DRIVEN_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

/* All zero = none runs. */
struct driven_command {
	pid_t pid; /* that runs, 0 = none */
	int pid_fd;
};

/* Begins to run it. 0 or -errno. */
int driven_command_begin(struct driven_command *command, const char *text,
			 struct error *error);

/* To be polled for its end; -1 = none runs. */
int driven_command_fd(const struct driven_command *command);

/* Whether it has ended; *status is as waitpid(2) has it. */
bool driven_command_ended(struct driven_command *command, int *status);

/* Says on standard error how it failed, if it did: "cycle 3: exit status 1". */
bool driven_command_tell_failure(int status, const char *what, unsigned number);

/* Ends one that still runs. */
void driven_command_end(struct driven_command *command);

#endif
