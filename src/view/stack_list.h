/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The call stacks that the live view lists: the last report's, with what they
 * held in the reports before, in an order and through a filter of the user's.
 * Pure: no terminal.
 */
#ifndef LEAKTRACE_VIEW_STACK_LIST_H
#define LEAKTRACE_VIEW_STACK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/report.h"

#define STACK_HISTORY 120
#define STACK_FILTER_MAX 64

enum stack_order {
	STACK_ORDER_REPORT, /* as the report ranks them */
	STACK_ORDER_BYTES,
	STACK_ORDER_BLOCKS,
	STACK_ORDER_CHANGE,
	STACK_ORDER_AGE,
	STACK_ORDERS,
};

/* "rank", "bytes", "blocks", "change", "age" */
const char *stack_order_name(enum stack_order order);

struct stack_row {
	enum space space;
	uint64_t id;
	const struct report_stack *stack; /* of the last report */
	size_t rank;			  /* in that report */
	uint64_t base_bytes;		  /* at the baseline */
	uint64_t history[STACK_HISTORY];  /* bytes a report, oldest first */
	size_t history_count;
};

struct stack_list {
	VECTOR(struct stack_row) rows; /* by space and id; all stacks */
	VECTOR(size_t) shown;	       /* of rows: filtered, in order */
	enum stack_order order;
	char filter[STACK_FILTER_MAX]; /* "" = every stack */
	bool has_baseline;
	int64_t baseline_ns; /* CLOCK_REALTIME */
};

void stack_list_free(struct stack_list *list);

/*
 * Shows a new report from now on; it must live until the next one. 0, or
 * -ENOMEM with the list as it was.
 */
int stack_list_update(struct stack_list *list, const struct report *report);

/*
 * Fills shown again, after a change of order or filter. The filter matches
 * where a function, a file or a module of the stack has it as a part, without
 * regard to case. Stacks that hold nothing and never did since the baseline
 * are not shown.
 */
int stack_list_arrange(struct stack_list *list);

/* What is outstanding now is the baseline of changes; or none is. */
void stack_list_set_baseline(struct stack_list *list, int64_t wall_ns);
void stack_list_clear_baseline(struct stack_list *list);

/* Change in bytes since the baseline, or without one since the last report. */
int64_t stack_row_change(const struct stack_list *list,
			 const struct stack_row *row);

/* The place in shown of a stack; SIZE_MAX if it is not there. */
size_t stack_list_find(const struct stack_list *list, enum space space,
		       uint64_t id);

#endif
