// SPDX-License-Identifier: GPL-2.0-or-later
/* The stack walker, natively, on synthetic stacks and rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind_host.h"

/* sp, frame pointer, base register in turn, each saving the others. */
static void test_registers(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 32) | SAVED_FP(16) | SAVED_BASE(24),
		CFA(UNWIND_FRAME, 16) | SAVED_FP(16),
		CFA(UNWIND_BASE, 48) | SAVED_BASE(32),
		CFA(UNWIND_STACK, 8),
		UNWIND_END,
	};
	uint64_t sp = STACK_ADDRESS + 0x1000;
	uint64_t frame = sp + 0x100, base = sp + 0x400;

	(void)state;
	add_functions(rules, 5);
	put_word(sp + 8, base);
	put_word(sp + 16, frame);
	put_word(sp + 24, in(1));
	put_word(frame, 77);
	put_word(frame + 8, in(2));
	put_word(base + 16, 88);
	put_word(base + 40, in(3));
	put_word(base + 48, in(4));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 1, 2), ABI_FLAW_NONE,
	       EXACT(in(0)), frame_of(in(1)), frame_of(in(2)), frame_of(in(3)),
	       frame_of(in(4)));
	assert_int_equal(host.walks[0].frame, 77);
	assert_int_equal(host.walks[0].base, 88);
}

/* Realigned frames, and a stack pointer kept in memory. */
static void test_memory(void **state)
{
	static const uint64_t rules[] = {
		PAIR(UNWIND_FRAME_DEREF, -8, 0) | UNWIND_SAVES_FROM_REGISTER |
			SAVED_FP(0) | SAVED_BASE(24),
		PAIR(UNWIND_STACK_DEREF, 168, 8) | SAVED_FP(16),
		UNWIND_END,
	};
	uint64_t sp = STACK_ADDRESS + 0x1000;
	uint64_t frame = sp + 0x80, cfa = sp + 0x100, last = sp + 0x300;

	(void)state;
	add_functions(rules, 3);
	put_word(frame - 8, cfa);
	put_word(frame, 111);
	put_word(frame - 24, 222);
	put_word(cfa - 8, in(1));
	put_word(cfa + 168, last - 8);
	put_word(last - 16, 333);
	put_word(last - 8, in(2));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, frame, 5),
	       ABI_FLAW_NONE, EXACT(in(0)), frame_of(in(1)), frame_of(in(2)));
	assert_int_equal(host.walks[0].base, 222);
	assert_int_equal(host.walks[0].frame, 333);
	assert_int_equal(host.walks[0].sp, last);
}

static void test_plt(void **state)
{
	static const uint64_t rules[] = { PAIR(UNWIND_PLT, 8, 11), UNWIND_END };
	uint64_t sp = STACK_ADDRESS + 0x1000;

	(void)state;
	add_functions(rules, 2);
	put_word(sp, in(1));
	put_word(sp + 8, in(1) + 1);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, CODE + 10, sp, 0, 0),
	       ABI_FLAW_NONE, EXACT(CODE + 10), frame_of(in(1)));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, CODE + 16 + 11, sp, 0, 0),
	       ABI_FLAW_NONE, EXACT(CODE + 27), frame_of(in(1) + 1));
}

/* A call as a function's last instruction returns into the next function. */
static void test_return_address_rule(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 8),
		CFA(UNWIND_STACK, 16),
		CFA(UNWIND_STACK, 24),
		UNWIND_END,
	};
	uint64_t sp = STACK_ADDRESS + 0x1000;

	(void)state;
	add_functions(rules, 4);
	put_word(sp, CODE + 2 * 256);	   /* function 1 called it */
	put_word(sp + 16, CODE + 4 * 256); /* function 3, end of mapping */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(in(0)), frame_of(CODE + 512), frame_of(CODE + 1024));
	/* Begun behind a call, too. */
	EXPECT(walk_from(UNWIND_AT_RETURN, CODE + 256, sp, 0, 0), ABI_FLAW_NONE,
	       frame_of(CODE + 256), frame_of(CODE + 512),
	       frame_of(CODE + 1024));
	/* An entry is left without its rule. */
	EXPECT(walk_from(UNWIND_AT_ENTRY, CODE + 512, sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(CODE + 512), frame_of(CODE + 512), frame_of(CODE + 1024));
}

