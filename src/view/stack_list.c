// SPDX-License-Identifier: GPL-2.0-or-later
/* The call stacks that the live view lists: see stack_list.h. */
#include "view/stack_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef VECTOR(struct stack_row) row_vector;

const char *stack_order_name(enum stack_order order)
{
	static const char *const names[STACK_ORDERS] = {
		[STACK_ORDER_REPORT] = "rank",
		[STACK_ORDER_BYTES] = "bytes",
		[STACK_ORDER_BLOCKS] = "blocks",
		[STACK_ORDER_CHANGE] = "change",
		[STACK_ORDER_AGE] = "age",
	};

	return (unsigned)order < STACK_ORDERS ? names[order] : "unknown";
}

void stack_list_free(struct stack_list *list)
{
	vector_free(&list->rows);
	vector_free(&list->shown);
}

static int by_key(const void *a, const void *b)
{
	const struct stack_row *one = a, *other = b;

	if (one->space != other->space)
		return one->space < other->space ? -1 : 1;
	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return 0;
}

static struct stack_row *row_find(const struct stack_list *list,
				  enum space space, uint64_t id)
{
	const struct stack_row key = { .space = space, .id = id };

	if (!list->rows.count)
		return NULL;
	return bsearch(&key, list->rows.items, list->rows.count, sizeof(key),
		       by_key);
}

static void history_add(struct stack_row *row, uint64_t bytes)
{
	if (row->history_count == STACK_HISTORY) {
		row->history_count--;
		memmove(row->history, row->history + 1,
			row->history_count * sizeof(row->history[0]));
	}
	row->history[row->history_count++] = bytes;
}

int stack_list_update(struct stack_list *list, const struct report *report)
{
	size_t count = report_stack_count(report);
	row_vector rows = { 0 };

	/* Nothing below may fail once the new rows replace the old. */
	if (vector_reserve(&rows, count) ||
	    vector_reserve(&list->shown, count > list->shown.count
						 ? count - list->shown.count
						 : 0)) {
		vector_free(&rows);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct report_stack *stack = report_stack_at(report, i);
		struct stack_row *row = vector_push(&rows);
		const struct stack_row *old = row_find(
			list, stack->figures->space, stack->figures->id);

		if (old)
			*row = *old;
		row->space = stack->figures->space;
		row->id = stack->figures->id;
		row->stack = stack;
		row->rank = i;
		history_add(row, stack->figures->bytes);
	}
	if (rows.count)
		qsort(rows.items, rows.count, sizeof(rows.items[0]), by_key);
	vector_free(&list->rows);
	list->rows.items = rows.items;
	list->rows.count = rows.count;
	list->rows.capacity = rows.capacity;
	return stack_list_arrange(list);
}

static bool has_part(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool is_shown(const struct stack_list *list, const struct stack_row *row)
{
	const frame_vector *frames = &row->stack->frames;

	if (!row->stack->figures->blocks && !row->base_bytes)
		return false;
	if (!list->filter[0])
		return true;
	for (size_t i = 0; i < frames->count; i++)
		if (has_part(frames->items[i].function, list->filter) ||
		    has_part(frames->items[i].file, list->filter) ||
		    has_part(frames->items[i].module, list->filter))
			return true;
	return false;
}

/* Larger values first, and by rank where they are equal. */
static int64_t order_value(const struct stack_list *list,
			   const struct stack_row *row)
{
	switch (list->order) {
	case STACK_ORDER_BYTES:
		return (int64_t)row->stack->figures->bytes;
	case STACK_ORDER_BLOCKS:
		return (int64_t)row->stack->figures->blocks;
	case STACK_ORDER_CHANGE:
		return stack_row_change(list, row);
	case STACK_ORDER_AGE:
		return (int64_t)row->stack->oldest_age_ns;
	case STACK_ORDER_REPORT:
	case STACK_ORDERS:
		break;
	}
	return 0;
}

static int by_order(const void *a, const void *b, void *own)
{
	const struct stack_list *list = own;
	const struct stack_row *one = &list->rows.items[*(const size_t *)a];
	const struct stack_row *other = &list->rows.items[*(const size_t *)b];
	int64_t first = order_value(list, one);
	int64_t second = order_value(list, other);

	if (first != second)
		return first > second ? -1 : 1;
	return one->rank < other->rank ? -1 : one->rank > other->rank;
}

int stack_list_arrange(struct stack_list *list)
{
	list->shown.count = 0;
	if (vector_reserve(&list->shown, list->rows.count))
		return -ENOMEM;
	for (size_t i = 0; i < list->rows.count; i++)
		if (is_shown(list, &list->rows.items[i]))
			list->shown.items[list->shown.count++] = i;
	if (list->shown.count)
		qsort_r(list->shown.items, list->shown.count,
			sizeof(list->shown.items[0]), by_order, list);
	return 0;
}

void stack_list_set_baseline(struct stack_list *list, int64_t wall_ns)
{
	for (size_t i = 0; i < list->rows.count; i++)
		list->rows.items[i].base_bytes =
			list->rows.items[i].stack->figures->bytes;
	list->has_baseline = true;
	list->baseline_ns = wall_ns;
}

void stack_list_clear_baseline(struct stack_list *list)
{
	for (size_t i = 0; i < list->rows.count; i++)
		list->rows.items[i].base_bytes = 0;
	list->has_baseline = false;
}

int64_t stack_row_change(const struct stack_list *list,
			 const struct stack_row *row)
{
	if (!list->has_baseline)
		return row->stack->bytes_change;
	return (int64_t)(row->stack->figures->bytes - row->base_bytes);
}

size_t stack_list_find(const struct stack_list *list, enum space space,
		       uint64_t id)
{
	for (size_t i = 0; i < list->shown.count; i++) {
		const struct stack_row *row =
			&list->rows.items[list->shown.items[i]];

		if (row->space == space && row->id == id)
			return i;
	}
	return SIZE_MAX;
}
