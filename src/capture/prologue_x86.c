// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x86-64: what an instruction does to the registers, which ones the kernel's
 * uprobes emulate, and where direct branches go.
 */
#include <string.h>

#include "capture/prologue_instruction.h"
#include "unwind/x86_format.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9 };

enum {
	SHORT_REACH = 128, /* bytes that an 8-bit displacement spans */
	LONGEST = 15,	   /* bytes of an instruction */
};

static const char *const names[] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};

static const char *const conditions[16] = {
	"jo", "jno", "jb", "jae", "je", "jne", "jbe", "ja",
	"js", "jns", "jp", "jnp", "jl", "jge", "jle", "jg",
};

/* Whether the register operand has eight bits. */
static bool is_byte_wide(const struct x86_format *format)
{
	if (format->escaped)
		return format->opcode >> 4 == 9; /* setcc */
	if (format->opcode >> 4 == 0xb)		 /* mov immediate */
		return format->opcode < 0xb8;
	return !(format->opcode & 1);
}

/* Without REX, byte registers 4 to 7 are ah to bh: bytes of 0 to 3. */
static uint8_t widen(const struct x86_format *format, uint8_t number)
{
	return is_byte_wide(format) && !format->rex && number >= 4 ? number - 4
								   : number;
}

static void write_register(struct prologue_instruction *instruction,
			   uint8_t number)
{
	instruction->writes |= 1U << number;
	if (number == RSP)
		instruction->stack_lost = true;
}

static void write_rm(const struct x86_format *format,
		     struct prologue_instruction *instruction)
{
	if (x86_mod(format) != 3)
		instruction->stores = true;
	else
		write_register(instruction, widen(format, x86_rm(format)));
}

static void move(const struct x86_format *format,
		 struct prologue_instruction *instruction, uint8_t to,
		 uint8_t from)
{
	write_register(instruction, to);
	if (format->rex & X86_REX_W) {
		instruction->copy_to = to;
		instruction->copy_from = from;
	}
}

/* The stack pointer moves by a known amount. */
static void move_stack(struct prologue_instruction *instruction, int32_t by)
{
	instruction->writes |= 1U << RSP;
	instruction->stack_lost = false;
	instruction->stack = by;
}

static void decode_alu(const struct x86_format *format,
		       struct prologue_instruction *instruction)
{
	uint8_t digit = x86_digit(format);

	if (digit == 7)
		return;
	write_rm(format, instruction);
	if (!instruction->stack_lost || format->opcode == 0x80 ||
	    !(format->rex & X86_REX_W) || format->immediate == INT32_MIN)
		return;
	if (digit == 0)
		move_stack(instruction, format->immediate);
	else if (digit == 5)
		move_stack(instruction, -format->immediate);
}

static void decode_lea(const struct x86_format *format,
		       struct prologue_instruction *instruction)
{
	if (x86_mod(format) == 3) {
		instruction->class = PROLOGUE_CLASS_UNKNOWN;
		return;
	}
	write_register(instruction, x86_reg(format));
	/* lea disp(%rsp),%rsp: SIB says base rsp, no index. */
	if (instruction->stack_lost && format->rex == (0x40 | X86_REX_W) &&
	    (format->modrm & 7) == 4 && (format->sib & 0x3f) == 0x24)
		move_stack(instruction, format->displacement);
}

static void decode_push_reg(const struct x86_format *format,
			    struct prologue_instruction *instruction)
{
	move_stack(instruction, -8);
	instruction->stores = true;
	instruction->name = "push";
	/* The kernel emulates it bare or with REX.B alone. */
	if (format->prefixes == 0 ||
	    (format->prefixes == 1 && format->rex == (0x40 | X86_REX_B)))
		instruction->class = PROLOGUE_CLASS_EMULATED;
}

static void decode_branch(const struct x86_format *format,
			  struct prologue_instruction *instruction)
{
	bool conditional = format->escaped || format->opcode >> 4 == 7;

	instruction->name = conditional ? conditions[format->opcode & 15]
			    : format->opcode == 0xe8 ? "call"
						     : "jmp";
	/* The kernel refuses or mistakes some prefixed ones. */
	if (format->prefixes > 0)
		instruction->class = PROLOGUE_CLASS_UNKNOWN;
	else if (format->effect == X86_CALL)
		instruction->class = PROLOGUE_CLASS_CALL;
	else
		instruction->class = PROLOGUE_CLASS_EMULATED;
}

