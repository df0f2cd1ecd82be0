// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole account of each process's memory, and of each stack's blocks what
 * is resident: one walk of the live blocks for both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/sampling.h"
#include "capture/user_capture.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/units.h"

/*
 * Reading an address space takes its lock for a while and CPU time in
 * proportion to areas and resident pages, and all blocks are walked: in the long run, at most one part of
 * the time in so many, and not more than the burst in advance. Reports in
 * between have the last account and its age.
 */
#define LOOK_PART 20
#define LOOK_BURST_NS (2 * NS_PER_SECOND)

/* So long at once: the other processes' turn is at the next report. */
#define LOOK_MOST_NS (NS_PER_SECOND / 4)

/* An image and its process. */
struct image_owner {
	uint64_t image;
	struct user_process *process;
};

struct account_walk {
	struct user_capture *user;
	struct snapshot *snapshot;
	VECTOR(struct image_owner) owners; /* sorted; processes looked at */
	struct image_owner last;	   /* the last block's */
	size_t last_area;		   /* of its process */
	bool resident;			   /* pages are looked at */
	size_t *index_of; /* of stacks in the snapshot, + 1; 0 = none */
	uint32_t last_stack;
	uint64_t born_before_ns;
	uint64_t unread; /* blocks whose pages were not to be had */
};

static int by_image(const void *left, const void *right)
{
	const struct image_owner *a = left, *b = right;

	return a->image < b->image ? -1 : a->image > b->image;
}

/* Most blocks are the same process's as the one before. */
static struct user_process *process_of(struct account_walk *walk,
				       uint64_t image)
{
	const struct image_owner wanted = { .image = image };
	const struct image_owner *owner;

	if (image == walk->last.image)
		return walk->last.process;
	owner = walk->owners.count
			? bsearch(&wanted, walk->owners.items,
				  walk->owners.count, sizeof(wanted), by_image)
			: NULL;
	walk->last = owner ? *owner : wanted;
	walk->last_area = 0;
	return walk->last.process;
}

/* Most are in the same area, too. */
static size_t area_of(struct account_walk *walk,
		      const memory_area_vector *areas, uint64_t address)
{
	const struct memory_area *last;
	size_t area;

	if (walk->last_area < areas->count) {
		last = &areas->items[walk->last_area];
		if (address >= last->start && address < last->end)
			return walk->last_area;
	}
	area = memory_areas_find(areas, address);
	if (area < areas->count)
		walk->last_area = area;
	return area;
}

static struct stack_figures *figures_of(const struct account_walk *walk,
					uint32_t stack)
{
	if (!walk->index_of || stack > walk->last_stack ||
	    !walk->index_of[stack])
		return NULL;
	return &walk->snapshot->stacks.items[walk->index_of[stack] - 1];
}

/*
 * Adds up what of [start, end) is resident, area by area: a named function's
 * size may be anything, and of a reserve that nobody touched nothing need be
 * read. Returns as page_states_count() does.
 */
static int areas_count(struct process_memory *memory, size_t index,
		       uint64_t start, uint64_t end, struct page_bytes *bytes)
{
	int result = 0;

	for (; !result && index < memory->areas.count; index++) {
		const struct memory_area *area = &memory->areas.items[index];
		uint64_t stop = area->end < end ? area->end : end;

		if (area->start > start || start >= end)
			break;
		if (area->rss || area->swap)
			result = page_states_count(&memory->pages, start, stop,
						   bytes);
		start = stop;
	}
	return result;
}

/* What of a range is resident. False if that is not to be had. */
static bool range_look(struct account_walk *walk, struct user_process *process,
		       uint64_t start, uint64_t size, struct page_bytes *bytes)
{
	struct process_memory *memory = &process->memory;
	size_t area = area_of(walk, &memory->areas, start);
	uint64_t end;

	if (memory->areas.count && area == memory->areas.count)
		return true; /* unmapped meanwhile */
	if (__builtin_add_overflow(start, size, &end))
		end = UINT64_MAX;
	if (memory->areas.count && memory->pages_open &&
	    !areas_count(memory, area, start, end, bytes))
		return true;
	walk->unread++;
	return false;
}

/* A block that was sampled stands for more than itself. */
static uint64_t scale(uint64_t bytes, uint64_t weight, uint64_t size)
{
	return weight == size || !size
		       ? bytes
		       : (uint64_t)((double)bytes * (double)weight /
				    (double)size);
}

