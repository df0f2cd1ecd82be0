/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live view: a full-screen table of call stacks, like top, on the
 * controlling terminal. Runs in the caller's loop.
 */
#ifndef LEAKTRACE_VIEW_VIEW_H
#define LEAKTRACE_VIEW_VIEW_H

#include "model/report.h"
#include "util/error.h"

struct view;

enum view_request {
	VIEW_NOTHING,
	VIEW_QUIT,
	VIEW_REPORT, /* a report now */
	VIEW_SAVE,   /* a snapshot of what is shown */
};

/* Whether view_new() can work here: 0, or -ENOTTY with a message. */
int view_check(struct error *error);

/*
 * Takes the terminal over. 0, or -errno with a message: no terminal, or one
 * that is not known. colour: if the terminal has it.
 */
int view_new(struct view **view, bool colour, struct error *error);

/* Gives the terminal back as it was. NULL is fine. */
void view_free(struct view *view);

/* Readable when keys wait. */
int view_fd(const struct view *view);

/*
 * Handles what was typed, and a new size of the terminal: call it also when a
 * signal interrupted the wait.
 */
enum view_request view_input(struct view *view);

/* Shows a report, which it takes over. 0 or -ENOMEM. */
int view_show(struct view *view, struct report *report);

/* What is shown; NULL before the first. */
const struct report *view_report(const struct view *view);

/* A line for the user, until the next key. */
void view_tell(struct view *view, const char *text);

#endif
