/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope-bound ownership: a variable declared with one of these is released
 * when its scope ends, unless take() moved the value out.
 */
#ifndef LEAKTRACE_UTIL_CLEANUP_H
#define LEAKTRACE_UTIL_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define auto_free cleanup(cleanup_free)
#define auto_close cleanup(cleanup_close)
#define auto_fclose cleanup(cleanup_fclose)

/* Moves a pointer out of a cleanup variable: the scope no longer owns it. */
#define take(pointer)                           \
	({                                      \
		__auto_type taken_ = (pointer); \
		(pointer) = NULL;               \
		taken_;                         \
	})

/* The same for a file descriptor. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
