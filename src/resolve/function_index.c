// SPDX-License-Identifier: GPL-2.0-or-later
/* The functions of one DWARF compile unit: see function_index.h. */
#include "resolve/function_index.h"

#include <dwarf.h>
#include <errno.h>

#define DEPTH_MAX 64

/*
 * DIEs visited and ranges kept a unit. A forged tree can be visited twice a
 * level, a forged range list be shared by every function.
 */
#define VISITS_MAX (8U << 20)
#define RANGES_MAX (4U << 20)

bool die_next_sibling(Dwarf_Die *die)
{
	Dwarf_Die next;

	if (dwarf_siblingof(die, &next) ||
	    dwarf_dieoffset(&next) <= dwarf_dieoffset(die))
		return false;
	*die = next;
	return true;
}

int die_ranges(Dwarf_Die *die, uint32_t item, range_vector *ranges)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while (ranges->count < RANGES_MAX &&
	       (at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		struct range *range;

		/* Linkers leave 0 or 1 where they dropped the code. */
		if (start <= 1 || start >= end)
			continue;
		range = vector_push(ranges);
		if (!range)
			return -ENOMEM;
		range->start = start;
		range->end = end;
		range->item = item;
	}
	return 0;
}

static bool tag_may_hold_functions(int tag, enum function_scope scope)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
		return true;
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return scope == FUNCTIONS_ALL;
	default:
		return false;
	}
}

static int function_add(struct function_index *index, Dwarf_Die *die)
{
	size_t ranges = index->ranges.count;
	Dwarf_Off *function;

	if (die_ranges(die, (uint32_t)index->functions.count, &index->ranges))
		return -ENOMEM;
	if (index->ranges.count == ranges)
		return 0;
	function = vector_push(&index->functions);
	if (!function)
		return -ENOMEM;
	*function = dwarf_dieoffset(die);
	return 0;
}

static int functions_collect(Dwarf_Die *unit, enum function_scope scope,
			     struct function_index *index)
{
	Dwarf_Die path[DEPTH_MAX];
	unsigned depth = 0;

	if (dwarf_child(unit, &path[0]))
		return 0;
	for (unsigned visits = 0; visits < VISITS_MAX; visits++) {
		int tag = dwarf_tag(&path[depth]);

		if (tag == DW_TAG_subprogram &&
		    function_add(index, &path[depth]))
			return -ENOMEM;
		if (depth + 1 < DEPTH_MAX &&
		    tag_may_hold_functions(tag, scope) &&
		    !dwarf_child(&path[depth], &path[depth + 1])) {
			depth++;
			continue;
		}
		while (!die_next_sibling(&path[depth]))
			if (depth-- == 0)
				return 0;
	}
	return 0;
}

int function_index_build(Dwarf_Die *unit, enum function_scope scope,
			 struct function_index *index)
{
	struct function_index built = { 0 };

	if (functions_collect(unit, scope, &built) ||
	    ranges_flatten(&built.ranges)) {
		function_index_free(&built);
		return -ENOMEM;
	}
	function_index_free(index);
	*index = built;
	return 0;
}

bool function_index_find(const struct function_index *index, Dwarf *dwarf,
			 uint64_t address, Dwarf_Die *function)
{
	const struct range *range = ranges_find(&index->ranges, address);

	return range && dwarf_offdie(dwarf, index->functions.items[range->item],
				     function);
}

void function_index_free(struct function_index *index)
{
	vector_free(&index->ranges);
	vector_free(&index->functions);
}
