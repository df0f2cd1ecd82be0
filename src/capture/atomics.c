// SPDX-License-Identifier: GPL-2.0-or-later
/* What atomic operations the kernel's BPF has: see atomics.h. */
#include "capture/atomics.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "util/cleanup.h"

bool atomics_have_exchange(void)
{
	/* r0 = 0; *(u64 *)(r10 - 8) = 0; exchange(r10 - 8, r0); exit */
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .off = -8 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = BPF_REG_10,
		  .src_reg = BPF_REG_0,
		  .off = -8,
		  .imm = BPF_XCHG },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const char *wanted = getenv("LEAKTRACE_ATOMICS");
	auto_close int fd = -1;

	if (wanted && !strcmp(wanted, "basic"))
		return false;
	fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "atomics", "GPL", program,
			   sizeof(program) / sizeof(program[0]), NULL);
	return fd >= 0;
}
