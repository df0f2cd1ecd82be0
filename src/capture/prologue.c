// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk along a straight-line prologue, the same for every machine.
 */
#include <stdio.h>
#include <string.h>

#include "capture/prologue.h"
#include "capture/prologue_instruction.h"

enum { NO_ARGUMENT = 0xff, REGISTERS = 32 };

struct walk {
	const struct prologue_query *query;
	const struct prologue_arch *arch;
	uint32_t offset;
	int32_t stack;
	bool stored;
	uint8_t holds[REGISTERS]; /* the argument a register holds */
};

static const struct prologue_arch *const archs[] = {
	[PROLOGUE_X86_64] = &prologue_arch_x86_64,
	[PROLOGUE_ARM64] = &prologue_arch_arm64,
};

void prologue_mark_target(struct prologue_function *function, uint64_t address)
{
	uint64_t offset = address - function->address;

	if (offset > 0 && offset < PROLOGUE_BYTES)
		function->targets[offset / 64] |= 1ULL << offset % 64;
}

void prologue_mark_branch(struct prologue_function *functions, size_t count,
			  uint64_t target)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions[middle].address < target)
			low = middle + 1;
		else
			high = middle;
	}
	/* Short functions may lie closer than PROLOGUE_BYTES. */
	while (low > 0 && target - functions[low - 1].address < PROLOGUE_BYTES)
		prologue_mark_target(&functions[--low], target);
}

void prologue_scan_branches(enum prologue_machine machine, const uint8_t *text,
			    size_t size, uint64_t address,
			    struct prologue_function *functions, size_t count)
{
	if (count > 0)
		archs[machine]->scan(text, size, address, functions, count);
}

static bool is_target(const struct walk *walk)
{
	const uint64_t *targets = walk->query->function->targets;

	return targets[walk->offset / 64] >> walk->offset % 64 & 1;
}

/* The register that holds argument: its own if it still does. */
static uint8_t find_argument(const struct walk *walk, unsigned int argument)
{
	uint8_t home = walk->arch->arguments[argument];
	unsigned int number;

	if (walk->holds[home] == argument)
		return home;
	for (number = 0; number < REGISTERS; number++)
		if (walk->holds[number] == argument)
			return (uint8_t)number;
	return PROLOGUE_NO_REGISTER;
}

static bool is_wanted(const struct walk *walk, unsigned int argument)
{
	return walk->query->arguments >> argument & 1;
}

static bool is_site(const struct walk *walk,
		    const struct prologue_instruction *instruction)
{
	switch (instruction->class) {
	case PROLOGUE_CLASS_EMULATED:
		return true;
	case PROLOGUE_CLASS_CALL:
		return !walk->query->shadow_stack;
	case PROLOGUE_CLASS_NOP:
		/*
		 * Kernel 6.18 turns a 5-byte nop into a call, whose return
		 * address would overwrite what the function has already put
		 * into its red zone.
		 */
		return walk->query->nops && !walk->stored;
	default:
		return false;
	}
}

/* Carries the instruction's effects over; PROLOGUE_FOUND = walk on. */
static enum prologue_reason step(struct walk *walk,
				 const struct prologue_instruction *instruction,
				 unsigned int *lost)
{
	uint8_t copied = NO_ARGUMENT;
	unsigned int i;

	if (instruction->copy_to != PROLOGUE_NO_REGISTER)
		copied = walk->holds[instruction->copy_from];
	for (i = 0; i < REGISTERS; i++)
		if (instruction->writes >> i & 1)
			walk->holds[i] = NO_ARGUMENT;
	if (instruction->copy_to != PROLOGUE_NO_REGISTER)
		walk->holds[instruction->copy_to] = copied;

	for (i = 0; i < PROLOGUE_ARGUMENTS; i++) {
		*lost = i;
		if (is_wanted(walk, i) &&
		    find_argument(walk, i) == PROLOGUE_NO_REGISTER)
			return PROLOGUE_ARGUMENT;
	}
	if (instruction->stack_lost ||
	    (instruction->stack != 0 && walk->query->returns) ||
	    __builtin_add_overflow(walk->stack, instruction->stack,
				   &walk->stack))
		return PROLOGUE_STACK;
	walk->stored |= instruction->stores;
	walk->offset += instruction->length;
	return PROLOGUE_FOUND;
}

