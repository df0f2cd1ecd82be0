/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel module that is watched: how often it was unloaded, and the command
 * of --cycle, which is run again and again.
 */
#ifndef LEAKTRACE_MODULE_WATCH_H
#define LEAKTRACE_MODULE_WATCH_H

#include <stdbool.h>

#include "driven_command.h"
#include "util/error.h"

/* All zero = nothing runs. */
struct module_watch {
	unsigned unloads; /* that were reported */
	unsigned cycle;	  /* the number of the last command that was begun */
	struct driven_command command;
};

/*
 * Waits until what was freed by now is free: an RCU grace period, and a moment
 * for what is done behind it.
 */
void module_settle(void);

/*
 * Runs the command by a shell, its standard output being our standard error.
 * 0 or -errno.
 */
int module_cycle_begin(struct module_watch *watch, const char *command,
		       struct error *error);

/* To be polled for the command's end; -1 = none runs. */
int module_cycle_fd(const struct module_watch *watch);

/* Whether the command has ended; a failure of it is told. */
bool module_cycle_ended(struct module_watch *watch);

/* Ends a command that still runs. */
void module_cycle_end(struct module_watch *watch);

#endif
