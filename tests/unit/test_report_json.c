// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON reports read back by a parser: every key, every figure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "report/evidence.h"
#include "sample_reports.h"
#include "util/utf8.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report_style plain_style = { 0 };

static struct report *(*const samples[])(void) = {
	sample_process, sample_manual, sample_first,	 sample_kernel,
	sample_nothing, sample_last,   sample_blocks,	 sample_hostile,
	sample_long,	sample_judged, sample_processes,
};

static const json_t *member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		fail_msg("no key \"%s\"", key);
	return value;
}

static void check_integer(const json_t *object, const char *key, int64_t value)
{
	const json_t *found = member(object, key);

	if (!json_is_integer(found) || json_integer_value(found) != value)
		fail_msg("\"%s\" is not %jd", key, (intmax_t)value);
}

static void check_seconds(const json_t *object, const char *key,
			  uint64_t nanoseconds)
{
	const json_t *found = member(object, key);

	if (!json_is_real(found) ||
	    (uint64_t)(json_real_value(found) * 1e9 + 0.5) != nanoseconds)
		fail_msg("\"%s\" is not %ju ns", key, (uintmax_t)nanoseconds);
}

static void check_flag(const json_t *object, const char *key, bool value)
{
	const json_t *found = member(object, key);

	if (!json_is_boolean(found) || json_is_true(found) != value)
		fail_msg("\"%s\" is not %d", key, value);
}

/* text NULL: null is expected. Bytes that are not UTF-8 were replaced. */
static void check_string(const json_t *object, const char *key,
			 const char *text)
{
	const json_t *found = member(object, key);
	char *safe;

	if (!text) {
		if (!json_is_null(found))
			fail_msg("\"%s\" is not null", key);
		return;
	}
	safe = utf8_sanitise(text);
	assert_non_null(safe);
	if (!json_is_string(found) || strcmp(json_string_value(found), safe))
		fail_msg("\"%s\" is not \"%s\"", key, safe);
	free(safe);
}

static void check_hexadecimal(const json_t *object, const char *key,
			      const char *format, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), format, value);
	check_string(object, key, text);
}

static const json_t *array_of(const json_t *object, const char *key,
			      size_t count)
{
	const json_t *array = member(object, key);

	if (!json_is_array(array) || json_array_size(array) != count)
		fail_msg("\"%s\" is not an array of %zu", key, count);
	return array;
}

static void check_frames(const json_t *stack, const frame_vector *frames)
{
	const json_t *array = array_of(stack, "frames", frames->count), *object;
	const struct frame *frame;
	size_t i;

	for (i = 0; i < frames->count; i++) {
		frame = &frames->items[i];
		object = json_array_get(array, i);
		assert_int_equal(json_object_size(object), 10);
		check_string(object, "function", frame->function);
		check_integer(object, "offset", (int64_t)frame->offset);
		check_string(object, "file", frame->file);
		if (frame->line)
			check_integer(object, "line", frame->line);
		else
			check_string(object, "line", NULL);
		check_string(object, "module", frame->module);
		check_string(object, "path", frame->path);
		check_string(object, "build_id", frame->build_id);
		check_hexadecimal(object, "address", "0x%lx", frame->address);
		check_flag(object, "inlined", frame->inlined);
		check_flag(object, "guessed", frame->guessed);
	}
}

static void check_blocks(const json_t *stack,
			 const struct stack_figures *figures)
{
	const struct block *block;
	const json_t *array, *object;
	size_t i;

	if (!figures->listed.count) {
		assert_null(json_object_get(stack, "allocs"));
		return;
	}
	array = array_of(stack, "allocs", figures->listed.count);
	for (i = 0; i < figures->listed.count; i++) {
		block = &figures->listed.items[i];
		object = json_array_get(array, i);
		assert_int_equal(json_object_size(object), 3);
		check_hexadecimal(object, "address", "0x%lx", block->address);
		check_integer(object, "size", (int64_t)block->size);
		check_seconds(object, "age_seconds",
			      block->born_ns > SAMPLE_NOW
				      ? 0
				      : SAMPLE_NOW - block->born_ns);
	}
}

