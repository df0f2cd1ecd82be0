/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes, durations and counts: from what people type, and to what people
 * read. Pure; independent of the locale.
 *
 * A number is digits with an optional fraction ("1.5"), then a unit with at
 * most one space before it. Arithmetic is exact; what is left of the smallest
 * unit is dropped ("1.1KiB" is 1126 bytes).
 */
#ifndef LEAKTRACE_UTIL_UNITS_H
#define LEAKTRACE_UTIL_UNITS_H

#include <stdint.h>

#include "util/error.h"

/*
 * Each returns 0, or -EINVAL (no number, unknown unit) or -ERANGE (too large)
 * with a message that quotes the text and names the units; the result is
 * untouched then.
 */

/*
 * Bytes. No unit or B: bytes. K, KiB, M, MiB, G, GiB, T, TiB: powers of 1024.
 * KB, MB, GB, TB: powers of 1000, as coreutils has them. Either case.
 */
int units_parse_size(const char *text, uint64_t *bytes, struct error *error);

/*
 * Nanoseconds, at most INT64_MAX. No unit: seconds. ns, us, ms, s, m or min,
 * h, d; lower case.
 */
int units_parse_duration(const char *text, uint64_t *nanoseconds,
			 struct error *error);

/* How many. No unit: as given. K, M, G: powers of 1024. Either case. */
int units_parse_count(const char *text, uint64_t *count, struct error *error);

/* What the formatting functions return: use the text within the expression. */
struct unit_text {
	char text[40];
};

/* "812 B", "1.5 MiB": one decimal, rounded to nearest. */
struct unit_text units_size(uint64_t bytes);

/* "+1.5 MiB", "-812 B", "unchanged". */
struct unit_text units_size_change(int64_t bytes);

/* "4,812" */
struct unit_text units_count(uint64_t count);

/* "+4,812", "-3", "unchanged". */
struct unit_text units_count_change(int64_t count);

/*
 * "812 ns", "1.5 ms", "517 ms", "12.3 s", "3 min 20 s", "2 h 5 min",
 * "3 d 4 h": two or three digits of worth, rounded to nearest.
 */
struct unit_text units_duration(uint64_t nanoseconds);

#endif
