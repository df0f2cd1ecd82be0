// SPDX-License-Identifier: GPL-2.0-or-later
/* Unwind states condensed to packed rules: see cfi.h, bpf/unwind_abi.h. */
#include "bpf/unwind_abi.h"
#include "unwind/cfi.h"

/* Which rule a CFA of some form needs, by its register. */
static const struct {
	uint8_t kind;
	uint8_t by_register;
	uint8_t type;
} rule_types[] = {
	{ CFI_PLACE_REGISTER, CFI_STACK, UNWIND_STACK },
	{ CFI_PLACE_REGISTER, CFI_FRAME, UNWIND_FRAME },
	{ CFI_PLACE_REGISTER, CFI_BASE, UNWIND_BASE },
	{ CFI_PLACE_DEREF, CFI_STACK, UNWIND_STACK_DEREF },
	{ CFI_PLACE_DEREF, CFI_FRAME, UNWIND_FRAME_DEREF },
	{ CFI_PLACE_PLT, CFI_STACK, UNWIND_PLT },
};

static uint64_t rule_type(const struct cfi_machine *machine,
			  const struct cfi_place *cfa)
{
	size_t i;

	for (i = 0; i < sizeof(rule_types) / sizeof(rule_types[0]); i++)
		if (rule_types[i].kind == cfa->kind &&
		    machine->number[rule_types[i].by_register] == cfa->number)
			return rule_types[i].type;
	return UNWIND_UNSUPPORTED;
}

/* The upper half of a rule. False if the figures do not fit. */
static bool pack_cfa(uint64_t type, const struct cfi_place *cfa,
		     uint64_t *packed)
{
	if (type == UNWIND_STACK || type == UNWIND_FRAME ||
	    type == UNWIND_BASE) {
		*packed = (uint64_t)(uint32_t)cfa->offset << UNWIND_CFA_SHIFT;
		return cfa->offset == (int32_t)cfa->offset;
	}
	*packed = (uint64_t)(uint16_t)cfa->offset << UNWIND_CFA_SHIFT |
		  (uint64_t)(uint16_t)cfa->second << UNWIND_SECOND_SHIFT;
	return cfa->offset == (int16_t)cfa->offset &&
	       cfa->second == (int16_t)cfa->second;
}

/*
 * A saved register's slot: words below the origin, plus one. The origin is
 * the CFA, or the CFA's register where *from_register says so.
 */
static bool pack_save(const struct cfi_save *save, const struct cfi_place *cfa,
		      bool *from_register, uint64_t *slot)
{
	int64_t offset = save->place.offset;

	*from_register = false;
	*slot = 0;
	switch (save->kind) {
	case CFI_SAME:
	case CFI_UNDEFINED:
		return true;
	case CFI_AT_CFA:
		break;
	case CFI_AT_PLACE:
		if (save->place.kind != CFI_PLACE_REGISTER ||
		    save->place.number != cfa->number)
			return false;
		if (cfa->kind == CFI_PLACE_DEREF)
			*from_register = true;
		else if (cfa->kind != CFI_PLACE_REGISTER ||
			 __builtin_sub_overflow(offset, cfa->offset, &offset))
			return false;
		break;
	default:
		return false;
	}
	if (offset > 0 || offset % 8 ||
	    offset < -8 * (int64_t)(UNWIND_SAVE_MASK - 1))
		return false;
	*slot = (uint64_t)(-offset / 8 + 1);
	return true;
}

/* The kernel's signal frame, described register by register. */
static bool is_signal_frame(const struct cfi_machine *machine,
			    const struct cfi_state *state)
{
	uint32_t stack = machine->number[CFI_STACK];
	unsigned i;

	if (state->cfa.kind != CFI_PLACE_DEREF || state->cfa.number != stack ||
	    state->cfa.offset != machine->signal_offset[CFI_STACK] ||
	    state->cfa.second)
		return false;
	for (i = 0; i < CFI_REGISTERS; i++) {
		const struct cfi_save *save = &state->saves[i];

		if (i == CFI_STACK && save->kind == CFI_SAME)
			continue;
		if (save->kind != CFI_AT_PLACE ||
		    save->place.kind != CFI_PLACE_REGISTER ||
		    save->place.number != stack ||
		    save->place.offset != machine->signal_offset[i])
			return false;
	}
	return true;
}

static const struct cfi_save *return_save(const struct cfi_machine *machine,
					  const struct cfi_state *state)
{
	return &state->saves[machine->has_link ? CFI_BASE : CFI_RETURN];
}

/*
 * The caller's stack pointer and return address are where they always are, or
 * where the link register's save says.
 */
static bool is_ordinary(const struct cfi_machine *machine,
			const struct cfi_state *state)
{
	const struct cfi_save *stack = &state->saves[CFI_STACK];
	const struct cfi_save *address = &state->saves[CFI_RETURN];

	if (stack->kind != CFI_SAME &&
	    (stack->kind != CFI_CFA_VALUE || stack->place.offset))
		return false;
	if (machine->has_link)
		return true;
	return address->kind == CFI_AT_CFA &&
	       address->place.offset == machine->return_offset;
}

uint64_t cfi_rule_pack(const struct cfi_machine *machine,
		       const struct cfi_state *state, bool signal_frame)
{
	const struct cfi_save *frame = &state->saves[CFI_FRAME];
	const struct cfi_save *base = &state->saves[CFI_BASE];
	bool frame_origin, base_origin;
	uint64_t type, cfa, frame_slot, base_slot;

	if (return_save(machine, state)->kind == CFI_UNDEFINED)
		return UNWIND_END;
	if (signal_frame)
		return is_signal_frame(machine, state) ? UNWIND_SIGNAL
						       : UNWIND_UNSUPPORTED;
	type = rule_type(machine, &state->cfa);
	if (type == UNWIND_UNSUPPORTED || !is_ordinary(machine, state) ||
	    !pack_cfa(type, &state->cfa, &cfa) ||
	    !pack_save(frame, &state->cfa, &frame_origin, &frame_slot) ||
	    !pack_save(base, &state->cfa, &base_origin, &base_slot))
		return UNWIND_UNSUPPORTED;
	if (frame_slot && base_slot && frame_origin != base_origin)
		return UNWIND_UNSUPPORTED;
	if (frame_origin || base_origin)
		type |= UNWIND_SAVES_FROM_REGISTER;
	return type | frame_slot << UNWIND_FRAME_SAVE_SHIFT |
	       base_slot << UNWIND_BASE_SAVE_SHIFT | cfa;
}
