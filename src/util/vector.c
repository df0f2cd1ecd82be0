// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing arrays: see vector.h. */
#include "util/vector.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int vector_reserve_bytes(void **items, size_t *capacity, size_t count,
			 size_t more, size_t item_size)
{
	size_t wanted, grown;
	void *moved;

	if (__builtin_add_overflow(count, more, &wanted))
		return -ENOMEM;
	if (wanted <= *capacity)
		return 0;
	grown = *capacity < 8 ? 8 : *capacity;
	while (grown < wanted)
		if (__builtin_mul_overflow(grown, (size_t)2, &grown))
			return -ENOMEM;
	moved = reallocarray(*items, grown, item_size);
	if (!moved)
		return -ENOMEM;
	*items = moved;
	*capacity = grown;
	return 0;
}

void *vector_push_bytes(void **items, size_t *capacity, size_t *count,
			size_t item_size)
{
	void *item;

	if (vector_reserve_bytes(items, capacity, *count, 1, item_size))
		return NULL;
	item = (char *)*items + *count * item_size;
	memset(item, 0, item_size);
	(*count)++;
	return item;
}
