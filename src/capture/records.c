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
#include "util/cleanup.h"
#include "util/clock.h"

_Static_assert(ABI_LIFETIME_BUCKETS == LIFETIME_BUCKETS,
	       "the model and the BPF objects count lifetimes alike");
_Static_assert((int)ABI_FLAW_LOST == (int)FLAW_LOST,
	       "the model and the BPF objects number flaws alike");

#define EVENTS_BYTES_MIN (4u << 20)
#define EVENTS_BYTES_MAX (64u << 20)
#define EVENTS_BYTES_PER_STACK 512

struct counter_text {
	enum abi_counter counter;
	const char *name, *text, *remedy;
	bool understates;
	int bytes; /* the counter of the bytes lost, -1 = none */
};

static const struct counter_text counter_texts[] = {
	{ ABI_BLOCKS_NOT_RECORDED, "blocks_not_recorded",
	  "allocations not recorded: table of live blocks full",
	  "raise --max-blocks", true, ABI_BYTES_NOT_RECORDED },
	{ ABI_STACKS_NOT_STORED, "stacks_not_stored",
	  "allocations without their call stack: table of stacks full",
	  "raise --max-stacks", false, -1 },
	{ ABI_MAPPINGS_LOST, "mappings_lost",
	  "mmap, munmap and mremap calls lost: event buffer full", NULL, true,
	  -1 },
	{ ABI_CALLS_TOO_DEEP, "calls_too_deep",
	  "allocator calls not followed: too many nested in a thread", NULL,
	  true, -1 },
	{ ABI_THREADS_NOT_TRACKED, "threads_not_tracked",
	  "allocator calls not followed: too many threads", NULL, true, -1 },
	{ ABI_CALLS_ABANDONED, "calls_abandoned",
	  "allocator calls that never returned (longjmp, or a missed probe)",
	  NULL, false, -1 },
	{ ABI_BLOCKS_REPLACED, "blocks_replaced",
	  "addresses handed out again without a free that was seen", NULL,
	  false, -1 },
	{ ABI_RESULTS_UNREADABLE, "results_unreadable",
	  "posix_memalign results that could not be read", NULL, true, -1 },
	{ ABI_LABELS_LOST, "labels_lost",
	  "names of slab caches and devices lost: event buffer full", NULL,
	  false, -1 },
	{ ABI_BULK_NOT_FOLLOWED, "bulk_not_followed",
	  "objects freed or allocated in bulk that were not followed", NULL,
	  false, -1 },
	{ ABI_LIFECYCLE_LOST, "lifecycle_lost",
	  "exec and exit events lost: event buffer full", NULL, true, -1 },
	{ ABI_PROCESSES_NOT_TRACED, "processes_not_traced",
	  "new processes not traced: too many at once", NULL, true, -1 },
};

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

/* What the live blocks of one stack add up to. Index = stack id. */
struct stack_ages {
	struct sampling_weight sum; /* old enough */
	uint64_t oldest_born_ns;
};

struct age_walk {
	const struct records *records;
	const struct snapshot *snapshot;
	struct stack_ages *ages;
	struct birth_counts *births;
	uint32_t last_stack;
	uint64_t born_before_ns;
};

static int age_add(void *context, const struct abi_block_key *key,
		   const struct abi_block *block)
{
	const struct age_walk *walk = context;
	struct sampling_weight weight;
	struct stack_ages *ages;

	(void)key;
	if (block->stack > walk->last_stack)
		return 0;
	weight = records_weight(walk->records, block);
	snapshot_count_birth(walk->snapshot, &walk->births[block->stack],
			     block->born_ns,
			     walk->records->sample_bytes
				     ? sampling_bytes(weight.bytes)
				     : weight.bytes);
	if (block->born_ns > walk->born_before_ns)
		return 0;
	ages = &walk->ages[block->stack];
	ages->sum.blocks += weight.blocks;
	ages->sum.bytes += weight.bytes;
	ages->sum.blocks_variance += weight.blocks_variance;
	ages->sum.bytes_variance += weight.bytes_variance;
	if (!ages->oldest_born_ns || block->born_ns < ages->oldest_born_ns)
		ages->oldest_born_ns = block->born_ns;
	return 0;
}

struct list_walk {
	struct snapshot *snapshot;
	const size_t *index_of; /* of stacks in the snapshot, + 1; 0 = none */
	uint32_t last_stack;
	uint64_t born_before_ns;
};

static int block_list(void *context, const struct abi_block_key *key,
		      const struct abi_block *block)
{
	const struct list_walk *walk = context;
	struct stack_figures *figures;
	struct block *listed;

	if (block->stack > walk->last_stack || !walk->index_of[block->stack] ||
	    block->born_ns > walk->born_before_ns)
		return 0;
	figures =
		&walk->snapshot->stacks.items[walk->index_of[block->stack] - 1];
	listed = vector_push(&figures->listed);
	if (!listed)
		return -ENOMEM;
	listed->address = key->address;
	listed->size = block->size;
	listed->born_ns = block->born_ns;
	return 0;
}

