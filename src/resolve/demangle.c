// SPDX-License-Identifier: GPL-2.0-or-later
/* Linkage names to source names: see demangle.h. */
#include "resolve/demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define MANGLED_MAX 4096
#define READABLE_MAX 16384

/* D's demangler has no callback to stop it, so its input is limited more. */
#define D_MANGLED_MAX 1024
#define D_REFERENCES_MAX 32

/*
 * libiberty's own limit on recursion also refuses every name of more than
 * 1,024 characters, which template libraries do reach; MANGLED_MAX bounds the
 * recursion instead.
 */
#define OPTIONS (DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT)

struct sink {
	jmp_buf overflow;
	size_t length;
	char text[READABLE_MAX];
};

/*
 * The printer cannot be told to stop, and a hostile name of 500 characters
 * prints for hours: the jump is the only way out. The callback variants keep
 * their state on the stack, so nothing is lost by it (for Rust at most the
 * buffer of one punycode identifier).
 */
static void sink_write(const char *text, size_t length, void *opaque)
{
	struct sink *sink = opaque;

	if (length >= sizeof(sink->text) - sink->length)
		longjmp(sink->overflow, 1);
	memcpy(sink->text + sink->length, text, length);
	sink->length += length;
}

typedef int demangler(const char *symbol, int options,
		      demangle_callbackref callback, void *opaque);

static bool demangle_with(demangler *function, const char *symbol,
			  struct sink *sink)
{
	sink->length = 0;
	if (setjmp(sink->overflow))
		return false;
	return function(symbol, OPTIONS, sink_write, sink) && sink->length;
}

static bool d_is_mangled(const char *symbol)
{
	size_t references = 0;

	if (strncmp(symbol, "_D", 2) != 0 ||
	    (!isdigit((unsigned char)symbol[2]) &&
	     strcmp(symbol, "_Dmain") != 0) ||
	    strlen(symbol) > D_MANGLED_MAX)
		return false;
	for (; *symbol; symbol++)
		references += *symbol == 'Q';
	return references <= D_REFERENCES_MAX;
}

char *demangle(const char *symbol)
{
	auto_free struct sink *sink = NULL;

	if (symbol[0] != '_' || !strchr("ZRD", symbol[1]) || !symbol[1] ||
	    strnlen(symbol, MANGLED_MAX + 1) > MANGLED_MAX)
		return NULL;
	if (symbol[1] == 'D')
		return d_is_mangled(symbol) ? dlang_demangle(symbol, OPTIONS)
					    : NULL;
	sink = malloc(sizeof(*sink));
	if (!sink)
		return NULL;
	/* Rust's legacy names are valid C++ names too: ask for Rust first. */
	if (!demangle_with(rust_demangle_callback, symbol, sink) &&
	    !demangle_with(cplus_demangle_v3_callback, symbol, sink))
		return NULL;
	return strndup(sink->text, sink->length);
}
