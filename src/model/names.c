// SPDX-License-Identifier: GPL-2.0-or-later
/* The model's names, and the end of its structs: see snapshot.h, report.h. */
#include "model/report.h"
#include "model/snapshot.h"

static const char *const space_names[SPACE_COUNT] = {
	[SPACE_HEAP] = "heap",	   [SPACE_MAPPING] = "mapping",
	[SPACE_SLAB] = "slab",	   [SPACE_PAGE] = "page",
	[SPACE_PERCPU] = "percpu", [SPACE_VMALLOC] = "vmalloc",
	[SPACE_DMA] = "dma",	   [SPACE_DEVRES] = "devres",
	[SPACE_APART] = "apart",   [SPACE_RESIDENT] = "resident",
};

static const struct {
	const char *name, *text;
} page_uses[PAGE_USE_COUNT] = {
	[PAGE_USE_NONE] = { "own", "their own caller" },
	[PAGE_USE_SLAB] = { "slab", "slab" },
	[PAGE_USE_PERCPU] = { "percpu", "per-CPU" },
	[PAGE_USE_VMALLOC] = { "vmalloc", "vmalloc" },
	[PAGE_USE_DMA] = { "dma", "DMA" },
	[PAGE_USE_CACHE] = { "cache", "page cache" },
	[PAGE_USE_ANONYMOUS] = { "anonymous", "anonymous" },
	[PAGE_USE_TABLES] = { "tables", "page tables" },
};

static const struct {
	const char *name, *text;
} stack_flaws[FLAW_COUNT] = {
	[FLAW_NONE] = { "none", "complete" },
	[FLAW_NO_MAPPING] = { "no_mapping", "an address in no known mapping" },
	[FLAW_NO_CFI] = { "no_cfi", "code without unwind tables" },
	[FLAW_UNSUPPORTED] = { "unsupported", "unwind rule not supported" },
	[FLAW_UNREADABLE] = { "unreadable", "stack memory not readable" },
	[FLAW_TOO_DEEP] = { "too_deep", "more frames than are recorded" },
	[FLAW_LOST] = { "lost", "the frames were lost" },
};

static const char *const verdict_names[VERDICT_COUNT] = {
	[VERDICT_NONE] = "none",       [VERDICT_LEAKING] = "leaking",
	[VERDICT_GROWING] = "growing", [VERDICT_PLATEAUED] = "plateaued",
	[VERDICT_STEADY] = "steady",   [VERDICT_START_UP] = "start-up",
};

static const struct {
	const char *name, *text;
} verdict_doubts[DOUBT_COUNT] = {
	[DOUBT_NONE] = { "none", "" },
	[DOUBT_TOO_SOON] = { "too_soon", "not yet long enough seen" },
	[DOUBT_FEW] = { "few", "few blocks, or born together" },
	[DOUBT_FREED] = { "freed", "its blocks are freed in the end" },
	[DOUBT_CEASING] = { "ceasing", "ever fewer of them stay" },
	[DOUBT_UNSEEN] = { "unseen", "frees may not be seen on this kernel" },
};

const char *verdict_doubt_name(enum verdict_doubt doubt)
{
	return (unsigned)doubt < DOUBT_COUNT ? verdict_doubts[doubt].name
					     : "unknown";
}

const char *verdict_doubt_text(enum verdict_doubt doubt)
{
	return (unsigned)doubt < DOUBT_COUNT ? verdict_doubts[doubt].text
					     : "unknown reason";
}

const char *verdict_name(enum verdict verdict)
{
	return (unsigned)verdict < VERDICT_COUNT ? verdict_names[verdict]
						 : "unknown";
}

const char *space_name(enum space space)
{
	return (unsigned)space < SPACE_COUNT ? space_names[space] : "unknown";
}

const char *page_use_name(enum page_use use)
{
	return (unsigned)use < PAGE_USE_COUNT ? page_uses[use].name : "unknown";
}

const char *page_use_text(enum page_use use)
{
	return (unsigned)use < PAGE_USE_COUNT ? page_uses[use].text : "unknown";
}

const char *stack_flaw_name(enum stack_flaw flaw)
{
	return (unsigned)flaw < FLAW_COUNT ? stack_flaws[flaw].name : "unknown";
}

const char *stack_flaw_text(enum stack_flaw flaw)
{
	return (unsigned)flaw < FLAW_COUNT ? stack_flaws[flaw].text
					   : "unknown reason";
}

void snapshot_set_generations(struct snapshot *snapshot, uint64_t now_ns)
{
	uint64_t elapsed = now_ns > snapshot->started_ns
				   ? now_ns - snapshot->started_ns
				   : 0;
	uint64_t recent = elapsed / BIRTHS_RECENT_PART;

	snapshot->births_start_ns[BIRTHS_ALL] = snapshot->started_ns;
	snapshot->generation_ns[BIRTHS_ALL] = elapsed / BIRTH_GENERATIONS + 1;
	snapshot->births_start_ns[BIRTHS_RECENT] = now_ns - recent;
	snapshot->generation_ns[BIRTHS_RECENT] = recent / BIRTH_GENERATIONS + 1;
}

void snapshot_free(struct snapshot *snapshot)
{
	size_t i;

	if (!snapshot)
		return;
	for (i = 0; i < snapshot->stacks.count; i++)
		vector_free(&snapshot->stacks.items[i].listed);
	vector_free(&snapshot->stacks);
	vector_free(&snapshot->losses);
	vector_free(&snapshot->gaps);
	for (i = 0; i < snapshot->births.count; i++)
		free(snapshot->births.items[i]);
	vector_free(&snapshot->births);
	vector_free(&snapshot->processes);
	vector_free(&snapshot->accounts);
	free(snapshot);
}

size_t report_stack_count(const struct report *report)
{
	return report->top.count + report->rest.count;
}

const struct report_stack *report_stack_at(const struct report *report,
					   size_t index)
{
	if (index < report->top.count)
		return &report->top.items[index];
	return &report->rest.items[index - report->top.count];
}

void report_free(struct report *report)
{
	size_t i;

	if (!report)
		return;
	for (i = 0; i < report->top.count; i++)
		vector_free(&report->top.items[i].frames);
	vector_free(&report->top);
	for (i = 0; i < report->rest.count; i++)
		vector_free(&report->rest.items[i].frames);
	vector_free(&report->rest);
	vector_free(&report->totals);
	for (i = 0; i < report->histories.count; i++)
		free(report->histories.items[i]);
	vector_free(&report->histories);
	vector_free(&report->suppressed);
	vector_free(&report->modules);
	vector_free(&report->processes);
	vector_free(&report->accounts);
	snapshot_free(report->snapshot);
	free(report);
}
