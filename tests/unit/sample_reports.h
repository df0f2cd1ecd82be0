/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Made-up reports that the tests of the report formats print. */
#ifndef LEAKTRACE_TESTS_SAMPLE_REPORTS_H
#define LEAKTRACE_TESTS_SAMPLE_REPORTS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/report.h"
#include "report/format.h"

#define SAMPLE_SECOND UINT64_C(1000000000)
#define SAMPLE_NOW (UINT64_C(5000) * SAMPLE_SECOND) /* CLOCK_MONOTONIC */
#define SAMPLE_STACKS 40

/* A vector's next item, which must not fail here. */
#define sample_push(vector)                                                \
	({                                                                 \
		__typeof__((vector)->items) pushed_ = vector_push(vector); \
		assert(pushed_);                                           \
		pushed_;                                                   \
	})

static inline struct report *sample_empty(void)
{
	struct report *report = calloc(1, sizeof(*report));

	assert(report);
	report->snapshot = calloc(1, sizeof(*report->snapshot));
	assert(report->snapshot);
	/* Figures are pointed to, so their vector must not move. */
	assert(!vector_reserve(&report->snapshot->stacks, SAMPLE_STACKS));
	assert(!vector_reserve(&report->snapshot->processes, SAMPLE_STACKS));
	report->number = 3;
	report->reason = REPORT_INTERVAL;
	report->target = "server";
	report->pid = 41;
	report->elapsed_ns = 15 * SAMPLE_SECOND + 3000000;
	report->since_last_ns = 5 * SAMPLE_SECOND - 900000;
	report->snapshot->taken_ns = SAMPLE_NOW;
	report->snapshot->started_ns = SAMPLE_NOW - report->elapsed_ns;
	/* 2031-02-03 04:05:06.789 UTC */
	report->snapshot->wall_ns = INT64_C(1927857906789000000);
	return report;
}

static inline void sample_total(struct report *report, enum space space,
				uint64_t bytes, uint64_t blocks,
				uint64_t stacks, int64_t bytes_change,
				int64_t blocks_change)
{
	*sample_push(&report->totals) = (struct space_total){
		.space = space,
		.bytes = bytes,
		.blocks = blocks,
		.stacks = stacks,
		.bytes_change = bytes_change,
		.blocks_change = blocks_change,
	};
}

/* Adds a stack to the snapshot and to the ranking; fill in the rest. */
static inline struct report_stack *sample_stack(struct report *report,
						uint64_t bytes, uint64_t blocks)
{
	struct stack_figures *figures = sample_push(&report->snapshot->stacks);
	struct report_stack *stack = sample_push(&report->top);

	assert(report->snapshot->stacks.count <= SAMPLE_STACKS);
	figures->id = 0x0123456789abcd00 + report->snapshot->stacks.count;
	figures->process = report->pid;
	figures->allocations = blocks + 40;
	figures->allocated_bytes = bytes + 5120;
	figures->frees = 40;
	figures->freed_bytes = 5120;
	figures->blocks = blocks;
	figures->bytes = bytes;
	stack->figures = figures;
	stack->oldest_age_ns = 9800000000;
	figures->oldest_born_ns = SAMPLE_NOW - stack->oldest_age_ns;
	report->stacks_matching = report->top.count;
	return stack;
}

static inline struct stack_figures *sample_figures(struct report *report)
{
	return &report->snapshot->stacks
			.items[report->snapshot->stacks.count - 1];
}

static inline void sample_frame(struct report_stack *stack, struct frame frame)
{
	*sample_push(&stack->frames) = frame;
}

static inline void sample_server_frames(struct report_stack *stack)
{
	static const char path[] = "/usr/bin/server";
	static const char build_id[] =
		"9f3c1d5a7b2e4860c1d2e3f405162738495a6b7c";

	sample_frame(stack, (struct frame){ .function = "xmalloc",
					    .offset = 9,
					    .file = "/src/server/memory.h",
					    .line = 12,
					    .module = "server",
					    .path = path,
					    .build_id = build_id,
					    .address = 0x11d9,
					    .inlined = true });
	sample_frame(stack, (struct frame){ .function = "leak_request",
					    .offset = 0x1c,
					    .file = "/src/server/server.c",
					    .line = 41,
					    .module = "server",
					    .path = path,
					    .build_id = build_id,
					    .address = 0x11d9 });
	sample_frame(stack, (struct frame){ .function = "event_loop",
					    .offset = 0x230,
					    .module = "server",
					    .path = path,
					    .build_id = build_id,
					    .address = 0x1430 });
	sample_frame(stack, (struct frame){ .module = "libplugin.so.2",
					    .path = "/opt/libplugin.so.2",
					    .build_id = "00ff",
					    .address = 0x41b30,
					    .guessed = true });
}

