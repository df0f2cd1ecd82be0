// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The figures of each stack for a snapshot, from the totals that BPF keeps and
 * one walk of the live blocks: see records.h.
 */
#include "capture/records.h"

#include <errno.h>
#include <stdlib.h>

#include "capture/sampling.h"
#include "util/cleanup.h"
#include "util/clock.h"

_Static_assert(ABI_LIFETIME_BUCKETS == LIFETIME_BUCKETS,
	       "the model and the BPF objects count lifetimes alike");
_Static_assert((int)ABI_FLAW_LOST == (int)FLAW_LOST,
	       "the model and the BPF objects number flaws alike");

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
	sampling_add(&ages->sum, &weight);
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

/* What is to be left out of a stack's totals. */
static struct sampling_weight departed_of(const struct records *records,
					  size_t stack)
{
	struct sampling_weight sum = { 0 };

	if (stack < records->gone.count)
		sampling_add(&sum, &records->gone.items[stack]);
	if (stack < records->ended.count && !records->show_ended)
		sampling_add(&sum, &records->ended.items[stack]);
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