/* Walks to the site, or to what forbids going further. */
static enum prologue_reason walk_on(struct walk *walk,
				    struct prologue_instruction *instruction,
				    unsigned int *lost)
{
	const struct prologue_query *query = walk->query;
	size_t size = query->size;
	enum prologue_reason reason = PROLOGUE_FOUND;

	if (size > PROLOGUE_BYTES)
		size = PROLOGUE_BYTES;
	while (reason == PROLOGUE_FOUND) {
		instruction->name = "";
		if (walk->offset >= size)
			return PROLOGUE_END;
		if (walk->offset > 0 && is_target(walk))
			return PROLOGUE_TARGET;
		*instruction = walk->arch->decode(query->code + walk->offset,
						  size - walk->offset);
		if (instruction->class == PROLOGUE_CLASS_UNKNOWN)
			return PROLOGUE_UNKNOWN;
		if (query->returns && instruction->link_moves)
			return PROLOGUE_LINK;
		if (is_site(walk, instruction))
			return PROLOGUE_FOUND;
		if (instruction->class == PROLOGUE_CLASS_CALL ||
		    instruction->class == PROLOGUE_CLASS_LEAVES)
			return PROLOGUE_LEAVES;
		if (walk->offset == 0 && !query->function)
			return PROLOGUE_UNSCANNED;
		reason = step(walk, instruction, lost);
	}
	return reason;
}

static void start(struct walk *walk, const struct prologue_query *query)
{
	unsigned int i;

	*walk = (struct walk){ .query = query, .arch = archs[query->machine] };
	memset(walk->holds, NO_ARGUMENT, sizeof(walk->holds));
	for (i = 0; i < PROLOGUE_ARGUMENTS; i++)
		walk->holds[walk->arch->arguments[i]] = i;
}

struct prologue_site prologue_find_site(const struct prologue_query *query)
{
	struct prologue_site site = { .machine = query->machine };
	struct prologue_instruction instruction;
	struct walk walk;
	unsigned int i;

	start(&walk, query);
	site.reason = walk_on(&walk, &instruction, &site.lost);
	site.stopped_at = walk.offset;
	site.instruction = instruction.name;
	site.cost = PROLOGUE_EMULATED;
	if (site.reason != PROLOGUE_FOUND) {
		site.cost = PROLOGUE_STEPPED;
		start(&walk, query);
	}
	site.offset = walk.offset;
	site.stack = walk.stack;
	for (i = 0; i < PROLOGUE_ARGUMENTS; i++)
		site.registers[i] = is_wanted(&walk, i)
					    ? find_argument(&walk, i)
					    : PROLOGUE_NO_REGISTER;
	return site;
}

const char *prologue_register_name(enum prologue_machine machine,
				   unsigned int number)
{
	const struct prologue_arch *arch = archs[machine];

	return number < arch->name_count ? arch->names[number] : "?";
}

static void explain_stop(const struct prologue_site *site, char *text,
			 size_t size)
{
	const struct prologue_arch *arch = archs[site->machine];

	switch (site->reason) {
	case PROLOGUE_FOUND:
		snprintf(text, size, "%s is emulated", site->instruction);
		return;
	case PROLOGUE_UNKNOWN:
		snprintf(text, size, "unknown instruction");
		return;
	case PROLOGUE_END:
		snprintf(text, size, "the function ends");
		return;
	case PROLOGUE_TARGET:
		snprintf(text, size, "a branch lands");
		return;
	case PROLOGUE_UNSCANNED:
		snprintf(text, size, "branches not searched");
		return;
	case PROLOGUE_LEAVES:
		snprintf(text, size, "%s", site->instruction);
		return;
	case PROLOGUE_STACK:
		snprintf(text, size, "%s moves", arch->stack_name);
		return;
	case PROLOGUE_LINK:
		snprintf(text, size, "%s is used", arch->link_name);
		return;
	case PROLOGUE_ARGUMENT:
		snprintf(text, size, "argument %u (%s) is lost", site->lost + 1,
			 arch->names[arch->arguments[site->lost]]);
		return;
	}
}

int prologue_explain(const struct prologue_site *site, char *text, size_t size)
{
	char place[16] = "entry", stop[64] = "";

	if (site->offset > 0)
		snprintf(place, sizeof(place), "+%u", site->offset);
	explain_stop(site, stop, sizeof(stop));
	if (site->reason == PROLOGUE_FOUND)
		return snprintf(text, size, "%s: %s", place, stop);
	return snprintf(text, size, "%s: %s at +%u", place, stop,
			site->stopped_at);
}
