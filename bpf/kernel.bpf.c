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
#include "bpf/kernel_calls.bpf.h"
#include "bpf/kernel_module.bpf.h"
#include "bpf/kernel_pages.bpf.h"
#include "bpf/kernel_stack.bpf.h"
#include "bpf/nested.bpf.h"
#include "bpf/walk.bpf.h"

char LICENSE[] SEC("license") = "GPL";

typedef struct bpf_raw_tracepoint_args context_t;

/* tag and name: of the slab cache or the device, NULL = none is known. */
static __always_inline int allocated(context_t *context, enum abi_space space,
				     u64 address, u64 size, const void *tag,
				     const char *name, u64 site)
{
	u32 stack;

	/* ZERO_SIZE_PTR is 16: kmalloc(0), which is no memory. */
	if (address <= 16 || !size_is_wanted(size) || !task_is_wanted())
		return 0;
	stack = kernel_stack(context, owner_tagged(space, tag), name, site);
	if (stack != STACK_NOT_WANTED)
		account_record(address, space, size, stack, 0);
	return 0;
}

static __always_inline int object_of_cache(context_t *context)
{
	struct kmem_cache *cache = kmem_cache_alloc_cache(context);

	return allocated(context, ABI_SLAB, kmem_cache_alloc_address(context),
			 kmem_cache_alloc_size(context), cache,
			 cache ? BPF_CORE_READ(cache, name) : NULL,
			 slab_call_site(context));
}

static __always_inline int freed(enum abi_space space, u64 address)
{
	if (address > 16)
		account_forget(address, space);
	return 0;
}

static __always_inline int object_of_kmalloc(context_t *context)
{
	return allocated(context, ABI_SLAB, kmalloc_address(context),
			 kmalloc_size(context), NULL, NULL,
			 slab_call_site(context));
}

NESTED_PROGRAMS(kmalloc, NESTED_KMALLOC, object_of_kmalloc)

/* Before 6.1 the node-aware forms had tracepoints of their own. */
SEC("raw_tp/kmalloc_node")
int kmalloc_node(context_t *context)
{
	return object_of_kmalloc(context);
}

static __always_inline int object_kfreed(context_t *context)
{
	return freed(ABI_SLAB, kfree_address(context));
}

NESTED_PROGRAMS(kfree, NESTED_KFREE, object_kfreed)

NESTED_PROGRAMS(kmem_cache_alloc, NESTED_KMEM_CACHE_ALLOC, object_of_cache)

SEC("raw_tp/kmem_cache_alloc_node")
int kmem_cache_alloc_node(context_t *context)
{
	return object_of_cache(context);
}

static __always_inline int object_of_cache_freed(context_t *context)
{
	return freed(ABI_SLAB, kmem_cache_free_address(context));
}

NESTED_PROGRAMS(kmem_cache_free, NESTED_KMEM_CACHE_FREE, object_of_cache_freed)

static __always_inline int pages_allocated(context_t *context)
{
	u32 order = mm_page_alloc_order(context), stack;
	u64 page = mm_page_alloc_page(context);

	if (!page || !size_is_wanted((u64)config.page_size << order) ||
	    !task_is_wanted())
		return 0;
	stack = kernel_stack(context, ABI_PAGE, NULL,
			     mm_page_alloc_site(context));
	if (stack != STACK_NOT_WANTED)
		page_allocated(page, order, stack);
	return 0;
}

NESTED_PROGRAMS(mm_page_alloc, NESTED_MM_PAGE_ALLOC, pages_allocated)

static __always_inline int pages_freed(context_t *context)
{
	page_freed(mm_page_free_page(context), mm_page_free_order(context));
	return 0;
}

NESTED_PROGRAMS(mm_page_free, NESTED_MM_PAGE_FREE, pages_freed)

SEC("raw_tp/percpu_alloc_percpu")
int percpu_alloc_percpu(context_t *context)
{
	return allocated(context, ABI_PERCPU, percpu_alloc_address(context),
			 percpu_alloc_size(context) * config.possible_cpus,
			 NULL, NULL, 0);
}

SEC("raw_tp/percpu_free_percpu")
int percpu_free_percpu(context_t *context)
{
	return freed(ABI_PERCPU, percpu_free_address(context));
}

SEC("raw_tp/alloc_vmap_area")
int alloc_vmap_area(context_t *context)
{
	return allocated(context, ABI_VMALLOC, vmap_alloc_address(context),
			 vmap_alloc_size(context), NULL, NULL, 0);
}

SEC("raw_tp/free_vmap_area_noflush")
int free_vmap_area_noflush(context_t *context)
{
	return freed(ABI_VMALLOC, vmap_free_address(context));
}

static __always_inline int dma_allocated(context_t *context)
{
	struct device *device = dma_device(context);

	return allocated(context, ABI_DMA, dma_address(context),
			 dma_size(context), device, device_name(device), 0);
}

SEC("raw_tp/dma_alloc")
int dma_alloc(context_t *context)
{
	return dma_allocated(context);
}

SEC("raw_tp/dma_alloc_pages")
int dma_alloc_pages(context_t *context)
{
	return dma_allocated(context);
}

SEC("raw_tp/dma_free")
int dma_free(context_t *context)
{
	return freed(ABI_DMA, dma_address(context));
}

SEC("raw_tp/dma_free_pages")
int dma_free_pages(context_t *context)
{
	return freed(ABI_DMA, dma_address(context));
}

/*
 * A device takes charge of a slab object: it moves to a stack that has the
 * device's name, and stays the block that kfree() ends.
 */
SEC("raw_tp/devres_log")
int devres_log(context_t *context)
{
	struct device *device = devres_device(context);
	u64 address = devres_address(context);
	struct abi_block block;
	u32 stack;

	if (!devres_is_added(context) ||
	    !account_set_aside(address, ABI_SLAB, &block))
		return 0;
	stack = kernel_stack(context, owner_tagged(ABI_DEVRES, device),
			     device_name(device), 0);
	if (stack == STACK_NOT_WANTED) {
		account_restore(address, ABI_SLAB, &block);
		return 0;
	}
	account_freed(&block);
	account_record(address, ABI_SLAB, block.size, stack, 0);
	return 0;
}
