// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict from rounds: see round_verdict.h. */
#include "judge/round_verdict.h"

#include <math.h>

#include "judge/growth.h"
#include "judge/verdict.h"

/* With fewer marks, nothing is said of the trend of the total. */
#define MARKS_LEAST 4

/* Blocks that are alive, by the rounds of their birth that count. */
struct survivors {
	unsigned rounds; /* that count: behind the warm-up, long enough ago */
	unsigned surviving; /* of these, with blocks alive */
	unsigned last;	    /* the last of these, counted from 0 */
	unsigned pause;	    /* longest between two of these */
	uint64_t records, bytes, least, most;
	uint64_t thirds[3]; /* records, of [first surviving, rounds) */
	uint64_t since_ns;  /* when the first surviving one began */
};

/* How the total at the ends of the rounds moved. */
struct trend {
	bool known;
	bool blocks_grow; /* to the end, and never back to where it was */
	bool bytes_grow;
	bool has_grown; /* since the warm-up */
	double bytes_per_round;
};

/* The rounds kept that count are [first, end). */
static unsigned first_round(const struct rounds *rounds)
{
	unsigned before = rounds->ended - rounds->kept; /* not kept */

	return before < ROUNDS_WARM_UP ? ROUNDS_WARM_UP - before : 0;
}

static unsigned end_round(const struct snapshot *snapshot, uint64_t age_ns)
{
	const struct rounds *rounds = &snapshot->rounds;
	unsigned end = rounds->kept > ROUND_SURVIVED
			       ? rounds->kept - ROUND_SURVIVED
			       : 0;

	/* Younger ones may yet be freed as others of this age were. */
	while (end && snapshot->taken_ns - rounds->bounds_ns[end] < age_ns)
		end--;
	return end;
}

static void survivors_count(const struct snapshot *snapshot,
			    const struct birth_counts *births, uint64_t age_ns,
			    struct survivors *survivors)
{
	const struct rounds *rounds = &snapshot->rounds;
	unsigned first = first_round(rounds);
	unsigned end = end_round(snapshot, age_ns), begin = 0;

	*survivors = (struct survivors){ 0 };
	if (end <= first)
		return;
	survivors->rounds = end - first;
	for (unsigned i = 0; i < survivors->rounds; i++) {
		uint64_t records = births->round_records[first + i];

		if (!records)
			continue;
		if (!survivors->surviving++) {
			begin = i;
			survivors->since_ns = rounds->bounds_ns[first + i];
		} else if (i - survivors->last - 1 > survivors->pause) {
			survivors->pause = i - survivors->last - 1;
		}
		survivors->last = i;
		survivors->records += records;
		survivors->bytes += births->round_bytes[first + i];
		if (!survivors->least || records < survivors->least)
			survivors->least = records;
		if (records > survivors->most)
			survivors->most = records;
	}
	for (unsigned i = begin; survivors->surviving && i < survivors->rounds;
	     i++)
		survivors->thirds[(i - begin) * 3 /
				  (survivors->rounds - begin)] +=
			births->round_records[first + i];
}

/* Rounds go on to leave blocks behind, and not fewer than chance explains. */
static bool survivors_go_on(const struct survivors *survivors)
{
	double second = (double)survivors->thirds[1];
	double third = (double)survivors->thirds[2];

	if (survivors->rounds - 1 - survivors->last >
	    VERDICT_PAUSES * survivors->pause)
		return false;
	return third + sqrt(third) >= VERDICT_SLOWED_PART * second;
}

static float lowest(const float *marks, unsigned count)
{
	float low = marks[0];

	for (unsigned i = 1; i < count; i++)
		if (marks[i] < low)
			low = marks[i];
	return low;
}

