// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The x86-64 opcode maps that compilers' integer and SSE code uses, and how
 * to find an instruction's length in them.
 */
#include "unwind/x86_format.h"

enum { LONGEST = 15 }; /* bytes of an instruction */

/* What follows the opcode. */
enum operands {
	UNKNOWN = 0,
	BARE = 1,
	MODRM = 2,
	IMM8 = 4,
	IMM16 = 8,
	IMMZ = 16, /* 2 bytes with prefix 66, else 4 */
	IMMV = 32, /* as IMMZ, but 8 with REX.W */
	REL8 = 64,
	REL32 = 128,
};

struct opcode {
	uint8_t operands;
	uint8_t effect;
};

/* 40 and above. */
static const struct opcode one_byte[256] = {
	[0x50 ... 0x57] = { BARE, X86_PUSH_REG },
	[0x58 ... 0x5f] = { BARE, X86_POP },
	[0x63] = { MODRM, X86_TO_REG },
	[0x68] = { IMMZ, X86_PUSH },
	[0x69] = { MODRM | IMMZ, X86_TO_REG },
	[0x6a] = { IMM8, X86_PUSH },
	[0x6b] = { MODRM | IMM8, X86_TO_REG },
	[0x70 ... 0x7f] = { REL8, X86_BRANCH },
	[0x80] = { MODRM | IMM8, X86_ALU_RM },
	[0x81] = { MODRM | IMMZ, X86_ALU_RM },
	[0x83] = { MODRM | IMM8, X86_ALU_RM },
	[0x84 ... 0x85] = { MODRM, X86_NOTHING },
	[0x86 ... 0x87] = { MODRM, X86_OPAQUE },
	[0x88] = { MODRM, X86_TO_RM },
	[0x89] = { MODRM, X86_MOV_RM },
	[0x8a] = { MODRM, X86_TO_REG },
	[0x8b] = { MODRM, X86_MOV_REG },
	[0x8d] = { MODRM, X86_LEA },
	[0x90] = { BARE, X86_EXCHANGE },
	[0x91 ... 0x97] = { BARE, X86_OPAQUE },
	[0x98] = { BARE, X86_TO_RAX },
	[0x99] = { BARE, X86_TO_RAX_RDX },
	[0x9b ... 0x9f] = { BARE, X86_OPAQUE },
	[0xa4 ... 0xa7] = { BARE, X86_OPAQUE },
	[0xa8] = { IMM8, X86_NOTHING },
	[0xa9] = { IMMZ, X86_NOTHING },
	[0xaa ... 0xaf] = { BARE, X86_OPAQUE },
	[0xb0 ... 0xb7] = { IMM8, X86_TO_LOW },
	[0xb8 ... 0xbf] = { IMMV, X86_TO_LOW },
	[0xc0 ... 0xc1] = { MODRM | IMM8, X86_TO_RM },
	[0xc2] = { IMM16, X86_RETURN },
	[0xc3] = { BARE, X86_RETURN },
	[0xc6] = { MODRM | IMM8, X86_GROUP_11 },
	[0xc7] = { MODRM | IMMZ, X86_GROUP_11 },
	[0xc9] = { BARE, X86_OPAQUE },
	[0xcc] = { BARE, X86_OPAQUE },
	[0xd0 ... 0xd3] = { MODRM, X86_TO_RM },
	[0xd8 ... 0xdf] = { MODRM, X86_OPAQUE },
	[0xe0 ... 0xe3] = { REL8, X86_OPAQUE },
	[0xe8] = { REL32, X86_CALL },
	[0xe9] = { REL32, X86_BRANCH },
	[0xeb] = { REL8, X86_BRANCH },
	[0xf4 ... 0xf5] = { BARE, X86_OPAQUE },
	[0xf6 ... 0xf7] = { MODRM, X86_GROUP_3 },
	[0xf8 ... 0xf9] = { BARE, X86_NOTHING },
	[0xfc ... 0xfd] = { BARE, X86_OPAQUE },
	[0xfe ... 0xff] = { MODRM, X86_GROUP_5 },
};

