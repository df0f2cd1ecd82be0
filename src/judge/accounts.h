/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The accounts of the processes' memory in a report: added up, compared. */
#ifndef LEAKTRACE_JUDGE_ACCOUNTS_H
#define LEAKTRACE_JUDGE_ACCOUNTS_H

#include "model/report.h"
#include "util/vector.h"

/* A process's account that later ones are compared with. */
struct first_account {
	uint64_t id;
	struct account account;
};

typedef VECTOR(struct first_account) first_account_vector; /* sorted */

/*
 * Fills report->account and report->accounts from its snapshot, and keeps in
 * first what is new. 0 or -ENOMEM.
 */
int accounts_judge(struct report *report, first_account_vector *first);

#endif
