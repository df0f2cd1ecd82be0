// SPDX-License-Identifier: GPL-2.0-or-later
/* What a program's mappings are called: see mapping_names.h. */
#include "capture/mapping_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char others[] = " and others";

const char *mapping_name(const char *path, size_t *length)
{
	static const char *const prefixes[] = { "[anon:", "[anon_shmem:" };
	size_t size = path ? strlen(path) : 0;

	*length = 0;
	if (!size)
		return "";
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (size > prefix && !strncmp(path, prefixes[i], prefix) &&
		    path[size - 1] == ']') {
			*length = size - prefix - 1;
			return path + prefix;
		}
	}
	if (path[0] == '/')
		*length = size;
	return path;
}

/* The text, on the heap and only once; NULL when there is no room. */
static const char *text_keep(struct mapping_names *names, const char *name,
			     size_t length, const char *suffix)
{
	size_t tail = strlen(suffix);
	char **slot;

	for (size_t i = 0; i < names->texts.count; i++) {
		const char *text = names->texts.items[i];

		if (!strncmp(text, name, length) &&
		    !strcmp(text + length, suffix))
			return text;
	}
	if (names->texts.count >= MAPPING_NAMES_MAX)
		return NULL;
	slot = vector_push(&names->texts);
	if (!slot)
		return NULL;
	*slot = malloc(length + tail + 1);
	if (!*slot) {
		names->texts.count--;
		return NULL;
	}
	memcpy(*slot, name, length);
	memcpy(*slot + length, suffix, tail + 1);
	return *slot;
}

static bool has_others(const char *text)
{
	size_t length = strlen(text);

	return length >= sizeof(others) - 1 &&
	       !strcmp(text + length - (sizeof(others) - 1), others);
}

/* One more range of a stack has this name. */
static void stack_name(struct mapping_names *names, const char **text,
		       const char *name, size_t length)
{
	const char *kept;

	if (!*text) {
		*text = text_keep(names, name, length, "");
		return;
	}
	if (has_others(*text) ||
	    (!strncmp(*text, name, length) && !(*text)[length]))
		return;
	kept = text_keep(names, *text, strlen(*text), others);
	if (kept)
		*text = kept;
}

int mapping_names_update(struct mapping_names *names,
			 const struct ledger *ledger,
			 const struct process_maps *maps)
{
	VECTOR(const char *) fresh = { 0 };

	if (vector_reserve(&fresh, ledger->totals.count + 1))
		return -ENOMEM;
	for (size_t i = 0; i < ledger->totals.count; i++)
		*vector_push(&fresh) = NULL;
	for (size_t i = 0; i < ledger->ranges.count; i++) {
		const struct mapping_range *range = &ledger->ranges.items[i];
		const struct process_mapping *mapping =
			process_maps_find(maps, range->start);
		const char *name;
		size_t length;

		if (!mapping || range->stack >= fresh.count)
			continue;
		name = mapping_name(mapping->path, &length);
		if (length)
			stack_name(names, &fresh.items[range->stack], name,
				   length);
	}
	for (size_t i = 0; i < fresh.count; i++)
		if (!fresh.items[i])
			fresh.items[i] = mapping_names_find(names, (uint32_t)i);
	vector_free(&names->of_stacks);
	names->of_stacks.items = fresh.items;
	names->of_stacks.count = fresh.count;
	names->of_stacks.capacity = fresh.capacity;
	return 0;
}

const char *mapping_names_find(const struct mapping_names *names,
			       uint32_t stack)
{
	return stack < names->of_stacks.count ? names->of_stacks.items[stack]
					      : NULL;
}

void mapping_names_free(struct mapping_names *names)
{
	for (size_t i = 0; i < names->texts.count; i++)
		free(names->texts.items[i]);
	vector_free(&names->texts);
	vector_free(&names->of_stacks);
}
