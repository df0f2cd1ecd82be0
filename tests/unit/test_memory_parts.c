// SPDX-License-Identifier: GPL-2.0-or-later
/* What a resident set consists of, from made-up address spaces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/memory_parts.h"

#define K 1024ull
#define M (1024 * K)

static const char space_text[] =
	"00400000-00410000 r-xp 00000000 fe:00 77 /usr/bin/server\n"
	"Size:                 64 kB\n"
	"Rss:                  48 kB\n"
	"Anonymous:             0 kB\n"
	"Swap:                  0 kB\n"
	"VmFlags: rd ex mr mw me sd\n"
	"00410000-00420000 rw-p 00010000 fe:00 77 /usr/bin/server\n"
	"Rss:                  24 kB\n"
	"Anonymous:             8 kB\n"
	"00420000-00430000 rw-p 00000000 00:00 0 \n"
	"Rss:                  12 kB\n"
	"Anonymous:            12 kB\n"
	"01000000-01100000 rw-p 00000000 00:00 0 [heap]\n"
	"Rss:                1000 kB\n"
	"Anonymous:          1000 kB\n"
	"Swap:                  4 kB\n"
	"7f0000000000-7f0000100000 rw-s 00000000 00:01 9 "
	"/memfd:[heap]\\012Rss: 1 kB (deleted)\n"
	"Rss:                 100 kB\n"
	"Anonymous:             0 kB\n"
	"7f0010000000-7f0010001000 ---p 00000000 00:00 0 \n"
	"Rss:                   0 kB\n"
	"7f0010001000-7f0010801000 rw-p 00000000 00:00 0 \n"
	"Rss:                  16 kB\n"
	"Anonymous:            16 kB\n"
	"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n"
	"Rss:                  20 kB\n"
	"Anonymous:            20 kB\n"
	"7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0 [vdso]\n"
	"Rss:                   4 kB\n"
	"Anonymous:             0 kB\n";

static memory_area_vector parsed(const char *text)
{
	memory_area_vector areas = { 0 };

	assert_int_equal(smaps_parse(&areas, text, strlen(text)), 0);
	return areas;
}

static void test_parse(void **state)
{
	static const enum area_kind kinds[] = {
		AREA_FILE,	AREA_FILE,   AREA_ANONYMOUS,
		AREA_HEAP,	AREA_SHARED, AREA_ANONYMOUS,
		AREA_ANONYMOUS, AREA_STACK,  AREA_SPECIAL,
	};
	memory_area_vector areas = parsed(space_text);

	(void)state;
	assert_int_equal(areas.count, sizeof(kinds) / sizeof(kinds[0]));
	for (size_t i = 0; i < areas.count; i++)
		assert_int_equal(areas.items[i].kind, kinds[i]);
	assert_int_equal(areas.items[3].start, 0x1000000);
	assert_int_equal(areas.items[3].end, 0x1100000);
	assert_int_equal(areas.items[3].rss, 1000 * K);
	assert_int_equal(areas.items[3].anonymous, 1000 * K);
	assert_int_equal(areas.items[3].swap, 4 * K);
	/* A name with a newline is no field. */
	assert_int_equal(areas.items[4].rss, 100 * K);
	assert_false(areas.items[5].accessible);
	assert_int_equal(memory_areas_find(&areas, 0x10fffff), 3);
	assert_int_equal(memory_areas_find(&areas, 0x1100000), areas.count);
	vector_free(&areas);
}

/* A text may come in any pieces of whole lines. */
static void test_pieces(void **state)
{
	memory_area_vector whole = parsed(space_text), pieces = { 0 };
	const char *line = space_text;

	(void)state;
	while (*line) {
		const char *end = strchr(line, '\n') + 1;

		assert_int_equal(
			smaps_parse(&pieces, line, (size_t)(end - line)), 0);
		line = end;
	}
	assert_int_equal(pieces.count, whole.count);
	assert_memory_equal(pieces.items, whole.items,
			    whole.count * sizeof(*whole.items));
	vector_free(&whole);
	vector_free(&pieces);
}

static void check_refused(const char *text, int code)
{
	memory_area_vector areas = { 0 };

	assert_int_equal(smaps_parse(&areas, text, strlen(text)), code);
	vector_free(&areas);
}

#define AREA "00400000-00410000 r-xp 00000000 fe:00 77 /a\n"

static void test_refused(void **state)
{
	(void)state;
	check_refused("Rss: 4 kB\n", -EINVAL);
	check_refused("00400000\n", -EINVAL);
	check_refused(AREA "\n", -EINVAL);
	check_refused(AREA "Rss: 4\n", -EINVAL);
	check_refused(AREA "Rss: -4 kB\n", -EINVAL);
	check_refused(AREA "Rss: 65 kB\n", -EINVAL); /* more than there is */
	check_refused(AREA "Rss: 99999999999999999999 kB\n", -EINVAL);
	check_refused(AREA "Rss: 18014398509481984 kB\n", -EINVAL);
	check_refused(AREA "00300000-00310000 r-xp 00000000 fe:00 77 /a\n",
		      -EAGAIN);
	check_refused(AREA "00408000-00420000 r-xp 00000000 fe:00 77 /a\n",
		      -EAGAIN);
}

