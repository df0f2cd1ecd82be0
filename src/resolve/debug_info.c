// SPDX-License-Identifier: GPL-2.0-or-later
/* What DWARF says of an address: see debug_info.h. */
#include "resolve/debug_info.h"

#include <dwarf.h>
#include <errno.h>
#include <gelf.h>
#include <limits.h>
#include <string.h>

#include "resolve/function_index.h"
#include "resolve/ranges.h"
#include "util/cleanup.h"

/* Functions inlined into each other at one address. */
#define INLINED_MAX 64
#define VISITS_MAX (1U << 20)

struct span {
	const char *bytes;
	size_t size;
};

struct unit {
	Dwarf_Off die;
	bool indexed, indexed_all;
	struct function_index functions;
};

struct debug_info {
	Dwarf *dwarf;
	uint64_t bias;
	struct span tree;    /* .debug_info */
	range_vector ranges; /* item = index into units */
	VECTOR(struct unit) units;
};

static int unit_add(struct debug_info *info, Dwarf_Die *die)
{
	size_t ranges = info->ranges.count;
	struct unit *unit;

	if (die_ranges(die, (uint32_t)info->units.count, &info->ranges))
		return -ENOMEM;
	if (info->ranges.count == ranges)
		return 0;
	unit = vector_push(&info->units);
	if (!unit)
		return -ENOMEM;
	unit->die = dwarf_dieoffset(die);
	return 0;
}

/* The bytes of a section, uncompressed by libdw; an empty span if absent. */
static struct span section_bytes(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	Elf_Data *data;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return (struct span){ 0 };
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			break;
		name = elf_strptr(elf, names, header.sh_name);
		if (!name || strcmp(name, wanted) != 0)
			continue;
		data = elf_rawdata(section, NULL);
		if (data && data->d_buf && data->d_size)
			return (struct span){ data->d_buf, data->d_size };
	}
	return (struct span){ 0 };
}

/*
 * libdw 0.188 reads past the end of .debug_line_str if its last string lacks
 * the NUL; no tool writes such a section by accident.
 */
static bool strings_end(Elf *elf)
{
	struct span strings = section_bytes(elf, ".debug_line_str");

	return !strings.size || !strings.bytes[strings.size - 1];
}

int debug_info_new(Dwarf *dwarf, uint64_t bias, struct debug_info **info)
{
	struct debug_info *made = calloc(1, sizeof(*made));
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	if (!made)
		return -ENOMEM;
	made->dwarf = dwarf;
	made->bias = bias;
	made->tree = section_bytes(dwarf_getelf(dwarf), ".debug_info");
	if (!strings_end(dwarf_getelf(dwarf))) {
		*info = made;
		return 0;
	}
	while (!dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL)) {
		int tag = dwarf_tag(&die);

		if (tag != DW_TAG_compile_unit && tag != DW_TAG_skeleton_unit)
			continue;
		if (unit_add(made, &die))
			goto out_of_memory;
	}
	if (ranges_flatten(&made->ranges))
		goto out_of_memory;
	*info = made;
	return 0;

out_of_memory:
	debug_info_free(made);
	return -ENOMEM;
}

void debug_info_free(struct debug_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->units.count; i++)
		function_index_free(&info->units.items[i].functions);
	vector_free(&info->units);
	vector_free(&info->ranges);
	free(info);
}

/*
 * Finds the function of a unit that holds an address. Nested functions are
 * rare and dear to collect: only looked for after a miss.
 */
static int unit_function(struct unit *unit, Dwarf *dwarf, Dwarf_Die *unit_die,
			 uint64_t address, Dwarf_Die *function, bool *found)
{
	int error;

	if (!unit->indexed) {
		error = function_index_build(unit_die, FUNCTIONS_OUTER,
					     &unit->functions);
		if (error)
			return error;
		unit->indexed = true;
	}
	*found =
		function_index_find(&unit->functions, dwarf, address, function);
	if (*found || unit->indexed_all)
		return 0;
	error = function_index_build(unit_die, FUNCTIONS_ALL, &unit->functions);
	if (error)
		return error;
	unit->indexed_all = true;
	*found =
		function_index_find(&unit->functions, dwarf, address, function);
	return 0;
}

