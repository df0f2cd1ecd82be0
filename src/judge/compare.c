// SPDX-License-Identifier: GPL-2.0-or-later
/* Two reports compared by call stack: see compare.h. */
#include "judge/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

struct compared {
	char *key; /* owned; equal for stacks that are the same */
	const struct report_stack *stack;
	bool after;
};

typedef VECTOR(struct compared) compared_vector;

static void compared_free(compared_vector *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->items[i].key);
	vector_free(all);
}

/* Where the code is, told so that it means the same in another run. */
static void put_location(FILE *stream, const struct frame *frame)
{
	const char *object = frame->build_id ? frame->build_id : frame->path;

	if (frame->inlined)
		return; /* at the address of the next frame */
	if (object)
		fprintf(stream, "%s+%" PRIx64 "\n", object, frame->address);
	else if (frame->function)
		fprintf(stream, "%s!%s+%" PRIx64 "\n",
			frame->module ? frame->module : "", frame->function,
			frame->offset);
	else
		fprintf(stream, "?\n"); /* an address of one run only */
}

static void put_function(FILE *stream, const struct frame *frame)
{
	if (frame->function)
		fprintf(stream, "%s\n", frame->function);
	else if (frame->module)
		fprintf(stream, "%s+%" PRIx64 "\n", frame->module,
			frame->address);
	else
		fprintf(stream, "?\n");
}

static int key_make(struct compared *compared,
		    void (*put)(FILE *, const struct frame *))
{
	const frame_vector *frames = &compared->stack->frames;
	char *key = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&key, &size);

	if (!stream)
		return -ENOMEM;
	fprintf(stream, "%s\n", space_name(compared->stack->figures->space));
	for (size_t i = 0; i < frames->count; i++)
		put(stream, &frames->items[i]);
	if (fclose(stream)) {
		free(key);
		return -ENOMEM;
	}
	free(compared->key);
	compared->key = key;
	return 0;
}

static int by_key(const void *left, const void *right)
{
	const struct compared *a = left, *b = right;

	return strcmp(a->key, b->key);
}

static int keys_make(compared_vector *all,
		     void (*put)(FILE *, const struct frame *))
{
	for (size_t i = 0; i < all->count; i++)
		if (key_make(&all->items[i], put))
			return -ENOMEM;
	if (all->count)
		qsort(all->items, all->count, sizeof(*all->items), by_key);
	return 0;
}

static int stacks_collect(compared_vector *all, const struct report *report,
			  bool after)
{
	for (size_t i = 0; i < report_stack_count(report); i++) {
		struct compared *compared = vector_push(all);

		if (!compared)
			return -ENOMEM;
		compared->stack = report_stack_at(report, i);
		compared->after = after;
	}
	return 0;
}

static enum diff_kind kind_of(const struct diff_stack *stack)
{
	if (stack->before.bytes == stack->after.bytes)
		return DIFF_SAME;
	if (!stack->before.blocks && stack->after.blocks)
		return DIFF_NEW;
	if (stack->before.blocks && !stack->after.blocks)
		return DIFF_GONE;
	return stack->after.bytes > stack->before.bytes ? DIFF_GROWN
							: DIFF_SHRUNK;
}

static void figures_add(struct diff_figures *sum,
			const struct report_stack *stack, uint64_t *largest)
{
	const struct stack_figures *figures = stack->figures;

	sum->bytes += figures->bytes;
	sum->blocks += figures->blocks;
	sum->stacks += figures->blocks != 0;
	if (figures->bytes >= *largest) {
		*largest = figures->bytes;
		sum->verdict = stack->judgement.verdict;
	}
}

