/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict on one call stack from rounds of the same work: what a round
 * left behind and what is still alive rounds later, round after round, leaks
 * (after BLeak, PLDI 2018). A pure function.
 */
#ifndef LEAKTRACE_JUDGE_ROUND_VERDICT_H
#define LEAKTRACE_JUDGE_ROUND_VERDICT_H

#include "judge/history.h"
#include "model/rounds.h"
#include "model/snapshot.h"
#include "model/verdict.h"

/* A block survives if so many rounds have ended behind that of its birth. */
#define ROUND_SURVIVED 2

/*
 * So many rounds, behind the warm-up, must have left survivors: where the
 * stack's own frees show what is normal, and where none was ever freed, so
 * that only the number of rounds can tell a cache that fills from a leak.
 */
#define ROUND_SURVIVORS 4
#define ROUND_SURVIVORS_NEVER_FREED 8

/* With fewer than so many rounds not every leak can be told. */
#define ROUNDS_FOR_VERDICT \
	(ROUNDS_WARM_UP + ROUND_SURVIVORS_NEVER_FREED + ROUND_SURVIVED)

/*
 * Goes on from what verdict_judge() found; snapshot->rounds is wanted. stack:
 * its history, NULL = none.
 */
void round_verdict_judge(const struct snapshot *snapshot,
			 const struct stack_figures *figures,
			 const struct stack_history *stack,
			 struct judgement *judgement);

#endif
