/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole files into memory, also those of /proc, which have no size. */
#ifndef LEAKTRACE_RESOLVE_READ_ALL_H
#define LEAKTRACE_RESOLVE_READ_ALL_H

#include <stddef.h>

/*
 * Reads fd from where it stands to its end. Returns 0, -EFBIG beyond limit
 * bytes, -ENOMEM or read(2)'s -errno. The caller frees *bytes.
 */
int read_all(int fd, size_t limit, char **bytes, size_t *size);

#endif
