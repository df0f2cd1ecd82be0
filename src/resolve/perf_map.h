/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that a just-in-time compiler made, as it lists them in
 * /tmp/perf-PID.map: lines of "START SIZE NAME", numbers in hexadecimal, the
 * name to the end of the line (Linux tools/perf/Documentation/
 * jit-interface.txt). Code memory is used again: where lines overlap the
 * later one holds.
 */
#ifndef LEAKTRACE_RESOLVE_PERF_MAP_H
#define LEAKTRACE_RESOLVE_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "resolve/ranges.h"
#include "util/vector.h"

struct perf_function {
	uint64_t start; /* absolute address in the process */
	const char *name;
};

/* All zero = empty. */
struct perf_map {
	range_vector ranges; /* item = index into functions */
	VECTOR(struct perf_function) functions;
	char *names; /* owned */
};

/*
 * Parses the text (no NUL needed; a last line without its newline may be half
 * written and is left out). Malformed lines are passed over. Returns 0 or
 * -ENOMEM, the map untouched on failure.
 */
int perf_map_parse(const char *text, size_t size, struct perf_map *map);

/* The function that holds address; NULL = none. */
const struct perf_function *perf_map_find(const struct perf_map *map,
					  uint64_t address);

void perf_map_free(struct perf_map *map);

#endif
