/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The call stack of a traced process at the return of a function, by unwind
 * tables or by frame pointers.
 */
#ifndef LEAKTRACE_BPF_USER_STACK_H
#define LEAKTRACE_BPF_USER_STACK_H

#include <vmlinux.h>

#include <bpf/bpf_tracing.h>

#include "bpf/stack.bpf.h"
#include "bpf/unwind_kernel.bpf.h"
#include "bpf/unwind.bpf.h"

/* The register besides the frame pointer that code uses to find its frame. */
#if defined(__TARGET_ARCH_x86)
#define BASE_REGISTER(registers) ((registers)->bx)
#else
#define BASE_REGISTER(registers) ((registers)->regs[19])
#endif

static __always_inline u32 user_stack(struct pt_regs *registers, u64 owner)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct unwind_walk *walk;
	u32 number, id;

	if (config.frame_pointers)
		return stack_capture(registers, owner, BPF_F_USER_STACK);
	number = unwind_begin(unwind_process_of(pid), UNWIND_AT_RETURN,
			      PT_REGS_IP(registers), PT_REGS_SP(registers),
			      PT_REGS_FP(registers), BASE_REGISTER(registers));
	if (number == UNWIND_NO_WALK) {
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	unwind_run(number);
	walk = unwind_walk_at(number);
	id = ABI_STACK_LOST;
	if (walk) {
		walk->event.owner = owner;
		id = stack_store(&walk->event);
	}
	unwind_end(number);
	return id;
}

#endif
