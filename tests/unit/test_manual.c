// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * docs/leaktrace.8 against the program, both ways: every option in the table
 * is in OPTIONS and nothing else is, every JSON key is documented and every
 * documented one is written, the example is what a report looks like. Run from
 * the top of the tree.
 */
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

#include "options_table.h"
#include "sample_reports.h"
#include "util/units.h"

#define MANUAL "docs/leaktrace.8"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The manual as lines; text owns them. */
struct manual {
	char *text;
	VECTOR(char *) lines;
};

static int manual_read(void **state)
{
	struct manual *manual = calloc(1, sizeof(*manual));
	FILE *file = fopen(MANUAL, "r");
	char *rest, *line;
	size_t size = 0;

	if (!manual || !file) {
		perror(MANUAL);
		return -1;
	}
	if (getdelim(&manual->text, &size, '\0', file) < 0)
		return -1;
	fclose(file);
	for (rest = manual->text; (line = strsep(&rest, "\n"));)
		*sample_push(&manual->lines) = line;
	*state = manual;
	return 0;
}

static int manual_free(void **state)
{
	struct manual *manual = *state;

	vector_free(&manual->lines);
	free(manual->text);
	free(manual);
	return 0;
}

static bool begins(const char *line, const char *beginning)
{
	return !strncmp(line, beginning, strlen(beginning));
}

/* The index of the line, from one on; fails if there is none. */
static size_t find_line(const struct manual *manual, size_t from,
			const char *wanted)
{
	size_t i;

	for (i = from; i < manual->lines.count; i++)
		if (!strcmp(manual->lines.items[i], wanted))
			return i;
	fail_msg(MANUAL " has no line \"%s\"", wanted);
	return 0;
}

/* The index of the next line that begins so, or of the end of the manual. */
static size_t find_beginning(const struct manual *manual, size_t from,
			     const char *beginning)
{
	size_t i;

	for (i = from; i < manual->lines.count; i++)
		if (begins(manual->lines.items[i], beginning))
			return i;
	return manual->lines.count;
}

/* Whether one of the lines [from, to) holds the text. */
static bool holds(const struct manual *manual, size_t from, size_t to,
		  const char *text)
{
	for (; from < to; from++)
		if (strstr(manual->lines.items[from], text))
			return true;
	return false;
}

/* "The default is 10." or "The default is" and ".Cm text ." below it. */
static bool tells_default(const struct manual *manual, size_t from, size_t to,
			  const char *initial)
{
	char plain[64], marked[64];

	snprintf(plain, sizeof(plain), "The default is %s.", initial);
	snprintf(marked, sizeof(marked), ".Cm %s .", initial);
	for (; from < to; from++) {
		if (!strcmp(manual->lines.items[from], plain) ||
		    (!strcmp(manual->lines.items[from], "The default is") &&
		     !strcmp(manual->lines.items[from + 1], marked)))
			return true;
	}
	return false;
}

/* The heading that an option must have, as mdoc(7). */
static void heading(char *line, size_t size, const struct option_entry *entry)
{
	char letter[16] = "";

	if (entry->letter)
		snprintf(letter, sizeof(letter), " Fl %c ,", entry->letter);
	snprintf(line, size, ".It%s Fl -%s%s%s", letter, entry->name,
		 !entry->argument  ? ""
		 : entry->optional ? " Ns Op = Ns Ar "
				   : " Ar ",
		 entry->argument ? entry->argument : "");
}

static void test_options(void **state)
{
	const struct manual *manual = *state;
	const struct option_entry *entries;
	size_t at, end, next, count, i;
	char expected[128];

	entries = option_table(&count);
	at = find_line(manual, 0, ".Sh OPTIONS") + 1;
	end = find_beginning(manual, at, ".Sh ");
	for (i = 0; i < count; i++) {
		if (entries[i].group) {
			at = find_beginning(manual, at, ".Ss ");
			snprintf(expected, sizeof(expected), ".Ss %s",
				 entries[i].group);
			assert_string_equal(manual->lines.items[at], expected);
		}
		at = find_beginning(manual, at, ".It ");
		if (at >= end)
			fail_msg("--%s is not in OPTIONS", entries[i].name);
		heading(expected, sizeof(expected), &entries[i]);
		assert_string_equal(manual->lines.items[at], expected);
		at++;
		next = find_beginning(manual, at, ".It ");
		if (entries[i].initial &&
		    !tells_default(manual, at, next, entries[i].initial))
			fail_msg("--%s: the default is not told",
				 entries[i].name);
	}
	at = find_beginning(manual, at, ".It ");
	if (at < end)
		fail_msg("not an option: %s", manual->lines.items[at]);
}

