// SPDX-License-Identifier: GPL-2.0-or-later
/* What the HTML page draws: see html_data.h. page.js knows the keys. */
#include "report/html_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/account_line.h"
#include "report/evidence.h"
#include "report/frame_name.h"
#include "report/json_value.h"

/* Histories are drawn for so many stacks, the first ranked. */
#define HISTORIES_MAX 200

/* Of a file that is not to be trusted. */
#define PERIODS_MAX 65536

/* The frames by number, each once. */
struct page_frames {
	json_t *list;	 /* of arrays: name, source, module, inlined */
	json_t *numbers; /* by what makes a frame the same */
};

static void page_frames_free(struct page_frames *frames)
{
	json_decref(frames->list);
	json_decref(frames->numbers);
}

static json_t *frame_make(const struct frame *frame)
{
	auto_free char *name = frame_name(frame);
	auto_free char *source = NULL;

	if (!name)
		return NULL;
	if (frame->file && frame->line) {
		if (asprintf(&source, "%s:%u", frame->file, frame->line) < 0) {
			source = NULL;
			return NULL;
		}
	}
	return json_pack("[o, o, o, b]", json_value_text(name),
			 json_value_text(source	       ? source
					 : frame->file ? frame->file
						       : ""),
			 json_value_text(frame->module ? frame->module : ""),
			 frame->inlined);
}

/* Adds the frame's number to a stack's. */
static int frame_add(struct page_frames *frames, const struct frame *frame,
		     json_t *stack)
{
	auto_json json_t *made = frame_make(frame);
	auto_free char *key = NULL;
	json_t *number;

	if (!made)
		return -ENOMEM;
	key = json_dumps(made, JSON_COMPACT);
	if (!key)
		return -ENOMEM;
	number = json_object_get(frames->numbers, key);
	if (!number) {
		number =
			json_integer((json_int_t)json_array_size(frames->list));
		if (json_array_append(frames->list, made) ||
		    json_object_set_new(frames->numbers, key, number))
			return -ENOMEM;
	}
	return json_array_append(stack, number) ? -ENOMEM : 0;
}

static json_t *stack_frames(struct page_frames *frames,
			    const frame_vector *from)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < from->count; i++)
		if (!array || frame_add(frames, &from->items[i], array))
			return NULL;
	return take(array);
}

/* The period behind the stack's last, 0 if it has no history. */
static size_t history_end(const struct report_stack *stack)
{
	size_t end = (size_t)stack->history_first + stack->history_count;

	return stack->history && end <= PERIODS_MAX ? end : 0;
}

/* The highest of each period, from the stack's first on. */
static json_t *stack_history(const struct report_stack *stack)
{
	auto_json json_t *array = json_array();

	for (unsigned i = 0; i < stack->history_count; i++)
		if (json_array_append_new(
			    array, json_real(stack->history[i].bytes_high)))
			return NULL;
	return take(array);
}

static json_t *stack_object(struct page_frames *frames,
			    const struct report_stack *stack, bool history)
{
	const struct stack_figures *figures = stack->figures;
	const struct judgement *judgement = &stack->judgement;
	auto_json json_t *object = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:s, s:I, s:f, s:o}",
		"bytes", json_value_integer(figures->bytes), "blocks",
		json_value_integer(figures->blocks), "allocations",
		json_value_integer(figures->allocations), "allocated",
		json_value_integer(figures->allocated_bytes), "frees",
		json_value_integer(figures->frees), "freed",
		json_value_integer(figures->freed_bytes), "oldest",
		json_value_seconds(stack->oldest_age_ns), "space",
		space_name(figures->space), "pid", (json_int_t)figures->process,
		"rate", judgement->bytes_per_second, "frames",
		stack_frames(frames, &stack->frames));

	if (judgement->verdict != VERDICT_NONE &&
	    (json_object_set_new(
		     object, "verdict",
		     json_string(verdict_name(judgement->verdict))) ||
	     json_object_set_new(object, "evidence",
				 json_value_text(evidence_phrase(stack).text))))
		return NULL;
	if (figures->flaw != FLAW_NONE &&
	    json_object_set_new(object, "flaw",
				json_string(stack_flaw_text(figures->flaw))))
		return NULL;
	if (figures->module &&
	    json_object_set_new(object, "module",
				json_value_text(figures->module)))
		return NULL;
	if (history && history_end(stack) &&
	    (json_object_set_new(object, "history", stack_history(stack)) ||
	     json_object_set_new(
		     object, "first",
		     json_integer((json_int_t)stack->history_first))))
		return NULL;
	return take(object);
}

