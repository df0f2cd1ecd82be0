/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of an interrupted arm64 task: struct user_pt_regs of
 * arch/arm64/include/uapi/asm/ptrace.h, which struct pt_regs begins with.
 */
#ifndef LEAKTRACE_VMLINUX_ARM64_PT_REGS_H
#define LEAKTRACE_VMLINUX_ARM64_PT_REGS_H

struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};

struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			__u64 regs[31];
			__u64 sp;
			__u64 pc;
			__u64 pstate;
		};
	};
};

#endif