/* The frame below a handler goes on where it was interrupted, exactly. */
static void test_signal(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 8),
		UNWIND_SIGNAL,
		CFA(UNWIND_STACK, 16), /* what pc - 1 would find */
		CFA(UNWIND_FRAME, 16) | SAVED_FP(16),
		UNWIND_END,
	};
	uint64_t sp = STACK_ADDRESS + 0x2000, context = sp + 8;
	uint64_t other = STACK_ADDRESS + 0x20000; /* handler was on another */

	(void)state;
	add_functions(rules, 5);
	put_word(sp, in(1));
	put_word(context + 120, other + 0x40);
	put_word(context + 128, 1234);
	put_word(context + 160, other);
	put_word(context + 168, CODE + 3 * 256);
	put_word(other + 0x40, 4321);
	put_word(other + 0x48, in(4));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(in(0)), EXACT(in(1)), EXACT(CODE + 3 * 256),
	       frame_of(in(4)));
	assert_int_equal(host.walks[0].base, 1234);
	assert_int_equal(host.walks[0].frame, 4321);
}

static void test_ends(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 8),
		UNWIND_UNSUPPORTED,
		CFA(UNWIND_FRAME, 16),
		UNWIND_END | UNWIND_AT_FIRST_BYTE,
	};
	uint64_t sp = STACK_ADDRESS + 0x1000;

	(void)state;
	add_functions(rules, 4);
	put_word(sp, in(3)); /* returned to, but at its first byte */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(in(0)), EXACT(in(3)));
	put_word(sp, 0); /* the convention of an outermost frame */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(in(0)));
	put_word(sp, in(1));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_UNSUPPORTED, EXACT(in(0)), frame_of(in(1)));
	put_word(sp, 0x123456789abc); /* nobody's */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_MAPPING, EXACT(in(0)));
	put_word(sp, 0xffffffff81000000); /* not even an address */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_MAPPING, EXACT(in(0)));
	put_word(sp, in(2));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0x10, 0),
	       ABI_FLAW_UNREADABLE, EXACT(in(0)), frame_of(in(2)));
	/* The first byte behind a mapping is not in it. */
	host.rules[add_rule(rules[0])] = UNWIND_SIGNAL;
	put_word(sp + 168, CODE + 4 * 256);
	table.process += 1ULL << 42;
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_MAPPING, EXACT(in(0)));
	/* A process without a table has no frames at all, but at an entry. */
	table.process = 0;
	assert_int_equal(
		walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0)->frame_count,
		0);
}

/* Code without tables, of a module and of none, by its frame pointers. */
static void test_no_cfi(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 8),
		UNWIND_NO_CFI,
		UNWIND_END,
	};
	uint64_t sp = STACK_ADDRESS + 0x1000;
	uint64_t jit = 0x600000000000ULL;
	uint64_t frame = sp + 0x40, other = STACK_ADDRESS + 0x100;

	(void)state;
	add_functions(rules, 3);
	add_mapping(jit, jit + 0x1000, 0, UNWIND_MODULE_NONE);
	put_word(sp, in(1));
	put_word(frame, other); /* a stack below this one */
	put_word(frame + 8, jit + 0x10);
	put_word(other, 0);
	put_word(other + 8, in(2));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, frame, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)), jit + 0x10,
	       frame_of(in(2)));
	/* The frame pointer is none: the frames so far stand. */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, frame + 4, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 1 << 20, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)));
	/* Generated code may return to where it has not called from. */
	host.uncalled = jit + 0x10;
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, frame, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)), jit + 0x10,
	       frame_of(in(2)));
	/* Of other code whatever it is, it is no frame. */
	put_word(frame + 8, in(1) + 8);
	host.uncalled = in(1) + 8;
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, frame, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)));
	host.uncalled = 0;
	/* It leads to what is no code: not a frame. */
	put_word(frame + 8, 42);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, frame, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)));
}

