// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A profile for `go tool pprof` and what speaks its format: every call stack
 * with what it allocated and what of it is outstanding. pprof.proto has the
 * messages.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "report/formats.h"
#include "report/pprof_table.h"
#include "util/cleanup.h"

#define GZIP_WINDOW (15 + 16) /* zlib.h: the largest, with a gzip header */

enum { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE, VALUES };

static const struct {
	const char *type, *unit;
} value_types[VALUES] = {
	[ALLOC_OBJECTS] = { "alloc_objects", "count" },
	[ALLOC_SPACE] = { "alloc_space", "bytes" },
	[INUSE_OBJECTS] = { "inuse_objects", "count" },
	[INUSE_SPACE] = { "inuse_space", "bytes" },
};

#define LABELS_MAX 5

typedef Leaktrace__Pprof__Profile profile_message;

static void profile_free(profile_message **profile)
{
	leaktrace__pprof__profile__free_unpacked(*profile, NULL);
}

static int64_t integer(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static Leaktrace__Pprof__ValueType *
value_type_new(struct pprof_tables *tables, const char *type, const char *unit)
{
	Leaktrace__Pprof__ValueType *made = malloc(sizeof(*made));

	if (!made)
		return NULL;
	*made = (Leaktrace__Pprof__ValueType)LEAKTRACE__PPROF__VALUE_TYPE__INIT;
	made->type = pprof_string(tables, type);
	made->unit = pprof_string(tables, unit);
	return made;
}

static void label_add(struct pprof_tables *tables,
		      Leaktrace__Pprof__Sample *sample, const char *key,
		      const char *text, uint64_t number)
{
	Leaktrace__Pprof__Label *label = malloc(sizeof(*label));

	if (!label) {
		tables->failed = true;
		return;
	}
	*label = (Leaktrace__Pprof__Label)LEAKTRACE__PPROF__LABEL__INIT;
	label->key = pprof_string(tables, key);
	if (text)
		label->str = pprof_string(tables, text);
	else
		label->num = integer(number);
	sample->label[sample->n_label++] = label;
}

static void labels_add(struct pprof_tables *tables,
		       Leaktrace__Pprof__Sample *sample,
		       const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;

	sample->label = calloc(LABELS_MAX, sizeof(*sample->label));
	if (!sample->label) {
		tables->failed = true;
		return;
	}
	if (figures->process)
		label_add(tables, sample, "pid", NULL, figures->process);
	label_add(tables, sample, "space", space_name(figures->space), 0);
	if (stack->judgement.verdict != VERDICT_NONE)
		label_add(tables, sample, "verdict",
			  verdict_name(stack->judgement.verdict), 0);
	if (figures->flaw != FLAW_NONE)
		label_add(tables, sample, "incomplete",
			  stack_flaw_name(figures->flaw), 0);
	if (figures->module)
		label_add(tables, sample, "module", figures->module, 0);
}

static void locations_add(struct pprof_tables *tables,
			  Leaktrace__Pprof__Sample *sample,
			  const frame_vector *frames)
{
	static const struct frame lost = { .function = "[frames were lost]" };
	size_t used;

	sample->location_id = calloc(frames->count ? frames->count : 1,
				     sizeof(*sample->location_id));
	if (!sample->location_id) {
		tables->failed = true;
		return;
	}
	/* pprof drops samples without a location, and with them bytes. */
	if (!frames->count)
		sample->location_id[sample->n_location_id++] =
			pprof_location(tables, &lost, 1, &used);
	for (size_t i = 0; i < frames->count; i += used)
		sample->location_id[sample->n_location_id++] = pprof_location(
			tables, &frames->items[i], frames->count - i, &used);
}

static void sample_add(struct pprof_tables *tables, pprof_samples *samples,
		       const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;
	Leaktrace__Pprof__Sample **slot = vector_push(samples), *sample;

	sample = slot ? malloc(sizeof(*sample)) : NULL;
	if (!sample) {
		samples->count -= slot != NULL;
		tables->failed = true;
		return;
	}
	*slot = sample;
	*sample = (Leaktrace__Pprof__Sample)LEAKTRACE__PPROF__SAMPLE__INIT;
	sample->value = calloc(VALUES, sizeof(*sample->value));
	if (!sample->value) {
		tables->failed = true;
		return;
	}
	sample->n_value = VALUES;
	sample->value[ALLOC_OBJECTS] = integer(figures->allocations);
	sample->value[ALLOC_SPACE] = integer(figures->allocated_bytes);
	sample->value[INUSE_OBJECTS] = integer(figures->blocks);
	sample->value[INUSE_SPACE] = integer(figures->bytes);
	locations_add(tables, sample, &stack->frames);
	labels_add(tables, sample, stack);
}

static void types_add(struct pprof_tables *tables, profile_message *profile,
		      const struct snapshot *snapshot)
{
	profile->sample_type = calloc(VALUES, sizeof(*profile->sample_type));
	if (!profile->sample_type) {
		tables->failed = true;
		return;
	}
	for (int i = 0; i < VALUES && !tables->failed; i++) {
		profile->sample_type[i] = value_type_new(
			tables, value_types[i].type, value_types[i].unit);
		if (profile->sample_type[i])
			profile->n_sample_type++;
		else
			tables->failed = true;
	}
	profile->period_type = value_type_new(tables, "space", "bytes");
	tables->failed |= !profile->period_type;
	profile->period =
		integer(snapshot->sample_bytes ? snapshot->sample_bytes : 1);
	profile->default_sample_type =
		pprof_string(tables, value_types[INUSE_SPACE].type);
}

/* What was lost, and what the profile is of. */
static void comments_add(struct pprof_tables *tables, profile_message *profile,
			 const struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;
	char text[512];

	profile->comment =
		calloc(snapshot->losses.count + 1, sizeof(*profile->comment));
	if (!profile->comment) {
		tables->failed = true;
		return;
	}
	snprintf(text, sizeof(text), "leaktrace %s: %s", LEAKTRACE_VERSION,
		 report->target ? report->target : "unknown");
	profile->comment[profile->n_comment++] = pprof_string(tables, text);
	for (size_t i = 0; i < snapshot->losses.count; i++) {
		const struct loss *loss = &snapshot->losses.items[i];

		snprintf(text, sizeof(text), "%s: %llu", loss->text,
			 (unsigned long long)loss->count);
		profile->comment[profile->n_comment++] =
			pprof_string(tables, text);
	}
}

/* The profile, to be freed whole; NULL = out of memory. */
static profile_message *profile_make(const struct report *report)
{
	cleanup(profile_free)
		profile_message *profile = malloc(sizeof(*profile));
	cleanup(pprof_tables_free) struct pprof_tables tables = { 0 };
	pprof_samples samples = { 0 };
	size_t count = report_stack_count(report);

	if (!profile)
		return NULL;
	*profile = (profile_message)LEAKTRACE__PPROF__PROFILE__INIT;
	types_add(&tables, profile, report->snapshot);
	for (size_t i = 0; i < count && !tables.failed; i++)
		sample_add(&tables, &samples, report_stack_at(report, i));
	comments_add(&tables, profile, report);
	profile->time_nanos = report->snapshot->wall_ns;
	profile->duration_nanos = integer(report->elapsed_ns);
	profile->sample = samples.items;
	profile->n_sample = samples.count;
	profile->mapping = tables.mappings.items;
	profile->n_mapping = tables.mappings.count;
	profile->location = tables.locations.items;
	profile->n_location = tables.locations.count;
	profile->function = tables.functions.items;
	profile->n_function = tables.functions.count;
	profile->string_table = tables.strings.items;
	profile->n_string_table = tables.strings.count;
	return tables.failed ? NULL : take(profile);
}

/* Writes bytes as one gzip member, as pprof wants it. */
static int gzip_emit(FILE *stream, const uint8_t *bytes, size_t size)
{
	z_stream zlib = { 0 };
	auto_free char *packed = NULL;
	size_t bound;
	int result;

	if (size > UINT32_MAX ||
	    deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
			 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&zlib, size);
	packed = malloc(bound);
	zlib.next_in = (Bytef *)bytes;
	zlib.avail_in = (uInt)size;
	zlib.next_out = (Bytef *)packed;
	zlib.avail_out = (uInt)bound;
	result = packed && deflate(&zlib, Z_FINISH) == Z_STREAM_END ? 0
								    : -ENOMEM;
	deflateEnd(&zlib);
	return result ? result : report_emit(stream, packed, zlib.total_out);
}

static int pprof_write(FILE *stream, const struct report *report,
		       const struct report_style *style)
{
	cleanup(profile_free) profile_message *profile = profile_make(report);
	auto_free uint8_t *bytes = NULL;
	size_t size;

	(void)style;
	if (!profile)
		return -ENOMEM;
	size = leaktrace__pprof__profile__get_packed_size(profile);
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	leaktrace__pprof__profile__pack(profile, bytes);
	return gzip_emit(stream, bytes, size);
}

const struct report_format report_format_pprof = {
	.name = "pprof",
	.whole = true,
	.all_stacks = true,
	.binary = true,
	.write = pprof_write,
};