static void test_too_many(void **state)
{
	memory_area_vector areas = { 0 };
	char line[80];
	int result = 0;

	(void)state;
	for (unsigned i = 1; !result && i < SMAPS_AREAS_MAX + 10; i++) {
		int length = snprintf(line, sizeof(line),
				      "%x000-%x001 rw-p 00000000 00:00 0 \n", i,
				      i);

		result = smaps_parse(&areas, line, (size_t)length);
	}
	assert_int_equal(result, -E2BIG);
	assert_int_equal(areas.count, SMAPS_AREAS_MAX);
	vector_free(&areas);
}

static void test_sums(void **state)
{
	static const char text[] = "Name:\tRssAnon: 1 kB\n"
				   "VmRSS:\t     140 kB\n"
				   "RssAnon:\t     100 kB\n"
				   "RssFile:\t      30 kB\n"
				   "RssShmem:\t      10 kB\n"
				   "VmSwap:\t       5 kB\n";
	struct account account = { 0 };
	struct memory_sums sums;

	(void)state;
	assert_true(memory_sums_parse(text, &sums));
	assert_int_equal(sums.anonymous, 100 * K);
	memory_parts_of_sums(&sums, 60 * K, &account);
	assert_int_equal(account.rss_bytes, 140 * K);
	assert_int_equal(account.swap_bytes, 5 * K);
	assert_int_equal(account.parts[ACCOUNT_TRACKED], 60 * K);
	assert_int_equal(account.parts[ACCOUNT_OTHER], 40 * K);
	assert_int_equal(account.parts[ACCOUNT_FILE], 30 * K);
	assert_int_equal(account.parts[ACCOUNT_SHARED], 10 * K);
	assert_int_equal(account.areas, 0);
	/* A zombie has none of these lines. */
	assert_false(memory_sums_parse("Name:\tserver\n", &sums));
	assert_false(memory_sums_parse("", &sums));
}

/* An address space that a test changes, and what it is divided into. */
struct made_up {
	memory_area_vector areas;
	uint64_t tracked[16];
	struct ledger ledger;
	early_memory_vector early;
	bool exact, no_allocator;
	uint64_t resident; /* what the page tables say; ~0 = unknown */
	struct account account;
};

static void space_init(struct made_up *space, const char *text)
{
	*space = (struct made_up){ .areas = parsed(text),
				   .resident = UINT64_MAX };
	ledger_init(&space->ledger, 4096);
}

static void space_free(struct made_up *space)
{
	vector_free(&space->areas);
	vector_free(&space->early);
	ledger_free(&space->ledger);
}

static int resident(void *context, uint64_t start, uint64_t end,
		    uint64_t *bytes)
{
	const struct made_up *space = context;

	assert_true(start < end);
	*bytes = space->resident;
	return space->resident == UINT64_MAX ? -EIO : 0;
}

/* Divides it; the parts must always add up. */
static const uint64_t *divided(struct made_up *space)
{
	const struct memory_view view = {
		.areas = &space->areas,
		.tracked = space->tracked,
		.exact = space->exact,
		.ledger = &space->ledger,
		.early = &space->early,
		.has_allocator = !space->no_allocator,
		.resident = resident,
		.context = space,
	};
	uint64_t rss = 0, sum = 0;

	space->account = (struct account){ 0 };
	memory_parts_divide(&view, &space->account);
	for (size_t i = 0; i < space->areas.count; i++)
		rss += space->areas.items[i].rss;
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		sum += space->account.parts[i];
	assert_int_equal(space->account.rss_bytes, rss);
	assert_int_equal(sum, rss);
	return space->account.parts;
}

static void test_kinds(void **state)
{
	struct made_up space;
	const uint64_t *parts;

	(void)state;
	space_init(&space, space_text);
	space.tracked[3] = 400 * K;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_FILE], (48 + 16) * K);
	/* Copies of the file's pages, data without bytes in it, [vdso]. */
	assert_int_equal(parts[ACCOUNT_OTHER], (8 + 12 + 4) * K);
	assert_int_equal(parts[ACCOUNT_SHARED], 100 * K);
	assert_int_equal(parts[ACCOUNT_STACK], (20 + 16) * K);
	assert_int_equal(parts[ACCOUNT_TRACKED], 400 * K);
	assert_int_equal(parts[ACCOUNT_ALLOCATOR], 600 * K);
	assert_int_equal(parts[ACCOUNT_BEFORE], 0);
	assert_int_equal(space.account.swap_bytes, 4 * K);
	assert_int_equal(space.account.areas, 9);
	/* 24 KiB are not resident: all of these may be blocks. */
	assert_int_equal(space.account.doubt_bytes, 24 * K);
	space.exact = true;
	divided(&space);
	assert_int_equal(space.account.doubt_bytes, 0);
	space_free(&space);
}

