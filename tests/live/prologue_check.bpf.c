// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts the hits of a probe and adds up the arguments it reads. The cookie
 * says where: bits 0-7 the slot, then a byte for each argument with the number
 * of its register, 0xff = none.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

enum { SLOTS = 32, ARGUMENTS = 2 };

struct tally {
	__u64 hits;
	__u64 sums[ARGUMENTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

/* As asm, so that the compiler cannot make the offset a variable. */
#define REGISTER(number, field)                                       \
	case number:                                                  \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                 \
			     : "=r"(value)                            \
			     : "r"(context),                          \
			       "i"(offsetof(struct pt_regs, field))); \
		break

static __u64 read_register(struct pt_regs *context, __u32 number)
{
	__u64 value = 0;

	switch (number) {
		REGISTER(0, rax);
		REGISTER(1, rcx);
		REGISTER(2, rdx);
		REGISTER(3, rbx);
		REGISTER(4, rsp);
		REGISTER(5, rbp);
		REGISTER(6, rsi);
		REGISTER(7, rdi);
		REGISTER(8, r8);
		REGISTER(9, r9);
		REGISTER(10, r10);
		REGISTER(11, r11);
		REGISTER(12, r12);
		REGISTER(13, r13);
		REGISTER(14, r14);
		REGISTER(15, r15);
	}
	return value;
}

SEC("uprobe")
int count(struct pt_regs *context)
{
	__u64 cookie = bpf_get_attach_cookie(context);
	__u32 slot = cookie & 0xff, i;
	struct tally *tally = bpf_map_lookup_elem(&tallies, &slot);

	if (!tally)
		return 0;
	__sync_fetch_and_add(&tally->hits, 1);
	for (i = 0; i < ARGUMENTS; i++) {
		cookie >>= 8;
		__sync_fetch_and_add(&tally->sums[i],
				     read_register(context, cookie & 0xff));
	}
	return 0;
}

SEC("uprobe")
int nothing(struct pt_regs *context)
{
	(void)context;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
