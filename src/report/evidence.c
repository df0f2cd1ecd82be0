// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts in words: see evidence.h. */
#include "report/evidence.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

/* Slower than this, a rate is given per hour. */
#define PER_MINUTE_LEAST 1024

/* Appends to a text, printf form; what does not fit is cut. */
static void add(struct evidence_text *evidence, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct evidence_text *evidence, const char *format, ...)
{
	size_t used = strlen(evidence->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(evidence->text + used, sizeof(evidence->text) - used, format,
		  arguments);
	va_end(arguments);
}

static void separate(struct evidence_text *evidence)
{
	if (evidence->text[0])
		add(evidence, "; ");
}

/* Whole seconds are enough for what lasts long. */
static struct unit_text lasting(uint64_t nanoseconds)
{
	const uint64_t second = NS_PER_SECOND;

	if (nanoseconds > 10 * second)
		nanoseconds = (nanoseconds + second / 2) / second * second;
	return units_duration(nanoseconds);
}

struct unit_text evidence_rate(double bytes_per_second)
{
	/* A rate from a file may be anything. */
	double minute = fmin(fabs(bytes_per_second) * 60, 0x1p57);
	bool slow = minute < PER_MINUTE_LEAST;
	struct unit_text size, rate;

	size = units_size((uint64_t)((slow ? minute * 60 : minute) + 0.5));
	snprintf(rate.text, sizeof(rate.text), "%c%s/%s",
		 bytes_per_second < 0 ? '-' : '+', size.text,
		 slow ? "h" : "min");
	return rate;
}

static void add_survivors(struct evidence_text *evidence,
			  const struct judgement *judgement, bool estimate)
{
	add(evidence, "%s%s block%s", estimate ? "about " : "",
	    units_count(judgement->survivors).text,
	    judgement->survivors == 1 ? "" : "s");
	if (judgement->survivor_age_ns)
		add(evidence, " older than %s",
		    lasting(judgement->survivor_age_ns).text);
	add(evidence, ", alive from %u of %u generations",
	    judgement->generations_alive, judgement->generations);
}

static void add_normal(struct evidence_text *evidence,
		       const struct judgement *judgement)
{
	separate(evidence);
	if (judgement->freed_p99_ns)
		add(evidence,
		    "this stack's freed blocks lived %s at the 99th percentile",
		    units_duration(judgement->freed_p99_ns).text);
	else
		add(evidence, "none was ever freed");
}

static void add_growth(struct evidence_text *evidence,
		       const struct judgement *judgement)
{
	/* A few looks make no rate yet. */
	if (judgement->bytes_per_second == 0)
		return;
	separate(evidence);
	add(evidence, "%s for %s",
	    evidence_rate(judgement->bytes_per_second).text,
	    lasting(judgement->growing_ns).text);
}

/* "+3 blocks (192 B) in each of the last 8 rounds; 24 blocks from 8 rounds". */
static void add_rounds(struct evidence_text *evidence,
		       const struct judgement *judgement, bool estimate)
{
	uint64_t surviving = judgement->rounds_surviving;
	uint64_t blocks = (judgement->round_blocks + surviving / 2) / surviving;
	bool about = estimate || !judgement->rounds_even;

	add(evidence, "%s+%s block%s (%s) in ", about ? "about " : "",
	    units_count(blocks).text, blocks == 1 ? "" : "s",
	    units_size(judgement->round_bytes / surviving).text);
	if (surviving == judgement->rounds)
		add(evidence, "each of the last %u rounds", judgement->rounds);
	else
		add(evidence, "%u of the last %u rounds",
		    judgement->rounds_surviving, judgement->rounds);
	add(evidence, "; %s%s blocks from %u rounds still alive",
	    estimate ? "about " : "", units_count(judgement->round_blocks).text,
	    judgement->rounds_surviving);
}

/* By how much what grows does so, in a round if these are known. */
static void add_round_growth(struct evidence_text *evidence,
			     const struct judgement *judgement)
{
	double bytes = fmin(fmax(judgement->bytes_per_round, -0x1p57), 0x1p57);

	separate(evidence);
	add(evidence, "%s a round", units_size_change((int64_t)bytes).text);
}

struct evidence_text evidence_phrase(const struct report_stack *stack)
{
	const struct judgement *judgement = &stack->judgement;
	struct evidence_text evidence = { "" };

	switch (judgement->verdict) {
	case VERDICT_LEAKING:
		if (judgement->rounds && judgement->rounds_surviving)
			add_rounds(&evidence, judgement,
				   stack->figures->estimate);
		else
			add_survivors(&evidence, judgement,
				      stack->figures->estimate);
		add_normal(&evidence, judgement);
		add_growth(&evidence, judgement);
		break;
	case VERDICT_GROWING:
		if (judgement->bytes_per_round > 0)
			add_round_growth(&evidence, judgement);
		else
			add_growth(&evidence, judgement);
		separate(&evidence);
		add(&evidence, "%s", verdict_doubt_text(judgement->doubt));
		break;
	case VERDICT_PLATEAUED:
		add(&evidence, "grew, then stopped");
		break;
	case VERDICT_STEADY:
		if (judgement->freed_p99_ns)
			add_normal(&evidence, judgement);
		else
			add(&evidence, "no growth");
		break;
	case VERDICT_START_UP:
		add(&evidence, "all of one time, none since");
		break;
	case VERDICT_NONE:
	case VERDICT_COUNT:
		break;
	}
	return evidence;
}

static void add_limit(struct evidence_text *evidence,
		      const struct report *report)
{
	const struct memory_limit *limit = &report->limit;
	struct unit_text size = units_size(limit->limit_bytes);

	if (!report->limit_reached_ns)
		return;
	add(evidence, "; at this rate the ");
	if (limit->kind == LIMIT_CGROUP)
		add(evidence, "%s limit is reached", size.text);
	else
		add(evidence, "machine's %s are used up", size.text);
	add(evidence, " in %s", lasting(report->limit_reached_ns).text);
}

struct evidence_text evidence_summary(const struct report *report)
{
	struct evidence_text evidence = { "" };
	uint64_t leaking = report->leaking_stacks;

	if (!report->judged)
		return evidence;
	if (leaking) {
		/* Without the sign: a leak grows. */
		add(&evidence, "%s stack%s leak%s, %s%s",
		    units_count(leaking).text, leaking == 1 ? "" : "s",
		    leaking == 1 ? "s" : "", leaking == 1 ? "" : "together ",
		    evidence_rate(report->leaking_bytes_per_second).text + 1);
		add_limit(&evidence, report);
		return evidence;
	}
	add(&evidence, "no leak so far");
	if (report->growing_stacks)
		add(&evidence, "; %s stack%s",
		    units_count(report->growing_stacks).text,
		    report->growing_stacks == 1 ? " grows" : "s grow");
	return evidence;
}
