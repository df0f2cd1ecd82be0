// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Massif's output, which ms_print and massif-visualizer read: each report is a
 * snapshot with its tree of callers, so that reports of one run are one file.
 * See valgrind's massif/ms_print.in for how it is read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/formats.h"
#include "report/frame_name.h"
#include "util/cleanup.h"
#include "util/utf8.h"

/* As massif has it: what is less of the whole is put together. */
#define THRESHOLD_PERCENT 1

/* Of a file that is not to be trusted: the tree is no deeper. */
#define DEPTH_MAX 512

struct massif_stack {
	char **frames; /* owned texts, the function that allocated first */
	size_t count;
	uint64_t bytes;
};

typedef VECTOR(struct massif_stack) massif_stacks;

static void stacks_free(massif_stacks *stacks)
{
	for (size_t i = 0; i < stacks->count; i++) {
		struct massif_stack *stack = &stacks->items[i];

		for (size_t j = 0; j < stack->count; j++)
			free(stack->frames[j]);
		free(stack->frames);
	}
	vector_free(stacks);
}

/* "0x4005AB: function (file.c:12)", or "(in /path)" without a line. */
static char *frame_text(const struct frame *frame)
{
	auto_free char *name = frame_name(frame);
	auto_free char *place = NULL;
	char *text = NULL;
	int length;

	if (frame->file)
		place = utf8_escape(frame->file);
	else
		place = utf8_escape(frame->path	    ? frame->path
				    : frame->module ? frame->module
						    : "???");
	if (!name || !place)
		return NULL;
	if (frame->file && frame->line)
		length = asprintf(&text, "0x%" PRIX64 ": %s (%s:%u)",
				  frame->address, name, place, frame->line);
	else
		length = asprintf(&text, "0x%" PRIX64 ": %s (in %s)",
				  frame->address, name, place);
	return length < 0 ? NULL : text;
}

/* Memory that is not the allocator's stands by itself in the tree. */
static int stack_make(const struct report_stack *from,
		      struct massif_stack *stack)
{
	const struct stack_figures *figures = from->figures;
	bool apart = figures->space != SPACE_HEAP;
	size_t frames = from->frames.count;

	if (frames > DEPTH_MAX)
		frames = DEPTH_MAX;
	stack->frames = calloc(frames + apart + 1, sizeof(*stack->frames));
	if (!stack->frames)
		return -ENOMEM;
	stack->bytes = figures->bytes;
	if (apart && asprintf(&stack->frames[stack->count++], "0x0: [%s]",
			      space_name(figures->space)) < 0) {
		stack->frames[--stack->count] = NULL;
		return -ENOMEM;
	}
	for (size_t i = 0; i < frames; i++) {
		char *text = frame_text(&from->frames.items[i]);

		if (!text)
			return -ENOMEM;
		stack->frames[stack->count++] = text;
	}
	return 0;
}

static int stacks_make(const struct report *report, massif_stacks *stacks)
{
	size_t count = report_stack_count(report);

	for (size_t i = 0; i < count; i++) {
		const struct report_stack *from = report_stack_at(report, i);
		struct massif_stack *stack;

		if (!from->figures->bytes)
			continue;
		stack = vector_push(stacks);
		if (!stack || stack_make(from, stack))
			return -ENOMEM;
	}
	return 0;
}

static int by_frames(const void *left, const void *right)
{
	const struct massif_stack *a = left, *b = right;

	for (size_t i = 0; i < a->count && i < b->count; i++) {
		int order = strcmp(a->frames[i], b->frames[i]);

		if (order)
			return order;
	}
	return a->count < b->count ? -1 : a->count > b->count;
}

/* Neighbours with the same frame at some depth: a node of the tree. */
struct node {
	const struct massif_stack *stacks;
	size_t count;
	uint64_t bytes;
};

typedef VECTOR(struct node) node_vector;

static int by_bytes(const void *left, const void *right)
{
	const struct node *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->stacks < b->stacks ? -1 : a->stacks > b->stacks;
}

