// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reports as OpenMetrics text, by the rules of the format: each family once
 * with its type, its samples behind it, labels quoted, EOF at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/openmetrics.h"
#include "sample_reports.h"

static char *write_text(struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(openmetrics_write(stream, report), 0);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(strlen(text), size);
	report_free(report);
	return text;
}

static void check_line(const char *text, const char *line)
{
	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return;
	fail_msg("no line %s in\n%s", line, text);
}

/* Every sample stands behind the TYPE of its family, which is there once. */
static void check_form(char *text)
{
	char family[128] = "", type[16] = "", seen[4096] = "", key[130];
	char *rest = text, *line, *last = "";

	while ((line = strsep(&rest, "\n")) && *line) {
		size_t length;

		last = line;
		if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
			snprintf(key, sizeof(key), "/%s/", family);
			assert_null(strstr(seen, key));
			strncat(seen, key, sizeof(seen) - strlen(seen) - 1);
			continue;
		}
		if (*line == '#')
			continue;
		length = strcspn(line, "{ ");
		snprintf(key, sizeof(key), "%s%s", family,
			 !strcmp(type, "counter") ? "_total"
			 : !strcmp(type, "info")  ? "_info"
						  : "");
		if (strlen(key) != length || strncmp(line, key, length))
			fail_msg("%s is not in family %s", line, family);
	}
	assert_string_equal(last, "# EOF");
	/* Nothing behind it. */
	assert_true(!rest || !*rest);
}

static void test_form(void **state)
{
	struct report *(*const samples[])(void) = {
		sample_process, sample_manual,	sample_first,
		sample_kernel,	sample_nothing, sample_last,
		sample_blocks,	sample_hostile, sample_long,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char *text = write_text(samples[i]());

		check_form(text);
		free(text);
	}
}

static struct report *leaking(const char *function, size_t count)
{
	struct report *report = sample_empty();

	for (size_t i = 0; i < count; i++) {
		struct report_stack *stack = sample_stack(report, 1000 + i, 10);
		struct frame *frame = sample_push(&stack->frames);

		stack->judgement.verdict = VERDICT_LEAKING;
		stack->judgement.bytes_per_second = 12.5;
		*frame = (struct frame){ .function = function,
					 .module = "server" };
	}
	sample_total(report, SPACE_HEAP, 7000, 70, count, -500, -5);
	return report;
}

static void test_figures(void **state)
{
	struct report *report = leaking("leak", 2);
	char *text;

	(void)state;
	report->since_last_ns = 4 * SAMPLE_SECOND;
	*sample_push(&report->snapshot->losses) =
		(struct loss){ .name = "blocks_not_recorded", .count = 3 };
	report->at_least = true;
	report->leaking_stacks = 2;
	report->growing_stacks = 3;
	report->leaking_bytes_per_second = 25.5;
	report->limit = (struct memory_limit){ LIMIT_CGROUP, 1 << 20, 4096 };
	report->snapshot->cost =
		(struct own_cost){ .period_ns = 4000, .own_ns = 2000 };
	text = write_text(report);
	check_line(text, "leaktrace_target_info{name=\"server\",pid=\"41\"} 1");
	check_line(text, "leaktrace_report_timestamp_seconds 1927857906.789");
	check_line(text, "leaktrace_outstanding_bytes{space=\"heap\"} 7000");
	check_line(text, "leaktrace_outstanding_blocks{space=\"heap\"} 70");
	check_line(text, "leaktrace_frees_total{space=\"heap\"} 80");
	check_line(text,
		   "leaktrace_growth_bytes_per_second{space=\"heap\"} -125");
	check_line(text, "leaktrace_leaking_stacks 2");
	check_line(text, "leaktrace_growing_stacks 3");
	check_line(text, "leaktrace_leaking_bytes_per_second 25.5");
	check_line(text, "leaktrace_memory_limit_bytes 1048576");
	check_line(text, "leaktrace_memory_used_bytes 4096");
	check_line(text, "leaktrace_cost_ratio 0.5");
	check_line(
		text,
		"leaktrace_leaking_stack_bytes{stack=\"heap-123456789abcd02\",function=\"leak\",module=\"server\"} 1001");
	check_line(
		text,
		"leaktrace_leaking_stack_growth_bytes_per_second{stack=\"heap-123456789abcd01\",function=\"leak\",module=\"server\"} 12.5");
	check_line(text,
		   "leaktrace_losses_total{loss=\"blocks_not_recorded\"} 3");
	check_line(text, "leaktrace_at_least 1");
	free(text);
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		count++;
	}
	return count;
}

/* However many stacks leak and whatever they are called. */
static void test_bounds(void **state)
{
	char *name, *text;

	(void)state;
	name = malloc(100000);
	assert_non_null(name);
	memset(name, 'x', 99999);
	name[99999] = '\0';
	text = write_text(leaking(name, SAMPLE_STACKS));
	assert_int_equal(count_of(text, "leaktrace_leaking_stack_bytes{"),
			 OPENMETRICS_STACKS_MAX);
	assert_true(strlen(text) < 30000);
	free(text);
	free(name);
}

static void test_quoting(void **state)
{
	char *text = write_text(leaking("a\"b\\c\nd\xff", 1));

	(void)state;
	assert_non_null(
		strstr(text, ",function=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\","));
	check_form(text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