/* Behind 0f. */
static const struct opcode two_byte[256] = {
	[0x05] = { BARE, X86_OPAQUE },
	[0x0b] = { BARE, X86_OPAQUE },
	[0x0d] = { MODRM, X86_NOTHING },
	[0x10 ... 0x17] = { MODRM, X86_VECTOR },
	[0x18] = { MODRM, X86_NOTHING },
	[0x19 ... 0x1d] = { MODRM, X86_OPAQUE },
	[0x1e] = { MODRM, X86_HINT },
	[0x1f] = { MODRM, X86_LONG_NOP },
	[0x28 ... 0x2b] = { MODRM, X86_VECTOR },
	[0x2c ... 0x2d] = { MODRM, X86_TO_REG },
	[0x2e ... 0x2f] = { MODRM, X86_VECTOR },
	[0x31] = { BARE, X86_TO_RAX_RDX },
	[0x40 ... 0x4f] = { MODRM, X86_TO_REG },
	[0x50] = { MODRM, X86_TO_REG },
	[0x51 ... 0x6f] = { MODRM, X86_VECTOR },
	[0x70 ... 0x73] = { MODRM | IMM8, X86_VECTOR },
	[0x74 ... 0x76] = { MODRM, X86_VECTOR },
	[0x77] = { BARE, X86_OPAQUE },
	[0x7c ... 0x7d] = { MODRM, X86_VECTOR },
	[0x7e] = { MODRM, X86_TO_RM },
	[0x7f] = { MODRM, X86_VECTOR },
	[0x80 ... 0x8f] = { REL32, X86_BRANCH },
	[0x90 ... 0x9f] = { MODRM, X86_TO_RM },
	[0xa2] = { BARE, X86_OPAQUE },
	[0xa3] = { MODRM, X86_NOTHING },
	[0xa4] = { MODRM | IMM8, X86_TO_RM },
	[0xa5] = { MODRM, X86_TO_RM },
	[0xab] = { MODRM, X86_TO_RM },
	[0xac] = { MODRM | IMM8, X86_TO_RM },
	[0xad] = { MODRM, X86_TO_RM },
	[0xae] = { MODRM, X86_OPAQUE },
	[0xaf] = { MODRM, X86_TO_REG },
	[0xb0 ... 0xb1] = { MODRM, X86_OPAQUE },
	[0xb3] = { MODRM, X86_TO_RM },
	[0xb6 ... 0xb7] = { MODRM, X86_TO_REG },
	[0xb8] = { MODRM, X86_OPAQUE },
	[0xb9] = { MODRM, X86_OPAQUE },
	[0xba] = { MODRM | IMM8, X86_GROUP_8 },
	[0xbb] = { MODRM, X86_TO_RM },
	[0xbc ... 0xbf] = { MODRM, X86_TO_REG },
	[0xc0 ... 0xc1] = { MODRM, X86_OPAQUE },
	[0xc2] = { MODRM | IMM8, X86_VECTOR },
	[0xc3] = { MODRM, X86_VECTOR },
	[0xc4] = { MODRM | IMM8, X86_VECTOR },
	[0xc5] = { MODRM | IMM8, X86_TO_REG },
	[0xc6] = { MODRM | IMM8, X86_VECTOR },
	[0xc7] = { MODRM, X86_OPAQUE },
	[0xc8 ... 0xcf] = { BARE, X86_TO_LOW },
	[0xd0 ... 0xd6] = { MODRM, X86_VECTOR },
	[0xd7] = { MODRM, X86_TO_REG },
	[0xd8 ... 0xfe] = { MODRM, X86_VECTOR },
};

/* Behind 0f 38 and 0f 3a. */
static const struct opcode map_38 = { MODRM, X86_OPAQUE };
static const struct opcode map_3a = { MODRM | IMM8, X86_OPAQUE };

static bool take_byte(struct x86_format *format, uint8_t *byte)
{
	if (format->length >= format->size || format->length >= LONGEST)
		return false;
	*byte = format->code[format->length++];
	return true;
}

/* Reads a signed little-endian field; of 8 bytes it keeps the low four. */
static bool take_field(struct x86_format *format, unsigned int bytes,
		       int32_t *field)
{
	uint32_t value = 0;
	unsigned int i;
	uint8_t byte = 0;

	for (i = 0; i < bytes; i++) {
		if (!take_byte(format, &byte))
			return false;
		if (i < 4)
			value |= (uint32_t)byte << 8 * i;
	}
	if (bytes == 1)
		value = (int8_t)value;
	else if (bytes == 2)
		value = (int16_t)value;
	*field = value;
	return true;
}

