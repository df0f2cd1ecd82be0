// SPDX-License-Identifier: GPL-2.0-or-later
/* The frames of a snapshot file: see frame_table.h. */
#include "snapshot/frame_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/layout.h"

#define FIRST_SIZE 1024

/* FNV-1a, 64 bits (IETF draft-eastlake-fnv). */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_FACTOR UINT64_C(0x100000001b3)

int frame_table_init(struct frame_table *table)
{
	*table = (struct frame_table){ .array = json_array() };
	table->slots = calloc(FIRST_SIZE, sizeof(*table->slots));
	table->size = FIRST_SIZE;
	return table->array && table->slots ? 0 : -ENOMEM;
}

void frame_table_free(struct frame_table *table)
{
	json_decref(table->array);
	free(table->slots);
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size--)
		hash = (hash ^ *at++) * HASH_FACTOR;
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text) + 1) : hash;
}

static uint64_t frame_hash(const struct frame *frame)
{
	uint64_t hash = HASH_START;

	hash = hash_bytes(hash, &frame->address, sizeof(frame->address));
	hash = hash_bytes(hash, &frame->line, sizeof(frame->line));
	hash = hash_text(hash, frame->function);
	return hash_text(hash, frame->path);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
	return a->address == b->address && a->offset == b->offset &&
	       a->line == b->line && a->inlined == b->inlined &&
	       a->guessed == b->guessed && a->exact == b->exact &&
	       same_text(a->function, b->function) &&
	       same_text(a->file, b->file) && same_text(a->module, b->module) &&
	       same_text(a->path, b->path) &&
	       same_text(a->build_id, b->build_id);
}

/* The frame's slot, or the free one where it belongs. */
static struct frame_slot *slot_find(const struct frame_table *table,
				    const struct frame *frame)
{
	uint64_t at = frame_hash(frame);

	for (;; at++) {
		struct frame_slot *slot = &table->slots[at & (table->size - 1)];

		if (!slot->frame || same_frame(slot->frame, frame))
			return slot;
	}
}

static int table_grow(struct frame_table *table)
{
	struct frame_table grown = { .size = table->size * 2 };

	grown.slots = calloc(grown.size, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].frame)
			*slot_find(&grown, table->slots[i].frame) =
				table->slots[i];
	free(table->slots);
	table->slots = grown.slots;
	table->size = grown.size;
	return 0;
}

static int number_of(struct frame_table *table, const struct frame *frame,
		     size_t *number)
{
	struct frame_slot *slot = slot_find(table, frame);

	if (!slot->frame) {
		size_t count = json_array_size(table->array);

		if (json_array_append_new(table->array,
					  fields_write(snapshot_frame_fields,
						       frame)))
			return -ENOMEM;
		*slot = (struct frame_slot){ frame, count };
		*number = count;
		return 2 * (count + 1) > table->size ? table_grow(table) : 0;
	}
	*number = slot->number;
	return 0;
}

json_t *frame_table_add(struct frame_table *table, const frame_vector *frames)
{
	json_t *numbers = json_array();

	for (size_t i = 0; numbers && i < frames->count; i++) {
		size_t number = 0;

		if (number_of(table, &frames->items[i], &number) ||
		    json_array_append_new(numbers,
					  json_integer((json_int_t)number))) {
			json_decref(numbers);
			return NULL;
		}
	}
	return numbers;
}