/* Blocks of which not all is resident. */
static void test_untouched(void **state)
{
	struct made_up space;
	const uint64_t *parts;

	(void)state;
	space_init(&space, "7f0000000000-7f0000100000 rw-p 0 00:00 0 \n"
			   "Rss: 512 kB\nAnonymous: 512 kB\n");
	space.tracked[0] = M - 16;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_TRACKED], 512 * K);
	assert_int_equal(parts[ACCOUNT_ALLOCATOR], 0);
	assert_int_equal(space.account.doubt_bytes, 16);
	/* A size that cannot be. */
	space.tracked[0] = UINT64_MAX;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_TRACKED], 512 * K);
	space_free(&space);
}

/* What the program mapped is its own, also where areas were merged. */
static void test_mapped(void **state)
{
	struct made_up space;
	const uint64_t *parts;

	(void)state;
	space_init(&space, "7f0000000000-7f0000100000 rw-p 0 00:00 0 \n"
			   "Rss: 800 kB\nAnonymous: 800 kB\n");
	ledger_map(&space.ledger, 0x7f0000000000, M, 1, 1);
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_MAPPING], 800 * K);
	ledger_unmap(&space.ledger, 0x7f0000080000, 512 * K, 2);
	space.tracked[0] = 200 * K;
	space.resident = 300 * K;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_MAPPING], 300 * K);
	assert_int_equal(parts[ACCOUNT_TRACKED], 200 * K);
	assert_int_equal(parts[ACCOUNT_ALLOCATOR], 300 * K);
	/* Never more than there is; evenly, if the page tables say nothing. */
	space.resident = 900 * K;
	assert_int_equal(divided(&space)[ACCOUNT_MAPPING], 800 * K);
	space.resident = UINT64_MAX;
	assert_int_equal(divided(&space)[ACCOUNT_MAPPING], 400 * K);
	space_free(&space);
}

static const char arena_text[] =
	"7f0004000000-7f0004100000 rw-p 0 00:00 0 \n"
	"Rss: 700 kB\nAnonymous: 700 kB\n"
	"7f0004100000-7f0008000000 ---p 0 00:00 0 \nRss: 0 kB\n"
	"7f0020001000-7f0020101000 rw-p 0 00:00 0 \n"
	"Rss: 300 kB\nAnonymous: 300 kB\n";

/* Before tracing: a heap by its form, and something that may be anything. */
static void test_late(void **state)
{
	uint64_t heap, heap_rss;
	struct made_up space;
	const uint64_t *parts;

	(void)state;
	space_init(&space, arena_text);
	memory_parts_heap(&space.areas, &heap, &heap_rss);
	assert_int_equal(heap, M);
	assert_int_equal(heap_rss, 700 * K);
	assert_int_equal(memory_parts_note_early(&space.areas, &space.early),
			 0);
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_BEFORE], 1000 * K);
	/* Both grow; blocks are in the first. */
	space.areas.items[0].rss = space.areas.items[0].anonymous = 900 * K;
	space.areas.items[2].rss = space.areas.items[2].anonymous = 400 * K;
	space.tracked[0] = 150 * K;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_TRACKED], 150 * K);
	assert_int_equal(parts[ACCOUNT_BEFORE], 1000 * K);
	assert_int_equal(parts[ACCOUNT_ALLOCATOR], 50 * K);
	assert_int_equal(parts[ACCOUNT_OTHER], 100 * K);
	/* Blocks in the other make it the allocator's, also when they go. */
	space.tracked[2] = 50 * K;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_TRACKED], 200 * K);
	assert_int_equal(parts[ACCOUNT_ALLOCATOR], 100 * K);
	space.tracked[2] = 0;
	parts = divided(&space);
	assert_int_equal(parts[ACCOUNT_ALLOCATOR], 150 * K);
	assert_int_equal(parts[ACCOUNT_OTHER], 0);
	space_free(&space);
}

/* From the start: what no function mapped is the allocator's, if any is. */
static void test_unknown(void **state)
{
	struct made_up space;

	(void)state;
	space_init(&space, arena_text);
	assert_int_equal(divided(&space)[ACCOUNT_ALLOCATOR], 1000 * K);
	space.no_allocator = true;
	assert_int_equal(divided(&space)[ACCOUNT_ALLOCATOR], 700 * K);
	assert_int_equal(divided(&space)[ACCOUNT_OTHER], 300 * K);
	space_free(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
