/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the mappings that a program made are called: the file that is mapped,
 * or the name that the program gave to anonymous memory (prctl(2),
 * PR_SET_VMA_ANON_NAME; /proc/PID/maps has it since Linux 5.17).
 */
#ifndef LEAKTRACE_CAPTURE_MAPPING_NAMES_H
#define LEAKTRACE_CAPTURE_MAPPING_NAMES_H

#include "capture/ledger.h"
#include "unwind/process_maps.h"

/* More are not remembered: a target can make up as many as it likes. */
#define MAPPING_NAMES_MAX 4096

struct mapping_names {
	VECTOR(char *) texts;		/* each once */
	VECTOR(const char *) of_stacks; /* index = stack id; NULL = none */
};

/*
 * The name in what /proc/PID/maps has behind the inode: "cache" of
 * "[anon:cache]", a path as it is. *length is 0 where it says nothing of the
 * program's: nothing, "[heap]".
 */
const char *mapping_name(const char *path, size_t *length);

/*
 * Names the stacks by their ranges in maps. Where one has ranges of several
 * names it is "NAME and others". What was known stays where nothing is found.
 * 0 or -ENOMEM.
 */
int mapping_names_update(struct mapping_names *names,
			 const struct ledger *ledger,
			 const struct process_maps *maps);

/* Lives as long as names. NULL = none. */
const char *mapping_names_find(const struct mapping_names *names,
			       uint32_t stack);

void mapping_names_free(struct mapping_names *names);

#endif