static void trend_measure(const struct rounds *rounds,
			  const struct stack_rounds *stack, struct trend *trend)
{
	float blocks[ROUNDS_KEPT + 1], bytes[ROUNDS_KEPT + 1];
	unsigned over = rounds_comparable(rounds), half = (over + 1) / 2;
	unsigned late = over + 1 - half;
	double tau, slope;

	*trend = (struct trend){ 0 };
	if (!stack || over + 1 < MARKS_LEAST)
		return;
	for (unsigned i = 0; i <= over; i++) {
		struct round_mark mark =
			rounds_mark_before(rounds, stack, over - i);

		blocks[i] = (float)mark.blocks;
		bytes[i] = (float)mark.bytes;
	}
	if (late > GROWTH_MARKS)
		late = GROWTH_MARKS;
	trend->known = true;
	slope = growth_slope(blocks + over + 1 - late, late, &tau);
	trend->blocks_grow = slope > 0 &&
			     lowest(blocks + half, over + 1 - half) >
				     lowest(blocks, half);
	trend->bytes_per_round =
		growth_slope(bytes + over + 1 - late, late, &tau);
	trend->bytes_grow = trend->bytes_per_round > 0 && tau >= GROWTH_RISING;
	trend->has_grown = bytes[over] >
			   VERDICT_PLATEAU_RATIO * (float)stack->base.bytes;
}

/* Why survivors are no leak; DOUBT_NONE: they are. */
static enum verdict_doubt survivors_doubt(const struct survivors *survivors,
					  const struct trend *trend,
					  const struct stack_figures *figures,
					  uint64_t age_ns)
{
	unsigned needed = figures->frees ? ROUND_SURVIVORS
					 : ROUND_SURVIVORS_NEVER_FREED;

	if (age_ns == UINT64_MAX)
		return DOUBT_FREED;
	if (survivors->rounds < needed)
		return DOUBT_TOO_SOON;
	if (survivors->surviving < needed)
		return DOUBT_FEW;
	if (!survivors_go_on(survivors))
		return DOUBT_CEASING;
	/* As many went as came. */
	if (!trend->blocks_grow)
		return DOUBT_FREED;
	/* Survivors are no evidence where frees pass unseen. */
	return figures->may_be_freed ? DOUBT_UNSEEN : DOUBT_NONE;
}

/* Whether all that is outstanding was there when the warm-up ended. */
static bool is_start_up(const struct rounds *rounds,
			const struct birth_counts *births,
			const struct trend *trend)
{
	for (unsigned i = first_round(rounds); i < rounds->kept; i++)
		if (births->round_records[i])
			return false;
	return trend->known && !trend->has_grown;
}

static enum verdict verdict_without_leak(const struct snapshot *snapshot,
					 const struct stack_figures *figures,
					 const struct trend *trend,
					 enum verdict by_time)
{
	/* So few rounds do not say more than the time did. */
	if (!trend->known)
		return by_time == VERDICT_LEAKING ? VERDICT_GROWING : by_time;
	if (trend->bytes_grow)
		return VERDICT_GROWING;
	if (is_start_up(&snapshot->rounds, figures->births, trend))
		return VERDICT_START_UP;
	return trend->has_grown ? VERDICT_PLATEAUED : VERDICT_STEADY;
}

void round_verdict_judge(const struct snapshot *snapshot,
			 const struct stack_figures *figures,
			 const struct stack_history *stack,
			 struct judgement *judgement)
{
	struct survivors survivors;
	enum verdict_doubt doubt;
	struct trend trend;
	uint64_t age_ns;
	double weight;

	if (judgement->verdict == VERDICT_NONE)
		return;
	age_ns = verdict_abnormal_age(snapshot, figures, &weight);
	survivors_count(snapshot, figures->births, age_ns, &survivors);
	trend_measure(&snapshot->rounds, stack ? stack->rounds : NULL, &trend);
	doubt = survivors_doubt(&survivors, &trend, figures, age_ns);

	judgement->rounds = survivors.rounds;
	judgement->rounds_surviving = survivors.surviving;
	judgement->rounds_even = survivors.least == survivors.most;
	judgement->round_blocks =
		(uint64_t)(weight * (double)survivors.records + 0.5);
	judgement->round_bytes = survivors.bytes;
	judgement->bytes_per_round = trend.bytes_per_round;
	judgement->doubt = DOUBT_NONE;
	if (doubt == DOUBT_NONE) {
		judgement->verdict = VERDICT_LEAKING;
		judgement->growing_ns = snapshot->taken_ns - survivors.since_ns;
		judgement->bytes_per_second =
			(double)survivors.bytes * 1e9 /
			(double)(snapshot->taken_ns - survivors.since_ns);
		return;
	}
	judgement->verdict = verdict_without_leak(snapshot, figures, &trend,
						  judgement->verdict);
	if (judgement->verdict == VERDICT_GROWING)
		judgement->doubt = trend.known ? doubt : DOUBT_TOO_SOON;
	else
		judgement->growing_ns = 0;
}
