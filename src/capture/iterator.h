/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads all that a BPF iterator writes, as records of one size. */
#ifndef LEAKTRACE_CAPTURE_ITERATOR_H
#define LEAKTRACE_CAPTURE_ITERATOR_H

#include <stddef.h>

struct bpf_link;

/* Returns a negative number to end the walk. */
typedef int iterator_visitor(void *context, const void *record);

/*
 * Runs the iterator once. record_size: at most 4 KiB. 0, the visitor's negative
 * number, or -errno of the iterator itself.
 */
int iterator_visit(const struct bpf_link *link, size_t record_size,
		   iterator_visitor *visitor, void *context);

#endif
