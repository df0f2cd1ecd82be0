/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a traced process's memory as a whole: its areas at the last
 * look, what was there before tracing, the account made of it.
 */
#ifndef LEAKTRACE_CAPTURE_PROCESS_MEMORY_H
#define LEAKTRACE_CAPTURE_PROCESS_MEMORY_H

#include "capture/memory_parts.h"
#include "capture/page_states.h"
#include "model/account.h"

struct process_memory {
	memory_area_vector areas;  /* at the last look */
	early_memory_vector early; /* from before tracing */
	struct account start;	   /* when tracing began, if it was late */
	uint64_t start_heap_bytes, start_heap_rss_bytes;
	struct account account; /* of the last look */

	/* While a look lasts: */
	struct memory_sums sums; /* where there are too many areas */
	uint64_t *tracked;	 /* bytes of blocks by area */
	uint64_t tracked_bytes;	 /* in all */
	struct page_states pages;
	bool pages_open;
};

void process_memory_free(struct process_memory *memory);

/* The process runs already: notes what it has. Without access, nothing. */
void process_memory_begin_late(struct process_memory *memory, int pid);

/* It is another program now, traced from its start. */
void process_memory_forget(struct process_memory *memory);

/*
 * Begins a look: reads the areas and opens the page tables, and divides what
 * is there when it ends. 0; -ESRCH, and what was known stays; -ENOMEM.
 */
int process_memory_look(struct process_memory *memory, int pid);
void process_memory_divide(struct process_memory *memory,
			   const struct ledger *ledger, bool has_allocator,
			   bool exact);

#endif
