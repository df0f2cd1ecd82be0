/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line on the terminal of standard error that says what takes so long: shown
 * when a piece of work has lasted for PROGRESS_AFTER_NS, and taken away when it
 * is done. All functions take NULL, which stands for none: no terminal.
 */
#ifndef LEAKTRACE_UTIL_PROGRESS_H
#define LEAKTRACE_UTIL_PROGRESS_H

#include <stddef.h>

#include "util/cleanup.h"

#define PROGRESS_AFTER_NS 300000000
#define PROGRESS_EVERY_NS 100000000 /* from one line to the next */

struct progress;

/* NULL if standard error is no terminal, or without memory. */
struct progress *progress_new(void);
void progress_free(struct progress *progress);

/*
 * Begins a piece of work: "reading unwind tables". Nobody else may write to
 * standard error until it ends. Within another one it is a note.
 */
void progress_begin(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What of the work is done now; nothing if none was begun. Any bytes. */
void progress_note(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same with how far it is: "naming call stacks (12 of 500)". */
void progress_count(struct progress *progress, const char *what, size_t done,
		    size_t all);

void progress_end(struct progress *progress);

static inline void cleanup_progress(struct progress **progress)
{
	progress_free(*progress);
}

#define auto_progress cleanup(cleanup_progress)

#endif
