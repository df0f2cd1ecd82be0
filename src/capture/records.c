// SPDX-License-Identifier: GPL-2.0-or-later
/* What both BPF objects keep, seen from user space: see records.h. */
#include "capture/records.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

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
	{ ABI_LIFECYCLE_LOST, "lifecycle_lost",
	  "exec and exit events lost: event buffer full", NULL, true, -1 },
};

static uint32_t round_up_power_of_two(uint64_t value)
{
	uint32_t rounded = 1;

	while (rounded < value)
		rounded <<= 1;
	return rounded;
}

int records_prepare(const struct record_maps *maps, struct bpf_map *stack_ids,
		    struct bpf_map *events, struct abi_config *config,
		    const struct capture_options *options, struct error *error)
{
	uint64_t event_bytes = options->max_stacks * EVENTS_BYTES_PER_STACK;
	/* Id 0 is ABI_STACK_LOST. */
	uint32_t ids = (uint32_t)options->max_stacks + 1;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{ maps->live, (uint32_t)options->max_blocks },
		{ maps->totals, ids },
		{ maps->ages, ids },
		{ stack_ids, (uint32_t)options->max_stacks },
		{ events, round_up_power_of_two(
				  event_bytes < EVENTS_BYTES_MIN ?
					  EVENTS_BYTES_MIN :
				  event_bytes > EVENTS_BYTES_MAX ?
					  EVENTS_BYTES_MAX :
					  event_bytes) },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int result = bpf_map__set_max_entries(sizes[i].map,
						      sizes[i].entries);

		if (result)
			return error_set(error, -result,
					 "cannot size the BPF map %s: %s",
					 bpf_map__name(sizes[i].map),
					 strerror(-result));
	}
	config->min_size = options->min_size;
	config->max_size = options->max_size ? options->max_size : ~0ULL;
	config->max_stacks = ids;
	config->own_pid = (uint32_t)getpid();
	return 0;
}

int records_load_failed(int code, struct error *error)
{
	bool memory = code == -ENOMEM || code == -E2BIG;

	return error_set(error, -code,
			 "the kernel refuses the BPF programs: %s (%s)",
			 strerror(-code),
			 memory ? "lower --max-blocks or --max-stacks" :
				  "-v shows its words");
}

/* Maps an array map's values, which BPF_F_MMAPABLE lays out contiguously. */
static void *array_map(struct bpf_map *map)
{
	size_t size = (size_t)bpf_map__value_size(map) *
		      bpf_map__max_entries(map);

	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    bpf_map__fd(map), 0);
}