/* All that calls can look like, and something that none does. */
static void test_follows_call(void **state)
{
	static const struct {
		uint8_t before[8];
		bool is_call;
	} codes[] = {
		{ { 0, 0, 0, 0xe8, 1, 2, 3, 4 }, true },
		{ { 0, 0, 0, 0, 0, 0, 0xff, 0xd0 }, true },    /* *%rax */
		{ { 0, 0, 0, 0, 0, 0x41, 0xff, 0xd4 }, true }, /* *%r12 */
		{ { 0, 0, 0, 0, 0, 0xff, 0x50, 8 }, true },    /* *8(%rax) */
		{ { 0, 0, 0, 0, 0xff, 0x54, 0x24, 8 }, true }, /* *8(%rsp) */
		{ { 0, 0, 0xff, 0x15, 1, 2, 3, 4 }, true },    /* *x(%rip) */
		{ { 0, 0xff, 0x94, 0xc8, 1, 2, 3, 4 }, true },
		{ { 0, 0, 0xff, 0x25, 1, 2, 3, 4 }, false }, /* a jmp */
		{ { 0xe8, 0, 0, 0, 0, 0x90, 0x90, 0x90 }, false },
		{ { 0, 0, 0, 0xe9, 1, 2, 3, 4 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		memcpy(&host.call, codes[i].before, 8);
		assert_int_equal(unwind_follows_call(CODE + 100),
				 codes[i].is_call);
	}
	host.unreadable = CODE + 100;
	assert_false(unwind_follows_call(CODE + 100));
}

#define GUESS_OF(address) (frame_of(address) | UNWIND_FRAME_GUESSED)

/* Rules worked out from code: good frames, and their beyond, are marked. */
static void test_guessed(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 8), CFA(UNWIND_STACK, 16) | UNWIND_GUESSED,
		CFA(UNWIND_STACK, 8), UNWIND_END,
		UNWIND_SIGNAL,
	};
	uint64_t sp = STACK_ADDRESS + 0x1000;

	(void)state;
	add_functions(rules, 5);
	put_word(sp, in(1));
	put_word(sp + 16, in(2));
	put_word(sp + 24, in(3));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)), GUESS_OF(in(2)),
	       GUESS_OF(in(3)));
	/* A guess that leads to where nothing was called is none. */
	host.uncalled = in(2);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)));
	/* What unwind tables say needs no such proof. */
	host.uncalled = in(3);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)), GUESS_OF(in(2)),
	       GUESS_OF(in(3)));
	/* Outermost functions are returned to without a call. */
	put_word(sp + 16, in(3));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)), GUESS_OF(in(3)));
	/* And so are signal restorers; this one's context leads nowhere. */
	host.uncalled = in(4);
	put_word(sp + 16, in(4));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_CFI, EXACT(in(0)), frame_of(in(1)),
	       GUESS_OF(in(4)) | UNWIND_FRAME_EXACT);
}

/* Return probes replace return addresses; the kernel knows the true ones. */
static void test_return_probes(void **state)
{
	static const uint64_t rules[] = { CFA(UNWIND_STACK, 8), UNWIND_END };
	uint64_t sp = STACK_ADDRESS + 0x1000;
	static const uint64_t unmapped = 0x700000001234ULL;

	(void)state;
	add_functions(rules, 2);
	for (unsigned i = 0; i < 4; i++)
		put_word(sp + 8 * i, i % 2 ? in(0) + i : TRAMPOLINE);
	put_word(sp + 32, in(1));
	host.probed[0].place = sp + 16;
	host.probed[0].address = in(0) + 2;
	host.probed[1].place = sp;
	host.probed[1].address = in(0);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(in(0)), frame_of(in(0)), frame_of(in(0) + 1),
	       frame_of(in(0) + 2), frame_of(in(0) + 3), frame_of(in(1)));
	/* One whose place is another's is not believed. */
	host.probed[0].place += 8;
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
	       ABI_FLAW_NO_MAPPING, EXACT(in(0)), frame_of(in(0)),
	       frame_of(in(0) + 1));
	/* A probed function that no table knows still has a caller. */
	put_word(sp, in(1));
	EXPECT(walk_from(UNWIND_AT_ENTRY, unmapped, sp, 0, 0),
	       ABI_FLAW_NO_MAPPING, unmapped | UNWIND_FRAME_EXACT,
	       frame_of(in(1)));
}

