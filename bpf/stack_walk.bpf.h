/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A walk that unwind_begin() has begun, to its end: stored and remembered. */
#ifndef LEAKTRACE_BPF_STACK_WALK_H
#define LEAKTRACE_BPF_STACK_WALK_H

#include "bpf/python.bpf.h"
#include "bpf/stack.bpf.h"
#include "bpf/stack_memo.bpf.h"
#include "bpf/unwind.bpf.h"
#include "bpf/unwind_kernel.bpf.h"

/*
 * The id of the stack. A global function, which the verifier looks at once: the
 * store has a loop that may end after any frame, and inlined all that follows
 * is looked at for each of these ends.
 */
__noinline __u32 stack_walk(__u32 number, __u64 ip, __u64 frame, __u64 base)
{
	struct unwind_walk *walk = unwind_walk_at(number);
	u32 id;

	if (!walk)
		return ABI_STACK_LOST;
	unwind_run(number);
	python_append(number);
	id = stack_store(&walk->event);
	if (id != ABI_STACK_LOST)
		stack_memo_keep(number, id, ip, frame, base);
	return id;
}

#endif
