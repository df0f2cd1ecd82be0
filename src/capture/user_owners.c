// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose the live blocks are, when several processes are traced: what each
 * holds, which share a stack, and the blocks of those that are gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/block_shares.h"
#include "capture/sampling.h"
#include "capture/user_capture.h"
#include "util/cleanup.h"

/* An image and where its process stands in some list. */
struct owner {
	uint64_t image;
	size_t index;
};

typedef VECTOR(struct owner) owner_vector;

static int by_image(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;

	return a->image < b->image ? -1 : a->image > b->image;
}

static const struct owner *owner_find(const owner_vector *owners,
				      uint64_t image)
{
	const struct owner wanted = { .image = image };

	if (!owners->count)
		return NULL;
	return bsearch(&wanted, owners->items, owners->count, sizeof(wanted),
		       by_image);
}

static int owner_add(owner_vector *owners, uint64_t image, size_t index)
{
	struct owner *owner = vector_push(owners);

	if (!owner)
		return -ENOMEM;
	*owner = (struct owner){ .image = image, .index = index };
	return 0;
}

static void owners_sort(owner_vector *owners)
{
	if (owners->count)
		qsort(owners->items, owners->count, sizeof(owners->items[0]),
		      by_image);
}

/* Adds what a block counts for to a process's sums, as yet in units. */
static void figures_add(const struct records *records,
			struct process_figures *figures,
			const struct abi_block *block)
{
	struct sampling_weight weight = records_weight(records, block);

	if (records->sample_bytes) {
		weight.blocks = sampling_blocks(weight.blocks);
		weight.bytes = sampling_bytes(weight.bytes);
	}
	figures->blocks += weight.blocks;
	figures->bytes += weight.bytes;
}

struct sweep {
	struct user_capture *user;
	owner_vector owners; /* of user->departed */
	struct block_shares shares;
};

/* Notes that a process that ended had blocks of a stack. */
static int ended_share(struct sweep *sweep, uint32_t stack, size_t index)
{
	struct user_capture *user = sweep->user;
	struct ended_share *share;
	int result = block_shares_add(&sweep->shares, stack, (uint32_t)index);

	if (result <= 0)
		return result;
	while (user->ended_shares.count <= stack)
		if (!vector_push(&user->ended_shares))
			return -ENOMEM;
	share = &user->ended_shares.items[stack];
	if (!share->count++)
		share->pid = user->departed.items[index].figures.pid;
	return 0;
}

static int block_sweep(void *context, const struct abi_block_key *key,
		       const struct abi_block *block)
{
	struct sweep *sweep = context;
	struct user_capture *user = sweep->user;
	struct records *records = &user->records;
	const struct owner *owner = owner_find(&sweep->owners, key->owner);
	struct departed_image *departed;

	if (!owner)
		return 0;
	departed = &user->departed.items[owner->index];
	figures_add(records, &departed->figures, block);
	if (departed->by_exit && block->stack <= records->max_stacks &&
	    ended_share(sweep, block->stack, owner->index))
		return -ENOMEM;
	return records_depart(records, key, block,
			      departed->by_exit ? &records->ended
						: &records->gone);
}

int user_sweep(struct user_capture *user, struct error *error)
{
	struct sweep sweep = { .user = user };
	int result = 0;

	if (!user->departed.count)
		return 0;
	for (size_t i = 0; !result && i < user->departed.count; i++)
		result = owner_add(&sweep.owners, user->departed.items[i].image,
				   i);
	owners_sort(&sweep.owners);
	if (!result)
		result = live_blocks_visit(&user->records.live, block_sweep,
					   &sweep, error);
	vector_free(&sweep.owners);
	block_shares_free(&sweep.shares);
	if (result == -ENOMEM)
		error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0; !result && i < user->departed.count; i++) {
		struct process_figures *ended;

		if (!user->departed.items[i].by_exit)
			continue;
		ended = vector_push(&user->ended);
		if (!ended)
			return error_set(error, ENOMEM, "out of memory");
		*ended = user->departed.items[i].figures;
	}
	if (!result)
		user->departed.count = 0;
	return result;
}

struct share_walk {
	const struct user_capture *user;
	struct snapshot *snapshot;
	owner_vector owners; /* of snapshot->processes */
	struct block_shares shares;
	size_t *index_of; /* of stacks in the snapshot, + 1; 0 = none */
	uint32_t last_stack;
};

