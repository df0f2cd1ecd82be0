// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's call stacks by module: see kernel_stacks.h. */
#include "judge/kernel_stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge/kernel_origin.h"

static bool resolver_uses(void *context, const char *user, const char *used)
{
	return resolver_kernel_module_uses(context, user, used);
}

/* The memory under these has a space of its own if the kernel can tell. */
static bool is_gap(const struct snapshot *snapshot, enum page_use use)
{
	for (size_t i = 0; i < snapshot->gaps.count; i++) {
		enum space space = snapshot->gaps.items[i].space;

		if ((use == PAGE_USE_VMALLOC && space == SPACE_VMALLOC) ||
		    (use == PAGE_USE_DMA && space == SPACE_DMA))
			return true;
	}
	return false;
}

static int stack_look(struct kernel_stacks *stacks, struct resolver *resolver,
		      const struct snapshot *snapshot,
		      const struct stack_figures *figures,
		      struct kernel_stack *stack)
{
	stacks->frames.count = 0;
	for (size_t i = 0; i < figures->location_count; i++)
		if (resolver_frames(resolver, &figures->locations[i],
				    &stacks->frames))
			return -ENOMEM;
	kernel_frames_drop_own(&stacks->frames);
	stack->module = kernel_origin_module(stacks->frames.items,
					     stacks->frames.count,
					     resolver_uses, resolver);
	if (figures->space == SPACE_PAGE)
		stack->page_use = kernel_origin_page_use(stacks->frames.items,
							 stacks->frames.count);
	else if (figures->space == SPACE_SLAB)
		stack->page_use = kernel_origin_object_use(
			stacks->frames.items, stacks->frames.count);
	if (is_gap(snapshot, stack->page_use))
		stack->page_use = PAGE_USE_NONE;
	return 0;
}

int kernel_stacks_judge(struct kernel_stacks *stacks, struct resolver *resolver,
			struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		struct stack_figures *figures = &snapshot->stacks.items[i];
		struct kernel_stack *known;

		while (stacks->known.count <= figures->id)
			if (!vector_push(&stacks->known))
				return -ENOMEM;
		known = &stacks->known.items[figures->id];
		/* Stack 0 is of many that were lost. */
		if (!known->module &&
		    stack_look(stacks, resolver, snapshot, figures, known))
			return -ENOMEM;
		figures->module = known->module;
		figures->page_use = known->page_use;
		if (known->page_use != PAGE_USE_NONE)
			figures->space = SPACE_APART;
	}
	return 0;
}

static struct module_total *total_of(struct report *report, const char *name)
{
	struct module_total *total;

	for (size_t i = 0; i < report->modules.count; i++)
		if (!strcmp(report->modules.items[i].name, name))
			return &report->modules.items[i];
	total = vector_push(&report->modules);
	if (total)
		total->name = name;
	return total;
}

static int figures_add(struct report *report,
		       const struct stack_figures *figures)
{
	struct module_total *total;

	if (figures->space == SPACE_APART) {
		report->apart[figures->page_use].bytes += figures->bytes;
		report->apart[figures->page_use].blocks += figures->blocks;
		return 0;
	}
	total = total_of(report, figures->module);
	if (!total)
		return -ENOMEM;
	total->bytes += figures->bytes;
	total->blocks += figures->blocks;
	total->stacks += figures->blocks != 0;
	total->spaces[figures->space].bytes += figures->bytes;
	total->spaces[figures->space].blocks += figures->blocks;
	return 0;
}

static int total_compare(const void *left, const void *right)
{
	const struct module_total *a = left, *b = right;
	bool a_proper = !strcmp(a->name, KERNEL_PROPER);
	bool b_proper = !strcmp(b->name, KERNEL_PROPER);

	if (a_proper != b_proper)
		return a_proper ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->blocks != b->blocks)
		return a->blocks > b->blocks ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* All modules of the last report are still known: stacks never go away. */
static int past_update(struct kernel_stacks *stacks, struct report *report)
{
	for (size_t i = 0; i < report->modules.count; i++) {
		struct module_total *total = &report->modules.items[i];
		struct module_past *past = NULL;

		for (size_t j = 0; j < stacks->past.count && !past; j++)
			if (!strcmp(stacks->past.items[j].name, total->name))
				past = &stacks->past.items[j];
		if (!past)
			past = vector_push(&stacks->past);
		if (!past)
			return -ENOMEM;
		past->name = total->name;
		total->bytes_change = (int64_t)(total->bytes - past->bytes);
		total->blocks_change = (int64_t)(total->blocks - past->blocks);
		past->bytes = total->bytes;
		past->blocks = total->blocks;
	}
	return 0;
}

int kernel_stacks_sum(struct kernel_stacks *stacks, struct report *report)
{
	const struct snapshot *snapshot = report->snapshot;

	for (size_t i = 0; i < snapshot->stacks.count; i++)
		if (figures_add(report, &snapshot->stacks.items[i]))
			return -ENOMEM;
	if (past_update(stacks, report))
		return -ENOMEM;
	if (report->modules.count)
		qsort(report->modules.items, report->modules.count,
		      sizeof(report->modules.items[0]), total_compare);
	return 0;
}

void kernel_stacks_free(struct kernel_stacks *stacks)
{
	vector_free(&stacks->known);
	vector_free(&stacks->past);
	vector_free(&stacks->frames);
}
