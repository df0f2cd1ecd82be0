/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame of a call stack as one line of text. */
#ifndef LEAKTRACE_REPORT_FRAME_LINE_H
#define LEAKTRACE_REPORT_FRAME_LINE_H

#include "model/location.h"
#include "report/line.h"

/*
 * Writes "function  file:line  [module]". Without a line: function+0xoffset.
 * Without a function: module+0xaddress and the build ID, so that it can be
 * resolved elsewhere. "?" before a frame that was guessed. Where the terminal
 * is too narrow, the directories of the file go first, then the end of the
 * function's name.
 */
void frame_line_write(struct line_writer *writer, const struct frame *frame);

/*
 * Writes all frames of a stack; of a very deep one, who allocated and where
 * it all began, unless the style is verbose.
 */
void frame_lines_write(struct line_writer *writer, const frame_vector *frames);

#endif
