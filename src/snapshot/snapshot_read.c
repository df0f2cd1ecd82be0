// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reports from files: see snapshot_file.h. A file may come from anywhere:
 * every number that is used as an index or for a size is checked here, so
 * that what prints a report need not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "snapshot/account_part.h"
#include "snapshot/kernel_part.h"
#include "snapshot/layout.h"
#include "snapshot/snapshot_file.h"
#include "snapshot/verdict_part.h"
#include "util/cleanup.h"

#define CHUNK (1 << 20)
#define FRAMES_PER_STACK_MAX 4096

struct text_buffer {
	char *bytes;
	size_t size;
};

static int no_memory(struct error *error)
{
	return error_set(error, ENOMEM, "out of memory");
}

static const char *reason_word(int value)
{
	return snapshot_reasons[value];
}

static int read_lifetimes(const json_t *object, struct stack_figures *figures,
			  struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(object, "lifetimes", &array, error))
		return -EINVAL;
	if (json_array_size(array) > LIFETIME_BUCKETS)
		return error_set(error, EINVAL, "\"lifetimes\" is too long");
	json_array_foreach(array, i, value)
	{
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return error_set(error, EINVAL,
					 "\"lifetimes\" is not what it must "
					 "be");
		figures->lifetimes[i] = (uint64_t)json_integer_value(value);
	}
	return 0;
}

static int read_listed(const json_t *object, struct stack_figures *figures,
		       struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (!json_object_get(object, "listed"))
		return 0;
	if (fields_array(object, "listed", &array, error))
		return -EINVAL;
	if (vector_reserve(&figures->listed, json_array_size(array)))
		return no_memory(error);
	json_array_foreach(array, i, value)
	{
		if (fields_read(snapshot_block_fields, value,
				vector_push(&figures->listed), error))
			return -EINVAL;
	}
	return 0;
}

static int read_frames(const json_t *object, const frame_vector *frames,
		       frame_vector *stack, struct error *error)
{
	const json_t *array;
	json_int_t number;
	json_t *value;
	size_t i;

	if (fields_array(object, "frames", &array, error))
		return -EINVAL;
	if (json_array_size(array) > FRAMES_PER_STACK_MAX)
		return error_set(error, EINVAL, "too many frames");
	if (vector_reserve(stack, json_array_size(array)))
		return no_memory(error);
	json_array_foreach(array, i, value)
	{
		number = json_integer_value(value);
		if (!json_is_integer(value) || number < 0 ||
		    (uint64_t)number >= frames->count)
			return error_set(error, EINVAL,
					 "a frame that there is not");
		*vector_push(stack) = frames->items[number];
	}
	return 0;
}

static int read_stack(const json_t *object, const frame_vector *frames,
		      struct report *report, struct stack_figures *figures,
		      struct report_stack *stack, struct error *error)
{
	int space = 0, flaw = 0, page_use = PAGE_USE_NONE;

	if (fields_read(snapshot_figures_fields, object, figures, error) ||
	    fields_read(snapshot_stack_fields, object, stack, error) ||
	    fields_word(object, "space", space_word, SPACE_COUNT, &space,
			error) ||
	    fields_word(object, "flaw", flaw_word, FLAW_COUNT, &flaw, error))
		return -EINVAL;
	figures->space = (enum space)space;
	figures->flaw = (enum stack_flaw)flaw;
	if (json_object_get(object, "page_use") &&
	    fields_word(object, "page_use", page_use_word, PAGE_USE_COUNT,
			&page_use, error))
		return -EINVAL;
	figures->page_use = (enum page_use)page_use;
	stack->figures = figures;
	if (read_lifetimes(object, figures, error) ||
	    judgement_read(json_object_get(object, "judgement"),
			   &stack->judgement, error) ||
	    history_read(json_object_get(object, "history"), report, stack,
			 error))
		return -EINVAL;
	if (read_listed(object, figures, error))
		return -EINVAL;
	return read_frames(object, frames, &stack->frames, error);
}

static int read_stacks(const json_t *text, const frame_vector *frames,
		       struct report *report, struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(text, "stacks", &array, error))
		return -EINVAL;
	/* The ranking points to the figures: they must not move. */
	if (vector_reserve(&report->snapshot->stacks, json_array_size(array)))
		return no_memory(error);
	json_array_foreach(array, i, value)
	{
		const json_t *blocks = json_object_get(value, "blocks");
		struct report_stack *stack =
			json_integer_value(blocks) > 0
				? vector_push(&report->top)
				: vector_push(&report->rest);

		if (!stack)
			return no_memory(error);
		if (read_stack(value, frames, report,
			       vector_push(&report->snapshot->stacks), stack,
			       error))
			return error_wrap(error, EINVAL, "stack %zu", i);
	}
	return 0;
}