/* Adds up the stacks of one key. */
static int group_add(struct diff *diff, const struct compared *group,
		     size_t count)
{
	struct diff_stack sum = { .space = group->stack->figures->space };
	uint64_t largest[2] = { 0, 0 };
	struct diff_stack *added;

	for (size_t i = 0; i < count; i++) {
		const struct compared *one = &group[i];

		figures_add(one->after ? &sum.after : &sum.before, one->stack,
			    &largest[one->after]);
		if (!sum.frames || one->after) {
			sum.frames = &one->stack->frames;
			sum.flaw = one->stack->figures->flaw;
		}
	}
	if (!sum.before.blocks && !sum.after.blocks)
		return 0;
	sum.kind = kind_of(&sum);
	added = vector_push(&diff->stacks);
	if (!added)
		return -ENOMEM;
	*added = sum;
	return 0;
}

/*
 * Adds the groups of equal keys to the diff; with only_common those that both
 * reports have, and keeps the others.
 */
static int groups_add(struct diff *diff, compared_vector *all, bool only_common)
{
	size_t kept = 0, count;

	for (size_t i = 0; i < all->count; i += count) {
		struct compared *group = &all->items[i];
		bool has[2] = { false, false };

		for (count = 0;
		     i + count < all->count && !by_key(group, &group[count]);
		     count++)
			has[group[count].after] = true;
		if (!only_common || (has[0] && has[1])) {
			if (group_add(diff, group, count))
				return -ENOMEM;
			continue;
		}
		for (size_t j = 0; j < count; j++) {
			struct compared one = all->items[kept];

			all->items[kept++] = group[j];
			group[j] = one; /* its key is freed with the rest */
		}
	}
	if (only_common) {
		for (size_t i = kept; i < all->count; i++)
			free(all->items[i].key);
		all->count = kept;
	}
	return 0;
}

static uint64_t distance(const struct diff_stack *stack)
{
	int64_t change = diff_change(stack->before.bytes, stack->after.bytes);

	return change < 0 ? -(uint64_t)change : (uint64_t)change;
}

static int by_change(const void *left, const void *right)
{
	const struct diff_stack *a = left, *b = right;
	uint64_t of_a = distance(a), of_b = distance(b);

	if (of_a != of_b)
		return of_a > of_b ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return 0;
}

static void totals_add(struct diff *diff)
{
	for (int i = 0; i < SPACE_COUNT; i++)
		diff->totals[i].space = (enum space)i;
	for (size_t i = 0; i < diff->stacks.count; i++) {
		const struct diff_stack *stack = &diff->stacks.items[i];
		struct diff_total *total = &diff->totals[stack->space];

		total->bytes_before += stack->before.bytes;
		total->bytes_after += stack->after.bytes;
		total->blocks_before += stack->before.blocks;
		total->blocks_after += stack->after.blocks;
		diff->counts[stack->kind]++;
	}
}

/* Keeps those that are to be shown, in order. */
static void stacks_select(struct diff *diff, bool drop_negatives)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->stacks.count; i++) {
		const struct diff_stack *stack = &diff->stacks.items[i];

		if (stack->kind == DIFF_SAME ||
		    (drop_negatives &&
		     (stack->kind == DIFF_SHRUNK || stack->kind == DIFF_GONE)))
			continue;
		diff->stacks.items[kept++] = *stack;
	}
	diff->stacks.count = kept;
	if (kept)
		qsort(diff->stacks.items, kept, sizeof(*diff->stacks.items),
		      by_change);
}

int compare_reports(const struct report *before, const struct report *after,
		    bool drop_negatives, struct diff *diff, struct error *error)
{
	cleanup(compared_free) compared_vector all = { 0 };
	struct diff made = { .before = before, .after = after };

	if (stacks_collect(&all, before, false) ||
	    stacks_collect(&all, after, true) ||
	    keys_make(&all, put_location) || groups_add(&made, &all, true) ||
	    keys_make(&all, put_function) || groups_add(&made, &all, false)) {
		diff_free(&made);
		return error_set(error, ENOMEM, "out of memory");
	}
	totals_add(&made);
	stacks_select(&made, drop_negatives);
	*diff = made;
	return 0;
}
