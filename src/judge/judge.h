/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From snapshots to reports: compares each with those before, judges and ranks
 * the stacks and has the first of them named.
 */
#ifndef LEAKTRACE_JUDGE_JUDGE_H
#define LEAKTRACE_JUDGE_JUDGE_H

#include "judge/accounts.h"
#include "judge/kernel_stacks.h"
#include "judge/history.h"
#include "judge/processes.h"
#include "judge/suppress.h"
#include "model/report.h"
#include "options.h"
#include "resolve/resolver.h"
#include "util/error.h"

/* A stack's figures in the last report. */
struct past_stack {
	uint64_t id;
	enum space space;
	uint64_t bytes, blocks;
};

struct judge {
	const struct options *options; /* not owned */
	struct resolver *resolver;     /* not owned */
	struct suppress suppress; /* its rules may be set before the first */
	bool all_stacks; /* report->rest is wanted; set before the first */
	unsigned reports;
	uint64_t last_ns;		/* when the last report was taken */
	VECTOR(struct past_stack) past; /* sorted by space and id */
	struct kernel_stacks kernel;	/* in kernel mode */
	struct history history;
	struct rounds rounds;
	struct memory_limit limit; /* of the target, as the caller read it */
	past_process_vector past_processes;
	first_account_vector first_accounts;
};

void judge_init(struct judge *judge, const struct options *options,
		struct resolver *resolver);
void judge_free(struct judge *judge);

/*
 * Notes what a snapshot shows, for the verdicts of reports to come; one with
 * totals_only will do. 0 or -ENOMEM.
 */
int judge_look(struct judge *judge, const struct snapshot *snapshot,
	       struct error *error);

/*
 * Ends a round at a moment; judge_look() has just seen what it left. 0 or
 * -ENOMEM.
 */
int judge_end_round(struct judge *judge, uint64_t now_ns, struct error *error);

/*
 * Makes the next report of a snapshot, which it takes over. The caller fills
 * in reason, end and target, prints it and calls report_free(). 0 or -errno;
 * on failure the snapshot is freed.
 */
int judge_report(struct judge *judge, struct snapshot *snapshot,
		 struct report **report, struct error *error);

#endif
