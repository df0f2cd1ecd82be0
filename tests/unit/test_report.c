// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report formats: byte for byte against tests/golden (LEAKTRACE_GOLDEN=
 * write writes the files anew: look at the difference before it is kept), the
 * width of a terminal, errors. Run from the top of the tree.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/format.h"
#include "sample_reports.h"
#include "util/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report_style pipe_style = { 0 };

static const struct golden {
	const char *name; /* of the file, without its suffix */
	struct report *(*make)(void);
	struct report_style style; /* of the text; JSON has none */
	bool json;
} goldens[] = {
	{ "process", sample_process, { 0 }, true },
	{ "process-terminal",
	  sample_process,
	  { .colour = true, .width = 80 },
	  false },
	{ "process-verbose", sample_process, { .verbose = true }, false },
	{ "first", sample_first, { 0 }, true },
	{ "kernel", sample_kernel, { 0 }, true },
	{ "kernel-terminal",
	  sample_kernel,
	  { .colour = true, .width = 80 },
	  false },
	{ "processes", sample_processes, { 0 }, true },
	{ "nothing", sample_nothing, { 0 }, true },
	{ "last", sample_last, { 0 }, true },
	{ "blocks", sample_blocks, { 0 }, true },
	{ "judged", sample_judged, { 0 }, true },
	{ "judged-terminal",
	  sample_judged,
	  { .colour = true, .width = 80 },
	  false },
	{ "rounds", sample_rounds, { 0 }, true },
	{ "sampled", sample_sampled, { 0 }, true },
	{ "growth", sample_growth, { 0 }, true },
	{ "account", sample_account, { 0 }, true },
	{ "account-terminal",
	  sample_account,
	  { .colour = true, .width = 80 },
	  false },
	{ "account-verbose", sample_account, { .verbose = true }, false },
	{ "accounts", sample_accounts, { 0 }, true },
	{ "sampled-terminal",
	  sample_sampled,
	  { .colour = true, .width = 80 },
	  false },
	{ "costly", sample_costly, { 0 }, true },
	{ "hostile", sample_hostile, { 0 }, true },
	{ "deep", sample_deep, { 0 }, true },
	{ "deep-verbose", sample_deep, { .verbose = true }, false },
	{ "long", sample_long, { 0 }, true },
	{ "long-terminal", sample_long, { .width = 80 }, false },
};

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	/* Text has no NUL: this reads all of it. */
	if (getdelim(&text, &size, '\0', file) < 0)
		fail_msg("%s: empty", path);
	fclose(file);
	return text;
}

static void check_golden(const struct golden *golden, const char *format,
			 const char *suffix)
{
	const char *mode = getenv("LEAKTRACE_GOLDEN");
	struct report *report = golden->make();
	char *text = sample_written(format, report, &golden->style), *expected;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "tests/golden/%s.%s", golden->name,
		 suffix);
	if (mode && !strcmp(mode, "write")) {
		file = fopen(path, "w");
		assert_non_null(file);
		assert_true(fputs(text, file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	expected = read_file(path);
	if (strcmp(text, expected))
		fail_msg("%s: the report differs:\n%s", path, text);
	free(expected);
	free(text);
	report_free(report);
}

static void test_golden_text(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(goldens); i++)
		check_golden(&goldens[i], "text", "txt");
}

static void test_golden_json(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(goldens); i++)
		if (goldens[i].json)
			check_golden(&goldens[i], "json", "json");
}

static void test_golden_folded(void **state)
{
	static const struct golden folded[] = {
		{ .name = "process", .make = sample_process },
		{ .name = "kernel", .make = sample_kernel },
		{ .name = "hostile", .make = sample_hostile },
		{ .name = "everything", .make = sample_everything },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(folded); i++)
		check_golden(&folded[i], "folded", "folded");
}

/* The columns of a line on a terminal: colours take none. */
static size_t terminal_columns(char *line)
{
	char *from = line, *to = line;

	while (*from) {
		if (from[0] == '\033' && from[1] == '[')
			from = strchr(from, 'm') + 1;
		else
			*to++ = *from++;
	}
	*to = '\0';
	return utf8_columns(line);
}

