// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report for programs: one JSON object a line. docs/leaktrace.8, "JSON
 * reports", documents every key (test_manual holds the two together); a key
 * that changes its meaning raises JSON_VERSION, a new key does not.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "report/account_json.h"
#include "report/evidence.h"
#include "report/formats.h"
#include "report/json_value.h"
#include "report/kernel_json.h"
#include "report/round_json.h"
#include "util/cleanup.h"

#define JSON_FORMAT "leaktrace-report"
#define JSON_VERSION 1

static json_t *block_array(const struct stack_figures *figures,
			   uint64_t taken_ns)
{
	auto_json json_t *array = json_array();
	const struct block *block;
	uint64_t age;
	size_t i;

	for (i = 0; i < figures->listed.count; i++) {
		block = &figures->listed.items[i];
		age = taken_ns > block->born_ns ? taken_ns - block->born_ns : 0;
		if (json_array_append_new(
			    array,
			    json_pack("{s:o, s:I, s:f}", "address",
				      json_value_hexadecimal("0x", 1,
							     block->address),
				      "size", json_value_integer(block->size),
				      "age_seconds", json_value_seconds(age))))
			return NULL;
	}
	return take(array);
}

static json_t *seconds_or_null(uint64_t nanoseconds)
{
	return nanoseconds ? json_real(json_value_seconds(nanoseconds))
			   : json_null();
}

static json_t *doubt_or_null(enum verdict_doubt doubt)
{
	return doubt == DOUBT_NONE ? json_null()
				   : json_string(verdict_doubt_name(doubt));
}

static json_t *judgement_object(const struct judgement *judgement)
{
	return json_pack(
		"{s:o, s:f, s:o, s:f, s:I, s:f, s:o, s:i, s:i}", "doubt",
		doubt_or_null(judgement->doubt), "bytes_per_second",
		judgement->bytes_per_second, "growing_seconds",
		seconds_or_null(judgement->growing_ns), "observed_seconds",
		json_value_seconds(judgement->observed_ns), "survivors",
		json_value_integer(judgement->survivors),
		"survivor_age_seconds",
		json_value_seconds(judgement->survivor_age_ns),
		"freed_p99_seconds", seconds_or_null(judgement->freed_p99_ns),
		"generations", (int)judgement->generations, "generations_alive",
		(int)judgement->generations_alive);
}

/* The high-water marks of a stack's history. */
static json_t *history_object(const struct report_stack *stack,
			      uint64_t period_ns)
{
	auto_json json_t *marks = json_array();

	for (unsigned i = 0; i < stack->history_count; i++)
		if (json_array_append_new(
			    marks,
			    json_integer(
				    (json_int_t)stack->history[i].bytes_high)))
			return NULL;
	return json_pack("{s:f, s:f, s:O}", "start_seconds",
			 json_value_seconds(stack->history_first * period_ns),
			 "period_seconds", json_value_seconds(period_ns),
			 "bytes", marks);
}

static json_t *limit_object(const struct report *report)
{
	static const char *const kinds[] = {
		[LIMIT_CGROUP] = "cgroup",
		[LIMIT_MACHINE] = "machine",
	};
	const struct memory_limit *limit = &report->limit;

	if (limit->kind == LIMIT_NONE)
		return json_null();
	return json_pack("{s:s, s:I, s:I, s:o}", "kind", kinds[limit->kind],
			 "bytes", json_value_integer(limit->limit_bytes),
			 "used_bytes", json_value_integer(limit->used_bytes),
			 "reached_seconds",
			 seconds_or_null(report->limit_reached_ns));
}

static json_t *stack_object(const struct report *report,
			    const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;
	const char *flaw = figures->flaw == FLAW_NONE
				   ? NULL
				   : stack_flaw_name(figures->flaw);
	auto_json json_t *object = json_pack(
		"{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o,"
		" s:I, s:I, s:I, s:I, s:b, s:f, s:f, s:s, s:s, s:o, s:o, s:s?, s:o}",
		"id", json_value_hexadecimal("", 16, figures->id), "space",
		space_name(figures->space), "pid",
		json_value_integer_or_null(figures->process), "processes",
		(json_int_t)(figures->process_count ? figures->process_count
						    : figures->process != 0),
		"bytes", json_value_integer(figures->bytes), "blocks",
		json_value_integer(figures->blocks), "bytes_change",
		(json_int_t)stack->bytes_change, "blocks_change",
		(json_int_t)stack->blocks_change, "oldest_age_seconds",
		stack->oldest_age_ns
			? json_real(json_value_seconds(stack->oldest_age_ns))
			: json_null(),
		"allocations", json_value_integer(figures->allocations),
		"allocated_bytes", json_value_integer(figures->allocated_bytes),
		"frees", json_value_integer(figures->frees), "freed_bytes",
		json_value_integer(figures->freed_bytes), "estimate",
		figures->estimate, "bytes_error", figures->bytes_error,
		"blocks_error", figures->blocks_error, "verdict",
		verdict_name(stack->judgement.verdict), "evidence",
		evidence_phrase(stack).text, "judgement",
		judgement_object(&stack->judgement), "history",
		history_object(stack, report->period_ns), "flaw", flaw,
		"frames", json_value_frames(&stack->frames));

	if (figures->listed.count &&
	    json_object_set_new(object, "allocs",
				block_array(figures,
					    report->snapshot->taken_ns)))
		return NULL;
	if (figures->space == SPACE_MAPPING &&
	    json_object_set_new(object, "mapping",
				json_value_text(figures->label)))
		return NULL;
	if (figures->module &&
	    json_object_set_new(object, "kernel", kernel_json_stack(stack)))
		return NULL;
	if (account_json_resident(object, report, figures))
		return NULL;
	if (report->by_rounds &&
	    json_object_set_new(object, "rounds",
				round_json_stack(report, stack)))
		return NULL;
	return take(object);
}