/* What neither the table nor a field of it can tell. */
static void test_interval(void **state)
{
	char *arguments[] = { (char *)"leaktrace", (char *)"-p1", NULL };
	const struct manual *manual = *state;
	struct options options;
	char *help = NULL;
	uint64_t told;
	size_t size;
	FILE *stream;

	assert_int_equal(options_parse(&options, 2, arguments, NULL), 0);
	assert_int_equal(units_parse_duration("5s", &told, NULL), 0);
	assert_int_equal(options.interval_ns, told);
	stream = open_memstream(&help, &size);
	assert_non_null(stream);
	options_help(stream);
	fclose(stream);
	assert_non_null(strstr(help, "INTERVAL (default: 5s)"));
	free(help);
	find_line(manual, 0,
		  "(a time, 10ms at least; the default is 5s), and "
		  "tracing ends after");
}

/* The object of a report that a subsection of JSON REPORTS documents. */
static json_t *documented_object(json_t *report, const char *subsection)
{
	json_t *stack = json_array_get(json_object_get(report, "stacks"), 0);
	json_t *kernel = json_object_get(report, "kernel");
	json_t *account = json_object_get(report, "account");
	const char *key = subsection + strlen("Each of ");

	if (!strcmp(subsection, "The report"))
		return report;
	if (!strcmp(subsection, "The target"))
		return json_object_get(report, "target");
	if (!strcmp(subsection, "The kernel"))
		return kernel;
	if (!strcmp(subsection, "The kernel of a stack"))
		return json_object_get(stack, "kernel");
	if (!strcmp(subsection, "The resident set"))
		return json_object_get(report, "resident");
	if (!strcmp(subsection, "The cost"))
		return json_object_get(report, "cost");
	if (!strcmp(subsection, "The limit"))
		return json_object_get(report, "limit");
	if (!strcmp(subsection, "The judgement of a stack"))
		return json_object_get(stack, "judgement");
	if (!strcmp(subsection, "The account"))
		return account;
	if (!strcmp(subsection, "A part of the account"))
		return json_object_get(json_object_get(account, "parts"),
				       "tracked");
	if (!strcmp(subsection, "The account at the start"))
		return json_object_get(account, "start");
	if (!strcmp(subsection, "A process of the account"))
		return json_array_get(json_object_get(account, "processes"), 0);
	if (!strcmp(subsection, "The rounds"))
		return json_object_get(report, "rounds");
	if (!strcmp(subsection, "The rounds of a stack"))
		return json_object_get(stack, "rounds");
	if (!strcmp(subsection, "The history of a stack"))
		return json_object_get(stack, "history");
	if (json_object_get(report, subsection))
		return json_object_get(report, subsection);
	assert_true(begins(subsection, "Each of "));
	if (json_object_get(kernel, key))
		return json_array_get(json_object_get(kernel, key), 0);
	if (json_object_get(report, key))
		return json_array_get(json_object_get(report, key), 0);
	return json_array_get(json_object_get(stack, key), 0);
}

/* A report with an object of each kind in it. */
static json_t *full_report(void)
{
	const struct report_style style = { 0 };
	struct report *report = sample_process();
	json_t *object;
	char *text;

	*sample_push(&report->snapshot->stacks.items[0].listed) =
		(struct block){ 0x1000, 16, SAMPLE_NOW };
	report->kernel = true;
	report->by_rounds = true;
	report->snapshot->stacks.items[0].space = SPACE_MAPPING;
	report->snapshot->stacks.items[0].module = "vmlinux";
	sample_module(report, "vmlinux", SPACE_SLAB, 16, 1, 0);
	sample_gap(report);
	report->snapshot->fault_period = 16;
	*sample_push(&report->suppressed) =
		(struct suppressed){ "one", 1, 2, 3 };
	report->snapshot->cost.period_ns = 5000000000;
	sample_add_process(
		report,
		&(struct process_figures){ .pid = 41, .name = "server" }, 0);
	report->snapshot->resident_wanted = true;
	sample_add_account(report);
	*sample_push(&report->accounts) = report->account;
	text = sample_written("json", report, &style);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	free(text);
	report_free(report);
	return object;
}

