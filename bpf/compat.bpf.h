/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the arguments of the allocation tracepoints are, by kernel version.
 * A version is told by the layout of the event that its BTF describes, so
 * that backports are met as they are.
 *
 * Argument numbers follow TP_PROTO in include/trace/events/{kmem,percpu}.h.
 */
#ifndef LEAKTRACE_BPF_COMPAT_H
#define LEAKTRACE_BPF_COMPAT_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>

#include "bpf/account.bpf.h"

/* Since 6.1 (commit 11e9734bcb6a): kmalloc has an event class of its own. */
struct trace_event_raw_kmalloc {
	unsigned long call_site;
} __attribute__((preserve_access_index));

/* Since 5.19 (commit f67bed134a05): with the call site and the true size. */
struct trace_event_raw_percpu_alloc_percpu {
	unsigned long call_site;
	unsigned long bytes_alloc;
} __attribute__((preserve_access_index));

typedef struct bpf_raw_tracepoint_args *tracepoint_args;

/*
 * One argument, loaded by itself: otherwise clang selects between two offsets
 * and loads once, and the verifier refuses a computed offset into a context.
 */
#define ARGUMENT(context, number)                     \
	({                                            \
		u64 value_ = (context)->args[number]; \
		barrier_var(value_);                  \
		value_;                               \
	})

static __always_inline bool has_split_slab_events(void)
{
	return bpf_core_type_exists(struct trace_event_raw_kmalloc);
}

static __always_inline bool has_percpu_call_site(void)
{
	return bpf_core_field_exists(struct trace_event_raw_percpu_alloc_percpu,
				     call_site);
}

/* The allocator's caller: the first of all events of slab objects. */
static __always_inline u64 slab_call_site(tracepoint_args context)
{
	return context->args[0];
}

/* kmalloc(call_site, ptr, bytes_req, bytes_alloc, ...), all versions */
static __always_inline u64 kmalloc_address(tracepoint_args context)
{
	return context->args[1];
}

static __always_inline u64 kmalloc_size(tracepoint_args context)
{
	return context->args[3];
}

/* kfree(call_site, ptr) */
static __always_inline u64 kfree_address(tracepoint_args context)
{
	return context->args[1];
}

/*
 * kmem_cache_alloc(call_site, ptr, bytes_req, bytes_alloc, gfp) until 6.0,
 * (call_site, ptr, cache, gfp, node) since.
 */
static __always_inline u64 kmem_cache_alloc_address(tracepoint_args context)
{
	return context->args[1];
}

/* NULL where the event does not have it. */
static __always_inline struct kmem_cache *
kmem_cache_alloc_cache(tracepoint_args context)
{
	if (has_split_slab_events())
		return (void *)ARGUMENT(context, 2);
	return NULL;
}

static __always_inline u64 kmem_cache_alloc_size(tracepoint_args context)
{
	struct kmem_cache *cache = kmem_cache_alloc_cache(context);

	return cache ? BPF_CORE_READ(cache, size) : ARGUMENT(context, 3);
}

/* kmem_cache_free(call_site, ptr[, cache or name]) */
static __always_inline u64 kmem_cache_free_address(tracepoint_args context)
{
	return context->args[1];
}

/* mm_page_alloc(page, order, gfp, migratetype): page is NULL on failure */
static __always_inline u64 mm_page_alloc_page(tracepoint_args context)
{
	return context->args[0];
}

static __always_inline u32 mm_page_alloc_order(tracepoint_args context)
{
	return (u32)context->args[1] & 31; /* bounded for the shift */
}

/* Not 0; there is no call site to tell callers apart, but what they ask for. */
static __always_inline u64 mm_page_alloc_site(tracepoint_args context)
{
	return context->args[2] << 8 | context->args[1] << 1 | 1;
}

/*
 * mm_page_free(page, order). mm_page_free_batched(page) is no other free: it
 * comes behind this one for each page (mm/page_alloc.c, all versions).
 */
static __always_inline u64 mm_page_free_page(tracepoint_args context)
{
	return context->args[0];
}

static __always_inline u32 mm_page_free_order(tracepoint_args context)
{
	return (u32)context->args[1] & 31;
}

/*
 * percpu_alloc_percpu(reserved, is_atomic, size, align, base, off, ptr) until
 * 5.18, (call_site, reserved, is_atomic, size, align, base, off, ptr,
 * bytes_alloc, gfp) since. Size is what one CPU gets.
 */
static __always_inline u64 percpu_alloc_address(tracepoint_args context)
{
	if (has_percpu_call_site())
		return ARGUMENT(context, 7);
	return ARGUMENT(context, 6);
}

static __always_inline u64 percpu_alloc_size(tracepoint_args context)
{
	if (has_percpu_call_site())
		return ARGUMENT(context, 3);
	return ARGUMENT(context, 2);
}

/* percpu_free_percpu(base, off, ptr) */
static __always_inline u64 percpu_free_address(tracepoint_args context)
{
	return context->args[2];
}

/* alloc_vmap_area(addr, size, align, vstart, vend, failed), since 6.3 */
static __always_inline u64 vmap_alloc_address(tracepoint_args context)
{
	return context->args[5] & 0xffffffff ? 0 : context->args[0];
}

/*
 * Without the guard page that __get_vm_area_node() asks for (mm/vmalloc.c), to
 * be what the caller of vmalloc() and ioremap() has, in whole pages. The blocks
 * that vm_map_ram() divides have none; they are aligned to their size.
 */
static __always_inline u64 vmap_alloc_size(tracepoint_args context)
{
	u64 size = ARGUMENT(context, 1), align = ARGUMENT(context, 2);

	return size == align || size <= config.page_size
		       ? size
		       : size - config.page_size;
}

/* VM_NO_GUARD in include/linux/vmalloc.h, all versions */
#define AREA_NO_GUARD 0x40

static __always_inline u64 area_size(struct vm_struct *area)
{
	u64 size = BPF_CORE_READ(area, size);

	return BPF_CORE_READ(area, flags) & AREA_NO_GUARD
		       ? size
		       : size - config.page_size;
}

/* free_vmap_area_noflush(va_start, ...) */
static __always_inline u64 vmap_free_address(tracepoint_args context)
{
	return context->args[0];
}

/*
 * dma_alloc and dma_alloc_pages(dev, virt_addr, dma_addr, size, ...) and
 * dma_free and dma_free_pages, the same, since 6.12; a direction was put
 * behind the size in 6.13.
 */
static __always_inline struct device *dma_device(tracepoint_args context)
{
	return (struct device *)context->args[0];
}

static __always_inline u64 dma_address(tracepoint_args context)
{
	return context->args[1];
}

static __always_inline u64 dma_size(tracepoint_args context)
{
	return context->args[3];
}

/* devres_log(dev, op, node, name, size), since 5.14: op is ADD, REM or REL */
static __always_inline struct device *devres_device(tracepoint_args context)
{
	return (struct device *)context->args[0];
}

static __always_inline bool devres_is_added(tracepoint_args context)
{
	char operation[4] = "";

	bpf_probe_read_kernel_str(operation, sizeof(operation),
				  (void *)context->args[1]);
	return operation[0] == 'A';
}

static __always_inline u64 devres_address(tracepoint_args context)
{
	return context->args[2];
}

static __always_inline const char *device_name(struct device *device)
{
	const char *name = BPF_CORE_READ(device, init_name);

	return name ? name : BPF_CORE_READ(device, kobj.name);
}

#endif