static json_t *stack_array(const struct report *report)
{
	auto_json json_t *array = json_array();
	size_t i;

	for (i = 0; i < report->top.count; i++)
		if (json_array_append_new(
			    array, stack_object(report, &report->top.items[i])))
			return NULL;
	return take(array);
}

static json_t *total_array(const struct report *report)
{
	auto_json json_t *array = json_array();
	const struct space_total *total;
	size_t i;

	for (i = 0; i < report->totals.count; i++) {
		total = &report->totals.items[i];
		if (json_array_append_new(
			    array,
			    json_pack(
				    "{s:s, s:I, s:I, s:I, s:I, s:I,"
				    " s:b, s:f, s:f}",
				    "space", space_name(total->space), "bytes",
				    json_value_integer(total->bytes), "blocks",
				    json_value_integer(total->blocks), "stacks",
				    json_value_integer(total->stacks),
				    "bytes_change",
				    (json_int_t)total->bytes_change,
				    "blocks_change",
				    (json_int_t)total->blocks_change,
				    "estimate", total->estimate, "bytes_error",
				    total->bytes_error, "blocks_error",
				    total->blocks_error)))
			return NULL;
	}
	return take(array);
}

static json_t *loss_array(const struct snapshot *snapshot)
{
	auto_json json_t *array = json_array();
	const struct loss *loss;
	size_t i;

	for (i = 0; i < snapshot->losses.count; i++) {
		loss = &snapshot->losses.items[i];
		if (json_array_append_new(
			    array,
			    json_pack("{s:o, s:o, s:o, s:I, s:I, s:b}", "name",
				      json_value_text(loss->name), "text",
				      json_value_text(loss->text), "remedy",
				      json_value_text(loss->remedy), "count",
				      json_value_integer(loss->count), "bytes",
				      json_value_integer(loss->bytes),
				      "understates", loss->understates)))
			return NULL;
	}
	return take(array);
}

static json_t *process_array(const struct report *report)
{
	auto_json json_t *array = json_array();
	size_t i;

	for (i = 0; i < report->processes.count; i++) {
		const struct report_process *process =
			&report->processes.items[i];
		const struct process_figures *figures = process->figures;

		if (json_array_append_new(
			    array,
			    json_pack(
				    "{s:I, s:o, s:I, s:I, s:I, s:I, s:b,"
				    " s:f}",
				    "pid", (json_int_t)figures->pid, "name",
				    json_value_text(figures->name), "bytes",
				    json_value_integer(figures->bytes),
				    "blocks",
				    json_value_integer(figures->blocks),
				    "bytes_change",
				    (json_int_t)process->bytes_change,
				    "blocks_change",
				    (json_int_t)process->blocks_change, "ended",
				    figures->ended, "untraced_seconds",
				    json_value_seconds(figures->untraced_ns))))
			return NULL;
	}
	return take(array);
}

/* Of the processes that ended before the last report, only sums are left. */
static json_t *ended_object(const struct snapshot *snapshot)
{
	return json_pack("{s:I, s:I, s:I}", "processes",
			 json_value_integer(snapshot->processes_ended), "bytes",
			 json_value_integer(snapshot->ended_bytes), "blocks",
			 json_value_integer(snapshot->ended_blocks));
}

/* How many call stacks have which flaw, those that occur. */
static json_t *flaw_counts(const struct snapshot *snapshot)
{
	auto_json json_t *object = json_object();
	uint64_t counts[FLAW_COUNT] = { 0 };
	size_t i;

	for (i = 0; i < snapshot->stacks.count; i++)
		if ((unsigned)snapshot->stacks.items[i].flaw < FLAW_COUNT)
			counts[snapshot->stacks.items[i].flaw]++;
	for (i = FLAW_NONE + 1; i < FLAW_COUNT; i++)
		if (counts[i] &&
		    json_object_set_new(
			    object, stack_flaw_name((enum stack_flaw)i),
			    json_integer(json_value_integer(counts[i]))))
			return NULL;
	return take(object);
}

