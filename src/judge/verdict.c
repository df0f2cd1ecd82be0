// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict on one call stack: see verdict.h. */
#include "judge/verdict.h"

#include <math.h>
#include <string.h>

#include "judge/growth.h"

/* Where p99 stands among the lifetimes. */
#define PERCENTILE 0.99

struct lifetimes {
	uint64_t frees;
	uint64_t p99_ns;
	/* Freed at an age of 2^bucket ns or more. */
	uint64_t beyond[LIFETIME_BUCKETS + 1];
};

/* Births of the blocks that are older than some age, in one window. */
struct shape {
	uint64_t age_ns;
	unsigned end;	      /* generations [0, end) are old enough */
	unsigned first, last; /* with births, of these; first > last: none */
	unsigned alive;	      /* how many have births */
	unsigned pause;	      /* longest between two of them */
	uint64_t records;
	uint64_t thirds[3];  /* records, of [first, end) */
	uint64_t late_bytes; /* of the last two thirds */
	double late_seconds;
	uint64_t seen_ns; /* since first began */
};

static void lifetimes_read(const struct stack_figures *figures,
			   struct lifetimes *lifetimes)
{
	uint64_t beyond = 0, wanted, below = 0;

	lifetimes->beyond[LIFETIME_BUCKETS] = 0;
	for (int i = LIFETIME_BUCKETS - 1; i >= 0; i--) {
		beyond += figures->lifetimes[i];
		lifetimes->beyond[i] = beyond;
	}
	lifetimes->frees = beyond;
	lifetimes->p99_ns = 0;
	wanted = (uint64_t)ceil((double)beyond * PERCENTILE);
	for (int i = 0; beyond && i < LIFETIME_BUCKETS; i++) {
		double part;

		if (below + figures->lifetimes[i] < wanted) {
			below += figures->lifetimes[i];
			continue;
		}
		/* Within a bucket, lifetimes are taken to be log-uniform. */
		part = (double)(wanted - below) / (double)figures->lifetimes[i];
		lifetimes->p99_ns = (uint64_t)exp2(i + part);
		break;
	}
}

/* How many generations of a window are wholly older than age. */
static unsigned generations_older(const struct snapshot *snapshot,
				  enum birth_window window, uint64_t age_ns)
{
	uint64_t start = snapshot->births_start_ns[window], generations;

	if (snapshot->taken_ns < age_ns || snapshot->taken_ns - age_ns < start)
		return 0;
	generations = (snapshot->taken_ns - age_ns - start) /
		      snapshot->generation_ns[window];
	/* Without an age, the one that is not over counts as well. */
	if (!age_ns || generations > BIRTH_GENERATIONS)
		return BIRTH_GENERATIONS;
	return (unsigned)generations;
}

static uint64_t records_sum(const uint32_t *records, unsigned begin,
			    unsigned end)
{
	uint64_t sum = 0;

	for (; begin < end; begin++)
		sum += records[begin];
	return sum;
}

/* Records of blocks older than age, by the window that tells it best. */
static uint64_t records_older(const struct snapshot *snapshot,
			      const struct birth_counts *births,
			      uint64_t age_ns)
{
	uint64_t recent =
		snapshot->taken_ns - snapshot->births_start_ns[BIRTHS_RECENT];
	const uint32_t *records;
	unsigned end;

	if (age_ns >= recent)
		return records_sum(births->records[BIRTHS_ALL], 0,
				   generations_older(snapshot, BIRTHS_ALL,
						     age_ns));
	records = births->records[BIRTHS_RECENT];
	end = generations_older(snapshot, BIRTHS_RECENT, age_ns);
	return records_sum(births->records[BIRTHS_ALL], 0, BIRTH_GENERATIONS) -
	       records_sum(records, end, BIRTH_GENERATIONS);
}

/* What one record stands for, in blocks. */
static double record_weight(const struct stack_figures *figures,
			    const struct birth_counts *births)
{
	uint64_t records =
		records_sum(births->records[BIRTHS_ALL], 0, BIRTH_GENERATIONS);
	uint64_t blocks = figures->allocations > figures->frees
				  ? figures->allocations - figures->frees
				  : 0;

	if (!figures->estimate || !records || blocks <= records)
		return 1;
	return (double)blocks / (double)records;
}

/*
 * The least age, of powers of two, beyond which hardly any block was freed.
 * UINT64_MAX if there is none that a good part of the time is older than.
 */
