/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the prologue walk needs to know of one instruction, and the machines
 * that can tell it. Internal to prologue*.c, its test and its check tool.
 */
#ifndef LEAKTRACE_CAPTURE_PROLOGUE_INSTRUCTION_H
#define LEAKTRACE_CAPTURE_PROLOGUE_INSTRUCTION_H

#include "capture/prologue.h"

enum prologue_class {
	PROLOGUE_CLASS_UNKNOWN, /* effects not known, or not an instruction */
	PROLOGUE_CLASS_PLAIN,	/* falls through, effects as given */
	PROLOGUE_CLASS_EMULATED,
	PROLOGUE_CLASS_CALL, /* emulated, but without the shadow stack */
	PROLOGUE_CLASS_NOP,  /* emulated by newer kernels only */
	PROLOGUE_CLASS_LEAVES,
};

struct prologue_instruction {
	enum prologue_class class;
	uint8_t length;	   /* bytes; may be known though the class is not;
			 * 0 = unknown */
	uint8_t copy_from; /* copy_to = copy_from, all 64 bits, or */
	uint8_t copy_to;   /* PROLOGUE_NO_REGISTER */
	bool stores;	   /* writes memory */
	bool stack_lost;   /* stack pointer no longer known */
	bool link_moves;   /* arm64: x30 is written, signed or saved */
	int32_t stack;	   /* change of the stack pointer, bytes */
	uint32_t writes;   /* bit n: register n is written */
	const char *name;  /* mnemonic of what is not PLAIN, else "" */
};

/*
 * One architecture. decode() reads at most size bytes; an instruction cut off
 * by the end is PROLOGUE_CLASS_UNKNOWN with length 0.
 */
struct prologue_arch {
	uint8_t arguments[PROLOGUE_ARGUMENTS];
	const char *const *names;
	unsigned int name_count;
	const char *stack_name;
	const char *link_name; /* where a return probe hooks */
	struct prologue_instruction (*decode)(const uint8_t *code, size_t size);
	void (*scan)(const uint8_t *text, size_t size, uint64_t address,
		     struct prologue_function *functions, size_t count);
};

extern const struct prologue_arch prologue_arch_x86_64;
extern const struct prologue_arch prologue_arch_arm64;

/* Marks target in those of the sorted functions that it lies within. */
void prologue_mark_branch(struct prologue_function *functions, size_t count,
			  uint64_t target);

#endif
