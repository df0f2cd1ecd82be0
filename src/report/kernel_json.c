// SPDX-License-Identifier: GPL-2.0-or-later
/* What JSON reports have in kernel mode only: see kernel_json.h. */
#include "report/kernel_json.h"

#include <string.h>

#include "report/json_value.h"
#include "util/cleanup.h"

static json_t *amounts(uint64_t bytes, uint64_t blocks)
{
	return json_pack("{s:I, s:I}", "bytes", json_value_integer(bytes),
			 "blocks", json_value_integer(blocks));
}

static json_t *space_amounts(const struct module_total *total)
{
	auto_json json_t *object = json_object();

	for (int space = 0; space < SPACE_COUNT; space++)
		if (total->spaces[space].blocks &&
		    json_object_set_new(object, space_name((enum space)space),
					amounts(total->spaces[space].bytes,
						total->spaces[space].blocks)))
			return NULL;
	return take(object);
}

static json_t *module_array(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->modules.count; i++) {
		const struct module_total *total = &report->modules.items[i];

		if (json_array_append_new(
			    array,
			    json_pack(
				    "{s:o, s:I, s:I, s:I, s:I, s:I, s:o}",
				    "name", json_value_text(total->name),
				    "bytes", json_value_integer(total->bytes),
				    "blocks", json_value_integer(total->blocks),
				    "stacks", json_value_integer(total->stacks),
				    "bytes_change",
				    (json_int_t)total->bytes_change,
				    "blocks_change",
				    (json_int_t)total->blocks_change, "spaces",
				    space_amounts(total))))
			return NULL;
	}
	return take(array);
}

static json_t *gap_array(const struct snapshot *snapshot)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < snapshot->gaps.count; i++) {
		const struct gap *gap = &snapshot->gaps.items[i];

		if (json_array_append_new(
			    array,
			    json_pack("{s:s, s:s, s:o, s:b}", "name", gap->name,
				      "text", gap->text, "space",
				      json_value_text(
					      gap->space < SPACE_COUNT
						      ? space_name(gap->space)
						      : NULL),
				      "inflates", gap->inflates)))
			return NULL;
	}
	return take(array);
}

static json_t *apart_object(const struct report *report)
{
	auto_json json_t *object = json_object();

	for (int use = PAGE_USE_NONE + 1; use < PAGE_USE_COUNT; use++)
		if (report->apart[use].blocks &&
		    json_object_set_new(object,
					page_use_name((enum page_use)use),
					amounts(report->apart[use].bytes,
						report->apart[use].blocks)))
			return NULL;
	return take(object);
}

json_t *kernel_json_report(const struct report *report)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o}", "watched",
		json_value_text(report->module), "cycle",
		report->cycle ? json_integer(report->cycle) : json_null(),
		"modules", module_array(report), "apart", apart_object(report),
		"gaps", gap_array(report->snapshot));
}

/* All modules on the stack, the nearest to the allocation first. */
static json_t *module_names(const frame_vector *frames)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < frames->count; i++) {
		const char *name = frames->items[i].module;
		size_t before = 0;

		if (!name || !strcmp(name, "vmlinux"))
			continue;
		while (before < i &&
		       (!frames->items[before].module ||
			strcmp(frames->items[before].module, name) != 0))
			before++;
		if (before == i &&
		    json_array_append_new(array, json_value_text(name)))
			return NULL;
	}
	return take(array);
}

json_t *kernel_json_stack(const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;
	bool of_device = figures->space == SPACE_DMA ||
			 figures->space == SPACE_DEVRES;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "module",
		json_value_text(figures->module), "modules",
		module_names(&stack->frames), "cache",
		json_value_text(of_device ? NULL : figures->label), "device",
		json_value_text(of_device ? figures->label : NULL), "page_use",
		json_value_text(figures->page_use != PAGE_USE_NONE
					? page_use_name(figures->page_use)
					: NULL),
		"unseen_frees", json_value_integer(figures->unseen_frees),
		"may_be_freed", figures->may_be_freed);
}