static size_t array_size(const struct bpf_map *map)
{
	return (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
}

int records_open(struct records *records, const struct record_maps *maps,
		 uint32_t max_stacks, struct error *error)
{
	union bpf_iter_link_info target = { 0 };
	LIBBPF_OPTS(bpf_iter_attach_opts, options);

	records->maps = *maps;
	records->max_stacks = max_stacks;
	records->totals = array_map(maps->totals);
	records->ages = array_map(maps->ages);
	if (records->totals == MAP_FAILED || records->ages == MAP_FAILED) {
		int code = errno;

		if (records->totals == MAP_FAILED)
			records->totals = NULL;
		if (records->ages == MAP_FAILED)
			records->ages = NULL;
		records_close(records);
		return error_set(error, code, "cannot map the BPF arrays: %s",
				 strerror(code));
	}
	target.map.map_fd = (__u32)bpf_map__fd(maps->live);
	options.link_info = &target;
	options.link_info_len = sizeof(target);
	records->walk_link = bpf_program__attach_iter(maps->walk, &options);
	if (!records->walk_link) {
		int code = errno;

		records_close(records);
		return error_set(error, code,
				 "cannot attach the BPF iterator on the live blocks: %s",
				 strerror(code));
	}
	return 0;
}

void records_close(struct records *records)
{
	bpf_link__destroy(records->walk_link);
	if (records->totals)
		munmap(records->totals, array_size(records->maps.totals));
	if (records->ages)
		munmap(records->ages, array_size(records->maps.ages));
	for (size_t i = 0; i < records->stacks.count; i++)
		free(records->stacks.items[i].locations);
	vector_free(&records->stacks);
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

typedef VECTOR(struct abi_listed_block) listed_vector;

/* Runs the walk as requested; what it writes is appended to listed. */
static int walk_run(struct records *records, listed_vector *listed,
		    struct error *error)
{
	auto_close int fd = bpf_iter_create(bpf_link__fd(records->walk_link));
	_Alignas(struct abi_listed_block) char buffer[1 << 16];
	size_t have = 0;
	ssize_t got;

	if (fd < 0)
		return error_set(error, errno,
				 "cannot walk the live blocks: %s",
				 strerror(errno));
	for (;;) {
		got = read(fd, buffer + have, sizeof(buffer) - have);
		/* bpf_seq_read() pauses after a million silent elements. */
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
		size_t whole = have / sizeof(struct abi_listed_block);

		if (vector_reserve(listed, whole))
			return error_set(error, ENOMEM, "out of memory");
		memcpy(listed->items + listed->count, buffer,
		       whole * sizeof(struct abi_listed_block));
		listed->count += whole;
		have -= whole * sizeof(struct abi_listed_block);
		memmove(buffer, buffer + whole * sizeof(struct abi_listed_block),
			have);
	}
	if (got < 0)
		return error_set(error, errno, "cannot walk the live blocks: %s",
				 strerror(errno));
	return 0;
}

static int walk_ages(struct records *records, uint64_t born_before_ns,
		     struct error *error)
{
	listed_vector none = { 0 };
	int result;

	memset(records->ages, 0,
	       (*records->maps.last_stack < records->max_stacks ?
			*records->maps.last_stack + 1 :
			records->max_stacks + 1) *
		       sizeof(*records->ages));
	*records->maps.walk_request = (struct abi_walk){
		.born_before_ns = born_before_ns,
	};
	result = walk_run(records, &none, error);
	vector_free(&none);
	return result;
}

/* Puts the listed blocks to their stacks; figures[i] is of stack ids[i]. */
static int listed_distribute(struct snapshot *snapshot, size_t first,
			     const listed_vector *listed, uint32_t max_stacks)
{
	auto_free size_t *index_of = NULL;

	/* 0 = the stack is not in the snapshot. */
	index_of = calloc((size_t)max_stacks + 1, sizeof(*index_of));
	if (!index_of)
		return -ENOMEM;
	for (size_t i = first; i < snapshot->stacks.count; i++)
		if (snapshot->stacks.items[i].id <= max_stacks)
			index_of[snapshot->stacks.items[i].id] = i + 1;
	for (size_t i = 0; i < listed->count; i++) {
		const struct abi_listed_block *from = &listed->items[i];
		struct stack_figures *figures;
		struct block *block;

		if (from->block.stack > max_stacks ||
		    !index_of[from->block.stack])
			continue;
		figures = &snapshot->stacks
				   .items[index_of[from->block.stack] - 1];
		block = vector_push(&figures->listed);
		if (!block)
			return -ENOMEM;
		block->address = from->key.address;
		block->size = from->block.size;
		block->born_ns = from->block.born_ns;
	}
	return 0;
}

static int block_compare_age(const void *left, const void *right)
{
	const struct block *a = left, *b = right;

	return a->born_ns < b->born_ns ? -1 : a->born_ns > b->born_ns;
}

static int walk_list(struct records *records, struct snapshot *snapshot,
		     size_t first, uint64_t born_before_ns, struct error *error)
{
	listed_vector listed = { 0 };
	int result;

	*records->maps.walk_request = (struct abi_walk){
		.born_before_ns = born_before_ns,
		.list = 1,
	};
	result = walk_run(records, &listed, error);
	if (!result && listed_distribute(snapshot, first, &listed,
					 records->max_stacks))
		result = error_set(error, ENOMEM, "out of memory");
	vector_free(&listed);
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
			 const struct abi_stack_totals *totals)
{
	figures->frees = __atomic_load_n(&totals->frees, __ATOMIC_ACQUIRE);
	figures->freed_bytes =
		__atomic_load_n(&totals->freed_bytes, __ATOMIC_ACQUIRE);
	for (size_t i = 0; i < LIFETIME_BUCKETS; i++)
		figures->lifetimes[i] = totals->lifetimes[i];
	figures->allocations =
		__atomic_load_n(&totals->allocations, __ATOMIC_ACQUIRE);
	figures->allocated_bytes =
		__atomic_load_n(&totals->allocated_bytes, __ATOMIC_ACQUIRE);
}

static void figures_fill(struct stack_figures *figures,
			 const struct abi_stack_totals *totals,
			 const struct abi_stack_ages *ages, bool only_older)
{
	figures_read(figures, totals);
	if (only_older) {
		figures->blocks = ages->blocks;
		figures->bytes = ages->bytes;
	} else {
		figures->blocks = figures->allocations > figures->frees ?
					  figures->allocations - figures->frees :
					  0;
		figures->bytes =
			figures->allocated_bytes > figures->freed_bytes ?
				figures->allocated_bytes -
					figures->freed_bytes :
				0;
	}
	figures->oldest_born_ns = figures->blocks ? ages->oldest_born_ns : 0;
}

int records_snapshot(struct records *records, struct snapshot *snapshot,
		     const struct snapshot_request *request,
		     owner_filter *filter, void *context, struct error *error)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t born_before_ns = now > request->older_ns ?
					  now - request->older_ns :
					  0;
	size_t first = snapshot->stacks.count;
	uint32_t last = *records->maps.last_stack;
	int result;

	result = walk_ages(records, request->older_ns ? born_before_ns : ~0ULL,
			   error);
	if (result)
		return result;
	if (last > records->max_stacks)
		last = records->max_stacks;
	for (uint32_t stack = 0; stack <= last; stack++) {
		const struct known_stack *known =
			stack < records->stacks.count ?
				&records->stacks.items[stack] :
				NULL;
		struct stack_figures *figures;
		enum space space = SPACE_HEAP;
		uint32_t process = 0;

		if (!records->totals[stack].allocations)
			continue;
		if (known && known->known &&
		    !filter(context, known->owner, &space, &process))
			continue;
		if (!known || !known->known)
			filter(context, 0, &space, &process);
		figures = vector_push(&snapshot->stacks);
		if (!figures)
			return error_set(error, ENOMEM, "out of memory");
		figures->id = stack;
		figures->space = space;
		figures->process = process;
		figures->flaw = FLAW_LOST;
		if (known && known->known) {
			figures->flaw = known->flaw;
			figures->locations = known->locations;
			figures->location_count = known->location_count;
		}
		figures_fill(figures, &records->totals[stack],
			     &records->ages[stack], request->older_ns != 0);
	}
	return request->list_blocks ? walk_list(records, snapshot, first,
						born_before_ns, error) :
				      0;
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

int records_drop_owner(struct records *records, uint64_t owner,
		       struct error *error)
{
	listed_vector listed = { 0 };
	int fd = bpf_map__fd(records->maps.live);
	int result;

	*records->maps.walk_request = (struct abi_walk){
		.born_before_ns = ~0ULL,
		.list = 1,
		.dead_owner = owner,
	};
	result = walk_run(records, &listed, error);
	for (size_t i = 0; i < listed.count; i++)
		bpf_map_delete_elem(fd, &listed.items[i].key);
	vector_free(&listed);
	return result;
}
