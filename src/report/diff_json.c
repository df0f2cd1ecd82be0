// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A comparison of two reports for programs: one JSON object on a line.
 * docs/leaktrace.8, "Comparing", documents every key.
 */
#include "report/diff_format.h"
#include "report/json_value.h"

#define DIFF_JSON_FORMAT "leaktrace-diff"
#define DIFF_JSON_VERSION 1

static json_t *side_object(const struct report *report)
{
	return json_pack("{s:o, s:o, s:o, s:f, s:b}", "target",
			 json_value_text(report->target), "pid",
			 json_value_integer_or_null(report->pid), "time",
			 json_value_time(report->snapshot->wall_ns),
			 "elapsed_seconds",
			 json_value_seconds(report->elapsed_ns), "at_least",
			 report->at_least);
}

static json_t *total_array(const struct diff *diff)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < SPACE_COUNT; i++) {
		const struct diff_total *total = &diff->totals[i];

		if (!total->blocks_before && !total->blocks_after)
			continue;
		if (json_array_append_new(
			    array,
			    json_pack("{s:s, s:I, s:I, s:I, s:I}", "space",
				      space_name(total->space), "bytes_before",
				      json_value_integer(total->bytes_before),
				      "bytes_after",
				      json_value_integer(total->bytes_after),
				      "blocks_before",
				      json_value_integer(total->blocks_before),
				      "blocks_after",
				      json_value_integer(total->blocks_after))))
			return NULL;
	}
	return take(array);
}

static json_t *counts_object(const struct diff *diff)
{
	auto_json json_t *object = json_object();

	for (size_t i = 0; i < DIFF_COUNT; i++)
		if (json_object_set_new(
			    object, diff_kind_name((enum diff_kind)i),
			    json_integer(json_value_integer(diff->counts[i]))))
			return NULL;
	return take(object);
}

static json_t *figures_object(const struct diff_figures *figures)
{
	const char *verdict = figures->verdict == VERDICT_NONE
				      ? NULL
				      : verdict_name(figures->verdict);

	return json_pack("{s:I, s:I, s:I, s:s?}", "bytes",
			 json_value_integer(figures->bytes), "blocks",
			 json_value_integer(figures->blocks), "stacks",
			 json_value_integer(figures->stacks), "verdict",
			 verdict);
}

static json_t *stack_object(const struct diff_stack *stack)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "kind",
			 diff_kind_name(stack->kind), "space",
			 space_name(stack->space), "bytes_change",
			 (json_int_t)diff_change(stack->before.bytes,
						 stack->after.bytes),
			 "blocks_change",
			 (json_int_t)diff_change(stack->before.blocks,
						 stack->after.blocks),
			 "before", figures_object(&stack->before), "after",
			 figures_object(&stack->after), "frames",
			 json_value_frames(stack->frames));
}

int diff_write_json(FILE *stream, const struct diff *diff, unsigned top)
{
	auto_json json_t *stacks = json_array();
	auto_json json_t *object = NULL;

	for (size_t i = 0; i < diff->stacks.count && i < top; i++)
		if (json_array_append_new(stacks,
					  stack_object(&diff->stacks.items[i])))
			return json_value_emit(stream, NULL);
	object = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:O}", "format",
			   DIFF_JSON_FORMAT, "version", DIFF_JSON_VERSION,
			   "before", side_object(diff->before), "after",
			   side_object(diff->after), "totals",
			   total_array(diff), "stacks_by_kind",
			   counts_object(diff), "stacks", stacks);
	return json_value_emit(stream, object);
}