static void test_json(void **state)
{
	const struct manual *manual = *state;
	size_t at, end, next, subsections = 0;
	json_t *report = full_report(), *object, *value;
	char expected[80];
	const char *key;

	at = find_line(manual, 0, ".Sh JSON REPORTS") + 1;
	end = find_beginning(manual, at, ".Sh ");
	for (at = find_beginning(manual, at, ".Ss "); at < end; at = next) {
		next = find_beginning(manual, at + 1, ".S");
		object = documented_object(report, manual->lines.items[at] +
							   strlen(".Ss "));
		if (!json_is_object(object))
			fail_msg("no such object: %s", manual->lines.items[at]);
		/* Keys stand in the order in which they are written. */
		json_object_foreach(object, key, value)
		{
			at = find_beginning(manual, at + 1, ".It ");
			if (at >= next)
				fail_msg("\"%s\" is not documented", key);
			snprintf(expected, sizeof(expected), ".It Va %s", key);
			assert_string_equal(manual->lines.items[at], expected);
		}
		at = find_beginning(manual, at + 1, ".It ");
		if (at < next)
			fail_msg("never written: %s", manual->lines.items[at]);
		subsections++;
	}
	/* The report, resident set, target, cost, suppressed, processes,
	 * ended_before, limit, totals, losses, stacks, judgement, history,
	 * frames, allocs, rounds, those of a stack; of the account: itself,
	 * parts, start, processes; and of the kernel: itself, modules, gaps, a
	 * stack. */
	assert_int_equal(subsections, 25);
	json_decref(report);
}

/* Reasons, kinds of memory and flaws are named as they are written. */
static void test_json_values(void **state)
{
	static const char *const reasons[] = { "interval", "signal", "unloaded",
					       "cycle", "last" };
	const struct manual *manual = *state;
	size_t from = find_line(manual, 0, ".Sh JSON REPORTS");
	size_t to = find_beginning(manual, from + 1, ".Sh ");
	char quoted[40];
	size_t i;

	for (i = 0; i < COUNT(reasons); i++) {
		snprintf(quoted, sizeof(quoted), ".Dq %s", reasons[i]);
		assert_true(holds(manual, from, to, quoted));
	}
	for (i = 0; i < SPACE_COUNT; i++) {
		snprintf(quoted, sizeof(quoted), ".Dq %s",
			 space_name((enum space)i));
		assert_true(holds(manual, from, to, quoted));
	}
	for (i = 0; i < ACCOUNT_PARTS; i++) {
		snprintf(quoted, sizeof(quoted), ".Dq %s",
			 account_part_name((enum account_part)i));
		assert_true(holds(manual, from, to, quoted));
	}
	for (i = VERDICT_NONE; i < VERDICT_COUNT; i++) {
		snprintf(quoted, sizeof(quoted), ".Dq %s",
			 verdict_name((enum verdict)i));
		assert_true(holds(manual, from, to, quoted));
	}
	for (i = DOUBT_NONE + 1; i < DOUBT_COUNT; i++) {
		snprintf(quoted, sizeof(quoted), ".Dq %s",
			 verdict_doubt_name((enum verdict_doubt)i));
		assert_true(holds(manual, from, to, quoted));
	}
	for (i = FLAW_NONE + 1; i < FLAW_COUNT; i++) {
		snprintf(quoted, sizeof(quoted), ".Dq %s",
			 stack_flaw_name((enum stack_flaw)i));
		if (!holds(manual, from, to, quoted))
			fail_msg("not documented: %s", quoted);
	}
}

static void test_example(void **state)
{
	const struct report_style style = { 0 };
	struct report *report = sample_manual();
	const struct manual *manual = *state;
	char *text = sample_written("text", report, &style);
	char *rest, *line;
	size_t at;

	at = find_line(manual, 0, ".Sh THE REPORT");
	at = find_line(manual, at, ".Bd -literal") + 1;
	for (rest = text; (line = strsep(&rest, "\n")) && *line; at++)
		assert_string_equal(manual->lines.items[at], line);
	assert_string_equal(manual->lines.items[at], ".Ed");
	free(text);
	report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_values),
		cmocka_unit_test(test_example),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, manual_read, manual_free);
}
