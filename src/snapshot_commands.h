/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sub-commands that read snapshot files and trace nothing. */
#ifndef LEAKTRACE_SNAPSHOT_COMMANDS_H
#define LEAKTRACE_SNAPSHOT_COMMANDS_H

#include "options.h"
#include "report/format.h"
#include "util/error.h"

/*
 * leaktrace report FILE, leaktrace diff BEFORE AFTER: writes to standard
 * output. Each returns 0, or -errno with a message.
 */
int snapshot_report(const struct options *options,
		    const struct report_style *style, struct error *error);
int snapshot_diff(const struct options *options,
		  const struct report_style *style, struct error *error);

#endif
