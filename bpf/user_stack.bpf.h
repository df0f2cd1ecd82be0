/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The call stack of a traced process at the return of a function, by unwind
 * tables or by frame pointers.
 */
#ifndef LEAKTRACE_BPF_USER_STACK_H
#define LEAKTRACE_BPF_USER_STACK_H

#include <vmlinux.h>

#include <bpf/bpf_tracing.h>

#include "bpf/process.bpf.h"
#include "bpf/stack_walk.bpf.h"

/* The mapping table of the process that runs, 0 while there is none. */
static __always_inline u64 process_mappings(void)
{
	u32 slot = traced.unwind_slot;
	u64 *mappings;

	if (config.many)
		return unwind_process_of(current_pid());
	if (!traced.unwind_ready)
		return 0;
	mappings = bpf_map_lookup_elem(&unwind_processes, &slot);
	return mappings ? *(volatile u64 *)mappings : 0;
}

static __always_inline u32 user_stack(struct pt_regs *registers, u64 owner)
{
	u64 frame = PT_REGS_FP(registers);
	u64 base = registers->MACHINE_BASE_REGISTER;
	u64 ip = PT_REGS_IP(registers);
	u64 sp = PT_REGS_SP(registers);
	struct unwind_walk *walk;
	u32 number, id;

	if (config.frame_pointers)
		return stack_capture(registers, owner, BPF_F_USER_STACK);
	number = unwind_begin(process_mappings(), UNWIND_AT_RETURN, ip, sp,
			      frame, base);
	walk = unwind_walk_at(number);
	if (!walk) {
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	walk->event.owner = owner;
	python_walk(number, current_pid());
	id = stack_memo_find(number, ip, sp);
	if (id == ABI_STACK_LOST)
		id = stack_walk(number, ip, frame, base);
	unwind_end(number);
	return id;
}

#endif
