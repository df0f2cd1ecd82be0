/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to traced processes: fork, exec, exit, new libraries, signals.
 *
 * A process is held by SIGSTOP while user space puts its probes in place, if
 * leaktrace started it. The event is reserved before and sent after that, so
 * that user space never continues a process that is yet to be stopped.
 */
#ifndef LEAKTRACE_BPF_LIFECYCLE_H
#define LEAKTRACE_BPF_LIFECYCLE_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/process.bpf.h"
#include "bpf/task_registers.bpf.h"
#include "bpf/unwind_kernel.bpf.h"

#define SA_ONSTACK 0x08000000

/* Since 6.13: can stop a task that has yet to run. */
extern int bpf_send_signal_task(struct task_struct *task, int signal,
				enum pid_type type, u64 value) __ksym __weak;

static __always_inline struct abi_event_process *
event_begin(u32 type, const struct abi_process *process)
{
	struct abi_event_process *event =
		bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count(ABI_LIFECYCLE_LOST, 1);
		return NULL;
	}
	*event = (struct abi_event_process){
		.type = type,
		.when_ns = bpf_ktime_get_ns(),
	};
	if (process) {
		event->pid = process->pid;
		event->local_pid = process->local_pid;
		event->owner = process->image;
	}
	return event;
}

/* Notes that a process is about to be stopped, for the guardian. */
static __always_inline bool hold_begin(u32 pid, u32 local_pid)
{
	return config.hold &&
	       (!config.many || !bpf_map_update_elem(&held_processes, &pid,
						     &local_pid, BPF_ANY));
}

