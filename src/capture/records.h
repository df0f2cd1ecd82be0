/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both BPF objects keep, seen from user space: the stacks they reported,
 * the totals and ages in their arrays, the live blocks, the counters. Knows
 * the maps by handle only, not the skeleton that they belong to.
 */
#ifndef LEAKTRACE_CAPTURE_RECORDS_H
#define LEAKTRACE_CAPTURE_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "bpf/sampling.h"
#include "capture/capture.h"
#include "capture/live_blocks.h"
#include "model/snapshot.h"
#include "util/error.h"

/* The parts of a loaded skeleton that records reads; all stay its own. */
struct record_maps {
	struct bpf_map *slots, *overflow, *totals, *stack_ids, *events;
	struct bpf_map *stack_numbers;
	struct bpf_program *walk_overflow;
	struct abi_config *config;     /* .rodata, before loading */
	struct abi_sampling *sampling; /* .rodata, before loading */
	uint64_t *overflow_blocks;     /* .bss */
	const uint64_t *counters;      /* .bss, ABI_COUNTERS of them */
	const uint32_t *last_stack;    /* .bss */
};

/* The record_maps of a skeleton, open or loaded. */
#define RECORD_MAPS(skeleton)                                                 \
	((struct record_maps){                                                \
		.slots = (skeleton)->maps.slots,                              \
		.overflow = (skeleton)->maps.overflow,                        \
		.totals = (skeleton)->maps.totals,                            \
		.stack_ids = (skeleton)->maps.stack_ids,                      \
		.events = (skeleton)->maps.events,                            \
		.stack_numbers = (skeleton)->maps.stack_numbers,              \
		.walk_overflow = (skeleton)->progs.walk_overflow,             \
		.config = &(skeleton)->rodata->config,                        \
		.sampling =                                                   \
			(struct abi_sampling *)&(skeleton)->rodata->sampling, \
		.overflow_blocks =                                            \
			(uint64_t *)&(skeleton)->bss->overflow_blocks,        \
		.counters = (const uint64_t *)(skeleton)->bss->counters,      \
		.last_stack = (const uint32_t *)&(skeleton)->bss->last_stack, \
	})

/* A call stack as it was reported when it was first seen. */
struct known_stack {
	bool known;
	uint64_t owner;
	bool left_out; /* what it did is not the program's own */
	enum stack_flaw flaw;
	struct location *locations; /* owned, innermost first */
	size_t location_count;
};

/*
 * Blocks that went with their process or program, by stack: the totals that
 * BPF keeps have them for ever.
 */
typedef VECTOR(struct sampling_weight) departed_blocks;

struct records {
	struct record_maps maps;
	uint32_t max_stacks;
	uint64_t sample_bytes; /* of level 1; 0 = totals are exact */
	struct abi_sampling sampling;
	struct live_blocks live;
	struct abi_stack_totals *totals;   /* mapped, index = stack id */
	VECTOR(struct known_stack) stacks; /* index = stack id */
	departed_blocks gone;		   /* left out of all figures */
	departed_blocks ended;		   /* these too, unless: */
	bool show_ended;
};

/*
 * Sizes the maps that every object has and fills the settings that they
 * share; before loading. Returns 0 or -errno.
 */
int records_prepare(const struct record_maps *maps,
		    const struct capture_options *options, struct error *error);

/* The message of a failed load: returns code, negative. */
int records_load_failed(int code, struct error *error);

/* Maps the arrays of a loaded object; records is to be zeroed. */
int records_open(struct records *records, const struct record_maps *maps,
		 const struct capture_options *options, struct error *error);
void records_close(struct records *records);

/*
 * Keeps the stack of an event, its locations all absolute addresses of
 * `object`: the caller puts them right. -EINVAL for a damaged event, -ENOMEM.
 */
int records_add_stack(struct records *records,
		      const struct abi_event_stack *event, size_t size,
		      uint32_t object, struct known_stack **added);

/* What a snapshot is asked for. */
struct snapshot_request {
	uint64_t older_ns; /* only blocks at least this old; 0 = all */
	bool list_blocks;
};

/*
 * Appends the figures of all stacks to the snapshot. For each, space_of()
 * says which space its owner is and whether it is to be left out (false).
 * Returns 0 or -errno.
 */
typedef bool owner_filter(void *context, uint64_t owner, enum space *space,
			  uint32_t *process);
int records_snapshot(struct records *records, struct snapshot *snapshot,
		     const struct snapshot_request *request,
		     owner_filter *filter, void *context, struct error *error);

/* Appends a loss, unless it is of nothing. 0 or -ENOMEM. */
int record_loss(struct snapshot *snapshot, const struct loss *loss);

/* Appends what the BPF programs counted as lost. */
int records_losses(const struct records *records, struct snapshot *snapshot);

/* What a block counts for in the totals, as the BPF programs have it. */
struct sampling_weight records_weight(const struct records *records,
				      const struct abi_block *block);

/*
 * Removes a live block whose owner is gone, and adds what it counted for to
 * departed, one of the records' own. 0 or -ENOMEM.
 */
int records_depart(struct records *records, const struct abi_block_key *key,
		   const struct abi_block *block, departed_blocks *departed);

/*
 * Removes the live blocks of an owner that is gone. Its stacks are to be left
 * out by the filter; blocks without a stack are booked as freed. 0 or -errno.
 */
int records_drop_owner(struct records *records, uint64_t owner,
		       struct error *error);

#endif