static int read_frame_table(const json_t *text, frame_vector *frames,
			    struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(text, "frames", &array, error))
		return -EINVAL;
	if (vector_reserve(frames, json_array_size(array)))
		return no_memory(error);
	json_array_foreach(array, i, value)
	{
		if (fields_read(snapshot_frame_fields, value,
				vector_push(frames), error))
			return error_wrap(error, EINVAL, "frame %zu", i);
	}
	return 0;
}

static int read_totals(const json_t *text, struct report *report,
		       struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(text, "totals", &array, error))
		return -EINVAL;
	json_array_foreach(array, i, value)
	{
		struct space_total *total = vector_push(&report->totals);
		int space = 0;

		if (!total)
			return no_memory(error);
		if (fields_read(snapshot_total_fields, value, total, error) ||
		    fields_word(value, "space", space_word, SPACE_COUNT, &space,
				error))
			return error_wrap(error, EINVAL, "totals");
		total->space = (enum space)space;
	}
	return 0;
}

static int read_losses(const json_t *text, struct snapshot *snapshot,
		       struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(text, "losses", &array, error))
		return -EINVAL;
	json_array_foreach(array, i, value)
	{
		struct loss *loss = vector_push(&snapshot->losses);

		if (!loss)
			return no_memory(error);
		*loss = (struct loss){ .name = "unknown", .text = "unknown" };
		if (fields_read(snapshot_loss_fields, value, loss, error))
			return error_wrap(error, EINVAL, "losses");
	}
	return 0;
}

/* Both may be missing: the first files had neither. */
static int read_cost(const json_t *object, struct report *report,
		     struct error *error)
{
	const json_t *cost = json_object_get(object, "cost");
	const json_t *array;
	json_t *value;
	size_t i;

	if (cost && fields_read(snapshot_cost_fields, cost,
				&report->snapshot->cost, error))
		return error_wrap(error, EINVAL, "cost");
	if (!json_object_get(object, "suppressed"))
		return 0;
	if (fields_array(object, "suppressed", &array, error))
		return -EINVAL;
	json_array_foreach(array, i, value)
	{
		struct suppressed *suppressed =
			vector_push(&report->suppressed);

		if (!suppressed)
			return no_memory(error);
		suppressed->pattern = "unknown";
		if (fields_read(snapshot_suppressed_fields, value, suppressed,
				error))
			return error_wrap(error, EINVAL, "suppressed");
	}
	return 0;
}

static int read_report(const json_t *text, struct report *report,
		       struct error *error)
{
	const json_t *object = json_object_get(text, "report");
	int reason = REPORT_LAST;

	report->target = "unknown";
	if (!object)
		return error_set(error, EINVAL, "\"report\" is missing");
	if (fields_read(snapshot_report_fields, object, report, error) ||
	    fields_read(snapshot_taken_fields, object, report->snapshot,
			error) ||
	    fields_word(object, "reason", reason_word, REPORT_LAST + 1, &reason,
			error))
		return error_wrap(error, EINVAL, "report");
	if (read_cost(object, report, error))
		return error_wrap(error, EINVAL, "report");
	report->reason = (enum report_reason)reason;
	return 0;
}

static int read_version(const json_t *text, struct error *error)
{
	const json_t *version = json_object_get(text, "version");
	const char *format = json_string_value(json_object_get(text, "format"));

	if (!format || strcmp(format, SNAPSHOT_FORMAT) ||
	    !json_is_integer(version))
		return error_set(error, EINVAL,
				 "it is no snapshot: --save writes them");
	if (json_integer_value(version) != SNAPSHOT_VERSION)
		return error_set(error, EINVAL,
				 "it is a snapshot of version %lld, and this "
				 "leaktrace reads version %d: use the "
				 "leaktrace that wrote it, or a newer one",
				 (long long)json_integer_value(version),
				 SNAPSHOT_VERSION);
	return 0;
}

static int read_text(const json_t *text, struct snapshot_file *file,
		     struct error *error)
{
	frame_vector frames = { 0 };
	const json_t *host, *kernel, *account;
	int result;