/* Sends an event of the current process, which it stops if it is to be held. */
static __always_inline void event_end(struct abi_event_process *event)
{
	if (hold_begin(event->pid, event->local_pid)) {
		event->held = 1;
		bpf_send_signal(SIGSTOP);
	}
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void libraries_changed(const struct abi_process *process)
{
	struct abi_event_process *event =
		event_begin(ABI_EVENT_LIBRARIES, process);

	if (event)
		event_end(event);
}

static __always_inline bool comm_is_wanted(struct task_struct *task)
{
	char comm[sizeof(config.comm)];

	if (BPF_CORE_READ_INTO(&comm, task, comm))
		return false;
	for (u32 i = 0; i < sizeof(comm); i++) {
		if (comm[i] != config.comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

/* Someone who is not traced: has user space look. */
static __always_inline int candidate_tell(struct task_struct *task)
{
	struct abi_event_process *event;
	u32 local_pid = local_pid_of(task);

	if (!local_pid)
		return 0;
	event = event_begin(ABI_EVENT_CANDIDATE, NULL);
	if (!event)
		return 0;
	event->pid = BPF_CORE_READ(task, tgid);
	event->local_pid = local_pid;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

static __always_inline int candidate_execs(struct task_struct *task)
{
	if ((config.follow & ABI_FOLLOW_CGROUP) ||
	    ((config.follow & ABI_FOLLOW_COMM) && comm_is_wanted(task)))
		return candidate_tell(task);
	return 0;
}

/* A process that executed something else and is not wanted any more. */
static __always_inline bool leaves_by_exec(struct task_struct *task)
{
	return (config.follow & ABI_FOLLOW_COMM) &&
	       !(config.follow & ABI_FOLLOW_CHILDREN) && !comm_is_wanted(task);
}

/*
 * sched_process_exec(task, old pid, binprm): after exec, before user code. The
 * old PID is a thread's that executed, which has the first one's by now.
 */
SEC("raw_tp/sched_process_exec")
int process_exec(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[0];
	u32 pid = current_pid();
	struct abi_process *process = traced_process(pid);
	struct abi_event_process *event;
	u64 gone;

	if (!process)
		return config.many ? candidate_execs(task) : 0;
	gone = process->image;
	if (process->flags & ABI_PROCESS_SHARES_MEMORY)
		gone = 0;
	process->flags = 0;
	process->image = image_new();
	/* A thread may have executed: the others end without our notice. */
	calls_end_thread();
	if (config.many && leaves_by_exec(task)) {
		event = gone ? event_begin(ABI_EVENT_EXIT, process) : NULL;
		bpf_map_delete_elem(&processes, &pid);
		if (event)
			bpf_ringbuf_submit(event, 0);
		return 0;
	}
	event = event_begin(ABI_EVENT_EXEC, process);
	if (!event)
		return 0;
	event->owner = gone;
	event->new_owner = process->image;
	event->by_thread = (u32)context->args[1] != pid;
	event_end(event);
	return 0;
}

/* sched_process_exit(task): once a thread, in its own context. */
SEC("raw_tp/sched_process_exit")
int process_exit(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[0];
	u32 pid = current_pid();
	struct abi_process *process = traced_process(pid);
	struct abi_event_process *event;

	if (!process)
		return 0;
	calls_end_thread();
	/* do_exit() has counted this thread off already. */
	if (!config.many || BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	if (!(process->flags & ABI_PROCESS_SHARES_MEMORY)) {
		event = event_begin(ABI_EVENT_EXIT, process);
		if (event)
			bpf_ringbuf_submit(event, 0);
	}
	bpf_map_delete_elem(&processes, &pid);
	return 0;
}

/* Takes up a child of a traced process. NULL when it is not to be. */
static __always_inline struct abi_process *
child_follow(struct task_struct *parent, struct task_struct *child)
{
	u32 pid = BPF_CORE_READ(child, tgid);
	u32 parent_pid = BPF_CORE_READ(parent, tgid);
	struct abi_process *process;
	struct abi_process follower = {};
	u32 *slot;

	if (pid == parent_pid)
		return NULL; /* a thread */
	process = traced_process(parent_pid);
	if (!process)
		return NULL;
	follower.pid = pid;
	follower.local_pid = local_pid_of(child);
	if (!follower.local_pid)
		return NULL;
	if (BPF_CORE_READ(child, mm) == BPF_CORE_READ(parent, mm)) {
		follower.image = process->image;
		follower.flags = ABI_PROCESS_SHARES_MEMORY;
	} else {
		follower.image = image_new();
		follower.flags = ABI_PROCESS_BEGINS;
	}
	if (bpf_map_update_elem(&processes, &pid, &follower, BPF_ANY)) {
		count(ABI_PROCESSES_NOT_TRACED, 1);
		return NULL;
	}
	/* It begins with the parent's mappings. */
	slot = bpf_map_lookup_elem(&unwind_slots, &parent_pid);
	if (slot)
		bpf_map_update_elem(&unwind_slots, &pid, slot, BPF_ANY);
	if (follower.flags & ABI_PROCESS_SHARES_MEMORY)
		return NULL; /* nothing to probe before it executes */
	return bpf_map_lookup_elem(&processes, &pid);
}

static __always_inline struct abi_event_process *
fork_event(struct abi_process *process, u32 parent)
{
	struct abi_event_process *event;

	process->flags = 0;
	event = event_begin(ABI_EVENT_FORK, process);
	if (event)
		event->parent = parent;
	return event;
}

/*
 * sched_process_fork(parent, child): the child has not run yet. Three ways to
 * learn of it, of which user space loads one.
 *
 * child_held: kernels that can stop a task before it runs.
 */
SEC("tp_btf/sched_process_fork")
int child_held(__u64 *context)
{
	struct task_struct *parent = (struct task_struct *)context[0];
	struct task_struct *child = (struct task_struct *)context[1];
	struct abi_process *process = child_follow(parent, child);
	struct abi_event_process *event;

	if (!process)
		return 0;
	event = fork_event(process, BPF_CORE_READ(parent, tgid));
	if (!event)
		return 0;
	if (hold_begin(event->pid, event->local_pid)) {
		event->held = 1;
		bpf_send_signal_task(child, SIGSTOP, PIDTYPE_TGID, 0);
	}
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* child_forked, process_begins: the others stop it as it leaves the kernel. */
SEC("raw_tp/sched_process_fork")
int child_forked(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *parent = (struct task_struct *)context->args[0];
	struct task_struct *child = (struct task_struct *)context->args[1];
	struct abi_process *process = child_follow(parent, child);
	struct abi_event_process *event;

	if (!process || config.hold)
		return 0;
	/* alone: nobody is to be stopped. */
	event = fork_event(process, BPF_CORE_READ(parent, tgid));
	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

/* A new task leaves the kernel for the first time as if by a system call. */
SEC("raw_tp/sys_exit")
int process_begins(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct abi_process *process = traced_process(current_pid());
	struct abi_event_process *event;

	if (!process || !(process->flags & ABI_PROCESS_BEGINS))
		return 0;
	event = fork_event(process, BPF_CORE_READ(task, real_parent, tgid));
	if (event)
		event_end(event);
	return 0;
}

/* task_rename(task, comm): the name is about to change. */
SEC("raw_tp/task_rename")
int process_renamed(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[0];
	const char *name = (const char *)context->args[1];
	char comm[sizeof(config.comm)] = {};
	u32 pid = BPF_CORE_READ(task, tgid);

	if (BPF_CORE_READ(task, pid) != (int)pid || traced_process(pid))
		return 0;
	bpf_probe_read_kernel_str(comm, sizeof(comm), name);
	for (u32 i = 0; i < sizeof(comm); i++) {
		if (comm[i] != config.comm[i])
			return 0;
		if (!comm[i])
			break;
	}
	return candidate_tell(task);
}

/* cgroup_attach_task(cgroup, path, task, threadgroup), since 4.15 */
SEC("raw_tp/cgroup_attach_task")
int process_moved(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *task = (struct task_struct *)context->args[2];

	if (traced_process(BPF_CORE_READ(task, tgid)))
		return 0;
	return candidate_tell(task);
}

/* signal_deliver(sig, info, ka): a handler may be about to run. */
SEC("raw_tp/signal_deliver")
int signal_deliver(struct bpf_raw_tracepoint_args *context)
{
	struct k_sigaction *action = (struct k_sigaction *)context->args[2];
	struct pt_regs *registers;
	struct task_struct *task;
	u64 sp, low, high;

	if (!traced_process(current_pid()))
		return 0;
	/* SIG_DFL and SIG_IGN are 0 and 1. */
	if ((u64)BPF_CORE_READ(action, sa.sa_handler) <= 1)
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	registers = task_registers(task);
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

/*
 * Who is who: the PIDs of all processes that leaktrace sees, in the first
 * namespace and in its own. Whoever reads the iterator is leaktrace.
 */
SEC("iter/task")
int list_processes(struct bpf_iter__task *context)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task();
	struct task_struct *task = context->task;
	struct abi_listed_process listed = {};
	struct pid *pid;
	u32 number;

	if (!task)
		return 0;
	pid = BPF_CORE_READ(self, group_leader, thread_pid);
	own_level = BPF_CORE_READ(pid, level);
	own_namespace = number_at_level(pid, own_level, &number);
	listed.pid = BPF_CORE_READ(task, tgid);
	if (BPF_CORE_READ(task, pid) != (int)listed.pid)
		return 0;
	listed.local_pid = local_pid_of(task);
	if (listed.local_pid)
		bpf_seq_write(context->meta->seq, &listed, sizeof(listed));
	return 0;
}

#endif
