// SPDX-License-Identifier: GPL-2.0-or-later
/* Demangled names, shorter: see short_name.h. */
#include "report/short_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "util/utf8.h"

#define OPERATOR "operator"
#define ELIDED "<>"

static bool is_word(char character)
{
	return isalnum((unsigned char)character) || character == '_';
}

/*
 * The length of an operator's name at text, such as operator<< or operator(),
 * whose characters are no brackets; 0 if none begins there.
 */
static size_t operator_length(const char *name, const char *text)
{
	size_t length = strlen(OPERATOR);

	if (strncmp(text, OPERATOR, length) || is_word(text[length]) ||
	    (text > name && is_word(text[-1])))
		return 0;
	if (!strncmp(text + length, "()", 2))
		return length + 2;
	return length + strspn(text + length, "<>=-!+*/%^&|~,[]");
}

/* The bracket that closes the one at open, or NULL. */
static char *closing(const char *name, char *open)
{
	const char close = *open == '<' ? '>' : ')';
	unsigned depth = 0;

	for (char *at = open; *at; at++) {
		size_t skipped = operator_length(name, at);

		if (skipped) {
			at += skipped - 1;
			continue;
		}
		if (*at == *open)
			depth++;
		else if (*at == close && at[-1] != '-' && !--depth)
			return at;
	}
	return NULL;
}

/* Takes away the last list of arguments, if it ends the name. */
static void drop_arguments(char *name)
{
	char *at = name;

	while (*at) {
		size_t skipped = operator_length(name, at);
		char *close = !skipped && (*at == '<' || *at == '(')
				      ? closing(name, at)
				      : NULL;

		if (close && *at == '(' && at > name &&
		    (!close[1] || !strcmp(close + 1, " const"))) {
			*at = '\0';
			return;
		}
		at = close ? close + 1 : at + (skipped ? skipped : 1);
	}
}

static void elide_template_arguments(char *name)
{
	const size_t length = strlen(ELIDED);
	char *at = name;

	while (*at) {
		size_t skipped = operator_length(name, at);
		char *close = !skipped && *at == '<' ? closing(name, at) : NULL;

		if (!close) {
			at += skipped ? skipped : 1;
			continue;
		}
		if ((size_t)(close + 1 - at) > length) {
			memcpy(at, ELIDED, length);
			memmove(at + length, close + 1, strlen(close + 1) + 1);
			close = at + length - 1;
		}
		at = close + 1;
	}
}

void short_name_fit(char *name, size_t columns)
{
	if (utf8_columns(name) > columns)
		drop_arguments(name);
	if (utf8_columns(name) > columns)
		elide_template_arguments(name);
}