	result = read_version(text, error);
	if (result)
		return result;
	host = json_object_get(text, "host");
	if (host && fields_read(snapshot_host_fields, host, &file->host, error))
		return error_wrap(error, EINVAL, "host");
	file->report = calloc(1, sizeof(*file->report));
	if (file->report)
		file->report->snapshot =
			calloc(1, sizeof(*file->report->snapshot));
	if (!file->report || !file->report->snapshot)
		return no_memory(error);
	result = read_report(text, file->report, error);
	if (!result)
		result = read_totals(text, file->report, error);
	if (!result)
		result = read_losses(text, file->report->snapshot, error);
	if (!result)
		result = verdict_part_read(json_object_get(text, "verdicts"),
					   file->report, error);
	kernel = json_object_get(text, "kernel");
	if (!result && kernel)
		result = kernel_part_read(kernel, file->report, error);
	account = json_object_get(text, "account");
	if (!result && account)
		result = account_part_read(account, file->report, error);
	if (!result)
		result = read_frame_table(text, &frames, error);
	if (!result)
		result = read_stacks(text, &frames, file->report, error);
	vector_free(&frames);
	return result;
}

/* jansson takes some 200 bytes of memory for the three of "{},". */
static bool containers_fit(const char *text, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '{' || text[i] == '[';
	return count <= SNAPSHOT_CONTAINERS_MAX;
}

int snapshot_parse(const char *text, size_t size, struct snapshot_file *file,
		   struct error *error)
{
	struct snapshot_file parsed = { 0 };
	json_error_t problem;
	int result;

	if (!containers_fit(text, size))
		return error_set(error, EFBIG,
				 "it has more in it than any snapshot");
	parsed.text = json_loadb(text, size, 0, &problem);
	/* jansson's own message quotes the file, whatever bytes it has. */
	if (!parsed.text &&
	    json_error_code(&problem) == json_error_premature_end_of_input)
		return error_set(error, EINVAL, "it ends too early");
	if (!parsed.text)
		return error_set(
			error, EINVAL,
			"it is no snapshot, such as --save writes, at byte %d",
			problem.position);
	result = read_text(parsed.text, &parsed, error);
	if (result) {
		snapshot_file_free(&parsed);
		return result;
	}
	*file = parsed;
	return 0;
}

void snapshot_file_free(struct snapshot_file *file)
{
	report_free(file->report);
	json_decref(file->text);
	*file = (struct snapshot_file){ 0 };
}

static int buffer_grow(struct text_buffer *buffer, size_t *capacity)
{
	char *moved;

	if (buffer->size + CHUNK <= *capacity)
		return 0;
	*capacity = *capacity ? 2 * *capacity : 2 * CHUNK;
	moved = realloc(buffer->bytes, *capacity);
	if (!moved)
		return -ENOMEM;
	buffer->bytes = moved;
	return 0;
}

/* Reads all of a file, gzip'd or plain. */
static int read_file(gzFile file, struct text_buffer *buffer,
		     struct error *error)
{
	size_t capacity = 0;
	int got, code;

	do {
		if (buffer_grow(buffer, &capacity))
			return no_memory(error);
		got = gzread(file, buffer->bytes + buffer->size, CHUNK);
		if (got < 0) {
			gzerror(file, &code);
			return error_set(error, EINVAL, "%s",
					 code == Z_ERRNO ? strerror(errno)
					 : code == Z_BUF_ERROR
						 ? "it ends too early"
						 : "it is damaged");
		}
		buffer->size += (size_t)got;
		if (buffer->size > SNAPSHOT_BYTES_MAX)
			return error_set(error, EFBIG,
					 "it is larger than any snapshot");
	} while (got);
	/* A file that is cut has no error until it is closed. */
	gzerror(file, &code);
	if (code == Z_BUF_ERROR)
		return error_set(error, EINVAL, "it ends too early");
	return 0;
}

int snapshot_load(const char *path, struct snapshot_file *file,
		  struct error *error)
{
	struct text_buffer buffer = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	gzFile stream;
	int result;

	if (fd < 0 || fstat(fd, &status))
		return error_set(error, errno, "cannot open %s: %s", path,
				 strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, EINVAL,
				 "cannot read %s: it is no regular file", path);
	stream = gzdopen(fd, "rb");
	if (!stream)
		return error_set(error, ENOMEM, "out of memory");
	take_fd(&fd);
	result = read_file(stream, &buffer, error);
	gzclose_r(stream);
	if (!result)
		result = snapshot_parse(buffer.bytes, buffer.size, file, error);
	free(buffer.bytes);
	if (result)
		return error_wrap(error, -result, "cannot read %s", path);
	return 0;
}
