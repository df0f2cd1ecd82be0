/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees and allocations that no tracepoint tells of: kprobes, each attached
 * where the kernel has kprobes and the function. Objects that are handed to
 * kfree_rcu() count as freed then: nobody can hold on to them any more.
 */
#ifndef LEAKTRACE_BPF_KERNEL_CALLS_H
#define LEAKTRACE_BPF_KERNEL_CALLS_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/compat.bpf.h"
#include "bpf/kernel_pages.bpf.h"
#include "bpf/kernel_stack.bpf.h"
#include "bpf/machine.h"

/* Objects of a bulk call that are read; more are counted. */
#define BULK_MAX 512

/* A call whose result is waited for. */
struct kernel_call {
	u64 size;   /* bytes of a block */
	u64 count;  /* of blocks */
	u64 blocks; /* where their addresses are written to */
	u64 owner;
	const char *name;
	u32 stack;
	u32 first; /* how many blocks were there before the call */
};

/* Key: the stack pointer at the return, which only this call has. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct kernel_call);
} kernel_calls SEC(".maps");

static __always_inline u64 call_key_at_entry(struct pt_regs *registers)
{
	return PT_REGS_SP(registers) + MACHINE_RETURN_POPS;
}

/*
 * Takes what call_begin() left. With a link register the stack is taken here:
 * at the entry its caller is in that register alone, or the return probe's
 * address instead.
 */
static __always_inline bool call_take(struct pt_regs *registers,
				      struct kernel_call *call)
{
	u64 key = PT_REGS_SP(registers);
	struct kernel_call *found = bpf_map_lookup_elem(&kernel_calls, &key);

	if (!found)
		return false;
	*call = *found;
	bpf_map_delete_elem(&kernel_calls, &key);
	if (MACHINE_HAS_LINK)
		call->stack =
			kernel_stack(registers, call->owner, call->name, 0);
	return call->stack != STACK_NOT_WANTED;
}

/* Global, so that the verifier looks at it once and not once an object. */
__noinline int object_freed(u64 address)
{
	if (address > 16)
		account_forget(address, ABI_SLAB);
	return 0;
}

/* kvfree_call_rcu(head, function or pointer): mm/slab_common.c, rcu/tree.c */
SEC("kprobe")
int kfree_rcu_called(struct pt_regs *registers)
{
	u64 head = PT_REGS_PARM1(registers), second = PT_REGS_PARM2(registers);
	/* Until 6.0, an offset of the head instead of the pointer. */
	u64 address = second < 4096 ? head - second : second;
	struct abi_block block;

	/* Pages and vmalloc()ed memory are seen when they are freed. */
	if (account_set_aside(address, ABI_SLAB, &block))
		account_freed(&block);
	return 0;
}

/* kmem_cache_free_bulk(cache, count, objects), kfree_bulk() too */
SEC("kprobe")
int slab_free_bulk(struct pt_regs *registers)
{
	u64 number = PT_REGS_PARM2(registers);
	u64 objects = PT_REGS_PARM3(registers);

	for (u32 i = 0; i < BULK_MAX; i++) {
		u64 object = 0;

		if (i >= number)
			return 0;
		if (bpf_probe_read_kernel(&object, sizeof(object),
					  (void *)(objects + 8 * i)))
			break;
		object_freed(object);
	}
	count(ABI_BULK_NOT_FOLLOWED, number - BULK_MAX);
	return 0;
}

static __always_inline void call_begin(struct pt_regs *registers, u64 owner,
				       const char *name, u64 size, u64 number,
				       u64 blocks, u32 first)
{
	struct kernel_call call = {
		.size = size,
		.count = number - first,
		.blocks = blocks + 8ULL * first,
		.owner = owner,
		.name = name,
		.first = first,
	};
	u64 key = call_key_at_entry(registers);

	if (!size_is_wanted(size) || !task_is_wanted())
		return;
	if (!MACHINE_HAS_LINK)
		call.stack = kernel_stack(registers, owner, name, 0);
	if (call.stack != STACK_NOT_WANTED &&
	    bpf_map_update_elem(&kernel_calls, &key, &call, BPF_ANY))
		count(ABI_BULK_NOT_FOLLOWED, number);
}

/* kmem_cache_alloc_bulk(cache, flags, count, objects): how many, or 0 */
SEC("kprobe")
int slab_alloc_bulk(struct pt_regs *registers)
{
	struct kmem_cache *cache = (void *)PT_REGS_PARM1(registers);

	call_begin(registers, owner_tagged(ABI_SLAB, cache),
		   BPF_CORE_READ(cache, name), BPF_CORE_READ(cache, size),
		   PT_REGS_PARM3(registers), PT_REGS_PARM4(registers), 0);
	return 0;
}

