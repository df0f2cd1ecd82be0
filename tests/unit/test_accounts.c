// SPDX-License-Identifier: GPL-2.0-or-later
/* Accounts of several processes over several reports: sums and changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/accounts.h"
#include "report/account_line.h"
#include "sample_reports.h"

#define MIB (1 << 20)

/* A process with so much of two parts. */
static struct process_account process(uint64_t id, uint64_t tracked,
				      uint64_t file)
{
	return (struct process_account){
		.id = id,
		.pid = (uint32_t)id + 100,
		.now = { .taken_ns = SAMPLE_NOW - id,
			 .rss_bytes = tracked + file,
			 .parts = { [ACCOUNT_TRACKED] = tracked,
				    [ACCOUNT_FILE] = file },
			 .areas = 10 },
	};
}

static struct report *judged(const struct process_account *processes,
			     size_t count, first_account_vector *first)
{
	struct report *report = sample_empty();

	for (size_t i = 0; i < count; i++)
		*sample_push(&report->snapshot->accounts) = processes[i];
	assert_int_equal(accounts_judge(report, first), 0);
	return report;
}

static void test_none(void **state)
{
	first_account_vector first = { 0 };
	struct report *report = judged(NULL, 0, &first);

	(void)state;
	assert_int_equal(report->account.figures.now.taken_ns, 0);
	assert_int_equal(report->accounts.count, 0);
	report_free(report);
	vector_free(&first);
}

/* Changes are those since the first report that had the process. */
static void test_one(void **state)
{
	first_account_vector first = { 0 };
	struct process_account one = process(1, 5 * MIB, MIB);
	struct report *report = judged(&one, 1, &first);
	enum account_part part;

	(void)state;
	assert_int_equal(report->account.change.rss_bytes, 0);
	assert_int_equal(report->accounts.count, 0);
	assert_false(account_cause(&report->account, &part));
	assert_string_equal(account_growth(&report->account).text, "");
	report_free(report);
	for (int i = 0; i < 2; i++) {
		one = process(1, 6 * MIB, 4 * MIB);
		report = judged(&one, 1, &first);
		assert_int_equal(report->account.change.rss_bytes, 4 * MIB);
		assert_true(account_cause(&report->account, &part));
		assert_int_equal(part, ACCOUNT_FILE);
		assert_string_equal(account_growth(&report->account).text,
				    "3.0 MiB of it in file-backed pages, 1.0 "
				    "MiB in blocks outstanding");
		report_free(report);
	}
	vector_free(&first);
}

/* What ran before is compared with what it was then. */
static void test_late(void **state)
{
	first_account_vector first = { 0 };
	struct process_account one = process(1, 5 * MIB, MIB);
	struct report *report;

	(void)state;
	one.start = process(1, MIB, MIB).now;
	one.start_heap_bytes = 2 * MIB;
	report = judged(&one, 1, &first);
	assert_int_equal(report->account.change.rss_bytes, 4 * MIB);
	assert_int_equal(report->account.figures.start.rss_bytes, 2 * MIB);
	assert_int_equal(report->account.figures.start_heap_bytes, 2 * MIB);
	report_free(report);
	vector_free(&first);
}

static void test_several(void **state)
{
	first_account_vector first = { 0 };
	struct process_account some[] = { process(3, MIB, 2 * MIB),
					  process(2, 4 * MIB, 8 * MIB) };
	struct report *report = judged(some, 2, &first);

	(void)state;
	assert_int_equal(report->account.figures.now.rss_bytes, 15 * MIB);
	assert_int_equal(report->account.figures.now.areas, 20);
	/* As old as the oldest. */
	assert_int_equal(report->account.figures.now.taken_ns, SAMPLE_NOW - 3);
	assert_int_equal(report->accounts.count, 2);
	report_free(report);
	/* One grows, the other ends, and a third begins. */
	some[0] = process(3, 3 * MIB, 2 * MIB);
	some[1] = process(4, 7 * MIB, 8 * MIB);
	report = judged(some, 2, &first);
	assert_int_equal(report->account.change.rss_bytes, 2 * MIB);
	assert_int_equal(report->accounts.items[0].change.rss_bytes, 2 * MIB);
	assert_int_equal(report->accounts.items[1].change.rss_bytes, 0);
	assert_int_equal(first.count, 2);
	report_free(report);
	vector_free(&first);
}

/* What was never freed, an allocator cannot have retained. */
static void test_words(void **state)
{
	struct report_account account = {
		.change = { .rss_bytes = 10 * MIB,
			    .parts = { [ACCOUNT_ALLOCATOR] = 10 * MIB } },
	};

	(void)state;
	assert_string_equal(account_growth(&account).text,
			    "10.0 MiB of it taken by the allocator for itself");
	account.freed_bytes = 5 * MIB;
	assert_string_equal(account_growth(&account).text,
			    "10.0 MiB of it retained by the allocator after "
			    "frees");
	account.change.rss_bytes = MIB - 1;
	assert_string_equal(account_growth(&account).text, "");
	account.change.rss_bytes = INT64_MIN;
	account.change.parts[ACCOUNT_ALLOCATOR] = INT64_MIN;
	assert_string_equal(account_growth(&account).text, "");
}

/* A file may say anything: it is printed all the same. */
static void test_extremes(void **state)
{
	static const char *const formats[] = { "text", "json", "html" };
	const struct report_style verbose = { .verbose = true }, plain = { 0 };
	struct report *report = sample_account();
	struct report_account *account = &report->account;

	(void)state;
	account->change.rss_bytes = INT64_MIN;
	account->figures.now.rss_bytes = UINT64_MAX;
	account->figures.now.taken_ns = UINT64_MAX;
	for (size_t i = 0; i < ACCOUNT_PARTS; i++) {
		account->change.parts[i] = i % 2 ? INT64_MIN : INT64_MAX;
		account->figures.now.parts[i] = UINT64_MAX;
	}
	for (size_t i = 0; i < 3; i++) {
		free(sample_written(formats[i], report, &plain));
		free(sample_written(formats[i], report, &verbose));
	}
	account->change.rss_bytes = INT64_MAX;
	free(sample_written("text", report, &plain));
	report_free(report);
}

/* How the bytes of each part are to be taken. */
static void test_bounds(void **state)
{
	struct account account = { .parts = { [ACCOUNT_TRACKED] = 5 } };

	(void)state;
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		assert_string_equal(
			account_bound(&account, (enum account_part)i), "exact");
	account.doubt_bytes = 1;
	assert_string_equal(account_bound(&account, ACCOUNT_TRACKED),
			    "at_most");
	assert_string_equal(account_bound(&account, ACCOUNT_ALLOCATOR),
			    "at_least");
	account.doubt_bytes = 0;
	account.parts[ACCOUNT_BEFORE] = 1;
	assert_string_equal(account_bound(&account, ACCOUNT_TRACKED), "exact");
	assert_string_equal(account_bound(&account, ACCOUNT_BEFORE), "at_most");
	assert_string_equal(account_bound(&account, ACCOUNT_ALLOCATOR),
			    "at_least");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	 cmocka_unit_test(test_one),
		cmocka_unit_test(test_late),	 cmocka_unit_test(test_several),
		cmocka_unit_test(test_words),	 cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
