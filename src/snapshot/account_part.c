// SPDX-License-Identifier: GPL-2.0-or-later
/* Accounts in snapshot files: see account_part.h. */
#include "snapshot/account_part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "snapshot/fields.h"
#include "util/cleanup.h"

/* More processes are never traced at once. */
#define PROCESSES_MAX 4096

static const struct field account_fields[] = {
	FIELD(struct account, taken_ns, FIELD_U64),
	FIELD(struct account, rss_bytes, FIELD_U64),
	FIELD(struct account, swap_bytes, FIELD_U64),
	FIELD(struct account, doubt_bytes, FIELD_U64),
	FIELD(struct account, areas, FIELD_U64),
	FIELDS_END,
};

static const struct field process_fields[] = {
	FIELD(struct process_account, pid, FIELD_U32),
	FIELD(struct process_account, start_heap_bytes, FIELD_U64),
	FIELD(struct process_account, start_heap_rss_bytes, FIELD_U64),
	FIELDS_END,
};

static const struct field change_fields[] = {
	FIELD(struct account_change, rss_bytes, FIELD_I64),
	FIELDS_END,
};

static const struct field report_fields[] = {
	FIELD(struct report_account, freed_bytes, FIELD_U64),
	FIELDS_END,
};

/* The parts, each a field by its name. */
static void parts_table(struct field *fields, enum field_kind kind)
{
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		fields[i] =
			(struct field){ account_part_name((enum account_part)i),
					kind, i * sizeof(uint64_t) };
	fields[ACCOUNT_PARTS] = (struct field)FIELDS_END;
}

static json_t *parts_write(const void *parts, enum field_kind kind)
{
	struct field fields[ACCOUNT_PARTS + 1];

	parts_table(fields, kind);
	return fields_write(fields, parts);
}

static int parts_read(const json_t *object, void *parts, enum field_kind kind,
		      struct error *error)
{
	struct field fields[ACCOUNT_PARTS + 1];

	parts_table(fields, kind);
	return fields_read(fields, json_object_get(object, "parts"), parts,
			   error);
}

static json_t *account_write(const struct account *account)
{
	auto_json json_t *object = fields_write(account_fields, account);

	if (json_object_set_new(object, "parts",
				parts_write(account->parts, FIELD_U64)))
		return NULL;
	return take(object);
}

static int account_read(const json_t *object, struct account *account,
			struct error *error)
{
	int result = fields_read(account_fields, object, account, error);

	return result ? result
		      : parts_read(object, account->parts, FIELD_U64, error);
}

static json_t *row_write(const struct report_account *row)
{
	auto_json json_t *object = fields_write(process_fields, &row->figures);
	auto_json json_t *freed = fields_write(report_fields, row);
	json_t *change = fields_write(change_fields, &row->change);

	if (!freed || json_object_update(object, freed) ||
	    json_object_set_new(object, "change", change) ||
	    json_object_set_new(change, "parts",
				parts_write(row->change.parts, FIELD_I64)) ||
	    json_object_set_new(object, "name",
				field_text(row->figures.name)) ||
	    json_object_set_new(object, "now",
				account_write(&row->figures.now)) ||
	    json_object_set_new(object, "start",
				account_write(&row->figures.start)))
		return NULL;
	return take(object);
}

static int row_read(const json_t *object, struct report_account *row,
		    struct error *error)
{
	const json_t *change = json_object_get(object, "change");
	const char *name = json_string_value(json_object_get(object, "name"));
	int result = fields_read(process_fields, object, &row->figures, error);

	if (!result)
		result = fields_read(report_fields, object, row, error);
	if (!result)
		result =
			fields_read(change_fields, change, &row->change, error);
	if (!result)
		result =
			parts_read(change, row->change.parts, FIELD_I64, error);
	if (!result)
		result = account_read(json_object_get(object, "now"),
				      &row->figures.now, error);
	if (!result)
		result = account_read(json_object_get(object, "start"),
				      &row->figures.start, error);
	if (name)
		snprintf(row->figures.name, sizeof(row->figures.name), "%s",
			 name);
	return result;
}

json_t *account_part_write(const struct report *report)
{
	auto_json json_t *object = row_write(&report->account);
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->accounts.count; i++)
		if (json_array_append_new(
			    array, row_write(&report->accounts.items[i])))
			return NULL;
	if (json_object_set(object, "processes", array))
		return NULL;
	return take(object);
}

int account_part_read(const json_t *object, struct report *report,
		      struct error *error)
{
	const json_t *array;
	json_t *value;
	size_t i;

	if (row_read(object, &report->account, error) ||
	    fields_array(object, "processes", &array, error))
		return error_wrap(error, EINVAL, "account");
	if (json_array_size(array) > PROCESSES_MAX)
		return error_set(error, EINVAL, "account: too many processes");
	json_array_foreach(array, i, value)
	{
		struct report_account *row = vector_push(&report->accounts);

		if (!row)
			return error_set(error, ENOMEM, "out of memory");
		if (row_read(value, row, error))
			return error_wrap(error, EINVAL, "account");
	}
	return 0;
}
