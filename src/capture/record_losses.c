// SPDX-License-Identifier: GPL-2.0-or-later
/* The BPF programs' counters of what was lost, in words: see records.h. */
#include "capture/records.h"

#include <errno.h>

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
	  "mmap, munmap, mremap and brk calls lost: event buffer full", NULL,
	  true, -1 },
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
	{ ABI_LABELS_LOST, "labels_lost",
	  "names of slab caches and devices lost: event buffer full", NULL,
	  false, -1 },
	{ ABI_BULK_NOT_FOLLOWED, "bulk_not_followed",
	  "objects freed or allocated in bulk that were not followed", NULL,
	  false, -1 },
	{ ABI_THROWING_NOT_RECORDED, "throwing_not_recorded",
	  "calls of functions that may throw, operator new among them: not recorded before Linux 6.13",
	  "give --alloc _Znwm:size=1 if the program catches no std::bad_alloc",
	  true, ABI_THROWING_BYTES },
	{ ABI_MEMOS_CHECKED, "memos_checked",
	  "remembered call stacks that were walked, too", NULL, false, -1 },
	{ ABI_MEMOS_WRONG, "memos_wrong",
	  "remembered call stacks that were others in truth", NULL, false, -1 },
	{ ABI_LIFECYCLE_LOST, "lifecycle_lost",
	  "exec and exit events lost: event buffer full", NULL, true, -1 },
	{ ABI_PROCESSES_NOT_TRACED, "processes_not_traced",
	  "new processes not traced: too many at once", NULL, true, -1 },
};

int record_loss(struct snapshot *snapshot, const struct loss *loss)
{
	struct loss *slot;

	if (!loss->count)
		return 0;
	slot = vector_push(&snapshot->losses);
	if (!slot)
		return -ENOMEM;
	*slot = *loss;
	return 0;
}

int records_losses(const struct records *records, struct snapshot *snapshot)
{
	const uint64_t *counters = records->maps.counters;

	for (size_t i = 0; i < sizeof(counter_texts) / sizeof(counter_texts[0]);
	     i++) {
		const struct counter_text *text = &counter_texts[i];
		const struct loss loss = {
			.name = text->name,
			.text = text->text,
			.remedy = text->remedy,
			.understates = text->understates,
			.count = counters[text->counter],
			.bytes = text->bytes < 0 ? 0 : counters[text->bytes],
		};

		if (record_loss(snapshot, &loss))
			return -ENOMEM;
	}
	snapshot->unmatched_frees += counters[ABI_UNMATCHED_FREES];
	return 0;
}
