// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of --help: see options.h. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "options_table.h"

#define HELP_WIDTH 80
#define HELP_COLUMN 32 /* where the sentences begin */

/* Writes words from column on, broken between words, and ends the line. */
static void print_words(FILE *stream, int column, const char *text)
{
	int at = column, length;

	while (*text) {
		length = (int)strcspn(text, " ");
		if (at > column && at + 1 + length > HELP_WIDTH) {
			fprintf(stream, "\n%*s", column, "");
			at = column;
		} else if (at > column) {
			at += fprintf(stream, " ");
		}
		at += fprintf(stream, "%.*s", length, text);
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', stream);
}

static void print_entry(FILE *stream, const struct option_entry *entry)
{
	char text[512];
	int at;

	if (entry->letter)
		at = fprintf(stream, "  -%c, --%s", entry->letter, entry->name);
	else
		at = fprintf(stream, "      --%s", entry->name);
	if (entry->argument)
		at += fprintf(stream, entry->optional ? "[=%s]" : " %s",
			      entry->argument);
	fprintf(stream, "%*s", HELP_COLUMN - at, "");
	snprintf(text, sizeof(text), "%s%s%s%s", entry->help,
		 entry->initial ? " (default: " : "",
		 entry->initial ? entry->initial : "",
		 entry->initial ? ")" : "");
	print_words(stream, HELP_COLUMN, text);
}

void options_help(FILE *stream)
{
	const struct option_entry *entries;
	size_t count, i;

	fputs("Usage: leaktrace [OPTION...] -p PID [INTERVAL [COUNT]]\n"
	      "       leaktrace [OPTION...] [INTERVAL [COUNT]] -- COMMAND "
	      "[ARG...]\n"
	      "       leaktrace [OPTION...] --kernel[=KINDS] [INTERVAL "
	      "[COUNT]]\n"
	      "       leaktrace [OPTION...] report FILE\n"
	      "       leaktrace [OPTION...] diff BEFORE AFTER\n"
	      "\n"
	      "Shows which call stacks hold memory that was allocated and not "
	      "freed: every\n"
	      "INTERVAL (default: " DEFAULT_INTERVAL "), COUNT times (default: "
	      "without end).\n"
	      "report prints what --save kept, diff what changed between two "
	      "of these.\n",
	      stream);
	entries = option_table(&count);
	for (i = 0; i < count; i++) {
		if (entries[i].group)
			fprintf(stream, "\n%s:\n", entries[i].group);
		print_entry(stream, &entries[i]);
	}
	fputs("\n"
	      "SIZE: bytes, or with K, M, G, T (powers of 1024). AGE, TIME, "
	      "INTERVAL: seconds,\n"
	      "or with ms, s, m, h. N: a number, or with K, M, G.\n"
	      "SIGUSR1 asks for a report at once. See leaktrace(8).\n",
	      stream);
}
