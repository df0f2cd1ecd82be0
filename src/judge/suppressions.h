/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call stacks that are not to be reported, by rules in LeakSanitizer's syntax:
 * a line "leak:PATTERN" each; empty lines and lines that begin with # mean
 * nothing. A pattern is found anywhere in the name of a function, of a source
 * file or of an object file of any frame; ^ and $ bind it to the beginning and
 * the end, * stands for any characters.
 */
#ifndef LEAKTRACE_JUDGE_SUPPRESSIONS_H
#define LEAKTRACE_JUDGE_SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/location.h"
#include "util/error.h"

#define SUPPRESSION_NONE SIZE_MAX

struct suppressions {
	VECTOR(char *) patterns; /* owned, without "leak:", in file order */
};

/*
 * Reads rules from text, size bytes; name is for messages. Returns 0, or
 * -EINVAL with a message that has the number of the line; or -ENOMEM.
 */
int suppressions_parse(struct suppressions *suppressions, const char *text,
		       size_t size, const char *name, struct error *error);

/* The same from a file. */
int suppressions_load(struct suppressions *suppressions, const char *path,
		      struct error *error);

void suppressions_free(struct suppressions *suppressions);

/* Whether a pattern is found in a text; NULL never is. */
bool suppression_matches(const char *pattern, const char *text);

/* The first rule that one of the frames matches, or SUPPRESSION_NONE. */
size_t suppressions_find(const struct suppressions *suppressions,
			 const frame_vector *frames);

#endif
