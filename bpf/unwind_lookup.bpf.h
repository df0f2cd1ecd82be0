/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an address of a process to its rule and frame: the stack walker's
 * (unwind.bpf.h) search in the tables that unwind_abi.h describes, and the
 * cache before it. Compiles for the host, too.
 */
#ifndef LEAKTRACE_BPF_UNWIND_LOOKUP_H
#define LEAKTRACE_BPF_UNWIND_LOOKUP_H

#include "bpf/unwind_walk.h"

/* Binary searches: halvings of 2^15 mappings, of 2^16 rows and one. */
#define UNWIND_MAPPING_HALVINGS 16
#define UNWIND_ROW_HALVINGS 18

/* 2^64 divided by the golden ratio: spreads keys. */
#define UNWIND_SPREAD 0x9e3779b97f4a7c15ULL

int unwind_search(u32 number);

/* All ones if first <= second, else 0; both below 2^63. No branch. */
static __always_inline u64 unwind_not_above(u64 first, u64 second)
{
	return (u64)((s64)(first - second - 1) >> 63);
}

/* Index in the chunk of the last mapping that starts at or below pc. */
static __always_inline u32 unwind_search_mappings(
	const struct unwind_mapping *mappings, u64 process, u64 pc)
{
	u64 length = process & 0xffff;
	u64 index = (process >> 16) & 0xffff;

	for (u32 i = 0; i < UNWIND_MAPPING_HALVINGS; i++) {
		u64 half = length >> 1;
		u64 middle = (index + half) & (UNWIND_CHUNK_MAPPINGS - 1);

		if (length <= 1)
			break;
		index += half & unwind_not_above(mappings[middle].start, pc);
		length -= half;
	}
	return index & (UNWIND_CHUNK_MAPPINGS - 1);
}

/* The rule id at an address within its page. */
static __always_inline u32 unwind_search_rows(const u32 *rows, u64 page,
					      u64 address)
{
	u64 wanted = UNWIND_ROW(address, 0xffff);
	u64 length = page & 0xfffff;
	u64 index = (page >> 20) & 0xfffff;

	for (u32 i = 0; i < UNWIND_ROW_HALVINGS; i++) {
		u64 half = length >> 1;
		u64 middle = (index + half) & (UNWIND_CHUNK_ROWS - 1);

		if (length <= 1)
			break;
		index += half & unwind_not_above(rows[middle], wanted);
		length -= half;
	}
	return rows[index & (UNWIND_CHUNK_ROWS - 1)] & 0xffff;
}

/* The rule at an ELF virtual address of a module. */
static __always_inline u64 unwind_module_rule(u32 id, u64 address)
{
	struct unwind_module *module = unwind_module_at(id);
	u64 number, page, *pages, *rule;
	u32 *rows;

	if (!module)
		return UNWIND_NO_CFI;
	number = (address >> UNWIND_PAGE_SHIFT) - module->first_page;
	if (number >= module->page_count)
		return UNWIND_NO_CFI;
	pages = unwind_chunk_at(module->chunk);
	if (!pages)
		return UNWIND_NO_CFI;
	page = pages[(number + module->first) & (UNWIND_CHUNK_PAGES - 1)];
	rows = unwind_chunk_at((page >> 40) & 0xffff);
	if (!rows)
		return UNWIND_NO_CFI;
	rule = unwind_rule_at(unwind_search_rows(rows, page, address));
	return rule ? *rule : UNWIND_UNSUPPORTED;
}

static __always_inline u64 unwind_cache_key(const struct unwind_walk *walk,
					    u64 pc)
{
	return pc ^ walk->salt;
}

static __always_inline struct unwind_cached *unwind_cache_slot(u64 key)
{
	return unwind_cached_at((key * UNWIND_SPREAD) >>
				(64 - UNWIND_CACHE_BITS));
}

/*
 * A slot is written and read without a lock. What two writers leave behind
 * cannot pass for an entry of either: the check depends on all three words.
 */
static __always_inline u64 unwind_cache_check(u64 key, u64 rule, u64 frame)
{
	return key ^ rule * UNWIND_SPREAD ^ (frame * UNWIND_SPREAD) >> 7;
}

static __always_inline u64 unwind_lookup_pc(const struct unwind_walk *walk)
{
	/* A call's return address may be the next function's first byte. */
	return walk->ip - !walk->exact;
}

/*
 * Looks the walk's ip up in the tables and leaves what it finds in the walk
 * and in the cache. Returns 0, or 1 if no mapping holds the address.
 */
__noinline int unwind_search(u32 number)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	struct unwind_mapping *mapping, *mappings;
	struct unwind_cached *cached;
	u64 pc, address, rule, frame, key;

	if (!walk)
		return 1;
	pc = unwind_lookup_pc(walk);
	if (pc >= UNWIND_ADDRESS_LIMIT || !(walk->process & 0xffff))
		return 1;
	mappings = unwind_chunk_at((walk->process >> 32) & 0x3ff);
	if (!mappings)
		return 1;
	mapping =
		&mappings[unwind_search_mappings(mappings, walk->process, pc)];
	if (pc < mapping->start || pc >= mapping->end)
		return 1;
	address = pc - mapping->bias;
	rule = UNWIND_NO_CFI;
	frame = pc;
	if (mapping->module != UNWIND_MODULE_NONE) {
		rule = unwind_module_rule(mapping->module, address);
		frame = UNWIND_FRAME_ADDRESS(address) |
			(u64)(mapping->module & 0x3fff) << 48;
	}
	walk->found_rule = rule;
	walk->found_frame = frame;
	key = unwind_cache_key(walk, pc);
	cached = unwind_cache_slot(key);
	if (cached) {
		cached->rule = rule;
		cached->frame = frame;
		cached->check = unwind_cache_check(key, rule, frame);
	}
	return 0;
}

/* The rule and the frame of the walk's ip, through the cache. */
static __always_inline int unwind_find(const struct unwind_walk *walk,
				       u32 number, u64 *rule, u64 *frame)
{
	u64 key = unwind_cache_key(walk, unwind_lookup_pc(walk));
	struct unwind_cached *cached = unwind_cache_slot(key);

	if (cached) {
		*rule = cached->rule;
		*frame = cached->frame;
		if (cached->check == unwind_cache_check(key, *rule, *frame))
			return 0;
	}
	if (unwind_search(number))
		return 1;
	*rule = walk->found_rule;
	*frame = walk->found_frame;
	return 0;
}

#endif