#define SAMPLE_PERIODS 3

/* Gives the stack that was added last a history that ends now. */
static inline void sample_history(struct report *report,
				  struct report_stack *stack)
{
	static const struct history_marks marks[SAMPLE_PERIODS] = {
		{ 0, 1048576, 0, 9 },
		{ 1048576, 2098000, 9, 20 },
		{ 2098000, 3145728, 20, 30 },
	};

	report->period_ns = 5 * SAMPLE_SECOND;
	stack->history = marks;
	stack->history_first = 1;
	stack->history_count = SAMPLE_PERIODS;
}

/* Two stacks of a process, everything that a report can complain about. */
static inline struct report *sample_process(void)
{
	struct report *report = sample_empty();
	struct report_stack *stack;

	report->at_least = true;
	sample_total(report, SPACE_HEAP, 3461120, 5117, 2, 1258291, 1860);
	stack = sample_stack(report, 3459072, 5116);
	stack->bytes_change = 1258291;
	stack->blocks_change = 1860;
	stack->judgement = (struct judgement){
		.verdict = VERDICT_LEAKING,
		.observed_ns = 14 * SAMPLE_SECOND,
		.survivors = 4812,
		.survivor_age_ns = 5 * SAMPLE_SECOND,
		.freed_p99_ns = 20000000,
		.generations = 64,
		.generations_alive = 58,
		.bytes_per_second = 220200.5,
		.growing_ns = 14 * SAMPLE_SECOND,
	};
	sample_history(report, stack);
	sample_server_frames(stack);
	report->judged = true;
	report->leaking_stacks = 2;
	report->leaking_bytes_per_second = 300000.25;
	report->limit = (struct memory_limit){
		.kind = LIMIT_CGROUP,
		.limit_bytes = UINT64_C(512) << 20,
		.used_bytes = UINT64_C(100) << 20,
	};
	report->limit_reached_ns = 1440 * SAMPLE_SECOND;
	stack = sample_stack(report, 2048, 1);
	stack->judgement.verdict = VERDICT_START_UP;
	stack->oldest_age_ns = 200 * SAMPLE_SECOND;
	sample_figures(report)->flaw = FLAW_NO_CFI;
	sample_figures(report)->process = 44;
	sample_frame(stack, (struct frame){ .function = "strdup",
					    .offset = 26,
					    .module = "libc.so.6",
					    .path = "/lib/libc.so.6",
					    .address = 0x98d1a });
	sample_frame(stack, (struct frame){ .address = 0x7f12a0b3c010 });
	sample_stack(report, 0, 0);
	sample_figures(report)->flaw = FLAW_TOO_DEEP;
	report->top.count = 2;
	report->stacks_matching = 7;
	report->snapshot->stacks_incomplete = 2;
	report->snapshot->unmatched_frees = 12;
	*sample_push(&report->snapshot->losses) = (struct loss){
		.name = "blocks_not_recorded",
		.text = "allocations not recorded: map full",
		.remedy = "raise --max-blocks",
		.count = 12345,
		.bytes = 1572864,
		.understates = true,
	};
	*sample_push(&report->snapshot->losses) = (struct loss){
		.name = "nested_too_deep",
		.text = "allocator calls nested too deeply",
		.count = 1,
	};
	return report;
}

