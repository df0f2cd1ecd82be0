/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which kernel modules use which, by /proc/modules: lines of "NAME SIZE COUNT
 * USERS STATE ADDRESS", USERS being "-" or names each with a comma behind
 * (kernel/module/procfs.c). What was once read is kept: modules go away.
 */
#ifndef LEAKTRACE_RESOLVE_KERNEL_MODULES_H
#define LEAKTRACE_RESOLVE_KERNEL_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "util/vector.h"

struct module_use {
	char *used, *user; /* owned */
};

/* All zero = none known. */
struct kernel_modules {
	VECTOR(struct module_use) uses;
};

/*
 * Adds the uses in the text (no NUL needed) to those known; lines that are
 * malformed are passed over. Returns 0 or -ENOMEM.
 */
int kernel_modules_parse(struct kernel_modules *modules, const char *text,
			 size_t size);

/* Whether module user was ever seen to use functions of module used. */
bool kernel_modules_use(const struct kernel_modules *modules, const char *user,
			const char *used);

void kernel_modules_free(struct kernel_modules *modules);

#endif
