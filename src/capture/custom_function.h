/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocator functions that the user names, with --alloc and its like:
 *
 *	[OBJECT!]NAME[:size=ARG[*ARG]][:ptr=ARG][:ret|:out=ARG]	 --alloc
 *	[OBJECT!]NAME[:ptr=ARG]					 --free
 *	[OBJECT]+ADDRESS[:...]			    --alloc-at, --free-at
 *
 * ARG counts a function's arguments from 1. Pure: text in, struct out.
 */
#ifndef LEAKTRACE_CAPTURE_CUSTOM_FUNCTION_H
#define LEAKTRACE_CAPTURE_CUSTOM_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/functions.h"
#include "util/error.h"

enum {
	CUSTOM_FUNCTIONS_MAX = 32,
	CUSTOM_NAME_MAX = 256, /* with the NUL; C++'s are long */
	CUSTOM_OBJECT_MAX = 128,
	CUSTOM_ARGUMENTS = 6, /* those that are passed in registers */
};

enum custom_kind {
	CUSTOM_ALLOC = 0,
	CUSTOM_FREE = 1 << 0,
	CUSTOM_AT = 1 << 1, /* an address instead of a name */
};

struct custom_function {
	const char *text;		/* as given: the caller's */
	char object[CUSTOM_OBJECT_MAX]; /* "" = any; with AT: the program */
	char name[CUSTOM_NAME_MAX];	/* with AT: "OBJECT+0xADDRESS" */
	bool at;
	uint64_t address;		 /* ELF virtual address, with AT */
	bool sizeless;			 /* size=none */
	struct allocator_function known; /* but for its name */
};

struct custom_functions {
	struct custom_function items[CUSTOM_FUNCTIONS_MAX];
	size_t count;
};

/*
 * Parses one argument of an option. 0, or -EINVAL with a message that names
 * the part that is wrong; *function is untouched then.
 */
int custom_function_parse(unsigned int kind, const char *text,
			  struct custom_function *function,
			  struct error *error);

/*
 * Whether the user means this object: its name is the one given, or goes on
 * behind it with a dot or a dash (libsqlite3 for libsqlite3.so.0.8.6).
 */
bool custom_function_is_in(const struct custom_function *function,
			   const char *object, bool program);

#endif
