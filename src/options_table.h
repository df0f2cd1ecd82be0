/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all options. options.c parses by it, --help is printed from it
 * and test_manual holds docs/leaktrace.8 against it.
 */
#ifndef LEAKTRACE_OPTIONS_TABLE_H
#define LEAKTRACE_OPTIONS_TABLE_H

#include "options.h"

#define OPTION_TABLE_MAXIMUM 64 /* entries, and short of it in truth */

/* In which modes an option makes sense. */
enum option_modes {
	WITH_PROCESS = 1 << MODE_PROCESS,
	WITH_COMMAND = 1 << MODE_COMMAND,
	WITH_KERNEL = 1 << MODE_KERNEL,
	WITH_USER = WITH_PROCESS | WITH_COMMAND,
	WITH_ALL = WITH_USER | WITH_KERNEL,
	/* What only reads a file, and what any of them does. */
	WITH_REPORT = 1 << MODE_REPORT,
	WITH_DIFF = 1 << MODE_DIFF,
	WITH_FILES = WITH_REPORT | WITH_DIFF,
	WITH_ANY = WITH_ALL | WITH_FILES,
};

struct option_entry;

/*
 * Sets an entry's field from the argument (NULL if there is none). Returns 0,
 * or -errno with a message that does not name the option.
 */
typedef int option_apply(const struct option_entry *entry,
			 struct options *options, const char *argument,
			 struct error *error);

struct option_entry {
	const char *group;    /* heading of --help above it, NULL = the same */
	char letter;	      /* 0 = long only */
	const char *name;     /* without the -- */
	const char *argument; /* what --help calls it, NULL = takes none */
	bool optional;	      /* --name[=argument] */
	bool chooses;	      /* the mode that is modes' only bit */
	unsigned modes;	      /* WITH_* */
	const char *initial;  /* default argument, applied first, or NULL */
	const char *help;     /* one sentence without the default */
	option_apply *apply;
	size_t offset; /* of its field in struct options */
	/* Numbers: how to read one, and its bounds; maximum 0 = unbounded. */
	int (*parse)(const char *text, uint64_t *value, struct error *error);
	uint64_t minimum, maximum;
};

/* The table, in the order of --help and of the manual. */
const struct option_entry *option_table(size_t *count);

#endif
