/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of the JSON formats, which are the same in all of them. Each is new,
 * NULL = out of memory.
 */
#ifndef LEAKTRACE_REPORT_JSON_VALUE_H
#define LEAKTRACE_REPORT_JSON_VALUE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "model/location.h"
#include "model/report.h"
#include "util/cleanup.h"

static inline void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define auto_json cleanup(cleanup_json)

/* JSON integers are 64-bit signed in jansson: larger ones become the largest. */
json_int_t json_value_integer(uint64_t value);

/* Null for 0. */
json_t *json_value_integer_or_null(uint64_t value);

double json_value_seconds(uint64_t nanoseconds);

/* Names are any bytes, JSON is UTF-8. Null for NULL. */
json_t *json_value_text(const char *text);

/* Lower case, as a string: no reader has 64-bit addresses as numbers. */
json_t *json_value_hexadecimal(const char *prefix, int digits, uint64_t value);

/* RFC 3339 in UTC with milliseconds. */
json_t *json_value_time(int64_t wall_ns);

/* The frames of a call stack, each an object. */
json_t *json_value_frames(const frame_vector *frames);

/* What --suppressions kept out, an object for each of them. */
json_t *json_value_suppressed(const struct report *report);

/*
 * Writes a value on one line. Returns 0 or -errno; NULL is -ENOMEM.
 */
int json_value_emit(FILE *stream, const json_t *value);

#endif
