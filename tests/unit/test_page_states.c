// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pages are resident: made-up entries, and pages of our own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/page_states.h"
#include "capture/resident.h"

static void test_entries(void **state)
{
	const uint64_t entries[] = {
		0,
		PAGE_PRESENT | 7,
		PAGE_PRESENT | 9, /* the page of zeros */
		PAGE_SWAPPED | 9,
		PAGE_PRESENT | PAGE_OF_FILE | 8,
	};
	struct page_piece piece = { 0 };

	(void)state;
	page_piece_fill(&piece, entries, 5, 9);
	assert_int_equal(piece.present[0], 1 << 1 | 1 << 4);
	assert_int_equal(piece.swapped[0], 1 << 3);
	assert_int_equal(piece.of_file[0], 1 << 4);
	/* Without the right to see frames all of them are 0. */
	piece = (struct page_piece){ 0 };
	page_piece_fill(&piece, entries, 5, 0);
	assert_int_equal(piece.present[0], 1 << 1 | 1 << 2 | 1 << 4);
}

static struct page_bytes counted(struct page_states *states, uint64_t start,
				 uint64_t end)
{
	struct page_bytes bytes = { 0 };

	assert_int_equal(page_states_count(states, start, end, &bytes), 0);
	return bytes;
}

/* Written, read and untouched pages; ranges that begin and end anywhere. */
static void test_own(void **state)
{
	const size_t pages = 3 * PAGE_PIECE;
	struct page_states states;
	uint64_t page, start;
	char *memory;

	(void)state;
	assert_int_equal(page_states_open(&states, getpid()), 0);
	page = states.page_size;
	memory = mmap(NULL, pages * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	madvise(memory, pages * page, MADV_NOHUGEPAGE);
	start = (uint64_t)(uintptr_t)memory;
	for (size_t i = 0; i < pages; i += 2)
		((volatile char *)memory)[i * page] = 1;
	if (states.zero_frame)
		(void)((volatile char *)memory)[page];
	assert_int_equal(counted(&states, start, start + pages * page).resident,
			 pages / 2 * page);
	assert_int_equal(counted(&states, start + 10, start + 20).resident, 10);
	assert_int_equal(
		counted(&states, start + page + 10, start + 2 * page).resident,
		0);
	assert_int_equal(counted(&states, start + page - 10,
				 start + 2 * page + 30)
				 .resident,
			 10 + 30);
	assert_int_equal(counted(&states, start, start + page).anonymous, page);
	assert_int_equal(counted(&states, start, start).resident, 0);
	/* Every piece is read once, and kept. */
	assert_in_range(states.count, pages / PAGE_PIECE,
			pages / PAGE_PIECE + 1);
	page_states_close(&states);
	munmap(memory, pages * page);
}

static void test_failures(void **state)
{
	struct page_bytes bytes = { 0 };
	struct page_states states;

	(void)state;
	assert_int_equal(page_states_open(&states, 0), -ENOENT);
	assert_int_equal(page_states_open(&states, getpid()), 0);
	/* Beyond what addresses there are. */
	assert_int_equal(page_states_count(&states, UINT64_MAX - 5000,
					   UINT64_MAX, &bytes),
			 -EIO);
	states.count = PAGE_PIECES_MAX;
	assert_int_equal(page_states_count(&states, 4096, 8192, &bytes),
			 -E2BIG);
	states.count = 0;
	page_states_close(&states);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