/* The example in docs/leaktrace.8. */
static inline struct report *sample_manual(void)
{
	struct report *report = sample_empty();
	struct report_stack *stack;

	/* 2026-11-22 14:03:25.123 UTC */
	report->snapshot->wall_ns = INT64_C(1795356205123000000);
	sample_total(report, SPACE_HEAP, 3461120, 5117, 7, 1258291, 1860);
	stack = sample_stack(report, 3459072, 5116);
	stack->bytes_change = 1258291;
	stack->judgement = (struct judgement){
		.verdict = VERDICT_LEAKING,
		.survivors = 4812,
		.survivor_age_ns = 5 * SAMPLE_SECOND,
		.freed_p99_ns = 20000000,
		.generations = 64,
		.generations_alive = 58,
		.bytes_per_second = 220200.5,
		.growing_ns = 24 * SAMPLE_SECOND,
	};
	report->elapsed_ns = 25 * SAMPLE_SECOND;
	stack->oldest_age_ns = 24 * SAMPLE_SECOND;
	report->judged = true;
	report->leaking_stacks = 1;
	report->leaking_bytes_per_second = 220200.5;
	report->limit = (struct memory_limit){
		.kind = LIMIT_CGROUP,
		.limit_bytes = UINT64_C(512) << 20,
		.used_bytes = UINT64_C(100) << 20,
	};
	report->limit_reached_ns = 1962 * SAMPLE_SECOND;
	sample_frame(stack, (struct frame){ .function = "xmalloc",
					    .file = "/src/memory.h",
					    .line = 12,
					    .module = "server",
					    .inlined = true });
	sample_frame(stack, (struct frame){ .function = "leak_request",
					    .file = "/src/server.c",
					    .line = 41,
					    .module = "server" });
	sample_frame(stack, (struct frame){ .function = "event_loop",
					    .offset = 0x230,
					    .module = "server" });
	sample_frame(stack, (struct frame){ .module = "libplugin.so.2",
					    .build_id = "9f3c1d5a7b2e",
					    .address = 0x41b30 });
	stack = sample_stack(report, 2048, 1);
	stack->oldest_age_ns = 2100000000;
	stack->judgement.verdict = VERDICT_STEADY;
	stack->judgement.freed_p99_ns = 3100000000;
	sample_figures(report)->flaw = FLAW_NO_CFI;
	sample_frame(stack, (struct frame){ .function = "strdup",
					    .offset = 0x1a,
					    .module = "libc.so.6" });
	while (report->snapshot->stacks.count < 40)
		sample_push(&report->snapshot->stacks);
	report->stacks_matching = 7;
	report->snapshot->stacks_incomplete = 1;
	report->snapshot->unmatched_frees = 12;
	return report;
}

/* The first report of all: no change to show. */
static inline struct report *sample_first(void)
{
	struct report *report = sample_empty();

	report->number = 1;
	report->since_last_ns = 0;
	report->elapsed_ns = 5 * SAMPLE_SECOND;
	report->older_than_ns = SAMPLE_SECOND / 2;
	sample_total(report, SPACE_HEAP, 100, 1, 1, 100, 1);
	sample_frame(sample_stack(report, 100, 1),
		     (struct frame){ .function = "main",
				     .file = "a.c",
				     .module = "a" });
	return report;
}

static inline void sample_add_process(struct report *report,
				      const struct process_figures *figures,
				      int64_t bytes_change)
{
	struct process_figures *own = sample_push(&report->snapshot->processes);
	struct report_process *process = sample_push(&report->processes);

	assert(report->snapshot->processes.count <= SAMPLE_STACKS);
	*own = *figures;
	process->figures = own;
	process->bytes_change = bytes_change;
}

/* A server and its workers, one of which has ended. */
static inline struct report *sample_processes(void)
{
	const struct process_figures processes[] = {
		{ .id = 1,
		  .pid = 41,
		  .name = "server",
		  .bytes = 2048,
		  .blocks = 1 },
		{ .id = 2,
		  .pid = 1042,
		  .name = "worker 1",
		  .bytes = 1536,
		  .blocks = 15,
		  .untraced_ns = 21000000 },
		{ .id = 3,
		  .pid = 1043,
		  .name = "worker\n2",
		  .bytes = 512,
		  .blocks = 5,
		  .ended = true },
	};
	struct report *report = sample_empty();
	struct report_stack *stack;

	report->pid = 0;
	report->target = "processes named server";
	sample_total(report, SPACE_HEAP, 3584, 16, 2, 1024, 10);
	sample_add_process(report, &processes[0], 0);
	sample_add_process(report, &processes[1], 1024);
	sample_add_process(report, &processes[2], -1024);
	report->snapshot->processes_ended = 7;
	report->snapshot->ended_bytes = 4096;
	report->snapshot->ended_blocks = 1;
	stack = sample_stack(report, 2048, 1);
	sample_figures(report)->process = 41;
	sample_figures(report)->process_count = 1;
	sample_server_frames(stack);
	stack = sample_stack(report, 1536, 15);
	sample_figures(report)->process_count = 2;
	stack->bytes_change = 1024;
	stack->blocks_change = 10;
	sample_server_frames(stack);
	return report;
}

