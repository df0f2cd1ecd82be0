// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames followed by instructions: see stack_state.h. */
#include "unwind/stack_state.h"

#include "bpf/unwind_abi.h"
#include "unwind/x86_format.h"

enum { RAX = 0, RDX = 2, RBX = 3, RSP = 4, RBP = 5 };

const struct stack_state stack_state_at_call = { .depth = 8 };
const struct stack_state stack_state_at_start = { .outermost = true };

/* What is saved `depth` bytes below the CFA, as a slot; 0 if it cannot be. */
static uint16_t slot_at(int64_t depth)
{
	if (depth <= 0 || depth % 8 || depth / 8 + 1 > (int)UNWIND_SAVE_MASK)
		return 0;
	return (uint16_t)(depth / 8 + 1);
}

static struct stack_saved *saved_register(struct stack_state *state,
					  uint8_t reg)
{
	return reg == RBP ? &state->frame : reg == RBX ? &state->base : NULL;
}

/* A register has a new value, not known which. */
static void set(struct stack_state *state, uint8_t reg)
{
	switch (reg) {
	case RBP:
		state->frame.changed = true;
		state->frame_depth = 0;
		break;
	case RBX:
		state->base.changed = true;
		break;
	case RSP:
		state->depth = 0;
		break;
	}
}

/* A register's value goes to memory `depth` bytes below the CFA. */
static void save(struct stack_state *state, uint8_t reg, int64_t depth)
{
	struct stack_saved *saved = saved_register(state, reg);

	if (saved && !saved->changed && !saved->slot)
		saved->slot = slot_at(depth);
}

/* It comes back from there. */
static void restore(struct stack_state *state, uint8_t reg, int64_t depth)
{
	struct stack_saved *saved = saved_register(state, reg);

	set(state, reg);
	if (saved && saved->slot && saved->slot == slot_at(depth))
		*saved = (struct stack_saved){ 0 };
}

static void grow(struct stack_state *state, int64_t bytes)
{
	int64_t depth = state->depth + bytes;

	if (state->depth <= 0)
		return;
	state->depth = depth <= 0	    ? STACK_DEPTH_WRONG
		       : depth <= INT32_MAX ? (int32_t)depth
					    : 0;
}

/* How far below the CFA [register + displacement] is; 0 = not known. */
static int64_t memory_depth(const struct stack_state *state,
			    const struct x86_format *format)
{
	uint8_t base = x86_rm(format);
	int32_t depth;

	if (x86_mod(format) == 3 || (base == RBP && !x86_mod(format)))
		return 0;
	if ((format->modrm & 7) == 4) { /* base in the SIB byte; no index */
		if ((format->sib >> 3 & 7) != 4 || format->rex & X86_REX_X)
			return 0;
		base = (format->sib & 7) | (format->rex & X86_REX_B) << 3;
	}
	depth = base == RSP   ? state->depth
		: base == RBP ? state->frame_depth
			      : 0;
	return depth > 0 ? (int64_t)depth - format->displacement : 0;
}

/* ah, ch, dh and bh have the numbers of rsp, rbp, rsi and rdi. */
static uint8_t whole_register(const struct x86_format *format, uint8_t reg)
{
	uint8_t opcode = format->opcode;
	bool byte = format->escaped	 ? opcode >> 4 == 9
		    : opcode >> 4 == 0xb ? opcode < 0xb8
					 : !(opcode & 1);

	return byte && !format->rex && reg >= 4 ? reg - 4 : reg;
}

static void set_rm(struct stack_state *state, const struct x86_format *format)
{
	if (x86_mod(format) == 3)
		set(state, whole_register(format, x86_rm(format)));
}

/* A register that is set to CFA - depth, or to what is not known. */
static void set_to_depth(struct stack_state *state, uint8_t reg, int64_t depth)
{
	set(state, reg);
	if (depth <= 0 || depth > INT32_MAX)
		return;
	if (reg == RSP)
		state->depth = (int32_t)depth;
	if (reg == RBP)
		state->frame_depth = (int32_t)depth;
}

static void move(struct stack_state *state, const struct x86_format *format,
		 uint8_t to, uint8_t from)
{
	int32_t depth = from == RSP   ? state->depth
			: from == RBP ? state->frame_depth
				      : 0;

	set_to_depth(state, to, format->rex & X86_REX_W ? depth : 0);
}

/* mov between a register and ModRM.rm. */
static void step_move(struct stack_state *state,
		      const struct x86_format *format)
{
	bool to_register = format->effect == X86_MOV_REG;
	uint8_t reg = x86_reg(format);

	if (x86_mod(format) == 3 && to_register)
		move(state, format, reg, x86_rm(format));
	else if (x86_mod(format) == 3)
		move(state, format, x86_rm(format), reg);
	else if (to_register)
		restore(state, reg, memory_depth(state, format));
	else
		save(state, reg, memory_depth(state, format));
}

