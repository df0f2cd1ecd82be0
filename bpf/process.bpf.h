/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that are traced, and what happens to them: exec, exit, new
 * libraries, signals.
 */
#ifndef LEAKTRACE_BPF_PROCESS_H
#define LEAKTRACE_BPF_PROCESS_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/calls.bpf.h"

#define SIGSTOP 19
#define SA_ONSTACK 0x08000000

/*
 * The one process that is traced; image is set before any probe is. Probes
 * on functions need not look who runs them: the kernel confines them to the
 * process (and to its memory, which a vfork child shares for a while).
 */
struct abi_process traced = {};

static __always_inline bool is_traced_process(void)
{
	return bpf_get_current_pid_tgid() >> 32 == config.pid;
}

static __always_inline void libraries_changed(void)
{
	struct abi_event_process event = {
		.type = ABI_EVENT_LIBRARIES,
		.pid = bpf_get_current_pid_tgid() >> 32,
		.owner = traced.image,
		.held = config.hold,
	};

	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0)) {
		/* Nobody will hear of it, so nobody would continue it. */
		count(ABI_LIFECYCLE_LOST, 1);
		return;
	}
	if (config.hold)
		bpf_send_signal(SIGSTOP);
}

/* sched_process_exec(task, old pid, binprm): after exec, before user code. */
SEC("raw_tp/sched_process_exec")
int process_exec(struct bpf_raw_tracepoint_args *context)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct abi_event_process event = {
		.type = ABI_EVENT_EXEC,
		.pid = pid,
		.held = config.hold,
	};

	if (!is_traced_process())
		return 0;
	event.owner = traced.image;
	traced.image++;
	event.new_owner = traced.image;
	calls_end_thread();
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0)) {
		count(ABI_LIFECYCLE_LOST, 1);
		return 0;
	}
	if (config.hold)
		bpf_send_signal(SIGSTOP);
	return 0;
}

/* sched_process_exit(task): once a thread, in its own context. */
SEC("raw_tp/sched_process_exit")
int process_exit(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[0];
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct abi_event_process event = {
		.type = ABI_EVENT_EXIT,
		.pid = pid,
	};

	if (!is_traced_process())
		return 0;
	calls_end_thread();
	/* do_exit() has counted this thread off already. */
	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	event.owner = traced.image;
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0))
		count(ABI_LIFECYCLE_LOST, 1);
	return 0;
}

/* signal_deliver(sig, info, ka): a handler may be about to run. */
SEC("raw_tp/signal_deliver")
int signal_deliver(struct bpf_raw_tracepoint_args *context)
{
	struct k_sigaction *action = (struct k_sigaction *)context->args[2];
	struct pt_regs *registers;
	struct task_struct *task;
	u64 sp, low, high;

	if (!is_traced_process())
		return 0;
	/* SIG_DFL and SIG_IGN are 0 and 1. */
	if ((u64)BPF_CORE_READ(action, sa.sa_handler) <= 1)
		return 0;
	/* Since 5.15. Before, a handler's calls look like nested ones. */
	if (!bpf_core_enum_value_exists(enum bpf_func_id,
					BPF_FUNC_task_pt_regs))
		return 0;
	task = bpf_get_current_task_btf();
	registers = (struct pt_regs *)bpf_task_pt_regs(task);
	sp = PT_REGS_SP_CORE(registers);
	low = high = 0;
	if (BPF_CORE_READ(action, sa.sa_flags) & SA_ONSTACK) {
		low = BPF_CORE_READ(task, sas_ss_sp);
		high = low + BPF_CORE_READ(task, sas_ss_size);
		if (sp >= low && sp < high)
			low = high = 0; /* on it already: goes on downwards */
	}
	call_interrupt(PT_REGS_IP_CORE(registers), sp, low, high);
	return 0;
}

#endif