/* 90: nop; with REX.B it exchanges r8 and rax, with f3 it is pause. */
static void decode_exchange(const struct x86_format *format,
			    struct prologue_instruction *instruction)
{
	instruction->name = "nop";
	if (format->rex)
		instruction->class = PROLOGUE_CLASS_UNKNOWN;
	else if (format->prefixes == 0)
		instruction->class = PROLOGUE_CLASS_EMULATED;
	else if (format->prefixes == 1 && format->operand16)
		instruction->class = PROLOGUE_CLASS_NOP;
}

/*
 * Kernel 6.16 knows its own nops only (arch/x86/include/asm/nops.h); measured
 * on 6.18, the 9-byte one and longer or other forms are single-stepped.
 */
static void decode_long_nop(const struct x86_format *format,
			    struct prologue_instruction *instruction)
{
	static const uint8_t nops[][8] = {
		{ 0x0f, 0x1f, 0x00 }, { 0x0f, 0x1f, 0x40 },
		{ 0x0f, 0x1f, 0x44 }, { 0x66, 0x0f, 0x1f, 0x44 },
		{ 0x0f, 0x1f, 0x80 }, { 0x0f, 0x1f, 0x84 },
	};

	instruction->name = "nop";
	if (format->length >= 3 && format->length <= 8 &&
	    !memcmp(format->code, nops[format->length - 3], format->length))
		instruction->class = PROLOGUE_CLASS_NOP;
}

static void decode_group(const struct x86_format *format,
			 struct prologue_instruction *instruction)
{
	uint8_t digit = x86_digit(format);

	if (format->effect == X86_GROUP_3) {
		if (digit >= 4)
			instruction->writes = 1U << RAX | 1U << RDX;
		else if (digit >= 2)
			write_rm(format, instruction);
	} else if (digit < 2) {
		write_rm(format, instruction);
	} else if (format->opcode == 0xff && digit < 6) {
		instruction->class = PROLOGUE_CLASS_LEAVES;
		instruction->name = digit < 4 ? "indirect call"
					      : "indirect jmp";
	} else if (format->opcode == 0xff && digit == 6 && !format->operand16) {
		move_stack(instruction, -8);
		instruction->stores = true;
	} else {
		instruction->class = PROLOGUE_CLASS_UNKNOWN;
	}
}

/* The simple effects; returns false if this one is not known. */
static bool decode_simple(const struct x86_format *format,
			  struct prologue_instruction *instruction)
{
	switch (format->effect) {
	case X86_NOTHING:
		return true;
	case X86_GROUP_8:
		if (x86_digit(format) == 4)
			return true;
		write_rm(format, instruction);
		return x86_digit(format) > 4;
	case X86_GROUP_11:
		write_rm(format, instruction);
		return x86_digit(format) == 0;
	case X86_TO_RM:
		write_rm(format, instruction);
		return true;
	case X86_TO_REG:
		write_register(instruction, widen(format, x86_reg(format)));
		return true;
	case X86_TO_LOW:
		write_register(instruction, widen(format, x86_low(format)));
		return true;
	case X86_TO_RAX:
		write_register(instruction, RAX);
		return true;
	case X86_TO_RAX_RDX:
		instruction->writes = 1U << RAX | 1U << RDX;
		return true;
	case X86_HINT:
		return format->repeat == 0xf3 && format->modrm == 0xfa;
	case X86_RETURN:
		instruction->class = PROLOGUE_CLASS_LEAVES;
		instruction->name = "ret";
		return true;
	case X86_VECTOR:
		instruction->stores = x86_mod(format) != 3;
		return true;
	default:
		return false;
	}
}

static void decode_effect(const struct x86_format *format,
			  struct prologue_instruction *instruction)
{
	switch (format->effect) {
	case X86_MOV_RM:
		if (x86_mod(format) == 3)
			move(format, instruction, x86_rm(format),
			     x86_reg(format));
		else
			instruction->stores = true;
		return;
	case X86_MOV_REG:
		if (x86_mod(format) == 3)
			move(format, instruction, x86_reg(format),
			     x86_rm(format));
		else
			write_register(instruction, x86_reg(format));
		return;
	case X86_ALU_RM:
		decode_alu(format, instruction);
		return;
	case X86_GROUP_3:
	case X86_GROUP_5:
		decode_group(format, instruction);
		return;
	case X86_LEA:
		decode_lea(format, instruction);
		return;
	case X86_PUSH:
		move_stack(instruction, -8);
		instruction->stores = true;
		return;
	case X86_PUSH_REG:
		decode_push_reg(format, instruction);
		return;
	case X86_POP:
		write_register(instruction, x86_low(format));
		if (!instruction->stack_lost)
			move_stack(instruction, 8);
		return;
	case X86_BRANCH:
	case X86_CALL:
		decode_branch(format, instruction);
		return;
	case X86_EXCHANGE:
		decode_exchange(format, instruction);
		return;
	case X86_LONG_NOP:
		decode_long_nop(format, instruction);
		return;
	default:
		if (!decode_simple(format, instruction))
			instruction->class = PROLOGUE_CLASS_UNKNOWN;
		return;
	}
}

