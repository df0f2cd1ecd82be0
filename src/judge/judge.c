// SPDX-License-Identifier: GPL-2.0-or-later
/* From snapshots to reports: see judge.h. */
#include "judge/judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/kernel_origin.h"
#include "judge/limit.h"
#include "judge/rank.h"
#include "judge/round_verdict.h"
#include "judge/verdict.h"
#include "util/cleanup.h"
#include "util/progress.h"

void judge_init(struct judge *judge, const struct options *options,
		struct resolver *resolver)
{
	*judge = (struct judge){ .options = options, .resolver = resolver };
	judge->rounds.wanted = options->round.kind != ROUND_NONE;
}

void judge_free(struct judge *judge)
{
	vector_free(&judge->past);
	suppress_free(&judge->suppress);
	kernel_stacks_free(&judge->kernel);
	history_free(&judge->history);
	vector_free(&judge->past_processes);
	vector_free(&judge->first_accounts);
}

int judge_look(struct judge *judge, const struct snapshot *snapshot,
	       struct error *error)
{
	if (history_look(&judge->history, snapshot))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

int judge_end_round(struct judge *judge, uint64_t now_ns, struct error *error)
{
	if (history_end_round(&judge->history, &judge->rounds, now_ns))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

static int past_compare(const void *left, const void *right)
{
	const struct past_stack *a = left, *b = right;

	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static const struct past_stack *past_find(const struct judge *judge,
					  const struct stack_figures *figures)
{
	struct past_stack wanted = { .id = figures->id,
				     .space = figures->space };

	if (!judge->past.count)
		return NULL;
	return bsearch(&wanted, judge->past.items, judge->past.count,
		       sizeof(wanted), past_compare);
}

static int past_keep(struct judge *judge, const struct snapshot *snapshot)
{
	judge->past.count = 0;
	if (vector_reserve(&judge->past, snapshot->stacks.count))
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		const struct stack_figures *figures =
			&snapshot->stacks.items[i];

		judge->past.items[judge->past.count++] = (struct past_stack){
			.id = figures->id,
			.space = figures->space,
			.bytes = figures->bytes,
			.blocks = figures->blocks,
		};
	}
	if (judge->past.count)
		qsort(judge->past.items, judge->past.count,
		      sizeof(judge->past.items[0]), past_compare);
	return 0;
}

static void stack_judge(struct judge *judge, struct report *report,
			struct report_stack *stack)
{
	const struct stack_figures *figures = stack->figures;
	const struct stack_history *history =
		history_find(&judge->history, figures->space, figures->id);

	if (history) {
		stack->history = history->periods + history->first;
		stack->history_first = history->first;
		stack->history_count = judge->history.count - history->first;
		stack->rounds = history->rounds;
	}
	if (!figures->blocks)
		return;
	verdict_judge(report->snapshot, figures, &judge->history, history,
		      &stack->judgement);
	if (report->snapshot->rounds.wanted)
		round_verdict_judge(report->snapshot, figures, history,
				    &stack->judgement);
	report->judged |= stack->judgement.verdict != VERDICT_NONE;
	report->growing_stacks += stack->judgement.verdict == VERDICT_GROWING;
	if (stack->judgement.verdict != VERDICT_LEAKING)
		return;
	report->leaking_stacks++;
	report->leaking_bytes_per_second += stack->judgement.bytes_per_second;
}

/* Fills report->top with every stack that has outstanding blocks, ranked. */
static int stacks_rank(struct judge *judge, struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;
	uint64_t cutoff = report->older_than_ns;

	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		const struct stack_figures *figures =
			&snapshot->stacks.items[i];
		const struct past_stack *past = past_find(judge, figures);
		struct report_stack *stack;

		if (!figures->blocks && !judge->all_stacks)
			continue;
		if (figures->space == SPACE_APART && !judge->options->all_pages)
			continue;
		stack = figures->blocks ? vector_push(&report->top)
					: vector_push(&report->rest);
		if (!stack)
			return -ENOMEM;
		stack->figures = figures;
		stack->bytes_change =
			(int64_t)(figures->bytes - (past ? past->bytes : 0));
		stack->blocks_change =
			(int64_t)(figures->blocks - (past ? past->blocks : 0));
		if (figures->oldest_born_ns &&
		    figures->oldest_born_ns < snapshot->taken_ns)
			stack->oldest_age_ns =
				snapshot->taken_ns - figures->oldest_born_ns;
		if (stack->oldest_age_ns < cutoff)
			stack->oldest_age_ns = cutoff;
		stack_judge(judge, report, stack);
	}
	report->stacks_matching = report->top.count;
	return rank_stacks(report, judge->options->sort, judge->options->top,
			   judge->all_stacks);
}

/* How a stack's total changed over the last rounds. */
static void round_changes_add(struct judge *judge, const struct report *report,
			      const struct stack_figures *figures,
			      struct space_total *total)
{
	const struct rounds *rounds = &report->snapshot->rounds;
	const struct stack_history *history =
		history_find(&judge->history, figures->space, figures->id);
	struct round_mark first, last;