static bool take_prefixes(struct x86_format *format)
{
	uint8_t byte;

	for (;;) {
		if (!take_byte(format, &byte))
			return false;
		if (byte == 0x66)
			format->operand16 = byte;
		else if (byte == 0xf2 || byte == 0xf3)
			format->repeat = byte;
		else if (byte == 0xf0)
			format->locked = true;
		else if (byte != 0x26 && byte != 0x2e && byte != 0x36 &&
			 byte != 0x3e && byte != 0x64 && byte != 0x65)
			break;
	}
	/* REX counts only right before the opcode. */
	if (byte >> 4 == 4) {
		format->rex = byte;
		if (!take_byte(format, &byte))
			return false;
	}
	format->prefixes = format->length - 1;
	format->opcode = byte;
	return true;
}

/* 00-3f: eight operations of the same six forms, the last one cmp. */
static const struct opcode *find_arithmetic(uint8_t opcode)
{
	static const struct opcode forms[8] = {
		[0 ... 1] = { MODRM, X86_TO_RM },
		[2 ... 3] = { MODRM, X86_TO_REG },
		[4] = { IMM8, X86_TO_RAX },
		[5] = { IMMZ, X86_TO_RAX },
	};
	static const struct opcode compares[8] = {
		[0 ... 3] = { MODRM, X86_NOTHING },
		[4] = { IMM8, X86_NOTHING },
		[5] = { IMMZ, X86_NOTHING },
	};

	return opcode >> 3 == 7 ? &compares[opcode & 7] : &forms[opcode & 7];
}

/* Takes the opcode's further bytes and looks it up. */
static const struct opcode *find_opcode(struct x86_format *format)
{
	uint8_t escape;

	if (format->opcode != 0x0f)
		return format->opcode < 0x40 ? find_arithmetic(format->opcode)
					     : &one_byte[format->opcode];
	format->escaped = true;
	if (!take_byte(format, &format->opcode))
		return NULL;
	escape = format->opcode;
	if (escape != 0x38 && escape != 0x3a)
		return &two_byte[escape];
	if (!take_byte(format, &format->opcode))
		return NULL;
	return escape == 0x38 ? &map_38 : &map_3a;
}

static bool take_modrm(struct x86_format *format)
{
	uint8_t mod, base;

	if (!take_byte(format, &format->modrm))
		return false;
	mod = x86_mod(format);
	base = format->modrm & 7;
	if (mod == 3)
		return true;
	if (base == 4) {
		if (!take_byte(format, &format->sib))
			return false;
		base = format->sib & 7;
	}
	if (mod == 1)
		return take_field(format, 1, &format->displacement);
	if (mod == 2 || base == 5)
		return take_field(format, 4, &format->displacement);
	return true;
}

static bool take_operands(struct x86_format *format, uint8_t operands)
{
	unsigned int bytes = 0;
	bool word = format->operand16 && !(format->rex & X86_REX_W);

	if (operands & MODRM && !take_modrm(format))
		return false;
	if (operands & (IMM8 | REL8))
		bytes = 1;
	else if (operands & IMM16)
		bytes = 2;
	else if (operands & REL32)
		bytes = 4;
	else if (operands & IMMV && format->rex & X86_REX_W)
		bytes = 8;
	else if (operands & (IMMZ | IMMV))
		bytes = word ? 2 : 4;
	/* test of group 3 is the only form with an immediate by digit. */
	else if (format->effect == X86_GROUP_3 && x86_digit(format) < 2)
		bytes = format->opcode == 0xf6 ? 1 : word ? 2 : 4;
	/* Processors disagree on the length of a branch with prefix 66. */
	if (operands & REL32 && word)
		return false;
	return take_field(format, bytes, &format->immediate);
}

bool x86_take_apart(struct x86_format *format, const uint8_t *code, size_t size)
{
	const struct opcode *opcode;

	*format = (struct x86_format){ .code = code, .size = size };
	if (!take_prefixes(format))
		return false;
	opcode = find_opcode(format);
	if (!opcode || opcode->operands == UNKNOWN)
		return false;
	format->effect = opcode->effect;
	return take_operands(format, opcode->operands);
}