/* Prefixes that give an opcode another meaning, or other operands. */
static bool is_altered(const struct x86_format *format)
{
	bool stack = format->effect == X86_PUSH || format->effect == X86_POP ||
		     format->effect == X86_PUSH_REG;

	return format->locked || (stack && format->operand16) ||
	       (format->repeat && !format->escaped &&
		format->effect != X86_EXCHANGE && format->effect != X86_RETURN);
}

static struct prologue_instruction decode(const uint8_t *code, size_t size)
{
	struct prologue_instruction instruction = {
		.class = PROLOGUE_CLASS_PLAIN,
		.copy_from = PROLOGUE_NO_REGISTER,
		.copy_to = PROLOGUE_NO_REGISTER,
		.name = "",
	};
	struct x86_format format;

	if (!x86_take_apart(&format, code, size)) {
		instruction.class = PROLOGUE_CLASS_UNKNOWN;
		return instruction;
	}
	instruction.length = format.length;
	if (is_altered(&format))
		instruction.class = PROLOGUE_CLASS_UNKNOWN;
	else
		decode_effect(&format, &instruction);
	return instruction;
}

/* Any four bytes behind a branch's opcode may be its displacement. */
static void scan_long(const uint8_t *text, size_t size, uint64_t address,
		      struct prologue_function *functions, size_t count)
{
	uint64_t first = functions[0].address;
	uint64_t span = functions[count - 1].address + PROLOGUE_BYTES - first;
	size_t at;

	for (at = 1; at + 4 <= size; at++) {
		int32_t displacement;
		uint64_t target;

		memcpy(&displacement, text + at, 4);
		target = address + at + 4 + displacement;
		if (target - first >= span)
			continue;
		if (text[at - 1] >> 1 == 0xe8 >> 1 ||
		    (at >= 2 && text[at - 2] == 0x0f && text[at - 1] >> 4 == 8))
			prologue_mark_branch(functions, count, target);
	}
}

/* 8-bit displacements: jcc, loop, jrcxz, jmp. */
static bool is_short_branch(uint8_t opcode)
{
	return opcode >> 4 == 7 || (opcode >= 0xe0 && opcode <= 0xe3) ||
	       opcode == 0xeb;
}

/*
 * Marks the short branches around one function. So many bytes look like one
 * that only those count that may start an instruction: the streams decoded
 * from the window's first bytes and from the entry soon join, and the true
 * one is among them; behind what cannot be decoded every byte may start one.
 */
static void scan_short(const uint8_t *text, size_t size, uint64_t address,
		       struct prologue_function *function)
{
	enum {
		BEFORE = SHORT_REACH + 64,
		AFTER = PROLOGUE_BYTES + SHORT_REACH,
	};
	bool starts[BEFORE + AFTER + LONGEST + 1] = { false };
	uint64_t entry = function->address - address;
	size_t begin, end, at, i;

	if (function->address < address || entry >= size)
		return;
	begin = entry > BEFORE ? entry - BEFORE : 0;
	end = size - entry > AFTER ? entry + AFTER : size;
	for (i = 0; i < LONGEST; i++)
		starts[i] = true;
	starts[entry - begin] = true;
	for (at = begin; at < end; at++) {
		struct x86_format format;

		if (!starts[at - begin])
			continue;
		if (is_short_branch(text[at]) && at + 2 <= size)
			prologue_mark_target(function,
					     address + at + 2 +
						     (int8_t)text[at + 1]);
		if (x86_take_apart(&format, text + at, size - at))
			starts[at - begin + format.length] = true;
		else
			memset(starts + (at - begin) + 1, true, LONGEST);
	}
}

static void scan(const uint8_t *text, size_t size, uint64_t address,
		 struct prologue_function *functions, size_t count)
{
	size_t i;

	scan_long(text, size, address, functions, count);
	for (i = 0; i < count; i++)
		scan_short(text, size, address, &functions[i]);
}

const struct prologue_arch prologue_arch_x86_64 = {
	.arguments = { RDI, RSI, RDX, RCX, R8, R9 },
	.names = names,
	.name_count = sizeof(names) / sizeof(*names),
	.stack_name = "rsp",
	.link_name = "the return address",
	.decode = decode,
	.scan = scan,
};
