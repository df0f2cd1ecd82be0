// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which call stacks make a process's memory resident: one page fault in so
 * many, with the stack that touched the page. No function is probed, so this
 * works whatever the allocator is and costs next to nothing.
 *
 * A sampled page is an outstanding block of one page until user space finds
 * that it is resident no more, or it is touched anew.
 */
#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/account.bpf.h"
#include "bpf/stack_walk.bpf.h"
#include "bpf/walk.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define SIGSTOP 19

/* include/uapi/linux/bpf_perf_event.h */
struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

/* In the first PID namespace. */
const volatile __u32 traced_pid = 0;

/* The image of the process: the owner of its pages. */
__u64 image = 0;

static __always_inline bool is_traced_process(void)
{
	return bpf_get_current_pid_tgid() >> 32 == traced_pid;
}

/* The stack of a thread with these registers of its user space. */
static __always_inline u32 touching_stack(u64 owner, u64 ip, u64 sp, u64 frame,
					  u64 base)
{
	struct unwind_walk *walk;
	u32 number, id;

	number = unwind_begin(unwind_process_of(traced_pid),
			      UNWIND_AT_INSTRUCTION, ip, sp, frame, base);
	walk = unwind_walk_at(number);
	if (!walk) {
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	walk->event.owner = owner;
	python_walk(number, traced_pid);
	id = stack_memo_find(number, ip, sp);
	if (id == ABI_STACK_LOST)
		id = stack_walk(number, ip, frame, base);
	unwind_end(number);
	return id;
}

/* A fault in the kernel, on behalf of a system call: its caller's stack. */
static __always_inline u32 calling_stack(u64 owner)
{
	struct pt_regs *registers;

	/* Since 5.15; before, such pages have no stack. */
	if (!bpf_core_enum_value_exists(enum bpf_func_id,
					BPF_FUNC_task_pt_regs)) {
		count(ABI_STACKS_NOT_STORED, 1);
		return ABI_STACK_LOST;
	}
	registers =
		(struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return touching_stack(owner, PT_REGS_IP_CORE(registers),
			      PT_REGS_SP_CORE(registers),
			      PT_REGS_FP_CORE(registers),
			      BPF_CORE_READ(registers, MACHINE_BASE_REGISTER));
}

SEC("perf_event")
int page_fault(struct bpf_perf_event_data *context)
{
	u64 page = context->addr & ~((u64)config.page_size - 1);
	u64 ip = PT_REGS_IP(&context->regs);
	struct abi_block old;
	u32 stack;

	if (!is_traced_process() || !page)
		return 0;
	if (ip < UNWIND_ADDRESS_LIMIT)
		stack = touching_stack(image, ip, PT_REGS_SP(&context->regs),
				       PT_REGS_FP(&context->regs),
				       context->regs.MACHINE_BASE_REGISTER);
	else
		stack = calling_stack(image);
	/* It was given back, and has been touched again. */
	if (account_set_aside(page, image, &old))
		account_freed(&old);
	account_record(page, image, config.page_size, stack, 0);
	return 0;
}

/* sched_process_exec(task, old pid, binprm): after exec, before user code. */
SEC("raw_tp/sched_process_exec")
int growth_exec(struct bpf_raw_tracepoint_args *context)
{
	struct abi_event_process event = {
		.type = ABI_EVENT_EXEC,
		.pid = bpf_get_current_pid_tgid() >> 32,
		.held = config.hold,
	};

	if (!is_traced_process())
		return 0;
	event.owner = image;
	image++;
	event.new_owner = image;
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0)) {
		count(ABI_LIFECYCLE_LOST, 1);
		return 0;
	}
	if (config.hold)
		bpf_send_signal(SIGSTOP);
	return 0;
}
