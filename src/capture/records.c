// SPDX-License-Identifier: GPL-2.0-or-later
/* What both BPF objects keep, seen from user space: see records.h. */
#include "capture/records.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/sampling.h"
#include "capture/atomics.h"
#include "capture/sampling.h"

#define EVENTS_BYTES_MIN (4u << 20)
#define EVENTS_BYTES_MAX (64u << 20)
#define EVENTS_BYTES_PER_STACK 512

static uint32_t round_up_power_of_two(uint64_t value)
{
	uint32_t rounded = 1;

	while (rounded < value)
		rounded <<= 1;
	return rounded;
}

int records_prepare(const struct record_maps *maps,
		    const struct capture_options *options, struct error *error)
{
	uint64_t event_bytes = options->max_stacks * EVENTS_BYTES_PER_STACK;
	/* Id 0 is ABI_STACK_LOST. */
	uint32_t ids = (uint32_t)options->max_stacks + 1;
	struct abi_config *config = maps->config;
	bool exchange = atomics_have_exchange();
	int result;

	if (event_bytes < EVENTS_BYTES_MIN)
		event_bytes = EVENTS_BYTES_MIN;
	if (event_bytes > EVENTS_BYTES_MAX)
		event_bytes = EVENTS_BYTES_MAX;
	result = live_blocks_prepare(maps->slots, maps->overflow,
				     options->max_blocks, exchange,
				     &config->slot_bits);
	if (!result)
		result = bpf_map__set_max_entries(maps->totals, ids);
	if (!result)
		result = bpf_map__set_max_entries(
			maps->stack_ids, (uint32_t)options->max_stacks);
	if (!result && !exchange)
		result = bpf_map__set_max_entries(
			maps->stack_numbers, (uint32_t)options->max_stacks);
	if (!result)
		result = bpf_map__set_max_entries(
			maps->events, round_up_power_of_two(event_bytes));
	if (result)
		return error_set(error, -result, "cannot size the BPF maps: %s",
				 strerror(-result));
	config->min_size = options->min_size;
	config->max_size = options->max_size ? options->max_size : ~0ULL;
	config->max_stacks = ids;
	config->own_pid = (uint32_t)getpid();
	config->sample_bytes = options->sample_bytes;
	config->estimate = options->sample_bytes != 0;
	if (config->estimate)
		sampling_fill(maps->sampling);
	return 0;
}

int records_load_failed(int code, struct error *error)
{
	bool memory = code == -ENOMEM || code == -E2BIG;

	return error_set(error, -code,
			 "the kernel refuses the BPF programs: %s (%s)",
			 strerror(-code),
			 memory ? "lower --max-blocks or --max-stacks"
				: "-v shows its words");
}

/* The ids of the stacks to come, for programs that cannot count them out. */
static int stack_numbers_fill(const struct record_maps *maps, uint32_t count,
			      struct error *error)
{
	int fd = bpf_map__fd(maps->stack_numbers);

	if (atomics_have_exchange())
		return 0;
	for (uint32_t id = 1; id <= count; id++)
		if (bpf_map_update_elem(fd, NULL, &id, BPF_ANY))
			return error_set(error, errno,
					 "cannot fill the BPF maps: %s",
					 strerror(errno));
	return 0;
}

int records_open(struct records *records, const struct record_maps *maps,
		 const struct capture_options *options, struct error *error)
{
	int result;

	records->maps = *maps;
	records->max_stacks = (uint32_t)options->max_stacks;
	records->sample_bytes = options->sample_bytes;
	sampling_fill(&records->sampling);
	result = stack_numbers_fill(maps, records->max_stacks, error);
	if (result)
		return result;
	result = live_blocks_open(&records->live, maps->slots, maps->overflow,
				  maps->walk_overflow, maps->overflow_blocks,
				  error);
	if (result)
		return result;
	records->totals = array_map_open(maps->totals);
	if (!records->totals) {
		int code = errno;

		records_close(records);
		return error_set(error, code, "cannot map the totals: %s",
				 strerror(code));
	}
	return 0;
}

void records_close(struct records *records)
{
	live_blocks_close(&records->live);
	array_map_close(records->maps.totals, records->totals);
	for (size_t i = 0; i < records->stacks.count; i++)
		free(records->stacks.items[i].locations);
	vector_free(&records->stacks);
	vector_free(&records->gone);
	vector_free(&records->ended);
	memset(records, 0, sizeof(*records));
}

int records_add_stack(struct records *records,
		      const struct abi_event_stack *event, size_t size,
		      uint32_t object, struct known_stack **added)
{
	struct location *locations;
	struct known_stack *known;

	if (size < offsetof(struct abi_event_stack, frames) ||
	    event->frame_count > ABI_FRAMES_MAX ||
	    size < offsetof(struct abi_event_stack, frames) +
			    event->frame_count * sizeof(event->frames[0]) ||
	    event->stack > records->max_stacks)
		return -EINVAL;
	while (records->stacks.count <= event->stack)
		if (!vector_push(&records->stacks))
			return -ENOMEM;
	locations = calloc(event->frame_count + 1, sizeof(*locations));
	if (!locations)
		return -ENOMEM;
	for (uint32_t i = 0; i < event->frame_count; i++) {
		locations[i].object = object;
		locations[i].address = event->frames[i];
	}
	known = &records->stacks.items[event->stack];
	free(known->locations);
	*known = (struct known_stack){
		.known = true,
		.owner = event->owner,
		.flaw = (enum stack_flaw)event->flaw,
		.locations = locations,
		.location_count = event->frame_count,
	};
	*added = known;
	return 0;
}

struct sampling_weight records_weight(const struct records *records,
				      const struct abi_block *block)
{
	struct sampling_weight weight = { .blocks = 1, .bytes = block->size };

	if (records->sample_bytes)
		sampling_weigh(&records->sampling, records->sample_bytes,
			       block->size, block->level, &weight);
	return weight;
}

struct owner_walk {
	struct records *records;
	uint64_t owner;
};

static int block_drop(void *context, const struct abi_block_key *key,
		      const struct abi_block *block)
{
	const struct owner_walk *walk = context;
	struct abi_stack_totals *lost = &walk->records->totals[ABI_STACK_LOST];
	struct sampling_weight weight;

	if (key->owner != walk->owner)
		return 0;
	live_blocks_remove(&walk->records->live, key);
	if (block->stack == ABI_STACK_LOST) {
		weight = records_weight(walk->records, block);
		__atomic_fetch_add(&lost->freed_bytes, weight.bytes,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&lost->frees, weight.blocks,
				   __ATOMIC_RELAXED);
		__atomic_fetch_sub(&lost->blocks_variance,
				   weight.blocks_variance, __ATOMIC_RELAXED);
		__atomic_fetch_sub(&lost->bytes_variance, weight.bytes_variance,
				   __ATOMIC_RELAXED);
	}
	return 0;
}

int records_depart(struct records *records, const struct abi_block_key *key,
		   const struct abi_block *block, departed_blocks *departed)
{
	struct sampling_weight weight = records_weight(records, block);

	live_blocks_remove(&records->live, key);
	if (block->stack > records->max_stacks)
		return 0;
	while (departed->count <= block->stack)
		if (!vector_push(departed))
			return -ENOMEM;
	sampling_add(&departed->items[block->stack], &weight);
	return 0;
}

int records_drop_owner(struct records *records, uint64_t owner,
		       struct error *error)
{
	struct owner_walk walk = { .records = records, .owner = owner };

	return live_blocks_visit(&records->live, block_drop, &walk, error);
}
