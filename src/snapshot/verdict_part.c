// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts in snapshot files: see verdict_part.h. */
#include "snapshot/verdict_part.h"

#include <errno.h>

#include "snapshot/fields.h"
#include "snapshot/layout.h"
#include "util/cleanup.h"

/* More than any history has. */
#define MARKS_MAX 4096

static const struct field report_fields[] = {
	FIELD(struct report, judged, FIELD_BOOL),
	FIELD(struct report, leaking_stacks, FIELD_U64),
	FIELD(struct report, growing_stacks, FIELD_U64),
	FIELD(struct report, leaking_bytes_per_second, FIELD_DOUBLE),
	FIELD(struct report, period_ns, FIELD_U64),
	FIELD(struct report, limit_reached_ns, FIELD_U64),
	FIELDS_END,
};

static const struct field limit_fields[] = {
	FIELD(struct memory_limit, limit_bytes, FIELD_U64),
	FIELD(struct memory_limit, used_bytes, FIELD_U64),
	FIELDS_END,
};

static const char *limit_word(int kind)
{
	static const char *const words[] = {
		[LIMIT_NONE] = "none",
		[LIMIT_CGROUP] = "cgroup",
		[LIMIT_MACHINE] = "machine",
	};

	return words[kind];
}

static const char *doubt_word(int doubt)
{
	return verdict_doubt_name((enum verdict_doubt)doubt);
}

json_t *verdict_part_write(const struct report *report)
{
	auto_json json_t *object = fields_write(report_fields, report);
	json_t *limit = fields_write(limit_fields, &report->limit);

	if (json_object_set_new(object, "limit", limit) ||
	    json_object_set_new(limit, "kind",
				json_string(limit_word(report->limit.kind))))
		return NULL;
	return take(object);
}

int verdict_part_read(const json_t *object, struct report *report,
		      struct error *error)
{
	const json_t *limit = json_object_get(object, "limit");
	int kind = LIMIT_NONE, result;

	if (!object)
		return 0;
	result = fields_read(report_fields, object, report, error);
	if (!result && limit)
		result =
			fields_read(limit_fields, limit, &report->limit, error);
	if (!result && limit)
		result = fields_word(limit, "kind", limit_word,
				     LIMIT_MACHINE + 1, &kind, error);
	report->limit.kind = (__typeof__(report->limit.kind))kind;
	return result ? error_wrap(error, EINVAL, "verdicts") : 0;
}

json_t *judgement_write(const struct judgement *judgement)
{
	auto_json json_t *object =
		fields_write(snapshot_judgement_fields, judgement);

	if (json_object_set_new(object, "verdict",
				json_string(verdict_name(judgement->verdict))) ||
	    json_object_set_new(object, "doubt",
				json_string(doubt_word((int)judgement->doubt))))
		return NULL;
	return take(object);
}

int judgement_read(const json_t *object, struct judgement *judgement,
		   struct error *error)
{
	int verdict = VERDICT_NONE, doubt = DOUBT_NONE, result;

	if (!object)
		return 0;
	result = fields_read(snapshot_judgement_fields, object, judgement,
			     error);
	if (!result)
		result = fields_word(object, "verdict", verdict_word,
				     VERDICT_COUNT, &verdict, error);
	if (!result && json_object_get(object, "doubt"))
		result = fields_word(object, "doubt", doubt_word, DOUBT_COUNT,
				     &doubt, error);
	judgement->verdict = (enum verdict)verdict;
	judgement->doubt = (enum verdict_doubt)doubt;
	return result;
}

json_t *history_write(const struct report_stack *stack)
{
	auto_json json_t *marks = json_array();

	for (unsigned i = 0; i < stack->history_count; i++)
		if (json_array_append_new(
			    marks,
			    json_real((double)stack->history[i].bytes_high)))
			return NULL;
	return json_pack("{s:i, s:O}", "first", (int)stack->history_first,
			 "bytes", marks);
}

int history_read(const json_t *object, struct report *report,
		 struct report_stack *stack, struct error *error)
{
	const json_t *first = json_object_get(object, "first"), *bytes;
	struct history_marks **owned, *marks;
	json_t *value;
	size_t i;

	if (!object)
		return 0;
	if (fields_array(object, "bytes", &bytes, error))
		return -EINVAL;
	if (!json_is_integer(first) || json_integer_value(first) < 0 ||
	    json_integer_value(first) > MARKS_MAX ||
	    json_array_size(bytes) > MARKS_MAX)
		return error_set(error, EINVAL,
				 "\"history\" is not what it must be");
	owned = vector_push(&report->histories);
	marks = calloc(json_array_size(bytes) + 1, sizeof(*marks));
	if (!owned || !marks) {
		free(marks);
		return error_set(error, ENOMEM, "out of memory");
	}
	*owned = marks;
	json_array_foreach(bytes, i, value)
	{
		if (!json_is_number(value) || json_number_value(value) < 0 ||
		    json_number_value(value) > 0x1p64)
			return error_set(error, EINVAL,
					 "\"history\" is not what it must be");
		marks[i].bytes_high = (float)json_number_value(value);
		marks[i].bytes_low = marks[i].bytes_high;
	}
	stack->history = marks;
	stack->history_first = (unsigned)json_integer_value(first);
	stack->history_count = (unsigned)json_array_size(bytes);
	return 0;
}
