/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own symbol list, /proc/kallsyms: lines of "ADDRESS TYPE NAME"
 * and, for modules, a tab and "[MODULE]" (kernel/kallsyms.c, s_show(); types
 * as in nm(1)). Addresses are all zero to readers without CAP_SYSLOG while
 * kernel.kptr_restrict is 1, and to everyone while it is 2.
 */
#ifndef LEAKTRACE_RESOLVE_KALLSYMS_H
#define LEAKTRACE_RESOLVE_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vector.h"

struct kernel_symbol {
	uint64_t start, end;
	uint32_t name;	 /* offset in struct kallsyms' names */
	uint32_t module; /* the same; KALLSYMS_NO_MODULE: the kernel proper */
	uint32_t rank;	 /* among aliases, lower is better */
	bool loose;	 /* nothing follows: its end is a guess */
};

#define KALLSYMS_NO_MODULE UINT32_MAX

/* All zero = empty. */
struct kallsyms {
	VECTOR(struct kernel_symbol) symbols; /* functions, by address */
	char *names;			      /* owned */
	bool hidden; /* there are symbols, but every address is zero */
};

enum kallsyms_part { KALLSYMS_ALL, KALLSYMS_MODULES };

/*
 * Parses the text (no NUL needed). Only functions (t, T, w, W) are kept, the
 * better of aliases; a function ends where the next symbol of any type
 * begins, the last of a module or the kernel at the end of the page after its
 * first one at most. KALLSYMS_MODULES leaves out the kernel proper. Malformed
 * lines are passed over. Returns 0, -ENOMEM, or -EFBIG for more than 4 GiB;
 * the result untouched on failure.
 */
int kallsyms_parse(const char *text, size_t size, enum kallsyms_part part,
		   struct kallsyms *kallsyms);

/* Reads and parses /proc/kallsyms. */
int kallsyms_load(enum kallsyms_part part, struct kallsyms *kallsyms,
		  struct error *error);

/* The function that holds address; NULL = none. */
const struct kernel_symbol *kallsyms_find(const struct kallsyms *kallsyms,
					  uint64_t address);

void kallsyms_free(struct kallsyms *kallsyms);

#endif
