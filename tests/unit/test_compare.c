// SPDX-License-Identifier: GPL-2.0-or-later
/* Two reports compared: what is the same call stack, what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "judge/compare.h"
#include "report/diff_format.h"
#include "sample_reports.h"

/* A stack of two frames in an object of that build ID. */
static void add(struct report *report, const char *build_id,
		const char *function, uint64_t address, uint64_t bytes,
		uint64_t blocks)
{
	struct report_stack *stack = sample_stack(report, bytes, blocks);

	sample_frame(stack, (struct frame){ .function = function,
					    .offset = 4,
					    .module = "server",
					    .path = "/usr/bin/server",
					    .build_id = build_id,
					    .address = address });
	sample_frame(stack, (struct frame){ .function = "main",
					    .offset = 9,
					    .module = "server",
					    .path = "/usr/bin/server",
					    .build_id = build_id,
					    .address = 0x2000 });
}

struct pair {
	struct report *before, *after;
	struct diff diff;
};

static void compare(struct pair *pair, bool drop_negatives)
{
	struct error error = { "" };

	if (compare_reports(pair->before, pair->after, drop_negatives,
			    &pair->diff, &error))
		fail_msg("%s", error.message);
}

static void pair_free(struct pair *pair)
{
	diff_free(&pair->diff);
	report_free(pair->before);
	report_free(pair->after);
}

static void check(const struct pair *pair, size_t index, enum diff_kind kind,
		  const char *function, uint64_t before, uint64_t after)
{
	const struct diff_stack *stack;

	assert_true(index < pair->diff.stacks.count);
	stack = &pair->diff.stacks.items[index];
	assert_string_equal(stack->frames->items[0].function, function);
	assert_string_equal(diff_kind_name(stack->kind), diff_kind_name(kind));
	assert_int_equal(stack->before.bytes, before);
	assert_int_equal(stack->after.bytes, after);
}

/* The same build: call sites are told apart, processes are not. */
static void test_by_build_id(void **state)
{
	struct pair pair = { sample_empty(), sample_empty(), { 0 } };

	(void)state;
	add(pair.before, "aa", "grows", 0x1000, 100, 1);
	add(pair.before, "aa", "grows", 0x1010, 7, 1);
	add(pair.before, "aa", "ends", 0x1100, 5000, 5);
	add(pair.before, "aa", "same", 0x1200, 10, 1);
	add(pair.before, "aa", "freed", 0x1300, 0, 0);
	add(pair.before, "aa", "shrinks", 0x1400, 900, 9);
	pair.after->pid = 4711;
	add(pair.after, "aa", "same", 0x1200, 10, 2);
	add(pair.after, "aa", "grows", 0x1010, 8, 1);
	add(pair.after, "aa", "grows", 0x1000, 50, 1);
	add(pair.after, "aa", "grows", 0x1000, 60, 1);
	add(pair.after, "aa", "comes", 0x1500, 3000, 3);
	add(pair.after, "aa", "shrinks", 0x1400, 300, 3);
	add(pair.after, "aa", "freed", 0x1300, 0, 0);
	compare(&pair, false);
	assert_int_equal(pair.diff.stacks.count, 5);
	check(&pair, 0, DIFF_GONE, "ends", 5000, 0);
	check(&pair, 1, DIFF_NEW, "comes", 0, 3000);
	check(&pair, 2, DIFF_SHRUNK, "shrinks", 900, 300);
	check(&pair, 3, DIFF_GROWN, "grows", 100, 110);
	assert_int_equal(pair.diff.stacks.items[3].after.stacks, 2);
	check(&pair, 4, DIFF_GROWN, "grows", 7, 8);
	assert_int_equal(pair.diff.counts[DIFF_SAME], 1);
	assert_int_equal(pair.diff.totals[SPACE_HEAP].bytes_before, 6017);
	assert_int_equal(pair.diff.totals[SPACE_HEAP].bytes_after, 3428);
	pair_free(&pair);
}

