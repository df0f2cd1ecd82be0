// SPDX-License-Identifier: GPL-2.0-or-later
/* Names in perf maps, taken apart: see generated_name.h. */
#include "resolve/generated_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void set_function(struct generated_name *name, const char *start,
			 size_t length)
{
	if (length)
		snprintf(name->function, sizeof(name->function), "%.*s",
			 (int)length, start);
	else
		strcpy(name->function, "(anonymous)");
}

/* Reads ":NUMBER" that ends at *end, and moves *end to before it. */
static bool take_number(const char *start, const char **end, unsigned *number)
{
	const char *at = *end;
	unsigned value = 0, scale = 1;

	for (; at > start && isdigit((unsigned char)at[-1]); at--) {
		if (*end - at >= 9)
			return false;
		value += scale * (unsigned)(at[-1] - '0');
		scale *= 10;
	}
	if (at == *end || at == start || at[-1] != ':')
		return false;
	*end = at - 1;
	*number = value;
	return true;
}

/* The part of a V8 name behind its kind. */
static bool split_script(const char *text, struct generated_name *name)
{
	const char *end = text + strlen(text), *blank;
	unsigned line, before;

	/* How far it is optimised: interpreted to most. */
	if (*text && strchr("~^+*", *text))
		text++;
	blank = strchr(text, ' ');
	if (!blank || !take_number(blank, &end, &line))
		return false;
	/* It was the column, which node 20's V8 tells and node 18's not. */
	if (take_number(blank, &end, &before))
		line = before;
	if (end - blank < 2)
		return false;
	set_function(name, text, (size_t)(blank - text));
	snprintf(name->file, sizeof(name->file), "%.*s", (int)(end - blank - 1),
		 blank + 1);
	name->line = line;
	return true;
}

/* Python's qualified names have no colon. */
static bool split_python(const char *text, struct generated_name *name)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return false;
	set_function(name, text, (size_t)(colon - text));
	snprintf(name->file, sizeof(name->file), "%s", colon + 1);
	return true;
}

void generated_name_split(const char *text, struct generated_name *name)
{
	static const struct {
		const char *prefix;
		bool (*split)(const char *text, struct generated_name *name);
	} forms[] = {
		{ "JS:", split_script },       { "LazyCompile:", split_script },
		{ "Function:", split_script }, { "Script:", split_script },
		{ "Eval:", split_script },     { "py::", split_python },
	};

	name->file[0] = '\0';
	name->line = 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = strlen(forms[i].prefix);

		if (!strncmp(text, forms[i].prefix, length) &&
		    forms[i].split(text + length, name))
			return;
	}
	snprintf(name->function, sizeof(name->function), "%s", text);
}