/* No line is wider than the terminal, none ends in a space. */
static void test_width(void **state)
{
	struct report_style style = { .colour = true };
	char *text, *line, *rest;
	struct report *report;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(goldens); i++) {
		report = goldens[i].make();
		for (style.width = 60; style.width <= 200; style.width++) {
			style.verbose = style.width % 2;
			text = sample_written("text", report, &style);
			for (rest = text; (line = strsep(&rest, "\n"));) {
				if (terminal_columns(line) > style.width)
					fail_msg("%s at %u: \"%s\"",
						 goldens[i].name, style.width,
						 line);
				if (*line && line[strlen(line) - 1] == ' ')
					fail_msg("%s: space behind \"%s\"",
						 goldens[i].name, line);
			}
			free(text);
		}
		report_free(report);
	}
}

/* Colours come only where the style has them, control characters never. */
static void test_no_control_characters(void **state)
{
	struct report *report;
	char *text, *at;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(goldens); i++) {
		report = goldens[i].make();
		text = sample_written("text", report, &pipe_style);
		for (at = text; *at; at++)
			assert_true((unsigned char)*at >= ' ' || *at == '\n');
		free(text);
		report_free(report);
	}
}

static void test_write_errors(void **state)
{
	static const char *const formats[] = { "text",	"json", "folded",
					       "pprof", "html", "massif" };
	struct report *report = sample_process();
	FILE *stream;
	int ends[2];
	size_t i;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < COUNT(formats); i++) {
		assert_int_equal(pipe(ends), 0);
		close(ends[0]);
		stream = fdopen(ends[1], "w");
		assert_non_null(stream);
		assert_int_equal(report_format_find(formats[i])
					 ->write(stream, report, &pipe_style),
				 -EPIPE);
		fclose(stream);
		stream = fopen("/dev/full", "w");
		assert_non_null(stream);
		assert_int_equal(report_format_find(formats[i])
					 ->write(stream, report, &pipe_style),
				 -ENOSPC);
		fclose(stream);
	}
	report_free(report);
}

static void test_find(void **state)
{
	char names[64];
	char *rest = names, *name;
	size_t i;

	(void)state;
	assert_null(report_format_find("xml"));
	assert_null(report_format_find(""));
	snprintf(names, sizeof(names), "%s", report_format_names());
	while ((name = strsep(&rest, ", ")))
		if (*name)
			assert_string_equal(report_format_find(name)->name,
					    name);
	assert_non_null(strstr(report_format_names(), "text"));
	assert_non_null(strstr(report_format_names(), "json"));
	for (i = 0; report_format_at(i); i++)
		assert_non_null(strstr(report_format_names(),
				       report_format_at(i)->name));
}

/* Every value has its name, and a value from elsewhere does no harm. */
static void test_names(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < SPACE_COUNT; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(space_name((enum space)i),
						space_name((enum space)j));
	for (i = 0; i < FLAW_COUNT; i++) {
		for (j = 0; j < i; j++) {
			assert_string_not_equal(
				stack_flaw_name((enum stack_flaw)i),
				stack_flaw_name((enum stack_flaw)j));
			assert_string_not_equal(
				stack_flaw_text((enum stack_flaw)i),
				stack_flaw_text((enum stack_flaw)j));
		}
	}
	assert_string_equal(space_name(SPACE_PERCPU), "percpu");
	assert_string_equal(stack_flaw_name(FLAW_NO_CFI), "no_cfi");
	assert_string_equal(space_name((enum space)SPACE_COUNT), "unknown");
	assert_non_null(stack_flaw_text((enum stack_flaw)FLAW_COUNT));
	report_free(NULL);
	snapshot_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_text),
		cmocka_unit_test(test_golden_json),
		cmocka_unit_test(test_golden_folded),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_no_control_characters),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_names),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
