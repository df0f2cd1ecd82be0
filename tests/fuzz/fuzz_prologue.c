// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the prologue walk and the branch scan, and checks what a tracer
 * relies on: the site lies inside the bytes, on an instruction that the kernel
 * emulates, and no instruction before it is unknown or a branch's target; with
 * a return probe the stack pointer has not moved; wanted arguments have
 * registers; what follows the site has no say.
 *
 * Input: flags, wanted arguments, offset of a target, then the code.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/prologue.h"
#include "capture/prologue_instruction.h"

enum { ARM64 = 1, RETURNS = 2, NOPS = 4, SHADOW_STACK = 8, HEADER = 3 };
enum { ADDRESS = 0x10000 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The kernel's list, written down a second time; n = the bytes at hand. */
static bool is_emulated_x86(const uint8_t *code, size_t n,
			    const struct prologue_query *query)
{
	uint8_t first = code[0], second = n > 1 ? code[1] : 0;

	if (first >> 4 == 7 || first == 0xe9 || first == 0xeb ||
	    first == 0x90 || first >> 3 == 0x50 >> 3)
		return true;
	if (first == 0xe8)
		return !query->shadow_stack;
	if (first == 0x41)
		return second >> 3 == 0x50 >> 3;
	if (first == 0x0f && second >> 4 == 8)
		return true;
	if (!query->nops)
		return false;
	if (first == 0x66)
		return second == 0x90 || (second == 0x0f && code[2] == 0x1f);
	return first == 0x0f && second == 0x1f;
}

static bool is_simulated_arm64(const uint8_t *code,
			       const struct prologue_query *query)
{
	uint32_t word;
	bool call;

	memcpy(&word, code, 4);
	call = word >> 26 == 0x25 || (word & 0xfffffc1f) == 0xd63f0000 ||
	       (word & 0xfffffc1f) == 0xd65f0000;
	if (call)
		return !query->shadow_stack;
	if (word == 0xd503201f)
		return query->nops;
	return word >> 26 == 0x05 || (word & 0xff000010) == 0x54000000 ||
	       (word & 0x7c000000) == 0x34000000 ||
	       (word & 0x1f000000) == 0x10000000 ||
	       (word & 0xfffffc1f) == 0xd61f0000;
}

static void check_path(const struct prologue_query *query,
		       const struct prologue_site *site,
		       const struct prologue_arch *arch)
{
	const uint64_t *targets = query->function->targets;
	int64_t stack = 0;
	uint32_t at = 0;

	while (at < site->offset) {
		struct prologue_instruction instruction =
			arch->decode(query->code + at, query->size - at);

		check(instruction.class == PROLOGUE_CLASS_PLAIN ||
		      instruction.class == PROLOGUE_CLASS_NOP);
		check(instruction.length > 0 && instruction.length <= 15);
		check(!instruction.stack_lost);
		check(!query->returns ||
		      (!instruction.stack && !instruction.link_moves));
		stack += instruction.stack;
		at += instruction.length;
		check(!(targets[at / 64] >> at % 64 & 1));
	}
	check(at == site->offset);
	check(stack == site->stack);
}

static void check_site(const struct prologue_query *query,
		       const struct prologue_site *site)
{
	bool arm64 = query->machine == PROLOGUE_ARM64;
	const struct prologue_arch *arch = arm64 ? &prologue_arch_arm64
						 : &prologue_arch_x86_64;
	unsigned int i, j;
	char text[128];

	check(prologue_explain(site, text, sizeof(text)) < (int)sizeof(text));
	check(site->stopped_at <= query->size &&
	      site->stopped_at <= PROLOGUE_BYTES);
	for (i = 0; i < PROLOGUE_ARGUMENTS; i++) {
		bool wanted = query->arguments >> i & 1;

		check(wanted == (site->registers[i] != PROLOGUE_NO_REGISTER));
		check(!wanted || site->registers[i] < arch->name_count);
		for (j = 0; wanted && j < i; j++)
			check(site->registers[i] != site->registers[j]);
	}
	if (site->cost == PROLOGUE_STEPPED) {
		check(site->reason != PROLOGUE_FOUND);
		check(site->offset == 0 && site->stack == 0);
		return;
	}
	check(site->offset < query->size && site->offset < PROLOGUE_BYTES);
	check(arm64 ? is_simulated_arm64(query->code + site->offset, query)
		    : is_emulated_x86(query->code + site->offset,
				      query->size - site->offset, query));
	check_path(query, site, arch);
}

/* The instructions behind the site have no say. */
static void check_prefix(const struct prologue_query *query,
			 const struct prologue_site *site)
{
	const struct prologue_arch *arch = query->machine == PROLOGUE_ARM64
						   ? &prologue_arch_arm64
						   : &prologue_arch_x86_64;
	struct prologue_query shorter = *query;
	struct prologue_site again;
	uint8_t *copy;

	shorter.size = site->offset + arch->decode(query->code + site->offset,
						   query->size - site->offset)
					      .length;
	copy = malloc(shorter.size);
	check(copy != NULL);
	memcpy(copy, query->code, shorter.size);
	shorter.code = copy;
	again = prologue_find_site(&shorter);
	free(copy);
	check(again.cost == site->cost && again.offset == site->offset &&
	      again.stack == site->stack &&
	      !memcmp(again.registers, site->registers,
		      sizeof(again.registers)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prologue_function functions[2] = { { .address = ADDRESS } };
	struct prologue_query query = { .function = &functions[0] };
	struct prologue_site site;
	uint8_t *code;

	if (size < HEADER)
		return 0;
	query.machine = data[0] & ARM64 ? PROLOGUE_ARM64 : PROLOGUE_X86_64;
	query.returns = data[0] & RETURNS;
	query.nops = data[0] & NOPS;
	query.shadow_stack = data[0] & SHADOW_STACK;
	query.arguments = data[1] & ((1 << PROLOGUE_ARGUMENTS) - 1);
	query.size = size - HEADER;
	/* A block of exactly its size, so that ASan sees any read past it. */
	code = malloc(query.size + !query.size);
	check(code != NULL);
	memcpy(code, data + HEADER, query.size);
	query.code = code;

	prologue_mark_target(&functions[0], ADDRESS + data[2]);
	functions[1].address = ADDRESS + data[2];
	prologue_scan_branches(query.machine, code, query.size, ADDRESS,
			       functions, 2);
	site = prologue_find_site(&query);
	check_site(&query, &site);
	if (site.cost == PROLOGUE_EMULATED)
		check_prefix(&query, &site);
	free(code);
	return 0;
}
