/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers that the current task entered the kernel with. */
#ifndef LEAKTRACE_BPF_TASK_REGISTERS_H
#define LEAKTRACE_BPF_TASK_REGISTERS_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* arch/x86/include/asm/page_64_types.h, without KASAN */
#define TASK_STACK_BYTES 16384

/*
 * Readable by bpf_probe_read_kernel() only. The helper that says it came with
 * 5.15; before, x86-64 has them at the end of the task's kernel stack
 * (task_pt_regs() in arch/x86/include/asm/processor.h).
 */
static __always_inline struct pt_regs *task_registers(struct task_struct *task)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(
			bpf_get_current_task_btf());
#if defined(__TARGET_ARCH_x86)
	return (struct pt_regs *)((u64)BPF_CORE_READ(task, stack) +
				  TASK_STACK_BYTES -
				  bpf_core_type_size(struct pt_regs));
#else
	return NULL;
#endif
}

#endif