/* Adds a block's residency to its stack's; what it counts for in its area. */
static uint64_t block_look(struct account_walk *walk,
			   struct user_process *process,
			   const struct abi_block_key *key,
			   const struct abi_block *block,
			   struct stack_figures *figures, uint64_t weight)
{
	struct page_bytes bytes = { 0 };
	bool known =
		range_look(walk, process, key->address, block->size, &bytes);

	if (figures && block->born_ns <= walk->born_before_ns) {
		figures->resident_known &= known;
		figures->resident_bytes +=
			scale(bytes.resident, weight, block->size);
		figures->swapped_bytes +=
			scale(bytes.swapped, weight, block->size);
	}
	return scale(bytes.anonymous, weight, block->size);
}

static int block_account(void *context, const struct abi_block_key *key,
			 const struct abi_block *block)
{
	struct account_walk *walk = context;
	struct user_process *process = process_of(walk, key->owner);
	struct stack_figures *figures = figures_of(walk, block->stack);
	const struct records *records = &walk->user->records;
	uint64_t bytes = block->size;
	struct process_memory *memory;
	size_t area;

	if (!process) {
		if (figures)
			figures->resident_known = false;
		return 0;
	}
	memory = &process->memory;
	if (records->sample_bytes)
		bytes = sampling_bytes(records_weight(records, block).bytes);
	if (walk->resident)
		bytes = block_look(walk, process, key, block, figures, bytes);
	memory->tracked_bytes += bytes;
	area = area_of(walk, &memory->areas, key->address);
	if (area < memory->areas.count)
		memory->tracked[area] += bytes;
	return 0;
}

/* The same of what the program mapped itself. */
static void mapping_look(struct account_walk *walk,
			 struct stack_figures *figures)
{
	uint64_t now = clock_monotonic_ns();
	struct user_process *process = NULL;

	for (size_t i = 0; !process && i < walk->owners.count; i++)
		if ((uint32_t)walk->owners.items[i].process->target->pid ==
		    figures->process)
			process = walk->owners.items[i].process;
	walk->last = (struct image_owner){ 0 };
	walk->last_area = 0;
	figures->resident_known = process != NULL;
	for (size_t i = 0; process && i < process->ledger.ranges.count; i++) {
		const struct mapping_range *range =
			&process->ledger.ranges.items[i];
		struct page_bytes bytes = { 0 };

		if (range->stack != (uint32_t)figures->id ||
		    now - range->born_ns < walk->user->options.older_ns)
			continue;
		figures->resident_known &=
			range_look(walk, process, range->start,
				   range->end - range->start, &bytes);
		figures->resident_bytes += bytes.resident;
		figures->swapped_bytes += bytes.swapped;
	}
}

static int resident_prepare(struct account_walk *walk)
{
	struct snapshot *snapshot = walk->snapshot;
	uint64_t older_ns = walk->user->options.older_ns;

	walk->last_stack = walk->user->records.max_stacks;
	walk->born_before_ns = older_ns ? clock_monotonic_ns() - older_ns
					: UINT64_MAX;
	walk->index_of =
		calloc((size_t)walk->last_stack + 1, sizeof(*walk->index_of));
	if (!walk->index_of)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		struct stack_figures *figures = &snapshot->stacks.items[i];

		if (figures->space == SPACE_MAPPING) {
			mapping_look(walk, figures);
		} else if (figures->id <= walk->last_stack) {
			figures->resident_known = walk->owners.count != 0;
			walk->index_of[figures->id] = i + 1;
		}
	}
	return 0;
}

/* What was allocated since the figures were taken does not count. */
static void resident_settle(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->stacks.count; i++) {
		struct stack_figures *figures = &snapshot->stacks.items[i];

		if (figures->resident_bytes > figures->bytes)
			figures->resident_bytes = figures->bytes;
		if (figures->swapped_bytes >
		    figures->bytes - figures->resident_bytes)
			figures->swapped_bytes =
				figures->bytes - figures->resident_bytes;
	}
}

/* The processes whose areas can be read, as many as are to be at once. */
static int processes_look(struct account_walk *walk)
{
	struct user_capture *user = walk->user;
	uint64_t end_ns = clock_monotonic_ns() + LOOK_MOST_NS;

	for (size_t i = 0; i < user->processes.count; i++) {
		struct user_process *process =
			user->processes.items[user->next_look++ %
					      user->processes.count];
		struct image_owner *owner;
		int result = process_memory_look(&process->memory,
						 process->target->pid);

		if (result == -ENOMEM)
			return result;
		if (result)
			continue; /* it has ended */
		owner = vector_push(&walk->owners);
		if (!owner)
			return -ENOMEM;
		*owner = (struct image_owner){ process->image, process };
		if (clock_monotonic_ns() > end_ns)
			break;
	}
	if (walk->owners.count)
		qsort(walk->owners.items, walk->owners.count,
		      sizeof(walk->owners.items[0]), by_image);
	return 0;
}

