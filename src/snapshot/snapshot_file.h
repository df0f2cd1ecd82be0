/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports kept in files: everything that a report knows, all call stacks with
 * their names and with build IDs and addresses, so that it can be printed in
 * any format, symbolised later and compared with another run's.
 */
#ifndef LEAKTRACE_SNAPSHOT_FILE_H
#define LEAKTRACE_SNAPSHOT_FILE_H

#include <jansson.h>

#include "model/report.h"
#include "util/error.h"

/* Where a snapshot was taken, as uname(2) has it; NULL = unknown. */
struct snapshot_host {
	const char *name, *kernel, *machine;
};

struct snapshot_file {
	struct snapshot_host host;
	struct report *report; /* owned; every stack in top or rest */
	json_t *text;	       /* owns the strings of both */
};

/*
 * Finds out before tracing whether path can be saved to. Returns 0, or -errno
 * with a message.
 */
int snapshot_check_path(const char *path, struct error *error);

/*
 * Replaces the file at path by the report, which has its rest, in one step: a
 * reader sees the last one or this one, whole, also after a crash. Returns 0,
 * or -errno with a message; what stood there before is untouched then.
 */
int snapshot_save(const char *path, const struct report *report,
		  struct error *error);

/*
 * Reads a file, of which nothing is trusted. All stacks with blocks
 * outstanding are in the report's top, as they were ranked, the others in its
 * rest. Returns 0, or -errno with a message; release with
 * snapshot_file_free().
 */
int snapshot_load(const char *path, struct snapshot_file *file,
		  struct error *error);

/* The same of JSON text in memory: what the file has inside its gzip. */
int snapshot_parse(const char *text, size_t size, struct snapshot_file *file,
		   struct error *error);

void snapshot_file_free(struct snapshot_file *file);

#endif
