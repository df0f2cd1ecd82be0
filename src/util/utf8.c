// SPDX-License-Identifier: GPL-2.0-or-later
/* Text from targets made safe to show: see utf8.h. */
#include "util/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define LONGEST_ESCAPE 6	   /* \u202e for 3 bytes, \xff for 1 */

size_t utf8_decode(const char *text, uint32_t *code_point)
{
	/* By length: the bits that mark the lead byte, the lowest value. */
	static const struct {
		unsigned char mask, lead;
		uint32_t lowest;
	} forms[] = {
		{ 0x80, 0x00, 0x0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length, i;
	uint32_t value;

	for (length = 1; length <= 4; length++)
		if ((bytes[0] & forms[length - 1].mask) ==
		    forms[length - 1].lead)
			break;
	if (length > 4 || !bytes[0])
		return 0;
	value = bytes[0] & (unsigned char)~forms[length - 1].mask;
	for (i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (value < forms[length - 1].lowest || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code_point = value;
	return length;
}

/* Control characters, and those of Unicode that reorder or hide text. */
static bool is_deceptive(uint32_t code_point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x0, 0x1f },	      { 0x7f, 0x9f },	  { 0xad, 0xad },
		{ 0x61c, 0x61c },     { 0x200b, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f },   { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
		{ 0xe0000, 0xe007f },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code_point >= ranges[i].first &&
		    code_point <= ranges[i].last)
			return true;
	return false;
}

/* Writes the escape for one character; returns its length. */
static size_t escape_character(char *out, uint32_t code_point)
{
	static const char named[][3] = {
		['\a'] = "\\a", ['\b'] = "\\b",	  ['\t'] = "\\t",
		['\n'] = "\\n", ['\v'] = "\\v",	  ['\f'] = "\\f",
		['\r'] = "\\r", ['\033'] = "\\e",
	};
	const char *format = "\\U%06x";

	if (code_point < sizeof(named) / sizeof(named[0]) &&
	    named[code_point][0])
		return (size_t)sprintf(out, "%s", named[code_point]);
	if (code_point < 0x80)
		format = "\\x%02x";
	else if (code_point < 0x10000)
		format = "\\u%04x";
	return (size_t)sprintf(out, format, code_point);
}

char *utf8_sanitise(const char *text)
{
	char *copy = malloc(strlen(text) * strlen(REPLACEMENT) + 1);
	char *out = copy;
	uint32_t code_point;
	size_t length;

	if (!copy)
		return NULL;
	while (*text) {
		length = utf8_decode(text, &code_point);
		if (length) {
			out = mempcpy(out, text, length);
			text += length;
		} else {
			out = stpcpy(out, REPLACEMENT);
			text++;
		}
	}
	*out = '\0';
	return copy;
}

char *utf8_escape(const char *text)
{
	char *copy = malloc(strlen(text) * LONGEST_ESCAPE + 1);
	char *out = copy;
	uint32_t code_point;
	size_t length;

	if (!copy)
		return NULL;
	while (*text) {
		length = utf8_decode(text, &code_point);
		if (!length) {
			out += sprintf(out, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		if (is_deceptive(code_point))
			out += escape_character(out, code_point);
		else
			out = mempcpy(out, text, length);
		text += length;
	}
	*out = '\0';
	return copy;
}

size_t utf8_prefix(const char *text, size_t columns)
{
	const char *start = text;

	while (*text && columns--) {
		text++;
		while ((*text & 0xc0) == 0x80)
			text++;
	}
	return (size_t)(text - start);
}

size_t utf8_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}
