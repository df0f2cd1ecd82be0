// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Snapshot files, as JSON text: what is accepted must print in every format,
 * compare with itself without a change, and be the same when it was written
 * and read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/compare.h"
#include "judge/rank.h"
#include "judge/suppress_report.h"
#include "report/diff_format.h"
#include "report/format.h"
#include "snapshot/snapshot_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_all(const struct report *report)
{
	const struct report_style style = { .colour = true,
					    .width = 80,
					    .verbose = true };
	FILE *nowhere = fopen("/dev/null", "w");

	if (!nowhere)
		abort();
	for (size_t i = 0; report_format_at(i); i++)
		if (report_format_at(i)->write(nowhere, report, &style))
			abort();
	fclose(nowhere);
}

static void compare_with_itself(const struct report *report)
{
	const struct report_style style = { 0 };
	struct diff diff;
	FILE *nowhere = fopen("/dev/null", "w");

	if (!nowhere || compare_reports(report, report, false, &diff, NULL))
		abort();
	if (diff.stacks.count)
		abort();
	if (diff_write_text(nowhere, &diff, 10, &style) ||
	    diff_write_json(nowhere, &diff, 10))
		abort();
	diff_free(&diff);
	fclose(nowhere);
}

static void suppress_some(struct report *report)
{
	static const char text[] = "leak:a\nleak:1\n";
	struct suppressions rules = { 0 };

	if (suppressions_parse(&rules, text, strlen(text), "rules", NULL) ||
	    suppress_report(&rules, report, NULL))
		abort();
	print_all(report);
	/* The report has the patterns no longer. */
	report->suppressed.count = 0;
	suppressions_free(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_file file;

	if (snapshot_parse((const char *)data, size, &file, NULL))
		return 0;
	compare_with_itself(file.report);
	if (rank_stacks(file.report, SORT_GROWTH, 2, true))
		abort();
	print_all(file.report);
	suppress_some(file.report);
	snapshot_file_free(&file);
	return 0;
}