static void check_estimate(const json_t *object, bool estimate,
			   double bytes_error, double blocks_error)
{
	assert_true(json_is_boolean(member(object, "estimate")));
	assert_int_equal(json_is_true(member(object, "estimate")), estimate);
	assert_true(json_real_value(member(object, "bytes_error")) ==
		    bytes_error);
	assert_true(json_real_value(member(object, "blocks_error")) ==
		    blocks_error);
}

static void check_kernel_stack(const json_t *object,
			       const struct stack_figures *figures)
{
	bool of_device = figures->space == SPACE_DMA;

	assert_int_equal(json_object_size(object), 7);
	check_string(object, "module", figures->module);
	array_of(object, "modules", strcmp(figures->module, "vmlinux") != 0);
	check_string(object, "cache", of_device ? NULL : figures->label);
	check_string(object, "device", of_device ? figures->label : NULL);
	check_string(object, "page_use",
		     figures->page_use ? page_use_name(figures->page_use)
				       : NULL);
	check_integer(object, "unseen_frees", (int64_t)figures->unseen_frees);
	check_flag(object, "may_be_freed", figures->may_be_freed);
}

static void check_seconds_or_null(const json_t *object, const char *key,
				  uint64_t nanoseconds)
{
	if (nanoseconds)
		check_seconds(object, key, nanoseconds);
	else
		check_string(object, key, NULL);
}

static void check_real(const json_t *object, const char *key, double value)
{
	assert_true(json_is_real(member(object, key)));
	assert_true(json_real_value(member(object, key)) == value);
}

static void check_judgement(const json_t *object,
			    const struct report_stack *stack)
{
	const struct judgement *judgement = &stack->judgement;

	check_string(object, "verdict", verdict_name(judgement->verdict));
	check_string(object, "evidence", evidence_phrase(stack).text);
	object = member(object, "judgement");
	assert_int_equal(json_object_size(object), 9);
	check_string(object, "doubt",
		     judgement->doubt ? verdict_doubt_name(judgement->doubt)
				      : NULL);
	check_real(object, "bytes_per_second", judgement->bytes_per_second);
	check_seconds_or_null(object, "growing_seconds", judgement->growing_ns);
	check_seconds(object, "observed_seconds", judgement->observed_ns);
	check_integer(object, "survivors", (int64_t)judgement->survivors);
	check_seconds(object, "survivor_age_seconds",
		      judgement->survivor_age_ns);
	check_seconds_or_null(object, "freed_p99_seconds",
			      judgement->freed_p99_ns);
	check_integer(object, "generations", judgement->generations);
	check_integer(object, "generations_alive",
		      judgement->generations_alive);
}

static void check_history(const json_t *object, const struct report *report,
			  const struct report_stack *stack)
{
	const json_t *history = member(object, "history"), *bytes;

	assert_int_equal(json_object_size(history), 3);
	check_seconds(history, "start_seconds",
		      stack->history_first * report->period_ns);
	check_seconds(history, "period_seconds", report->period_ns);
	bytes = array_of(history, "bytes", stack->history_count);
	for (unsigned i = 0; i < stack->history_count; i++)
		assert_int_equal(json_integer_value(json_array_get(bytes, i)),
				 (int64_t)stack->history[i].bytes_high);
}

