// SPDX-License-Identifier: GPL-2.0-or-later
/* Which module a kernel stack belongs to, and what its pages are for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/kernel_origin.h"
#include "resolve/kernel_modules.h"

/* As /proc/modules has it, with the forms that its fourth field takes. */
static const char proc_modules[] =
	"gpudrv 40960 0 - Live 0xffffffffc0a00000\n"
	"ttm 90112 2 gpudrv,drm_ttm_helper, Live 0xffffffffc0900000\n"
	"drm 700000 3 gpudrv,ttm,[permanent], Live 0xffffffffc0800000 (OE)\n"
	"jbd2 200000 1 ext4, Live 0xffffffffc0700000\n"
	"damaged\n"
	"cut 12 3\n"
	"other 4096 1 nocomma Live 0x0\n";

static bool uses(void *context, const char *user, const char *used)
{
	return kernel_modules_use(context, user, used);
}

static void test_uses(void **state)
{
	struct kernel_modules modules = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) /* again: what is known is not doubled */
		assert_int_equal(kernel_modules_parse(&modules, proc_modules,
						      sizeof(proc_modules) - 1),
				 0);
	assert_int_equal(modules.uses.count, 5);
	assert_true(kernel_modules_use(&modules, "gpudrv", "ttm"));
	assert_true(kernel_modules_use(&modules, "drm_ttm_helper", "ttm"));
	assert_true(kernel_modules_use(&modules, "ext4", "jbd2"));
	assert_false(kernel_modules_use(&modules, "ttm", "gpudrv"));
	assert_false(kernel_modules_use(&modules, "gpu", "ttm"));
	assert_false(kernel_modules_use(&modules, "gpudrv", "tt"));
	assert_false(kernel_modules_use(&modules, "nocomma", "other"));
	kernel_modules_free(&modules);
}

/* Any cut of the text: nothing is read beyond it, which ASan watches. */
static void test_uses_cut(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(proc_modules); size++) {
		struct kernel_modules modules = { 0 };
		char *text = malloc(size + !size);

		memcpy(text, proc_modules, size);
		assert_int_equal(kernel_modules_parse(&modules, text, size), 0);
		kernel_modules_free(&modules);
		free(text);
	}
}

#define STACK_MAX 6

static const struct {
	const char *modules[STACK_MAX]; /* innermost first */
	const char *owner;
} attributions[] = {
	{ { "vmlinux", "vmlinux" }, "vmlinux" },
	{ { "vmlinux", NULL, "vmlinux" }, "vmlinux" },
	{ { "vmlinux", "gpudrv", "vmlinux" }, "gpudrv" },
	/* The library allocated for who uses it. */
	{ { "vmlinux", "ttm", "gpudrv", "vmlinux" }, "gpudrv" },
	{ { "vmlinux", "ttm", "ttm", "gpudrv", "drm", "vmlinux" }, "gpudrv" },
	{ { "vmlinux", "drm", "ttm", "gpudrv" }, "gpudrv" },
	/* Who only called it does not use it: the nearest. */
	{ { "vmlinux", "gpudrv", "drm", "vmlinux" }, "gpudrv" },
	{ { "vmlinux", "ttm", "vmlinux", "ext4" }, "ttm" },
	{ { "ttm" }, "ttm" },
};

static void test_module(void **state)
{
	struct kernel_modules modules = { 0 };

	(void)state;
	kernel_modules_parse(&modules, proc_modules, sizeof(proc_modules) - 1);
	for (size_t i = 0; i < sizeof(attributions) / sizeof(attributions[0]);
	     i++) {
		struct frame frames[STACK_MAX] = { 0 };

		for (size_t j = 0; j < STACK_MAX; j++)
			frames[j].module = attributions[i].modules[j];
		assert_string_equal(kernel_origin_module(frames, STACK_MAX,
							 uses, &modules),
				    attributions[i].owner);
	}
	assert_string_equal(kernel_origin_module(NULL, 0, uses, &modules),
			    "vmlinux");
	kernel_modules_free(&modules);
}

