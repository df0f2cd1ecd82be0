// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of slab caches and devices: see kernel_labels.h. */
#include "capture/kernel_labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The index of the first label whose owner is not less. */
static size_t label_place(const struct kernel_labels *labels, uint64_t owner)
{
	size_t low = 0, high = labels->all.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (labels->all.items[middle].owner < owner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int label_replace(struct kernel_labels *labels, size_t place,
			 const char *text, size_t size)
{
	struct kernel_label *label = &labels->all.items[place];
	char *copy;

	if (!strncmp(label->text, text, size))
		return 0;
	copy = strndup(text, size);
	if (!copy || vector_reserve(&labels->past, 1)) {
		free(copy);
		return -ENOMEM;
	}
	*vector_push(&labels->past) = label->text;
	label->text = copy;
	return 0;
}

int kernel_labels_add(struct kernel_labels *labels, uint64_t owner,
		      const char *text, size_t size)
{
	size_t place = label_place(labels, owner);
	struct kernel_label label = { .owner = owner };

	if (place < labels->all.count &&
	    labels->all.items[place].owner == owner)
		return label_replace(labels, place, text, size);
	label.text = strndup(text, size);
	if (!label.text)
		return -ENOMEM;
	if (!vector_push(&labels->all)) {
		free(label.text);
		return -ENOMEM;
	}
	memmove(&labels->all.items[place + 1], &labels->all.items[place],
		(labels->all.count - 1 - place) * sizeof(label));
	labels->all.items[place] = label;
	return 0;
}

const char *kernel_labels_find(const struct kernel_labels *labels,
			       uint64_t owner)
{
	size_t place = label_place(labels, owner);

	if (place == labels->all.count ||
	    labels->all.items[place].owner != owner)
		return NULL;
	return labels->all.items[place].text;
}

void kernel_labels_free(struct kernel_labels *labels)
{
	for (size_t i = 0; i < labels->all.count; i++)
		free(labels->all.items[i].text);
	for (size_t i = 0; i < labels->past.count; i++)
		free(labels->past.items[i]);
	vector_free(&labels->past);
	vector_free(&labels->all);
}
