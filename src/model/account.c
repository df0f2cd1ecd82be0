// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of what a process's memory is: see account.h. */
#include "model/account.h"

static const struct {
	const char *name, *text;
} parts[ACCOUNT_PARTS] = {
	[ACCOUNT_TRACKED] = { "tracked", "tracked blocks" },
	[ACCOUNT_BEFORE] = { "before", "from before tracing" },
	[ACCOUNT_ALLOCATOR] = { "allocator",
				"allocator overhead and free lists" },
	[ACCOUNT_MAPPING] = { "mapping", "mmap by the program" },
	[ACCOUNT_STACK] = { "stack", "thread stacks" },
	[ACCOUNT_SHARED] = { "shared", "shared memory" },
	[ACCOUNT_FILE] = { "file", "file-backed pages" },
	[ACCOUNT_OTHER] = { "other", "other anonymous memory" },
};

const char *account_part_name(enum account_part part)
{
	return (unsigned)part < ACCOUNT_PARTS ? parts[part].name : "unknown";
}

const char *account_part_text(enum account_part part)
{
	return (unsigned)part < ACCOUNT_PARTS ? parts[part].text : "unknown";
}
