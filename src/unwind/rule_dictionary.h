/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One number for each distinct unwind rule, over all objects: rows hold 16-bit
 * ids, and programs repeat a few thousand rules.
 */
#ifndef LEAKTRACE_UNWIND_RULE_DICTIONARY_H
#define LEAKTRACE_UNWIND_RULE_DICTIONARY_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/unwind_abi.h"

struct rule_dictionary {
	/* By id. May stand in a BPF map's memory: written once, in order. */
	uint64_t *rules;
	uint32_t count;
	bool owned;
	uint64_t overflows; /* rules that found no room */
	uint16_t *slots;    /* by hash; 0 = empty */
};

/*
 * Uses memory[UNWIND_RULES], zeroed, or its own if that is NULL, and enters
 * the rules without figures under their types' numbers.
 * Returns 0 or -ENOMEM; release with rule_dictionary_free().
 */
int rule_dictionary_init(struct rule_dictionary *dictionary, uint64_t *memory);
void rule_dictionary_free(struct rule_dictionary *dictionary);

/* The rule's id, a new one if need be; UNWIND_UNSUPPORTED when it is full. */
uint16_t rule_dictionary_id(struct rule_dictionary *dictionary, uint64_t rule);

#endif
