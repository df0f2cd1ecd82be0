/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages of a process are resident or swapped out, for many small ranges
 * in any order: entries of /proc/PID/pagemap are read by the piece, each once.
 */
#ifndef LEAKTRACE_CAPTURE_PAGE_STATES_H
#define LEAKTRACE_CAPTURE_PAGE_STATES_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_PIECE 512 /* pages: one page of entries */

/* Of the pages of one piece, a bit each. */
struct page_piece {
	uint64_t number; /* address / page size / PAGE_PIECE, + 1; 0 = none */
	uint64_t present[PAGE_PIECE / 64];
	uint64_t swapped[PAGE_PIECE / 64];
	uint64_t of_file[PAGE_PIECE / 64]; /* not anonymous */
};

struct page_states {
	int pagemap;
	uint64_t page_size;
	uint64_t zero_frame; /* the page of zeros, resident in nobody; 0 = not
				known */
	struct page_piece *pieces; /* by open addressing */
	size_t count, capacity;	   /* capacity: a power of two, or 0 */
};

/* Pieces kept at most: of 2 MiB each with pages of 4 KiB. */
#define PAGE_PIECES_MAX (1u << 18)

/* 0 or -errno: the process has ended or is out of reach. */
int page_states_open(struct page_states *states, int pid);
void page_states_close(struct page_states *states);

struct page_bytes {
	uint64_t resident, swapped; /* bytes of the range */
	uint64_t anonymous;	    /* of resident */
};

/*
 * Adds up [start, end), of whose first and last pages only what lies in it
 * counts. 0; -ENOMEM; -E2BIG: no room for more pieces; -EIO: not readable.
 */
int page_states_count(struct page_states *states, uint64_t start, uint64_t end,
		      struct page_bytes *bytes);

/* Sets the states of a piece from the entries of pagemap. Pure. */
void page_piece_fill(struct page_piece *piece, const uint64_t *entries,
		     size_t count, uint64_t zero_frame);

#endif
