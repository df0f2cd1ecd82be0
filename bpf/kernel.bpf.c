// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes on the kernel's own allocation tracepoints, as raw tracepoints: they
 * need no tracefs and hand over the arguments without copying them. What the
 * arguments are differs by kernel version: compat.bpf.h.
 */
#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/account.bpf.h"
#include "bpf/compat.bpf.h"
#include "bpf/stack.bpf.h"
#include "bpf/walk.bpf.h"

char LICENSE[] SEC("license") = "GPL";

typedef struct bpf_raw_tracepoint_args context_t;

static __always_inline bool is_own(void)
{
	return (u32)(bpf_get_current_pid_tgid() >> 32) == config.own_pid;
}

static __always_inline int allocated(context_t *context, enum abi_space space,
				     u64 address, u64 size)
{
	/* ZERO_SIZE_PTR is 16: kmalloc(0), which is no memory. */
	if (address <= 16 || !size_is_wanted(size) || is_own())
		return 0;
	account_record(address, space, size, stack_capture(context, space, 0),
		       0);
	return 0;
}

static __always_inline int freed(enum abi_space space, u64 address)
{
	if (address > 16)
		account_forget(address, space);
	return 0;
}

SEC("raw_tp/kmalloc")
int kmalloc(context_t *context)
{
	return allocated(context, ABI_SLAB, kmalloc_address(context),
			 kmalloc_size(context));
}

/* Before 6.1 the node-aware forms had tracepoints of their own. */
SEC("raw_tp/kmalloc_node")
int kmalloc_node(context_t *context)
{
	return allocated(context, ABI_SLAB, kmalloc_address(context),
			 kmalloc_size(context));
}

SEC("raw_tp/kfree")
int kfree(context_t *context)
{
	return freed(ABI_SLAB, kfree_address(context));
}

SEC("raw_tp/kmem_cache_alloc")
int kmem_cache_alloc(context_t *context)
{
	return allocated(context, ABI_SLAB, kmem_cache_alloc_address(context),
			 kmem_cache_alloc_size(context));
}

SEC("raw_tp/kmem_cache_alloc_node")
int kmem_cache_alloc_node(context_t *context)
{
	return allocated(context, ABI_SLAB, kmem_cache_alloc_address(context),
			 kmem_cache_alloc_size(context));
}

SEC("raw_tp/kmem_cache_free")
int kmem_cache_free(context_t *context)
{
	return freed(ABI_SLAB, kmem_cache_free_address(context));
}

SEC("raw_tp/mm_page_alloc")
int mm_page_alloc(context_t *context)
{
	return allocated(context, ABI_PAGE, mm_page_alloc_page(context),
			 config.page_size << mm_page_alloc_order(context));
}

SEC("raw_tp/mm_page_free")
int mm_page_free(context_t *context)
{
	return freed(ABI_PAGE, mm_page_free_page(context));
}

SEC("raw_tp/mm_page_free_batched")
int mm_page_free_batched(context_t *context)
{
	return freed(ABI_PAGE, mm_page_free_page(context));
}

SEC("raw_tp/percpu_alloc_percpu")
int percpu_alloc_percpu(context_t *context)
{
	return allocated(context, ABI_PERCPU, percpu_alloc_address(context),
			 percpu_alloc_size(context) * config.possible_cpus);
}

SEC("raw_tp/percpu_free_percpu")
int percpu_free_percpu(context_t *context)
{
	return freed(ABI_PERCPU, percpu_free_address(context));
}
