// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions of an object are an allocator's: see object_search.h. */
#include "capture/object_search.h"

#include <errno.h>
#include <string.h>

void object_search_free(struct object_search *search)
{
	vector_free(&search->functions);
	vector_free(&search->symbols);
}

/* The user's function that a name stands for in this object, or NULL. */
static const struct custom_function *
custom_find(const struct object_source *source,
	    const struct search_terms *terms, const char *name)
{
	for (size_t i = 0; terms->custom && i < terms->custom->count; i++) {
		const struct custom_function *custom = &terms->custom->items[i];

		if (!custom->at && !strcmp(custom->name, name) &&
		    custom_function_is_in(custom, source->name,
					  source->program))
			return custom;
	}
	return NULL;
}

/* What a symbol is, as far as it can be told: NULL = nothing to probe. */
static const struct allocator_function *
symbol_meaning(const struct object_source *source,
	       const struct search_terms *terms,
	       const struct elf_function *symbol)
{
	const struct function_name *name =
		&terms->names->names.items[symbol->name_index];
	const struct custom_function *custom =
		custom_find(source, terms, symbol->name);

	if (custom)
		return &custom->known;
	if (!name->known || (symbol->local && !name->local) ||
	    (!terms->cookies && !allocator_function_is_shaped(name->known)))
		return NULL;
	return name->known;
}

/*
 * Makes out whose functions the object has; a libc is the last guess. Returns
 * whether operators of C++ are more than calls of malloc.
 */
static bool search_judge(struct object_search *search,
			 const struct function_names *names)
{
	bool cxx_library = false;

	for (size_t i = 0; i < search->symbols.count; i++) {
		const struct elf_function *symbol = &search->symbols.items[i];
		const struct function_name *name =
			&names->names.items[symbol->name_index];

		if (symbol->local && !name->local)
			continue;
		if (name->family > search->family &&
		    search->family <= FAMILY_MUSL)
			search->family = name->family;
		search->interposes |= name->plain && name->known->allocates;
		if (!strcmp(symbol->name, "mi_version"))
			search->version_function = symbol->file_offset;
		cxx_library |= !strcmp(symbol->name, ALLOCATOR_CXX_LIBRARY);
	}
	return !cxx_library || search->family > FAMILY_MUSL;
}

static int function_add(struct object_search *search,
			const struct meant_function *function)
{
	struct meant_function *added = vector_push(&search->functions);

	if (!added)
		return -ENOMEM;
	*added = *function;
	return 0;
}

/* Marks the user's functions that are found, or says why they cannot be. */
static int custom_mark(const struct search_terms *terms,
		       const struct allocator_function *known,
		       struct error *error)
{
	for (size_t i = 0; terms->custom && i < terms->custom->count; i++) {
		const struct custom_function *custom = &terms->custom->items[i];

		if (&custom->known != known)
			continue;
		if (!terms->cookies && !allocator_function_is_shaped(known))
			return error_set(
				error, ENOTSUP,
				"%s: probes at other arguments than malloc's and free's need Linux 5.15",
				custom->text);
		terms->custom_seen[i] = true;
	}
	return 0;
}

/* Adds the user's functions that have an address in this object. */
static int places_add(struct object_search *search,
		      const struct object_source *source,
		      const struct search_terms *terms, bool returning,
		      struct error *error)
{
	for (size_t i = 0; terms->custom && i < terms->custom->count; i++) {
		const struct custom_function *custom = &terms->custom->items[i];
		struct meant_function function = {
			.name = custom->name,
			.known = &custom->known,
			.address = custom->address,
		};

		if (!custom->at || custom->known.returns != returning ||
		    !custom_function_is_in(custom, source->name,
					   source->program))
			continue;
		if (elf_code_find(source->fd, custom->address,
				  &function.file_offset))
			return error_set(error, ERANGE,
					 "%s: %s has no code at this address",
					 custom->text, source->name);
		if (custom_mark(terms, function.known, error))
			return -ENOTSUP;
		if (function_add(search, &function))
			return error_set(error, ENOMEM, "out of memory");
	}
	return 0;
}

/* Adds the functions that bear one name, in the order of the symbols. */
static int names_add(struct object_search *search,
		     const struct object_source *source,
		     const struct search_terms *terms, bool operators,
		     bool returning, struct error *error)
{
	for (size_t index = 0; index < terms->names->texts.count; index++) {
		for (size_t i = 0; i < search->symbols.count; i++) {
			const struct elf_function *symbol =
				&search->symbols.items[i];
			struct meant_function function = {
				.name = symbol->name,
				.address = symbol->address,
				.file_offset = symbol->file_offset,
				.size = symbol->size,
			};

			if (symbol->name_index != index)
				continue;
			function.known = symbol_meaning(source, terms, symbol);
			if (!function.known ||
			    function.known->returns != returning ||
			    (function.known->cxx && !operators) ||
			    (source->linker_only &&
			     function.known->shape != ABI_SHAPE_LIBRARIES))
				continue;
			if (custom_mark(terms, function.known, error))
				return -ENOTSUP;
			if (function_add(search, &function))
				return error_set(error, ENOMEM,
						 "out of memory");
		}
	}
	return 0;
}

int object_search(struct object_search *search,
		  const struct object_source *source,
		  const struct search_terms *terms, struct error *error)
{
	const struct function_names *names = terms->names;
	bool operators;
	int result = elf_functions_find(source->fd, names->texts.items,
					names->texts.count, &search->symbols,
					error);

	if (result)
		return result;
	operators = search_judge(search, names);
	for (int returning = 0; !result && returning <= 1; returning++) {
		result = places_add(search, source, terms, returning, error);
		if (!result)
			result = names_add(search, source, terms, operators,
					   returning, error);
	}
	return result;
}
