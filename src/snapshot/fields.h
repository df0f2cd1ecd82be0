/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structs to JSON objects and back by tables, so that what is written and what
 * is read cannot differ. What is read is not trusted: numbers of the wrong
 * sign, size or type are errors, missing keys leave the field alone and
 * unknown ones are passed over.
 */
#ifndef LEAKTRACE_SNAPSHOT_FIELDS_H
#define LEAKTRACE_SNAPSHOT_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/error.h"

enum field_kind {
	FIELD_U64,    /* an integer; above INT64_MAX it is written as that */
	FIELD_U32,    /* also of unsigned and enum type */
	FIELD_I64,    /* an integer */
	FIELD_HEX,    /* uint64_t as a string "0x..." */
	FIELD_BOOL,   /* true or false */
	FIELD_DOUBLE, /* a number */
	FIELD_TEXT,   /* const char *, NULL = the key is left away */
};

struct field {
	const char *key; /* NULL ends a table */
	enum field_kind kind;
	size_t offset;
};

#define FIELD(type, member, field_kind)                     \
	{                                                   \
#member, field_kind, offsetof(type, member) \
	}

#define FIELDS_END          \
	{                   \
		.key = NULL \
	}

static inline void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define auto_json cleanup(cleanup_json)

/* A new object with the fields of a struct, or NULL = out of memory. */
json_t *fields_write(const struct field *fields, const void *from);

/*
 * Sets the fields of a struct; texts are the object's own. Returns 0 or
 * -EINVAL with a message that names the key.
 */
int fields_read(const struct field *fields, const json_t *object, void *to,
		struct error *error);

/* A text made UTF-8 and legal in JSON; NULL = out of memory. */
json_t *field_text(const char *text);

/*
 * Finds the value, below count, whose word the key has. Returns 0 or -EINVAL
 * with a message.
 */
int fields_word(const json_t *object, const char *key,
		const char *(*word_of)(int value), int count, int *value,
		struct error *error);

/* The words of the model's enumerations. */
const char *space_word(int value);
const char *flaw_word(int value);
const char *verdict_word(int value);
const char *page_use_word(int value);

/* Finds the key's array. Returns 0 or -EINVAL with a message. */
int fields_array(const json_t *object, const char *key, const json_t **array,
		 struct error *error);

#endif
