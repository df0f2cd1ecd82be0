// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshots of a process: the heap from BPF's records, mappings from the ledger. */
#include <errno.h>
#include <string.h>

#include "bpf/sampling.h"
#include "bpf/user.skel.h"
#include "capture/program_totals.h"
#include "capture/user_capture.h"
#include "util/clock.h"

/* Only stacks of the running image; the heap's, the ledger has its own. */
static bool stack_is_heap(void *context, uint64_t owner, enum space *space,
			  uint32_t *process)
{
	const struct user_capture *user = context;
	const struct user_process *owned = user_process_of(user, owner);

	*space = SPACE_HEAP;
	*process = 0;
	if (user->many)
		return true; /* others may share it: user_share() says who */
	*process = owned ? (uint32_t)owned->target->pid : 0;
	return owner == 0 || owned;
}

static int mapping_list(struct stack_figures *figures,
			const struct mapping_range *range)
{
	struct block *block = vector_push(&figures->listed);

	if (!block)
		return -ENOMEM;
	block->address = range->start;
	block->size = range->end - range->start;
	block->born_ns = range->born_ns;
	return 0;
}

/* What one stack's mmaps and munmaps add up to. */
static void mapping_totals_read(struct user_process *process, uint32_t stack,
				struct stack_figures *figures)
{
	const struct mapping_totals *totals =
		&process->ledger.totals.items[stack];
	const struct known_stack *known =
		stack < process->user->records.stacks.count
			? &process->user->records.stacks.items[stack]
			: NULL;

	figures->id = stack;
	if (process->user->many) /* a stack may be several processes' */
		figures->id |= process->image << 32;
	figures->space = SPACE_MAPPING;
	figures->process = (uint32_t)process->target->pid;
	figures->allocations = totals->allocations;
	figures->allocated_bytes = totals->allocated_bytes;
	figures->frees = totals->frees;
	figures->freed_bytes = totals->freed_bytes;
	memcpy(figures->lifetimes, totals->lifetimes,
	       sizeof(figures->lifetimes));
	figures->label = mapping_names_find(&process->mapping_names, stack);
	figures->flaw = FLAW_LOST;
	if (known && known->known) {
		figures->flaw = known->flaw;
		figures->locations = known->locations;
		figures->location_count = known->location_count;
	}
}

/* What is outstanding is in the ranges. */
static int mapping_ranges_read(struct user_process *process,
			       const struct snapshot *snapshot,
			       struct birth_counts *births,
			       struct stack_figures *figures)
{
	uint64_t now = clock_monotonic_ns();

	for (size_t i = 0; i < process->ledger.ranges.count; i++) {
		const struct mapping_range *range =
			&process->ledger.ranges.items[i];

		if (range->stack != (uint32_t)figures->id)
			continue;
		snapshot_count_birth(snapshot, births, range->born_ns,
				     range->end - range->start);
		if (now - range->born_ns < process->user->options.older_ns)
			continue;
		figures->blocks++;
		figures->bytes += range->end - range->start;
		if (!figures->oldest_born_ns ||
		    range->born_ns < figures->oldest_born_ns)
			figures->oldest_born_ns = range->born_ns;
		if (process->user->options.list_blocks &&
		    mapping_list(figures, range))
			return -ENOMEM;
	}
	figures->births = births;
	return 0;
}

/* Names may come late, and are not to be had when the process is gone. */
static int mappings_name(struct user_process *process)
{
	struct process_maps maps = { 0 };
	struct error error;
	int result;

	if (!process->ledger.ranges.count ||
	    process_maps_read(&maps, process->target->pid, &error))
		return 0;
	result = mapping_names_update(&process->mapping_names, &process->ledger,
				      &maps);
	process_maps_free(&maps);
	return result;
}

static int mappings_snapshot(struct user_process *process,
			     struct snapshot *snapshot)
{
	size_t count = process->ledger.totals.count;
	struct birth_counts **births = NULL;

	if (!snapshot->totals_only && mappings_name(process))
		return -ENOMEM;
	if (!snapshot->totals_only && count) {
		births = vector_push(&snapshot->births);
		if (births)
			*births = calloc(count, sizeof(**births));
		if (!births || !*births)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		struct stack_figures *figures;

		if (!process->ledger.totals.items[i].allocations)
			continue;
		figures = vector_push(&snapshot->stacks);
		if (!figures)
			return -ENOMEM;
		mapping_totals_read(process, (uint32_t)i, figures);
		if (births && mapping_ranges_read(process, snapshot,
						  &(*births)[i], figures))
			return -ENOMEM;
	}
	return 0;
}

