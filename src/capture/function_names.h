/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every name that is looked for in the objects of a process: the table of
 * functions.h, the same with the prefixes of allocators and of the user, and
 * what tells an allocator's family.
 */
#ifndef LEAKTRACE_CAPTURE_FUNCTION_NAMES_H
#define LEAKTRACE_CAPTURE_FUNCTION_NAMES_H

#include "capture/custom_function.h"
#include "util/vector.h"

struct function_name {
	const struct allocator_function *known; /* NULL = only a sign */
	enum allocator_family family;		/* that it is a sign of */
	/*
	 * Whether a symbol of local binding counts too: some program's own
	 * static free() is no allocator's.
	 */
	bool local;
	bool plain; /* a name that other objects call it by */
};

struct function_names {
	VECTOR(const char *) texts;	    /* no two alike */
	VECTOR(struct function_name) names; /* same index */
	VECTOR(char *) composed;	    /* texts that are on the heap */
};

/*
 * Fills a zeroed struct. prefix and custom: the user's, NULL = none; both must
 * outlive it. 0 or -ENOMEM.
 */
int function_names_fill(struct function_names *names, const char *prefix,
			const struct custom_functions *custom);
void function_names_free(struct function_names *names);

#endif