/* The instances inlined at an address, outermost first; returns how many. */
static size_t inlined_instances(Dwarf_Die *function, uint64_t address,
				Dwarf_Die instances[INLINED_MAX])
{
	Dwarf_Die die, child;
	size_t count = 0;

	if (dwarf_child(function, &die))
		return 0;
	for (unsigned visits = 0; visits < VISITS_MAX; visits++) {
		int tag = dwarf_tag(&die);

		if ((tag == DW_TAG_inlined_subroutine ||
		     tag == DW_TAG_lexical_block) &&
		    dwarf_haspc(&die, address) == 1) {
			if (tag == DW_TAG_inlined_subroutine) {
				instances[count++] = die;
				if (count == INLINED_MAX)
					break;
			}
			if (dwarf_child(&die, &child))
				break;
			die = child;
			continue;
		}
		if (!die_next_sibling(&die))
			break;
	}
	return count;
}

/* libdw does not check that a string inside of .debug_info ends there. */
static bool string_ends(const struct debug_info *info, const char *string)
{
	size_t offset = (size_t)(string - info->tree.bytes);

	return offset >= info->tree.size ||
	       memchr(string, '\0', info->tree.size - offset);
}

static const char *die_name(const struct debug_info *info, Dwarf_Die *die)
{
	static const unsigned attributes[] = { DW_AT_linkage_name,
					       DW_AT_MIPS_linkage_name,
					       DW_AT_name };
	Dwarf_Attribute attribute;
	const char *name;

	for (size_t i = 0; i < 3; i++) {
		name = dwarf_formstring(
			dwarf_attr_integrate(die, attributes[i], &attribute));
		if (name && string_ends(info, name) && *name)
			return name;
	}
	return NULL;
}

static void frame_set_line(struct source_frame *frame, Dwarf_Die *unit,
			   uint64_t address)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number;

	if (!line)
		return;
	frame->file = dwarf_linesrc(line, NULL, NULL);
	if (!dwarf_lineno(line, &number) && number > 0)
		frame->line = (unsigned)number;
}

/* The line from which an inlined instance is called. */
static void frame_set_call(struct source_frame *frame, Dwarf_Die *unit,
			   Dwarf_Die *instance)
{
	Dwarf_Word file, line;
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	size_t count;

	if (!dwarf_formudata(dwarf_attr(instance, DW_AT_call_file, &attribute),
			     &file) &&
	    !dwarf_getsrcfiles(unit, &files, &count) && file < count)
		frame->file = dwarf_filesrc(files, file, NULL, NULL);
	if (!dwarf_formudata(dwarf_attr(instance, DW_AT_call_line, &attribute),
			     &line) &&
	    line <= UINT_MAX)
		frame->line = (unsigned)line;
}

static uint64_t function_start(Dwarf_Die *function, uint64_t bias)
{
	Dwarf_Addr start;

	return dwarf_entrypc(function, &start) ? 0 : start + bias;
}

int debug_info_frames(struct debug_info *info, uint64_t address,
		      source_frame_vector *frames)
{
	uint64_t pc = address - info->bias;
	const struct range *range = ranges_find(&info->ranges, pc);
	Dwarf_Die unit_die, function, instances[INLINED_MAX];
	struct source_frame *added;
	struct unit *unit;
	size_t count = 0;
	bool found;

	if (!range)
		return 0;
	unit = &info->units.items[range->item];
	if (!dwarf_offdie(info->dwarf, unit->die, &unit_die))
		return 0;
	if (unit_function(unit, info->dwarf, &unit_die, pc, &function, &found))
		return -ENOMEM;
	if (found)
		count = inlined_instances(&function, pc, instances);
	if (vector_reserve(frames, count + 1))
		return -ENOMEM;
	for (size_t i = 0; i <= count; i++) {
		Dwarf_Die *die = i < count ? &instances[count - 1 - i]
					   : &function;

		added = vector_push(frames);
		added->inlined = i < count;
		if (found)
			added->name = die_name(info, die);
		if (found && i == count)
			added->start = function_start(die, info->bias);
		if (i == 0)
			frame_set_line(added, &unit_die, pc);
		else
			frame_set_call(added, &unit_die, &instances[count - i]);
	}
	return 0;
}
