// SPDX-License-Identifier: GPL-2.0-or-later
/* One number for each distinct unwind rule: see rule_dictionary.h. */
#include "unwind/rule_dictionary.h"

#include <errno.h>
#include <stdlib.h>

/* Twice the rules there can be, so that probing ends soon. */
#define SLOTS (2 * UNWIND_RULES)

int rule_dictionary_init(struct rule_dictionary *dictionary, uint64_t *memory)
{
	uint64_t type;

	*dictionary = (struct rule_dictionary){ .rules = memory };
	dictionary->slots = calloc(SLOTS, sizeof(*dictionary->slots));
	if (!memory) {
		dictionary->rules =
			calloc(UNWIND_RULES, sizeof(*dictionary->rules));
		dictionary->owned = true;
	}
	if (!dictionary->slots || !dictionary->rules) {
		rule_dictionary_free(dictionary);
		return -ENOMEM;
	}
	for (type = UNWIND_NO_CFI; type <= UNWIND_SIGNAL; type++)
		dictionary->rules[dictionary->count++] = type;
	return 0;
}

void rule_dictionary_free(struct rule_dictionary *dictionary)
{
	free(dictionary->slots);
	if (dictionary->owned)
		free(dictionary->rules);
	*dictionary = (struct rule_dictionary){ 0 };
}

uint16_t rule_dictionary_id(struct rule_dictionary *dictionary, uint64_t rule)
{
	uint32_t slot;

	if (rule <= UNWIND_SIGNAL)
		return (uint16_t)rule;
	/* Fibonacci hashing: the upper 17 bits of the product. */
	slot = (uint32_t)((rule * 0x9e3779b97f4a7c15ULL) >> 47);
	while (dictionary->slots[slot]) {
		if (dictionary->rules[dictionary->slots[slot]] == rule)
			return dictionary->slots[slot];
		slot = (slot + 1) % SLOTS;
	}
	if (dictionary->count == UNWIND_RULES) {
		dictionary->overflows++;
		return UNWIND_UNSUPPORTED;
	}
	dictionary->rules[dictionary->count] = rule;
	dictionary->slots[slot] = (uint16_t)dictionary->count;
	return (uint16_t)dictionary->count++;
}
