/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arm64: see machine.h. */
#ifndef LEAKTRACE_BPF_MACHINE_ARM64_H
#define LEAKTRACE_BPF_MACHINE_ARM64_H

#include "bpf/unwind_abi.h"

/*
 * A call leaves its return address in a register, x30, which the function
 * saves like any other: its save is that of the rule's base register, and
 * none means that x30 still has it.
 */
#define MACHINE_HAS_LINK 1

/* The stack pointer at a return, less that at the entry. */
#define MACHINE_RETURN_POPS 0

/* The register besides the frame pointer that walks carry along. */
#define MACHINE_BASE_REGISTER regs[30]

/*
 * A return address without what the processor mixes into it: with pointer
 * authentication a code is in the bits that user addresses do not have. Those
 * have 48, except on kernels for smaller machines (CONFIG_ARM64_VA_BITS). Where
 * they may have 52, only what asks for it gets more, and the page for uprobes.
 */
#define MACHINE_CODE_ADDRESS(word) ((word) & (UNWIND_ADDRESS_LIMIT - 1))

/* The rule at a function's first instruction: CFA = sp. */
#define MACHINE_ENTRY_RULE ((__u64)UNWIND_STACK)

/*
 * The kernel's signal frame, struct rt_sigframe (arch/arm64/kernel/signal.c),
 * is at sp: 128 bytes of siginfo, then a ucontext, in which 176 bytes and the
 * fault address precede x0 (arch/arm64/include/uapi/asm/sigcontext.h).
 */
#define MACHINE_SIGNAL_REGISTERS (128 + 176 + 8)
#define MACHINE_SIGNAL_FRAME (MACHINE_SIGNAL_REGISTERS + 29 * 8)
#define MACHINE_SIGNAL_BASE (MACHINE_SIGNAL_REGISTERS + 30 * 8)
#define MACHINE_SIGNAL_STACK (MACHINE_SIGNAL_REGISTERS + 31 * 8)
#define MACHINE_SIGNAL_IP (MACHINE_SIGNAL_REGISTERS + 32 * 8)

/*
 * What lies at least between an interrupted stack pointer and the handler's:
 * struct rt_sigframe, which has room for 4096 bytes of further registers.
 */
#define MACHINE_SIGNAL_FRAME_MIN 4608

/* Whether the eight bytes before an address end in bl or blr. */
#define MACHINE_ENDS_IN_CALL(code)                    \
	(((code) >> 32 & 0xfc000000) == 0x94000000 || \
	 ((code) >> 32 & 0xfffffc1f) == 0xd63f0000)

#endif
