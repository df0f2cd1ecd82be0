/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Since 6.13 the verifier gives functions that use 64 bytes of stack and more
 * a private stack, one a CPU (bpf_enable_priv_stack() in kernel/bpf/verifier.c).
 * Programs on uprobes may be preempted, and nothing keeps another thread from
 * running the same program on that CPU meanwhile (bpf_prog_run_array_uprobe() in
 * include/linux/bpf.h): it would write over the first one's variables. Seen on
 * 7.2: one stack in 200 wrong where three threads shared a CPU.
 */
#ifndef LEAKTRACE_BPF_PREEMPT_H
#define LEAKTRACE_BPF_PREEMPT_H

/*
 * First in every program on a uprobe: keeps it on the thread's own stack. The
 * verifier gives no private stack to programs with tail calls, and counts those
 * that it then drops as never reached (check_subprogs(), 12 is bpf_tail_call).
 */
#define OWN_STACK()                                         \
	asm volatile("r0 = 0; if r0 == 0 goto +1; call 12;" \
		     :                                      \
		     :                                      \
		     : "r0", "r1", "r2", "r3", "r4", "r5")

#endif
