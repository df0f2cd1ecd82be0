/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the text report tells of call stacks that lack outer frames. */
#ifndef LEAKTRACE_REPORT_INCOMPLETE_LINE_H
#define LEAKTRACE_REPORT_INCOMPLETE_LINE_H

#include "model/snapshot.h"
#include "report/line.h"

/* Writes how many there are and for which reasons; nothing if none. */
void incomplete_line_write(struct line_writer *writer,
			   const struct snapshot *snapshot);

#endif
