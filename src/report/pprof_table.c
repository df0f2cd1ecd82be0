// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of a pprof profile: see pprof_table.h. */
#include "report/pprof_table.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/utf8.h"

/* A node of a tree: what is entered, and its number. */
struct string_node {
	const char *text;
	int64_t number;
};

struct number_node {
	uint64_t key[4];
	uint64_t number;
};

static int by_text(const void *left, const void *right)
{
	const struct string_node *a = left, *b = right;

	return strcmp(a->text, b->text);
}

static int by_numbers(const void *left, const void *right)
{
	const struct number_node *a = left, *b = right;

	return memcmp(a->key, b->key, sizeof(a->key));
}

/*
 * The node of the tree that equals wanted, a copy of it if there was none
 * (*added then); NULL = out of memory.
 */
static void *node_find(void **tree, const void *wanted, size_t size,
		       int (*compare)(const void *, const void *), bool *added)
{
	void *node = malloc(size);
	void **found;

	if (!node)
		return NULL;
	memcpy(node, wanted, size);
	found = tsearch(node, tree, compare);
	*added = found && *found == node;
	if (!*added)
		free(node);
	return found ? *found : NULL;
}

static int64_t string_add(struct pprof_tables *tables, char *text)
{
	struct string_node wanted = { text, (int64_t)tables->strings.count };
	struct string_node *node = NULL;
	bool added = false;

	/* Room first: a tree gives nothing back. */
	if (text && !vector_reserve(&tables->strings, 1))
		node = node_find(&tables->string_tree, &wanted, sizeof(wanted),
				 by_text, &added);
	tables->failed |= !node;
	if (added)
		*vector_push(&tables->strings) = text;
	else
		free(text);
	return node ? node->number : 0;
}

int64_t pprof_string(struct pprof_tables *tables, const char *text)
{
	/* The first string must be the empty one. */
	if (!tables->strings.count && !tables->failed)
		string_add(tables, strdup(""));
	if (tables->failed)
		return 0;
	return string_add(tables, utf8_sanitise(text ? text : ""));
}

/* The number of a key, `next` if it is new. 0 = out of memory. */
static uint64_t number_of(struct pprof_tables *tables, void **tree,
			  const struct number_node *wanted, bool *added)
{
	const struct number_node *node =
		node_find(tree, wanted, sizeof(*wanted), by_numbers, added);

	tables->failed |= !node;
	return node ? node->number : 0;
}

/* A message in a table, on the heap as the library's own would be. */
#define MESSAGE_NEW(tables, vector, type, initial)                    \
	({                                                            \
		type *message_ = malloc(sizeof(*message_));           \
		type **slot_ = message_ ? vector_push(vector) : NULL; \
		if (slot_) {                                          \
			*message_ = (type)initial;                    \
			*slot_ = message_;                            \
		} else {                                              \
			(tables)->failed = true;                      \
			free(message_);                               \
			message_ = NULL;                              \
		}                                                     \
		message_;                                             \
	})

static uint64_t function_add(struct pprof_tables *tables,
			     const struct frame *frame)
{
	struct number_node wanted = {
		.key = { (uint64_t)pprof_string(tables, frame->function),
			 (uint64_t)pprof_string(tables, frame->file) },
		.number = tables->functions.count + 1,
	};
	Leaktrace__Pprof__Function *function;
	bool added = false;
	uint64_t number =
		number_of(tables, &tables->function_tree, &wanted, &added);

	if (!added)
		return number;
	function = MESSAGE_NEW(tables, &tables->functions,
			       Leaktrace__Pprof__Function,
			       LEAKTRACE__PPROF__FUNCTION__INIT);
	if (!function)
		return 0;
	function->id = number;
	function->name = function->system_name = (int64_t)wanted.key[0];
	function->filename = (int64_t)wanted.key[1];
	return number;
}

/* Whether readers need not look for names themselves. */
static void mapping_set_named(Leaktrace__Pprof__Mapping *mapping, bool named)
{
	mapping->has_functions = named;
	mapping->has_filenames = named;
	mapping->has_line_numbers = named;
	mapping->has_inline_frames = named;
}

