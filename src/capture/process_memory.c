// SPDX-License-Identifier: GPL-2.0-or-later
/* A traced process's memory as a whole: see process_memory.h. */
#include "capture/process_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "util/clock.h"

/* Of mappings larger than this, residency is taken to be even. */
#define RANGE_READ_MAX (UINT64_C(16) << 30)

static void look_end(struct process_memory *memory)
{
	free(memory->tracked);
	memory->tracked = NULL;
	if (memory->pages_open)
		page_states_close(&memory->pages);
	memory->pages_open = false;
}

void process_memory_free(struct process_memory *memory)
{
	look_end(memory);
	vector_free(&memory->areas);
	vector_free(&memory->early);
}

void process_memory_forget(struct process_memory *memory)
{
	process_memory_free(memory);
	*memory = (struct process_memory){ 0 };
}

static int resident_count(void *context, uint64_t start, uint64_t end,
			  uint64_t *bytes)
{
	struct process_memory *memory = context;
	struct page_bytes counted = { 0 };
	int result = -EIO;

	if (memory->pages_open && end - start <= RANGE_READ_MAX)
		result =
			page_states_count(&memory->pages, start, end, &counted);
	*bytes = counted.anonymous;
	return result;
}

void process_memory_divide(struct process_memory *memory,
			   const struct ledger *ledger, bool has_allocator,
			   bool exact)
{
	const struct memory_view view = {
		.areas = &memory->areas,
		.tracked = memory->tracked,
		.exact = exact,
		.ledger = ledger,
		.early = &memory->early,
		.has_allocator = has_allocator,
		.resident = resident_count,
		.context = memory,
	};

	memory->account = (struct account){ .taken_ns = clock_monotonic_ns() };
	if (memory->areas.count)
		memory_parts_divide(&view, &memory->account);
	else
		memory_parts_of_sums(&memory->sums, memory->tracked_bytes,
				     &memory->account);
	look_end(memory);
}

int process_memory_look(struct process_memory *memory, int pid)
{
	memory_area_vector areas = { 0 };
	int result = smaps_read(&areas, pid);

	if (result && result != -ENOMEM && result != -ESRCH) {
		/* Too many, or they change all the time: the sums will do. */
		areas.count = 0;
		result = memory_sums_read(pid, &memory->sums);
	}
	if (!result)
		memory->tracked = calloc(areas.count + 1, sizeof(uint64_t));
	if (result || !memory->tracked) {
		vector_free(&areas);
		return result ? result : -ENOMEM;
	}
	vector_free(&memory->areas);
	memory->areas = areas;
	memory->tracked_bytes = 0;
	memory->pages_open = !page_states_open(&memory->pages, pid);
	return 0;
}

void process_memory_begin_late(struct process_memory *memory, int pid)
{
	const struct ledger none = { 0 };

	if (process_memory_look(memory, pid))
		return;
	if (memory_parts_note_early(&memory->areas, &memory->early))
		memory->early.count = 0;
	process_memory_divide(memory, &none, true, true);
	memory->start = memory->account;
	memory_parts_heap(&memory->areas, &memory->start_heap_bytes,
			  &memory->start_heap_rss_bytes);
}