/* Stacks as the kernels of the versions named really have them. */
static const struct {
	const char *functions[STACK_MAX]; /* innermost first */
	const char *module;		  /* of the last one; NULL = vmlinux */
	enum page_use use;
} uses_of_pages[] = {
	/* 6.18 */
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol", "allocate_slab",
	    "___slab_alloc", "__slab_alloc.isra.0", "kmem_cache_alloc_noprof" },
	  NULL,
	  PAGE_USE_SLAB },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "___kmalloc_large_node", "__kmalloc_large_node_noprof",
	    "__kmalloc_noprof" },
	  NULL,
	  PAGE_USE_SLAB },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "vma_alloc_folio_noprof", "do_anonymous_page",
	    "__handle_mm_fault" },
	  NULL,
	  PAGE_USE_ANONYMOUS },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "folio_alloc_noprof", "__filemap_get_folio",
	    "ext4_da_write_begin" },
	  NULL,
	  PAGE_USE_CACHE },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "alloc_pages_noprof", "pte_alloc_one", "do_fault" },
	  NULL,
	  PAGE_USE_TABLES },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "alloc_pages_noprof", "__vmalloc_node_range_noprof" },
	  NULL,
	  PAGE_USE_VMALLOC },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "alloc_pages_noprof", "pcpu_alloc_pages.constprop.0" },
	  NULL,
	  PAGE_USE_PERCPU },
	/* Who asks for pages itself keeps them. */
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "alloc_pages_noprof", "anon_pipe_write", "vfs_write" },
	  NULL,
	  PAGE_USE_NONE },
	{ { "__alloc_frozen_pages_noprof", "alloc_pages_mpol",
	    "alloc_pages_noprof", "leakdrv_leak_pages" },
	  "leakdrv",
	  PAGE_USE_NONE },
	/* The name alone does not make a module's function the kernel's. */
	{ { "__alloc_pages", "kmalloc_mine" }, "leakdrv", PAGE_USE_NONE },
	/* 5.10 */
	{ { "__alloc_pages_nodemask", "alloc_pages_vma",
	    "alloc_zeroed_user_highpage_movable", "handle_mm_fault" },
	  NULL,
	  PAGE_USE_ANONYMOUS },
	{ { "__alloc_pages_nodemask", "kmalloc_order", "kmalloc_order_trace" },
	  NULL,
	  PAGE_USE_SLAB },
	{ { "__alloc_pages_nodemask", "pagecache_get_page" },
	  NULL,
	  PAGE_USE_CACHE },
	{ { "__alloc_pages_nodemask" }, NULL, PAGE_USE_NONE },
};

static void test_page_use(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uses_of_pages) / sizeof(uses_of_pages[0]);
	     i++) {
		struct frame frames[STACK_MAX] = { 0 };
		size_t count = 0;

		for (; count < STACK_MAX && uses_of_pages[i].functions[count];
		     count++) {
			frames[count].function =
				uses_of_pages[i].functions[count];
			frames[count].module = "vmlinux";
		}
		if (uses_of_pages[i].module)
			frames[count - 1].module = uses_of_pages[i].module;
		if (kernel_origin_page_use(frames, count) !=
		    uses_of_pages[i].use)
			fail_msg("stack %zu, %s: %s", i,
				 uses_of_pages[i].functions[count - 1],
				 page_use_name(kernel_origin_page_use(frames,
								      count)));
	}
}

/* Slab objects: of which caller is for itself, 6.12's names. */
static void test_object_use(void **state)
{
	static const struct {
		const char *functions[STACK_MAX];
		enum page_use use;
	} objects[] = {
		{ { "__kmalloc_cache_node_noprof", "__get_vm_area_node",
		    "__vmalloc_node_range_noprof", "leak_vmalloc" },
		  PAGE_USE_VMALLOC },
		{ { "kmem_cache_alloc_node_noprof", "alloc_vmap_area",
		    "__get_vm_area_node" },
		  PAGE_USE_VMALLOC },
		{ { "__kmalloc_noprof", "pcpu_mem_zalloc",
		    "pcpu_create_chunk" },
		  PAGE_USE_PERCPU },
		{ { "__kmalloc_node_noprof", "alloc_slab_obj_exts",
		    "kmem_cache_alloc_noprof", "alloc_empty_file" },
		  PAGE_USE_SLAB },
		/* 7.2 */
		{ { "__kmalloc_flags_noprof", "__pcs_replace_empty_main",
		    "kmem_cache_alloc_noprof", "alloc_empty_file" },
		  PAGE_USE_SLAB },
		{ { "__kmalloc_noprof", "__alloc_empty_sheaf",
		    "__kfree_rcu_sheaf", "kvfree_call_rcu" },
		  PAGE_USE_SLAB },
		{ { "kmem_cache_alloc_noprof", "alloc_empty_file" },
		  PAGE_USE_NONE },
		/* kvmalloc()'s caller has it. */
		{ { "__kmalloc_node_noprof", "__kvmalloc_node_noprof",
		    "seq_read_iter" },
		  PAGE_USE_NONE },
		/* What is under pages only. */
		{ { "kmem_cache_alloc_noprof", "__filemap_get_folio" },
		  PAGE_USE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		struct frame frames[STACK_MAX] = { 0 };
		size_t count = 0;

		for (; count < STACK_MAX && objects[i].functions[count];
		     count++) {
			frames[count].function = objects[i].functions[count];
			frames[count].module = "vmlinux";
		}
		if (kernel_origin_object_use(frames, count) != objects[i].use)
			fail_msg("object %zu: %s", i,
				 page_use_name(kernel_origin_object_use(
					 frames, count)));
	}
}

static void test_own_frames(void **state)
{
	static const char *const functions[] = {
		"bpf_prog_0123456789abcdef_kmalloc",
		"bpf_trace_run6",
		"__traceiter_kmalloc",
		"kmalloc_trace",
		"bpf_trace_run6",
	};
	frame_vector frames = { 0 };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		vector_push(&frames)->function = functions[i];
	kernel_frames_drop_own(&frames);
	assert_int_equal(frames.count, 2);
	assert_string_equal(frames.items[0].function, "kmalloc_trace");
	vector_free(&frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_uses_cut),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_page_use),
		cmocka_unit_test(test_object_use),
		cmocka_unit_test(test_own_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
