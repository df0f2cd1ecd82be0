// SPDX-License-Identifier: GPL-2.0-or-later
/* The live view's list: order, filter, baseline and history over reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sample_reports.h"
#include "view/stack_list.h"

static struct report_stack *add(struct report *report, uint64_t id,
				const char *function, uint64_t bytes,
				uint64_t blocks, int64_t change, uint64_t age)
{
	struct report_stack *stack = sample_stack(report, bytes, blocks);
	struct frame *frame = sample_push(&stack->frames);

	/* Its own are constant to those who only read. */
	report->snapshot->stacks.items[report->snapshot->stacks.count - 1].id =
		id;
	stack->bytes_change = change;
	stack->oldest_age_ns = age;
	*frame = (struct frame){ .function = function, .module = "server" };
	return stack;
}

static struct report *sample(uint64_t apple, uint64_t banana, uint64_t cherry)
{
	struct report *report = sample_empty();

	add(report, 1, "apple", apple, 30, 5, 300);
	add(report, 2, "Banana", banana, 10, 70, 100);
	add(report, 3, "cherry", cherry, 20, -9, 200);
	return report;
}

static void check_shown(const struct stack_list *list, const char *ids)
{
	char found[64] = "";

	for (size_t i = 0; i < list->shown.count; i++) {
		char id =
			(char)('0' + list->rows.items[list->shown.items[i]].id);

		strncat(found, &id, 1);
	}
	assert_string_equal(found, ids);
}

static void test_orders(void **state)
{
	static const char *const expected[STACK_ORDERS] = {
		[STACK_ORDER_REPORT] = "123", [STACK_ORDER_BYTES] = "312",
		[STACK_ORDER_BLOCKS] = "132", [STACK_ORDER_CHANGE] = "213",
		[STACK_ORDER_AGE] = "132",
	};
	struct report *report = sample(200, 100, 300);
	struct stack_list list = { 0 };

	(void)state;
	assert_int_equal(stack_list_update(&list, report), 0);
	for (int order = 0; order < STACK_ORDERS; order++) {
		list.order = (enum stack_order)order;
		assert_int_equal(stack_list_arrange(&list), 0);
		check_shown(&list, expected[order]);
	}
	stack_list_free(&list);
	report_free(report);
}

static void test_filter(void **state)
{
	static const struct {
		const char *filter, *shown;
	} cases[] = {
		{ "", "123" },	   { "app", "1" }, { "BAN", "2" },
		{ "serv", "123" }, { "n", "2" },   { "none", "" },
	};
	struct report *report = sample(200, 100, 300);
	struct stack_list list = { 0 };

	(void)state;
	assert_int_equal(stack_list_update(&list, report), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(list.filter, cases[i].filter);
		assert_int_equal(stack_list_arrange(&list), 0);
		check_shown(&list, cases[i].shown);
	}
	assert_int_equal(stack_list_find(&list, SPACE_HEAP, 1), SIZE_MAX);
	stack_list_free(&list);
	report_free(report);
}

static const struct stack_row *row_at(const struct stack_list *list,
				      uint64_t id)
{
	size_t place = stack_list_find(list, SPACE_HEAP, id);

	assert_true(place != SIZE_MAX);
	return &list->rows.items[list->shown.items[place]];
}

static void test_baseline(void **state)
{
	struct report *first = sample(200, 100, 300);
	struct report *second = sample(250, 40, 300);
	struct stack_list list = { 0 };

	(void)state;
	assert_int_equal(stack_list_update(&list, first), 0);
	assert_int_equal(stack_row_change(&list, row_at(&list, 2)), 70);
	stack_list_set_baseline(&list, 5);
	assert_int_equal(stack_row_change(&list, row_at(&list, 2)), 0);
	/* One that is new since then, and one that has gone. */
	add(second, 4, "damson", 10, 1, 10, 1);
	second->snapshot->stacks.items[1].blocks = 0;
	second->snapshot->stacks.items[1].bytes = 0;
	assert_int_equal(stack_list_update(&list, second), 0);
	report_free(first);
	assert_int_equal(stack_row_change(&list, row_at(&list, 1)), 50);
	assert_int_equal(stack_row_change(&list, row_at(&list, 2)), -100);
	assert_int_equal(stack_row_change(&list, row_at(&list, 3)), 0);
	assert_int_equal(stack_row_change(&list, row_at(&list, 4)), 10);
	stack_list_clear_baseline(&list);
	assert_int_equal(stack_list_arrange(&list), 0);
	check_shown(&list, "134");
	assert_int_equal(stack_row_change(&list, row_at(&list, 1)), 5);
	stack_list_free(&list);
	report_free(second);
}

static void test_history(void **state)
{
	struct report *report = NULL, *old;
	struct stack_list list = { 0 };
	const struct stack_row *row;

	(void)state;
	for (uint64_t i = 1; i <= STACK_HISTORY + 5; i++) {
		old = report;
		report = sample(i, 2 * i, 7);
		assert_int_equal(stack_list_update(&list, report), 0);
		report_free(old);
	}
	row = row_at(&list, 2);
	assert_int_equal(row->history_count, STACK_HISTORY);
	assert_int_equal(row->history[0], 12);
	assert_int_equal(row->history[STACK_HISTORY - 1],
			 2 * (STACK_HISTORY + 5));
	stack_list_free(&list);
	report_free(report);
}

static void test_nothing(void **state)
{
	struct report *report = sample_empty();
	struct stack_list list = { 0 };

	(void)state;
	assert_int_equal(stack_list_update(&list, report), 0);
	assert_int_equal(list.shown.count, 0);
	stack_list_set_baseline(&list, 1);
	assert_int_equal(stack_list_update(&list, report), 0);
	stack_list_free(&list);
	report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),	 cmocka_unit_test(test_filter),
		cmocka_unit_test(test_baseline), cmocka_unit_test(test_history),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