/* A process that ran before, whose allocator retains most of its memory. */
static inline void sample_add_account(struct report *report)
{
	const struct account now = {
		.taken_ns = SAMPLE_NOW - 1000,
		.rss_bytes = 108097536,
		.swap_bytes = 4096,
		.parts = { [ACCOUNT_TRACKED] = 1049000,
			   [ACCOUNT_BEFORE] = 12288,
			   [ACCOUNT_ALLOCATOR] = 98306840,
			   [ACCOUNT_STACK] = 12288,
			   [ACCOUNT_FILE] = 7758656,
			   [ACCOUNT_OTHER] = 958464 },
		.doubt_bytes = 296,
		.areas = 31,
	};
	const struct account_change change = {
		.rss_bytes = 106496000,
		.parts = { [ACCOUNT_TRACKED] = 1049000,
			   [ACCOUNT_BEFORE] = -4096,
			   [ACCOUNT_ALLOCATOR] = 98306840,
			   [ACCOUNT_FILE] = 7144256 },
	};

	report->account.figures = (struct process_account){
		.pid = 41,
		.name = "server",
		.now = now,
		.start = { .taken_ns = SAMPLE_NOW - 15 * SAMPLE_SECOND,
			   .rss_bytes = 1601536 },
		.start_heap_bytes = 135168,
		.start_heap_rss_bytes = 12288,
	};
	report->account.change = change;
	report->account.freed_bytes = 103000000;
}

/* The account, and with --resident what of a stack is in memory. */
static inline struct report *sample_account(void)
{
	struct report *report = sample_empty();

	sample_add_account(report);
	report->snapshot->resident_wanted = true;
	sample_total(report, SPACE_HEAP, 1049000, 1049, 2, 0, 0);
	sample_frame(sample_stack(report, 1048000, 1048),
		     (struct frame){ .function = "main", .module = "a" });
	sample_figures(report)->resident_known = true;
	sample_figures(report)->resident_bytes = 1040000;
	sample_figures(report)->swapped_bytes = 4096;
	sample_frame(sample_stack(report, 1000, 1),
		     (struct frame){ .function = "load", .module = "a" });
	return report;
}

/* Of several processes, too many areas, looked at a while ago, none grew. */
static inline struct report *sample_accounts(void)
{
	struct report *report = sample_processes();
	struct report_account *account = &report->account;

	sample_add_account(report);
	account->figures.now.doubt_bytes = 1049000;
	account->figures.now.areas = 0;
	account->figures.now.taken_ns = SAMPLE_NOW - 12 * SAMPLE_SECOND;
	account->figures.start = (struct account){ 0 };
	account->change = (struct account_change){ 0 };
	for (uint32_t i = 0; i < 2; i++) {
		*sample_push(&report->accounts) = *account;
		report->accounts.items[i].figures.pid = 41 + i;
	}
	return report;
}

/* The kernel: several spaces, modules, symbols without files. */
static inline void sample_module(struct report *report, const char *name,
				 enum space space, uint64_t bytes,
				 uint64_t blocks, int64_t bytes_change)
{
	struct module_total *total = sample_push(&report->modules);

	*total = (struct module_total){
		.name = name,
		.bytes = bytes,
		.blocks = blocks,
		.stacks = 1,
		.bytes_change = bytes_change,
	};
	total->spaces[space].bytes = bytes;
	total->spaces[space].blocks = blocks;
}

static inline void sample_gap(struct report *report)
{
	*sample_push(&report->snapshot->gaps) = (struct gap){
		.name = "kfree_rcu",
		.text = "objects freed by kfree_rcu()",
		.space = SPACE_SLAB,
		.inflates = true,
	};
}

