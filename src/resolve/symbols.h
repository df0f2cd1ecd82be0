/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Function symbols of one object, by address. A symbol owns [st_value,
 * st_value + st_size); symbols without a size (hand-written assembly) own
 * what follows them up to the next symbol or the end of their section, but
 * only where no sized symbol does. Of aliases the global one is shown, then
 * the one with fewer leading underscores.
 */
#ifndef LEAKTRACE_RESOLVE_SYMBOLS_H
#define LEAKTRACE_RESOLVE_SYMBOLS_H

#include <gelf.h>
#include <stdint.h>

#include "resolve/ranges.h"
#include "util/vector.h"

struct symbol {
	uint64_t start, end; /* end == start: no size known */
	uint64_t limit;	     /* end of its section */
	const char *name;    /* as in the file; the Elf's */
	uint32_t rank;	     /* among aliases, lower is better */
};

/* All zero = empty. */
struct symbols {
	VECTOR(struct symbol) list;
	range_vector ranges; /* item = index into list */
};

/*
 * Adds the functions of an ELF file's .symtab, of its .dynsym if it has no
 * .symtab. bias is added to the addresses. The Elf must outlive the symbols.
 * A missing or damaged table adds nothing. Returns 0 or -ENOMEM.
 */
int symbols_add(struct symbols *symbols, Elf *elf, uint64_t bias);

/* Makes what was added ready for symbols_find(), once. 0 or -ENOMEM. */
int symbols_index(struct symbols *symbols);

/* The function that holds address; NULL = none. */
const struct symbol *symbols_find(const struct symbols *symbols,
				  uint64_t address);

void symbols_free(struct symbols *symbols);

#endif