static void check_stack(const json_t *object, const struct report *report,
			const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;

	assert_int_equal(json_object_size(object),
			 22 + (figures->listed.count != 0) +
				 (figures->module != NULL) +
				 (figures->space == SPACE_MAPPING));
	if (figures->space == SPACE_MAPPING)
		check_string(object, "mapping", figures->label);
	check_hexadecimal(object, "id", "%016lx", figures->id);
	check_string(object, "space", space_name(figures->space));
	if (figures->process)
		check_integer(object, "pid", figures->process);
	else
		check_string(object, "pid", NULL);
	check_integer(object, "processes",
		      figures->process_count ? figures->process_count
					     : figures->process != 0);
	check_integer(object, "bytes", (int64_t)figures->bytes);
	check_integer(object, "blocks", (int64_t)figures->blocks);
	check_integer(object, "bytes_change", stack->bytes_change);
	check_integer(object, "blocks_change", stack->blocks_change);
	check_seconds(object, "oldest_age_seconds", stack->oldest_age_ns);
	check_integer(object, "allocations", (int64_t)figures->allocations);
	check_integer(object, "allocated_bytes",
		      (int64_t)figures->allocated_bytes);
	check_integer(object, "frees", (int64_t)figures->frees);
	check_integer(object, "freed_bytes", (int64_t)figures->freed_bytes);
	check_estimate(object, figures->estimate, figures->bytes_error,
		       figures->blocks_error);
	check_judgement(object, stack);
	check_history(object, report, stack);
	check_string(object, "flaw",
		     figures->flaw ? stack_flaw_name(figures->flaw) : NULL);
	check_frames(object, &stack->frames);
	check_blocks(object, figures);
	if (figures->module)
		check_kernel_stack(member(object, "kernel"), figures);
}

static void check_totals(const json_t *object, const struct report *report)
{
	const json_t *array = array_of(object, "totals", report->totals.count);
	const struct space_total *total;
	size_t i;

	for (i = 0; i < report->totals.count; i++) {
		total = &report->totals.items[i];
		object = json_array_get(array, i);
		assert_int_equal(json_object_size(object), 9);
		check_string(object, "space", space_name(total->space));
		check_integer(object, "bytes", (int64_t)total->bytes);
		check_integer(object, "blocks", (int64_t)total->blocks);
		check_integer(object, "stacks", (int64_t)total->stacks);
		check_integer(object, "bytes_change", total->bytes_change);
		check_integer(object, "blocks_change", total->blocks_change);
		check_estimate(object, total->estimate, total->bytes_error,
			       total->blocks_error);
	}
}

static void check_losses(const json_t *object, const struct snapshot *snapshot)
{
	const json_t *array =
		array_of(object, "losses", snapshot->losses.count);
	const struct loss *loss;
	size_t i;

	for (i = 0; i < snapshot->losses.count; i++) {
		loss = &snapshot->losses.items[i];
		object = json_array_get(array, i);
		assert_int_equal(json_object_size(object), 6);
		check_string(object, "name", loss->name);
		check_string(object, "text", loss->text);
		check_string(object, "remedy", loss->remedy);
		check_integer(object, "count", (int64_t)loss->count);
		check_integer(object, "bytes", (int64_t)loss->bytes);
		check_flag(object, "understates", loss->understates);
	}
}

/* The two times that the samples have. */
static const char *wall_text(const struct snapshot *snapshot)
{
	return snapshot->wall_ns == INT64_C(1795356205123000000)
		       ? "2026-11-22T14:03:25.123Z"
		       : "2031-02-03T04:05:06.789Z";
}

/* The flaws' counts: of the snapshot's stacks, and nothing else. */
static void check_flaws(const json_t *object, const struct snapshot *snapshot)
{
	const json_t *flaws = member(object, "flaws");
	size_t flaw, i, kinds = 0;
	int64_t count;

	for (flaw = FLAW_NONE + 1; flaw < FLAW_COUNT; flaw++) {
		count = 0;
		for (i = 0; i < snapshot->stacks.count; i++)
			count += snapshot->stacks.items[i].flaw ==
				 (enum stack_flaw)flaw;
		if (!count)
			continue;
		check_integer(flaws, stack_flaw_name((enum stack_flaw)flaw),
			      count);
		kinds++;
	}
	assert_int_equal(json_object_size(flaws), kinds);
}

