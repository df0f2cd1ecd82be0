// SPDX-License-Identifier: GPL-2.0-or-later
/* Structs to JSON objects and back: see fields.h. */
#include "snapshot/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/report.h"
#include "util/cleanup.h"
#include "util/utf8.h"

/* A field of any kind; text is what its pointer points to. */
union value {
	uint64_t u64;
	uint32_t u32;
	int64_t i64;
	bool boolean;
	double real;
	const char *text;
};

static const size_t sizes[] = {
	[FIELD_U64] = sizeof(uint64_t),	     [FIELD_U32] = sizeof(uint32_t),
	[FIELD_I64] = sizeof(int64_t),	     [FIELD_HEX] = sizeof(uint64_t),
	[FIELD_BOOL] = sizeof(bool),	     [FIELD_DOUBLE] = sizeof(double),
	[FIELD_TEXT] = sizeof(const char *),
};

json_t *field_text(const char *text)
{
	auto_free char *safe = utf8_sanitise(text);

	return safe ? json_string_nocheck(safe) : NULL;
}

static json_t *hexadecimal(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string_nocheck(text);
}

static json_t *value_write(enum field_kind kind, const union value *value)
{
	switch (kind) {
	case FIELD_U64:
		return json_integer(value->u64 > INT64_MAX
					    ? INT64_MAX
					    : (json_int_t)value->u64);
	case FIELD_U32:
		return json_integer(value->u32);
	case FIELD_I64:
		return json_integer(value->i64);
	case FIELD_HEX:
		return hexadecimal(value->u64);
	case FIELD_BOOL:
		return json_boolean(value->boolean);
	case FIELD_DOUBLE:
		/* JSON has no infinity. */
		return json_real(isfinite(value->real) ? value->real : 0);
	case FIELD_TEXT:
		break;
	}
	return field_text(value->text);
}

json_t *fields_write(const struct field *fields, const void *from)
{
	json_t *object = json_object();

	for (; object && fields->key; fields++) {
		union value value = { 0 };

		memcpy(&value, (const char *)from + fields->offset,
		       sizes[fields->kind]);
		if (fields->kind == FIELD_TEXT && !value.text)
			continue;
		if (json_object_set_new_nocheck(object, fields->key,
						value_write(fields->kind,
							    &value))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static bool read_hexadecimal(const char *text, uint64_t *value)
{
	char *end;

	if (!text || strncmp(text, "0x", 2) || !text[2] ||
	    strspn(text + 2, "0123456789abcdef") != strlen(text + 2))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 16);
	return !errno && !*end;
}

/* False if the value is not of this kind. */
static bool value_read(enum field_kind kind, const json_t *from,
		       union value *value)
{
	json_int_t integer = json_integer_value(from);

	switch (kind) {
	case FIELD_U64:
		value->u64 = (uint64_t)integer;
		return json_is_integer(from) && integer >= 0;
	case FIELD_U32:
		value->u32 = (uint32_t)integer;
		return json_is_integer(from) && integer >= 0 &&
		       integer <= UINT32_MAX;
	case FIELD_I64:
		value->i64 = integer;
		return json_is_integer(from);
	case FIELD_HEX:
		return read_hexadecimal(json_string_value(from), &value->u64);
	case FIELD_BOOL:
		value->boolean = json_is_true(from);
		return json_is_boolean(from);
	case FIELD_DOUBLE:
		value->real = json_number_value(from);
		return json_is_number(from);
	case FIELD_TEXT:
		value->text = json_string_value(from);
		return json_is_string(from);
	}
	return false;
}

int fields_read(const struct field *fields, const json_t *object, void *to,
		struct error *error)
{
	if (!json_is_object(object))
		return error_set(error, EINVAL, "not an object");
	for (; fields->key; fields++) {
		const json_t *from = json_object_get(object, fields->key);
		union value value = { 0 };

		if (!from)
			continue;
		if (!value_read(fields->kind, from, &value))
			return error_set(error, EINVAL,
					 "\"%s\" is not what it must be",
					 fields->key);
		memcpy((char *)to + fields->offset, &value,
		       sizes[fields->kind]);
	}
	return 0;
}

int fields_word(const json_t *object, const char *key,
		const char *(*word_of)(int value), int count, int *value,
		struct error *error)
{
	const char *word = json_string_value(json_object_get(object, key));

	for (int i = 0; word && i < count; i++)
		if (!strcmp(word, word_of(i))) {
			*value = i;
			return 0;
		}
	return error_set(error, EINVAL, "\"%s\" is %s", key,
			 word ? "unknown" : "missing");
}

const char *space_word(int value)
{
	return space_name((enum space)value);
}

const char *flaw_word(int value)
{
	return stack_flaw_name((enum stack_flaw)value);
}

const char *verdict_word(int value)
{
	return verdict_name((enum verdict)value);
}

const char *page_use_word(int value)
{
	return page_use_name((enum page_use)value);
}

int fields_array(const json_t *object, const char *key, const json_t **array,
		 struct error *error)
{
	*array = json_object_get(object, key);
	if (json_is_array(*array))
		return 0;
	return error_set(error, EINVAL, "\"%s\" is %s", key,
			 *array ? "not an array" : "missing");
}
