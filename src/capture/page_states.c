// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pages of a process are resident: see page_states.h. */
#include "capture/page_states.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/resident.h"
#include "util/cleanup.h"

#define CAPACITY_MIN 64

/*
 * What is read but never written is the page of zeros, which counts for no
 * process. pagemap says that it is present; which one it is, a page of our own
 * tells.
 */
static uint64_t zero_frame_find(uint64_t page_size)
{
	auto_close int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile char *page = mmap(NULL, page_size, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t entry = 0;

	if (page == MAP_FAILED)
		return 0;
	(void)page[0];
	if (fd < 0 ||
	    pread(fd, &entry, sizeof(entry),
		  (off_t)((uintptr_t)page / page_size * sizeof(entry))) !=
		    sizeof(entry) ||
	    !(entry & PAGE_PRESENT))
		entry = 0;
	munmap((void *)page, page_size);
	return entry & PAGE_FRAME;
}

int page_states_open(struct page_states *states, int pid)
{
	char path[64];

	*states = (struct page_states){
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	states->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (states->pagemap < 0)
		return -errno;
	states->zero_frame = zero_frame_find(states->page_size);
	return 0;
}

void page_states_close(struct page_states *states)
{
	if (states->pagemap >= 0)
		close(states->pagemap);
	free(states->pieces);
	*states = (struct page_states){ .pagemap = -1 };
}

void page_piece_fill(struct page_piece *piece, const uint64_t *entries,
		     size_t count, uint64_t zero_frame)
{
	for (size_t i = 0; i < count && i < PAGE_PIECE; i++) {
		uint64_t entry = entries[i], bit = UINT64_C(1) << (i % 64);

		if (entry & PAGE_SWAPPED) {
			piece->swapped[i / 64] |= bit;
			continue;
		}
		if (!(entry & PAGE_PRESENT) ||
		    (zero_frame && (entry & PAGE_FRAME) == zero_frame))
			continue;
		piece->present[i / 64] |= bit;
		if (entry & PAGE_OF_FILE)
			piece->of_file[i / 64] |= bit;
	}
}

/* Where a piece is, or would be. Multiplicative hashing. */
static struct page_piece *slot_of(const struct page_states *states,
				  uint64_t number)
{
	size_t at = (size_t)((number * 0x9e3779b97f4a7c15ULL) >> 32);

	for (;; at++) {
		struct page_piece *piece =
			&states->pieces[at & (states->capacity - 1)];

		if (piece->number == number || !piece->number)
			return piece;
	}
}

static int room_make(struct page_states *states)
{
	struct page_states larger = *states;

	if (2 * states->count < states->capacity)
		return 0;
	if (states->count >= PAGE_PIECES_MAX)
		return -E2BIG;
	larger.capacity = states->capacity ? 2 * states->capacity
					   : CAPACITY_MIN;
	larger.pieces = calloc(larger.capacity, sizeof(*larger.pieces));
	if (!larger.pieces)
		return -ENOMEM;
	for (size_t i = 0; i < states->capacity; i++)
		if (states->pieces[i].number)
			*slot_of(&larger, states->pieces[i].number) =
				states->pieces[i];
	free(states->pieces);
	*states = larger;
	return 0;
}

/* The states of the piece that a page is in, read if they are not known. */
static int piece_get(struct page_states *states, uint64_t page,
		     const struct page_piece **found)
{
	uint64_t number = page / PAGE_PIECE + 1;
	uint64_t entries[PAGE_PIECE];
	struct page_piece *piece;
	ssize_t got;
	int result;

	if (states->capacity) {
		*found = slot_of(states, number);
		if ((*found)->number)
			return 0;
	}
	result = room_make(states);
	if (result)
		return result;
	got = pread(states->pagemap, entries, sizeof(entries),
		    (off_t)((number - 1) * sizeof(entries)));
	if (got <= 0)
		return -EIO;
	piece = slot_of(states, number);
	piece->number = number;
	page_piece_fill(piece, entries, (size_t)got / sizeof(entries[0]),
			states->zero_frame);
	states->count++;
	*found = piece;
	return 0;
}

int page_states_count(struct page_states *states, uint64_t start, uint64_t end,
		      struct page_bytes *bytes)
{
	const struct page_piece *piece = NULL;

	while (start < end) {
		uint64_t page = start / states->page_size;
		uint64_t next = (page + 1) * states->page_size;
		uint64_t here = (next < end ? next : end) - start;
		unsigned index = page % PAGE_PIECE;
		uint64_t bit = UINT64_C(1) << (index % 64);
		int result = 0;

		if (!piece || !index)
			result = piece_get(states, page, &piece);
		if (result)
			return result;
		if (piece->present[index / 64] & bit) {
			bytes->resident += here;
			if (!(piece->of_file[index / 64] & bit))
				bytes->anonymous += here;
		} else if (piece->swapped[index / 64] & bit) {
			bytes->swapped += here;
		}
		start = next;
		if (!next) /* the end of all addresses */
			break;
	}
	return 0;
}
