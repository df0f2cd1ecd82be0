/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes call stacks that rules suppress out of a report, and counts them. */
#ifndef LEAKTRACE_JUDGE_SUPPRESS_H
#define LEAKTRACE_JUDGE_SUPPRESS_H

#include "judge/suppressions.h"
#include "model/report.h"
#include "resolve/resolver.h"

/* What was found out about a stack: its names stay the same. */
struct suppress_decision {
	uint64_t id;
	enum space space;
	size_t rule; /* or SUPPRESSION_NONE */
};

/* All zero = no rules. */
struct suppress {
	struct suppressions rules;
	VECTOR(struct suppress_decision) decisions; /* by space and id */
};

/*
 * Takes the stacks that a rule matches out of the report's snapshot, before
 * anything else looks at it, and fills report->suppressed. 0 or -ENOMEM.
 */
int suppress_stacks(struct suppress *suppress, struct resolver *resolver,
		    struct report *report);

void suppress_free(struct suppress *suppress);

#endif
