// SPDX-License-Identifier: GPL-2.0-or-later
/* What only a snapshot of the kernel has: see kernel_part.h. */
#include "snapshot/kernel_part.h"

#include <errno.h>

#include "snapshot/fields.h"
#include "util/cleanup.h"

/* Bytes and blocks of one kind of something; the structs have no names. */
struct amount {
	uint64_t bytes, blocks;
};

static const struct field watch_fields[] = {
	FIELD(struct report, module, FIELD_TEXT),
	FIELD(struct report, cycle, FIELD_U32),
	FIELD(struct report, cycles, FIELD_U32),
	FIELDS_END,
};

static const struct field module_fields[] = {
	FIELD(struct module_total, name, FIELD_TEXT),
	FIELD(struct module_total, bytes, FIELD_U64),
	FIELD(struct module_total, blocks, FIELD_U64),
	FIELD(struct module_total, stacks, FIELD_U64),
	FIELD(struct module_total, bytes_change, FIELD_I64),
	FIELD(struct module_total, blocks_change, FIELD_I64),
	FIELDS_END,
};

static const struct field amount_fields[] = {
	FIELD(struct amount, bytes, FIELD_U64),
	FIELD(struct amount, blocks, FIELD_U64),
	FIELDS_END,
};

static const struct field gap_fields[] = {
	FIELD(struct gap, name, FIELD_TEXT),
	FIELD(struct gap, text, FIELD_TEXT),
	FIELD(struct gap, inflates, FIELD_BOOL),
	FIELDS_END,
};

static int amount_add(json_t *object, const char *key, uint64_t bytes,
		      uint64_t blocks)
{
	const struct amount amount = { bytes, blocks };

	if (!bytes && !blocks)
		return 0;
	return json_object_set_new(object, key,
				   fields_write(amount_fields, &amount));
}

/* Leaves what is not there at 0. */
static int amount_read(const json_t *object, const char *key,
		       struct amount *amount, struct error *error)
{
	const json_t *from = json_object_get(object, key);

	*amount = (struct amount){ 0 };
	if (from && fields_read(amount_fields, from, amount, error))
		return error_wrap(error, EINVAL, "%s", key);
	return 0;
}

static json_t *module_write(const struct module_total *module)
{
	auto_json json_t *object = fields_write(module_fields, module);
	auto_json json_t *spaces = json_object();

	for (int i = 0; i < SPACE_COUNT; i++)
		if (amount_add(spaces, space_name((enum space)i),
			       module->spaces[i].bytes,
			       module->spaces[i].blocks))
			return NULL;
	if (json_object_set(object, "spaces", spaces))
		return NULL;
	return take(object);
}

static int module_read(const json_t *from, struct module_total *module,
		       struct error *error)
{
	const json_t *spaces = json_object_get(from, "spaces");
	struct amount amount;

	module->name = "unknown";
	if (fields_read(module_fields, from, module, error))
		return -EINVAL;
	for (int i = 0; i < SPACE_COUNT; i++) {
		if (amount_read(spaces, space_name((enum space)i), &amount,
				error))
			return -EINVAL;
		module->spaces[i].bytes = amount.bytes;
		module->spaces[i].blocks = amount.blocks;
	}
	return 0;
}

static json_t *modules_write(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->modules.count; i++)
		if (json_array_append_new(
			    array, module_write(&report->modules.items[i])))
			return NULL;
	return take(array);
}

static json_t *apart_write(const struct report *report)
{
	auto_json json_t *object = json_object();

	for (int i = 0; i < PAGE_USE_COUNT; i++)
		if (amount_add(object, page_use_name((enum page_use)i),
			       report->apart[i].bytes, report->apart[i].blocks))
			return NULL;
	return take(object);
}

static json_t *gaps_write(const struct snapshot *snapshot)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < snapshot->gaps.count; i++) {
		const struct gap *gap = &snapshot->gaps.items[i];
		json_t *object = fields_write(gap_fields, gap);

		if (json_array_append_new(array, object) ||
		    (gap->space < SPACE_COUNT &&
		     json_object_set_new(object, "space",
					 json_string(space_name(gap->space)))))
			return NULL;
	}
	return take(array);
}

json_t *kernel_part_write(const struct report *report)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "watch",
			 fields_write(watch_fields, report), "modules",
			 modules_write(report), "apart", apart_write(report),
			 "gaps", gaps_write(report->snapshot));
}

static int modules_read(const json_t *object, struct report *report,
			struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(object, "modules", &array, error))
		return -EINVAL;
	json_array_foreach(array, i, value)
	{
		struct module_total *module = vector_push(&report->modules);

		if (!module)
			return error_set(error, ENOMEM, "out of memory");
		if (module_read(value, module, error))
			return error_wrap(error, EINVAL, "module %zu", i);
	}
	return 0;
}

static int gaps_read(const json_t *object, struct snapshot *snapshot,
		     struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (fields_array(object, "gaps", &array, error))
		return -EINVAL;
	json_array_foreach(array, i, value)
	{
		struct gap *gap = vector_push(&snapshot->gaps);
		int space = SPACE_COUNT;

		if (!gap)
			return error_set(error, ENOMEM, "out of memory");
		*gap = (struct gap){ .name = "unknown", .text = "unknown" };
		if (fields_read(gap_fields, value, gap, error) ||
		    (json_object_get(value, "space") &&
		     fields_word(value, "space", space_word, SPACE_COUNT,
				 &space, error)))
			return error_wrap(error, EINVAL, "gap %zu", i);
		gap->space = (enum space)space;
	}
	return 0;
}

int kernel_part_read(const json_t *object, struct report *report,
		     struct error *error)
{
	const json_t *apart = json_object_get(object, "apart");
	const json_t *watch = json_object_get(object, "watch");
	struct amount amount;

	if (watch && fields_read(watch_fields, watch, report, error))
		return error_wrap(error, EINVAL, "watch");

	for (int i = 0; i < PAGE_USE_COUNT; i++) {
		if (amount_read(apart, page_use_name((enum page_use)i), &amount,
				error))
			return error_wrap(error, EINVAL, "apart");
		report->apart[i].bytes = amount.bytes;
		report->apart[i].blocks = amount.blocks;
	}
	if (modules_read(object, report, error))
		return -EINVAL;
	return gaps_read(object, report->snapshot, error);
}
