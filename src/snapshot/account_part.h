/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole account of a process's memory in snapshot files. */
#ifndef LEAKTRACE_SNAPSHOT_ACCOUNT_PART_H
#define LEAKTRACE_SNAPSHOT_ACCOUNT_PART_H

#include <jansson.h>

#include "model/report.h"
#include "util/error.h"

/* A new object, or NULL = out of memory. */
json_t *account_part_write(const struct report *report);

/* Sets the report's account and accounts. 0 or -EINVAL, -ENOMEM. */
int account_part_read(const json_t *object, struct report *report,
		      struct error *error);

#endif
