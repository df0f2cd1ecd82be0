/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stack walker compiled natively, and the kernel's side of it: tables and
 * a stack that tests fill in. Of the machine whose __TARGET_ARCH_ is defined.
 */
#ifndef LEAKTRACE_TESTS_UNWIND_HOST_H
#define LEAKTRACE_TESTS_UNWIND_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

/* <sys/cdefs.h> has the other. */
#define __noinline __attribute__((noinline))

#include "bpf/unwind_walk.h"

#define CHUNKS 4 /* mappings; page indexes; rows; rows */
#define STACK_ADDRESS 0x7ffc00000000ULL
#define STACK_PAGES 64
#define CODE 0x555500000000ULL /* module 1 */
#define CODE_BIAS 0x555500000000ULL
#define TRAMPOLINE 0x7fffffffe000ULL

/* The kernel's side of the boundary, as far as the walker sees it. */
static struct {
	struct unwind_walk walks[UNWIND_WALKS];
	struct unwind_cached cache[1 << UNWIND_CACHE_BITS];
	uint64_t rules[UNWIND_RULES];
	struct unwind_module modules[8];
	uint64_t chunks[CHUNKS][UNWIND_CHUNK_BYTES / 8];
	uint8_t stack[STACK_PAGES * UNWIND_MEMORY_PAGE];
	bool absent[STACK_PAGES];
	struct {
		uint64_t place, address;
	} probed[8];
	unsigned reads;
	/* Every address follows a call but this one; it may be unreadable. */
	uint64_t uncalled, unreadable;
	uint64_t call; /* the eight bytes before the others */
} host;

#define CALL_REL32 (0xe8ULL << 24) /* at the fifth byte before */

static struct unwind_walk *unwind_walk_at(u32 number)
{
	return number < UNWIND_WALKS ? &host.walks[number] : NULL;
}

static void *unwind_chunk_at(u32 number)
{
	return number < CHUNKS ? host.chunks[number] : NULL;
}

static u64 *unwind_rule_at(u32 id)
{
	return &host.rules[id];
}

static struct unwind_module *unwind_module_at(u32 id)
{
	return id < 8 ? &host.modules[id] : NULL;
}

static struct unwind_cached *unwind_cached_at(u32 index)
{
	assert_true(index < 1 << UNWIND_CACHE_BITS);
	return &host.cache[index];
}

static long unwind_read_memory(void *into, u32 size, u64 address)
{
	u64 offset = address - STACK_ADDRESS, word;

	assert_true(size >= 8 && size <= UNWIND_MEMORY_PAGE);
	if (address + size == host.unreadable)
		return -14;
	if (size == 8 && offset >= sizeof(host.stack) &&
	    address + 8 - CODE < UNWIND_ADDRESS_LIMIT - CODE) {
		word = address + 8 == host.uncalled ? 0 : host.call;
		memcpy(into, &word, 8);
		return 0;
	}
	host.reads++;
	if (offset >= sizeof(host.stack) ||
	    size > sizeof(host.stack) - offset ||
	    host.absent[offset / UNWIND_MEMORY_PAGE] ||
	    host.absent[(offset + size - 1) / UNWIND_MEMORY_PAGE])
		return -14;
	memcpy(into, host.stack + offset, size);
	return 0;
}

static u64 unwind_probed_return(u64 place)
{
	for (unsigned i = 0; i < 8; i++)
		if (host.probed[i].place == place)
			return host.probed[i].address;
	return 0;
}

#include "bpf/unwind.bpf.h"

/* The table's figures, as they are added. */
static struct {
	uint32_t rules, rows, pages, mappings;
	uint64_t process;
	uint64_t generation;
} table;

static int reset(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&table, 0, sizeof(table));
	host.call = CALL_REL32;
	for (table.rules = 0; table.rules <= UNWIND_SIGNAL; table.rules++)
		host.rules[table.rules] = table.rules;
	return 0;
}

static uint16_t add_rule(uint64_t rule)
{
	for (uint32_t id = 0; id < table.rules; id++)
		if (host.rules[id] == rule)
			return (uint16_t)id;
	host.rules[table.rules] = rule;
	return (uint16_t)table.rules++;
}

static void add_mapping(uint64_t start, uint64_t end, uint64_t bias,
			uint32_t module)
{
	struct unwind_mapping *mappings = (void *)host.chunks[0];

	mappings[table.mappings++] = (struct unwind_mapping){
		.start = start,
		.end = end,
		.bias = bias,
		.module = module,
	};
	table.process =
		UNWIND_PROCESS(++table.generation, 0, 0, table.mappings);
}

/* Rows of one page of text; a module's pages are added in order. */
static void add_page(uint32_t module, const uint32_t *rows, uint32_t count)
{
	uint32_t *chunk = (void *)host.chunks[2];

	if (!host.modules[module].page_count++) {
		host.modules[module].chunk = 1;
		host.modules[module].first = table.pages;
	}
	memcpy(chunk + table.rows, rows, count * sizeof(*rows));
	host.chunks[1][table.pages++] = UNWIND_PAGE(2, table.rows, count);
	table.rows += count;
}

#define CFA(type, offset) \
	((uint64_t)(type) | (uint64_t)(uint32_t)(offset) << 32)
#define PAIR(type, first, second)                               \
	((uint64_t)(type) | (uint64_t)(uint16_t)(first) << 32 | \
	 (uint64_t)(uint16_t)(second) << 48)
#define SAVED_FP(below) ((uint64_t)((below) / 8 + 1) << 8)
#define SAVED_BASE(below) ((uint64_t)((below) / 8 + 1) << 20)

/*
 * Module 1: functions of 256 bytes, one rule each, so that function n's code
 * is at CODE + n * 256.
 */
static void add_functions(const uint64_t *rules, uint32_t count)
{
	uint32_t rows[256];

	for (uint32_t i = 0; i < count; i++)
		rows[i] = UNWIND_ROW(i * 256, add_rule(rules[i]));
	add_page(1, rows, count);
	add_mapping(CODE, CODE + count * 256, CODE_BIAS, 1);
}

/* A return address in function n. */
static uint64_t in(unsigned function)
{
	return CODE + function * 256 + 100;
}

static uint64_t frame_of(uint64_t address)
{
	return 1ULL << 48 | (address - CODE_BIAS);
}

static void put_word(uint64_t address, uint64_t word)
{
	memcpy(host.stack + (address - STACK_ADDRESS), &word, 8);
}

static const struct abi_event_stack *walk_from(uint32_t start, uint64_t ip,
					       uint64_t sp, uint64_t frame,
					       uint64_t base)
{
	u32 number = unwind_begin(table.process, start, ip, sp, frame, base);

	assert_int_not_equal(number, UNWIND_NO_WALK);
	unwind_run(number);
	unwind_end(number);
	return &unwind_walk_at(number)->event;
}

static void expect_frames(const struct abi_event_stack *event, uint32_t flaw,
			  const uint64_t *frames, uint32_t count)
{
	if (event->flaw != flaw || event->frame_count != count)
		fail_msg("flaw %u after %u frames, expected %u after %u",
			 event->flaw, event->frame_count, flaw, count);
	for (uint32_t i = 0; i < count; i++)
		if (event->frames[i] != frames[i])
			fail_msg("frame %u is %#lx, expected %#lx", i,
				 (uint64_t)event->frames[i], frames[i]);
}

#define EXPECT(event, flaw, ...)                                      \
	expect_frames(event, flaw, (const uint64_t[]){ __VA_ARGS__ }, \
		      sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

#define EXACT(address) (frame_of(address) | UNWIND_FRAME_EXACT)

#endif
