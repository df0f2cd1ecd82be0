// SPDX-License-Identifier: GPL-2.0-or-later
/* The sub-commands that read snapshot files: see snapshot_commands.h. */
#include "snapshot_commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge/compare.h"
#include "judge/rank.h"
#include "judge/suppress_report.h"
#include "report/diff_format.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/sysroot.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/progress.h"
#include "util/units.h"
#include "util/utf8.h"

static void cleanup_resolver(struct resolver **resolver)
{
	resolver_free(*resolver);
}

#define auto_resolver cleanup(cleanup_resolver)
#define auto_snapshot cleanup(snapshot_file_free)

/* Names that were not found then and are now are no loss any more. */
static void losses_correct(struct snapshot *snapshot,
			   const struct sysroot_result *result)
{
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->losses.count; i++) {
		struct loss loss = snapshot->losses.items[i];

		if (!strcmp(loss.name, "symbols_not_found"))
			loss.count = result->unnamed;
		if (loss.count)
			snapshot->losses.items[kept++] = loss;
	}
	snapshot->losses.count = kept;
}

static int names_find(const struct options *options, const char *path,
		      struct report *report, struct resolver *resolver,
		      struct error *error)
{
	struct sysroot_result result;
	int status;

	if (!options->sysroot)
		return 0;
	progress_begin(resolver_progress(resolver), "naming frames from %s",
		       options->sysroot);
	status = sysroot_resolve(options->sysroot, report, resolver, &result,
				 error);
	progress_end(resolver_progress(resolver));
	if (status)
		return status;
	losses_correct(report->snapshot, &result);
	fprintf(stderr,
		"leaktrace: %s: %s frames named from %s, %s without a name\n",
		path, units_count(result.named).text, options->sysroot,
		units_count(result.unnamed).text);
	return 0;
}

/* Blocks are in the file if --show-allocs was given with --save. */
static void blocks_drop(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->stacks.count; i++)
		vector_free(&snapshot->stacks.items[i].listed);
}

/* A snapshot, and what it takes to print it. */
static int file_load(const struct options *options, const char *path,
		     const struct suppressions *rules,
		     struct resolver **resolver, struct snapshot_file *file,
		     struct error *error)
{
	auto_progress struct progress *progress = progress_new();
	int result = resolver_new(resolver, error);

	if (!result)
		resolver_set_progress(*resolver, progress);
	progress_begin(progress, "reading %s", path);
	if (!result)
		result = snapshot_load(path, file, error);
	progress_end(progress);
	if (!result)
		result = names_find(options, path, file->report, *resolver,
				    error);
	/* Behind the names that were found now. */
	if (!result)
		result = suppress_report(rules, file->report, error);
	if (!result && !options->show_allocs)
		blocks_drop(file->report->snapshot);
	if (*resolver)
		resolver_set_progress(*resolver, NULL);
	return result;
}

/* A report has the time of day only. */
static void tell_origin(const struct snapshot_file *file)
{
	time_t seconds =
		file->report->snapshot->wall_ns / (int64_t)NS_PER_SECOND;
	auto_free char *host =
		utf8_escape(file->host.name ? file->host.name : "unknown");
	char text[40] = "an unknown time";
	struct tm local;

	if (localtime_r(&seconds, &local))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	fprintf(stderr, "leaktrace: taken at %s on %s\n", text,
		host ? host : "?");
}

static int rules_load(const struct options *options, struct suppressions *rules,
		      struct error *error)
{
	if (!options->suppressions)
		return 0;
	return suppressions_load(rules, options->suppressions, error);
}

static int written(int result, struct error *error)
{
	if (result && result != -EPIPE)
		return error_set(error, -result, "cannot write: %s",
				 strerror(-result));
	return 0;
}

int snapshot_report(const struct options *options,
		    const struct report_style *style, struct error *error)
{
	const struct report_format *format =
		report_format_find(options->output);
	cleanup(suppressions_free) struct suppressions rules = { 0 };
	auto_resolver struct resolver *resolver = NULL;
	auto_snapshot struct snapshot_file file = { 0 };
	int result;

	result = rules_load(options, &rules, error);
	if (!result)
		result = file_load(options, options->files[0], &rules,
				   &resolver, &file, error);
	if (!result && rank_stacks(file.report, options->sort, options->top,
				   format->all_stacks))
		result = error_set(error, ENOMEM, "out of memory");
	if (result)
		return result;
	tell_origin(&file);
	return written(format->write(stdout, file.report, style), error);
}

int snapshot_diff(const struct options *options,
		  const struct report_style *style, struct error *error)
{
	cleanup(suppressions_free) struct suppressions rules = { 0 };
	auto_resolver struct resolver *of_before = NULL;
	auto_resolver struct resolver *of_after = NULL;
	auto_snapshot struct snapshot_file before = { 0 };
	auto_snapshot struct snapshot_file after = { 0 };
	cleanup(diff_free) struct diff diff = { 0 };
	int result;

	result = rules_load(options, &rules, error);
	if (!result)
		result = file_load(options, options->files[0], &rules,
				   &of_before, &before, error);
	if (!result)
		result = file_load(options, options->files[1], &rules,
				   &of_after, &after, error);
	if (!result)
		result = compare_reports(before.report, after.report,
					 options->drop_negatives, &diff, error);
	if (result)
		return result;
	if (!strcmp(options->output, "json"))
		return written(diff_write_json(stdout, &diff, options->top),
			       error);
	return written(diff_write_text(stdout, &diff, options->top, style),
		       error);
}
