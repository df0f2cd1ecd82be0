// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds the rules that are worked out from code alone (code_rules.h) against
 * call frame information: the code of files that have it is analysed as if
 * they had none, and both are compared at every call instruction's end, where
 * stack walks look.
 *
 *	code_oracle FILE...
 *
 * Prints how many places were compared, are alike, differ, and have no rule;
 * exits 1 if more than one in a hundred of those with a rule differ, or if
 * fewer than nine in ten have one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bpf/unwind_abi.h"
#include "unwind/code_rules.h"
#include "unwind/row_table.h"
#include "unwind/stack_state.h"
#include "util/cleanup.h"

#define SHOWN 10

struct row {
	uint64_t address, rule;
};

struct comparison {
	struct rule_dictionary dictionary;
	struct row_table table;	 /* of the call frame information */
	VECTOR(struct row) rows; /* worked out */
	uint64_t compared, alike, other_register, differ, unknown;
};

static void add_row(void *context, uint64_t address, uint64_t rule)
{
	struct comparison *work = context;
	struct row *row = vector_push(&work->rows);

	if (row)
		*row = (struct row){ address, rule };
}

static void compare_place(struct comparison *work, const char *path,
			  uint64_t address, uint64_t guess)
{
	uint64_t truth =
		work->dictionary.rules[row_table_rule_id(&work->table, address)];

	if (UNWIND_RULE_TYPE(truth) < UNWIND_STACK || truth & UNWIND_GUESSED)
		return;
	work->compared++;
	if (guess == UNWIND_NO_CFI)
		work->unknown++;
	else if (UNWIND_RULE_TYPE(guess) != UNWIND_RULE_TYPE(truth))
		work->other_register++;
	else if (guess >> UNWIND_CFA_SHIFT == truth >> UNWIND_CFA_SHIFT)
		work->alike++;
	else if (work->differ++ < SHOWN)
		printf("%s %#" PRIx64 ": worked out %016" PRIx64
		       ", described %016" PRIx64 "\n",
		       path, address, guess, truth);
}

/* Every direct or indirect call that both sides decode alike. */
static void compare_code(struct comparison *work, const char *path,
			 const struct elf_span *code)
{
	struct stack_instruction instruction;
	uint64_t offset = 0, address, guess = UNWIND_NO_CFI;
	size_t row = 0;

	while (offset < code->size) {
		struct stack_state state = stack_state_at_call;
		const uint8_t *bytes = code->bytes + offset;

		address = code->address + offset;
		if (!stack_state_step(&state, bytes, code->size - offset,
				      &instruction)) {
			offset++;
			continue;
		}
		for (; row < work->rows.count &&
		       work->rows.items[row].address <= address;
		     row++)
			guess = work->rows.items[row].rule;
		if (bytes[0] == 0xe8 ||
		    (bytes[0] == 0xff && (bytes[1] & 0x38) == 0x10))
			compare_place(work, path,
				      address + instruction.length - 1, guess);
		offset += instruction.length;
	}
}

static void compare_image(struct comparison *work, const char *path,
			  const void *bytes, size_t size)
{
	cleanup(elf_sections_free) struct elf_sections sections = { 0 };
	call_target_vector targets = { 0 };
	struct error error;
	size_t i;

	if (elf_sections_read(bytes, size, &sections, &error) ||
	    row_table_compile(bytes, size, &work->dictionary, &work->table,
			      &error))
		return;
	if (code_rules_call_targets(&sections, &targets))
		return;
	for (i = 0; i < sections.code_count; i++) {
		work->rows.count = 0;
		if (!code_rules_give(&sections.code[i], 0, &targets, add_row,
				     work))
			compare_code(work, path, &sections.code[i]);
	}
	row_table_free(&work->table);
	vector_free(&targets);
}

static void compare_file(struct comparison *work, const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *bytes;

	if (fd < 0 || fstat(fd, &status) || !status.st_size)
		return;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd,
		     0);
	if (bytes == MAP_FAILED)
		return;
	compare_image(work, path, bytes, (size_t)status.st_size);
	munmap(bytes, (size_t)status.st_size);
}

int main(int count, char **arguments)
{
	struct comparison work = { 0 };
	uint64_t known;
	int i;

	if (rule_dictionary_init(&work.dictionary, NULL))
		return 1;
	for (i = 1; i < count; i++)
		compare_file(&work, arguments[i]);
	known = work.compared - work.unknown;
	printf("%" PRIu64 " calls compared: %" PRIu64 " alike, %" PRIu64
	       " by another register, %" PRIu64 " different (%.3f%%), %" PRIu64
	       " without a rule (%.2f%%)\n",
	       work.compared, work.alike, work.other_register, work.differ,
	       known ? 100.0 * (double)work.differ / (double)known : 0,
	       work.unknown,
	       work.compared
		       ? 100.0 * (double)work.unknown / (double)work.compared
		       : 0);
	vector_free(&work.rows);
	rule_dictionary_free(&work.dictionary);
	return !work.compared || work.differ * 100 > known ||
	       known * 10 < work.compared * 9;
}