static int look(struct account_walk *walk, struct error *error)
{
	struct user_capture *user = walk->user;
	uint64_t began_ns = clock_monotonic_ns();
	int result = processes_look(walk);

	if (!result && walk->resident)
		result = resident_prepare(walk);
	if (result)
		return error_set(error, ENOMEM, "out of memory");
	if (walk->owners.count)
		result = live_blocks_visit(&user->records.live, block_account,
					   walk, error);
	for (size_t i = 0; i < walk->owners.count; i++) {
		struct user_process *process = walk->owners.items[i].process;

		process_memory_divide(&process->memory, &process->ledger,
				      process->allocators != 0,
				      walk->resident && !walk->unread);
	}
	if (walk->resident)
		resident_settle(walk->snapshot);
	if (user->looks_paid_ns < began_ns)
		user->looks_paid_ns = began_ns;
	user->looks_paid_ns += (clock_monotonic_ns() - began_ns) * LOOK_PART;
	return result;
}

/* The accounts of the processes; without any, those that were last known. */
static int accounts_list(struct user_capture *user, struct snapshot *snapshot)
{
	process_account_vector *last = &user->last_accounts;

	if (user->processes.count)
		last->count = 0;
	for (size_t i = 0; i < user->processes.count; i++) {
		const struct user_process *process = user->processes.items[i];
		const struct process_memory *memory = &process->memory;
		struct process_account *account;

		if (!memory->account.taken_ns)
			continue;
		account = vector_push(last);
		if (!account)
			return -ENOMEM;
		account->id = process->image;
		account->pid = (uint32_t)process->target->pid;
		memcpy(account->name, process->target->name,
		       sizeof(account->name));
		account->now = memory->account;
		account->start = memory->start;
		account->start_heap_bytes = memory->start_heap_bytes;
		account->start_heap_rss_bytes = memory->start_heap_rss_bytes;
	}
	if (vector_reserve(&snapshot->accounts, last->count))
		return -ENOMEM;
	if (last->count)
		memcpy(snapshot->accounts.items, last->items,
		       last->count * sizeof(*last->items));
	snapshot->accounts.count = last->count;
	return 0;
}

int user_account(struct user_capture *user, struct snapshot *snapshot,
		 struct error *error)
{
	struct account_walk walk = {
		.user = user,
		.snapshot = snapshot,
		.resident = user->options.resident,
	};
	int result = 0;

	if (snapshot->totals_only)
		return 0;
	snapshot->resident_wanted = walk.resident;
	if (walk.resident ||
	    user->looks_paid_ns < clock_monotonic_ns() + LOOK_BURST_NS)
		result = look(&walk, error);
	vector_free(&walk.owners);
	free(walk.index_of);
	if (!result && accounts_list(user, snapshot))
		result = error_set(error, ENOMEM, "out of memory");
	if (!result && walk.unread)
		result = user_loss(snapshot, walk.unread, "residency_not_read",
				   "blocks whose pages could not be looked at",
				   NULL)
				 ? error_set(error, ENOMEM, "out of memory")
				 : 0;
	return result;
}

/* What was there before, in a line. */
int user_account_begin(struct user_capture *user)
{
	uint64_t rss = 0, heap = 0, heap_rss = 0;
	size_t count = 0;
	char **line;

	for (size_t i = 0; i < user->processes.count; i++) {
		const struct process_memory *memory =
			&user->processes.items[i]->memory;

		if (!memory->start.taken_ns)
			continue;
		count++;
		rss += memory->start.rss_bytes;
		heap += memory->start_heap_bytes;
		heap_rss += memory->start_heap_rss_bytes;
	}
	if (!count)
		return 0;
	line = vector_push(&user->capture.notes);
	if (!line)
		return -ENOMEM;
	if (asprintf(line, "before tracing: RSS %s%s%s%s%s",
		     units_size(rss).text, heap ? ", of it " : "",
		     heap ? units_size(heap_rss).text : "",
		     heap ? " in the heap of " : "",
		     heap ? units_size(heap).text : "") < 0) {
		user->capture.notes.count--;
		return -ENOMEM;
	}
	return 0;
}
