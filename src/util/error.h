/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors as values: a function that can fail returns 0 or -errno and, where
 * the caller passed a struct error, leaves one line in it that names the
 * thing and the remedy. Only main prints.
 */
#ifndef LEAKTRACE_UTIL_ERROR_H
#define LEAKTRACE_UTIL_ERROR_H

struct error {
	char message[512]; /* one line, no newline; "" = none */
};

/*
 * Sets the message (printf form) and returns -code, so that a failing
 * function can end in `return error_set(error, ENOENT, ...)`. code is a
 * positive errno. error may be NULL.
 */
int error_set(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "format: " before the message already there; returns -code as given. */
int error_wrap(struct error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
