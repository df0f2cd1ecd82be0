// SPDX-License-Identifier: GPL-2.0-or-later
/* Who stands behind a kernel call stack: see kernel_origin.h. */
#include "judge/kernel_origin.h"

#include <string.h>

/*
 * Names of the kernel's functions from 5.10 to 7.2, by how they begin: what
 * the compiler and memory profiling put behind (.isra.0, _noprof) is passed
 * over, and which of a file's functions are inlined differs. A '$' is the end
 * of a name.
 */
static const char *const page_allocator[] = {
	"__alloc_pages",     "alloc_pages",	     "__alloc_frozen_pages",
	"alloc_frozen",	     "__folio_alloc",	     "folio_alloc$",
	"folio_alloc_mpol",  "folio_alloc_node",     "vma_alloc_folio",
	"__get_free_page",   "get_free_pages",	     "get_zeroed_page",
	"alloc_page_vma",    "alloc_zeroed_user_",   "get_page_from_freelist",
	"alloc_page_interl", "vma_alloc_zeroed_",    "rmqueue",
	"prep_new_page",     "__alloc_contig_pages", NULL,
};

static const char *const slab[] = {
	"add_ptr_to_bulk_krc",
	"kvfree_call_rcu",
	"fill_page_cache_func",
	"allocate_slab",
	"new_slab",
	"alloc_slab_page",
	"___slab_alloc",
	"__slab_alloc",
	"slab_alloc",
	"kmalloc",
	"__kmalloc",
	"___kmalloc",
	"__do_kmalloc",
	"kmem_cache_",
	"krealloc",
	"__kmem_cache_",
	"refill_",
	"__refill_",
	"cache_grow",
	"kvmalloc",
	"__kvmalloc",
	"alloc_from_pcs",
	"__pcs_",
	"alloc_slab_obj_exts",
	"kmalloc_order",
	"alloc_single_from_new_slab",
	NULL,
};

static const char *const object_extensions[] = {
	"alloc_slab_obj_exts",
	"memcg_alloc_page_obj",
	"memcg_alloc_slab_cgroups",
	"__pcs_",
	"alloc_empty_sheaf",
	"__alloc_empty_sheaf",
	"alloc_full_sheaf",
	"__alloc_full_sheaf",
	"kvfree_call_rcu",
	"kfree_rcu",
	"__kfree_rcu",
	NULL,
};

static const char *const percpu[] = { "pcpu_", NULL };

static const char *const vmalloc[] = {
	"vmalloc",     "__vmalloc",	"vm_area_alloc_pages",
	"vzalloc",     "vmap_pages",	"__vmap_pages",
	"alloc_vmap_", "__get_vm_area", "kasan_populate_vmalloc",
	NULL,
};

static const char *const dma[] = {
	"dma_direct_",	"__dma_direct_", "dma_alloc_",
	"dma_common_",	"iommu_dma_",	 "__iommu_dma_",
	"dma_pgtable_", "atomic_pool_",	 NULL,
};

static const char *const page_cache[] = {
	"filemap_",	    "__filemap_",	 "page_cache_",
	"__page_cache_",    "pagecache_",	 "ra_alloc_folio",
	"grab_cache_page",  "add_to_page_cache", "shmem_",
	"__do_page_cache_", "generic_file_",	 "do_read_cache_",
	"read_cache_",	    "force_page_cache_", "ondemand_readahead",
	"do_page_cache_ra", "__read_cache_",	 NULL,
};

static const char *const anonymous[] = {
	"do_anonymous_page",
	"alloc_anon_folio",
	"vma_alloc_anon_",
	"do_wp_page",
	"wp_page_copy",
	"do_cow_fault",
	"do_fault$",
	"do_swap_page",
	"alloc_swap_folio",
	"__read_swap_cache",
	"swap_",
	"do_huge_pmd_",
	"__do_huge_pmd_",
	"copy_page_range",
	"copy_p",
	"page_copy_prealloc",
	"folio_prealloc",
	"alloc_charge_",
	"alloc_migration_",
	"alloc_misplaced_",
	"compaction_alloc",
	"mfill_",
	"khugepaged",
	"hpage_collapse_",
	"collapse_",
	"handle_mm_fault",
	"__handle_mm_fault",
	"handle_pte_fault",
	"folio_alloc_swap",
	"migrate_",
	"alloc_hpage",
	"new_page",
	"alloc_demote_",
	"uprobe_write_",
	"replace_page",
	"ksm_might_need_",
	"alloc_buddy_hugetlb",
	"alloc_fresh_hugetlb",
	NULL,
};