static int block_share(void *context, const struct abi_block_key *key,
		       const struct abi_block *block)
{
	struct share_walk *walk = context;
	const struct owner *owner = owner_find(&walk->owners, key->owner);
	struct stack_figures *figures;
	int result;

	if (!owner)
		return 0;
	figures_add(&walk->user->records,
		    &walk->snapshot->processes.items[owner->index], block);
	if (block->stack > walk->last_stack || !walk->index_of[block->stack])
		return 0;
	result = block_shares_add(&walk->shares, block->stack,
				  (uint32_t)owner->index);
	if (result <= 0)
		return result;
	figures =
		&walk->snapshot->stacks.items[walk->index_of[block->stack] - 1];
	figures->process =
		figures->process_count
			? 0
			: walk->snapshot->processes.items[owner->index].pid;
	figures->process_count++;
	return 0;
}

/* The processes that run, and those that ended since the last report. */
static int processes_list(struct user_capture *user, struct snapshot *snapshot,
			  owner_vector *owners)
{
	for (size_t i = 0; i < user->processes.count; i++) {
		const struct user_process *process = user->processes.items[i];
		struct process_figures *figures =
			vector_push(&snapshot->processes);

		if (!figures || owner_add(owners, process->image, i))
			return -ENOMEM;
		figures->id = process->image;
		figures->pid = (uint32_t)process->target->pid;
		figures->untraced_ns = process->untraced_ns;
		memcpy(figures->name, process->target->name,
		       sizeof(figures->name));
		for (size_t j = 0; j < process->ledger.ranges.count; j++) {
			const struct mapping_range *range =
				&process->ledger.ranges.items[j];

			figures->blocks++;
			figures->bytes += range->end - range->start;
		}
	}
	owners_sort(owners);
	for (size_t i = 0; i < user->ended.count; i++) {
		struct process_figures *figures =
			vector_push(&snapshot->processes);

		if (!figures)
			return -ENOMEM;
		*figures = user->ended.items[i];
	}
	return 0;
}

/* Those that were told of once are from now on only numbers. */
static void ended_retire(struct user_capture *user, struct snapshot *snapshot)
{
	snapshot->processes_ended = user->ended_before;
	snapshot->ended_blocks = user->ended_blocks;
	snapshot->ended_bytes = user->ended_bytes;
	for (size_t i = 0; i < user->ended.count; i++) {
		user->ended_before++;
		user->ended_blocks += user->ended.items[i].blocks;
		user->ended_bytes += user->ended.items[i].bytes;
	}
	user->ended.count = 0;
}

static void ended_shares_show(const struct user_capture *user,
			      struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		struct stack_figures *figures = &snapshot->stacks.items[i];
		const struct ended_share *share;

		if (figures->space != SPACE_HEAP ||
		    figures->id >= user->ended_shares.count)
			continue;
		share = &user->ended_shares.items[figures->id];
		figures->process = share->count == 1 ? share->pid : 0;
		figures->process_count = share->count;
	}
}

int user_share(struct user_capture *user, struct snapshot *snapshot,
	       struct error *error)
{
	struct share_walk walk = {
		.user = user,
		.snapshot = snapshot,
		.last_stack = user->records.max_stacks,
	};
	int result = processes_list(user, snapshot, &walk.owners);

	walk.index_of =
		calloc((size_t)walk.last_stack + 1, sizeof(*walk.index_of));
	if (!walk.index_of)
		result = -ENOMEM;
	for (size_t i = 0; !result && i < snapshot->stacks.count; i++) {
		const struct stack_figures *figures =
			&snapshot->stacks.items[i];

		if (figures->space == SPACE_HEAP)
			walk.index_of[figures->id] = i + 1;
	}
	if (user->records.show_ended)
		ended_shares_show(user, snapshot);
	if (!result)
		result = live_blocks_visit(&user->records.live, block_share,
					   &walk, error);
	if (!result)
		ended_retire(user, snapshot);
	free(walk.index_of);
	vector_free(&walk.owners);
	block_shares_free(&walk.shares);
	return result == -ENOMEM ? error_set(error, ENOMEM, "out of memory")
				 : result;
}
