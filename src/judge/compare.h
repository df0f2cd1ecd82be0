/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two reports compared by call stack. */
#ifndef LEAKTRACE_JUDGE_COMPARE_H
#define LEAKTRACE_JUDGE_COMPARE_H

#include "model/diff.h"
#include "util/error.h"

/*
 * Compares all stacks of two reports. Stacks are the same if all their frames
 * have the same address in the object of the same build ID (without one: at
 * the same path; in the kernel: the same offset in the same function); those
 * left over, if they run through the same functions. Process IDs and load
 * addresses do not matter. Stacks of one report that are the same to this
 * measure are added up.
 *
 * drop_negatives: leaves out stacks that shrank or are gone. Fills diff, to be
 * freed with diff_free(). Returns 0 or -ENOMEM with a message.
 */
int compare_reports(const struct report *before, const struct report *after,
		    bool drop_negatives, struct diff *diff,
		    struct error *error);

#endif