static uint64_t abnormal_age(const struct snapshot *snapshot,
			     const struct stack_figures *figures,
			     const struct lifetimes *lifetimes, double weight)
{
	uint64_t elapsed = snapshot->taken_ns - snapshot->started_ns;

	if (!lifetimes->frees)
		return 0;
	for (int i = 0; i < LIFETIME_BUCKETS; i++) {
		uint64_t age = UINT64_C(1) << i;
		double freed = (double)lifetimes->beyond[i], alive;

		if (age > elapsed / 3 * 2)
			break;
		alive = weight *
			(double)records_older(snapshot, figures->births, age);
		if (alive > 0 && freed <= VERDICT_FREED_PART * (freed + alive))
			return age;
	}
	return UINT64_MAX;
}

uint64_t verdict_abnormal_age(const struct snapshot *snapshot,
			      const struct stack_figures *figures,
			      double *weight)
{
	struct lifetimes lifetimes;

	lifetimes_read(figures, &lifetimes);
	*weight = record_weight(figures, figures->births);
	return abnormal_age(snapshot, figures, &lifetimes, *weight);
}

static void shape_take(const struct snapshot *snapshot,
		       const struct birth_counts *births,
		       enum birth_window window, uint64_t age_ns,
		       struct shape *shape)
{
	const uint32_t *records = births->records[window];
	unsigned span, second;

	*shape = (struct shape){ .age_ns = age_ns, .first = 1 };
	shape->end = generations_older(snapshot, window, age_ns);
	for (unsigned i = 0; i < shape->end; i++) {
		if (!records[i])
			continue;
		if (!shape->alive)
			shape->first = i;
		else if (i - shape->last - 1 > shape->pause)
			shape->pause = i - shape->last - 1;
		shape->last = i;
		shape->alive++;
		shape->records += records[i];
	}
	if (!shape->alive)
		return;
	span = shape->end - shape->first;
	second = shape->first + span / 3;
	for (unsigned i = shape->first; i < shape->end; i++) {
		unsigned third = (i - shape->first) * 3 / span;

		shape->thirds[third] += records[i];
		if (i >= second)
			shape->late_bytes += births->bytes[window][i];
	}
	shape->late_seconds = (double)(shape->end - second) *
			      (double)snapshot->generation_ns[window] / 1e9;
	shape->seen_ns = snapshot->taken_ns -
			 (snapshot->births_start_ns[window] +
			  shape->first * snapshot->generation_ns[window]);
}

/* Births go on, and not more slowly than chance explains. */
static bool shape_goes_on(const struct shape *shape)
{
	double second = (double)shape->thirds[1];
	double third = (double)shape->thirds[2];

	if (!shape->alive)
		return false;
	/* Two more, as a birth and a look can fall together badly. */
	if (shape->end - 1 - shape->last > VERDICT_PAUSES * shape->pause + 2)
		return false;
	return third + sqrt(third) >= VERDICT_SLOWED_PART * second;
}

/* Why survivors of such a shape are no leak; DOUBT_NONE: they are. */
static enum verdict_doubt shape_doubt(const struct shape *shape,
				      bool ever_freed)
{
	if (shape->seen_ns <
	    (ever_freed ? VERDICT_SEEN_NS : VERDICT_SEEN_NEVER_FREED_NS))
		return DOUBT_TOO_SOON;
	if (shape->records < VERDICT_SURVIVORS ||
	    shape->alive < VERDICT_GENERATIONS)
		return DOUBT_FEW;
	return shape_goes_on(shape) ? DOUBT_NONE : DOUBT_CEASING;
}

/* The greatest round age that most of the survivors have passed. */
static uint64_t round_age(const struct snapshot *snapshot,
			  const struct birth_counts *births, uint64_t least_ns)
{
	static const uint64_t steps_ms[] = {
		1,	 2,	   5,	     10,       20,     50,	100,
		200,	 500,	   1000,     2000,     5000,   10000,	20000,
		30000,	 60000,	   120000,   300000,   600000, 1800000, 3600000,
		7200000, 21600000, 43200000, 86400000,
	};
	uint64_t all = records_older(snapshot, births, least_ns);
	uint64_t age = least_ns;

	for (size_t i = 0; i < sizeof(steps_ms) / sizeof(*steps_ms); i++) {
		uint64_t step = steps_ms[i] * 1000000;

		if (step <= least_ns)
			continue;
		if (records_older(snapshot, births, step) * 2 < all)
			break;
		age = step;
	}
	return age;
}

