/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One frame of a call stack as one word, for formats that have no more room. */
#ifndef LEAKTRACE_REPORT_FRAME_NAME_H
#define LEAKTRACE_REPORT_FRAME_NAME_H

#include "model/location.h"

/*
 * "function", else "[module]+0xaddress", else "0xaddress": safe UTF-8, to be
 * freed; NULL = out of memory. Without an object the address is of one run
 * only.
 */
char *frame_name(const struct frame *frame);

#endif
