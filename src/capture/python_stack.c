// SPDX-License-Identifier: GPL-2.0-or-later
/* Python's part of a call stack: see python_stack.h. */
#include "capture/python_stack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/unwind_abi.h"
#include "resolve/python_lines.h"
#include "util/cleanup.h"

/* What is longer is cut, or not read. */
#define TEXT_MAX 512 /* characters */
#define LINE_TABLE_MAX (1u << 20)

/* CPython's Include/object.h, cpython/unicodeobject.h, bytesobject.h */
#define SIZE_OFFSET 16 /* of a bytes object, and of a str its length */
#define STATE_OFFSET 32
#define BYTES_OFFSET 32

size_t python_stack_native(const struct location *frames, size_t count)
{
	while (count &&
	       UNWIND_FRAME_MODULE(frames[count - 1].address) == PYTHON_MODULE)
		count--;
	return count;
}

static size_t utf8_put(char *to, uint32_t character)
{
	if (character < 0x80) {
		to[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		to[0] = (char)(0xc0 | character >> 6);
		to[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		to[0] = (char)(0xe0 | character >> 12);
		to[1] = (char)(0x80 | (character >> 6 & 0x3f));
		to[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | (character >> 18 & 7));
	to[1] = (char)(0x80 | (character >> 12 & 0x3f));
	to[2] = (char)(0x80 | (character >> 6 & 0x3f));
	to[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

static uint32_t character_at(const uint8_t *bytes, size_t index, unsigned kind)
{
	uint16_t two;
	uint32_t four;

	switch (kind) {
	case 2:
		memcpy(&two, bytes + 2 * index, sizeof(two));
		return two;
	case 4:
		memcpy(&four, bytes + 4 * index, sizeof(four));
		return four;
	}
	return bytes[index];
}

/*
 * Reads the str that a field of an object points to. Its state has the width
 * of a character in bits 2 to 4, in 5 whether it is compact, in 6 whether it
 * is ASCII.
 */
static bool text_read(const struct python_layout *layout, int pid,
		      uint64_t field, char *text)
{
	uint8_t bytes[4 * TEXT_MAX];
	uint64_t object, length, data;
	uint32_t state;
	unsigned kind;
	size_t used = 0;

	if (python_read_memory(pid, field, &object, sizeof(object)) ||
	    python_read_memory(pid, object + SIZE_OFFSET, &length,
			       sizeof(length)) ||
	    python_read_memory(pid, object + STATE_OFFSET, &state,
			       sizeof(state)))
		return false;
	kind = state >> 2 & 7;
	if (!(state >> 5 & 1) || (kind != 1 && kind != 2 && kind != 4))
		return false;
	if (length > TEXT_MAX)
		length = TEXT_MAX;
	data = object +
	       (state >> 6 & 1 ? layout->text_ascii : layout->text_other);
	if (python_read_memory(pid, data, bytes, length * kind))
		return false;
	for (size_t i = 0; i < length; i++) {
		uint32_t character = character_at(bytes, i, kind);

		if (!character)
			break;
		used += utf8_put(text + used, character);
	}
	text[used] = '\0';
	return used > 0;
}

static unsigned line_read(const struct python_layout *layout, int pid,
			  uint64_t code, uint64_t instruction,
			  unsigned first_line)
{
	uint64_t start = code + layout->code, object, size;
	auto_free uint8_t *table = NULL;

	/* Called, but at no instruction yet. */
	if (instruction < start)
		return first_line;
	if (python_read_memory(pid, code + layout->line_table, &object,
			       sizeof(object)) ||
	    python_read_memory(pid, object + SIZE_OFFSET, &size,
			       sizeof(size)) ||
	    size > LINE_TABLE_MAX)
		return 0;
	table = malloc(size + 1);
	if (!table ||
	    python_read_memory(pid, object + BYTES_OFFSET, table, size))
		return 0;
	return python_line_find(table, size, first_line,
				(instruction - start) / 2);
}

void python_frame_name(const struct python_runtime *runtime, int pid,
		       uint64_t code, uint64_t instruction,
		       struct resolver *resolver, struct location *location)
{
	const struct python_layout *layout = &runtime->layout;
	char function[4 * TEXT_MAX + 1], file[4 * TEXT_MAX + 1];
	struct frame frame = {
		.function = "(Python function that could not be read)",
		.module = runtime->name,
		.address = instruction,
	};
	int32_t first_line;

	if (text_read(layout, pid, code + layout->qualified_name, function)) {
		frame.function = function;
		frame.offset = instruction - code - layout->code;
		if (text_read(layout, pid, code + layout->file_name, file))
			frame.file = file;
		if (!python_read_memory(pid, code + layout->first_line,
					&first_line, sizeof(first_line)) &&
		    first_line > 0)
			frame.line = line_read(layout, pid, code, instruction,
					       (unsigned)first_line);
	}
	*location = (struct location){ .object = OBJECT_NONE,
				       .exact = true,
				       .address = instruction };
	resolver_name_frame(resolver, &frame, location);
}

static bool is_interpreter(const struct python_runtime *runtime,
			   const struct location *location)
{
	uint64_t address = location->address - !location->exact;

	return location->object == runtime->object &&
	       address >= runtime->eval_start && address < runtime->eval_end;
}

/*
 * Copies Python's frames up to where C called in; returns how many words were
 * taken.
 */
static size_t segment_put(const struct python_runtime *runtime, int pid,
			  struct resolver *resolver,
			  const struct location *words, size_t count,
			  struct location *to, size_t *used)
{
	size_t taken = 0;

	while (taken + 1 < count) {
		uint64_t code = words[taken].address;
		uint64_t instruction = words[taken + 1].address;

		python_frame_name(runtime, pid, UNWIND_FRAME_ADDRESS(code),
				  UNWIND_FRAME_ADDRESS(instruction), resolver,
				  &to[(*used)++]);
		taken += 2;
		if (code & PYTHON_ENTERED)
			break;
	}
	return taken;
}

int python_stack_merge(const struct python_runtime *runtime, int pid,
		       struct resolver *resolver, struct location *frames,
		       size_t native, size_t *count)
{
	size_t words = *count - native, taken = 0, used = 0;
	auto_free struct location *merged = calloc(*count + 1, sizeof(*merged));
	const struct location *python = frames + native;

	if (!merged)
		return -ENOMEM;
	/* A stack cut short below the interpreter: they are its outer part. */
	/* What is left over is of callers that the native stack does not have. */
	for (size_t i = 0; i < native; i++) {
		if (!is_interpreter(runtime, &frames[i])) {
			merged[used++] = frames[i];
			continue;
		}
		if (taken < words)
			taken += segment_put(runtime, pid, resolver,
					     python + taken, words - taken,
					     merged, &used);
		else
			merged[used++] = frames[i];
	}
	while (taken + 1 < words)
		taken += segment_put(runtime, pid, resolver, python + taken,
				     words - taken, merged, &used);
	memcpy(frames, merged, used * sizeof(*merged));
	*count = used;
	return 0;
}
