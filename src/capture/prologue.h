/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where to put a function's probe. A uprobe costs ten times less on an
 * instruction that the kernel emulates than on one that it single-steps out
 * of line, so the probe moves from the function's entry to the first emulated
 * instruction of its straight-line prologue, as long as everything that the
 * probe reads is still known there. In doubt the site is the entry.
 *
 * What the kernel emulates: x86-64 arch/x86/kernel/uprobes.c
 * (branch_setup_xol_ops, push_setup_xol_ops), arm64
 * arch/arm64/kernel/probes/decode-insn.c (arm_probe_decode_insn).
 *
 * Everything here is pure: bytes in, structs out, nothing allocated. The
 * bytes may be hostile.
 */
#ifndef LEAKTRACE_CAPTURE_PROLOGUE_H
#define LEAKTRACE_CAPTURE_PROLOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROLOGUE_BYTES = 128,	/* no site lies further from the entry */
	PROLOGUE_ARGUMENTS = 6, /* integer arguments that may be wanted */
	PROLOGUE_NO_REGISTER = 0xff,
};

enum prologue_machine {
	PROLOGUE_X86_64,
	PROLOGUE_ARM64,
};

/*
 * A function and the offsets in (0, PROLOGUE_BYTES) from its entry that
 * control may reach other than by falling through from the entry: bit n % 64
 * of targets[n / 64] for offset n.
 */
struct prologue_function {
	uint64_t address;
	uint64_t targets[PROLOGUE_BYTES / 64];
};

/*
 * Marks address as a target in function if it lies within reach; for what no
 * scan of the text can find, such as another symbol inside the prologue.
 */
void prologue_mark_target(struct prologue_function *function, uint64_t address);

/*
 * Marks the targets of all direct jumps, branches and calls in text[0, size),
 * which is mapped or linked at address, in functions[0, count). The functions
 * must be sorted by address and in the same address space; they may overlap.
 * Conservative: bytes that only might be a branch count as one. Indirect
 * branches are not seen, but no compiler aims one into a prologue. Call it for
 * every executable section of the object. About 1 ms a MiB.
 */
void prologue_scan_branches(enum prologue_machine machine, const uint8_t *text,
			    size_t size, uint64_t address,
			    struct prologue_function *functions, size_t count);

struct prologue_query {
	enum prologue_machine machine;
	/* The function's bytes from its entry; more than PROLOGUE_BYTES
	 * are not looked at. End them where the function's symbol ends. */
	const uint8_t *code;
	size_t size;
	/* From prologue_scan_branches. NULL = not known: the site is the
	 * entry. */
	const struct prologue_function *function;
	/* Bit n: argument n, counted from 0, is read at the site. */
	unsigned int arguments;
	/* A return probe is needed: on x86-64 the kernel replaces the word at
	 * [rsp], so rsp must be as at the entry, on arm64 x30. */
	bool returns;
	/* The kernel emulates nops beyond x86's one-byte nop: x86-64 from 6.16
	 * on (the 2 to 8 byte forms of its own x86_nops), arm64's nop from
	 * 6.13 on. */
	bool nops;
	/* The target runs with a user shadow stack (x86_Thread_features in
	 * /proc/PID/status): kernels forget it when they emulate a call or
	 * return, so neither may become the site. */
	bool shadow_stack;
};

enum prologue_cost {
	PROLOGUE_EMULATED,
	PROLOGUE_STEPPED, /* single-stepped out of line */
};

/* Why the walk ended at stopped_at, which is the site only if EMULATED. */
enum prologue_reason {
	PROLOGUE_FOUND,	    /* an emulated instruction */
	PROLOGUE_UNKNOWN,   /* the decoder does not know it */
	PROLOGUE_END,	    /* the bytes end */
	PROLOGUE_TARGET,    /* a branch may land here */
	PROLOGUE_UNSCANNED, /* nobody looked for branches */
	PROLOGUE_LEAVES,    /* control leaves: ret, indirect jump, call */
	PROLOGUE_STACK,	    /* the stack pointer moves, or is lost */
	PROLOGUE_LINK,	    /* the return address is saved or signed */
	PROLOGUE_ARGUMENT,  /* argument `lost` is overwritten */
};

/*
 * Registers are numbered as the machine encodes them: x86-64 rax, rcx, rdx,
 * rbx, rsp, rbp, rsi, rdi, r8 ... r15; arm64 x0 ... x30.
 */
struct prologue_site {
	enum prologue_machine machine;
	uint32_t offset; /* from the entry */
	enum prologue_cost cost;
	enum prologue_reason reason;
	uint32_t stopped_at;	 /* offset from the entry */
	const char *instruction; /* its mnemonic there, "" = not known */
	unsigned int lost;	 /* with PROLOGUE_ARGUMENT */
	int32_t stack;		 /* stack pointer at the site less the entry's:
				  * x86-64's return address is at
				  * [rsp - stack] */
	/* Where each wanted argument is, else PROLOGUE_NO_REGISTER. */
	uint8_t registers[PROLOGUE_ARGUMENTS];
};

/*
 * Finds the site. Note that between an entry and its site no frame has been
 * set up that the kernel's own stack walk knows of: take the stack from CFI or
 * on the return side.
 */
struct prologue_site prologue_find_site(const struct prologue_query *query);

/* "rdi", "x0"; "?" if there is no such register. */
const char *prologue_register_name(enum prologue_machine machine,
				   unsigned int number);

/*
 * Writes one line without newline into text, cut to size: "+3: je is
 * emulated", "entry: unknown instruction at +5". Returns snprintf's length.
 */
int prologue_explain(const struct prologue_site *site, char *text, size_t size);

#endif
