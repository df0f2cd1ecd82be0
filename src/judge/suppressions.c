// SPDX-License-Identifier: GPL-2.0-or-later
/* Call stacks that are not to be reported: see suppressions.h. */
#include "judge/suppressions.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define FILE_BYTES_MAX (16 << 20)

static const char rule[] = "leak:";

/* Adds the rule of one line, if there is one on it. */
static int line_parse(struct suppressions *suppressions, const char *line,
		      size_t length, const char *name, size_t number,
		      struct error *error)
{
	char **pattern;

	while (length && strchr(" \t\r", line[length - 1]))
		length--;
	while (length && strchr(" \t", *line)) {
		line++;
		length--;
	}
	if (!length || *line == '#')
		return 0;
	if (memchr(line, '\0', length))
		return error_set(error, EINVAL, "%s:%zu: it has a NUL in it",
				 name, number);
	if (length < strlen(rule) || strncmp(line, rule, strlen(rule)) != 0)
		return error_set(error, EINVAL,
				 "%s:%zu: not a rule: write leak:PATTERN", name,
				 number);
	line += strlen(rule);
	length -= strlen(rule);
	/* Such a rule would hide everything. */
	if (strspn(line, "*^$") >= length)
		return error_set(error, EINVAL,
				 "%s:%zu: the pattern is empty: name a "
				 "function, file or module",
				 name, number);
	pattern = vector_push(&suppressions->patterns);
	if (!pattern)
		return error_set(error, ENOMEM, "out of memory");
	*pattern = strndup(line, length);
	if (!*pattern) {
		suppressions->patterns.count--;
		return error_set(error, ENOMEM, "out of memory");
	}
	return 0;
}

int suppressions_parse(struct suppressions *suppressions, const char *text,
		       size_t size, const char *name, struct error *error)
{
	struct suppressions parsed = { 0 };
	size_t at = 0, number = 0;

	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;
		int result = line_parse(&parsed, text + at, length, name,
					++number, error);

		if (result) {
			suppressions_free(&parsed);
			return result;
		}
		at += length + 1;
	}
	*suppressions = parsed;
	return 0;
}

int suppressions_load(struct suppressions *suppressions, const char *path,
		      struct error *error)
{
	auto_fclose FILE *file = fopen(path, "re");
	auto_free char *text = malloc(FILE_BYTES_MAX + 1);
	size_t size;

	if (!file)
		return error_set(error, errno, "cannot open %s: %s", path,
				 strerror(errno));
	if (!text)
		return error_set(error, ENOMEM, "out of memory");
	size = fread(text, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		return error_set(error, EIO, "cannot read %s", path);
	if (size > FILE_BYTES_MAX)
		return error_set(error, EFBIG,
				 "%s is too large: give 16 MiB at most", path);
	return suppressions_parse(suppressions, text, size, path, error);
}

void suppressions_free(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->patterns.count; i++)
		free(suppressions->patterns.items[i]);
	vector_free(&suppressions->patterns);
}

/* Whether text begins with the part of a pattern before its next * or end. */
static bool begins_with(const char *text, const char *part, size_t length)
{
	return !strncmp(text, part, length);
}

bool suppression_matches(const char *pattern, const char *text)
{
	bool at_start = *pattern == '^', at_end, bound;
	size_t length = strlen(pattern);
	const char *end = pattern + length;

	if (!text)
		return false;
	at_end = length && end[-1] == '$';
	end -= at_end;
	pattern += at_start;
	/* Each part at its first place: none further on could do better. */
	for (bound = at_start; pattern < end;) {
		size_t part = strcspn(pattern, "*");

		if (part > (size_t)(end - pattern))
			part = (size_t)(end - pattern);
		if (pattern + part == end && at_end && part) {
			size_t left = strlen(text);

			/* The last part: at the end, and nowhere else. */
			if (left < part || (bound && left != part))
				return false;
			return begins_with(text + left - part, pattern, part);
		}
		while (!begins_with(text, pattern, part)) {
			if (bound || !*text)
				return false;
			text++;
		}
		text += part;
		pattern += part;
		bound = false;
		if (pattern < end)
			pattern++; /* the * */
	}
	/* "a*$" is satisfied by any end, "^$" by none but the empty text. */
	return true;
}

size_t suppressions_find(const struct suppressions *suppressions,
			 const frame_vector *frames)
{
	for (size_t i = 0; i < suppressions->patterns.count; i++) {
		const char *pattern = suppressions->patterns.items[i];

		for (size_t j = 0; j < frames->count; j++) {
			const struct frame *frame = &frames->items[j];

			if (suppression_matches(pattern, frame->function) ||
			    suppression_matches(pattern, frame->file) ||
			    suppression_matches(pattern,
						frame->path ? frame->path
							    : frame->module))
				return i;
		}
	}
	return SUPPRESSION_NONE;
}