__noinline int object_allocated(u64 address, u64 size, u32 stack)
{
	if (address > 16)
		account_record(address, ABI_SLAB, size, stack, 0);
	return 0;
}

SEC("kretprobe")
int slab_alloc_bulk_returned(struct pt_regs *registers)
{
	struct kernel_call call;

	if (!call_take(registers, &call) || !(u32)PT_REGS_RC(registers))
		return 0;
	for (u32 i = 0; i < BULK_MAX; i++) {
		u64 object = 0;

		if (i >= call.count)
			return 0;
		if (bpf_probe_read_kernel(&object, sizeof(object),
					  (void *)(call.blocks + 8 * i)))
			break;
		object_allocated(object, call.size, call.stack);
	}
	count(ABI_BULK_NOT_FOLLOWED, call.count - BULK_MAX);
	return 0;
}

/* struct pt_regs has the sixth argument, for which libbpf 1.1 has no name. */
static __always_inline u64 sixth_argument(struct pt_regs *registers)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(registers, r9);
#else
	return BPF_CORE_READ((struct user_pt_regs *)registers, regs[5]);
#endif
}

/* How many pages an array begins with: those are not allocated anew. */
__noinline __u32 pages_present(__u64 pages, __u64 number)
{
	for (u32 i = 0; i < BULK_MAX; i++) {
		u64 page = 0;

		if (i >= number ||
		    bpf_probe_read_kernel(&page, sizeof(page),
					  (void *)(pages + 8 * i)) ||
		    !page)
			return i;
	}
	return BULK_MAX;
}

/*
 * alloc_pages_bulk_noprof(gfp, node, nodemask, number, array): how many the
 * array then has. Until 6.13 with a list before the array, which nobody gave
 * (commit 6bf9b5b40af2 took it away); __alloc_pages_bulk() until 6.9.
 */
SEC("kprobe")
int pages_alloc_bulk(struct pt_regs *registers)
{
	u64 number = (u32)PT_REGS_PARM4(registers);
	u64 pages = config.bulk_pages_list ? sixth_argument(registers)
					   : PT_REGS_PARM5(registers);

	if (!pages)
		count(ABI_BULK_NOT_FOLLOWED, number);
	else
		call_begin(registers, ABI_PAGE, NULL, config.page_size, number,
			   pages, pages_present(pages, number));
	return 0;
}

__noinline int bulk_page_allocated(u64 page, u32 stack)
{
	struct abi_block_key key = { .address = page, .owner = ABI_PAGE };
	struct abi_block block;

	/* There before, or told by mm_page_alloc: the last resort of bulk. */
	if (page && !live_peek(&key, &block))
		page_allocated(page, 0, stack);
	return 0;
}

SEC("kretprobe")
int pages_alloc_bulk_returned(struct pt_regs *registers)
{
	struct kernel_call call;
	u64 number;

	if (!call_take(registers, &call))
		return 0;
	number = PT_REGS_RC(registers);
	if (number <= call.first)
		return 0;
	number -= call.first;
	for (u32 i = 0; i < BULK_MAX; i++) {
		u64 page = 0;

		if (i >= number)
			return 0;
		if (bpf_probe_read_kernel(&page, sizeof(page),
					  (void *)(call.blocks + 8 * i)))
			break;
		bulk_page_allocated(page, call.stack);
	}
	count(ABI_BULK_NOT_FOLLOWED, number - BULK_MAX);
	return 0;
}

/*
 * __get_vm_area_node(size, ...), where there are no vmap tracepoints: every
 * area that vmalloc(), vmap() or ioremap() has.
 */
SEC("kprobe")
int vmalloc_called(struct pt_regs *registers)
{
	call_begin(registers, ABI_VMALLOC, NULL, PT_REGS_PARM1(registers), 1, 0,
		   0);
	return 0;
}

SEC("kretprobe")
int vmalloc_returned(struct pt_regs *registers)
{
	struct vm_struct *area = (struct vm_struct *)PT_REGS_RC(registers);
	struct kernel_call call;

	if (call_take(registers, &call) && area)
		account_record((u64)BPF_CORE_READ(area, addr), ABI_VMALLOC,
			       area_size(area), call.stack, 0);
	return 0;
}

/* remove_vm_area(address), of vfree() and vunmap() */
SEC("kprobe")
int vfree_called(struct pt_regs *registers)
{
	account_forget(PT_REGS_PARM1(registers), ABI_VMALLOC);
	return 0;
}

#endif
