// SPDX-License-Identifier: GPL-2.0-or-later
/* Takes suppressed call stacks out of a report: see suppress.h. */
#include "judge/suppress.h"

#include <errno.h>
#include <string.h>

#include "util/progress.h"

static int decide(const struct suppress *suppress, struct resolver *resolver,
		  const struct stack_figures *figures, size_t *rule)
{
	frame_vector frames = { 0 };
	int result = 0;

	for (size_t i = 0; !result && i < figures->location_count; i++)
		result = resolver_frames(resolver, &figures->locations[i],
					 &frames);
	if (!result)
		*rule = suppressions_find(&suppress->rules, &frames);
	vector_free(&frames);
	return result;
}

/* Where the stack's decision is or belongs. */
static size_t decision_place(const struct suppress *suppress,
			     const struct stack_figures *figures)
{
	size_t low = 0, high = suppress->decisions.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct suppress_decision *at =
			&suppress->decisions.items[middle];

		if (at->space < figures->space ||
		    (at->space == figures->space && at->id < figures->id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int rule_of(struct suppress *suppress, struct resolver *resolver,
		   const struct stack_figures *figures, size_t *rule)
{
	size_t place = decision_place(suppress, figures);
	struct suppress_decision made = { figures->id, figures->space, 0 };
	struct suppress_decision *at = suppress->decisions.items + place;

	if (place < suppress->decisions.count && at->id == figures->id &&
	    at->space == figures->space) {
		*rule = at->rule;
		return 0;
	}
	if (decide(suppress, resolver, figures, &made.rule) ||
	    !vector_push(&suppress->decisions))
		return -ENOMEM;
	at = suppress->decisions.items + place;
	memmove(at + 1, at,
		(suppress->decisions.count - 1 - place) * sizeof(*at));
	*at = made;
	*rule = made.rule;
	return 0;
}

static void count(struct suppressed *suppressed,
		  const struct stack_figures *figures)
{
	suppressed->stacks += figures->blocks != 0;
	suppressed->blocks += figures->blocks;
	suppressed->bytes += figures->bytes;
}

/* Leaves those rules that suppressed something. */
static void used_keep(struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < report->suppressed.count; i++)
		if (report->suppressed.items[i].stacks)
			report->suppressed.items[kept++] =
				report->suppressed.items[i];
	report->suppressed.count = kept;
}

int suppress_stacks(struct suppress *suppress, struct resolver *resolver,
		    struct report *report)
{
	struct snapshot *snapshot = report->snapshot;
	size_t kept = 0, rule, i;

	if (!suppress->rules.patterns.count)
		return 0;
	for (i = 0; i < suppress->rules.patterns.count; i++) {
		struct suppressed *added = vector_push(&report->suppressed);

		if (!added)
			return -ENOMEM;
		added->pattern = suppress->rules.patterns.items[i];
	}
	for (i = 0; i < snapshot->stacks.count; i++) {
		struct stack_figures figures = snapshot->stacks.items[i];

		progress_count(resolver_progress(resolver),
			       "naming call stacks for --suppressions", i,
			       snapshot->stacks.count);

		if (rule_of(suppress, resolver, &figures, &rule))
			break;
		if (rule == SUPPRESSION_NONE) {
			/* Exchanged: each still owns its list of blocks. */
			snapshot->stacks.items[i] =
				snapshot->stacks.items[kept];
			snapshot->stacks.items[kept++] = figures;
			continue;
		}
		count(&report->suppressed.items[rule], &figures);
	}
	if (i < snapshot->stacks.count)
		return -ENOMEM;
	for (i = kept; i < snapshot->stacks.count; i++)
		vector_free(&snapshot->stacks.items[i].listed);
	snapshot->stacks.count = kept;
	used_keep(report);
	return 0;
}

void suppress_free(struct suppress *suppress)
{
	suppressions_free(&suppress->rules);
	vector_free(&suppress->decisions);
}
