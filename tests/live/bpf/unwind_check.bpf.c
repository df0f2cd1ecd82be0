// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel side of unwind_check: walks the stack at the marker function and
 * sends it with what the program says of itself; and the two programs that
 * the walker is measured against.
 */
#include "bpf/preempt.bpf.h"
#include "bpf/unwind_kernel.bpf.h"

#include <bpf/bpf_tracing.h>

#include "bpf/unwind.bpf.h"
#include "tests/live/unwind_check_abi.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 127 * sizeof(u64));
} stack_traces SEC(".maps");

/* Stacks that could not be compared. */
u64 lost, no_walk, no_truth;

static __always_inline u32 walk_here(struct pt_regs *registers)
{
	u64 process;
	u32 number;

	OWN_STACK();
	process = unwind_process_of(bpf_get_current_pid_tgid() >> 32);
	number = unwind_begin(process, UNWIND_AT_ENTRY, PT_REGS_IP(registers),
			      PT_REGS_SP(registers), PT_REGS_FP(registers),
			      registers->MACHINE_BASE_REGISTER);
	if (number == UNWIND_NO_WALK)
		__sync_fetch_and_add(&no_walk, 1);
	else
		unwind_run(number);
	return number;
}

SEC("kprobe/mark")
int check(struct pt_regs *registers)
{
	u32 number = walk_here(registers);
	struct unwind_walk *walk = unwind_walk_at(number);
	u64 count = PT_REGS_PARM2(registers);
	struct check_event *event;

	if (!walk)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		unwind_end(number);
		return 0;
	}
	event->flaw = walk->event.flaw;
	event->count = walk->event.frame_count;
	bpf_probe_read_kernel(event->frames, sizeof(event->frames),
			      walk->event.frames);
	unwind_end(number);
	event->truth_count = count;
	barrier_var(count); /* the verifier before 6.12 loses its bound */
	/* No more than there is: what follows may be a page not yet there. */
	if (count > CHECK_TRUTH_MAX ||
	    bpf_probe_read_user(event->truth, count * sizeof(u64),
				(const void *)PT_REGS_PARM1(registers))) {
		__sync_fetch_and_add(&no_truth, 1);
		bpf_ringbuf_discard(event, 0);
		return 0;
	}
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("kprobe/returned")
int returned(struct pt_regs *registers)
{
	(void)registers;
	return 0;
}

SEC("kprobe/bench_walk")
int bench_walk(struct pt_regs *registers)
{
	u32 number = walk_here(registers);

	if (number != UNWIND_NO_WALK)
		unwind_end(number);
	return 0;
}

SEC("kprobe/bench_stackid")
int bench_stackid(struct pt_regs *registers)
{
	bpf_get_stackid(registers, &stack_traces, BPF_F_USER_STACK);
	return 0;
}

SEC("kprobe/bench_empty")
int bench_empty(struct pt_regs *registers)
{
	(void)registers;
	return 0;
}
