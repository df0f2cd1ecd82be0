// SPDX-License-Identifier: GPL-2.0-or-later
/* What was found in a process, for people: see found_allocators.h. */
#include "capture/found_allocators.h"

#include <stdio.h>
#include <stdlib.h>

void found_allocators_free(found_allocators *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->items[i].object);
	vector_free(found);
}

/*
 * Whether other objects' malloc comes from an object that stands before this
 * C library in the order of symbols: the program, or a library loaded earlier.
 * Libraries are mapped downwards, so that is one above it.
 */
static bool is_interposed(const found_allocators *found,
			  const struct found_allocator *library)
{
	if (library->program ||
	    (library->family != FAMILY_GLIBC && library->family != FAMILY_MUSL))
		return false;
	for (size_t i = 0; i < found->count; i++) {
		const struct found_allocator *other = &found->items[i];

		if (other != library && other->interposes &&
		    (other->program || other->address > library->address))
			return true;
	}
	return false;
}

static int describe_one(const found_allocators *found,
			const struct found_allocator *one, char *text,
			size_t size)
{
	const char *family = allocator_family_name(one->family);
	const char *version = one->version.text;

	if (is_interposed(found, one))
		return snprintf(text, size, "%s (mmap only)", one->object);
	if (family)
		return snprintf(text, size, "%s%s%s in %s (%u functions)",
				family, *version ? " " : "", version,
				one->object, one->functions);
	return snprintf(text, size, "%s (%u functions)", one->object,
			one->functions);
}

/* Appends those that are interposed, or those that are not; the new length. */
static size_t describe_some(const found_allocators *found, bool interposed,
			    char *text, size_t size, size_t used)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct found_allocator *one = &found->items[i];
		int length;

		if (is_interposed(found, one) != interposed)
			continue;
		length = snprintf(text + used, size - used, "%s",
				  used ? ", " : "");
		if (length < 0 || used + (size_t)length >= size)
			break;
		used += (size_t)length;
		length = describe_one(found, one, text + used, size - used);
		if (length < 0 || used + (size_t)length >= size)
			break;
		used += (size_t)length;
	}
	return used;
}

/* Those whose functions are called come first. */
void found_allocators_describe(const found_allocators *found, char *text,
			       size_t size)
{
	size_t used;

	*text = '\0';
	used = describe_some(found, false, text, size, 0);
	describe_some(found, true, text, size, used);
}
