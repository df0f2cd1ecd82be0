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
	int pid;     /* of the guardian, 0 = none */
	int life_fd; /* closed by the kernel when leaktrace ends */
};

/*
 * Starts a guardian over the process behind pid_fd and over those in a BPF
 * map whose values are the PIDs of held ones (-1 = none). Both descriptors
 * stay the caller's.
 */
int guardian_start(struct guardian *guardian, int pid_fd, int held_fd,
		   struct error *error);

/* Ends it: the target is not held any more. */
void guardian_stop(struct guardian *guardian);

#endif
