// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules on a report from a file: see suppress_report.h. */
#include "judge/suppress_report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "judge/limit.h"
#include "util/cleanup.h"

/* Sums in a file may be anything, also less than their parts. */
static void subtract(uint64_t *from, uint64_t what)
{
	*from = *from > what ? *from - what : 0;
}

static void subtract_change(int64_t *from, int64_t what)
{
	*from = (int64_t)((uint64_t)*from - (uint64_t)what);
}

/* Standard errors: their squares add up. */
static void subtract_error(double *from, double what)
{
	double rest = *from * *from - what * what;

	*from = rest > 0 ? sqrt(rest) : 0;
}

static void total_subtract(struct report *report,
			   const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;

	for (size_t i = 0; i < report->totals.count; i++) {
		struct space_total *total = &report->totals.items[i];

		if (total->space != figures->space)
			continue;
		subtract(&total->bytes, figures->bytes);
		subtract(&total->blocks, figures->blocks);
		subtract(&total->stacks, figures->blocks != 0);
		subtract_error(&total->bytes_error, figures->bytes_error);
		subtract_error(&total->blocks_error, figures->blocks_error);
		subtract_change(&total->bytes_change, stack->bytes_change);
		subtract_change(&total->blocks_change, stack->blocks_change);
	}
}

static void module_subtract(struct report *report,
			    const struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;

	if (figures->space == SPACE_APART &&
	    (unsigned)figures->page_use < PAGE_USE_COUNT) {
		subtract(&report->apart[figures->page_use].bytes,
			 figures->bytes);
		subtract(&report->apart[figures->page_use].blocks,
			 figures->blocks);
		return;
	}
	for (size_t i = 0; figures->module && i < report->modules.count; i++) {
		struct module_total *total = &report->modules.items[i];

		if (!total->name || strcmp(total->name, figures->module) != 0)
			continue;
		subtract(&total->bytes, figures->bytes);
		subtract(&total->blocks, figures->blocks);
		subtract(&total->stacks, figures->blocks != 0);
		subtract_change(&total->bytes_change, stack->bytes_change);
		subtract_change(&total->blocks_change, stack->blocks_change);
		subtract(&total->spaces[figures->space].bytes, figures->bytes);
		subtract(&total->spaces[figures->space].blocks,
			 figures->blocks);
	}
}

static void stack_subtract(struct report *report,
			   const struct report_stack *stack,
			   struct suppressed *suppressed)
{
	const struct stack_figures *figures = stack->figures;
	const struct judgement *judgement = &stack->judgement;

	total_subtract(report, stack);
	module_subtract(report, stack);
	subtract(&report->stacks_matching, figures->blocks != 0);
	subtract(&report->snapshot->stacks_incomplete,
		 figures->flaw != FLAW_NONE);
	suppressed->stacks += figures->blocks != 0;
	suppressed->blocks += figures->blocks;
	suppressed->bytes += figures->bytes;
	if (!figures->blocks)
		return;
	subtract(&report->growing_stacks,
		 judgement->verdict == VERDICT_GROWING);
	if (judgement->verdict != VERDICT_LEAKING)
		return;
	subtract(&report->leaking_stacks, 1);
	report->leaking_bytes_per_second -= judgement->bytes_per_second;
	/* Differences of fractions leave crumbs. */
	if (!report->leaking_stacks || report->leaking_bytes_per_second < 0)
		report->leaking_bytes_per_second = 0;
}

/* Keeps the stacks of a list that no rule matches; marks figures that go. */
static void stacks_filter(const struct suppressions *rules,
			  struct report *report, struct report_stack *stacks,
			  size_t *count, struct suppressed *suppressed,
			  bool *goes)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		struct report_stack stack = stacks[i];
		size_t rule = suppressions_find(rules, &stack.frames);

		if (rule == SUPPRESSION_NONE) {
			stacks[kept++] = stack;
			continue;
		}
		stack_subtract(report, &stack, &suppressed[rule]);
		goes[stack.figures - report->snapshot->stacks.items] = true;
		vector_free(&stack.frames);
	}
	*count = kept;
}

/* Takes out the figures that go and has the stacks that stay find theirs. */
static void figures_drop(struct report *report, const bool *goes,
			 size_t *moved_to)
{
	struct stack_figures *figures = report->snapshot->stacks.items;
	size_t kept = 0;

	for (size_t i = 0; i < report->snapshot->stacks.count; i++) {
		if (goes[i]) {
			vector_free(&figures[i].listed);
			continue;
		}
		moved_to[i] = kept;
		if (kept != i)
			figures[kept] = figures[i];
		kept++;
	}
	report->snapshot->stacks.count = kept;
	for (size_t i = 0; i < report->top.count; i++) {
		struct report_stack *stack = &report->top.items[i];

		stack->figures = figures + moved_to[stack->figures - figures];
	}
	for (size_t i = 0; i < report->rest.count; i++) {
		struct report_stack *stack = &report->rest.items[i];

		stack->figures = figures + moved_to[stack->figures - figures];
	}
}

int suppress_report(const struct suppressions *rules, struct report *report,
		    struct error *error)
{
	size_t before = report->suppressed.count, rule_count;
	size_t stacks = report->snapshot->stacks.count;
	auto_free bool *goes = calloc(stacks + 1, sizeof(*goes));
	auto_free size_t *moved_to = calloc(stacks + 1, sizeof(*moved_to));
	struct suppressed *added;
	size_t kept = before;

	rule_count = rules->patterns.count;
	if (!rule_count)
		return 0;
	for (size_t i = 0; i < rule_count; i++) {
		struct suppressed *one = vector_push(&report->suppressed);

		if (!one)
			return error_set(error, ENOMEM, "out of memory");
		one->pattern = rules->patterns.items[i];
	}
	if (!goes || !moved_to)
		return error_set(error, ENOMEM, "out of memory");
	added = report->suppressed.items + before;
	stacks_filter(rules, report, report->top.items, &report->top.count,
		      added, goes);
	stacks_filter(rules, report, report->rest.items, &report->rest.count,
		      added, goes);
	figures_drop(report, goes, moved_to);
	for (size_t i = 0; i < rule_count; i++)
		if (added[i].stacks)
			report->suppressed.items[kept++] = added[i];
	report->suppressed.count = kept;
	if (kept != before)
		report->rounds_over = 0;
	limit_reach(report);
	return 0;
}