	if (!history || !history->rounds || !report->rounds_over)
		return;
	first = rounds_mark_before(rounds, history->rounds,
				   report->rounds_over);
	last = rounds_mark_before(rounds, history->rounds, 0);
	total->round_bytes_change += (int64_t)(last.bytes - first.bytes);
	total->round_blocks_change += (int64_t)(last.blocks - first.blocks);
}

static int totals_add(struct judge *judge, struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;
	struct space_total totals[SPACE_COUNT] = { 0 };
	bool used[SPACE_COUNT] = { false };

	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		const struct stack_figures *figures =
			&snapshot->stacks.items[i];
		struct space_total *total = &totals[figures->space];

		used[figures->space] = true;
		total->bytes += figures->bytes;
		total->blocks += figures->blocks;
		total->stacks += figures->blocks != 0;
		total->estimate |= figures->estimate;
		round_changes_add(judge, report, figures, total);
		/* Variances: they add up, standard errors do not. */
		total->bytes_error +=
			figures->bytes_error * figures->bytes_error;
		total->blocks_error +=
			figures->blocks_error * figures->blocks_error;
	}
	for (size_t i = 0; i < SPACE_COUNT; i++) {
		totals[i].space = (enum space)i;
		totals[i].bytes_error = sqrt(totals[i].bytes_error);
		totals[i].blocks_error = sqrt(totals[i].blocks_error);
		totals[i].bytes_change = (int64_t)totals[i].bytes;
		totals[i].blocks_change = (int64_t)totals[i].blocks;
	}
	/* What the last report had, also of stacks that are gone by now. */
	for (size_t i = 0; i < judge->past.count; i++) {
		const struct past_stack *past = &judge->past.items[i];

		used[past->space] = true;
		totals[past->space].bytes_change -= (int64_t)past->bytes;
		totals[past->space].blocks_change -= (int64_t)past->blocks;
	}
	for (size_t i = 0; i < SPACE_COUNT; i++) {
		struct space_total *total;

		if (!used[i])
			continue;
		total = vector_push(&report->totals);
		if (!total)
			return -ENOMEM;
		*total = totals[i];
	}
	return 0;
}

static int stack_resolve(struct judge *judge, const struct report *report,
			 struct report_stack *stack)
{
	for (size_t i = 0; i < stack->figures->location_count; i++)
		if (resolver_frames(judge->resolver,
				    &stack->figures->locations[i],
				    &stack->frames))
			return -ENOMEM;
	if (report->kernel)
		kernel_frames_drop_own(&stack->frames);
	return 0;
}

static int stacks_resolve(struct judge *judge, struct report *report)
{
	size_t top = report->top.count, all = top + report->rest.count;

	for (size_t i = 0; i < all; i++) {
		struct report_stack *stack =
			i < top ? &report->top.items[i]
				: &report->rest.items[i - top];

		progress_count(resolver_progress(judge->resolver),
			       "naming call stacks", i, all);
		if (stack_resolve(judge, report, stack))
			return -ENOMEM;
	}
	return 0;
}

/* Names that could not be found are a loss as well. */
static int symbol_losses(struct judge *judge, struct snapshot *snapshot)
{
	struct resolver_statistics statistics;
	struct loss *loss;

	resolver_statistics(judge->resolver, &statistics);
	if (statistics.without_function) {
		loss = vector_push(&snapshot->losses);
		if (!loss)
			return -ENOMEM;
		loss->name = LOSS_OF_NAMES;
		loss->text = "addresses without a function name";
		loss->remedy = "install the debug symbols";
		loss->count = statistics.without_function;
		if (statistics.kernel_addresses_hidden) {
			loss->text =
				"addresses without a name: the kernel hides its symbols";
			loss->remedy = "sysctl kernel.kptr_restrict=0";
		}
	}
	return 0;
}

static int kernel_judge(struct judge *judge, struct report *report)
{
	if (kernel_stacks_judge(&judge->kernel, judge->resolver,
				report->snapshot))
		return -ENOMEM;
	return kernel_stacks_sum(&judge->kernel, report);
}

int judge_report(struct judge *judge, struct snapshot *snapshot,
		 struct report **report, struct error *error)
{
	struct report *made = calloc(1, sizeof(*made));

	if (!made) {
		snapshot_free(snapshot);
		return error_set(error, ENOMEM, "out of memory");
	}
	made->number = judge->reports + 1;
	made->snapshot = snapshot;
	made->elapsed_ns = snapshot->taken_ns - snapshot->started_ns;
	made->older_than_ns = judge->options->older_ns;
	made->kernel = judge->options->mode == MODE_KERNEL;
	made->rounds = snapshot->rounds.ended;
	made->by_rounds = snapshot->rounds.wanted;
	made->rounds_over = rounds_comparable(&snapshot->rounds);
	if (judge->reports)
		made->since_last_ns = snapshot->taken_ns - judge->last_ns;
	if (suppress_stacks(&judge->suppress, judge->resolver, made)) {
		report_free(made);
		return error_set(error, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < snapshot->stacks.count; i++)
		snapshot->stacks_incomplete += snapshot->stacks.items[i].flaw !=
					       FLAW_NONE;
	if ((made->kernel && kernel_judge(judge, made)) ||
	    history_look(&judge->history, snapshot) ||
	    processes_rank(made, &judge->past_processes) ||
	    accounts_judge(made, &judge->first_accounts) ||
	    stacks_rank(judge, made) || totals_add(judge, made) ||
	    stacks_resolve(judge, made) || symbol_losses(judge, snapshot) ||
	    past_keep(judge, snapshot)) {
		report_free(made);
		return error_set(error, ENOMEM, "out of memory");
	}
	made->period_ns = judge->history.period_ns;
	made->limit = judge->limit;
	limit_reach(made);
	for (size_t i = 0; i < snapshot->losses.count; i++)
		made->at_least |= snapshot->losses.items[i].understates;
	judge->reports++;
	judge->last_ns = snapshot->taken_ns;
	*report = made;
	return 0;
}
