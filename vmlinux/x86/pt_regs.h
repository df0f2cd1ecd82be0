/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of an interrupted x86-64 task: arch/x86/include/asm/ptrace.h. */
#ifndef LEAKTRACE_VMLINUX_X86_PT_REGS_H
#define LEAKTRACE_VMLINUX_X86_PT_REGS_H

struct pt_regs {
	unsigned long r15, r14, r13, r12;
	unsigned long bp, bx;
	unsigned long r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};

#endif
