// SPDX-License-Identifier: GPL-2.0-or-later
/* From sampled pages to figures: see growth_pages.h. */
#include "capture/growth_pages.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "capture/resident.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/vector.h"

struct sampled_page {
	struct abi_block_key key;
	struct abi_block block;
	enum residence residence;
};

typedef VECTOR(struct sampled_page) sampled_page_vector;

struct page_walk {
	sampled_page_vector *pages;
	uint64_t owner;
};

static int page_list(void *context, const struct abi_block_key *key,
		     const struct abi_block *block)
{
	const struct page_walk *walk = context;
	struct sampled_page *page;

	if (key->owner != walk->owner)
		return 0;
	page = vector_push(walk->pages);
	if (!page)
		return -ENOMEM;
	page->key = *key;
	page->block = *block;
	page->residence = RESIDENCE_UNKNOWN;
	return 0;
}

static int page_compare(const void *left, const void *right)
{
	const struct sampled_page *a = left, *b = right;

	return a->key.address < b->key.address
		       ? -1
		       : a->key.address > b->key.address;
}

/* Two samples in one huge page: it came page by page and was made one later. */
static void huge_pages_check(sampled_page_vector *pages)
{
	for (size_t i = 1; i < pages->count; i++) {
		struct sampled_page *page = &pages->items[i];

		if (page[-1].key.address / RESIDENT_HUGE_BYTES !=
		    page->key.address / RESIDENT_HUGE_BYTES)
			continue;
		for (struct sampled_page *same = page - 1; same <= page; same++)
			if (same->residence == RESIDENT_HUGE)
				same->residence = RESIDENT;
	}
}

/* Forgets the pages that are not there any more. */
static void gone_forget(struct records *records, sampled_page_vector *pages)
{
	size_t kept = 0;

	for (size_t i = 0; i < pages->count; i++) {
		const struct sampled_page *page = &pages->items[i];
		struct abi_stack_totals *totals;

		if (page->residence != NOT_RESIDENT) {
			pages->items[kept++] = *page;
			continue;
		}
		live_blocks_remove(&records->live, &page->key);
		if (page->block.stack > records->max_stacks)
			continue;
		totals = &records->totals[page->block.stack];
		__atomic_fetch_add(&totals->freed_bytes, page->block.size,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(&totals->frees, 1, __ATOMIC_RELAXED);
	}
	pages->count = kept;
}

static int pages_read(struct records *records,
		      const struct growth_request *request,
		      sampled_page_vector *pages, struct error *error)
{
	struct page_walk walk = { .pages = pages, .owner = request->owner };
	struct resident_pages resident;
	int result = live_blocks_visit(&records->live, page_list, &walk, error);

	if (result == -ENOMEM)
		return error_set(error, ENOMEM, "out of memory");
	if (result || !resident_pages_open(&resident, request->pid))
		return result;
	for (size_t i = 0; i < pages->count; i++)
		pages->items[i].residence = resident_pages_look(
			&resident, pages->items[i].key.address);
	resident_pages_close(&resident);
	if (pages->count)
		qsort(pages->items, pages->count, sizeof(*pages->items),
		      page_compare);
	huge_pages_check(pages);
	gone_forget(records, pages);
	return 0;
}

/* What the pages of one stack add up to. Index = stack id. */
struct stack_pages {
	uint64_t count, bytes, oldest_born_ns;
	double squares; /* of bytes */
};

static void pages_add(const sampled_page_vector *pages,
		      const struct growth_request *request,
		      struct stack_pages *stacks, uint32_t last)
{
	uint64_t now = clock_monotonic_ns();

	for (size_t i = 0; i < pages->count; i++) {
		const struct sampled_page *page = &pages->items[i];
		uint64_t bytes = page->residence == RESIDENT_HUGE
					 ? RESIDENT_HUGE_BYTES
					 : page->block.size;
		struct stack_pages *stack;

		if (page->block.stack > last ||
		    now - page->block.born_ns < request->older_ns)
			continue;
		stack = &stacks[page->block.stack];
		stack->count++;
		stack->bytes += bytes;
		stack->squares += (double)bytes * (double)bytes;
		if (!stack->oldest_born_ns ||
		    page->block.born_ns < stack->oldest_born_ns)
			stack->oldest_born_ns = page->block.born_ns;
	}
}

/* Of a process that has ended, nobody can say what it had given back. */
static int unchecked_note(const sampled_page_vector *pages, uint64_t period,
			  struct snapshot *snapshot)
{
	uint64_t count = 0;
	struct loss *loss;

	for (size_t i = 0; i < pages->count; i++)
		count += pages->items[i].residence == RESIDENCE_UNKNOWN;
	if (!count)
		return 0;
	loss = vector_push(&snapshot->losses);
	if (!loss)
		return -ENOMEM;
	loss->name = "pages_not_checked";
	loss->text =
		"pages that may have been given back: the process has ended";
	loss->remedy = "choose a shorter interval";
	loss->count = count * period;
	return 0;
}

static int figures_add(const struct records *records,
		       const struct growth_request *request, uint32_t id,
		       const struct stack_pages *pages,
		       struct snapshot *snapshot)
{
	static const struct known_stack unknown = { .flaw = FLAW_LOST };
	const struct known_stack *known = &unknown;
	const struct abi_stack_totals *totals = &records->totals[id];
	/* Each fault is sampled with the probability 1 / period. */
	double spread =
		sqrt((double)request->period * (double)(request->period - 1));
	struct stack_figures *figures;

	if (id < records->stacks.count && records->stacks.items[id].known)
		known = &records->stacks.items[id];
	if (!totals->allocations || (id && known->owner != request->owner))
		return 0;
	figures = vector_push(&snapshot->stacks);
	if (!figures)
		return -ENOMEM;
	*figures = (struct stack_figures){
		.id = id,
		.space = SPACE_RESIDENT,
		.process = (uint32_t)request->pid,
		.allocations = totals->allocations * request->period,
		.allocated_bytes = totals->allocated_bytes * request->period,
		.frees = totals->frees * request->period,
		.freed_bytes = totals->freed_bytes * request->period,
		.blocks = pages->count * request->period,
		.bytes = pages->bytes * request->period,
		.estimate = true,
		.blocks_error = spread * sqrt((double)pages->count),
		.bytes_error = spread * sqrt(pages->squares),
		.oldest_born_ns = pages->oldest_born_ns,
		.flaw = known->flaw,
		.locations = known->locations,
		.location_count = known->location_count,
	};
	return 0;
}

int growth_pages_snapshot(struct records *records,
			  const struct growth_request *request,
			  struct snapshot *snapshot, struct error *error)
{
	uint32_t last = *records->maps.last_stack < records->max_stacks
				? *records->maps.last_stack
				: records->max_stacks;
	auto_free struct stack_pages *stacks =
		calloc((size_t)last + 1, sizeof(*stacks));
	sampled_page_vector pages = { 0 };
	int result;

	if (!stacks)
		return error_set(error, ENOMEM, "out of memory");
	result = pages_read(records, request, &pages, error);
	if (!result) {
		pages_add(&pages, request, stacks, last);
		if (unchecked_note(&pages, request->period, snapshot))
			result = error_set(error, ENOMEM, "out of memory");
	}
	for (uint32_t id = 0; !result && id <= last; id++)
		if (figures_add(records, request, id, &stacks[id], snapshot))
			result = error_set(error, ENOMEM, "out of memory");
	vector_free(&pages);
	return result;
}
