// SPDX-License-Identifier: GPL-2.0-or-later
/* The mappings of each process: see process_tables.h. */
#include "unwind/process_tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A walk takes microseconds; preempted, some scheduling rounds more. */
#define REST_NS 2000000000ULL

/* Arrays of at least 64 mappings: a small program's fit and can grow. */
#define SMALLEST_CLASS 6

#define WORDS_SIZE (UNWIND_PROCESSES * sizeof(uint64_t))

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

int process_tables_init(struct process_tables *tables,
			struct table_chunks *chunks, int processes_fd,
			int slots_fd, struct error *error)
{
	void *words = mmap(NULL, WORDS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   processes_fd, 0);

	if (words == MAP_FAILED)
		return error_set(error, errno, "cannot map unwind tables: %s",
				 strerror(errno));
	*tables = (struct process_tables){
		.chunks = chunks,
		.slots_fd = slots_fd,
		.words = words,
	};
	return 0;
}

void process_tables_free(struct process_tables *tables)
{
	if (tables->words)
		munmap(tables->words, WORDS_SIZE);
	vector_free(&tables->slots);
	vector_free(&tables->resting);
	tables->words = NULL;
}

static int by_start(const void *first, const void *second)
{
	const struct unwind_mapping *a = first, *b = second;

	return a->start < b->start ? -1 : a->start > b->start;
}

static bool are_sound(struct unwind_mapping *entries, size_t count)
{
	size_t i;

	qsort(entries, count, sizeof(*entries), by_start);
	for (i = 0; i < count; i++)
		if (entries[i].start >= entries[i].end ||
		    (i && entries[i].start < entries[i - 1].end))
			return false;
	return true;
}

/* A place that has rested long enough, or a new one. */
static int take_place(struct process_tables *tables, size_t count,
		      struct process_place *place, struct error *error)
{
	uint64_t now = now_ns();
	size_t i;

	*place = (struct process_place){ .size_class = SMALLEST_CLASS };
	while (1UL << place->size_class < count)
		place->size_class++;
	for (i = 0; i < tables->resting.count; i++) {
		struct process_place *resting = &tables->resting.items[i];

		if (resting->size_class != place->size_class ||
		    now - resting->replaced_ns < REST_NS)
			continue;
		*place = *resting;
		*resting = tables->resting.items[--tables->resting.count];
		return 0;
	}
	return table_chunks_take(
		tables->chunks,
		sizeof(struct unwind_mapping) << place->size_class,
		sizeof(struct unwind_mapping), &place->place, error);
}

/* Lays a place aside. Room for it is reserved when it is first taken. */
static void lay_aside(struct process_tables *tables,
		      const struct process_place *place)
{
	struct process_place *resting;

	if (vector_reserve(&tables->resting, 1))
		return; /* lost for good: memory, not correctness */
	resting = vector_push(&tables->resting);
	*resting = *place;
	resting->replaced_ns = now_ns();
}

static struct process_entry *find_slot(struct process_tables *tables,
				       uint32_t pid)
{
	size_t i;

	for (i = 0; i < tables->slots.count; i++)
		if (tables->slots.items[i].pid == pid)
			return &tables->slots.items[i];
	return NULL;
}

/* A slot for a new process: one that has rested, or the next. */
static struct process_entry *take_slot(struct process_tables *tables)
{
	uint64_t now = now_ns();
	size_t i;

	for (i = 0; i < tables->slots.count; i++) {
		struct process_entry *entry = &tables->slots.items[i];

		if (!entry->pid && now - entry->freed_ns >= REST_NS)
			return entry;
	}
	if (tables->slots.count == UNWIND_PROCESSES)
		return NULL;
	return vector_push(&tables->slots);
}

/* Writes the array where no walk looks yet. */
static void fill_place(struct process_tables *tables,
		       const struct process_place *place,
		       const struct unwind_mapping *entries, size_t count)
{
	memcpy(table_chunks_at(tables->chunks, place->place), entries,
	       count * sizeof(*entries));
}

/* From here on walks see the array: one store. */
static void publish(struct process_tables *tables, size_t slot,
		    const struct process_place *place, size_t count)
{
	uint64_t first = place->place.offset / sizeof(struct unwind_mapping);
	uint64_t word;

	tables->generation++;
	word = UNWIND_PROCESS(tables->generation & UNWIND_GENERATION_MASK,
			      place->place.chunk, first, count);
	__atomic_store_n(&tables->words[slot], word, __ATOMIC_RELEASE);
}

int process_tables_set(struct process_tables *tables, uint32_t pid,
		       struct unwind_mapping *entries, size_t count,
		       struct error *error)
{
	struct process_entry *entry = find_slot(tables, pid);
	struct process_place place;
	uint32_t slot;
	int status;

	if (count > UNWIND_CHUNK_MAPPINGS)
		return error_set(error, E2BIG,
				 "more than %u executable mappings",
				 UNWIND_CHUNK_MAPPINGS);
	if (!pid || !are_sound(entries, count))
		return error_set(error, EINVAL, "mappings overlap");
	status = take_place(tables, count, &place, error);
	if (status)
		return status;
	fill_place(tables, &place, entries, count);
	if (entry) {
		publish(tables, (size_t)(entry - tables->slots.items), &place,
			count);
		lay_aside(tables, &entry->place);
		entry->place = place;
		return 0;
	}
	entry = take_slot(tables);
	if (!entry) {
		lay_aside(tables, &place);
		return error_set(error, ENOSPC, "more than %u processes",
				 UNWIND_PROCESSES);
	}
	slot = (uint32_t)(entry - tables->slots.items);
	publish(tables, slot, &place, count);
	if (bpf_map_update_elem(tables->slots_fd, &pid, &slot, BPF_ANY)) {
		status = error_set(error, errno, "cannot enter the process: %s",
				   strerror(errno));
		tables->words[slot] = 0;
		lay_aside(tables, &place);
		return status;
	}
	entry->pid = pid;
	entry->place = place;
	tables->count++;
	return 0;
}

void process_tables_forget(struct process_tables *tables, uint32_t pid)
{
	struct process_entry *entry = pid ? find_slot(tables, pid) : NULL;

	if (!entry)
		return;
	bpf_map_delete_elem(tables->slots_fd, &pid);
	__atomic_store_n(&tables->words[entry - tables->slots.items], 0,
			 __ATOMIC_RELEASE);
	lay_aside(tables, &entry->place);
	entry->pid = 0;
	entry->freed_ns = now_ns();
	tables->count--;
}
