/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings that a program made by itself, as ranges: a partial munmap
 * splits one, MAP_FIXED replaces what it covers, mremap moves it. Kept in
 * user space because a hash map in BPF knows no ranges; mmap is rare next to
 * malloc, and each call is one event. Man pages: mmap(2), mremap(2).
 */
#ifndef LEAKTRACE_CAPTURE_LEDGER_H
#define LEAKTRACE_CAPTURE_LEDGER_H

#include <stdint.h>

#include "model/snapshot.h"
#include "util/vector.h"

struct mapping_range {
	uint64_t start, end; /* [start, end), whole pages */
	uint64_t born_ns;    /* return of the call that made it */
	uint32_t stack;	     /* stack id of that call */
};

/*
 * What one stack's mmaps add up to; what is outstanding is in the ranges, of
 * which a partial munmap can leave two of one mmap. Index = stack id.
 */
struct mapping_totals {
	uint64_t allocations, allocated_bytes; /* calls */
	uint64_t frees, freed_bytes; /* ranges that are gone altogether */
	uint64_t lifetimes[LIFETIME_BUCKETS]; /* of these */
};

struct ledger {
	VECTOR(struct mapping_range) ranges;  /* sorted, disjoint */
	VECTOR(struct mapping_totals) totals; /* by stack id */
	uint64_t page_size;
};

void ledger_init(struct ledger *ledger, uint64_t page_size);
void ledger_free(struct ledger *ledger);

/*
 * A mapping of length bytes (rounded up to pages) made at address by stack,
 * returned at returned_ns. What it covers is unmapped first. -ENOMEM, or
 * -EINVAL for a range that wraps around.
 */
int ledger_map(struct ledger *ledger, uint64_t address, uint64_t length,
	       uint64_t returned_ns, uint32_t stack);

/*
 * A successful munmap, entered at entered_ns: removes what was there then.
 * Another thread may have been given the address before the event came.
 */
int ledger_unmap(struct ledger *ledger, uint64_t address, uint64_t length,
		 uint64_t entered_ns);

/* Index of the first range that ends behind address. */
size_t ledger_find(const struct ledger *ledger, uint64_t address);

/* Everything is gone: the process has a new image. */
void ledger_clear(struct ledger *ledger);

#endif
