/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's call stacks, each looked at once: which module it belongs to
 * and whether its pages are to be set apart. Sums them up by module.
 */
#ifndef LEAKTRACE_JUDGE_KERNEL_STACKS_H
#define LEAKTRACE_JUDGE_KERNEL_STACKS_H

#include "model/report.h"
#include "model/snapshot.h"
#include "resolve/resolver.h"
#include "util/vector.h"

struct kernel_stack {
	const char *module; /* NULL = not looked at yet */
	enum page_use page_use;
};

struct module_past {
	const char *name;
	uint64_t bytes, blocks;
};

/* All zero = nothing seen yet. */
struct kernel_stacks {
	VECTOR(struct kernel_stack) known; /* index = stack id */
	VECTOR(struct module_past) past;   /* of the last report */
	frame_vector frames;		   /* scratch */
};

/*
 * Fills in module and page_use of each stack, and moves stacks whose pages are
 * counted elsewhere, or no driver's, to SPACE_APART. Returns 0 or -ENOMEM.
 */
int kernel_stacks_judge(struct kernel_stacks *stacks, struct resolver *resolver,
			struct snapshot *snapshot);

/* Fills report->modules and report->apart from the snapshot so judged. */
int kernel_stacks_sum(struct kernel_stacks *stacks, struct report *report);

void kernel_stacks_free(struct kernel_stacks *stacks);

#endif
