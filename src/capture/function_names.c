// SPDX-License-Identifier: GPL-2.0-or-later
/* Every name that is looked for in objects: see function_names.h. */
#include "capture/function_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool name_is_known(const struct function_names *names, const char *text)
{
	for (size_t i = 0; i < names->texts.count; i++)
		if (!strcmp(names->texts.items[i], text))
			return true;
	return false;
}

static int name_add(struct function_names *names, const char *text,
		    const struct function_name *name)
{
	struct function_name *added;
	const char **slot;

	if (name_is_known(names, text))
		return 0;
	slot = vector_push(&names->texts);
	added = vector_push(&names->names);
	if (!slot || !added)
		return -ENOMEM;
	*slot = text;
	*added = *name;
	return 0;
}

static int name_add_prefixed(struct function_names *names, const char *prefix,
			     const struct function_name *name)
{
	char **slot = vector_push(&names->composed);

	if (!slot)
		return -ENOMEM;
	*slot = NULL;
	if (asprintf(slot, "%s%s", prefix, name->known->name) < 0) {
		*slot = NULL;
		return -ENOMEM;
	}
	return name_add(names, *slot, name);
}

/* What a name means if nothing more is said of it. */
static struct function_name name_of(const struct allocator_function *known)
{
	return (struct function_name){
		.known = known,
		.family = known->family,
		.local = known->local ||
			 (known->family != FAMILY_NONE && !known->cxx),
		.plain = known->family == FAMILY_NONE,
	};
}

static int names_add_prefixes(struct function_names *names,
			      const struct allocator_function *known)
{
	struct function_name name = name_of(known);
	int result = 0;

	if (!allocator_function_takes_prefix(known))
		return 0;
	name.local = true;
	name.plain = false;
	for (size_t i = 0; !result && i < allocator_prefix_count; i++) {
		name.family = allocator_prefixes[i].family;
		result = name_add_prefixed(names, allocator_prefixes[i].text,
					   &name);
	}
	return result;
}

/* The user knows best which functions have the prefix. */
static int names_add_users(struct function_names *names, const char *prefix)
{
	int result = 0;

	for (size_t i = 0; !result && i < allocator_function_count; i++) {
		const struct allocator_function *known =
			&allocator_functions[i];
		struct function_name name = name_of(known);

		if (known->cxx || !allocator_arguments(known->shape))
			continue;
		name.local = true;
		name.plain = false;
		result = name_add_prefixed(names, prefix, &name);
	}
	return result;
}

int function_names_fill(struct function_names *names, const char *prefix,
			const struct custom_functions *custom)
{
	static const struct function_name sign = { .local = true };
	struct function_name name;
	int result = 0;

	for (size_t i = 0; !result && i < allocator_function_count; i++) {
		name = name_of(&allocator_functions[i]);
		result = name_add(names, allocator_functions[i].name, &name);
	}
	for (size_t i = 0; !result && i < allocator_function_count; i++)
		result = names_add_prefixes(names, &allocator_functions[i]);
	if (!result && prefix)
		result = names_add_users(names, prefix);
	/* What these mean depends on the object. */
	for (size_t i = 0; !result && custom && i < custom->count; i++)
		if (!custom->items[i].at)
			result = name_add(names, custom->items[i].name, &sign);
	for (size_t i = 0; !result && i < allocator_marker_count; i++) {
		name = sign;
		name.family = allocator_markers[i].family;
		result = name_add(names, allocator_markers[i].name, &name);
	}
	if (!result)
		result = name_add(names, ALLOCATOR_CXX_LIBRARY, &sign);
	return result;
}

void function_names_free(struct function_names *names)
{
	for (size_t i = 0; i < names->composed.count; i++)
		free(names->composed.items[i]);
	vector_free(&names->composed);
	vector_free(&names->texts);
	vector_free(&names->names);
}
