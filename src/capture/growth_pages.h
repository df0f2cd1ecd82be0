/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From sampled pages to figures: each stands for as many as one fault in
 * `period` was sampled, and counts while it is resident.
 */
#ifndef LEAKTRACE_CAPTURE_GROWTH_PAGES_H
#define LEAKTRACE_CAPTURE_GROWTH_PAGES_H

#include <stdint.h>

#include "capture/records.h"
#include "model/snapshot.h"
#include "util/error.h"

struct growth_request {
	int pid;
	uint64_t owner; /* the image whose pages count */
	uint64_t period;
	uint64_t older_ns; /* only pages touched so long ago; 0 = all */
};

/*
 * Appends the figures of all stacks, estimates with their standard errors.
 * Pages that are not resident any more are booked as freed and forgotten.
 * When the process has ended, those count that were resident at the last look
 * or came later. Returns 0 or -errno.
 */
int growth_pages_snapshot(struct records *records,
			  const struct growth_request *request,
			  struct snapshot *snapshot, struct error *error);

#endif