static inline struct report *sample_kernel(void)
{
	struct report *report = sample_empty();
	struct report_stack *stack;

	report->kernel = true;
	report->module = "leakdrv";
	report->pid = 0;
	report->target = "kernel";
	sample_total(report, SPACE_SLAB, 786432, 3000, 1, 0, 0);
	sample_total(report, SPACE_PAGE, 12582912, 116, 1, -8388608, -4);
	sample_total(report, SPACE_PERCPU, 0, 0, 0, 0, 0);
	sample_total(report, SPACE_APART, 4096000, 1000, 2, 4096, 1);
	report->apart[PAGE_USE_SLAB].bytes = 3997696;
	report->apart[PAGE_USE_SLAB].blocks = 976;
	report->apart[PAGE_USE_ANONYMOUS].bytes = 98304;
	report->apart[PAGE_USE_ANONYMOUS].blocks = 24;
	sample_module(report, "leakdrv", SPACE_SLAB, 786432, 3000, 4096);
	sample_module(report, "vmlinux", SPACE_PAGE, 12582912, 116, -8388608);
	report->modules.items[1].spaces[SPACE_SLAB].blocks = 1;
	sample_gap(report);
	stack = sample_stack(report, 12582912, 116);
	sample_figures(report)->space = SPACE_PAGE;
	sample_figures(report)->module = "vmlinux";
	stack->bytes_change = -8388608;
	stack->blocks_change = -4;
	sample_frame(stack, (struct frame){ .function = "alloc_pages",
					    .offset = 0x11f,
					    .module = "vmlinux",
					    .address = 0xffffffff812a911f });
	stack = sample_stack(report, 786432, 3000);
	sample_figures(report)->space = SPACE_SLAB;
	sample_figures(report)->module = "leakdrv";
	sample_figures(report)->label = "filp";
	sample_figures(report)->may_be_freed = true;
	sample_figures(report)->unseen_frees = 12;
	sample_frame(stack, (struct frame){ .function = "leakdrv_open",
					    .offset = 0x2a,
					    .module = "leakdrv",
					    .address = 0xffffffffc0a0102a });
	return report;
}

/* Everything was freed since the last report. */
static inline struct report *sample_nothing(void)
{
	struct report *report = sample_empty();

	report->older_than_ns = 10 * SAMPLE_SECOND;
	sample_total(report, SPACE_HEAP, 0, 0, 0, -4096, -4);
	return report;
}

static inline struct report *sample_last(void)
{
	struct report *report = sample_empty();

	report->reason = REPORT_LAST;
	report->end = "target exited";
	sample_total(report, SPACE_MAPPING, 1048576, 1, 1, 0, 0);
	sample_stack(report, 1048576, 1);
	sample_figures(report)->space = SPACE_MAPPING;
	sample_figures(report)->label = "/memfd:cache (deleted)";
	sample_server_frames(&report->top.items[0]);
	return report;
}

/* --show-allocs, with fewer blocks listed than there are. */
static inline struct report *sample_blocks(void)
{
	struct report *report = sample_empty();
	static const struct block blocks[] = {
		{ 0x55d0c0ffee00, 1536, SAMPLE_NOW - 9800000000 },
		{ 0x7f12a0b3c010, 1, SAMPLE_NOW - 20000000 },
		{ 0x7f12a0b3c030, 1234567, SAMPLE_NOW + 1 },
	};
	size_t i;

	sample_total(report, SPACE_HEAP, 1240000, 1003, 1, 0, 0);
	sample_frame(sample_stack(report, 1240000, 1003),
		     (struct frame){ .function = "main", .module = "a" });
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		*sample_push(&sample_figures(report)->listed) = blocks[i];
	return report;
}

/* Tracing costs more than its budget, although it samples. */
static inline struct report *sample_costly(void)
{
	struct report *report = sample_empty();

	report->snapshot->sampled = true;
	report->snapshot->sample_bytes = 8 << 10;
	report->snapshot->cost = (struct own_cost){
		.period_ns = 5000000000,
		.hits = 1234567,
		.bpf_ns = 400000000.5,
		.bpf_known = true,
		.traps_ns = 700000000.25,
		.traps_known = true,
		.own_ns = 12345678,
		.budget_percent = 7.5,
		.over_budget = true,
	};
	sample_total(report, SPACE_HEAP, 40000, 812, 1, 0, 0);
	report->totals.items[0].estimate = true;
	report->totals.items[0].bytes_error = 100;
	report->totals.items[0].blocks_error = 7;
	sample_frame(sample_stack(report, 40000, 812),
		     (struct frame){ .function = "main", .module = "a" });
	sample_figures(report)->estimate = true;
	sample_figures(report)->bytes_error = 100;
	sample_figures(report)->blocks_error = 7;
	return report;
}

