/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verdict on one call stack, a pure function: figures and history in,
 * judgement out.
 *
 * A leak is a block that nobody will free. What can be seen of it: the block
 * is older than its stack's blocks become as a rule, and such blocks are born
 * again and again. So the verdict looks for an age that hardly any block of
 * the stack was freed beyond (after SafeMem, HPCA 2005), and at the
 * generations of birth of the blocks that are older: are they spread over the
 * time, up to now, at an undiminished rate? How much is outstanding is looked
 * at only for stacks of which that is not so.
 */
#ifndef LEAKTRACE_JUDGE_VERDICT_H
#define LEAKTRACE_JUDGE_VERDICT_H

#include "judge/history.h"
#include "model/snapshot.h"
#include "model/verdict.h"

/*
 * An age is beyond what is normal if of the blocks that reached it not more
 * than this part was freed, and the others are outstanding.
 */
#define VERDICT_FREED_PART 0.1

/*
 * How long a stack's survivors must have been born before it is a leak: where
 * the stack's own frees show what is normal, and where none was ever freed, so
 * that only time can tell a cache that fills from a leak.
 */
#define VERDICT_SEEN_NS (UINT64_C(20) * 1000000000)
#define VERDICT_SEEN_NEVER_FREED_NS (UINT64_C(40) * 1000000000)

/* So many survivors at least, of so many generations. */
#define VERDICT_SURVIVORS 5
#define VERDICT_GENERATIONS 4

/*
 * Births have ceased if in the last third of the time there were less than
 * this part of those in the second, more than chance explains, or if nothing
 * was born for longer than this many times the longest pause before.
 */
#define VERDICT_SLOWED_PART 0.5
#define VERDICT_PAUSES 2

/* Start-up data was born within this part of the time, and long ago. */
#define VERDICT_START_UP_PART 0.125

/* A plateau is this much above where the stack began. */
#define VERDICT_PLATEAU_RATIO 1.5

/*
 * The age beyond which hardly any of a stack's blocks was freed, 0 if none was
 * at all; UINT64_MAX: blocks of any age are. *weight: what one record of its
 * births stands for, in blocks.
 */
uint64_t verdict_abnormal_age(const struct snapshot *snapshot,
			      const struct stack_figures *figures,
			      double *weight);

/*
 * snapshot: with births counted; figures: of one of its stacks; stack: its
 * history, NULL = none.
 */
void verdict_judge(const struct snapshot *snapshot,
		   const struct stack_figures *figures,
		   const struct history *history,
		   const struct stack_history *stack,
		   struct judgement *judgement);

#endif
