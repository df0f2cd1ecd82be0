/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which functions of one object file are an allocator's, by the names of its
 * symbols and by what the user says.
 */
#ifndef LEAKTRACE_CAPTURE_OBJECT_SEARCH_H
#define LEAKTRACE_CAPTURE_OBJECT_SEARCH_H

#include "capture/custom_function.h"
#include "capture/function_names.h"
#include "resolve/elf_symbols.h"
#include "util/error.h"

/* An object file of the process, or one that the user named. */
struct object_source {
	int fd;
	const char *path; /* how the kernel finds the file behind fd */
	const char *name; /* what people call it */
	bool linker_only; /* just the dynamic linker's notice of libraries */
	bool program;	  /* the process's executable */
	uint64_t address; /* where it is mapped, 0 = unknown */
};

/* What is looked for. */
struct search_terms {
	const struct function_names *names;
	const struct custom_functions *custom; /* NULL = none */
	bool *custom_seen; /* set where one is found; same index */
	bool cookies;	   /* probes can tell of arguments in other places */
};

/* A function that is to be probed. */
struct meant_function {
	const char *name;
	const struct allocator_function *known;
	uint64_t address, file_offset, size; /* as in struct elf_function */
};

/* What was found. */
struct object_search {
	VECTOR(struct meant_function)
	functions; /* in the order of attaching,
						  * returning ones last */
	enum allocator_family family;
	bool interposes;	   /* defines malloc for other objects */
	uint64_t version_function; /* file offset of mi_version(), or 0 */

	elf_function_vector symbols; /* all that bear one of the names */
};

/*
 * Searches the file behind source->fd. Returns 0 also when nothing is found;
 * errors as elf_functions_find(), -ERANGE for an address of the user's that
 * is not code of the object, -ENOTSUP for functions of the user's that this
 * kernel cannot probe. Freed by object_search_free() in any case.
 */
int object_search(struct object_search *search,
		  const struct object_source *source,
		  const struct search_terms *terms, struct error *error);

void object_search_free(struct object_search *search);

#endif
