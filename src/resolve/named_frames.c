// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames that were named when they were seen: see named_frames.h. */
#include "resolve/named_frames.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; text && *text; text++)
		hash = hash_word(hash, (unsigned char)*text);
	return hash_word(hash, text != NULL);
}

static uint64_t frame_hash(const struct frame *frame)
{
	uint64_t hash = hash_word(frame->address, frame->offset);

	hash = hash_word(hash, frame->line);
	hash = hash_text(hash, frame->function);
	hash = hash_text(hash, frame->file);
	return hash_text(hash, frame->module);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
	return a->address == b->address && a->offset == b->offset &&
	       a->line == b->line && same_text(a->function, b->function) &&
	       same_text(a->file, b->file) && same_text(a->module, b->module);
}

/* The slot of a frame, or the free one where it belongs. */
static uint32_t *frame_slot(const struct named_frames *named,
			    const struct frame *frame)
{
	size_t at = frame_hash(frame) >> 20 & (named->slot_count - 1);

	while (named->slots[at] &&
	       !same_frame(&named->frames.items[named->slots[at] - 1].frame,
			   frame))
		at = (at + 1) & (named->slot_count - 1);
	return &named->slots[at];
}

static int slots_grow(struct named_frames *named)
{
	struct named_frames grown = *named;

	if (named->frames.count < named->slot_count / 2)
		return 0;
	grown.slot_count = named->slot_count ? 2 * named->slot_count
					     : SLOTS_FIRST;
	grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < named->frames.count; i++)
		*frame_slot(&grown, &named->frames.items[i].frame) =
			(uint32_t)i + 1;
	free(named->slots);
	*named = grown;
	return 0;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *text_copy(char **to, const char *text)
{
	char *copy = *to;

	if (!text)
		return NULL;
	*to = stpcpy(copy, text) + 1;
	return copy;
}

static int frame_keep(struct named_frames *named, const struct frame *frame)
{
	size_t size = text_size(frame->function) + text_size(frame->file) +
		      text_size(frame->module) + 1;
	struct named_frame *kept;
	char *text;

	if (named->frames.count >= NAMED_FRAMES_MAX ||
	    size > NAMED_FRAMES_BYTES_MAX - named->bytes)
		return -ENOSPC;
	if (vector_reserve(&named->frames, 1))
		return -ENOMEM;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	kept = vector_push(&named->frames);
	*kept = (struct named_frame){ .frame = *frame, .strings = text };
	kept->frame.function = text_copy(&text, frame->function);
	kept->frame.file = text_copy(&text, frame->file);
	kept->frame.module = text_copy(&text, frame->module);
	kept->frame.path = NULL;
	kept->frame.build_id = NULL;
	named->bytes += size;
	return 0;
}

int named_frames_add(struct named_frames *named, const struct frame *frame,
		     uint32_t *number)
{
	uint32_t *slot;
	int result;

	if (slots_grow(named))
		return -ENOMEM;
	slot = frame_slot(named, frame);
	if (!*slot) {
		result = frame_keep(named, frame);
		if (result)
			return result;
		*slot = (uint32_t)named->frames.count;
	}
	*number = *slot - 1;
	return 0;
}

const struct frame *named_frames_get(const struct named_frames *named,
				     uint64_t number)
{
	return number < named->frames.count ? &named->frames.items[number].frame
					    : NULL;
}

void named_frames_free(struct named_frames *named)
{
	for (size_t i = 0; i < named->frames.count; i++)
		free(named->frames.items[i].strings);
	vector_free(&named->frames);
	free(named->slots);
	*named = (struct named_frames){ 0 };
}