static void test_depth(void **state)
{
	static const uint64_t rules[] = { CFA(UNWIND_STACK, 64), UNWIND_END };
	uint64_t sp = STACK_ADDRESS + 8;
	const struct abi_event_stack *event;

	(void)state;
	add_functions(rules, 2);
	for (unsigned depth = 1; depth <= 300; depth++) {
		for (unsigned i = 1; i < depth; i++)
			put_word(sp + 64 * i - 8,
				 i == depth - 1 ? in(1) : in(0) + i % 9);
		event = walk_from(UNWIND_AT_INSTRUCTION,
				  depth == 1 ? in(1) : in(0), sp, 0, 0);
		assert_int_equal(event->flaw, depth > ABI_FRAMES_MAX
						      ? ABI_FLAW_TOO_DEEP
						      : ABI_FLAW_NONE);
		assert_int_equal(event->frame_count, depth > ABI_FRAMES_MAX
							     ? ABI_FRAMES_MAX
							     : depth);
		for (unsigned i = 1; i + 1 < event->frame_count; i++)
			assert_int_equal(event->frames[i],
					 frame_of(in(0) + i % 9));
	}
	/* Endless recursion of a stack that is its own caller. */
	put_word(sp + 56, in(0));
	host.rules[add_rule(rules[0])] = CFA(UNWIND_FRAME, 64);
	table.process += 1ULL << 42;
	event = walk_from(UNWIND_AT_INSTRUCTION, in(0), 0, sp, 0);
	assert_int_equal(event->flaw, ABI_FLAW_TOO_DEEP);
	assert_int_equal(event->frame_count, ABI_FRAMES_MAX);
}

/* Words before and behind pages that are not there, and across two pages. */
static void test_windows(void **state)
{
	static const uint64_t rules[] = {
		CFA(UNWIND_STACK, 8),
		CFA(UNWIND_FRAME, 16) | SAVED_FP(16),
		UNWIND_END,
	};
	uint64_t page = STACK_ADDRESS + UNWIND_MEMORY_PAGE;

	(void)state;
	add_functions(rules, 3);
	host.absent[0] = host.absent[2] = true;
	put_word(page, in(1));
	put_word(page + 4096 - 16, 99);
	put_word(page + 4096 - 8, in(2));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), page, page + 4080, 0),
	       ABI_FLAW_NONE, EXACT(in(0)), frame_of(in(1)), frame_of(in(2)));
	assert_int_equal(host.reads, 2); /* 1 KiB, then the rest */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), page - 8, 0, 0),
	       ABI_FLAW_UNREADABLE, EXACT(in(0)));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), page, page + 4088, 0),
	       ABI_FLAW_UNREADABLE, EXACT(in(0)), frame_of(in(1)));
	host.absent[2] = false;
	put_word(page + 4092, in(2)); /* misaligned, across the boundary */
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), page + 4092, 0, 0),
	       ABI_FLAW_NONE, EXACT(in(0)), frame_of(in(2)));
}

/* What the cache gives is what the search gives; what is stale is not. */
static void test_cache(void **state)
{
	static const uint64_t rules[] = { CFA(UNWIND_STACK, 8), UNWIND_END };
	uint64_t sp = STACK_ADDRESS + 0x1000;
	struct unwind_cached *slot;

	(void)state;
	add_functions(rules, 2);
	put_word(sp, in(1));
	for (unsigned i = 0; i < 3; i++)
		EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0),
		       ABI_FLAW_NONE, EXACT(in(0)), frame_of(in(1)));
	/* Really from the cache: the tables are gone. */
	memset(host.chunks, 0, sizeof(host.chunks));
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0), ABI_FLAW_NONE,
	       EXACT(in(0)), frame_of(in(1)));
	/* A torn entry, word by word, is none. */
	slot = unwind_cache_slot(unwind_cache_key(&host.walks[0], in(0)));
	for (unsigned word = 0; word < 3; word++) {
		struct unwind_cached whole = *slot;

		((uint64_t *)slot)[word] ^= 1ULL << (word * 20);
		assert_int_equal(
			walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0)->flaw,
			ABI_FLAW_NO_MAPPING);
		*slot = whole;
	}
	/* A new generation does not see the old one's entries. */
	table.process += 1ULL << 42;
	assert_int_equal(
		walk_from(UNWIND_AT_INSTRUCTION, in(0), sp, 0, 0)->flaw,
		ABI_FLAW_NO_MAPPING);
}

