/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one call stack, made up: blocks that are born and die at given
 * times, and the snapshots and history that leaktrace would have of them.
 */
#ifndef LEAKTRACE_TESTS_LIFE_H
#define LEAKTRACE_TESTS_LIFE_H

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "judge/history.h"
#include "judge/verdict.h"
#include "model/snapshot.h"

#define LIFE_START (UINT64_C(1000) * 1000000000) /* CLOCK_MONOTONIC */
#define LIFE_NEVER INFINITY

struct life_block {
	double born, dies; /* seconds since tracing began */
	uint64_t size;
};

struct life {
	VECTOR(struct life_block) blocks;
	unsigned random;
	bool sampled; /* each block seen stands for ten */
};

/* Uniform in [0, 1), the same in every run. */
static inline double life_chance(struct life *life)
{
	life->random = life->random * 1103515245u + 12345u;
	return (life->random >> 8 & 0xffff) / 65536.0;
}

/* Exponential with this mean. */
static inline double life_wait(struct life *life, double mean)
{
	return -mean * log(1 - life_chance(life));
}

static inline void life_add(struct life *life, double born, double lives,
			    uint64_t size)
{
	struct life_block *block = vector_push(&life->blocks);

	assert(block);
	block->born = born;
	block->dies = born + lives;
	block->size = size;
}

static inline void life_free(struct life *life)
{
	vector_free(&life->blocks);
}

static inline uint64_t life_ns(double seconds)
{
	return LIFE_START + (uint64_t)(seconds * 1e9);
}

/* The stack's figures at a moment, as capture would fill them. */
static inline void life_figures(const struct life *life, double now,
				struct snapshot *snapshot,
				struct birth_counts *births,
				struct stack_figures *figures)
{
	uint64_t stands_for = life->sampled ? 10 : 1;

	memset(figures, 0, sizeof(*figures));
	memset(births, 0, sizeof(*births));
	figures->id = 7;
	figures->estimate = life->sampled;
	figures->births = births;
	snapshot->taken_ns = life_ns(now);
	snapshot->started_ns = LIFE_START;
	snapshot_set_generations(snapshot, snapshot->taken_ns);
	for (size_t i = 0; i < life->blocks.count; i++) {
		const struct life_block *block = &life->blocks.items[i];

		if (block->born > now)
			continue;
		figures->allocations += stands_for;
		figures->allocated_bytes += stands_for * block->size;
		if (block->dies <= now) {
			uint64_t lived =
				(uint64_t)((block->dies - block->born) * 1e9) +
				1;

			figures->frees += stands_for;
			figures->freed_bytes += stands_for * block->size;
			figures->lifetimes[63 - __builtin_clzll(lived)] +=
				stands_for;
			continue;
		}
		figures->blocks += stands_for;
		figures->bytes += stands_for * block->size;
		snapshot_count_birth(snapshot, births, life_ns(block->born),
				     stands_for * block->size);
	}
}

/* What is thought of it at a moment, looked at every second until then. */
static inline struct judgement life_judge(const struct life *life, double now)
{
	struct history history = { 0 };
	struct judgement judgement;
	struct snapshot snapshot = { 0 };
	struct birth_counts births;
	struct stack_figures *figures = vector_push(&snapshot.stacks);
	double step = now > 600 ? now / 600 : 1;

	assert(figures);
	for (double at = step; at < now + step; at += step) {
		int result;

		life_figures(life, at < now ? at : now, &snapshot, &births,
			     figures);
		snapshot.stacks.count = figures->allocations != 0;
		result = history_look(&history, &snapshot);
		assert(!result);
	}
	verdict_judge(&snapshot, figures, &history,
		      history_find(&history, SPACE_HEAP, 7), &judgement);
	vector_free(&snapshot.stacks);
	history_free(&history);
	return judgement;
}

#endif