/* The callers of a node: stacks that end at it have none. */
static int callers_find(const struct node *node, size_t depth,
			node_vector *callers)
{
	for (size_t i = 0; i < node->count; i++) {
		const struct massif_stack *stack = &node->stacks[i];
		struct node *last =
			callers->count ? &callers->items[callers->count - 1]
				       : NULL;

		if (stack->count <= depth)
			continue;
		if (!last || strcmp(last->stacks->frames[depth],
				    stack->frames[depth]) != 0) {
			last = vector_push(callers);
			if (!last)
				return -ENOMEM;
			last->stacks = stack;
		}
		last->count++;
		last->bytes += stack->bytes;
	}
	if (callers->count)
		qsort(callers->items, callers->count, sizeof(struct node),
		      by_bytes);
	return 0;
}

static int node_write(FILE *stream, const struct node *node, size_t depth,
		      uint64_t all);

static int callers_write(FILE *stream, const node_vector *callers, size_t shown,
			 size_t depth, uint64_t all)
{
	uint64_t bytes = 0;
	size_t hidden = callers->count - shown;

	for (size_t i = 0; i < callers->count; i++) {
		int result;

		bytes += i < shown ? 0 : callers->items[i].bytes;
		result = i < shown ? node_write(stream, &callers->items[i],
						depth + 1, all)
				   : 0;
		if (result)
			return result;
	}
	if (hidden)
		fprintf(stream,
			"%*sn0: %" PRIu64 " in %zu place%s, all below massif's "
			"threshold (%d.00%%)\n",
			(int)depth + 1, "", bytes, hidden,
			hidden == 1 ? "" : "s", THRESHOLD_PERCENT);
	return 0;
}

/* A tree, DEPTH_MAX deep at most. */
static int node_write(FILE *stream, const struct node *node, size_t depth,
		      uint64_t all)
{
	node_vector callers = { 0 };
	size_t shown = 0;
	int result = callers_find(node, depth, &callers);

	/* The first of them have the most. */
	while (shown < callers.count &&
	       callers.items[shown].bytes >= all / 100 * THRESHOLD_PERCENT)
		shown++;
	fprintf(stream, "%*sn%zu: %" PRIu64 " %s\n", (int)depth, "",
		shown + (shown < callers.count), node->bytes,
		depth ? node->stacks->frames[depth - 1]
		      : "(outstanding blocks, by the functions that allocated them)");
	if (!result)
		result = callers_write(stream, &callers, shown, depth, all);
	vector_free(&callers);
	return result;
}

static int snapshot_write(FILE *stream, const struct report *report,
			  const massif_stacks *stacks, bool first)
{
	struct node root = { .stacks = stacks->items, .count = stacks->count };
	auto_free char *target =
		utf8_escape(report->target ? report->target : "?");

	if (!target)
		return -ENOMEM;
	for (size_t i = 0; i < stacks->count; i++)
		root.bytes += stacks->items[i].bytes;
	if (first)
		fprintf(stream,
			"desc: leaktrace " LEAKTRACE_VERSION "\ncmd: %s\n"
			"time_unit: ms\n",
			target);
	fprintf(stream,
		"#-----------\nsnapshot=%u\n#-----------\ntime=%" PRIu64 "\n"
		"mem_heap_B=%" PRIu64 "\nmem_heap_extra_B=0\n"
		"mem_stacks_B=0\n",
		first ? 0 : report->number - 1, report->elapsed_ns / 1000000,
		root.bytes);
	if (!root.bytes) {
		fputs("heap_tree=empty\n", stream);
		return 0;
	}
	fputs("heap_tree=detailed\n", stream);
	return node_write(stream, &root, 0, root.bytes);
}

static int massif_write(FILE *stream, const struct report *report,
			const struct report_style *style)
{
	cleanup(stacks_free) massif_stacks stacks = { 0 };
	auto_free char *bytes = NULL;
	size_t size = 0;
	FILE *memory;
	int result;

	if (stacks_make(report, &stacks))
		return -ENOMEM;
	if (stacks.count)
		qsort(stacks.items, stacks.count, sizeof(*stacks.items),
		      by_frames);
	memory = open_memstream(&bytes, &size);
	if (!memory)
		return -ENOMEM;
	result = snapshot_write(memory, report, &stacks, !style->continues);
	if (fclose(memory) || result)
		return -ENOMEM;
	return report_emit(stream, bytes, size);
}

const struct report_format report_format_massif = {
	.name = "massif",
	.all_stacks = true,
	.no_losses = true,
	.write = massif_write,
};