/* With --growth: what the process's memory is in all. */
static int resident_add(json_t *object, const struct snapshot *snapshot)
{
	if (!object || !snapshot->fault_period)
		return 0;
	return json_object_set_new(
		object, "resident",
		json_pack("{s:I, s:I, s:I}", "bytes",
			  json_value_integer(snapshot->resident_bytes),
			  "bytes_at_start",
			  json_value_integer(snapshot->resident_at_start),
			  "fault_period",
			  json_value_integer(snapshot->fault_period)));
}

static json_t *real_or_null(bool known, double value)
{
	return known ? json_real(value) : json_null();
}

/* What leaktrace itself cost since the last report, null if not measured. */
static json_t *cost_object(const struct own_cost *cost)
{
	double percent = 100.0 / (double)cost->period_ns;

	if (!cost->period_ns)
		return json_null();
	return json_pack(
		"{s:f, s:f, s:o, s:o, s:o, s:f, s:o, s:b}", "percent",
		own_cost_percent(cost), "hits_per_second",
		own_cost_hits_per_second(cost), "ns_per_hit",
		real_or_null(cost->hits, own_cost_per_hit(cost)),
		"programs_percent",
		real_or_null(cost->bpf_known, percent * cost->bpf_ns),
		"traps_percent",
		real_or_null(cost->traps_known, percent * cost->traps_ns),
		"leaktrace_percent", percent * cost->own_ns, "budget_percent",
		real_or_null(cost->budget_percent > 0, cost->budget_percent),
		"over_budget", cost->over_budget);
}

static json_t *report_object(const struct report *report)
{
	static const char *const reasons[] = {
		[REPORT_INTERVAL] = "interval", [REPORT_ON_SIGNAL] = "signal",
		[REPORT_UNLOADED] = "unloaded", [REPORT_CYCLE] = "cycle",
		[REPORT_LAST] = "last",
	};
	const struct snapshot *snapshot = report->snapshot;

	return json_pack(
		"{s:s, s:i, s:I, s:s, s:o, s:o, s:f, s:f, s:s, s:{s:o, s:o},"
		" s:b, s:f, s:o, s:o, s:o, s:I, s:I, s:f, s:o, s:o, s:I, s:I, s:I,"
		" s:I, s:o, s:o, s:o, s:o}",
		"format", JSON_FORMAT, "version", JSON_VERSION, "report",
		(json_int_t)report->number, "reason", reasons[report->reason],
		"end", json_value_text(report->end), "time",
		json_value_time(snapshot->wall_ns), "elapsed_seconds",
		json_value_seconds(report->elapsed_ns), "since_last_seconds",
		json_value_seconds(report->since_last_ns), "mode",
		report->kernel ? "kernel" : "user", "target", "name",
		json_value_text(report->target), "pid",
		json_value_integer_or_null(report->pid), "at_least",
		report->at_least, "older_than_seconds",
		json_value_seconds(report->older_than_ns), "sample_bytes",
		json_value_integer_or_null(snapshot->sample_bytes), "cost",
		cost_object(&snapshot->cost), "totals", total_array(report),
		"leaking_stacks", json_value_integer(report->leaking_stacks),
		"growing_stacks", json_value_integer(report->growing_stacks),
		"leaking_bytes_per_second", report->leaking_bytes_per_second,
		"limit", limit_object(report), "losses", loss_array(snapshot),
		"unmatched_frees",
		json_value_integer(snapshot->unmatched_frees),
		"stacks_matching", json_value_integer(report->stacks_matching),
		"stacks_total", (json_int_t)snapshot->stacks.count,
		"stacks_incomplete",
		json_value_integer(snapshot->stacks_incomplete), "flaws",
		flaw_counts(snapshot), "processes", process_array(report),
		"ended_before", ended_object(snapshot), "stacks",
		stack_array(report));
}

/* With --suppressions: what they kept out. */
static int suppressed_add(json_t *object, const struct report *report)
{
	if (!report->suppressed.count)
		return 0;
	return json_object_set_new(object, "suppressed",
				   json_value_suppressed(report));
}

static int json_write(FILE *stream, const struct report *report,
		      const struct report_style *style)
{
	auto_json json_t *object = report_object(report);

	(void)style; /* nothing in it concerns programs */
	if (!object ||
	    (report->kernel &&
	     json_object_set_new(object, "kernel",
				 kernel_json_report(report))) ||
	    resident_add(object, report->snapshot) ||
	    suppressed_add(object, report) ||
	    (report->account.figures.now.taken_ns &&
	     json_object_set_new(object, "account", account_json(report))) ||
	    (report->by_rounds &&
	     json_object_set_new(object, "rounds", round_json_report(report))))
		return -ENOMEM;
	return json_value_emit(stream, object);
}

const struct report_format report_format_json = {
	.name = "json",
	.write = json_write,
};
