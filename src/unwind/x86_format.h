/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An x86-64 instruction taken apart into prefixes, opcode, ModRM and so on
 * (Intel SDM volume 2, chapter 2 and appendix A), for legacy encodings
 * without VEX, EVEX and 32-bit addressing.
 */
#ifndef LEAKTRACE_UNWIND_X86_FORMAT_H
#define LEAKTRACE_UNWIND_X86_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { X86_REX_B = 1, X86_REX_X = 2, X86_REX_R = 4, X86_REX_W = 8 };

/* What an opcode does, as far as registers are concerned. */
enum x86_effect {
	X86_OPAQUE, /* not known */
	X86_NOTHING,
	X86_TO_RM,  /* ModRM.rm, or memory */
	X86_TO_REG, /* ModRM.reg */
	X86_TO_LOW, /* the register in the opcode's low three bits */
	X86_TO_RAX,
	X86_TO_RAX_RDX,
	X86_MOV_RM,   /* ModRM.rm = ModRM.reg */
	X86_MOV_REG,  /* ModRM.reg = ModRM.rm */
	X86_ALU_RM,   /* group 1: ModRM.rm op= immediate, /7 compares */
	X86_GROUP_3,  /* f6, f7: test, not, neg, mul, div */
	X86_GROUP_5,  /* fe, ff: inc, dec, call, jmp, push */
	X86_GROUP_8,  /* 0f ba: bt, bts, btr, btc */
	X86_GROUP_11, /* c6, c7: mov, if ModRM.reg is 0 */
	X86_LEA,
	X86_PUSH,
	X86_PUSH_REG,
	X86_POP,
	X86_BRANCH,
	X86_CALL,
	X86_RETURN,
	X86_EXCHANGE, /* 90 and its disguises */
	X86_LONG_NOP,
	X86_HINT,   /* 0f 1e: endbr64 */
	X86_VECTOR, /* no general register; may write memory */
};

struct x86_format {
	const uint8_t *code;
	size_t size;	 /* of code */
	size_t length;	 /* bytes taken */
	size_t prefixes; /* bytes before the opcode */
	bool escaped;	 /* the opcode stands behind 0f */
	bool locked;
	uint8_t operand16, repeat, rex; /* the prefix, 0 = none */
	uint8_t opcode;
	uint8_t modrm, sib;
	int32_t displacement;
	int32_t immediate; /* the low 32 bits */
	enum x86_effect effect;
};

/*
 * Takes the instruction at code apart, reading at most size bytes. Returns
 * false if it is cut off or its length is not known.
 */
bool x86_take_apart(struct x86_format *format, const uint8_t *code,
		    size_t size);

static inline uint8_t x86_mod(const struct x86_format *format)
{
	return format->modrm >> 6;
}

/* The /n digit of the opcode tables: ModRM.reg without REX.R. */
static inline uint8_t x86_digit(const struct x86_format *format)
{
	return format->modrm >> 3 & 7;
}

static inline uint8_t x86_reg(const struct x86_format *format)
{
	return x86_digit(format) | (format->rex & X86_REX_R) << 1;
}

static inline uint8_t x86_rm(const struct x86_format *format)
{
	return (format->modrm & 7) | (format->rex & X86_REX_B) << 3;
}

/* The register in the opcode's low three bits. */
static inline uint8_t x86_low(const struct x86_format *format)
{
	return (format->opcode & 7) | (format->rex & X86_REX_B) << 3;
}

#endif
