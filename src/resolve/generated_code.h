/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of the code that one process generated itself: the map that its
 * just-in-time compiler keeps in /tmp/perf-PID.map, both as the process sees
 * them (its own root, its PID in its own namespace).
 *
 * The file is the target's: it is opened below its root only, must be a
 * regular file of the process's user or root's (everyone may write to /tmp),
 * and is read up to a limit.
 */
#ifndef LEAKTRACE_RESOLVE_GENERATED_CODE_H
#define LEAKTRACE_RESOLVE_GENERATED_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "model/location.h"
#include "resolve/generated_name.h"
#include "resolve/perf_map.h"

#define GENERATED_CODE_BYTES_MAX (64u << 20)

struct generated_code {
	int pid;
	int root; /* O_PATH: the map can be written at the process's end */
	uint32_t inner_pid;
	uid_t real_user, user;
	struct perf_map map;
	struct stat read;      /* the file, as it was when it was read */
	uint64_t not_again_ns; /* CLOCK_MONOTONIC, before this */
	bool too_large;	       /* the map was: its end is not known */
};

void generated_code_init(struct generated_code *code, int pid);
void generated_code_free(struct generated_code *code);

/*
 * Reads the map if it has changed: with `now` always, else not so often that
 * it takes more than a small part of our time. True if there is a new one.
 */
bool generated_code_refresh(struct generated_code *code, bool now);

/*
 * Fills the frame of an absolute address, with strings that are in name. not
 * exact: the call before the address is meant. False if no function is known
 * there.
 */
bool generated_code_frame(const struct generated_code *code, uint64_t address,
			  bool exact, struct generated_name *name,
			  struct frame *frame);

#endif