static void check_kernel(const json_t *kernel, const struct report *report)
{
	const json_t *array =
		array_of(kernel, "modules", report->modules.count);
	const json_t *apart = member(kernel, "apart"), *object;
	size_t i;

	assert_int_equal(json_object_size(kernel), 5);
	check_string(kernel, "watched", report->module);
	if (report->cycle)
		check_integer(kernel, "cycle", report->cycle);
	else
		check_string(kernel, "cycle", NULL);
	for (i = 0; i < report->modules.count; i++) {
		const struct module_total *total = &report->modules.items[i];

		object = json_array_get(array, i);
		assert_int_equal(json_object_size(object), 7);
		check_string(object, "name", total->name);
		check_integer(object, "bytes", (int64_t)total->bytes);
		check_integer(object, "blocks", (int64_t)total->blocks);
		check_integer(object, "stacks", (int64_t)total->stacks);
		check_integer(object, "bytes_change", total->bytes_change);
		check_integer(object, "blocks_change", total->blocks_change);
		object = member(member(object, "spaces"), "slab");
		check_integer(object, "blocks",
			      (int64_t)total->spaces[SPACE_SLAB].blocks);
	}
	for (i = 0; i < PAGE_USE_COUNT; i++)
		if (report->apart[i].blocks)
			check_integer(member(apart,
					     page_use_name((enum page_use)i)),
				      "bytes", (int64_t)report->apart[i].bytes);
	array = array_of(kernel, "gaps", report->snapshot->gaps.count);
	for (i = 0; i < report->snapshot->gaps.count; i++) {
		object = json_array_get(array, i);
		assert_int_equal(json_object_size(object), 4);
		check_string(object, "name",
			     report->snapshot->gaps.items[i].name);
		check_string(object, "space", "slab");
		check_flag(object, "inflates", true);
	}
}

static void check_limit(const json_t *object, const struct report *report)
{
	const struct memory_limit *limit = &report->limit;

	if (limit->kind == LIMIT_NONE) {
		check_string(object, "limit", NULL);
		return;
	}
	object = member(object, "limit");
	assert_int_equal(json_object_size(object), 4);
	check_string(object, "kind",
		     limit->kind == LIMIT_CGROUP ? "cgroup" : "machine");
	check_integer(object, "bytes", (int64_t)limit->limit_bytes);
	check_integer(object, "used_bytes", (int64_t)limit->used_bytes);
	check_seconds_or_null(object, "reached_seconds",
			      report->limit_reached_ns);
}

static void check_processes(const json_t *object, const struct report *report)
{
	const json_t *processes = member(object, "processes");
	const json_t *before = member(object, "ended_before");

	assert_int_equal(json_array_size(processes), report->processes.count);
	for (size_t i = 0; i < report->processes.count; i++) {
		const struct report_process *process =
			&report->processes.items[i];
		const struct process_figures *figures = process->figures;
		const json_t *listed = json_array_get(processes, i);

		assert_int_equal(json_object_size(listed), 8);
		check_integer(listed, "pid", figures->pid);
		check_string(listed, "name", figures->name);
		check_integer(listed, "bytes", (int64_t)figures->bytes);
		check_integer(listed, "blocks", (int64_t)figures->blocks);
		check_integer(listed, "bytes_change", process->bytes_change);
		check_integer(listed, "blocks_change", process->blocks_change);
		check_flag(listed, "ended", figures->ended);
		check_seconds(listed, "untraced_seconds", figures->untraced_ns);
	}
	assert_int_equal(json_object_size(before), 3);
	check_integer(before, "processes",
		      (int64_t)report->snapshot->processes_ended);
	check_integer(before, "bytes", (int64_t)report->snapshot->ended_bytes);
	check_integer(before, "blocks",
		      (int64_t)report->snapshot->ended_blocks);
}

