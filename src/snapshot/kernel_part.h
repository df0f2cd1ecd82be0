/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a snapshot of the kernel has beside what every snapshot has. */
#ifndef LEAKTRACE_SNAPSHOT_KERNEL_PART_H
#define LEAKTRACE_SNAPSHOT_KERNEL_PART_H

#include <jansson.h>

#include "model/report.h"
#include "util/error.h"

/* A new object: modules, pages set apart, gaps; NULL = out of memory. */
json_t *kernel_part_write(const struct report *report);

/* Reads it into a report. Returns 0, or -errno with a message. */
int kernel_part_read(const json_t *object, struct report *report,
		     struct error *error);

#endif
