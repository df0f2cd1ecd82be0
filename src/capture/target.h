/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process to trace: one that runs already, or a command that leaktrace
 * starts and holds until its probes are in place.
 */
#ifndef LEAKTRACE_CAPTURE_TARGET_H
#define LEAKTRACE_CAPTURE_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

struct target {
	int pid;
	int pid_fd; /* readable once the process has exited */
	bool child; /* started by us: may be held, is reaped */
	bool reaped;
	int wait_status; /* valid once reaped: wait(2) */
	int go_fd;	 /* child, before it runs: closing it makes it exit */
	int failed_fd;	 /* child: carries errno if exec fails */
	const char *command; /* child: argv[0], the caller's; else NULL */
	char name[16];	     /* comm, as in /proc/PID/comm */
};

/*
 * A running process. -ESRCH: no such process, a zombie; -EINVAL: a kernel
 * thread, a thread of another process, leaktrace itself.
 */
int target_open(struct target *target, int pid, struct error *error);

/* The PID of a process's parent; 0: it has none, or there is no such process. */
int target_parent(int pid);

/*
 * A command to be executed with argv, forked but not running: it waits for
 * target_release() and exits if leaktrace dies before. It inherits signal mask
 * and dispositions as they are now: call this before changing them.
 */
int target_spawn(struct target *target, char *const argv[],
		 struct error *error);

/*
 * The same for a command line of the shell. A simple command replaces the
 * shell, so that it is what is traced; of a compound one it is the shell.
 */
int target_spawn_shell(struct target *target, const char *command,
		       struct error *error);

/*
 * Lets the command execute. Returns once exec has succeeded or failed:
 * -ENOENT, -EACCES ... with the command's name in the message.
 */
int target_release(struct target *target, struct error *error);

/* Waits (2 s at most) until a held child is stopped; false if it exited. */
bool target_wait_stopped(struct target *target);

bool target_has_exited(const struct target *target);

/* Continues a process that was held. */
void target_continue(const struct target *target);

/* Kills a child that must not run on. Nothing for other targets. */
void target_kill(struct target *target);

/*
 * Collects a child's status, waiting for its end if block is set. True once
 * reaped.
 */
bool target_reap(struct target *target, bool block);

/* Reads the name anew: it changes at exec. */
void target_refresh_name(struct target *target);

/* Closes descriptors; a child that was never released exits by itself. */
void target_close(struct target *target);

#endif
