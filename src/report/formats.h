/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats that format.c finds by name, and what they share. */
#ifndef LEAKTRACE_REPORT_FORMATS_H
#define LEAKTRACE_REPORT_FORMATS_H

#include "report/format.h"

extern const struct report_format report_format_text;
extern const struct report_format report_format_json;
extern const struct report_format report_format_folded;
extern const struct report_format report_format_pprof;
extern const struct report_format report_format_html;
extern const struct report_format report_format_massif;

/*
 * Writes and flushes a whole report at once, so that a reader never sees half
 * of one longer than it must. Returns 0 or -errno (-EPIPE ...).
 */
int report_emit(FILE *stream, const char *bytes, size_t size);

#endif
