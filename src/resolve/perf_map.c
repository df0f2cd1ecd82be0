// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions that a just-in-time compiler made: see perf_map.h. */
#include "resolve/perf_map.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Reads a number and the blanks after it; NULL if malformed. */
static const char *parse_number(const char *at, const char *end,
				uint64_t *number)
{
	const char *start;

	if (end - at > 2 && at[0] == '0' &&
	    tolower((unsigned char)at[1]) == 'x')
		at += 2;
	*number = 0;
	for (start = at; at < end && isxdigit((unsigned char)*at); at++) {
		int digit = isdigit((unsigned char)*at)
				    ? *at - '0'
				    : tolower((unsigned char)*at) - 'a' + 10;

		if (*number >> 60)
			return NULL;
		*number = *number << 4 | (uint64_t)digit;
	}
	if (at == start || at == end || !isblank((unsigned char)*at))
		return NULL;
	while (at < end && isblank((unsigned char)*at))
		at++;
	return at;
}

static bool parse_line(const char *at, const char *end, struct range *range,
		       const char **name)
{
	uint64_t size;

	at = parse_number(at, end, &range->start);
	at = at ? parse_number(at, end, &size) : NULL;
	if (!at || at == end || !size ||
	    __builtin_add_overflow(range->start, size, &range->end))
		return false;
	*name = at;
	return true;
}

static int perf_map_add(struct perf_map *map, const struct range *range,
			const char *name)
{
	struct perf_function *function = vector_push(&map->functions);
	struct range *added = vector_push(&map->ranges);

	if (!function || !added)
		return -ENOMEM;
	function->start = range->start;
	function->name = name;
	*added = *range;
	added->item = (uint32_t)map->functions.count - 1;
	added->priority = added->item;
	return 0;
}

/* names: room for as many bytes as the text has. */
static int parse_text(const char *text, size_t size, struct perf_map *map)
{
	const char *end = text + size, *stop, *name;
	char *names = map->names;

	for (; text < end; text = stop + 1) {
		struct range range = { 0 };
		size_t length;

		stop = memchr(text, '\n', (size_t)(end - text));
		if (!stop || map->functions.count == UINT32_MAX)
			return 0;
		if (!parse_line(text, stop, &range, &name))
			continue;
		length = strnlen(name, (size_t)(stop - name));
		while (length && isspace((unsigned char)name[length - 1]))
			length--;
		if (!length)
			continue;
		memcpy(names, name, length);
		names[length] = '\0';
		if (perf_map_add(map, &range, names))
			return -ENOMEM;
		names += length + 1;
	}
	return 0;
}

int perf_map_parse(const char *text, size_t size, struct perf_map *map)
{
	struct perf_map made = { 0 };

	made.names = malloc(size + 1);
	if (!made.names || parse_text(text, size, &made) ||
	    ranges_flatten(&made.ranges)) {
		perf_map_free(&made);
		return -ENOMEM;
	}
	*map = made;
	return 0;
}

const struct perf_function *perf_map_find(const struct perf_map *map,
					  uint64_t address)
{
	const struct range *range = ranges_find(&map->ranges, address);

	return range ? &map->functions.items[range->item] : NULL;
}

void perf_map_free(struct perf_map *map)
{
	vector_free(&map->ranges);
	vector_free(&map->functions);
	free(map->names);
	*map = (struct perf_map){ 0 };
}