static void test_claims(void **state)
{
	(void)state;
	for (u32 i = 0; i < UNWIND_WALKS; i++)
		assert_int_equal(unwind_begin(0, UNWIND_AT_ENTRY, 0, 0, 0, 0),
				 i);
	assert_int_equal(unwind_begin(0, UNWIND_AT_ENTRY, 0, 0, 0, 0),
			 UNWIND_NO_WALK);
	unwind_end(2);
	assert_int_equal(unwind_begin(0, UNWIND_AT_ENTRY, 0, 0, 0, 0), 2);
	for (u32 i = 0; i < UNWIND_WALKS; i++)
		unwind_end(i);
	for (u32 i = 0; i < UNWIND_WALKS; i++)
		assert_int_equal(host.walks[i].claims, 0);
}

/* Both searches against a linear one. */
static void test_searches(void **state)
{
	static uint32_t rows[3000];
	static uint16_t expected[65536];
	struct unwind_mapping *mappings = (void *)host.chunks[0];
	uint32_t counts[] = { 1, 2, 3, 5, 8, 100, 255, 1000, 2999 };

	(void)state;
	srand(1);
	for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
		uint32_t count = 0, address = 0;

		memset(&host.modules[1], 0, sizeof(host.modules[1]));
		table.pages = 0;
		while (count < counts[n] && address < 65536) {
			rows[count] = UNWIND_ROW(address, count + 7);
			count++;
			address += 1 + (uint32_t)rand() % (131072 / counts[n]);
		}
		add_page(1, rows, count);
		for (uint32_t i = 0, row = 0; i < 65536; i++) {
			if (row + 1 < count && rows[row + 1] >> 16 == i)
				row++;
			expected[i] = (uint16_t)rows[row];
		}
		for (uint32_t i = 0; i < 65536; i++)
			assert_int_equal(
				unwind_search_rows((u32 *)host.chunks[2],
						   host.chunks[1][0], i),
				expected[i]);
	}
	for (uint32_t i = 0; i < 2000; i++)
		add_mapping(0x1000 * i, 0x1000 * i + 0x800, 0, 1);
	for (uint32_t i = 0; i < 2000; i++) {
		uint64_t start = mappings[i].start;

		assert_int_equal(unwind_search_mappings(mappings, table.process,
							start),
				 i);
		assert_int_equal(unwind_search_mappings(mappings, table.process,
							start + 0xfff),
				 i);
	}
}

/* A module on several pages, and code behind its table's last page. */
static void test_pages(void **state)
{
	uint32_t page0[] = { UNWIND_ROW(0, 0), UNWIND_ROW(0x8000, 6) };
	uint32_t page1[] = { UNWIND_ROW(0, 6), UNWIND_ROW(0xffff, UNWIND_END) };
	uint64_t sp = STACK_ADDRESS + 0x1000;

	(void)state;
	host.modules[1].first_page = 3;
	add_page(2, page0, 1); /* another module before it */
	add_page(1, page0, 2);
	add_page(1, page1, 2);
	add_page(3, page1, 2); /* and one behind it */
	add_rule(CFA(UNWIND_STACK, 8));
	add_rule(CFA(UNWIND_STACK, 8));
	host.rules[6] = CFA(UNWIND_STACK, 8);
	add_mapping(0x30000, 0x60000, 0, 1);
	put_word(sp, 0x38001);
	put_word(sp + 8, 0x40000);
	put_word(sp + 16, 0x40001);
	put_word(sp + 24, 0x50000);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, 0x4fffe, sp, 0, 0),
	       ABI_FLAW_NONE, 1ULL << 48 | 0x4fffe | UNWIND_FRAME_EXACT,
	       1ULL << 48 | 0x38001, 1ULL << 48 | 0x40000, 1ULL << 48 | 0x40001,
	       1ULL << 48 | 0x50000);
	put_word(sp, 0x50002);
	EXPECT(walk_from(UNWIND_AT_INSTRUCTION, 0x4fffe, sp, 0, 0),
	       ABI_FLAW_NO_CFI, 1ULL << 48 | 0x4fffe | UNWIND_FRAME_EXACT,
	       1ULL << 48 | 0x50002);
}

