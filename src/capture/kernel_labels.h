/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of slab caches and devices, by the owner of the stacks that have one. */
#ifndef LEAKTRACE_CAPTURE_KERNEL_LABELS_H
#define LEAKTRACE_CAPTURE_KERNEL_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "util/vector.h"

struct kernel_label {
	uint64_t owner;
	char *text; /* owned */
};

/* All zero = none. Sorted by owner. */
struct kernel_labels {
	VECTOR(struct kernel_label) all;
	VECTOR(char *) past; /* of owners that have another name by now */
};

/*
 * Keeps a copy of text (size bytes, cut at a zero), which replaces one of the
 * same owner: a cache that is gone has left its address to another. 0, -ENOMEM.
 */
int kernel_labels_add(struct kernel_labels *labels, uint64_t owner,
		      const char *text, size_t size);

/* Lives as long as the labels; NULL = none. */
const char *kernel_labels_find(const struct kernel_labels *labels,
			       uint64_t owner);

void kernel_labels_free(struct kernel_labels *labels);

#endif
