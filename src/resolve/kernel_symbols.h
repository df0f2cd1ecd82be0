/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel addresses to functions, also of modules that were loaded after the
 * first look-up or have been unloaded since: /proc/kallsyms is read again
 * when an address is unknown and the list of modules has changed, and what
 * was read before is kept.
 */
#ifndef LEAKTRACE_RESOLVE_KERNEL_SYMBOLS_H
#define LEAKTRACE_RESOLVE_KERNEL_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "resolve/kallsyms.h"
#include "resolve/kernel_modules.h"
#include "util/vector.h"

/* Where a module's code was when it was loaded. */
struct kernel_code {
	char *module; /* owned */
	uint64_t start, end;
};

/* All zero = nothing read yet. */
struct progress;

struct kernel_symbols {
	VECTOR(struct kernel_code) loaded; /* the newest last */
	VECTOR(struct kallsyms) readings;  /* the newest last */
	bool tried;
	bool hidden;		    /* every address is zero: kptr_restrict */
	struct kernel_modules uses; /* by all readings of /proc/modules */
	uint64_t modules;    /* hash of /proc/modules at the last reading */
	uint64_t checked_ns; /* CLOCK_MONOTONIC, when it was last compared */
	struct progress *progress; /* tells of reading; NULL = does not */
};

struct kernel_function {
	/* As in kallsyms, NULL if only the module is known; lives as long as
	   the symbols. */
	const char *name;
	const char *module; /* the same; "vmlinux" for the kernel proper */
	uint64_t start;	    /* of the function, or the module's code */
};

/*
 * The function that holds address; false if there is none, the addresses are
 * hidden or cannot be read.
 */
bool kernel_symbols_find(struct kernel_symbols *symbols, uint64_t address,
			 struct kernel_function *function);

/* As resolver_kernel_loaded(). */
void kernel_symbols_loaded(struct kernel_symbols *symbols, const char *name,
			   size_t size, uint64_t start, uint64_t end);

/* Modules have come or are going: reads what is new among their symbols. */
void kernel_symbols_changed(struct kernel_symbols *symbols);

/* As resolver_kernel_module_range(). */
bool kernel_symbols_module_range(struct kernel_symbols *symbols,
				 const char *name, uint64_t *start,
				 uint64_t *end);

void kernel_symbols_free(struct kernel_symbols *symbols);

#endif
