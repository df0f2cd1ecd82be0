// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes the analysis of undescribed code: the input is code, one of its bytes
 * the entry point. Checks what the row builder relies on: rows are within the
 * code, ascend and differ.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "bpf/unwind_abi.h"
#include "unwind/code_rules.h"

#define ADDRESS 0x401000

struct last_row {
	uint64_t next, end, rule;
};

static void check_row(void *context, uint64_t address, uint64_t rule)
{
	struct last_row *last = context;

	if (address < last->next || address >= last->end || rule == last->rule)
		abort();
	last->next = address + 1;
	last->rule = rule;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct last_row last = { ADDRESS, ADDRESS + size, UNWIND_NO_CFI };
	struct elf_sections sections = {
		.code = { { data, size, ADDRESS } },
		.code_count = 1,
	};
	call_target_vector targets = { 0 };
	uint64_t entry_point = size ? ADDRESS + data[size - 1] : 0;

	if (size && !code_rules_call_targets(&sections, &targets))
		code_rules_give(&sections.code[0], entry_point, &targets,
				check_row, &last);
	vector_free(&targets);
	return 0;
}