/* Each verdict, each doubt. */
static inline struct report *sample_judged(void)
{
	static const struct judgement judgements[] = {
		{ .verdict = VERDICT_LEAKING,
		  .survivors = 1,
		  .generations = 64,
		  .generations_alive = 5,
		  .bytes_per_second = 0.5,
		  .growing_ns = 61 * SAMPLE_SECOND },
		{ .verdict = VERDICT_GROWING,
		  .bytes_per_second = 1e6,
		  .growing_ns = 12 * SAMPLE_SECOND,
		  .doubt = DOUBT_TOO_SOON },
		{ .verdict = VERDICT_GROWING,
		  .bytes_per_second = 1e5,
		  .growing_ns = 90 * SAMPLE_SECOND,
		  .freed_p99_ns = SAMPLE_SECOND,
		  .doubt = DOUBT_FREED },
		{ .verdict = VERDICT_GROWING,
		  .bytes_per_second = 9,
		  .growing_ns = 90 * SAMPLE_SECOND,
		  .doubt = DOUBT_CEASING },
		{ .verdict = VERDICT_GROWING,
		  .bytes_per_second = 8,
		  .growing_ns = 90 * SAMPLE_SECOND,
		  .doubt = DOUBT_FEW },
		{ .verdict = VERDICT_PLATEAUED },
		{ .verdict = VERDICT_STEADY,
		  .freed_p99_ns = 3 * SAMPLE_SECOND },
		{ .verdict = VERDICT_STEADY, .bytes_per_second = -100 },
		{ .verdict = VERDICT_START_UP },
		{ .verdict = VERDICT_NONE },
	};
	struct report *report = sample_empty();

	sample_total(report, SPACE_HEAP, 55000, 55, 10, 0, 0);
	for (size_t i = 0; i < sizeof(judgements) / sizeof(*judgements); i++) {
		struct report_stack *stack =
			sample_stack(report, 10000 - 1000 * i, 10 - i);

		stack->judgement = judgements[i];
		sample_frame(stack, (struct frame){ .function = "allocate",
						    .offset = i,
						    .module = "a" });
	}
	report->judged = true;
	report->leaking_stacks = 1;
	report->growing_stacks = 4;
	report->leaking_bytes_per_second = 0.5;
	report->limit = (struct memory_limit){
		.kind = LIMIT_MACHINE,
		.limit_bytes = UINT64_C(16) << 30,
		.used_bytes = UINT64_C(1) << 30,
	};
	return report;
}

/* Judged by rounds: leaks even, uneven and now and then, and growth. */
static inline struct report *sample_rounds(void)
{
	static const struct judgement judgements[] = {
		{ .verdict = VERDICT_LEAKING,
		  .rounds = 8,
		  .rounds_surviving = 8,
		  .rounds_even = true,
		  .round_blocks = 24,
		  .round_bytes = 1536,
		  .bytes_per_round = 192,
		  .bytes_per_second = 96,
		  .growing_ns = 20 * SAMPLE_SECOND },
		{ .verdict = VERDICT_LEAKING,
		  .rounds = 9,
		  .rounds_surviving = 4,
		  .round_blocks = 6,
		  .round_bytes = 600,
		  .freed_p99_ns = SAMPLE_SECOND,
		  .growing_ns = 20 * SAMPLE_SECOND },
		{ .verdict = VERDICT_GROWING,
		  .bytes_per_round = 4096.7,
		  .doubt = DOUBT_TOO_SOON },
	};
	static const struct stack_rounds marks = {
		.base = { 3, 192 },
		.ends = { { 3, 192 }, { 6, 384 } },
	};
	static const struct birth_counts births = {
		.round_records = { 3, 3 },
		.round_bytes = { 192, 192 },
	};
	struct report *report = sample_empty();

	sample_total(report, SPACE_HEAP, 55000, 55, 3, 100, 1);
	report->totals.items[0].round_bytes_change = 1939;
	report->totals.items[0].round_blocks_change = 30;
	for (size_t i = 0; i < sizeof(judgements) / sizeof(*judgements); i++) {
		struct report_stack *stack =
			sample_stack(report, 10000 - 1000 * i, 10 - i);

		stack->judgement = judgements[i];
		sample_frame(stack, (struct frame){ .function = "allocate",
						    .offset = i,
						    .module = "a" });
	}
	report->top.items[0].rounds = &marks;
	report->snapshot->stacks.items[0].births = &births;
	report->snapshot->rounds =
		(struct rounds){ .wanted = true, .ended = 12, .kept = 2 };
	report->by_rounds = true;
	report->rounds = 12;
	report->rounds_over = 10;
	report->judged = true;
	report->leaking_stacks = 2;
	report->leaking_bytes_per_second = 96;
	return report;
}

