/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x86-64: see machine.h. */
#ifndef LEAKTRACE_BPF_MACHINE_X86_H
#define LEAKTRACE_BPF_MACHINE_X86_H

#include "bpf/unwind_abi.h"

/* A call pushes its return address: it is the word below the CFA. */
#define MACHINE_HAS_LINK 0

/* The stack pointer at a return, less that at the entry. */
#define MACHINE_RETURN_POPS 8

/* The register besides the frame pointer that walks carry along. */
#define MACHINE_BASE_REGISTER bx

/* A return address without what the processor mixes into it. */
#define MACHINE_CODE_ADDRESS(word) (word)

/* The rule at a function's first instruction: CFA = sp + 8. */
#define MACHINE_ENTRY_RULE (UNWIND_STACK | 8ULL << UNWIND_CFA_SHIFT)

/*
 * The kernel's signal frame, struct rt_sigframe (arch/x86/include/asm/
 * sigframe.h): sp points to its ucontext, which has the registers there.
 */
#define MACHINE_SIGNAL_FRAME 120
#define MACHINE_SIGNAL_BASE 128
#define MACHINE_SIGNAL_STACK 160
#define MACHINE_SIGNAL_IP 168

/*
 * What lies at least between an interrupted stack pointer and the handler's:
 * the red zone (128) and the smallest signal frame (struct rt_sigframe with
 * an fxsave area: 440 + 512).
 */
#define MACHINE_SIGNAL_FRAME_MIN 1024

/*
 * Whether the eight bytes before an address are a call that returns there:
 * e8, or ff /2 with an operand of 1 to 6 bytes.
 */
#define MACHINE_ENDS_IN_CALL(code)                                             \
	(((code) >> 24 & 0xff) == 0xe8 || ((code) >> 48 & 0x38ff) == 0x10ff || \
	 ((code) >> 40 & 0x38ff) == 0x10ff ||                                  \
	 ((code) >> 32 & 0x38ff) == 0x10ff ||                                  \
	 ((code) >> 16 & 0x38ff) == 0x10ff ||                                  \
	 ((code) >> 8 & 0x38ff) == 0x10ff)

#endif
