/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing arrays:
 *
 *	VECTOR(struct frame) frames = { 0 };
 *	struct frame *frame = vector_push(&frames);   // zeroed, NULL = ENOMEM
 *	for (size_t i = 0; i < frames.count; i++) use(&frames.items[i]);
 *	vector_free(&frames);
 *
 * Items move when the vector grows: keep indexes, not pointers.
 */
#ifndef LEAKTRACE_UTIL_VECTOR_H
#define LEAKTRACE_UTIL_VECTOR_H

#include <stddef.h>
#include <stdlib.h>

#define VECTOR(type)             \
	struct {                 \
		type *items;     \
		size_t count;    \
		size_t capacity; \
	}

/*
 * Makes room for `more` items behind the first `count`; returns 0 or -ENOMEM,
 * the vector untouched on failure.
 */
int vector_reserve_bytes(void **items, size_t *capacity, size_t count,
			 size_t more, size_t item_size);

/* Reserves one item, zeroes it and returns its index's address or NULL. */
void *vector_push_bytes(void **items, size_t *capacity, size_t *count,
			size_t item_size);

#define vector_reserve(vector, more)                                         \
	vector_reserve_bytes((void **)&(vector)->items, &(vector)->capacity, \
			     (vector)->count, (more),                        \
			     sizeof(*(vector)->items))

#define vector_push(vector)                                     \
	((__typeof__((vector)->items))vector_push_bytes(        \
		(void **)&(vector)->items, &(vector)->capacity, \
		&(vector)->count, sizeof(*(vector)->items)))

#define vector_free(vector)                               \
	do {                                              \
		free((vector)->items);                    \
		(vector)->items = NULL;                   \
		(vector)->count = (vector)->capacity = 0; \
	} while (0)

#endif
