// SPDX-License-Identifier: GPL-2.0-or-later
/* Errors as values: see error.h. */
#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (error) {
		va_start(arguments, format);
		vsnprintf(error->message, sizeof(error->message), format,
			  arguments);
		va_end(arguments);
	}
	return -code;
}

int error_wrap(struct error *error, int code, const char *format, ...)
{
	struct error inner;
	va_list arguments;
	int length;

	if (!error)
		return -code;
	inner = *error;
	va_start(arguments, format);
	length = vsnprintf(error->message, sizeof(error->message), format,
			   arguments);
	va_end(arguments);
	if (length >= 0 && (size_t)length < sizeof(error->message))
		snprintf(error->message + length,
			 sizeof(error->message) - (size_t)length, ": %s",
			 inner.message);
	return -code;
}
