// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of the JSON formats: see json_value.h. */
#include "report/json_value.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "report/formats.h"
#include "util/clock.h"
#include "util/utf8.h"

/* Nanoseconds of up to eleven days survive as seconds. */
#define REAL_DIGITS 15

json_int_t json_value_integer(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

json_t *json_value_integer_or_null(uint64_t value)
{
	return value ? json_integer(json_value_integer(value)) : json_null();
}

double json_value_seconds(uint64_t nanoseconds)
{
	return (double)nanoseconds / (double)NS_PER_SECOND;
}

json_t *json_value_text(const char *text)
{
	auto_free char *safe = NULL;

	if (!text)
		return json_null();
	safe = utf8_sanitise(text);
	return safe ? json_string_nocheck(safe) : NULL;
}

json_t *json_value_hexadecimal(const char *prefix, int digits, uint64_t value)
{
	char text[40];

	snprintf(text, sizeof(text), "%s%0*" PRIx64, prefix, digits, value);
	return json_string(text);
}

json_t *json_value_time(int64_t wall_ns)
{
	time_t whole = wall_ns / (int64_t)NS_PER_SECOND;
	int milliseconds = (int)(wall_ns % (int64_t)NS_PER_SECOND / 1000000);
	char date[40], text[64];
	struct tm utc;

	if (wall_ns < 0 || !gmtime_r(&whole, &utc) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc))
		return json_null();
	snprintf(text, sizeof(text), "%s.%03dZ", date, milliseconds);
	return json_string(text);
}

static json_t *frame_object(const struct frame *frame)
{
	return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b}",
			 "function", json_value_text(frame->function), "offset",
			 json_value_integer(frame->offset), "file",
			 json_value_text(frame->file), "line",
			 json_value_integer_or_null(frame->line), "module",
			 json_value_text(frame->module), "path",
			 json_value_text(frame->path), "build_id",
			 json_value_text(frame->build_id), "address",
			 json_value_hexadecimal("0x", 1, frame->address),
			 "inlined", frame->inlined, "guessed", frame->guessed);
}

json_t *json_value_frames(const frame_vector *frames)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < frames->count; i++)
		if (json_array_append_new(array,
					  frame_object(&frames->items[i])))
			return NULL;
	return take(array);
}

int json_value_emit(FILE *stream, const json_t *value)
{
	auto_free char *line = NULL;
	size_t length;

	if (value)
		line = json_dumps(
			value, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	if (!line)
		return -ENOMEM;
	length = strlen(line);
	line[length] = '\n'; /* in the place of the NUL */
	return report_emit(stream, line, length + 1);
}

json_t *json_value_suppressed(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->suppressed.count; i++) {
		const struct suppressed *one = &report->suppressed.items[i];

		if (json_array_append_new(
			    array,
			    json_pack("{s:o, s:I, s:I, s:I}", "pattern",
				      json_value_text(one->pattern), "stacks",
				      json_value_integer(one->stacks), "blocks",
				      json_value_integer(one->blocks), "bytes",
				      json_value_integer(one->bytes))))
			return NULL;
	}
	return take(array);
}