static const char *const tables[] = {
	"pte_alloc", "__pte_alloc", "pmd_alloc",   "__pmd_alloc",
	"pud_alloc", "__pud_alloc", "p4d_alloc",   "__p4d_alloc",
	"pgd_alloc", "_pgd_alloc",  "__pgd_alloc", "pgtable_alloc",
	NULL,
};

static const char *const *const use_names[PAGE_USE_COUNT] = {
	[PAGE_USE_SLAB] = slab,	       [PAGE_USE_PERCPU] = percpu,
	[PAGE_USE_VMALLOC] = vmalloc,  [PAGE_USE_DMA] = dma,
	[PAGE_USE_CACHE] = page_cache, [PAGE_USE_ANONYMOUS] = anonymous,
	[PAGE_USE_TABLES] = tables,
};

/* Where a function's own name ends: at what compilers put behind it. */
static size_t name_length(const char *name)
{
	size_t length = strcspn(name, ".");

	if (length > 7 && !strncmp(name + length - 7, "_noprof", 7))
		length -= 7;
	return length;
}

static bool is_among(const char *name, const char *const *beginnings)
{
	size_t length = name_length(name);

	for (size_t i = 0; beginnings[i]; i++) {
		size_t begins = strlen(beginnings[i]);
		bool whole = beginnings[i][begins - 1] == '$';

		begins -= whole;
		if (length >= begins && (!whole || length == begins) &&
		    !strncmp(name, beginnings[i], begins))
			return true;
	}
	return false;
}

void kernel_frames_drop_own(frame_vector *frames)
{
	static const char *const own[] = { "bpf_prog_", "bpf_trace_run",
					   "__bpf_trace_", "__traceiter_" };
	size_t dropped = 0;

	for (bool is_own = true; is_own && dropped < frames->count;) {
		const char *function = frames->items[dropped].function;

		is_own = false;
		for (size_t i = 0; function && i < sizeof(own) / sizeof(*own);
		     i++)
			is_own |= !strncmp(function, own[i], strlen(own[i]));
		dropped += is_own;
	}
	if (dropped == frames->count)
		return;
	frames->count -= dropped;
	memmove(frames->items, frames->items + dropped,
		frames->count * sizeof(*frames->items));
}

static bool is_module(const struct frame *frame)
{
	return frame->module && strcmp(frame->module, KERNEL_PROPER) != 0;
}

const char *kernel_origin_module(const struct frame *frames, size_t count,
				 module_uses *uses, void *context)
{
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!is_module(&frames[i]))
			continue;
		if (!nearest || (strcmp(nearest, frames[i].module) != 0 &&
				 uses(context, frames[i].module, nearest)))
			nearest = frames[i].module;
	}
	return nearest ? nearest : KERNEL_PROPER;
}

/* The first function that is not the allocator's decides among the uses. */
static enum page_use use_of(const struct frame *frames, size_t count,
			    const char *const *allocator, unsigned uses)
{
	for (size_t i = 0; i < count; i++) {
		const char *function = frames[i].function;

		if (is_module(&frames[i]))
			return PAGE_USE_NONE;
		if (!function || is_among(function, allocator))
			continue;
		for (int use = PAGE_USE_NONE + 1; use < PAGE_USE_COUNT; use++)
			if (uses >> use & 1 &&
			    is_among(function, use_names[use]))
				return (enum page_use)use;
		return PAGE_USE_NONE;
	}
	return PAGE_USE_NONE;
}

enum page_use kernel_origin_page_use(const struct frame *frames, size_t count)
{
	return use_of(frames, count, page_allocator, ~0U);
}

enum page_use kernel_origin_object_use(const struct frame *frames, size_t count)
{
	/*
	 * What the first object of many needs: what they are charged to (5.9
	 * on), sheaves (6.18 on), lists of what kfree_rcu() was given.
	 */
	for (size_t i = 0; i < count && !is_module(&frames[i]); i++)
		if (frames[i].function &&
		    is_among(frames[i].function, object_extensions))
			return PAGE_USE_SLAB;
	return use_of(frames, count, slab,
		      1U << PAGE_USE_VMALLOC | 1U << PAGE_USE_PERCPU);
}