/* Everything that is outstanding is of one time, long ago. */
static bool is_start_up(const struct shape *all, unsigned generations)
{
	unsigned most = (unsigned)(generations * VERDICT_START_UP_PART);

	return all->alive && all->last - all->first < most &&
	       generations - 1 - all->last >= most;
}

static enum verdict verdict_without_leak(const struct shape *all,
					 const struct growth *growth,
					 bool ever_freed)
{
	/* Births that all live on are growth, also before a trend shows. */
	if (growth->known ? growth->grows
			  : !ever_freed && all->alive >= VERDICT_GENERATIONS &&
				    shape_goes_on(all))
		return VERDICT_GROWING;
	if (is_start_up(all, BIRTH_GENERATIONS))
		return VERDICT_START_UP;
	if (growth->known && growth->has_grown)
		return VERDICT_PLATEAUED;
	return VERDICT_STEADY;
}

/* Looks for a leak in one window after the other. */
static enum verdict_doubt leak_find(const struct snapshot *snapshot,
				    const struct stack_figures *figures,
				    const struct lifetimes *lifetimes,
				    uint64_t age_ns, struct shape *shape)
{
	enum verdict_doubt doubt = DOUBT_FREED;

	for (int window = 0; age_ns != UINT64_MAX && window < BIRTH_WINDOWS;
	     window++) {
		enum verdict_doubt here;

		shape_take(snapshot, figures->births, (enum birth_window)window,
			   age_ns, shape);
		here = shape_doubt(shape, lifetimes->frees != 0);
		if (here == DOUBT_NONE)
			return DOUBT_NONE;
		if (window == BIRTHS_ALL)
			doubt = here;
	}
	return doubt;
}

static void survivors_fill(const struct snapshot *snapshot,
			   const struct stack_figures *figures, uint64_t age_ns,
			   double weight, struct judgement *judgement)
{
	judgement->survivor_age_ns =
		round_age(snapshot, figures->births, age_ns);
	judgement->survivors =
		(uint64_t)(weight * (double)records_older(
					    snapshot, figures->births,
					    judgement->survivor_age_ns) +
			   0.5);
}

void verdict_judge(const struct snapshot *snapshot,
		   const struct stack_figures *figures,
		   const struct history *history,
		   const struct stack_history *stack,
		   struct judgement *judgement)
{
	struct lifetimes lifetimes;
	struct growth growth;
	struct shape all, leak;
	enum verdict_doubt doubt;
	double weight;
	uint64_t age;

	*judgement = (struct judgement){ 0 };
	if (!figures->births || !snapshot->generation_ns[BIRTHS_ALL])
		return;
	lifetimes_read(figures, &lifetimes);
	growth_measure(history, stack, VERDICT_PLATEAU_RATIO, &growth);
	shape_take(snapshot, figures->births, BIRTHS_ALL, 0, &all);
	weight = record_weight(figures, figures->births);
	age = abnormal_age(snapshot, figures, &lifetimes, weight);

	judgement->observed_ns = growth.observed_ns;
	judgement->freed_p99_ns = lifetimes.p99_ns;
	judgement->generations = BIRTH_GENERATIONS;
	judgement->generations_alive = all.alive;
	judgement->bytes_per_second = growth.bytes_per_second;
	if (age != UINT64_MAX)
		survivors_fill(snapshot, figures, age, weight, judgement);
	doubt = leak_find(snapshot, figures, &lifetimes, age, &leak);
	/* Survivors are no evidence where frees pass unseen. */
	if (doubt == DOUBT_NONE && figures->may_be_freed)
		doubt = DOUBT_UNSEEN;
	if (doubt == DOUBT_NONE) {
		judgement->verdict = VERDICT_LEAKING;
		judgement->growing_ns = leak.seen_ns;
		judgement->bytes_per_second =
			(double)leak.late_bytes / leak.late_seconds;
		return;
	}
	judgement->verdict =
		verdict_without_leak(&all, &growth, lifetimes.frees != 0);
	if (judgement->verdict == VERDICT_GROWING) {
		judgement->growing_ns = all.seen_ns;
		judgement->doubt = doubt;
	}
}