static json_t *stack_array(struct page_frames *frames,
			   const struct report *report)
{
	size_t count = report_stack_count(report);
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(
			    array,
			    stack_object(frames, report_stack_at(report, i),
					 i < HISTORIES_MAX)))
			return NULL;
	return take(array);
}

/* The sum over all stacks of the highest in each period. */
static json_t *history_array(const struct report *report)
{
	size_t count = report_stack_count(report), periods = 0;
	auto_json json_t *array = json_array();
	auto_free double *sums = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t end = history_end(report_stack_at(report, i));

		if (end > periods)
			periods = end;
	}
	sums = calloc(periods ? periods : 1, sizeof(*sums));
	if (!sums)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct report_stack *stack = report_stack_at(report, i);

		for (size_t j = 0; j < stack->history_count; j++)
			if (history_end(stack))
				sums[stack->history_first + j] +=
					(double)stack->history[j].bytes_high;
	}
	for (size_t i = 0; i < periods; i++)
		if (json_array_append_new(array, json_real(sums[i])))
			return NULL;
	return take(array);
}

static json_t *total_array(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->totals.count; i++) {
		const struct space_total *total = &report->totals.items[i];

		if (json_array_append_new(
			    array,
			    json_pack(
				    "{s:s, s:I, s:I, s:I}", "space",
				    space_name(total->space), "bytes",
				    json_value_integer(total->bytes), "blocks",
				    json_value_integer(total->blocks), "stacks",
				    json_value_integer(total->stacks))))
			return NULL;
	}
	return take(array);
}

static json_t *loss_array(const struct snapshot *snapshot)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < snapshot->losses.count; i++) {
		const struct loss *loss = &snapshot->losses.items[i];

		if (json_array_append_new(
			    array,
			    json_pack("{s:o, s:I, s:o}", "text",
				      json_value_text(loss->text), "count",
				      json_value_integer(loss->count), "remedy",
				      json_value_text(loss->remedy))))
			return NULL;
	}
	return take(array);
}

/* Each an array: what it is, bytes, change, how they are to be taken. */
static json_t *account_parts(const struct report_account *account)
{
	const struct account *now = &account->figures.now;
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < ACCOUNT_PARTS; i++) {
		enum account_part part = (enum account_part)i;

		if (!now->parts[i] && !account->change.parts[i])
			continue;
		if (json_array_append_new(
			    array,
			    json_pack("[s, I, I, s]", account_part_text(part),
				      json_value_integer(now->parts[i]),
				      (json_int_t)account->change.parts[i],
				      account_bound(now, part))))
			return NULL;
	}
	return take(array);
}

/* What the memory consists of, null if that is not known. */
static json_t *account_object(const struct report *report)
{
	const struct report_account *account = &report->account;

	if (!account->figures.now.taken_ns)
		return json_null();
	return json_pack("{s:I, s:I, s:b, s:o, s:o}", "rss",
			 json_value_integer(account->figures.now.rss_bytes),
			 "change", (json_int_t)account->change.rss_bytes,
			 "late", account->figures.start.taken_ns != 0, "growth",
			 json_value_text(account_growth(account).text), "parts",
			 account_parts(account));
}

json_t *html_data(const struct report *report)
{
	cleanup(page_frames_free) struct page_frames frames = { json_array(),
								json_object() };
	auto_json json_t *stacks = stack_array(&frames, report);
	const struct snapshot *snapshot = report->snapshot;

	return json_pack(
		"{s:s, s:o, s:I, s:I, s:f, s:o, s:f, s:I, s:b, s:o, s:o, s:o, s:o,"
		" s:f, s:o, s:O, s:O, s:o}",
		"version", LEAKTRACE_VERSION, "target",
		json_value_text(report->target ? report->target : "unknown"),
		"pid", (json_int_t)report->pid, "time_ms",
		(json_int_t)(snapshot->wall_ns / 1000000), "elapsed",
		json_value_seconds(report->elapsed_ns), "end",
		json_value_text(report->end), "older",
		json_value_seconds(report->older_than_ns), "sample",
		json_value_integer(snapshot->sample_bytes), "at_least",
		report->at_least, "summary",
		json_value_text(evidence_summary(report).text), "totals",
		total_array(report), "losses", loss_array(snapshot),
		"suppressed", json_value_suppressed(report), "period",
		json_value_seconds(report->period_ns), "history",
		history_array(report), "frames", frames.list, "stacks", stacks,
		"account", account_object(report));
}