/* Built anew: other addresses and build ID, the same functions. */
static void test_by_function(void **state)
{
	struct pair pair = { sample_empty(), sample_empty(), { 0 } };

	(void)state;
	add(pair.before, "aa", "leak", 0x1000, 100, 1);
	add(pair.before, "aa", "leak", 0x1040, 20, 1);
	add(pair.before, "aa", "other", 0x1080, 1, 1);
	add(pair.after, "bb", "leak", 0x3000, 500, 5);
	add(pair.after, "bb", "another", 0x3080, 2, 1);
	compare(&pair, true);
	assert_int_equal(pair.diff.stacks.count, 2);
	check(&pair, 0, DIFF_GROWN, "leak", 120, 500);
	check(&pair, 1, DIFF_NEW, "another", 0, 2);
	assert_int_equal(pair.diff.counts[DIFF_GONE], 1);
	pair_free(&pair);
}

/* Kinds of memory are never taken for one another. */
static void test_spaces(void **state)
{
	struct pair pair = { sample_empty(), sample_empty(), { 0 } };

	(void)state;
	add(pair.before, "aa", "take", 0x1000, 100, 1);
	add(pair.after, "aa", "take", 0x1000, 100, 1);
	sample_figures(pair.after)->space = SPACE_MAPPING;
	compare(&pair, false);
	assert_int_equal(pair.diff.stacks.count, 2);
	assert_int_equal(pair.diff.counts[DIFF_NEW], 1);
	assert_int_equal(pair.diff.counts[DIFF_GONE], 1);
	pair_free(&pair);
}

/* A kernel that loads elsewhere: functions and offsets, no addresses. */
static void test_kernel(void **state)
{
	struct pair pair = { sample_kernel(), sample_kernel(), { 0 } };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		pair.after->top.items[i].frames.items[0].address += 0x7000000;
	compare(&pair, false);
	assert_int_equal(pair.diff.stacks.count, 0);
	assert_int_equal(pair.diff.counts[DIFF_SAME], 2);
	pair_free(&pair);
}

static char *written(int (*write)(FILE *, const struct diff *))
{
	struct pair pair = { sample_process(), sample_process(), { 0 } };
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	pair.after->snapshot->stacks.items[0].bytes += 1 << 20;
	pair.after->snapshot->stacks.items[0].blocks += 3;
	pair.after->snapshot->stacks.items[1].bytes = 0;
	pair.after->snapshot->stacks.items[1].blocks = 0;
	pair.after->top.items[0].judgement.verdict = VERDICT_LEAKING;
	pair.before->top.items[0].judgement.verdict = VERDICT_GROWING;
	compare(&pair, false);
	assert_int_equal(write(stream, &pair.diff), 0);
	assert_int_equal(fclose(stream), 0);
	pair_free(&pair);
	return text;
}

static int write_text(FILE *stream, const struct diff *diff)
{
	static const struct report_style style = { 0 };

	return diff_write_text(stream, diff, 1, &style);
}

static int write_json(FILE *stream, const struct diff *diff)
{
	return diff_write_json(stream, diff, 10);
}

static void test_text(void **state)
{
	char *text = written(write_text);

	(void)state;
	assert_string_equal(
		text,
		"before: server (PID 41) at 2031-02-03 04:05:06, after 15 s; "
		"something was lost: more in truth\n"
		"after:  server (PID 41) at 2031-02-03 04:05:06, after 15 s; "
		"something was lost: more in truth\n"
		"  heap +1022.0 KiB: 3.3 MiB -> 4.3 MiB in 5,117 -> 5,119 "
		"blocks\n"
		"  2 call stacks: 0 new, 1 grown, 0 shrunk, 1 gone, 0 same\n"
		"  1. grown +1.0 MiB: 3.3 MiB -> 4.3 MiB in 5,116 -> 5,119 "
		"blocks, growing -> leaking\n"
		"      xmalloc (inlined)  /src/server/memory.h:12  [server]\n"
		"      leak_request  /src/server/server.c:41  [server]\n"
		"      event_loop+0x230  [server]\n"
		"      ? libplugin.so.2+0x41b30  (build ID 00ff)\n"
		"  ... and 1 more that changed\n");
	free(text);
}

static void test_json(void **state)
{
	char *text = written(write_json);
	json_t *object = json_loads(text, 0, NULL), *stack;

	(void)state;
	assert_non_null(object);
	assert_string_equal(
		json_string_value(json_object_get(object, "format")),
		"leaktrace-diff");
	stack = json_array_get(json_object_get(object, "stacks"), 1);
	assert_string_equal(json_string_value(json_object_get(stack, "kind")),
			    "gone");
	assert_int_equal(
		json_integer_value(json_object_get(stack, "bytes_change")),
		-2048);
	json_decref(object);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_build_id),
		cmocka_unit_test(test_by_function),
		cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
