/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a snapshot file: each is written once and has a number. */
#ifndef LEAKTRACE_SNAPSHOT_FRAME_TABLE_H
#define LEAKTRACE_SNAPSHOT_FRAME_TABLE_H

#include <jansson.h>

#include "model/location.h"

struct frame_slot {
	const struct frame *frame; /* the report's; NULL = free */
	size_t number;		   /* in the array */
};

struct frame_table {
	json_t *array; /* of objects, by number */
	struct frame_slot *slots;
	size_t size; /* a power of two, more than half of it free */
};

/* 0 or -ENOMEM. */
int frame_table_init(struct frame_table *table);
void frame_table_free(struct frame_table *table);

/*
 * A new array with the numbers of a stack's frames, NULL = out of memory. The
 * frames must stay where they are as long as the table.
 */
json_t *frame_table_add(struct frame_table *table, const frame_vector *frames);

#endif