static int block_compare_age(const void *left, const void *right)
{
	const struct block *a = left, *b = right;

	return a->born_ns < b->born_ns ? -1 : a->born_ns > b->born_ns;
}

/* Lists the blocks of the stacks from index `first` of the snapshot on. */
static int blocks_list(struct records *records, struct snapshot *snapshot,
		       size_t first, const struct age_walk *ages,
		       struct error *error)
{
	auto_free size_t *index_of =
		calloc((size_t)ages->last_stack + 1, sizeof(*index_of));
	struct list_walk walk = {
		.snapshot = snapshot,
		.index_of = index_of,
		.last_stack = ages->last_stack,
		.born_before_ns = ages->born_before_ns,
	};
	int result;

	if (!index_of)
		return error_set(error, ENOMEM, "out of memory");
	for (size_t i = first; i < snapshot->stacks.count; i++)
		index_of[snapshot->stacks.items[i].id] = i + 1;
	result = live_blocks_visit(&records->live, block_list, &walk, error);
	if (result == -ENOMEM)
		error_set(error, ENOMEM, "out of memory");
	for (size_t i = first; i < snapshot->stacks.count; i++) {
		struct stack_figures *figures = &snapshot->stacks.items[i];

		if (figures->listed.count)
			qsort(figures->listed.items, figures->listed.count,
			      sizeof(struct block), block_compare_age);
	}
	return result;
}

/* Frees are read before allocations, which BPF writes in the other order. */
static void figures_read(struct stack_figures *figures,
			 const struct abi_stack_totals *totals,
			 bool totals_only)
{
	figures->frees = __atomic_load_n(&totals->frees, __ATOMIC_ACQUIRE);
	figures->freed_bytes =
		__atomic_load_n(&totals->freed_bytes, __ATOMIC_ACQUIRE);
	for (size_t i = 0; !totals_only && i < LIFETIME_BUCKETS; i++)
		figures->lifetimes[i] = totals->lifetimes[i];
	figures->allocations =
		__atomic_load_n(&totals->allocations, __ATOMIC_ACQUIRE);
	figures->allocated_bytes =
		__atomic_load_n(&totals->allocated_bytes, __ATOMIC_ACQUIRE);
}

static uint64_t difference(uint64_t more, uint64_t less)
{
	return more > less ? more - less : 0;
}

/* Turns figures that were added up of samples into blocks and bytes. */
static void figures_estimate(struct stack_figures *figures,
			     const struct sampling_weight *outstanding,
			     uint64_t sample_bytes)
{
	uint64_t *const blocks[] = { &figures->allocations, &figures->frees,
				     &figures->blocks };
	uint64_t *const bytes[] = { &figures->allocated_bytes,
				    &figures->freed_bytes, &figures->bytes };

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		*blocks[i] = sampling_blocks(*blocks[i]);
		*bytes[i] = sampling_bytes(*bytes[i]);
	}
	for (size_t i = 0; i < LIFETIME_BUCKETS; i++)
		figures->lifetimes[i] = sampling_blocks(figures->lifetimes[i]);
	sampling_errors(figures, outstanding->blocks_variance,
			outstanding->bytes_variance, sample_bytes);
}

static void weight_add(struct sampling_weight *sum,
		       const struct sampling_weight *weight)
{
	sum->blocks += weight->blocks;
	sum->bytes += weight->bytes;
	sum->blocks_variance += weight->blocks_variance;
	sum->bytes_variance += weight->bytes_variance;
}

/* What is to be left out of a stack's totals. */
static struct sampling_weight departed_of(const struct records *records,
					  size_t stack)
{
	struct sampling_weight sum = { 0 };

	if (stack < records->gone.count)
		weight_add(&sum, &records->gone.items[stack]);
	if (stack < records->ended.count && !records->show_ended)
		weight_add(&sum, &records->ended.items[stack]);
	return sum;
}

/* ages: only those that are old enough, NULL = all that is outstanding. */
static void figures_fill(const struct records *records,
			 struct stack_figures *figures,
			 const struct abi_stack_totals *totals,
			 const struct stack_ages *ages, bool totals_only)
{
	struct sampling_weight outstanding = { 0 }, departed;

	figures_read(figures, totals, totals_only);
	departed = departed_of(records, (size_t)(totals - records->totals));
	figures->allocations -= departed.blocks;
	figures->allocated_bytes -= departed.bytes;
	if (ages) {
		outstanding = ages->sum;
	} else {
		outstanding.blocks =
			difference(figures->allocations, figures->frees);
		outstanding.bytes = difference(figures->allocated_bytes,
					       figures->freed_bytes);
		outstanding.blocks_variance =
			totals->blocks_variance - departed.blocks_variance;
		outstanding.bytes_variance =
			totals->bytes_variance - departed.bytes_variance;
	}
	figures->blocks = outstanding.blocks;
	figures->bytes = outstanding.bytes;
	if (records->sample_bytes)
		figures_estimate(figures, &outstanding, records->sample_bytes);
}

