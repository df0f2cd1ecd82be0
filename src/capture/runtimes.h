/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runtimes of languages that manage memory themselves: which of them a process
 * has, and what of their memory is seen here and what is not.
 */
#ifndef LEAKTRACE_CAPTURE_RUNTIMES_H
#define LEAKTRACE_CAPTURE_RUNTIMES_H

#include "capture/address_space.h"
#include "capture/capture.h"

/*
 * Appends a line for each runtime that the process has mapped and that has
 * none yet. 0 or -ENOMEM.
 */
int runtimes_note(const struct address_space *space, capture_lines *notes);

#endif
