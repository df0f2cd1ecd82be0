/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of program a process runs, as far as it can be traced at all. */
#ifndef LEAKTRACE_CAPTURE_TARGET_PROGRAM_H
#define LEAKTRACE_CAPTURE_TARGET_PROGRAM_H

#include <stdbool.h>

#include "capture/target.h"
#include "util/error.h"

enum program_kind {
	PROGRAM_DYNAMIC, /* has a dynamic linker */
	PROGRAM_STATIC,
	PROGRAM_32_BIT,
	PROGRAM_UNKNOWN, /* cannot be read */
};

/* Of the executable that a descriptor is of. */
enum program_kind program_kind_of(int fd);

/* Of the one that the process runs now. */
enum program_kind target_program_kind(const struct target *target);

/* 0; -ENOEXEC where the process runs a program that cannot be traced. */
int target_program_check(const struct target *target, struct error *error);

#endif
