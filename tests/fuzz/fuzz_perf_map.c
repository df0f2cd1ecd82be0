// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzes the parser of /tmp/perf-PID.map, which the target writes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/generated_name.h"
#include "resolve/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever was parsed, ranges are sorted, disjoint and name a function. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_map map;
	struct generated_name name;
	uint64_t last = 0;

	if (perf_map_parse((const char *)data, size, &map))
		return 0;
	for (size_t i = 0; i < map.ranges.count; i++) {
		const struct range *range = &map.ranges.items[i];
		const struct perf_function *function =
			perf_map_find(&map, range->start);

		if (range->start < last || range->end <= range->start ||
		    !function || !function->name[0] ||
		    function->start > range->start ||
		    perf_map_find(&map, range->end - 1) != function)
			abort();
		generated_name_split(function->name, &name);
		if (!name.function[0] ||
		    strlen(name.function) + strlen(name.file) >
			    strlen(function->name) + strlen("(anonymous)"))
			abort();
		last = range->end;
	}
	perf_map_free(&map);
	return 0;
}