/* Estimates from a sample, beside mappings, which are exact. */
static inline struct report *sample_sampled(void)
{
	struct report *report = sample_empty();
	struct space_total *total;

	report->snapshot->sampled = true;
	report->snapshot->sample_bytes = 512 << 10;
	sample_total(report, SPACE_HEAP, 40000000, 81234, 2, 3000000, 7);
	total = &report->totals.items[0];
	total->estimate = true;
	total->bytes_error = 1600000.25;
	total->blocks_error = 20000.5;
	sample_total(report, SPACE_MAPPING, 1048576, 1, 1, 0, 0);
	sample_frame(sample_stack(report, 39000000, 81232),
		     (struct frame){ .function = "main", .module = "a" });
	sample_figures(report)->estimate = true;
	sample_figures(report)->bytes_error = 1590000;
	sample_figures(report)->blocks_error = 20000;
	sample_frame(sample_stack(report, 1048576, 1),
		     (struct frame){ .function = "map", .module = "a" });
	sample_figures(report)->space = SPACE_MAPPING;
	sample_frame(sample_stack(report, 1000000, 2),
		     (struct frame){ .function = "load", .module = "a" });
	sample_figures(report)->estimate = true;
	sample_figures(report)->bytes_error = 5000;
	sample_figures(report)->blocks_error = 0.01;
	return report;
}

/* Resident pages, with the resident set beside them. */
static inline struct report *sample_growth(void)
{
	struct report *report = sample_empty();
	struct space_total *total;

	report->snapshot->fault_period = 16;
	report->snapshot->resident_bytes = 53 << 20;
	report->snapshot->resident_at_start = 12 << 20;
	sample_total(report, SPACE_RESIDENT, 40 << 20, 10240, 2, 4096, 1);
	total = &report->totals.items[0];
	total->estimate = true;
	total->bytes_error = 1600000.25;
	total->blocks_error = 390.5;
	sample_frame(sample_stack(report, 40 << 20, 10240),
		     (struct frame){ .function = "touch", .module = "a" });
	sample_figures(report)->space = SPACE_RESIDENT;
	sample_figures(report)->estimate = true;
	sample_figures(report)->bytes_error = 1590000;
	sample_figures(report)->blocks_error = 388;
	return report;
}

/* As sample_process(), for formats that want every stack. */
static inline struct report *sample_everything(void)
{
	struct report *report = sample_process();
	struct report_stack *stack;

	/* The same again, but for the address in the innermost frame. */
	stack = sample_stack(report, 100, 3);
	sample_server_frames(stack);
	stack->frames.items[0].line++;
	stack = sample_stack(report, 0, 0);
	sample_figures(report)->space = SPACE_MAPPING;
	sample_frame(stack, (struct frame){ .function = "map; unmap" });
	stack = sample_stack(report, 1024, 1);
	sample_figures(report)->space = SPACE_MAPPING;
	sample_frame(stack, (struct frame){ .function = "map; unmap" });
	*sample_push(&report->suppressed) =
		(struct suppressed){ "^known*leak", 2, 3, 4096 };
	report->snapshot->cost = (struct own_cost){
		.period_ns = 5 * SAMPLE_SECOND,
		.hits = 1000,
		.bpf_ns = 250000.5,
		.bpf_known = true,
		.traps_ns = 1200000,
		.traps_known = true,
		.own_ns = 8000000,
		.budget_percent = 5,
		.over_budget = true,
	};
	while (report->top.count > 2)
		*sample_push(&report->rest) =
			report->top.items[--report->top.count];
	sample_push(&report->rest)->figures =
		&report->snapshot->stacks.items[2];
	report->stacks_matching = 4;
	report->snapshot->stacks.items[0].lifetimes[0] = 1;
	report->snapshot->stacks.items[0].lifetimes[LIFETIME_BUCKETS - 1] = 2;
	report->top.items[0].judgement = (struct judgement){
		.verdict = VERDICT_LEAKING,
		.observed_ns = 15 * SAMPLE_SECOND,
		.survivors = 5000,
		.survivor_age_ns = SAMPLE_SECOND / 5,
		.freed_p99_ns = 20000000,
		.generations = 8,
		.generations_alive = 7,
		.bytes_per_second = 251658.25,
		.growing_ns = 14 * SAMPLE_SECOND,
	};
	return report;
}

