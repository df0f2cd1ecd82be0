// SPDX-License-Identifier: GPL-2.0-or-later
/* A report as OpenMetrics text: see openmetrics.h. */
#include "report/openmetrics.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/utf8.h"

/* What has happened since tracing began, and what is left of it. */
struct space_sums {
	uint64_t blocks, bytes, stacks;
	uint64_t allocations, allocated_bytes;
	uint64_t frees, freed_bytes;
	double growth; /* bytes a second */
	bool used;
};

/* A family with one sample for each kind of memory, counts or a rate. */
struct space_family {
	const char *name, *suffix, *type, *unit, *help;
	size_t offset;
};

#define OF(member) .offset = offsetof(struct space_sums, member)

static const struct space_family space_families[] = {
	{ "leaktrace_outstanding_bytes", "", "gauge", "bytes",
	  "Allocated since tracing began and not freed.", OF(bytes) },
	{ "leaktrace_outstanding_blocks", "", "gauge", NULL,
	  "Blocks allocated since tracing began and not freed.", OF(blocks) },
	{ "leaktrace_outstanding_stacks", "", "gauge", NULL,
	  "Call stacks that have outstanding blocks.", OF(stacks) },
	{ "leaktrace_allocations", "_total", "counter", NULL,
	  "Blocks allocated since tracing began.", OF(allocations) },
	{ "leaktrace_allocated_bytes", "_total", "counter", "bytes",
	  "Bytes allocated since tracing began.", OF(allocated_bytes) },
	{ "leaktrace_frees", "_total", "counter", NULL,
	  "Those of these blocks that were freed.", OF(frees) },
	{ "leaktrace_freed_bytes", "_total", "counter", "bytes",
	  "Bytes of these blocks that were freed.", OF(freed_bytes) },
};

