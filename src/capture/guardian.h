/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target that leaktrace holds by SIGSTOP must not stay stopped when
 * leaktrace is killed in that moment. The guardian is a small child process
 * that waits for leaktrace's end, by whatever signal, and continues the
 * target if it was held then.
 */
#ifndef LEAKTRACE_CAPTURE_GUARDIAN_H
#define LEAKTRACE_CAPTURE_GUARDIAN_H

#include "util/error.h"

struct guardian {
	int pid;       /* of the guardian, 0 = none */
	int life_fd;   /* closed by the kernel when leaktrace ends */
	int target_fd; /* the target's pidfd, not owned */
};

/* Starts a guardian over the process behind pid_fd. */
int guardian_start(struct guardian *guardian, int pid_fd, struct error *error);

/* Ends it: the target is not held any more. */
void guardian_stop(struct guardian *guardian);

#endif
