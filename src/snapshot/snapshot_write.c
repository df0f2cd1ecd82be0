// SPDX-License-Identifier: GPL-2.0-or-later
/* Reports into files: see snapshot_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "snapshot/account_part.h"
#include "snapshot/frame_table.h"
#include "snapshot/kernel_part.h"
#include "snapshot/layout.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/verdict_part.h"
#include "util/atomic_file.h"
#include "util/cleanup.h"

/* Nanoseconds of eleven days in seconds, errors to the byte. */
#define REAL_DIGITS 15

static json_t *host_write(void)
{
	struct snapshot_host host = { 0 };
	struct utsname names;

	if (!uname(&names))
		host = (struct snapshot_host){ names.nodename, names.release,
					       names.machine };
	return fields_write(snapshot_host_fields, &host);
}

/* Lifetimes by bucket, without the zeros behind the last. */
static json_t *lifetimes_write(const uint64_t *lifetimes)
{
	auto_json json_t *array = json_array();
	size_t used = LIFETIME_BUCKETS;

	while (used && !lifetimes[used - 1])
		used--;
	for (size_t i = 0; i < used; i++)
		if (json_array_append_new(
			    array, json_integer((json_int_t)lifetimes[i])))
			return NULL;
	return take(array);
}

static json_t *blocks_write(const struct stack_figures *figures)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < figures->listed.count; i++)
		if (json_array_append_new(
			    array, fields_write(snapshot_block_fields,
						&figures->listed.items[i])))
			return NULL;
	return take(array);
}

static json_t *stack_write(const struct report_stack *stack,
			   struct frame_table *frames)
{
	const struct stack_figures *figures = stack->figures;
	auto_json json_t *object =
		fields_write(snapshot_figures_fields, figures);
	auto_json json_t *changes = fields_write(snapshot_stack_fields, stack);

	if (!changes || json_object_update(object, changes) ||
	    json_object_set_new(object, "space",
				json_string(space_name(figures->space))) ||
	    json_object_set_new(object, "flaw",
				json_string(stack_flaw_name(figures->flaw))) ||
	    json_object_set_new(object, "lifetimes",
				lifetimes_write(figures->lifetimes)) ||
	    json_object_set_new(object, "judgement",
				judgement_write(&stack->judgement)) ||
	    json_object_set_new(object, "history", history_write(stack)) ||
	    json_object_set_new(object, "frames",
				frame_table_add(frames, &stack->frames)))
		return NULL;
	if (figures->listed.count &&
	    json_object_set_new(object, "listed", blocks_write(figures)))
		return NULL;
	if (figures->page_use != PAGE_USE_NONE &&
	    json_object_set_new(object, "page_use",
				json_string(page_use_name(figures->page_use))))
		return NULL;
	return take(object);
}

static json_t *stacks_write(const struct report *report,
			    struct frame_table *frames)
{
	size_t count = report_stack_count(report);
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(
			    array,
			    stack_write(report_stack_at(report, i), frames)))
			return NULL;
	return take(array);
}

static json_t *totals_write(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->totals.count; i++) {
		const struct space_total *total = &report->totals.items[i];
		json_t *object = fields_write(snapshot_total_fields, total);

		if (json_array_append_new(array, object) ||
		    json_object_set_new(object, "space",
					json_string(space_name(total->space))))
			return NULL;
	}
	return take(array);
}

static json_t *losses_write(const struct snapshot *snapshot)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < snapshot->losses.count; i++)
		if (json_array_append_new(
			    array, fields_write(snapshot_loss_fields,
						&snapshot->losses.items[i])))
			return NULL;
	return take(array);
}

static json_t *suppressed_write(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->suppressed.count; i++)
		if (json_array_append_new(
			    array, fields_write(snapshot_suppressed_fields,
						&report->suppressed.items[i])))
			return NULL;
	return take(array);
}

static json_t *report_write(const struct report *report)
{
	auto_json json_t *object = fields_write(snapshot_report_fields, report);
	auto_json json_t *taken =
		fields_write(snapshot_taken_fields, report->snapshot);

	if (!taken || json_object_update(object, taken) ||
	    json_object_set_new(object, "cost",
				fields_write(snapshot_cost_fields,
					     &report->snapshot->cost)) ||
	    json_object_set_new(object, "suppressed",
				suppressed_write(report)) ||
	    json_object_set_new(object, "reason",
				json_string(snapshot_reasons[report->reason])))
		return NULL;
	return take(object);
}

static json_t *snapshot_write(const struct report *report)
{
	cleanup(frame_table_free) struct frame_table frames = { 0 };
	auto_json json_t *stacks = NULL;
	auto_json json_t *object = NULL;

	if (frame_table_init(&frames))
		return NULL;
	stacks = stacks_write(report, &frames);
	object = json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:O, s:O}",
			   "format", SNAPSHOT_FORMAT, "version",
			   SNAPSHOT_VERSION, "leaktrace", LEAKTRACE_VERSION,
			   "host", host_write(), "report", report_write(report),
			   "totals", totals_write(report), "losses",
			   losses_write(report->snapshot), "frames",
			   frames.array, "stacks", stacks);
	if (json_object_set_new(object, "verdicts", verdict_part_write(report)))
		return NULL;
	if (report->kernel &&
	    json_object_set_new(object, "kernel", kernel_part_write(report)))
		return NULL;
	if (report->account.figures.now.taken_ns &&
	    json_object_set_new(object, "account", account_part_write(report)))
		return NULL;
	return take(object);
}

struct output {
	gzFile file;
	uint64_t bytes;
	int status;
};

static int output_put(const char *bytes, size_t size, void *context)
{
	struct output *output = context;

	output->bytes += size;
	if (output->bytes > SNAPSHOT_BYTES_MAX)
		output->status = -EFBIG;
	else if (size && gzfwrite(bytes, size, 1, output->file) != 1)
		output->status = errno ? -errno : -EIO;
	return output->status;
}

/* Writes the text, compressed for speed: it is written at every report. */
static int text_write(int fd, const json_t *text)
{
	struct output output = { 0 };
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return -errno;
	output.file = gzdopen(own, "wb3");
	if (!output.file) {
		close(own);
		return -ENOMEM;
	}
	errno = 0;
	if (json_dump_callback(text, output_put, &output,
			       JSON_COMPACT |
				       JSON_REAL_PRECISION(REAL_DIGITS)) &&
	    !output.status)
		output.status = -ENOMEM;
	if (gzclose(output.file) != Z_OK && !output.status)
		output.status = errno ? -errno : -EIO;
	return output.status;
}

int snapshot_check_path(const char *path, struct error *error)
{
	struct atomic_file file;
	int result = atomic_file_open(&file, path);

	if (result)
		return error_set(error, -result, "cannot save to %s: %s", path,
				 result == -EINVAL ? "it is no regular file"
						   : strerror(-result));
	atomic_file_drop(&file);
	return 0;
}

int snapshot_save(const char *path, const struct report *report,
		  struct error *error)
{
	auto_json json_t *text = snapshot_write(report);
	struct atomic_file file;
	int result;

	if (!text)
		return error_set(error, ENOMEM,
				 "cannot save to %s: out of memory", path);
	result = atomic_file_open(&file, path);
	if (!result) {
		result = text_write(file.fd, text);
		if (result)
			atomic_file_drop(&file);
		else
			result = atomic_file_commit(&file);
	}
	if (result)
		return error_set(error, -result, "cannot save to %s: %s", path,
				 strerror(-result));
	return 0;
}
