/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules for code that no call frame information describes (musl's C library,
 * assembly, linker stubs), worked out from its instructions: from where
 * functions begin along every path, keeping account of pushes and pops. A
 * function must return at the depth at which it was called, else nothing is
 * said of it. Pure, x86-64 only: nothing is said of other machines' code.
 */
#ifndef LEAKTRACE_UNWIND_CODE_RULES_H
#define LEAKTRACE_UNWIND_CODE_RULES_H

#include "unwind/cfi.h"
#include "unwind/elf_sections.h"

/* Longer runs of undescribed code stay undescribed: bounded work. */
#define CODE_RULES_LIMIT (2U << 20)

/* Where call instructions lead to in an object: ELF virtual addresses. */
typedef VECTOR(uint64_t) call_target_vector;

/*
 * Finds the targets of direct calls in all executable segments up to
 * ELF_SEARCHED_CODE, sorted, those that occur often more than once. Bytes
 * that are no call but look like one are rare enough. Returns 0 or -ENOMEM.
 */
int code_rules_call_targets(const struct elf_sections *sections,
			    call_target_vector *targets);

/* Whether there is nothing but nops and int3 (or nothing at all). */
bool code_rules_is_padding(const struct elf_span *code);

/*
 * Gives the rules of a run of undescribed code: UNWIND_GUESSED ones, or
 * UNWIND_END for what runs from the object's entry point (0 = none) on, to
 * which there is no way back; UNWIND_NO_CFI where nothing is known. By ascending address,
 * never two alike in succession, the first at or behind the span's start.
 * Returns 0 or -ENOMEM.
 */
int code_rules_give(const struct elf_span *code, uint64_t entry_point,
		    const call_target_vector *targets, cfi_row_sink *sink,
		    void *context);

#endif