/* The mapping of a frame's object, NULL if it has none. */
static Leaktrace__Pprof__Mapping *mapping_add(struct pprof_tables *tables,
					      const struct frame *frame)
{
	const char *name = frame->path ? frame->path : frame->module;
	struct number_node wanted = { .number = tables->mappings.count + 1 };
	Leaktrace__Pprof__Mapping *mapping;
	bool added = false;
	uint64_t number;

	if (!name)
		return NULL;
	wanted.key[0] = (uint64_t)pprof_string(tables, name);
	wanted.key[1] = (uint64_t)pprof_string(tables, frame->build_id);
	number = number_of(tables, &tables->mapping_tree, &wanted, &added);
	if (tables->failed)
		return NULL;
	if (!added)
		return tables->mappings.items[number - 1];
	mapping = MESSAGE_NEW(tables, &tables->mappings,
			      Leaktrace__Pprof__Mapping,
			      LEAKTRACE__PPROF__MAPPING__INIT);
	if (!mapping)
		return NULL;
	mapping->id = number;
	mapping->filename = (int64_t)wanted.key[0];
	mapping->build_id = (int64_t)wanted.key[1];
	mapping_set_named(mapping, true);
	return mapping;
}

/* The lines of a location: one a function, none without a name. */
static int lines_add(struct pprof_tables *tables,
		     Leaktrace__Pprof__Location *location,
		     const struct frame *frames, size_t count)
{
	location->line = calloc(count, sizeof(*location->line));
	if (!location->line)
		return -1;
	for (size_t i = 0; i < count; i++) {
		Leaktrace__Pprof__Line *line;

		if (!frames[i].function)
			continue;
		line = malloc(sizeof(*line));
		if (!line)
			return -1;
		*line = (Leaktrace__Pprof__Line)LEAKTRACE__PPROF__LINE__INIT;
		line->function_id = function_add(tables, &frames[i]);
		line->line = frames[i].line;
		location->line[location->n_line++] = line;
	}
	return 0;
}

uint64_t pprof_location(struct pprof_tables *tables, const struct frame *frames,
			size_t count, size_t *used)
{
	struct number_node wanted = { .number = tables->locations.count + 1 };
	Leaktrace__Pprof__Location *location;
	Leaktrace__Pprof__Mapping *mapping;
	bool added = false;
	uint64_t number;

	for (*used = 1; *used < count && frames[*used - 1].inlined;)
		++*used;
	mapping = mapping_add(tables, &frames[*used - 1]);
	wanted.key[0] = mapping ? mapping->id : 0;
	wanted.key[1] = frames->address;
	wanted.key[2] = frames->function ? function_add(tables, frames) : 0;
	wanted.key[3] = (uint64_t)frames->line << 32 | *used;
	number = number_of(tables, &tables->location_tree, &wanted, &added);
	if (!added)
		return number;
	location = MESSAGE_NEW(tables, &tables->locations,
			       Leaktrace__Pprof__Location,
			       LEAKTRACE__PPROF__LOCATION__INIT);
	if (!location)
		return 0;
	location->id = number;
	location->mapping_id = wanted.key[0];
	/* Readers look an address up as it is: the call's, not behind it. */
	location->address =
		frames->address - (!frames->exact && frames->address);
	/* Addresses are those in the object, which so begins at 0. */
	if (mapping && mapping->memory_limit <= location->address &&
	    location->address < UINT64_MAX)
		mapping->memory_limit = location->address + 1;
	if (mapping && !frames->function)
		mapping_set_named(mapping, false);
	if (lines_add(tables, location, frames, *used))
		tables->failed = true;
	return number;
}

void pprof_tables_free(struct pprof_tables *tables)
{
	tdestroy(tables->string_tree, free);
	tdestroy(tables->function_tree, free);
	tdestroy(tables->mapping_tree, free);
	tdestroy(tables->location_tree, free);
}