static void step_arithmetic(struct stack_state *state,
			    const struct x86_format *format)
{
	uint8_t digit = x86_digit(format);
	bool on_stack_pointer = x86_mod(format) == 3 && x86_rm(format) == RSP &&
				format->rex & X86_REX_W;

	if (digit == 7) /* cmp */
		return;
	if (on_stack_pointer && digit == 0)
		grow(state, -(int64_t)format->immediate);
	else if (on_stack_pointer && digit == 5)
		grow(state, format->immediate);
	else
		set_rm(state, format);
}

/* What the opcode tables tell of only by their effects' names. */
static void step_opaque(struct stack_state *state,
			const struct x86_format *format)
{
	uint8_t opcode = format->opcode;
	int64_t depth = state->frame_depth;

	if (format->escaped) {
		if (opcode == 0xa2) /* cpuid */
			set(state, RBX);
	} else if (opcode == 0xc9) { /* leave */
		set_to_depth(state, RSP, depth ? depth - 8 : 0);
		restore(state, RBP, depth);
	} else if (opcode == 0x86 || opcode == 0x87) { /* xchg */
		set(state, whole_register(format, x86_reg(format)));
		set_rm(state, format);
	} else if (opcode > 0x90 && opcode <= 0x97) {
		set(state, x86_low(format));
	}
}

static void step_effect(struct stack_state *state,
			const struct x86_format *format)
{
	switch (format->effect) {
	case X86_OPAQUE:
		step_opaque(state, format);
		break;
	case X86_GROUP_3:
		if (x86_digit(format) > 1) /* test */
			set_rm(state, format);
		break;
	case X86_TO_RM:
	case X86_GROUP_8:
	case X86_GROUP_11:
		set_rm(state, format);
		break;
	case X86_GROUP_5:
		if (x86_digit(format) < 2)
			set_rm(state, format);
		else if (x86_digit(format) == 6)
			grow(state, 8);
		break;
	case X86_TO_REG:
		set(state, whole_register(format, x86_reg(format)));
		break;
	case X86_TO_LOW:
		set(state, whole_register(format, x86_low(format)));
		break;
	case X86_MOV_RM:
	case X86_MOV_REG:
		step_move(state, format);
		break;
	case X86_ALU_RM:
		step_arithmetic(state, format);
		break;
	case X86_LEA:
		set_to_depth(state, x86_reg(format),
			     memory_depth(state, format));
		break;
	case X86_PUSH:
		grow(state, 8);
		break;
	case X86_PUSH_REG:
		grow(state, 8);
		save(state, x86_low(format), state->depth);
		break;
	case X86_POP:
		restore(state, x86_low(format), state->depth);
		if (x86_low(format) != RSP)
			grow(state, -8);
		break;
	default: /* neither rsp nor what a rule restores */
		break;
	}
}

static enum stack_flow flow_of(const struct x86_format *format)
{
	uint8_t opcode = format->opcode;

	switch (format->effect) {
	case X86_RETURN:
		return STACK_FLOW_RETURN;
	case X86_BRANCH:
		return !format->escaped && (opcode == 0xe9 || opcode == 0xeb)
			       ? STACK_FLOW_JUMP
			       : STACK_FLOW_BRANCH;
	case X86_CALL:
		return STACK_FLOW_CALL;
	case X86_GROUP_5:
		return x86_digit(format) >> 1 == 1   ? STACK_FLOW_CALL
		       : x86_digit(format) >> 1 == 2 ? STACK_FLOW_AWAY
						     : STACK_FLOW_ON;
	case X86_OPAQUE:
		break;
	default:
		return STACK_FLOW_ON;
	}
	if (format->escaped)
		return opcode == 0x0b ? STACK_FLOW_STOP : STACK_FLOW_ON;
	if (opcode == 0xcc || opcode == 0xf4) /* int3, hlt */
		return STACK_FLOW_STOP;
	return opcode >> 2 == 0xe0 >> 2 ? STACK_FLOW_BRANCH : STACK_FLOW_ON;
}

bool stack_state_step(struct stack_state *state, const uint8_t *bytes,
		      size_t size, struct stack_instruction *instruction)
{
	struct x86_format format;

	if (!x86_take_apart(&format, bytes, size))
		return false;
	*instruction = (struct stack_instruction){
		.length = format.length,
		.flow = flow_of(&format),
		.target = (int64_t)format.length + format.immediate,
		.is_padding = format.effect == X86_LONG_NOP ||
			      (format.effect == X86_EXCHANGE &&
			       !(format.rex & X86_REX_B)) ||
			      (!format.escaped && format.opcode == 0xcc),
	};
	step_effect(state, &format);
	return true;
}

uint64_t stack_state_rule(const struct stack_state *state)
{
	uint64_t saves = (uint64_t)state->frame.slot
				 << UNWIND_FRAME_SAVE_SHIFT |
			 (uint64_t)state->base.slot << UNWIND_BASE_SAVE_SHIFT |
			 UNWIND_GUESSED;

	if (state->outermost)
		return UNWIND_END;
	if (state->depth > 0)
		return UNWIND_STACK | saves |
		       (uint64_t)(uint32_t)state->depth << UNWIND_CFA_SHIFT;
	if (state->frame_depth)
		return UNWIND_FRAME | saves |
		       (uint64_t)(uint32_t)state->frame_depth
			       << UNWIND_CFA_SHIFT;
	return UNWIND_NO_CFI;
}
