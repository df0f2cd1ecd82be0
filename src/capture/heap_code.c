// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the probed functions of the allocators are: see heap_code.h. */
#include "capture/heap_code.h"

#include <errno.h>

void heap_code_free(struct heap_code *code)
{
	vector_free(&code->ranges);
	vector_free(&code->libraries);
}

int heap_code_add(struct heap_code *code, const struct attachment *attachment,
		  size_t first, uint32_t object, bool program)
{
	bool allocates = false, maps = false;
	uint32_t *library;

	for (size_t i = first; i < attachment->functions.count; i++) {
		const struct probed_function *function =
			&attachment->functions.items[i];
		struct heap_range *range;

		allocates |= function->shape == ABI_SHAPE_MALLOC;
		maps |= function->shape == ABI_SHAPE_MMAP;
		if (function->shape > ABI_SHAPE_FREE || !function->size)
			continue;
		range = vector_push(&code->ranges);
		if (!range)
			return -ENOMEM;
		*range = (struct heap_range){
			.object = object,
			.start = function->address,
			.end = function->address + function->size,
		};
	}
	if (!allocates || maps || program)
		return 0;
	library = vector_push(&code->libraries);
	if (!library)
		return -ENOMEM;
	*library = object;
	return 0;
}

static bool is_heap(const struct heap_code *code,
		    const struct location *location)
{
	/* A return address may lie behind its function's last instruction. */
	uint64_t address = location->address - !location->exact;

	for (size_t i = 0; i < code->ranges.count; i++) {
		const struct heap_range *range = &code->ranges.items[i];

		if (range->object == location->object &&
		    address >= range->start && address < range->end)
			return true;
	}
	return false;
}

bool heap_code_called(const struct heap_code *code,
		      const struct location *locations, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i && locations[i].exact)
			return false;
		if (locations[i].object != OBJECT_NONE &&
		    is_heap(code, &locations[i]))
			return true;
	}
	return false;
}

bool heap_code_is_library(const struct heap_code *code,
			  const struct location *locations, size_t count)
{
	for (size_t i = 0; count && i < code->libraries.count; i++)
		if (code->libraries.items[i] == locations[0].object)
			return true;
	return false;
}