/* One stack's figures, unless it has none or is filtered out. */
static int stack_add(struct records *records, struct snapshot *snapshot,
		     uint32_t stack, const struct age_walk *walk,
		     bool only_older, owner_filter *filter, void *context)
{
	static const struct known_stack unknown = { .flaw = FLAW_LOST };
	const struct known_stack *known =
		stack < records->stacks.count &&
				records->stacks.items[stack].known
			? &records->stacks.items[stack]
			: &unknown;
	const struct stack_ages *ages = walk->ages ? &walk->ages[stack] : NULL;
	struct stack_figures *figures;
	enum space space;
	uint32_t process;

	if (!records->totals[stack].allocations || known->left_out ||
	    !filter(context, known->owner, &space, &process))
		return 0;
	figures = vector_push(&snapshot->stacks);
	if (!figures)
		return -ENOMEM;
	figures->id = stack;
	figures->space = space;
	figures->process = process;
	figures->flaw = known->flaw;
	figures->locations = known->locations;
	figures->location_count = known->location_count;
	figures_fill(records, figures, &records->totals[stack],
		     only_older ? ages : NULL, !ages);
	if (ages && figures->blocks)
		figures->oldest_born_ns = ages->oldest_born_ns;
	if (walk->births)
		figures->births = &walk->births[stack];
	return 0;
}

/* Walks the live blocks for what only they tell. */
static int ages_walk(struct records *records, struct snapshot *snapshot,
		     struct age_walk *walk, struct error *error)
{
	struct birth_counts **births = vector_push(&snapshot->births);
	size_t stacks = (size_t)walk->last_stack + 1;

	if (births)
		*births = calloc(stacks, sizeof(**births));
	walk->ages = calloc(stacks, sizeof(*walk->ages));
	if (!births || !*births || !walk->ages)
		return error_set(error, ENOMEM, "out of memory");
	walk->births = *births;
	return live_blocks_visit(&records->live, age_add, walk, error);
}

int records_snapshot(struct records *records, struct snapshot *snapshot,
		     const struct snapshot_request *request,
		     owner_filter *filter, void *context, struct error *error)
{
	bool only_older = request->older_ns && !snapshot->totals_only;
	struct age_walk walk = {
		.records = records,
		.snapshot = snapshot,
		.last_stack = *records->maps.last_stack < records->max_stacks
				      ? *records->maps.last_stack
				      : records->max_stacks,
		.born_before_ns = only_older ? difference(clock_monotonic_ns(),
							  request->older_ns)
					     : UINT64_MAX,
	};
	size_t first = snapshot->stacks.count;
	int result = 0;

	if (!snapshot->totals_only)
		result = ages_walk(records, snapshot, &walk, error);
	for (uint32_t stack = 0; !result && stack <= walk.last_stack; stack++)
		if (stack_add(records, snapshot, stack, &walk, only_older,
			      filter, context))
			result = error_set(error, ENOMEM, "out of memory");
	if (!result && request->list_blocks && !snapshot->totals_only)
		result = blocks_list(records, snapshot, first, &walk, error);
	free(walk.ages);
	return result;
}

int records_losses(const struct records *records, struct snapshot *snapshot)
{
	const uint64_t *counters = records->maps.counters;

	for (size_t i = 0; i < sizeof(counter_texts) / sizeof(counter_texts[0]);
	     i++) {
		const struct counter_text *text = &counter_texts[i];
		struct loss *loss;

		if (!counters[text->counter])
			continue;
		loss = vector_push(&snapshot->losses);
		if (!loss)
			return -ENOMEM;
		loss->name = text->name;
		loss->text = text->text;
		loss->remedy = text->remedy;
		loss->understates = text->understates;
		loss->count = counters[text->counter];
		loss->bytes = text->bytes < 0 ? 0 : counters[text->bytes];
	}
	snapshot->unmatched_frees += counters[ABI_UNMATCHED_FREES];
	return 0;
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
	weight_add(&departed->items[block->stack], &weight);
	return 0;
}

int records_drop_owner(struct records *records, uint64_t owner,
		       struct error *error)
{
	struct owner_walk walk = { .records = records, .owner = owner };

	return live_blocks_visit(&records->live, block_drop, &walk, error);
}
