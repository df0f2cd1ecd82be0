/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Divides a process's resident set into parts (model/account.h), from what
 * each area has resident, where its outstanding blocks are, what the program
 * mapped itself and what was there before tracing. Pure.
 *
 * An anonymous area is the allocator's if blocks are in it or its name or form
 * says so; and also if nothing else is known of it, as all that the program
 * mapped itself since tracing began is known.
 */
#ifndef LEAKTRACE_CAPTURE_MEMORY_PARTS_H
#define LEAKTRACE_CAPTURE_MEMORY_PARTS_H

#include "capture/ledger.h"
#include "capture/smaps.h"
#include "model/account.h"

/* Anonymous memory that was resident before tracing. */
struct early_memory {
	uint64_t start, end;
	uint64_t bytes;
	bool allocators; /* blocks were seen in it */
};

typedef VECTOR(struct early_memory) early_memory_vector; /* sorted, disjoint */

struct memory_view {
	const memory_area_vector *areas;
	/* Bytes of outstanding blocks in each area; what was counted of them
	   is resident if `exact`, else it is at most that. */
	const uint64_t *tracked;
	bool exact;
	const struct ledger *ledger;
	early_memory_vector *early; /* allocators is set where blocks are */
	bool has_allocator;
	/* Resident anonymous bytes of [start, end); -errno = unknown. */
	int (*resident)(void *context, uint64_t start, uint64_t end,
			uint64_t *bytes);
	void *context;
};

/* Fills all of account but taken_ns. */
void memory_parts_divide(const struct memory_view *view,
			 struct account *account);

/* The same from the sums alone, of a process with `tracked` bytes. */
void memory_parts_of_sums(const struct memory_sums *sums, uint64_t tracked,
			  struct account *account);

/* Adds the anonymous memory in the areas. 0 or -ENOMEM. */
int memory_parts_note_early(const memory_area_vector *areas,
			    early_memory_vector *early);

/* Size and resident bytes of the areas that are a heap by name or form. */
void memory_parts_heap(const memory_area_vector *areas, uint64_t *bytes,
		       uint64_t *rss_bytes);

/* The area that holds address, its index; areas->count = none. */
size_t memory_areas_find(const memory_area_vector *areas, uint64_t address);

#endif
