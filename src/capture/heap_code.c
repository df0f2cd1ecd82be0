// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the probed functions of the allocators are: see heap_code.h. */
#include "capture/heap_code.h"

#include <errno.h>

void heap_code_free(struct heap_code *code)
{
	vector_free(&code->ranges);
	vector_free(&code->libraries);
}

/*
 * A function of this size is nothing but a jump to the true one, which then
 * stands on the stack in its place: musl's malloc, free and realloc.
 */
#define STUB_SIZE_MAX 16

static bool is_stub(const struct probed_function *function)
{
	/* C++'s operators jump to functions that are probed themselves. */
	return function->size <= STUB_SIZE_MAX &&
	       function->shape != ABI_SHAPE_NEW &&
	       function->shape <= ABI_SHAPE_FREE;
}

/* So far apart, functions of an allocator are still one piece of code. */
#define PIECE_GAP_MAX 0x4000

static bool is_heap_function(const struct probed_function *function)
{
	return function->shape <= ABI_SHAPE_RELEASE && function->size;
}

/* Extends a range by the functions near it, until none is. */
static void piece_grow(const struct attachment *attachment, size_t first,
		       struct heap_range *piece)
{
	size_t i = first;

	while (i < attachment->functions.count) {
		const struct probed_function *function =
			&attachment->functions.items[i++];
		uint64_t end = function->address + function->size;

		if (!is_heap_function(function) ||
		    function->address > piece->end + PIECE_GAP_MAX ||
		    end + PIECE_GAP_MAX < piece->start ||
		    (function->address >= piece->start && end <= piece->end))
			continue;
		if (piece->start > function->address)
			piece->start = function->address;
		if (piece->end < end)
			piece->end = end;
		i = first; /* others are near now */
	}
}

/*
 * What stubs jump to has often no symbol. It is where the rest of the
 * allocator is: between its functions.
 */
static int stubs_add(struct heap_code *code,
		     const struct attachment *attachment, size_t first,
		     uint32_t object)
{
	for (size_t i = first; i < attachment->functions.count; i++) {
		const struct probed_function *function =
			&attachment->functions.items[i];
		struct heap_range *piece;

		if (!is_heap_function(function) || !is_stub(function))
			continue;
		piece = vector_push(&code->ranges);
		if (!piece)
			return -ENOMEM;
		*piece = (struct heap_range){
			.object = object,
			.start = function->address,
			.end = function->address + function->size,
		};
		piece_grow(attachment, first, piece);
	}
	return 0;
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
		if (!is_heap_function(function))
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
	if (stubs_add(code, attachment, first, object))
		return -ENOMEM;
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