enum { RANDOM_RULES = 200, RANDOM_STACKS = 20000 };

/*
 * Random programs: rules of every ordinary type, stacks laid out as those
 * rules say, outermost first, and the walk must find the way back.
 */
static uint64_t random_rule(void)
{
	unsigned words = 2 + (unsigned)rand() % 30;
	uint64_t saves = 0;
	static const uint64_t types[] = { UNWIND_STACK, UNWIND_FRAME,
					  UNWIND_BASE };

	if (words > 3)
		saves = SAVED_FP(16) * ((unsigned)rand() % 2) |
			SAVED_BASE(24) * ((unsigned)rand() % 2);
	return CFA(types[rand() % 3], 8 * words) | saves;
}

static void test_random_stacks(void **state)
{
	uint64_t rules[RANDOM_RULES], frames[64];

	(void)state;
	srand(7);
	rules[0] = UNWIND_END;
	for (unsigned i = 1; i < RANDOM_RULES; i++)
		rules[i] = random_rule();
	add_functions(rules, RANDOM_RULES);
	for (unsigned round = 0; round < RANDOM_STACKS; round++) {
		unsigned depth = 2 + (unsigned)rand() % 60;
		uint64_t top = STACK_ADDRESS + 0x30000 - 8 * (rand() % 600);
		uint64_t frame = (uint64_t)rand(), base = (uint64_t)rand();
		uint64_t ip = in(0);

		frames[depth - 1] = frame_of(ip);
		for (unsigned i = depth - 1; i-- > 0;) {
			unsigned function =
				1 + (unsigned)rand() % (RANDOM_RULES - 1);
			uint64_t rule = rules[function];
			uint64_t cfa = top, offset = rule >> 32;
			bool saves_frame = rule & SAVED_FP(16);
			bool saves_base = (rule >> 20) & 0xfff;

			/* What cannot be restored must not be needed. */
			if ((UNWIND_RULE_TYPE(rule) == UNWIND_FRAME &&
			     !saves_frame) ||
			    (UNWIND_RULE_TYPE(rule) == UNWIND_BASE &&
			     !saves_base)) {
				i++;
				continue;
			}
			put_word(cfa - 8, ip);
			if (saves_frame) {
				put_word(cfa - 16, frame);
				frame = (uint64_t)rand();
			}
			if (saves_base) {
				put_word(cfa - 24, base);
				base = (uint64_t)rand();
			}
			if (UNWIND_RULE_TYPE(rule) == UNWIND_FRAME)
				frame = cfa - offset;
			if (UNWIND_RULE_TYPE(rule) == UNWIND_BASE)
				base = cfa - offset;
			top = cfa - offset;
			ip = in(function) + (unsigned)rand() % 100;
			frames[i] = frame_of(ip);
		}
		frames[0] |= UNWIND_FRAME_EXACT;
		expect_frames(walk_from(UNWIND_AT_INSTRUCTION, ip, top, frame,
					base),
			      ABI_FLAW_NONE, frames, depth);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_registers),	  TEST(test_memory),
		TEST(test_plt),		  TEST(test_return_address_rule),
		TEST(test_signal),	  TEST(test_ends),
		TEST(test_no_cfi),	  TEST(test_follows_call),
		TEST(test_guessed),	  TEST(test_return_probes),
		TEST(test_depth),	  TEST(test_windows),
		TEST(test_cache),	  TEST(test_claims),
		TEST(test_searches),	  TEST(test_pages),
		TEST(test_random_stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