/* Names that a hostile target chose. */
static inline struct report *sample_hostile(void)
{
	struct report *report = sample_empty();

	report->reason = REPORT_LAST;
	report->target = "\033]0;owned\a";
	report->end = "target killed by signal 9\nfake line";
	sample_total(report, SPACE_HEAP, 64, 1, 1, 64, 1);
	sample_frame(sample_stack(report, 64, 1),
		     (struct frame){ .function = "\033[2Jclear\n 2. fake",
				     .file = "a\xe2\x80\xae"
					     "b\xff.c\"\\",
				     .line = 7,
				     .module = "lib\xc3.so\t\xc2\x9b"
					       "1m",
				     .path = "/tmp/\xed\xa0\x80",
				     .build_id = "ab\x01" });
	return report;
}

/* Names and figures too long for any terminal. */
/* A stack too deep to be shown whole. */
static inline struct report *sample_deep(void)
{
	static const char *const names[] = { "leaf", "recurse", "main" };
	struct report *report = sample_empty();
	struct report_stack *stack;

	sample_total(report, SPACE_HEAP, 100, 1, 1, 100, 1);
	stack = sample_stack(report, 100, 1);
	for (int i = 0; i < 60; i++)
		sample_frame(stack,
			     (struct frame){ .function = names[i == 0	 ? 0
							       : i == 59 ? 2
									 : 1],
					     .offset = (uint64_t)i,
					     .module = "deep" });
	return report;
}

static inline struct report *sample_long(void)
{
	struct report *report = sample_empty();
	struct report_stack *stack;

	report->elapsed_ns = 100000 * SAMPLE_SECOND;
	report->at_least = true;
	report->older_than_ns = 3599 * SAMPLE_SECOND;
	sample_total(report, SPACE_HEAP, 1073741000, 123456789, 12345,
		     -1073741000, 0);
	stack = sample_stack(report, 1073741000, 123456789);
	stack->bytes_change = -1073741000;
	sample_frame(
		stack,
		(struct frame){
			.function =
				"std::vector<std::pair<std::string, unsigned "
				"long>, std::allocator<std::pair<std::string, "
				"unsigned long> > >::_M_realloc_insert<"
				"std::string const&, unsigned long&>",
			.file = "/usr/include/c++/12/bits/stl_vector_with_a_"
				"long_name.tcc",
			.line = 1045,
			.module = "libcompany-product-plugin-interface.so.12",
			.inlined = true,
			.guessed = true });
	sample_frame(stack,
		     (struct frame){ .function = "n\xc3\xa4me_of_a_function",
				     .file = "/home/builder/work/"
					     "very/long/directory/source.c",
				     .line = 99,
				     .module = "program" });
	sample_frame(stack, (struct frame){
				    .module = "libwithout-any-symbols.so.1.2.3",
				    .build_id = "9f3c1d5a7b2e4860c1d2e3f405162"
						"738495a6b7c",
				    .address = 0x41b30 });
	sample_figures(report)->flaw = FLAW_UNREADABLE;
	report->snapshot->stacks_incomplete = 1;
	*sample_push(&report->snapshot->losses) = (struct loss){
		.name = "stacks_not_recorded",
		.text = "allocations whose call stack was not recorded, "
			"because there was no room for another one",
		.remedy = "raise --max-stacks to 64K or, where memory is "
			  "short, look at large blocks only with --min-size",
		.count = 99,
	};
	return report;
}

/* What a format writes of a report, without a failure; to be freed. */
static inline char *sample_written(const char *format,
				   const struct report *report,
				   const struct report_style *style)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	int status;

	assert(stream);
	status = report_format_find(format)->write(stream, report, style);
	assert(!status);
	status = fclose(stream);
	assert(!status && strlen(text) == size);
	return text;
}

#endif