static void check_report(const json_t *object, const struct report *report)
{
	static const char *const reasons[] = { "interval", "signal", "unloaded",
					       "cycle", "last" };
	const struct snapshot *snapshot = report->snapshot;
	const json_t *target = member(object, "target"), *stacks;
	size_t i;

	assert_int_equal(json_object_size(object), 28 + report->kernel);
	if (report->kernel)
		check_kernel(member(object, "kernel"), report);
	check_string(object, "format", "leaktrace-report");
	check_integer(object, "version", 1);
	check_integer(object, "report", report->number);
	check_string(object, "reason", reasons[report->reason]);
	check_string(object, "end", report->end);
	check_string(object, "time", wall_text(snapshot));
	check_seconds(object, "elapsed_seconds", report->elapsed_ns);
	check_seconds(object, "since_last_seconds", report->since_last_ns);
	check_string(object, "mode", report->kernel ? "kernel" : "user");
	assert_int_equal(json_object_size(target), 2);
	check_string(target, "name", report->target);
	if (report->pid)
		check_integer(target, "pid", report->pid);
	else
		check_string(target, "pid", NULL);
	check_flag(object, "at_least", report->at_least);
	check_seconds(object, "older_than_seconds", report->older_than_ns);
	if (snapshot->sample_bytes)
		check_integer(object, "sample_bytes",
			      (int64_t)snapshot->sample_bytes);
	else
		assert_true(json_is_null(member(object, "sample_bytes")));
	check_totals(object, report);
	check_integer(object, "leaking_stacks",
		      (int64_t)report->leaking_stacks);
	check_integer(object, "growing_stacks",
		      (int64_t)report->growing_stacks);
	check_real(object, "leaking_bytes_per_second",
		   report->leaking_bytes_per_second);
	check_limit(object, report);
	check_losses(object, snapshot);
	check_processes(object, report);
	check_integer(object, "unmatched_frees",
		      (int64_t)snapshot->unmatched_frees);
	check_integer(object, "stacks_matching",
		      (int64_t)report->stacks_matching);
	check_integer(object, "stacks_total", (int64_t)snapshot->stacks.count);
	check_integer(object, "stacks_incomplete",
		      (int64_t)snapshot->stacks_incomplete);
	check_flaws(object, snapshot);
	stacks = array_of(object, "stacks", report->top.count);
	for (i = 0; i < report->top.count; i++)
		check_stack(json_array_get(stacks, i), report,
			    &report->top.items[i]);
}

/* One line, one object, every figure. */
static void test_json_read_back(void **state)
{
	struct report *report;
	json_error_t error;
	json_t *object;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(samples); i++) {
		report = samples[i]();
		text = sample_written("json", report, &plain_style);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
		if (!object)
			fail_msg("sample %zu: %s", i, error.text);
		check_report(object, report);
		json_decref(object);
		free(text);
		report_free(report);
	}
}

/* What jansson's integers cannot hold is the largest that they can. */
static void test_json_extremes(void **state)
{
	struct report *report = sample_first();
	json_t *object, *stack;
	char *text;

	(void)state;
	sample_figures(report)->bytes = UINT64_MAX;
	sample_figures(report)->id = UINT64_MAX;
	report->top.items[0].bytes_change = INT64_MIN;
	report->top.items[0].oldest_age_ns = 0;
	report->top.items[0].frames.items[0].address = UINT64_MAX;
	text = sample_written("json", report, &plain_style);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	stack = json_array_get(json_object_get(object, "stacks"), 0);
	check_integer(stack, "bytes", INT64_MAX);
	check_string(stack, "id", "ffffffffffffffff");
	check_integer(stack, "bytes_change", INT64_MIN);
	check_string(stack, "oldest_age_seconds", NULL);
	check_string(json_array_get(json_object_get(stack, "frames"), 0),
		     "address", "0xffffffffffffffff");
	json_decref(object);
	free(text);
	report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_read_back),
		cmocka_unit_test(test_json_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
