/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that unwind_check looks at, and how the two speak. It follows
 * unwind_truth.h on its standard streams, or has unwind_preload.so loaded,
 * which does so on descriptors of its own.
 */
#ifndef LEAKTRACE_TESTS_UNWIND_CHECK_TARGET_H
#define LEAKTRACE_TESTS_UNWIND_CHECK_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct check_target {
	pid_t pid;
	int to, from;
	uint64_t mark, probed; /* functions; probed may be 0 */
};

/*
 * Starts a command and waits until it is ready. With preload, the library's
 * path, its own streams are /dev/null. Exits on failure.
 */
void check_target_start(struct check_target *target, const char *preload,
			char **command);

/* Lets it go on. */
void check_target_go(const struct check_target *target);

/*
 * Waits up to so many milliseconds for the program to say that its mappings
 * have changed; it then waits for check_target_go().
 */
bool check_target_asks(const struct check_target *target, int milliseconds);

__attribute__((noreturn)) void check_die(const char *what);

#endif
