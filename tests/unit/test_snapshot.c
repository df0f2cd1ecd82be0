// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshot files: written and read again, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "judge/rank.h"
#include "sample_reports.h"
#include "snapshot/layout.h"
#include "snapshot/snapshot_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report_style pipe_style = { 0 };

static char directory[] = "/tmp/leaktrace-test-snapshot-XXXXXX";
static char path[64];

static int directory_make(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/file", directory);
	return 0;
}

static int directory_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void save(const struct report *report)
{
	struct error error = { "" };

	if (snapshot_save(path, report, &error))
		fail_msg("%s", error.message);
}

static struct snapshot_file load(void)
{
	struct snapshot_file file = { 0 };
	struct error error = { "" };

	if (snapshot_load(path, &file, &error))
		fail_msg("%s", error.message);
	return file;
}

/* Everything that any format prints comes back. */
static void test_round_trip(void **state)
{
	static const struct {
		struct report *(*make)(void);
		const char *format;
	} cases[] = {
		{ sample_everything, "text" },	 { sample_everything, "json" },
		{ sample_everything, "folded" }, { sample_kernel, "text" },
		{ sample_kernel, "json" },	 { sample_sampled, "json" },
		{ sample_last, "json" },	 { sample_blocks, "json" },
		{ sample_nothing, "json" },	 { sample_first, "text" },
		{ sample_account, "json" },	 { sample_account, "text" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct report *report = cases[i].make();
		unsigned top = (unsigned)report->top.count;
		struct snapshot_file file;
		char *before, *after;

		save(report);
		file = load();
		assert_int_equal(
			rank_stacks(file.report, SORT_BYTES, top, true), 0);
		before = sample_written(cases[i].format, report, &pipe_style);
		after = sample_written(cases[i].format, file.report,
				       &pipe_style);
		assert_string_equal(before, after);
		free(before);
		free(after);
		snapshot_file_free(&file);
		report_free(report);
	}
}

/* What no format prints comes back as well. */
static void test_judgement(void **state)
{
	struct report *report = sample_everything();
	struct snapshot_file file;
	const struct report_stack *stack;

	(void)state;
	save(report);
	file = load();
	stack = &file.report->top.items[0];
	assert_int_equal(file.report->top.count, 4);
	assert_int_equal(file.report->rest.count, 2);
	assert_memory_equal(&stack->judgement, &report->top.items[0].judgement,
			    sizeof(stack->judgement));
	assert_memory_equal(stack->figures->lifetimes,
			    report->top.items[0].figures->lifetimes,
			    sizeof(stack->figures->lifetimes));
	assert_non_null(file.host.name);
	snapshot_file_free(&file);
	report_free(report);
}

/* Any bytes that a target has for names. */
static void test_hostile_names(void **state)
{
	struct report *report = sample_hostile();
	struct snapshot_file file;
	char *before, *after;

	(void)state;
	save(report);
	file = load();
	before = sample_written("json", report, &pipe_style);
	after = sample_written("json", file.report, &pipe_style);
	assert_string_equal(before, after);
	free(before);
	free(after);
	snapshot_file_free(&file);
	report_free(report);
}

/* The old file stays until the new one is whole; no other file is left. */
static void test_replaced(void **state)
{
	struct report *report = sample_first();
	struct snapshot_file file;
	struct error error = { "" };
	struct stat status;
	char link_path[80];

	(void)state;
	umask(022);
	save(report);
	report->number = 77;
	/* Through a link, which stays one. */
	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(snapshot_save(link_path, report, &error), 0);
	file = load();
	assert_int_equal(file.report->number, 77);
	snapshot_file_free(&file);
	assert_int_equal(lstat(link_path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	unlink(link_path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	report_free(report);
	/* rmdir at the end fails if anything else was left. */
}

static void check_unwritable(const char *where, const char *why)
{
	struct report *report = sample_first();
	struct error error = { "" };

	assert_true(snapshot_check_path(where, &error) < 0);
	assert_non_null(strstr(error.message, where));
	if (!strstr(error.message, why))
		fail_msg("\"%s\": no \"%s\"", error.message, why);
	assert_true(snapshot_save(where, report, &error) < 0);
	report_free(report);
}

static void test_unwritable(void **state)
{
	(void)state;
	check_unwritable("/nonexistent/file", "No such file");
	check_unwritable("/dev/null", "no regular file");
	check_unwritable(directory, "no regular file");
}

static void write_bytes(const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void check_refused(const char *why)
{
	struct snapshot_file file = { 0 };
	struct error error = { "" };

	assert_true(snapshot_load(path, &file, &error) < 0);
	assert_null(file.report);
	if (!strstr(error.message, why) || !strstr(error.message, path))
		fail_msg("\"%s\": no \"%s\"", error.message, why);
}

/* A file that is cut anywhere, compressed or not. */
static void test_truncated(void **state)
{
	static char bytes[1 << 16];
	struct report *report = sample_everything();
	size_t size, i;
	FILE *file;

	(void)state;
	save(report);
	report_free(report);
	file = fopen(path, "r");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(size > 100 && size < sizeof(bytes));
	for (i = 0; i < size; i++) {
		write_bytes(bytes, i);
		check_refused(i < 20 ? "" : "it ends too early");
	}
	bytes[size / 2] ^= 0x55;
	write_bytes(bytes, size);
	check_refused("");
}

#define HEAD "{\"format\":\"leaktrace-snapshot\",\"version\":1,"
#define REPORT "\"report\":{\"reason\":\"last\"},"
#define EMPTY "\"totals\":[],\"losses\":[],"
#define STACK                                                              \
	"\"blocks\":1,\"space\":\"heap\",\"flaw\":\"none\",\"lifetimes\":" \
	"[],"

static const struct {
	const char *text, *why;
} refused[] = {
	{ "", "it ends too early" },
	{ "PK\003\004", "it is no snapshot" },
	{ "[]", "it is no snapshot" },
	{ "{}", "it is no snapshot" },
	{ "{\"format\":\"leaktrace-report\",\"version\":1}",
	  "it is no snapshot" },
	{ "{\"format\":\"leaktrace-snapshot\",\"version\":2}",
	  "of version 2, and this leaktrace reads version 1" },
	{ HEAD "\"host\":3}", "host: not an object" },
	{ HEAD "\"report\":{}}", "report: \"reason\" is missing" },
	{ HEAD "\"report\":{\"pid\":-1}}", "report: \"pid\"" },
	{ HEAD "\"report\":{\"pid\":4294967296}}", "report: \"pid\"" },
	{ HEAD "\"report\":{\"target\":null}}", "report: \"target\"" },
	{ HEAD "\"report\":{\"elapsed_ns\":1.5}}", "\"elapsed_ns\"" },
	{ HEAD "\"report\":{\"reason\":\"\\u001b[2J\"}}",
	  "\"reason\" is unknown" },
	{ HEAD REPORT "\"x\":0}", "\"totals\" is missing" },
	{ HEAD REPORT EMPTY "\"stacks\":[]}", "\"frames\" is missing" },
	{ HEAD REPORT EMPTY "\"frames\":[{\"address\":\"12\"}],\"stacks\":"
			    "[]}",
	  "frame 0: \"address\"" },
	{ HEAD REPORT EMPTY "\"frames\":[{\"address\":\"0x"
			    "11111111111111111\"}],\"stacks\":[]}",
	  "frame 0: \"address\"" },
	{ HEAD REPORT EMPTY "\"frames\":[],\"stacks\":[{" STACK
			    "\"frames\":[0]}]}",
	  "stack 0: a frame that there is not" },
	{ HEAD REPORT EMPTY "\"frames\":[{}],\"stacks\":[{" STACK
			    "\"frames\":[-1]}]}",
	  "stack 0: a frame that there is not" },
	{ HEAD REPORT EMPTY "\"frames\":[],\"stacks\":[{\"space\":\"x\"}]}",
	  "stack 0: \"space\" is unknown" },
	{ HEAD REPORT EMPTY "\"frames\":[],\"stacks\":[7]}",
	  "stack 0: not an object" },
	{ HEAD REPORT EMPTY "\"frames\":[],\"stacks\":[{\"blocks\":1,"
			    "\"space\":\"heap\",\"flaw\":\"none\","
			    "\"lifetimes\":[1,2,-3]}]}",
	  "\"lifetimes\"" },
	{ HEAD REPORT "\"totals\":[{}],\"losses\":[]}", "totals: \"space\"" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		write_bytes(refused[i].text, strlen(refused[i].text));
		check_refused(refused[i].why);
	}
	/* Plain JSON is read, too, and unknown keys are passed over. */
	{
		static const char text[] = HEAD REPORT EMPTY
			"\"frames\":[{\"new\":1}],\"new\":{},"
			"\"stacks\":[{" STACK "\"frames\":[0,0]}]}";
		struct snapshot_file file;

		write_bytes(text, strlen(text));
		file = load();
		assert_int_equal(file.report->top.items[0].frames.count, 2);
		snapshot_file_free(&file);
	}
}

/* A small file must not take all memory: each container costs some. */
static void test_too_many(void **state)
{
	size_t size = SNAPSHOT_CONTAINERS_MAX + 10;
	struct snapshot_file file;
	struct error error = { "" };
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	memset(text, '[', size);
	assert_int_equal(snapshot_parse(text, size, &file, &error), -EFBIG);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_judgement),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_unwritable),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