static void family_begin(FILE *stream, const char *name, const char *type,
			 const char *unit, const char *help)
{
	fprintf(stream, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(stream, "# UNIT %s %s\n", name, unit);
	fprintf(stream, "# HELP %s %s\n", name, help);
}

/* A label with its value quoted; names are any bytes, and of any length. */
static int label_write(FILE *stream, const char *name, const char *value)
{
	auto_free char *safe = utf8_sanitise(value ? value : "");

	if (!safe)
		return -ENOMEM;
	safe[utf8_prefix(safe, OPENMETRICS_LABEL_MAX)] = '\0';
	fprintf(stream, "%s=\"", name);
	for (const char *at = safe; *at; at++) {
		if (*at == '\n')
			fputs("\\n", stream);
		else if (*at == '"' || *at == '\\')
			fprintf(stream, "\\%c", *at);
		else
			fputc(*at, stream);
	}
	fputc('"', stream);
	return 0;
}

static void sums_make(const struct report *report,
		      struct space_sums sums[SPACE_COUNT])
{
	const struct snapshot *snapshot = report->snapshot;
	size_t i;

	memset(sums, 0, SPACE_COUNT * sizeof(*sums));
	for (i = 0; i < snapshot->stacks.count; i++) {
		const struct stack_figures *figures =
			&snapshot->stacks.items[i];
		struct space_sums *sum = &sums[figures->space];

		sum->allocations += figures->allocations;
		sum->allocated_bytes += figures->allocated_bytes;
		sum->frees += figures->frees;
		sum->freed_bytes += figures->freed_bytes;
	}
	for (i = 0; i < report->totals.count; i++) {
		const struct space_total *total = &report->totals.items[i];
		struct space_sums *sum = &sums[total->space];

		sum->used = true;
		sum->blocks = total->blocks;
		sum->bytes = total->bytes;
		sum->stacks = total->stacks;
		if (report->since_last_ns)
			sum->growth = (double)total->bytes_change *
				      (double)NS_PER_SECOND /
				      (double)report->since_last_ns;
	}
}

static void spaces_write(FILE *stream, const struct report *report)
{
	struct space_sums sums[SPACE_COUNT];

	sums_make(report, sums);
	for (size_t i = 0;
	     i < sizeof(space_families) / sizeof(space_families[0]); i++) {
		const struct space_family *family = &space_families[i];

		family_begin(stream, family->name, family->type, family->unit,
			     family->help);
		for (int space = 0; space < SPACE_COUNT; space++)
			if (sums[space].used)
				fprintf(stream,
					"%s%s{space=\"%s\"} %" PRIu64 "\n",
					family->name, family->suffix,
					space_name((enum space)space),
					*(const uint64_t
						  *)((const char *)&sums[space] +
						     family->offset));
	}
	family_begin(stream, "leaktrace_growth_bytes_per_second", "gauge", NULL,
		     "Change of what is outstanding since the last report.");
	for (int space = 0; space < SPACE_COUNT; space++)
		if (sums[space].used)
			fprintf(stream,
				"leaktrace_growth_bytes_per_second{space=\"%s\"} %.17g\n",
				space_name((enum space)space),
				sums[space].growth);
}

static int losses_write(FILE *stream, const struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;

	family_begin(stream, "leaktrace_losses", "counter", NULL,
		     "What the figures lack, by kind.");
	for (size_t i = 0; i < snapshot->losses.count; i++) {
		fputs("leaktrace_losses_total{", stream);
		if (label_write(stream, "loss", snapshot->losses.items[i].name))
			return -ENOMEM;
		fprintf(stream, "} %" PRIu64 "\n",
			snapshot->losses.items[i].count);
	}
	family_begin(stream, "leaktrace_at_least", "gauge", NULL,
		     "1 if something was lost: the figures understate.");
	fprintf(stream, "leaktrace_at_least %d\n", report->at_least);
	family_begin(stream, "leaktrace_incomplete_stacks", "gauge", NULL,
		     "Call stacks that lack outer frames.");
	fprintf(stream, "leaktrace_incomplete_stacks %" PRIu64 "\n",
		snapshot->stacks_incomplete);
	return 0;
}

static void gauge_write(FILE *stream, const char *name, const char *unit,
			const char *help, double value)
{
	family_begin(stream, name, "gauge", unit, help);
	fprintf(stream, "%s %.17g\n", name, value);
}

static void verdicts_write(FILE *stream, const struct report *report)
{
	const struct memory_limit *limit = &report->limit;

	gauge_write(stream, "leaktrace_leaking_stacks", NULL,
		    "Call stacks that leak.", (double)report->leaking_stacks);
	gauge_write(stream, "leaktrace_growing_stacks", NULL,
		    "Call stacks that grow and may yet turn out to leak.",
		    (double)report->growing_stacks);
	gauge_write(stream, "leaktrace_leaking_bytes_per_second", NULL,
		    "How fast those that leak grow, together.",
		    report->leaking_bytes_per_second);
	if (limit->kind == LIMIT_NONE)
		return;
	gauge_write(stream, "leaktrace_memory_limit_bytes", "bytes",
		    "What bounds the target's memory.",
		    (double)limit->limit_bytes);
	gauge_write(stream, "leaktrace_memory_used_bytes", "bytes",
		    "How much of that is used, by whomever.",
		    (double)limit->used_bytes);
}

static void cost_write(FILE *stream, const struct own_cost *cost)
{
	if (!cost->period_ns)
		return;
	gauge_write(stream, "leaktrace_cost_ratio", "ratio",
		    "What tracing costs, in cores.",
		    own_cost_percent(cost) / 100);
}

/* What a stack is called: its innermost function with a name. */
static const struct frame *frame_of(const struct report_stack *stack)
{
	static const struct frame unknown = { .function = "?" };

	for (size_t i = 0; i < stack->frames.count; i++)
		if (stack->frames.items[i].function)
			return &stack->frames.items[i];
	return stack->frames.count ? &stack->frames.items[0] : &unknown;
}

static int stack_labels_write(FILE *stream, const char *name,
			      const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;
	const struct frame *frame = frame_of(stack);

	fprintf(stream, "%s{stack=\"%s-%" PRIx64 "\",", name,
		space_name(figures->space), figures->id);
	if (label_write(stream, "function", frame->function))
		return -ENOMEM;
	fputc(',', stream);
	if (label_write(stream, "module", frame->module))
		return -ENOMEM;
	fputs("} ", stream);
	return 0;
}

enum stack_family { STACK_BYTES, STACK_BLOCKS, STACK_GROWTH, STACK_FAMILIES };

static const struct {
	const char *name, *unit, *help;
} stack_families[STACK_FAMILIES] = {
	[STACK_BYTES] = { "leaktrace_leaking_stack_bytes", "bytes",
			  "Outstanding bytes of a call stack that leaks." },
	[STACK_BLOCKS] = { "leaktrace_leaking_stack_blocks", NULL,
			   "Outstanding blocks of a call stack that leaks." },
	[STACK_GROWTH] = { "leaktrace_leaking_stack_growth_bytes_per_second",
			   NULL, "How fast a call stack that leaks grows." },
};

static int stack_family_write(FILE *stream, const struct report *report,
			      enum stack_family family)
{
	const char *name = stack_families[family].name;
	unsigned written = 0;

	family_begin(stream, name, "gauge", stack_families[family].unit,
		     stack_families[family].help);
	for (size_t i = 0; i < report->top.count; i++) {
		const struct report_stack *stack = &report->top.items[i];

		if (stack->judgement.verdict != VERDICT_LEAKING ||
		    written++ >= OPENMETRICS_STACKS_MAX)
			continue;
		if (stack_labels_write(stream, name, stack))
			return -ENOMEM;
		if (family == STACK_BYTES)
			fprintf(stream, "%" PRIu64 "\n", stack->figures->bytes);
		else if (family == STACK_BLOCKS)
			fprintf(stream, "%" PRIu64 "\n",
				stack->figures->blocks);
		else
			fprintf(stream, "%.17g\n",
				stack->judgement.bytes_per_second);
	}
	return 0;
}

static int target_write(FILE *stream, const struct report *report)
{
	family_begin(stream, "leaktrace_target", "info", NULL,
		     "What is traced.");
	fputs("leaktrace_target_info{", stream);
	if (label_write(stream, "name", report->target))
		return -ENOMEM;
	fprintf(stream, ",pid=\"%" PRIu32 "\"} 1\n", report->pid);
	family_begin(stream, "leaktrace_reports", "counter", NULL,
		     "Reports made.");
	fprintf(stream, "leaktrace_reports_total %u\n", report->number);
	family_begin(stream, "leaktrace_report_timestamp_seconds", "gauge",
		     "seconds", "When these figures were taken.");
	fprintf(stream, "leaktrace_report_timestamp_seconds %.3f\n",
		(double)report->snapshot->wall_ns / (double)NS_PER_SECOND);
	family_begin(stream, "leaktrace_traced_seconds", "gauge", "seconds",
		     "How long tracing had gone on then.");
	fprintf(stream, "leaktrace_traced_seconds %.3f\n",
		(double)report->elapsed_ns / (double)NS_PER_SECOND);
	return 0;
}

int openmetrics_write(FILE *stream, const struct report *report)
{
	if (target_write(stream, report))
		return -ENOMEM;
	spaces_write(stream, report);
	verdicts_write(stream, report);
	for (int family = 0; family < STACK_FAMILIES; family++)
		if (stack_family_write(stream, report,
				       (enum stack_family)family))
			return -ENOMEM;
	if (losses_write(stream, report))
		return -ENOMEM;
	cost_write(stream, &report->snapshot->cost);
	fputs("# EOF\n", stream);
	return ferror(stream) ? -ENOMEM : 0;
}
