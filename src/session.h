/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session: one capture from its start to the last report. Waits for the
 * interval, signals, BPF's events and the target's end, and reports.
 */
#ifndef LEAKTRACE_SESSION_H
#define LEAKTRACE_SESSION_H

#include <signal.h>

#include "capture/capture.h"
#include "capture/target.h"
#include "judge/judge.h"
#include "module_watch.h"
#include "options.h"
#include "report/format.h"
#include "round_marker.h"
#include "serve/metrics_server.h"
#include "util/error.h"
#include "view/view.h"

struct session {
	const struct options *options;
	const struct report_format *format;
	struct report_style style;
	struct capture *capture;
	struct target *target; /* NULL in kernel mode */
	struct judge judge;
	struct metrics_server *metrics; /* NULL without --metrics */
	struct module_watch watch;
	struct round_marker rounds; /* all zero without --round */
	struct view *view;   /* NULL without --live; gone at the last report */
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	const char *end;     /* why the session ends; NULL while it runs */
	bool leaking, outstanding; /* call stacks, in the last report so far */
	int end_signal;		   /* that ended it, 0 = none */
	bool signal_from_user;	   /* sent by kill(2), not by the terminal */
};

/*
 * Blocks the signals that a session handles, in all threads to come. Call it
 * before the capture starts and after a command was forked.
 */
void session_block_signals(sigset_t *handled);

/*
 * Runs until the end and writes the last report. Returns 0, or -errno with a
 * message; -EPIPE when nobody reads the reports any more.
 */
int session_run(struct session *session, const sigset_t *handled,
		struct error *error);

/*
 * With the probes gone: waits for a command that still runs, handing on the
 * signals that come; a second one ends the wait.
 */
void session_wait_command(struct session *session, const sigset_t *handled);

#endif
