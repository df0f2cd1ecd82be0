/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of one DWARF compile unit by address (DWARF 5, section 3.3),
 * indexed once so that a lookup need not walk the unit's tree.
 */
#ifndef LEAKTRACE_RESOLVE_FUNCTION_INDEX_H
#define LEAKTRACE_RESOLVE_FUNCTION_INDEX_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "resolve/ranges.h"
#include "util/vector.h"

/* All zero = empty. */
struct function_index {
	range_vector ranges;	     /* item = index into functions */
	VECTOR(Dwarf_Off) functions; /* offsets of their DIEs */
};

enum function_scope {
	FUNCTIONS_OUTER, /* those in the unit or a namespace: quick */
	FUNCTIONS_ALL,	 /* nested ones, members of local types */
};

/*
 * Collects the functions that have code. Damaged trees end early. Returns 0
 * or -ENOMEM, the index untouched then.
 */
int function_index_build(Dwarf_Die *unit, enum function_scope scope,
			 struct function_index *index);

/*
 * The function that holds address (in the DWARF's own address space); false
 * if none does.
 */
bool function_index_find(const struct function_index *index, Dwarf *dwarf,
			 uint64_t address, Dwarf_Die *function);

void function_index_free(struct function_index *index);

/*
 * Moves a DIE to its next sibling, false if it is the last. A tree that does
 * not move forward is damaged, perhaps on purpose: it ends here too.
 */
bool die_next_sibling(Dwarf_Die *die);

/*
 * Appends the address ranges of a DIE under the given item; none, or a
 * damaged list, appends what could be read. Returns 0 or -ENOMEM.
 */
int die_ranges(Dwarf_Die *die, uint32_t item, range_vector *ranges);

#endif
