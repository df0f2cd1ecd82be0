/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call's entry, told from a probe that stands behind it: the probe's cookie
 * (ABI_COOKIE_* in abi.h) says what has moved on the way to its site.
 */
#ifndef LEAKTRACE_BPF_SITE_H
#define LEAKTRACE_BPF_SITE_H

#include <vmlinux.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi.h"
#include "bpf/allocate.bpf.h"

/* As asm: the verifier wants the offset constant, clang would compute it. */
#define REGISTER(number, field)                                            \
	case number:                                                       \
		asm volatile(                                              \
			"%0 = *(u64 *)(%1 + %2)"                           \
			: "=r"(value)                                      \
			: "r"(registers),                                  \
			  "i"(__builtin_offsetof(struct pt_regs, field))); \
		break

/* Numbered as the machine encodes them; 0 for a register there is not. */
static __noinline u64 register_read(struct pt_regs *registers, u32 number)
{
	u64 value = 0;

	switch (number) {
#if defined(__TARGET_ARCH_x86)
		REGISTER(0, ax);
		REGISTER(1, cx);
		REGISTER(2, dx);
		REGISTER(3, bx);
		REGISTER(4, sp);
		REGISTER(5, bp);
		REGISTER(6, si);
		REGISTER(7, di);
		REGISTER(8, r8);
		REGISTER(9, r9);
		REGISTER(10, r10);
		REGISTER(11, r11);
		REGISTER(12, r12);
		REGISTER(13, r13);
		REGISTER(14, r14);
		REGISTER(15, r15);
#elif defined(__TARGET_ARCH_arm64)
		REGISTER(0, regs[0]);
		REGISTER(1, regs[1]);
		REGISTER(2, regs[2]);
		REGISTER(3, regs[3]);
		REGISTER(4, regs[4]);
		REGISTER(5, regs[5]);
		REGISTER(6, regs[6]);
		REGISTER(7, regs[7]);
		REGISTER(8, regs[8]);
		REGISTER(9, regs[9]);
		REGISTER(10, regs[10]);
		REGISTER(11, regs[11]);
		REGISTER(12, regs[12]);
		REGISTER(13, regs[13]);
		REGISTER(14, regs[14]);
		REGISTER(15, regs[15]);
		REGISTER(16, regs[16]);
		REGISTER(17, regs[17]);
		REGISTER(18, regs[18]);
		REGISTER(19, regs[19]);
		REGISTER(20, regs[20]);
		REGISTER(21, regs[21]);
		REGISTER(22, regs[22]);
		REGISTER(23, regs[23]);
		REGISTER(24, regs[24]);
		REGISTER(25, regs[25]);
		REGISTER(26, regs[26]);
		REGISTER(27, regs[27]);
		REGISTER(28, regs[28]);
		REGISTER(29, regs[29]);
		REGISTER(30, regs[30]);
#endif
	}
	return value;
}

#undef REGISTER

static __always_inline u64 moved_argument(struct pt_regs *registers, u64 cookie,
					  u32 argument)
{
	return register_read(registers,
			     cookie >> ABI_COOKIE_REGISTER_SHIFT(argument) &
				     0xff);
}

/* The entry of the call that a probe with this cookie was hit in. */
static __always_inline struct entry entry_at_site(struct pt_regs *registers,
						  u64 cookie)
{
	struct entry entry = {
		.sp = PT_REGS_SP(registers),
#if MACHINE_HAS_LINK
		.link = registers->MACHINE_BASE_REGISTER,
#endif
		.arguments = {
			PT_REGS_PARM1(registers),
			PT_REGS_PARM2(registers),
			PT_REGS_PARM3(registers),
			PT_REGS_PARM4(registers),
		},
	};

	if (!(cookie & ABI_COOKIE_MOVED))
		return entry;
	entry.sp += (cookie >> ABI_COOKIE_STACK_SHIFT) * sizeof(u64);
	for (u32 i = 0; i < ABI_COOKIE_ARGUMENTS; i++)
		entry.arguments[i] = moved_argument(registers, cookie, i);
	return entry;
}

#endif