/* Compilers that list their code late name it in stacks seen before, too. */
static void generated_code_name(struct user_process *process)
{
	struct user_capture *user = process->user;

	if (!address_space_read_names(&process->space))
		return;
	for (size_t i = 0; i < user->records.stacks.count; i++) {
		struct known_stack *known = &user->records.stacks.items[i];

		if (known->owner != process->image)
			continue;
		for (size_t j = 0; j < known->location_count; j++)
			if (known->locations[j].object == OBJECT_NONE)
				address_space_name(&process->space,
						   &known->locations[j]);
	}
}

/* Of a map that is too large nothing is read. */
static int generated_code_loss(const struct user_process *process,
			       struct snapshot *snapshot)
{
	struct loss *loss;

	if (!process->space.generated.too_large)
		return 0;
	loss = vector_push(&snapshot->losses);
	if (!loss)
		return -ENOMEM;
	loss->name = "generated_code_not_read";
	loss->text = "map of generated code too large to be read";
	loss->count = 1;
	loss->bytes = (uint64_t)process->space.generated.read.st_size;
	return 0;
}

/* How far the figures are estimates; until the first level, they are exact. */
static void sampling_describe(const struct user_capture *user,
			      struct snapshot *snapshot)
{
	uint32_t level = user->skeleton->bss->sample_level;

	snapshot->sampled = user->skeleton->bss->sampling_began;
	if (level)
		snapshot->sample_bytes =
			sampling_interval(user->options.sample_bytes, level);
	if (!snapshot->sampled)
		for (size_t i = 0; i < snapshot->stacks.count; i++)
			snapshot->stacks.items[i].estimate = false;
}

int user_loss(struct snapshot *snapshot, uint64_t count, const char *name,
	      const char *text, const char *remedy)
{
	const struct loss loss = {
		.name = name,
		.text = text,
		.remedy = remedy,
		.count = count,
	};

	return record_loss(snapshot, &loss);
}

/* Processes of which nothing is known. */
static int process_losses(const struct user_capture *user,
			  struct snapshot *snapshot)
{
	if (user_loss(snapshot, user->unseen, "processes_unseen",
		      "processes ended before they could be traced", NULL))
		return -ENOMEM;
	if (user_loss(
		    snapshot, user->late_images, "images_late",
		    "programs executed by another thread than the first were traced a little late",
		    NULL))
		return -ENOMEM;
	return user_loss(snapshot, user->unprobed, "processes_unprobed",
			 "processes without an allocator that is known", NULL);
}

int user_snapshot(struct capture *capture, struct snapshot *snapshot,
		  struct error *error)
{
	struct user_capture *user = (struct user_capture *)capture;
	const struct snapshot_request request = {
		.older_ns = user->options.older_ns,
		.list_blocks = user->options.list_blocks,
	};
	int result = user_sweep(user, error);

	if (result)
		return result;
	while (user->leaving.count)
		user_process_free(user->leaving.items[--user->leaving.count]);
	for (size_t i = 0; !snapshot->totals_only && i < user->processes.count;
	     i++)
		generated_code_name(user->processes.items[i]);
	result = records_snapshot(&user->records, snapshot, &request,
				  stack_is_heap, user, error);
	if (!result && user->many && !snapshot->totals_only)
		result = user_share(user, snapshot, error);
	if (result)
		return result;
	sampling_describe(user, snapshot);
	/* That is since the last time that it was asked for. */
	if (!snapshot->totals_only)
		snapshot->cost = cost_watch_report(&user->watch);
	for (size_t i = 0; i < user->processes.count; i++)
		if (mappings_snapshot(user->processes.items[i], snapshot) ||
		    generated_code_loss(user->processes.items[i], snapshot))
			return error_set(error, ENOMEM, "out of memory");
	for (size_t i = 0;
	     user->records.show_ended && i < user->ended_mappers.count; i++)
		if (mappings_snapshot(user->ended_mappers.items[i], snapshot))
			return error_set(error, ENOMEM, "out of memory");
	if (records_losses(&user->records, snapshot) ||
	    process_losses(user, snapshot) ||
	    program_losses(user->skeleton->obj, BPF_PROG_TYPE_KPROBE, snapshot))
		return error_set(error, ENOMEM, "out of memory");
	if (snapshot->sampled)
		snapshot->unmatched_frees = 0; /* not known any more */
	return user_account(user, snapshot, error);
}
